//! Open, high, low, close, volume, for every interval.

use super::interval::Interval;
use super::tape::{Trade, keep};
use engine::number::{MatchNumber, Price};
use engine::terms::Side;
use std::collections::VecDeque;

/// Candles with trades that are kept of an instrument and interval; the oldest goes.
pub const CANDLES_MAX: usize = 1000;
/// The same of one minute: a whole day, for the ticker.
pub const MINUTES_MAX: usize = 1500;

/// What was traded in an interval. Intervals without trades have none; it is drawn from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// Where it begins, ms since 1970 UTC.
    pub open_ms: u64,
    /// First price, in ticks.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Lots.
    pub volume: u128,
    /// Ticks times lots.
    pub notional: i128,
    /// Lots that buyers took.
    pub bought_volume: u128,
    /// Ticks times lots that buyers took.
    pub bought_notional: i128,
    /// Trades.
    pub count: u64,
    /// The first trade; 0 for none.
    pub first: MatchNumber,
    /// The last trade; 0 for none.
    pub last: MatchNumber,
}

impl Candle {
    /// An interval without trades after one that closed at `price`.
    #[must_use]
    pub const fn flat(open_ms: u64, price: Price) -> Self {
        Self {
            open_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0,
            notional: 0,
            bought_volume: 0,
            bought_notional: 0,
            count: 0,
            first: MatchNumber(0),
            last: MatchNumber(0),
        }
    }

    fn new(open_ms: u64, trade: &Trade) -> Self {
        let mut candle = Self::flat(open_ms, trade.price);
        candle.first = trade.number;
        candle.learn(trade);
        candle
    }

    fn learn(&mut self, trade: &Trade) {
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.close = trade.price;
        let volume = u128::from(trade.quantity.0);
        let notional = i128::from(trade.price.0) * i128::from(trade.quantity.0);
        self.volume = self.volume.saturating_add(volume);
        self.notional = self.notional.saturating_add(notional);
        if trade.taker == Side::Buy {
            self.bought_volume = self.bought_volume.saturating_add(volume);
            self.bought_notional = self.bought_notional.saturating_add(notional);
        }
        self.count = self.count.saturating_add(1);
        self.last = trade.number;
    }
}

/// The candles of an instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candles {
    pub(super) series: [VecDeque<Candle>; Interval::COUNT],
}

/// How many candles of an interval are kept.
pub(super) const fn kept(interval: Interval) -> usize {
    if interval.index() == Interval::MINUTE.index() { MINUTES_MAX } else { CANDLES_MAX }
}

impl Candles {
    /// The candles with trades, oldest first.
    #[must_use]
    pub const fn of(&self, interval: Interval) -> &VecDeque<Candle> {
        &self.series[interval.index()]
    }

    /// The candle that holds `time_ms`, be it without trades; `None` before the first trade that is kept.
    #[must_use]
    pub fn at(&self, interval: Interval, time_ms: u64) -> Option<Candle> {
        let series = self.of(interval);
        let open_ms = interval.open_ms(time_ms);
        let above = series.partition_point(|candle| candle.open_ms <= open_ms);
        let candle = series.get(above.checked_sub(1)?)?;
        Some(if candle.open_ms == open_ms { *candle } else { Candle::flat(open_ms, candle.close) })
    }

    pub(super) fn learn(&mut self, trade: &Trade) {
        let time_ms = trade.time.0 / 1_000_000;
        for interval in Interval::all() {
            let series = &mut self.series[interval.index()];
            match series.back_mut() {
                // Time never goes back in the log; where it stands, the candle is the same.
                Some(candle) if time_ms < interval.end_ms(candle.open_ms) => candle.learn(trade),
                _ => keep(series, Candle::new(interval.open_ms(time_ms), trade), kept(interval)),
            }
        }
    }
}
