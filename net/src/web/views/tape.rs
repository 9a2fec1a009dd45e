//! Trades as they were made, and as takers made them: one for each price that an order took.

use engine::number::{MatchNumber, OrderId, Price, Quantity, Timestamp};
use engine::terms::Side;
use std::collections::VecDeque;

/// Trades that are kept of an instrument; the oldest goes.
pub const TRADES_MAX: usize = 4096;
/// Aggregated trades that are kept of an instrument; the oldest goes.
pub const AGGREGATES_MAX: usize = 4096;

/// A trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Its number; rises over the whole venue.
    pub number: MatchNumber,
    /// Ticks.
    pub price: Price,
    /// Lots.
    pub quantity: Quantity,
    /// When it was made.
    pub time: Timestamp,
    /// The side that took.
    pub taker: Side,
}

/// All that one order took at one price, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Counts the aggregated trades of the instrument, from 1.
    pub number: u64,
    /// Number of its first trade.
    pub first: MatchNumber,
    /// Number of its last trade.
    pub last: MatchNumber,
    /// Ticks.
    pub price: Price,
    /// Lots of all.
    pub quantity: Quantity,
    /// When they were made.
    pub time: Timestamp,
    /// The side that took.
    pub taker: Side,
}

/// The last trades of an instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    pub(super) trades: VecDeque<Trade>,
    pub(super) aggregates: VecDeque<Aggregate>,
    /// Aggregated trades so far.
    pub(super) aggregate_last: u64,
    /// What may still go on, and whose it is.
    pub(super) open: Option<(OrderId, Aggregate)>,
}

impl Tape {
    /// The trades that are kept, oldest first.
    pub fn trades(&self) -> impl DoubleEndedIterator<Item = &Trade> + ExactSizeIterator {
        self.trades.iter()
    }

    /// The aggregated trades that are complete, oldest first.
    pub fn aggregates(&self) -> impl DoubleEndedIterator<Item = &Aggregate> + ExactSizeIterator {
        self.aggregates.iter()
    }

    /// Takes in a trade of the order `taker`, which is the order's last if it `ends` it; the aggregated
    /// trades that are complete by it.
    pub(super) fn learn(&mut self, trade: Trade, taker: OrderId, ends: bool) -> [Option<Aggregate>; 2] {
        keep(&mut self.trades, trade, TRADES_MAX);
        let goes_on = self.open.is_some_and(|(order, open)| order == taker && open.price == trade.price);
        let mut complete = [None; 2];
        if !goes_on {
            complete[0] = self.close();
        }
        match &mut self.open {
            Some((_, open)) => {
                open.last = trade.number;
                open.quantity.0 = open.quantity.0.saturating_add(trade.quantity.0);
            }
            none => {
                self.aggregate_last += 1;
                let opened = Aggregate {
                    number: self.aggregate_last,
                    first: trade.number,
                    last: trade.number,
                    price: trade.price,
                    quantity: trade.quantity,
                    time: trade.time,
                    taker: trade.taker,
                };
                *none = Some((taker, opened));
            }
        }
        if ends {
            complete[1] = self.close();
        }
        complete
    }

    /// An event other than a trade tells that `order` has done trading for now.
    #[inline]
    pub(super) fn end_of(&mut self, order: OrderId) -> Option<Aggregate> {
        let (taker, _) = self.open?;
        (taker == order).then(|| self.close()).flatten()
    }

    fn close(&mut self) -> Option<Aggregate> {
        let (_, aggregate) = self.open.take()?;
        keep(&mut self.aggregates, aggregate, AGGREGATES_MAX);
        Some(aggregate)
    }
}

/// Adds to a ring of at most `max`.
pub(super) fn keep<T>(ring: &mut VecDeque<T>, item: T, max: usize) {
    if ring.len() >= max {
        ring.pop_front();
    }
    ring.push_back(item);
}
