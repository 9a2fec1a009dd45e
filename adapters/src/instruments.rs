//! What the events have said about instruments so far.

use engine::decimal::Decimal;
use engine::event::{Event, EventRecord};
use engine::number::{InstrumentId, Price, Quantity, Text};
use std::collections::BTreeMap;

/// How an instrument's ticks and lots become decimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Its symbol.
    pub symbol: Text<16>,
    /// Tick size without its point.
    pub tick: u64,
    /// Decimal digits of `tick`.
    pub tick_digits: u8,
    /// Lot size without its point.
    pub lot: u64,
    /// Decimal digits of `lot`.
    pub lot_digits: u8,
}

impl Scale {
    /// A price as a decimal number.
    #[must_use]
    pub fn price(&self, price: Price) -> Decimal {
        Decimal { mantissa: i128::from(price.0) * i128::from(self.tick), digits: self.tick_digits }
    }

    /// A quantity as a decimal number.
    #[must_use]
    pub fn quantity(&self, quantity: Quantity) -> Decimal {
        Decimal { mantissa: i128::from(quantity.0) * i128::from(self.lot), digits: self.lot_digits }
    }
}

/// The scales of all instruments, as of the last event that was observed.
#[derive(Clone, Debug, Default)]
pub struct Instruments(BTreeMap<InstrumentId, Scale>);

impl Instruments {
    /// Takes note of an Instrument event; every other event is passed.
    pub fn observe(&mut self, event: &EventRecord) {
        if let Ok(Event::Instrument(listed)) = event.view() {
            let scale = Scale {
                symbol: listed.symbol,
                tick: listed.tick,
                tick_digits: listed.tick_digits,
                lot: listed.lot,
                lot_digits: listed.lot_digits,
            };
            self.0.insert(listed.header.instrument, scale);
        }
    }

    /// The scale of an instrument, once an event has told it.
    #[must_use]
    pub fn get(&self, instrument: InstrumentId) -> Option<&Scale> {
        self.0.get(&instrument)
    }
}
