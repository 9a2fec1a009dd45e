//! One instrument: its listing, its book, its trades.

use super::book::LevelBook;
use super::candles::Candles;
use super::tape::Tape;
use crate::web::text;
use engine::event::InstrumentEvent;
use engine::number::{CurrencyId, InstrumentId, Price, Quantity, Text};
use engine::terms::Phase;

/// What the numbers of an instrument mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Tick size without its point.
    pub tick: u64,
    /// Decimal digits of `tick`.
    pub tick_digits: u8,
    /// Lot size without its point.
    pub lot: u64,
    /// Decimal digits of `lot`.
    pub lot_digits: u8,
    /// Highest price in ticks.
    pub price_max: Price,
    /// Largest quantity in lots.
    pub quantity_max: Quantity,
    /// What is traded.
    pub base: CurrencyId,
    /// What it is paid in.
    pub quote: CurrencyId,
    /// Whether prices may be 0 or negative.
    pub signed_prices: bool,
    /// Counts changes of tick and lot, from 1.
    pub revision: u16,
}

/// An instrument as the web door shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Its number.
    pub id: InstrumentId,
    /// Its symbol.
    pub symbol: Text<16>,
    /// What it is doing.
    pub phase: Phase,
    /// What its numbers mean.
    pub terms: Terms,
    /// Its levels.
    pub book: LevelBook,
    /// Its last trades.
    pub tape: Tape,
    /// Its candles.
    pub candles: Candles,
}

impl Terms {
    fn of(event: &InstrumentEvent) -> Self {
        Self {
            tick: event.tick,
            tick_digits: event.tick_digits,
            lot: event.lot,
            lot_digits: event.lot_digits,
            price_max: event.price_max,
            quantity_max: event.quantity_max,
            base: event.base,
            quote: event.quote,
            signed_prices: event.signed_prices != 0,
            revision: event.revision,
        }
    }

    /// Appends a price as decimal text.
    pub fn price(&self, out: &mut String, price: Price) {
        text::decimal(out, i128::from(price.0) * i128::from(self.tick), self.tick_digits);
    }

    /// Appends a quantity as decimal text.
    pub fn quantity(&self, out: &mut String, quantity: Quantity) {
        self.volume(out, u128::from(quantity.0));
    }

    /// Appends a sum of lots as decimal text.
    pub fn volume(&self, out: &mut String, lots: u128) {
        let lots = i128::try_from(lots).unwrap_or(i128::MAX);
        text::decimal(out, lots.saturating_mul(i128::from(self.lot)), self.lot_digits);
    }

    /// Appends a sum of ticks times lots as decimal text, without zeros at its end.
    pub fn notional(&self, out: &mut String, notional: i128) {
        let unit = i128::from(self.tick) * i128::from(self.lot);
        let (mut mantissa, mut digits) = (notional.saturating_mul(unit), self.tick_digits + self.lot_digits);
        while digits > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            digits -= 1;
        }
        text::decimal(out, mantissa, digits);
    }
}

impl Market {
    pub(super) fn new(event: &InstrumentEvent) -> Self {
        Self {
            id: event.header.instrument,
            symbol: event.symbol,
            phase: event.phase,
            terms: Terms::of(event),
            book: LevelBook::default(),
            tape: Tape::default(),
            candles: Candles::default(),
        }
    }

    /// Takes in what the event says. With another tick or lot the old trades count in other units: a new
    /// history begins.
    pub(super) fn learn(&mut self, event: &InstrumentEvent) {
        let terms = Terms::of(event);
        if terms.revision != self.terms.revision {
            let aggregate_last = self.tape.aggregate_last;
            self.tape = Tape { aggregate_last, ..Tape::default() };
            self.candles = Candles::default();
        }
        self.phase = event.phase;
        self.terms = terms;
    }
}
