//! What the web door shows: books of levels, trades, candles and listings, as released events tell them.
//!
//! A pure value: the same events make the same views, and their bytes. It needs no map of orders, because
//! every event that changes a level carries the level's new state. `docs/formats.md` has the byte table.

mod book;
mod candles;
mod codec;
mod interval;
mod market;
mod tape;
#[cfg(test)]
pub(super) mod tests;
mod ticker;

pub use book::{Level, LevelBook};
pub use candles::{CANDLES_MAX, Candle, Candles, MINUTES_MAX};
pub use codec::ViewsError;
pub use interval::Interval;
pub use market::{Market, Terms};
pub use tape::{AGGREGATES_MAX, Aggregate, TRADES_MAX, Tape, Trade};
pub use ticker::Ticker;

use engine::event::{
    Event, EventKind, EventRecord, Flags, Header, InstrumentEvent, NamedEvent, OrderFields, ReportEvent,
};
use engine::number::{CurrencyId, InstrumentId, Price, Text, Timestamp};
use engine::terms::Side;
use journal::event_log::Address;
use std::collections::BTreeMap;

/// A currency, as listings name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    /// Its name.
    pub name: Text<16>,
    /// Decimal digits of its minor unit.
    pub digits: u8,
}

/// What an event changed in the views.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// The instrument; 0 where it concerned none.
    pub instrument: InstrumentId,
    /// A displayed level that is another now.
    pub level: Option<(Side, Price)>,
    /// A trade.
    pub trade: Option<Trade>,
    /// Aggregated trades that are complete with this event.
    pub aggregates: [Option<Aggregate>; 2],
    /// The instrument is new, or its terms changed.
    pub listing: bool,
}

/// All markets of the venue as its released events tell them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketViews {
    markets: Vec<Option<Market>>,
    currencies: Vec<Option<Currency>>,
    /// Symbols in capitals: names are unique whatever their case.
    symbols: BTreeMap<Vec<u8>, InstrumentId>,
    last: Address,
    time: Timestamp,
}

impl MarketViews {
    /// Views of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last event that was taken in.
    #[must_use]
    pub const fn last(&self) -> Address {
        self.last
    }

    /// The engine's clock at that event.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The market of this number.
    #[must_use]
    #[inline]
    pub fn market(&self, id: InstrumentId) -> Option<&Market> {
        self.markets.get(id.0 as usize)?.as_ref()
    }

    /// The market of this symbol, whatever its case.
    #[must_use]
    pub fn market_of(&self, symbol: &str) -> Option<&Market> {
        self.market(*self.symbols.get(&symbol.as_bytes().to_ascii_uppercase())?)
    }

    /// All markets by number.
    pub fn markets(&self) -> impl Iterator<Item = &Market> {
        self.markets.iter().flatten()
    }

    /// The currency of this number.
    #[must_use]
    pub fn currency(&self, id: CurrencyId) -> Option<&Currency> {
        self.currencies.get(usize::from(id.0))?.as_ref()
    }

    /// Takes in an event, in the order of the log, and tells what it changed. Bytes that are no event, and
    /// events of instruments that were never listed, change nothing.
    pub fn learn(&mut self, record: &EventRecord) -> Change {
        self.last = Address::of(record);
        let Ok(event) = record.view() else { return Change::default() };
        match event {
            Event::Accepted(event) => self.learn_order(&event.header, &event.order, None),
            Event::Report(event) => self.learn_order(&event.header, &event.order, Some(event)),
            Event::Level(event) if event.header.kind == EventKind::Level => {
                self.learn_order(&event.header, &event.order, None)
            }
            Event::Instrument(event) => self.learn_instrument(event),
            Event::Named(event) if event.header.kind == EventKind::CurrencyAdded => {
                self.learn_currency(event)
            }
            Event::Named(_)
            | Event::Level(_)
            | Event::Detail(_)
            | Event::Session(_)
            | Event::SessionAdded(_)
            | Event::Setting(_)
            | Event::Balance(_)
            | Event::Note(_) => Change::default(),
        }
    }

    #[inline]
    fn learn_order(&mut self, header: &Header, order: &OrderFields, report: Option<&ReportEvent>) -> Change {
        self.time = header.time;
        let Some(Some(market)) = self.markets.get_mut(header.instrument.0 as usize) else {
            return Change::default();
        };
        let mut change = Change { instrument: header.instrument, ..Change::default() };
        if header.flags.contains(Flags::LEVEL) {
            let level = Level { quantity: order.level_quantity, orders: order.level_orders };
            market.book.set(header.side, order.price, level, order.level_change);
            change.level = Some((header.side, order.price));
        }
        match report {
            Some(report) if header.kind == EventKind::Executed && header.flags.contains(Flags::TAKER) => {
                let trade = Trade {
                    number: report.match_number,
                    price: order.price,
                    quantity: order.quantity,
                    time: header.time,
                    taker: header.side,
                };
                let ends = header.flags.contains(Flags::FINAL);
                change.aggregates = market.tape.learn(trade, header.order, ends);
                market.candles.learn(&trade);
                change.trade = Some(trade);
            }
            _ => change.aggregates[0] = market.tape.end_of(header.order),
        }
        change
    }

    fn learn_instrument(&mut self, event: &InstrumentEvent) -> Change {
        self.time = event.header.time;
        let id = event.header.instrument;
        let index = id.0 as usize;
        if self.markets.len() <= index {
            self.markets.resize_with(index + 1, || None);
        }
        match &mut self.markets[index] {
            Some(market) => market.learn(event),
            none => {
                *none = Some(Market::new(event));
                self.symbols.insert(event.symbol.as_bytes().to_ascii_uppercase(), id);
            }
        }
        Change { instrument: id, listing: true, ..Change::default() }
    }

    fn learn_currency(&mut self, event: &NamedEvent) -> Change {
        let index = usize::from(event.currency.0);
        if self.currencies.len() <= index {
            self.currencies.resize(index + 1, None);
        }
        self.currencies[index] = Some(Currency { name: event.name, digits: event.digits });
        Change::default()
    }
}
