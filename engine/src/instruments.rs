//! What is traded, and on what terms.

use crate::book::Book;
use crate::number::{CurrencyId, InstrumentId, Text};
use crate::terms::{Matching, Phase, Side};
use crate::view::InstrumentView;

/// Highest fee or rebate: 100 %, so that a seller's proceeds always cover the fee.
pub(crate) const FEE_MAX: i32 = 1_000_000;
/// Highest `price_max`: keeps keys of levels and sums of a price and a collar within 64 bits.
pub(crate) const PRICE_LIMIT: i64 = i64::MAX / 4;
/// Most decimal digits of a tick, lot or currency.
pub(crate) const DIGITS_MAX: u8 = 18;

/// A currency, asset or contract unit.
#[derive(Clone, Copy)]
pub(crate) struct Currency {
    pub(crate) name: Text<16>,
    pub(crate) digits: u8,
}

/// What the operator set.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) symbol: Text<16>,
    pub(crate) tick: u64,
    pub(crate) lot: u64,
    pub(crate) price_max: i64,
    pub(crate) quantity_max: u64,
    /// 0: no limit.
    pub(crate) value_max: i64,
    pub(crate) collar: i64,
    /// 0: no band.
    pub(crate) static_band: i64,
    /// 0: no band.
    pub(crate) dynamic_band: i64,
    /// 0: none.
    pub(crate) reference: i64,
    /// Minor units of the quote currency for one lot at one tick.
    pub(crate) unit: i64,
    /// Minor units of the base currency in one lot.
    pub(crate) lot_units: u32,
    pub(crate) maker_fee: i32,
    pub(crate) taker_fee: i32,
    pub(crate) base: CurrencyId,
    pub(crate) quote: CurrencyId,
    pub(crate) revision: u16,
    pub(crate) tick_digits: u8,
    pub(crate) lot_digits: u8,
    pub(crate) phase: Phase,
    pub(crate) matching: Matching,
    pub(crate) signed_prices: bool,
    /// Worked out: the highest price that needs no further look, 0 where each price needs one.
    pub(crate) ordinary_max: u64,
    /// Worked out: it has a value limit or a band.
    pub(crate) bounded: bool,
}

impl Listing {
    pub(crate) const fn price_min(&self) -> i64 {
        if self.signed_prices { -self.price_max } else { 1 }
    }

    #[inline(always)]
    pub(crate) const fn has_fees(&self) -> bool {
        self.maker_fee | self.taker_fee != 0
    }

    /// The currency that an order of this side holds.
    #[inline(always)]
    pub(crate) const fn held(&self, side: Side) -> CurrencyId {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }

    /// What lots are worth at a price, in minor units of the quote currency.
    pub(crate) const fn notional(&self, price: i64, lots: u64) -> i128 {
        price as i128 * lots as i128 * self.unit as i128
    }

    /// The price that a buy may not be above, or a sell below, for the bands.
    pub(crate) fn band(&self, side: Side, last_trade: Option<i64>) -> Option<i64> {
        let around = |center: i64, band: i64| match side {
            Side::Buy => center.saturating_add(band),
            Side::Sell => center.saturating_sub(band),
        };
        let fixed =
            (self.static_band != 0 && self.reference != 0).then(|| around(self.reference, self.static_band));
        let dynamic =
            last_trade.filter(|_| self.dynamic_band != 0).map(|last| around(last, self.dynamic_band));
        match (fixed, dynamic) {
            (Some(one), Some(other)) => Some(nearer(side, one, other)),
            (one, other) => one.or(other),
        }
    }

    /// Works out what a tick of a lot is worth; `false` where that is no whole number of minor units
    /// or does not fit.
    pub(crate) fn scale(&mut self, base: &Currency, quote: &Currency) -> bool {
        let whole = |value: u128, digits: u8, point: u32| {
            let scaled = value.checked_mul(10u128.checked_pow(u32::from(digits))?)?;
            let divisor = 10u128.checked_pow(point)?;
            (scaled % divisor == 0).then_some(scaled / divisor)
        };
        let point = u32::from(self.tick_digits) + u32::from(self.lot_digits);
        let unit = whole(u128::from(self.tick) * u128::from(self.lot), quote.digits, point);
        let lot_units = whole(u128::from(self.lot), base.digits, u32::from(self.lot_digits));
        let (Some(unit), Some(lot_units)) = (unit, lot_units) else { return false };
        let (Ok(unit), Ok(lot_units)) = (i64::try_from(unit), u32::try_from(lot_units)) else { return false };
        self.unit = unit;
        self.lot_units = lot_units;
        unit > 0 && lot_units > 0 && self.fits()
    }

    /// Whether every value is one that its setting allows.
    pub(crate) fn is_sound(&self) -> bool {
        let fees = -FEE_MAX..=FEE_MAX;
        let lowest_reference = if self.signed_prices { -self.price_max.max(0) } else { 0 };
        (1..=PRICE_LIMIT).contains(&self.price_max)
            && self.quantity_max > 0
            && self.value_max >= 0
            && self.collar >= 0
            && self.static_band >= 0
            && self.dynamic_band >= 0
            && (lowest_reference..=self.price_max).contains(&self.reference)
            && self.tick_digits <= DIGITS_MAX
            && self.lot_digits <= DIGITS_MAX
            && fees.contains(&self.maker_fee)
            && fees.contains(&self.taker_fee)
    }

    /// Whether the largest order at the highest price can be counted, in either currency.
    pub(crate) fn fits(&self) -> bool {
        let value = u128::from(self.price_max.unsigned_abs()) * u128::from(self.quantity_max);
        let value = value.checked_mul(u128::from(self.unit.unsigned_abs()));
        let base = u128::from(self.quantity_max) * u128::from(self.lot_units);
        value.is_some_and(|value| value <= i64::MAX as u128) && base <= i64::MAX as u128
    }
}

/// The tighter of two limits.
pub(crate) fn nearer(side: Side, one: i64, other: i64) -> i64 {
    match side {
        Side::Buy => one.min(other),
        Side::Sell => one.max(other),
    }
}

/// A listed instrument.
pub(crate) struct Instrument {
    pub(crate) book: Book,
    pub(crate) listing: Listing,
}

impl Instrument {
    pub(crate) const fn view(&self, instrument: InstrumentId) -> InstrumentView {
        let listing = &self.listing;
        InstrumentView {
            instrument,
            symbol: listing.symbol,
            base: listing.base,
            quote: listing.quote,
            phase: listing.phase,
            matching: listing.matching,
            tick: listing.tick,
            tick_digits: listing.tick_digits,
            lot: listing.lot,
            lot_digits: listing.lot_digits,
            unit: listing.unit,
            lot_units: listing.lot_units,
            revision: listing.revision,
            level_change: self.book.level_change,
            last_trade: self.book.last_trade(),
        }
    }
}
