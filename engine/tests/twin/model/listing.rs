//! Instruments are listed, changed, halted.

use super::events::{money, setting_event};
use super::operator::{DIGITS_MAX, lowest, next_number, same_name};
use super::{Instrument, Twin};
use bytemuck::checked;
use engine::command::{CommandKind, InstrumentSetting, ListCommand, OperatorCommand};
use engine::event::{EventKind, Header, InstrumentEvent};
use engine::number::{CurrencyId, InstrumentId, Price, Quantity, Text};
use engine::reason::Reject;
use engine::terms::{Matching, Phase};

/// The highest price that a listing may allow.
const PRICE_LIMIT: i128 = i64::MAX as i128 / 4;
/// The highest fee or rebate: 100 %.
const FEE_MAX: i128 = 1_000_000;

fn done_here(phase: Phase) -> bool {
    [Phase::Continuous, Phase::Closed, Phase::Halted, Phase::Suspended, Phase::Delisted].contains(&phase)
}

impl Instrument {
    fn described(command: &ListCommand) -> Self {
        Self {
            number: command.instrument.0,
            symbol: command.symbol,
            matching: command.matching,
            phase: command.phase,
            tick: command.tick,
            tick_digits: command.tick_digits,
            lot: command.lot,
            lot_digits: command.lot_digits,
            signed_prices: command.signed_prices == 1,
            base: command.base.0,
            quote: command.quote.0,
            price_max: command.price_max.0.into(),
            quantity_max: command.quantity_max.0.into(),
            value_max: command.value_max.0.into(),
            collar: command.collar.into(),
            static_band: command.static_band.into(),
            dynamic_band: command.dynamic_band.into(),
            reference: command.reference.0.into(),
            maker_fee: command.maker_fee.into(),
            taker_fee: command.taker_fee.into(),
            revision: 1,
            unit: 0,
            lot_units: 0,
            level_change: 0,
            last_trade: None,
        }
    }

    fn has_sound_values(&self) -> bool {
        let counts = [self.collar, self.static_band, self.dynamic_band];
        let counts_fit = counts.iter().all(|count| (0..=i64::MAX.into()).contains(count));
        let reference_min = if self.signed_prices { -self.price_max } else { 0 };
        let fees = -FEE_MAX..=FEE_MAX;
        counts_fit
            && self.price_max > 0
            && self.price_max <= PRICE_LIMIT
            && self.quantity_max > 0
            && self.value_max >= 0
            && self.reference >= reference_min
            && self.reference <= self.price_max
            && self.tick_digits <= DIGITS_MAX
            && self.lot_digits <= DIGITS_MAX
            && fees.contains(&self.maker_fee)
            && fees.contains(&self.taker_fee)
    }
}

impl Twin {
    pub(crate) fn list(&mut self, command: &ListCommand) {
        let mut instrument = Instrument::described(command);
        if let Err(reason) = self.check_listing(command, &mut instrument) {
            let header = Header {
                instrument: command.instrument,
                reason: reason as u8,
                ..self.header(EventKind::OperatorRejected)
            };
            return self.say(&setting_event(header, CommandKind::ListInstrument, 0, 0));
        }
        let settings = [
            (InstrumentSetting::ValueMax, instrument.value_max),
            (InstrumentSetting::Collar, instrument.collar),
            (InstrumentSetting::StaticBand, instrument.static_band),
            (InstrumentSetting::DynamicBand, instrument.dynamic_band),
            (InstrumentSetting::Reference, instrument.reference),
        ];
        self.instruments.push(instrument);
        self.tell_instrument(command.instrument.0, CommandKind::ListInstrument);
        for (setting, value) in settings.into_iter().filter(|(_, value)| *value != 0) {
            let header = Header { instrument: command.instrument, ..self.header(EventKind::Setting) };
            let value = i64::try_from(value).expect("checked");
            self.say(&setting_event(header, CommandKind::ListInstrument, setting as u8, value));
        }
    }

    fn check_listing(&self, command: &ListCommand, instrument: &mut Instrument) -> Result<(), Reject> {
        let same = |one: &Instrument| {
            one.phase != Phase::Delisted && same_name(one.symbol.as_bytes(), instrument.symbol.as_bytes())
        };
        let taken = self.instruments.iter().any(same);
        let unknown = [instrument.base, instrument.quote].iter().any(|number| self.digits(*number).is_none());
        let unsupported = instrument.matching != Matching::PriceTime || !done_here(instrument.phase);
        let unsound = !instrument.has_sound_values()
            || command.signed_prices > 1
            || instrument.symbol == Text::EMPTY
            || instrument.base == instrument.quote
            || instrument.phase == Phase::Delisted;
        lowest(&[
            next_number(instrument.number, self.instruments.len()),
            (unsupported, Reject::Unsupported),
            (taken, Reject::Exists),
            (unknown, Reject::Unknown),
            (self.scale(instrument).is_none(), Reject::Scale),
            (unsound, Reject::Value),
            (self.instruments.len() >= self.limits.instruments as usize, Reject::Limit),
        ])
    }

    /// Decimal digits of a currency's minor unit.
    fn digits(&self, currency: u16) -> Option<u8> {
        Some(self.currencies.get(usize::from(currency).checked_sub(1)?)?.digits)
    }

    /// One lot at one tick, and one lot, must be whole numbers of minor units, and the largest order at the
    /// highest price must fit 63 bits in both currencies.
    fn scale(&self, one: &mut Instrument) -> Option<()> {
        let power = |digits: u8| 10i128.checked_pow(digits.into());
        let whole = |mantissa: i128, minor: u8, point: u8| {
            let scaled = mantissa.checked_mul(power(minor)?)?;
            let divisor = power(point)?;
            (scaled % divisor == 0 && scaled > 0).then_some(scaled / divisor)
        };
        let lot = i128::from(one.lot);
        let value = i128::from(one.tick).checked_mul(lot)?;
        let point = one.tick_digits.checked_add(one.lot_digits)?;
        one.unit = whole(value, self.digits(one.quote)?, point).filter(|unit| *unit <= i64::MAX.into())?;
        let units = whole(lot, self.digits(one.base)?, one.lot_digits);
        one.lot_units = units.filter(|units| *units <= u32::MAX.into())?;
        let quote = one.price_max.abs().checked_mul(one.quantity_max)?.checked_mul(one.unit)?;
        let base = one.quantity_max.checked_mul(one.lot_units)?;
        (quote <= i64::MAX.into() && base <= i64::MAX.into()).then_some(())
    }

    pub(crate) fn tell_instrument(&mut self, number: u32, cause: CommandKind) {
        let one = self.instrument(number).expect("listed");
        let narrow = |fee: i128| i32::try_from(fee).expect("checked");
        let event = InstrumentEvent {
            header: Header { instrument: InstrumentId(number), ..self.header(EventKind::Instrument) },
            symbol: one.symbol,
            tick: one.tick,
            lot: one.lot,
            price_max: Price(i64::try_from(one.price_max).expect("checked")),
            quantity_max: Quantity(u64::try_from(one.quantity_max).expect("checked")),
            unit: money(one.unit),
            base: CurrencyId(one.base),
            quote: CurrencyId(one.quote),
            tick_digits: one.tick_digits,
            lot_digits: one.lot_digits,
            phase: one.phase,
            matching: one.matching,
            maker_fee: narrow(one.maker_fee),
            taker_fee: narrow(one.taker_fee),
            revision: one.revision,
            cause,
            signed_prices: u8::from(one.signed_prices),
            lot_units: u32::try_from(one.lot_units).expect("checked"),
        };
        self.say(&event);
    }

    pub(crate) fn set_instrument(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        let setting: InstrumentSetting =
            checked::try_cast(command.setting).map_err(|_| Reject::Unsupported)?;
        let number = command.instrument.0;
        let at = self.instruments.iter().position(|one| one.number == number).ok_or(Reject::Unknown)?;
        let empty = !self.orders.iter().any(|order| order.instrument == number);
        let rescales = matches!(setting, InstrumentSetting::Tick | InstrumentSetting::Lot);
        let mut one = self.instruments[at].clone();
        let changed = change(&mut one, setting, command.value);
        lowest(&[
            (one.phase == Phase::Delisted, Reject::Unknown),
            (self.scale(&mut one).is_none(), Reject::Scale),
            (!changed || !one.has_sound_values(), Reject::Value),
            (rescales && !empty, Reject::BookNotEmpty),
        ])?;
        if rescales {
            one.revision = one.revision.checked_add(1).unwrap_or(1);
        }
        self.instruments[at] = one;
        let header = Header { instrument: command.instrument, ..self.header(EventKind::Setting) };
        self.say(&setting_event(header, command.kind, command.setting, command.value));
        let in_event = [
            InstrumentSetting::QuantityMax,
            InstrumentSetting::PriceMax,
            InstrumentSetting::MakerFee,
            InstrumentSetting::TakerFee,
            InstrumentSetting::Tick,
            InstrumentSetting::Lot,
        ];
        if in_event.contains(&setting) {
            self.tell_instrument(number, command.kind);
        }
        Ok(())
    }

    pub(crate) fn set_phase(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        let number = command.instrument.0;
        let busy = self.orders.iter().any(|order| order.instrument == number);
        let unknown = self.instrument(number).is_none_or(|one| one.phase == Phase::Delisted);
        lowest(&[
            (!done_here(command.phase), Reject::Unsupported),
            (unknown, Reject::Unknown),
            (busy && command.phase == Phase::Delisted, Reject::BookNotEmpty),
        ])?;
        self.instruments.iter_mut().find(|one| one.number == number).expect("known").phase = command.phase;
        self.tell_instrument(number, CommandKind::SetPhase);
        Ok(())
    }
}

/// Puts a value into a listing; `false` where its type has no room for it.
fn change(one: &mut Instrument, setting: InstrumentSetting, value: i64) -> bool {
    let (count, fee) = (u64::try_from(value), i32::try_from(value));
    match setting {
        InstrumentSetting::QuantityMax if count.is_ok() => one.quantity_max = value.into(),
        InstrumentSetting::MakerFee if fee.is_ok() => one.maker_fee = value.into(),
        InstrumentSetting::TakerFee if fee.is_ok() => one.taker_fee = value.into(),
        InstrumentSetting::Tick if count.is_ok() => one.tick = count.unwrap_or_default(),
        InstrumentSetting::Lot if count.is_ok() => one.lot = count.unwrap_or_default(),
        InstrumentSetting::PriceMax => one.price_max = value.into(),
        InstrumentSetting::ValueMax => one.value_max = value.into(),
        InstrumentSetting::Collar => one.collar = value.into(),
        InstrumentSetting::StaticBand => one.static_band = value.into(),
        InstrumentSetting::DynamicBand => one.dynamic_band = value.into(),
        InstrumentSetting::Reference => one.reference = value.into(),
        _ => return false,
    }
    true
}
