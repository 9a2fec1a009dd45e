//! What an operator lists and changes of an instrument: held to the same bounds as the configuration's
//! seed, because every door must be able to carry it.

use super::orders::{currency, instrument, named, operator};
use super::refusal::{Code, Refusal};
use super::request::{InstrumentSettingName, Listing};
use super::view::View;
use crate::config::{CurrencySeed, InstrumentSeed, WIRE_PRICE_DIGITS, WIRE_PRICE_MAX, WIRE_QUANTITY_MAX};
use engine::command::{CommandKind, CommandSlot};
use engine::decimal::Decimal;
use engine::event::InstrumentEvent;
use engine::number::{InstrumentId, Price, Text, Timestamp};

/// ListInstrument.
pub(super) fn list_instrument(view: &View, listing: &Listing) -> Result<CommandSlot, Refusal> {
    let number = |what: &str, value: &str| {
        let written =
            Decimal::parse(value).map_err(|error| Refusal::value(format!("{what} {value:?}: {error}")))?;
        let plain = written.trimmed().to_string();
        plain.parse().map_err(|error| Refusal::value(format!("{what} {value:?}: {error}")))
    };
    currency(view, &listing.base)?;
    currency(view, &listing.quote)?;
    let symbol: Text<8> = named("symbol", &listing.symbol)?;
    let seed = InstrumentSeed {
        symbol: Text::new(symbol.as_str()).unwrap_or_default(),
        base: named("base", &listing.base)?,
        quote: named("quote", &listing.quote)?,
        tick: number("tick", &listing.tick)?,
        lot: number("lot", &listing.lot)?,
        price_max: number("price-max", &listing.price_max)?,
        quantity_max: number("quantity-max", &listing.quantity_max)?,
        ..InstrumentSeed::default()
    };
    // Currencies are numbered from 1 without a hole.
    let currencies: Vec<CurrencySeed> = view
        .currencies
        .values()
        .map(|terms| CurrencySeed { name: terms.name, digits: terms.digits })
        .collect();
    let next = InstrumentId(view.instruments.last_key_value().map_or(0, |(id, _)| *id) + 1);
    let mut command = seed.listing(next, &currencies, Timestamp(0)).map_err(|(key, message)| {
        let code = if key == "lot" { Code::Scale } else { Code::Value };
        Refusal::new(code, format!("instrument {symbol}: {}: {message}", key.replace('_', "-")))
    })?;
    command.collar = listing.collar;
    command.maker_fee = listing.maker_fee;
    command.taker_fee = listing.taker_fee;
    Ok(CommandSlot::new(&command))
}

/// SetInstrument.
pub(super) fn set_instrument(
    view: &View,
    symbol: &str,
    setting: InstrumentSettingName,
    value: i64,
) -> Result<CommandSlot, Refusal> {
    let mut command = operator(CommandKind::SetInstrument);
    command.instrument = instrument(view, symbol)?;
    command.setting = setting.value() as u8;
    command.value = value;
    if let Some(terms) = view.instruments.get(&command.instrument.0)
        && let Some(most) = carried_most(terms, setting).filter(|&most| i128::from(value) > most)
    {
        return Err(Refusal::value(format!(
            "instrument {symbol}: {value}: OUCH and ITCH carry prices below 429496.7295 and 4294967295 lots, so that \
             the most here is {most}; take that or less"
        )));
    }
    Ok(CommandSlot::new(&command))
}

/// The most that a setting may be for OUCH and ITCH to carry every order; `None` where it does not matter.
fn carried_most(terms: &InstrumentEvent, setting: InstrumentSettingName) -> Option<i128> {
    let point = 10i128.pow(u32::from(terms.tick_digits));
    // Highest price on the wire, in units of the tick's last digit.
    let highest = i128::from(WIRE_PRICE_MAX) * point / 10i128.pow(u32::from(WIRE_PRICE_DIGITS));
    match setting {
        InstrumentSettingName::PriceMax => Some(highest / i128::from(terms.tick.max(1))),
        InstrumentSettingName::Tick => Some(highest / i128::from(terms.price_max.max(Price(1)).0)),
        InstrumentSettingName::QuantityMax => Some(i128::from(WIRE_QUANTITY_MAX)),
        _ => None,
    }
}
