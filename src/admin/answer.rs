//! Answers of the admin socket: JSON values that `rotunda admin` prints as a table.

use super::orders;
use super::refusal::{self, Refusal};
use super::request::{Filter, Request};
use super::view::{OpenOrder, View};
use engine::command::CommandKind;
use engine::event::{Event, EventKind, EventRecord};
use serde_json::{Value, json};

/// Answers a question from the view.
///
/// # Errors
/// A sentence: the filter names something that is not there.
pub(crate) fn question(request: &Request, view: &View) -> Result<Value, Refusal> {
    Ok(match request {
        Request::Instruments => instruments(view),
        Request::Accounts => accounts(view),
        Request::Sessions => sessions(view),
        Request::Orders(filter) => open_orders(view, &Chosen::new(view, filter)?),
        Request::Fills(filter) => fills(view, &Chosen::new(view, filter)?),
        Request::Balances(filter) => balances(view, &Chosen::new(view, filter)?),
        _ => status(view),
    })
}

/// What the events of a command say, as rows; what a new day carries over is left out.
///
/// # Errors
/// The venue refused the command.
pub(crate) fn outcome(
    request: &Request,
    view: &View,
    events: &[EventRecord],
    password: Option<&str>,
) -> Result<Value, Refusal> {
    let mut rows = Vec::new();
    for record in events {
        let Ok(event) = record.view() else { continue };
        match event {
            Event::Setting(setting) if setting.header.kind == EventKind::OperatorRejected => {
                return Err(refusal::refused(request, view, setting.header.reject()));
            }
            Event::Note(_) => {}
            Event::Setting(setting) if setting.header.kind == EventKind::MassCancelled => {
                rows.push(json!({"done": "orders cancelled", "count": setting.value}));
            }
            Event::Setting(setting) if setting.header.kind == EventKind::DayStarted => {
                rows.push(json!({"done": "day started", "date": setting.date}));
            }
            Event::Setting(setting) => {
                rows.push(json!({"done": format!("{:?}", setting.cause), "value": setting.value}));
            }
            Event::Instrument(i) if i.cause != CommandKind::NewDay => {
                rows.push(json!({"done": "instrument", "number": i.header.instrument.0,
                    "symbol": i.symbol.as_str(), "phase": format!("{:?}", i.phase)}));
            }
            Event::Named(named) => rows.push(json!({"done": format!("{:?}", named.header.kind),
                "number": named.header.account.0.max(u32::from(named.currency.0)), "name": named.name.as_str()})),
            Event::Balance(balance) if balance.cause == CommandKind::Deposit => rows.push(json!({"done": "balance",
                "change": view.amount(balance.currency.0, i128::from(balance.change.0)),
                "available": view.amount(balance.currency.0, i128::from(balance.available.0)),
                "reserved": view.amount(balance.currency.0, i128::from(balance.reserved.0))})),
            Event::SessionAdded(added) => rows.push(json!({"done": "session added",
                "number": added.header.session.0, "name": added.name.as_str(),
                "password": password.unwrap_or("")})),
            _ => {}
        }
    }
    Ok(Value::Array(rows))
}

/// A filter in numbers.
struct Chosen {
    session: Option<u32>,
    account: Option<u32>,
    instrument: Option<u32>,
    side: Option<engine::terms::Side>,
}

impl Chosen {
    fn new(view: &View, filter: &Filter) -> Result<Self, Refusal> {
        let session = filter.session.as_deref().map(|name| orders::session(view, name)).transpose()?;
        let account = filter.account.as_deref().map(|name| orders::account(view, name)).transpose()?;
        let instrument = filter.symbol.as_deref().map(|name| orders::instrument(view, name)).transpose()?;
        Ok(Self {
            session: session.map(|id| id.0),
            account: account.map(|id| id.0),
            instrument: instrument.map(|id| id.0),
            side: filter.side.map(super::request::SideName::value),
        })
    }

    fn takes(&self, session: u32, account: u32, instrument: u32, side: engine::terms::Side) -> bool {
        self.session.is_none_or(|id| id == session)
            && self.account.is_none_or(|id| id == account)
            && self.instrument.is_none_or(|id| id == instrument)
            && self.side.is_none_or(|one| one == side)
    }
}

fn status(view: &View) -> Value {
    json!([{
        "day": view.date, "sequence": view.seen.sequence.0, "events": view.events,
        "instruments": view.instruments.len(), "accounts": view.accounts.len(),
        "sessions": view.sessions.len(),
        "connected": view.sessions.values().filter(|session| session.connected).count(),
        "open_orders": view.orders.len(), "trades": view.trades, "rejects": view.rejects,
    }])
}

fn instruments(view: &View) -> Value {
    let row = |(id, i): (&u32, &engine::event::InstrumentEvent)| {
        json!({"number": id, "symbol": i.symbol.as_str(), "phase": format!("{:?}", i.phase),
            "base": name(view, i.base.0), "quote": name(view, i.quote.0),
            "tick": view.price(*id, engine::number::Price(1)),
            "lot": view.quantity(*id, engine::number::Quantity(1)),
            "price_max": view.price(*id, i.price_max), "quantity_max": view.quantity(*id, i.quantity_max),
            "maker_fee": i.maker_fee, "taker_fee": i.taker_fee})
    };
    Value::Array(view.instruments.iter().map(row).collect())
}

fn accounts(view: &View) -> Value {
    let row = |(id, account): (&u32, &super::view::AccountView)| {
        json!({"number": id, "name": account.terms.name.as_str(),
            "mode": format!("{:?}", account.terms.mode), "owner_group": account.terms.owner_group,
            "enabled": account.enabled})
    };
    Value::Array(view.accounts.iter().map(row).collect())
}

fn sessions(view: &View) -> Value {
    let row = |(id, session): (&u32, &super::view::SessionView)| {
        let terms = &session.terms;
        json!({"number": id, "name": terms.name.as_str(), "account": account_name(view, terms.header.account.0),
            "role": format!("{:?}", terms.role), "self_trade": format!("{:?}", terms.self_trade),
            "cancel_on_disconnect": terms.cancel_on_disconnect == 1, "rate": terms.rate,
            "connected": session.connected, "enabled": session.enabled})
    };
    Value::Array(view.sessions.iter().map(row).collect())
}

fn open_orders(view: &View, chosen: &Chosen) -> Value {
    let takes = |o: &OpenOrder| chosen.takes(o.session, o.account, o.instrument, o.side);
    let row = |(id, o): (&u64, &OpenOrder)| {
        json!({"order": id, "session": session_name(view, o.session), "account": account_name(view, o.account),
            "user_ref": o.user_ref, "symbol": symbol(view, o.instrument), "side": format!("{:?}", o.side),
            "price": view.price(o.instrument, o.price), "open": view.quantity(o.instrument, o.remaining),
            "executed": view.quantity(o.instrument, o.executed),
            "time_in_force": format!("{:?}", o.time_in_force)})
    };
    Value::Array(view.orders.iter().filter(|(_, order)| takes(order)).map(row).collect())
}

fn fills(view: &View, chosen: &Chosen) -> Value {
    let takes = |f: &&super::view::Fill| chosen.takes(f.session, f.account, f.instrument, f.side);
    let row = |f: &super::view::Fill| {
        let quote = view.instruments.get(&f.instrument).map_or(0, |i| i.quote.0);
        json!({"match": f.match_number, "time_ns": f.time_ns, "session": session_name(view, f.session),
            "account": account_name(view, f.account), "order": f.order, "symbol": symbol(view, f.instrument),
            "side": format!("{:?}", f.side), "price": view.price(f.instrument, f.price),
            "quantity": view.quantity(f.instrument, f.quantity),
            "fee": view.amount(quote, i128::from(f.fee.0))})
    };
    Value::Array(view.fills.iter().filter(takes).map(row).collect())
}

fn balances(view: &View, chosen: &Chosen) -> Value {
    let mut rows = Vec::new();
    for (&(account, currency), &total) in &view.totals {
        if chosen.account.is_some_and(|id| id != account) {
            continue;
        }
        let reserved = view.reserved(account).get(&currency).copied().unwrap_or(0);
        rows.push(json!({"account": account_name(view, account), "currency": name(view, currency),
            "total": view.amount(currency, total), "reserved": view.amount(currency, reserved),
            "available": view.amount(currency, total - reserved)}));
    }
    Value::Array(rows)
}

fn name(view: &View, currency: u16) -> String {
    view.currencies.get(&currency).map_or_else(String::new, |terms| terms.name.to_string())
}

fn symbol(view: &View, instrument: u32) -> String {
    view.instruments.get(&instrument).map_or_else(String::new, |terms| terms.symbol.to_string())
}

fn account_name(view: &View, account: u32) -> String {
    match view.accounts.get(&account) {
        Some(found) => found.terms.name.to_string(),
        None => "(fees)".to_owned(),
    }
}

fn session_name(view: &View, session: u32) -> String {
    view.sessions.get(&session).map_or_else(String::new, |found| found.terms.name.to_string())
}
