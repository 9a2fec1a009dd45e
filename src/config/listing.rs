//! From an instrument in decimal numbers to the whole ticks, lots and minor units that the engine counts in.

use super::decimal::Decimal;
use super::seed::{CurrencySeed, InstrumentSeed};
use engine::command::{CommandKind, ListCommand};
use engine::number::{CurrencyId, InstrumentId, Money, Price, Quantity, Timestamp};
use engine::terms::{Matching, Phase};

/// Prices in OUCH and ITCH have this many decimals.
pub(crate) const WIRE_PRICE_DIGITS: u8 = 4;
/// The highest price that ITCH carries, in ten-thousandths; the highest value itself means "market".
pub(crate) const WIRE_PRICE_MAX: i64 = u32::MAX as i64 - 1;
/// The largest quantity that OUCH and ITCH carry, in lots.
pub(crate) const WIRE_QUANTITY_MAX: i64 = u32::MAX as i64;
/// Hundredths of a basis point: decimals of a fee.
const FEE_DIGITS: u8 = 2;

/// What is wrong with one key of an instrument.
pub(super) type Wrong = (&'static str, String);

/// The place of a name in the list of currencies.
pub(crate) fn currency<'a>(
    currencies: &'a [CurrencySeed],
    name: &str,
) -> Option<(CurrencyId, &'a CurrencySeed)> {
    let index = currencies.iter().position(|currency| currency.name.as_str() == name)?;
    Some((CurrencyId(u16::try_from(index + 1).ok()?), &currencies[index]))
}

impl InstrumentSeed {
    /// The command that lists this instrument as number `instrument`.
    ///
    /// # Errors
    /// The first key whose value cannot be counted in ticks, lots and minor units, or does not fit a door.
    pub(crate) fn listing(
        &self,
        instrument: InstrumentId,
        currencies: &[CurrencySeed],
        time: Timestamp,
    ) -> Result<ListCommand, Wrong> {
        let unknown = |key, name| (key, format!("{name} is none of seed.currencies: add it there"));
        let (base, base_seed) =
            currency(currencies, self.base.as_str()).ok_or_else(|| unknown("base", self.base))?;
        let (quote, quote_seed) =
            currency(currencies, self.quote.as_str()).ok_or_else(|| unknown("quote", self.quote))?;
        let (tick, tick_digits) = self.tick()?;
        let (lot, lot_digits) = self.lot(base_seed, quote_seed)?;

        let mut list = ListCommand::blank(CommandKind::ListInstrument, time);
        list.instrument = instrument;
        list.symbol = self.symbol;
        list.base = base;
        list.quote = quote;
        list.matching = Matching::PriceTime;
        list.phase = Phase::Continuous;
        list.signed_prices = u8::from(self.signed_prices);
        list.tick = tick;
        list.tick_digits = tick_digits;
        list.lot = lot;
        list.lot_digits = lot_digits;
        list.price_max = Price(self.price_max()?);
        list.quantity_max = Quantity(self.quantity_max()?.unsigned_abs());
        list.value_max = Money(self.value_max(quote_seed)?);
        list.collar = self.ticks("collar", self.collar)?.unsigned_abs();
        list.static_band = self.ticks("static_band", self.static_band)?.unsigned_abs();
        list.dynamic_band = self.ticks("dynamic_band", self.dynamic_band)?.unsigned_abs();
        list.reference = Price(self.ticks("reference", self.reference)?);
        list.maker_fee = fee("maker_fee", self.maker_fee)?;
        list.taker_fee = fee("taker_fee", self.taker_fee)?;
        Ok(list)
    }

    fn tick(&self) -> Result<(u64, u8), Wrong> {
        let carried = self.tick.in_units_of_digits(WIRE_PRICE_DIGITS).is_some();
        self.tick.step().filter(|_| carried).ok_or_else(|| {
            ("tick", format!("{} is no step that OUCH carries: above 0, at most four decimals", self.tick))
        })
    }

    fn lot(&self, base: &CurrencySeed, quote: &CurrencySeed) -> Result<(u64, u8), Wrong> {
        let base_units = self.lot.in_units_of_digits(base.digits).unwrap_or_default();
        let countable = base_units > 0 && u32::try_from(base_units).is_ok();
        let step = self.lot.step().filter(|_| countable).ok_or_else(|| {
            let message = format!(
                "{} is not from 1 to 4294967295 whole smallest amounts of {}, which has {} digits",
                self.lot, base.name, base.digits
            );
            ("lot", message)
        })?;
        let unit = self.tick.times(self.lot).and_then(|unit| unit.in_units_of_digits(quote.digits));
        unit.map(|_| step).ok_or_else(|| {
            let message = format!(
                "tick {} × lot {} is not a whole number of the smallest amount of {quote}, which has {} digits: \
                 make one of the steps larger or give {quote} more digits",
                self.tick,
                self.lot,
                quote.digits,
                quote = quote.name
            );
            ("lot", message)
        })
    }

    fn price_max(&self) -> Result<i64, Wrong> {
        let ticks = self.ticks("price_max", self.price_max)?;
        let fits =
            self.price_max.in_units_of_digits(WIRE_PRICE_DIGITS).is_some_and(|wire| wire <= WIRE_PRICE_MAX);
        if ticks > 0 && fits {
            return Ok(ticks);
        }
        Err((
            "price_max",
            format!("{} is not above 0 and below 429496.7295, which ITCH carries", self.price_max),
        ))
    }

    fn quantity_max(&self) -> Result<i64, Wrong> {
        let lots = self.quantity_max.in_units_of(self.lot).unwrap_or_default();
        if (1..=WIRE_QUANTITY_MAX).contains(&lots) {
            return Ok(lots);
        }
        let message = format!(
            "{} is not from 1 to 4294967295 whole lots of {}, which OUCH carries",
            self.quantity_max, self.lot
        );
        Err(("quantity_max", message))
    }

    fn value_max(&self, quote: &CurrencySeed) -> Result<i64, Wrong> {
        let minor_units = self.value_max.in_units_of_digits(quote.digits).filter(|&units| units >= 0);
        minor_units.ok_or_else(|| {
            let message = format!(
                "{} is no amount of {}, which has {} digits",
                self.value_max, quote.name, quote.digits
            );
            ("value_max", message)
        })
    }

    /// `value` in ticks; below 0 only where prices may be.
    fn ticks(&self, key: &'static str, value: Decimal) -> Result<i64, Wrong> {
        let signed = self.signed_prices && key == "reference";
        value.in_units_of(self.tick).filter(|&ticks| signed || ticks >= 0).ok_or_else(|| {
            (key, format!("{value} is not a whole number of ticks of {}, 0 or above", self.tick))
        })
    }
}

fn fee(key: &'static str, value: Decimal) -> Result<i32, Wrong> {
    /// A hundred per cent, in hundredths of a basis point.
    const FEE_MAX: i64 = 1_000_000;
    let hundredths = value.in_units_of_digits(FEE_DIGITS).filter(|fee| (-FEE_MAX..=FEE_MAX).contains(fee));
    hundredths.and_then(|fee| i32::try_from(fee).ok()).ok_or_else(|| {
        (key, format!("{value} is no number of basis points with at most two decimals and below 10000"))
    })
}
