//! An event as one line of JSON: the only place where its fields get their names and their text.

use crate::instruments::{Instruments, Scale};
use crate::object::Object;
use engine::event::{
    AcceptedEvent, DetailEvent, Event, EventKind, EventRecord, Flags, Header, InstrumentEvent, LevelEvent,
    OrderFields, ReportEvent, SessionAddedEvent, SessionEvent, SettingEvent,
};
use engine::number::{Price, Timestamp};
use engine::terms::Conditions;

/// Appends `event` to `lines` as a JSON object and a newline. Every line begins with `sequence` and
/// `ordinal`. Prices and quantities are counts of ticks and lots, and decimal text beside them where
/// `instruments` knows the scale. A session's password hash is left out.
pub fn render_line(event: &EventRecord, instruments: &Instruments, lines: &mut String) {
    let mut object = Object::begin(lines);
    object.number("sequence", event.sequence());
    object.number("ordinal", event.ordinal());
    match event.view() {
        Ok(view) => fields(&mut object, &view, instruments),
        Err(malformed) => {
            object.text("kind", "Unknown");
            object.number("kind_number", malformed.kind);
            object.text("words", &format!("{:016x?}", event.words()));
        }
    }
    object.end();
}

fn fields(object: &mut Object<'_>, event: &Event<'_>, instruments: &Instruments) {
    match event {
        Event::Detail(event) => {
            header(object, &event.header, instruments);
            detail(object, event, instruments.get(event.header.instrument));
        }
        Event::Accepted(event) => {
            let scale = header(object, &event.header, instruments);
            order(object, &event.header, &event.order, scale);
            accepted(object, event, scale);
        }
        Event::Report(event) => {
            let scale = header(object, &event.header, instruments);
            order(object, &event.header, &event.order, scale);
            report(object, event, scale);
        }
        Event::Session(event) => {
            header(object, &event.header, instruments);
            session(object, event);
        }
        Event::SessionAdded(event) => {
            header(object, &event.header, instruments);
            session_added(object, event);
        }
        Event::Instrument(event) => {
            header(object, &event.header, instruments);
            instrument(object, event);
        }
        Event::Setting(event) => {
            header(object, &event.header, instruments);
            setting(object, event);
        }
        Event::Named(event) => {
            header(object, &event.header, instruments);
            object.text("name", event.name.as_str());
            if event.header.kind == EventKind::CurrencyAdded {
                object.number("currency", event.currency);
                object.number("digits", event.digits);
            } else {
                object.name("mode", event.mode);
                object.number("owner_group", event.owner_group);
            }
        }
        Event::Balance(event) => {
            header(object, &event.header, instruments);
            object.name("cause", event.cause);
            object.number("currency", event.currency);
            object.number("change", event.change);
            object.number("available", event.available);
            object.number("reserved", event.reserved);
        }
        Event::Note(event) => {
            header(object, &event.header, instruments);
            object.text("who", event.who.as_str());
            object.text("why", event.why.as_str());
        }
        Event::Level(event) => {
            let scale = header(object, &event.header, instruments);
            level(object, event, scale);
        }
    }
}

fn header<'a>(object: &mut Object<'_>, header: &Header, instruments: &'a Instruments) -> Option<&'a Scale> {
    const NAMES: [(Flags, &str); 8] = [
        (Flags::LEVEL, "Level"),
        (Flags::TAKER, "Taker"),
        (Flags::HIDDEN, "Hidden"),
        (Flags::AUCTION, "Auction"),
        (Flags::DETAIL, "Detail"),
        (Flags::AS_MODIFY, "AsModify"),
        (Flags::FINAL, "Final"),
        (Flags::SELF_TRADE, "SelfTrade"),
    ];
    let scale = instruments.get(header.instrument);
    object.name("kind", header.kind);
    object.text("time", &time(header.time));
    object.number("session", header.session);
    object.number("report", header.report);
    object.number("account", header.account);
    object.number("instrument", header.instrument);
    if let Some(scale) = scale {
        object.text("symbol", scale.symbol.as_str());
    }
    object.number("order", header.order);
    object
        .names("flags", NAMES.iter().filter(|(flag, _)| header.flags.contains(*flag)).map(|(_, name)| *name));
    match header.kind {
        EventKind::Cancelled | EventKind::Reduced | EventKind::Prevented => {
            object.name("reason", header.cancel_reason());
        }
        EventKind::Rejected
        | EventKind::NotResting
        | EventKind::SessionState
        | EventKind::OperatorRejected => object.name("reason", header.reject()),
        EventKind::OrderDetail
        | EventKind::Accepted
        | EventKind::Replaced
        | EventKind::Rested
        | EventKind::Executed
        | EventKind::Broken
        | EventKind::Restated
        | EventKind::Triggered
        | EventKind::QueryAnswer
        | EventKind::Carried
        | EventKind::SessionDay
        | EventKind::SessionAdded
        | EventKind::DayStarted
        | EventKind::Instrument
        | EventKind::Setting
        | EventKind::CurrencyAdded
        | EventKind::AccountAdded
        | EventKind::Balance
        | EventKind::Note
        | EventKind::MassCancelled
        | EventKind::RulesSet
        | EventKind::Level
        | EventKind::Indicative => {}
    }
    scale
}

fn price(object: &mut Object<'_>, name: &str, ticks_name: &str, price: Price, scale: Option<&Scale>) {
    object.number(ticks_name, price);
    object.decimal(name, scale.map(|scale| scale.price(price)));
}

fn order(object: &mut Object<'_>, header: &Header, order: &OrderFields, scale: Option<&Scale>) {
    object.number("user_ref", order.user_ref);
    object.name("side", header.side);
    price(object, "price", "price_ticks", order.price, scale);
    object.number("quantity_lots", order.quantity);
    object.decimal("quantity", scale.map(|scale| scale.quantity(order.quantity)));
    object.number("remaining_lots", order.remaining);
    object.decimal("remaining", scale.map(|scale| scale.quantity(order.remaining)));
    if header.flags.contains(Flags::LEVEL) {
        level_state(object, order, scale);
    }
}

fn level_state(object: &mut Object<'_>, order: &OrderFields, scale: Option<&Scale>) {
    object.number("level_quantity_lots", order.level_quantity);
    object.decimal("level_quantity", scale.map(|scale| scale.quantity(order.level_quantity)));
    object.number("level_orders", order.level_orders);
    object.number("level_change", order.level_change);
}

/// The names of the conditions that are set.
pub fn condition_names(conditions: Conditions) -> impl Iterator<Item = &'static str> {
    const NAMES: [(Conditions, &str); 8] = [
        (Conditions::POST_ONLY, "PostOnly"),
        (Conditions::POST_ONLY_SLIDE, "PostOnlySlide"),
        (Conditions::HIDDEN, "Hidden"),
        (Conditions::ATTRIBUTABLE, "Attributable"),
        (Conditions::ALL_OR_NONE, "AllOrNone"),
        (Conditions::KEEP_ON_INVALID, "KeepOnInvalid"),
        (Conditions::REJECT_IF_TRIGGERED, "RejectIfTriggered"),
        (Conditions::AS_MODIFY, "AsModify"),
    ];
    NAMES.into_iter().filter(move |(condition, _)| conditions.contains(*condition)).map(|(_, name)| name)
}

fn accepted(object: &mut Object<'_>, event: &AcceptedEvent, scale: Option<&Scale>) {
    object.name("order_type", event.order_type);
    object.name("time_in_force", event.time_in_force);
    object.name("self_trade", event.self_trade);
    object.names("conditions", condition_names(event.conditions));
    object.text("capacity", char::from(event.capacity).encode_utf8(&mut [0; 4]).trim_matches('\0'));
    object.text("firm", event.firm.as_str());
    object.number("group", event.group);
    if event.header.kind == EventKind::Replaced {
        object.number("replaced", event.replaced);
        object.number("replaced_user_ref", event.replaced_ref);
        object.number("replaced_quantity_lots", event.replaced_quantity);
        object.decimal("replaced_quantity", scale.map(|scale| scale.quantity(event.replaced_quantity)));
    }
}

fn report(object: &mut Object<'_>, event: &ReportEvent, scale: Option<&Scale>) {
    object.number("match_number", event.match_number);
    object.number("counterparty", event.counterparty);
    if event.header.kind == EventKind::Prevented {
        object.number("would_have_traded_lots", event.fee);
    } else {
        object.number("fee", event.fee);
    }
    object.number("executed_lots", event.executed);
    object.decimal("executed", scale.map(|scale| scale.quantity(event.executed)));
}

fn detail(object: &mut Object<'_>, event: &DetailEvent, scale: Option<&Scale>) {
    let detail = &event.detail;
    object.number("user_ref", detail.user_ref);
    object.text("client_id", detail.client_id.as_str());
    object.number("door", detail.door);
    object.number("list", detail.list);
    object.number("list_role", detail.list_role);
    price(object, "trigger", "trigger_ticks", Price(detail.trigger), scale);
    object.decimal("expires", (detail.expires != Timestamp(0)).then(|| time(detail.expires)));
    object.number("floor_lots", detail.floor);
    object.decimal("floor", scale.map(|scale| scale.quantity(detail.floor)));
}

fn session(object: &mut Object<'_>, event: &SessionEvent) {
    object.name("cause", event.cause);
    object.text("day", event.day.as_str());
    object.number("date", event.date);
    if event.header.kind == EventKind::SessionDay {
        object.boolean("begins", event.begins == 1);
    }
    object.boolean("cancel_on_disconnect", event.cancel_on_disconnect == 1);
    object.number("next_report", event.next_report);
    object.number("last_user_ref", event.last_user_ref);
    object.number("connection", event.connection);
    object.number("from_report", event.from_report);
}

fn session_added(object: &mut Object<'_>, event: &SessionAddedEvent) {
    object.text("name", event.name.as_str());
    object.name("role", event.role);
    object.name("self_trade", event.self_trade);
    object.boolean("cancel_on_disconnect", event.cancel_on_disconnect == 1);
    object.number("rate", event.rate);
    object.number("cancel_rate", event.cancel_rate);
    object.number("burst", event.burst);
}

fn instrument(object: &mut Object<'_>, event: &InstrumentEvent) {
    let scale = Scale {
        symbol: event.symbol,
        tick: event.tick,
        tick_digits: event.tick_digits,
        lot: event.lot,
        lot_digits: event.lot_digits,
    };
    object.name("cause", event.cause);
    object.text("listed", event.symbol.as_str());
    object.name("phase", event.phase);
    object.name("matching", event.matching);
    object.number("base", event.base);
    object.number("quote", event.quote);
    object.decimal("tick", Some(scale.price(Price(1))));
    object.decimal("lot", Some(scale.quantity(engine::number::Quantity(1))));
    object.number("unit", event.unit);
    object.number("lot_units", event.lot_units);
    price(object, "price_max", "price_max_ticks", event.price_max, Some(&scale));
    object.number("quantity_max_lots", event.quantity_max);
    object.decimal("quantity_max", Some(scale.quantity(event.quantity_max)));
    object.number("maker_fee", event.maker_fee);
    object.number("taker_fee", event.taker_fee);
    object.number("revision", event.revision);
    object.boolean("signed_prices", event.signed_prices == 1);
}

fn setting(object: &mut Object<'_>, event: &SettingEvent) {
    object.name("cause", event.cause);
    object.number("setting", event.setting);
    object.number("value", event.value);
    object.number("filter", event.filter);
    object.number("date", event.date);
}

fn level(object: &mut Object<'_>, event: &LevelEvent, scale: Option<&Scale>) {
    object.name("side", event.header.side);
    price(object, "price", "price_ticks", event.order.price, scale);
    if event.header.kind == EventKind::Indicative {
        object.number("volume_lots", event.order.quantity);
        object.decimal("volume", scale.map(|scale| scale.quantity(event.order.quantity)));
        object.number("imbalance_lots", event.order.remaining);
        object.decimal("imbalance", scale.map(|scale| scale.quantity(event.order.remaining)));
    } else {
        level_state(object, &event.order, scale);
    }
}

/// RFC 3339, in UTC, to the nanosecond: a JSON number would be rounded by most readers.
fn time(time: Timestamp) -> String {
    const SECOND_NS: u64 = 1_000_000_000;
    let (year, month, day) = date(time.0 / Timestamp::DAY_NS);
    let since_midnight_ns = time.since_midnight_ns();
    let seconds = since_midnight_ns / SECOND_NS;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let nanoseconds = since_midnight_ns % SECOND_NS;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
}

/// Year, month and day of a count of days since 1970-01-01. A 64-bit timestamp ends in the year 2554.
fn date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time(Timestamp(0)), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(time(Timestamp(951_782_399_000_000_001)), "2000-02-28T23:59:59.000000001Z");
        assert_eq!(time(Timestamp(951_782_400_000_000_000)), "2000-02-29T00:00:00.000000000Z");
        assert_eq!(time(Timestamp(1_795_512_000_123_456_789)), "2026-11-24T09:20:00.123456789Z");
        assert_eq!(time(Timestamp(u64::MAX)), "2554-07-21T23:34:33.709551615Z");
    }
}
