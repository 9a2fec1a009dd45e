//! A command as named values: names for what is enumerated, ticks and lots as they are stored, and decimals
//! beside them where the instrument's scale is known. Passwords' hashes are left out.

use adapters::{Instruments, Scale, condition_names};
use engine::command::{
    AccountSetting, AddSessionCommand, Command, CommandKind, CommandSlot, InstrumentSetting, ListCommand,
    OperatorCommand, OrderCommand, SessionCommand, SessionSetting,
};
use engine::number::{Price, Quantity};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The values of a command, `kind` first. Every command of a kind has the same names.
pub(super) fn fields(slot: &CommandSlot, instruments: &Instruments) -> Map<String, Value> {
    let value = match slot.view() {
        Ok(Command::Order(command)) => order(command, instruments),
        Ok(Command::Session(command)) => session(command),
        Ok(Command::Note(note)) => {
            json!({"kind": "Note", "who": note.who.as_str(), "why": note.why.as_str()})
        }
        Ok(Command::Operator(command)) => operator(command, instruments),
        Ok(Command::List(command)) => listing(command),
        Ok(Command::AddSession(command)) => added(command),
        Err(malformed) => json!({"kind": "Malformed", "kind_number": malformed.kind}),
    };
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn name(value: impl std::fmt::Debug) -> Value {
    Value::String(format!("{value:?}"))
}

fn price(scale: Option<&Scale>, ticks: Price) -> Value {
    scale.map_or(Value::Null, |scale| scale.price(ticks).to_string().into())
}

fn quantity(scale: Option<&Scale>, lots: Quantity) -> Value {
    scale.map_or(Value::Null, |scale| scale.quantity(lots).to_string().into())
}

fn symbol(scale: Option<&Scale>) -> Value {
    scale.map_or(Value::Null, |scale| scale.symbol.as_str().into())
}

fn order(command: &OrderCommand, instruments: &Instruments) -> Value {
    let scale = instruments.get(command.instrument);
    let OrderCommand { kind, session, target, user_ref, .. } = command;
    match kind {
        CommandKind::Query => json!({"kind": "Query", "session": session.0}),
        CommandKind::Cancel => json!({"kind": "Cancel", "session": session.0, "target": target.0}),
        CommandKind::Reduce => json!({"kind": "Reduce", "session": session.0, "target": target.0,
            "side": name(command.side), "quantity_lots": command.quantity.0,
            "conditions": condition_names(command.conditions).collect::<Vec<_>>()}),
        _ => json!({"kind": name(kind), "session": session.0, "account": command.account.0,
            "instrument": command.instrument.0, "symbol": symbol(scale), "user_ref": user_ref.0, "target": target.0,
            "side": name(command.side), "price_ticks": command.price.0, "price": price(scale, command.price),
            "quantity_lots": command.quantity.0, "quantity": quantity(scale, command.quantity),
            "order_type": name(command.order_type), "time_in_force": name(command.time_in_force),
            "self_trade": name(command.self_trade),
            "conditions": condition_names(command.conditions).collect::<Vec<_>>(),
            "capacity": char::from(command.capacity).to_string().trim_matches('\0'), "firm": command.firm.as_str(),
            "group": command.group, "client_id": command.client_id.as_str(), "door": command.door,
            "door_reject": name(command.door_reject), "revision": command.revision, "list": command.list,
            "list_role": command.list_role, "trigger_ticks": command.trigger, "expires_ns": command.expires.0,
            "floor_lots": command.floor.0}),
    }
}

fn session(command: &SessionCommand) -> Value {
    let SessionCommand { kind, session, connection, from_report, date, .. } = command;
    match kind {
        CommandKind::NewDay => json!({"kind": "NewDay", "date": date}),
        CommandKind::LogIn => json!({"kind": "LogIn", "session": session.0, "connection": connection,
            "from_report": from_report}),
        CommandKind::LogOut | CommandKind::SessionLost => {
            json!({"kind": name(kind), "session": session.0, "connection": connection})
        }
        _ => json!({"kind": name(kind)}),
    }
}

fn operator(command: &OperatorCommand, instruments: &Instruments) -> Value {
    let OperatorCommand { kind, currency, instrument, account, session, value, .. } = command;
    let symbol = symbol(instruments.get(*instrument));
    match kind {
        CommandKind::AddCurrency => json!({"kind": "AddCurrency", "currency": currency.0,
            "name": command.name.as_str(), "digits": command.filter}),
        CommandKind::SetInstrument => {
            json!({"kind": "SetInstrument", "instrument": instrument.0, "symbol": symbol,
            "setting": setting::<InstrumentSetting>(command.setting), "value": value})
        }
        CommandKind::SetPhase => json!({"kind": "SetPhase", "instrument": instrument.0, "symbol": symbol,
            "phase": name(command.phase)}),
        CommandKind::AddAccount => {
            json!({"kind": "AddAccount", "account": account.0, "name": command.name.as_str(),
            "mode": name(command.mode), "owner_group": command.owner_group})
        }
        CommandKind::SetAccount => json!({"kind": "SetAccount", "account": account.0,
            "setting": setting::<AccountSetting>(command.setting), "value": value}),
        CommandKind::Deposit => json!({"kind": "Deposit", "account": account.0, "currency": currency.0,
            "minor_units": value}),
        CommandKind::SetSession => json!({"kind": "SetSession", "session": session.0,
            "setting": setting::<SessionSetting>(command.setting), "value": value}),
        CommandKind::MassCancel | CommandKind::Kill => json!({"kind": name(kind), "session": session.0,
            "account": account.0, "instrument": instrument.0, "symbol": symbol,
            "side": match command.filter { 1 => json!("Buy"), 2 => json!("Sell"), _ => Value::Null }}),
        CommandKind::SetRules => json!({"kind": "SetRules", "version": value}),
        _ => json!({"kind": name(kind), "instrument": instrument.0, "symbol": symbol,
            "match_number": command.match_number, "orders": command.orders.map(|order| order.0),
            "price_ticks": command.price.0, "quantity_lots": command.quantity.0}),
    }
}

/// A setting by its name, or its number where this version has none for it.
fn setting<T: bytemuck::CheckedBitPattern + std::fmt::Debug>(number: u8) -> Value {
    bytemuck::checked::try_pod_read_unaligned::<T>(&[number]).map_or_else(|_| number.into(), name)
}

fn listing(command: &ListCommand) -> Value {
    let ListCommand { symbol, tick, lot, tick_digits, lot_digits, .. } = *command;
    let scale = Scale { symbol, tick, tick_digits, lot, lot_digits };
    json!({"kind": "ListInstrument", "instrument": command.instrument.0, "symbol": symbol.as_str(),
        "base": command.base.0, "quote": command.quote.0, "tick": scale.price(Price(1)).to_string(),
        "lot": scale.quantity(Quantity(1)).to_string(), "phase": name(command.phase),
        "matching": name(command.matching), "price_max_ticks": command.price_max.0,
        "price_max": price(Some(&scale), command.price_max), "quantity_max_lots": command.quantity_max.0,
        "quantity_max": quantity(Some(&scale), command.quantity_max), "value_max": command.value_max.0,
        "collar_ticks": command.collar, "static_band_ticks": command.static_band,
        "dynamic_band_ticks": command.dynamic_band, "reference_ticks": command.reference.0,
        "maker_fee": command.maker_fee, "taker_fee": command.taker_fee,
        "signed_prices": command.signed_prices == 1})
}

fn added(command: &AddSessionCommand) -> Value {
    json!({"kind": "AddSession", "session": command.session.0, "name": command.name.as_str(),
        "account": command.account.0, "role": name(command.role), "self_trade": name(command.self_trade),
        "cancel_on_disconnect": command.cancel_on_disconnect == 1, "rate": command.rate,
        "cancel_rate": command.cancel_rate, "burst": command.burst})
}

/// The values for people: what is nothing is left out.
pub(super) fn text(fields: &Map<String, Value>) -> String {
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
    let mut line = format!("{kind:<15}");
    for (name, value) in fields.iter().filter(|(name, value)| *name != "kind" && !is_nothing(value)) {
        let shown = match value {
            Value::String(text) => text.clone(),
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        // Writing to a String cannot fail.
        let _ = write!(line, " {name}={shown}");
    }
    line
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::number::Timestamp;

    #[test]
    fn a_command_is_told_by_names() {
        let mut command = OperatorCommand::blank(CommandKind::SetSession, Timestamp(1));
        command.session.0 = 3;
        command.setting = SessionSetting::Rate as u8;
        command.value = 9;
        let fields = fields(&CommandSlot::new(&command), &Instruments::default());
        let json = r#"{"kind":"SetSession","session":3,"setting":"Rate","value":9}"#;
        assert_eq!(Value::Object(fields.clone()).to_string(), json);
        assert_eq!(text(&fields), "SetSession      session=3 setting=Rate value=9");
    }

    #[test]
    fn what_is_no_command_is_told_by_its_number() {
        let fields = fields(&CommandSlot::EMPTY, &Instruments::default());
        assert_eq!(Value::Object(fields).to_string(), r#"{"kind":"Malformed","kind_number":0}"#);
    }
}
