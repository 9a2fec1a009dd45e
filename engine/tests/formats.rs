//! `docs/formats.md` cannot drift: its byte tables are compared with the compiled structures and its
//! number lists with the compiled enumerations.

use bytemuck::{CheckedBitPattern, checked};
use engine::command::{
    AccountSetting, AddSessionCommand, CommandKind, InstrumentSetting, ListCommand, NoteCommand,
    OperatorCommand, OrderCommand, SessionCommand, SessionSetting,
};
use engine::event::{
    AcceptedEvent, BalanceEvent, DetailEvent, DetailFields, EventKind, Flags, Header, InstrumentEvent,
    LevelEvent, NamedEvent, NoteEvent, OrderFields, ReportEvent, SessionAddedEvent, SessionEvent,
    SettingEvent,
};
use engine::reason::{CancelReason, Reject};
use engine::terms::{
    AccountMode, Conditions, Matching, OrderType, Phase, Role, SelfTrade, Side, TimeInForce,
};
use std::fmt::Debug;
use std::mem::offset_of;

const PAGE: &str = include_str!("../../docs/formats.md");

/// The cells of the rows below the heading that names `section`, those that begin with a number.
fn table(section: &str) -> Vec<Vec<&'static str>> {
    let named = format!("`{section}`");
    let rows: Vec<Vec<&str>> = PAGE
        .lines()
        .skip_while(|line| !(line.starts_with("### ") && line.contains(&named)))
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .filter(|cells: &Vec<&str>| cells[0].parse::<usize>().is_ok())
        .collect();
    assert!(!rows.is_empty(), "docs/formats.md has no table of {section}");
    rows
}

fn number(cell: &str) -> usize {
    cell.parse().unwrap_or_else(|_| panic!("{cell} is no number"))
}

/// A field: name, offset, size.
type Field = (String, usize, usize);

fn field_size<S, T>(_: impl Fn(&S) -> &T) -> usize {
    size_of::<T>()
}

/// The fields of a structure. The pattern is exhaustive: a field that is added must be listed here, and
/// then the page lacks it.
macro_rules! fields {
    ($body:ident: $($field:ident)*) => {{
        let _ = |value: $body| {
            let $body { $($field: _),* } = value;
        };
        vec![$((
            stringify!($field).to_owned(),
            offset_of!($body, $field),
            field_size(|value: &$body| &value.$field),
        )),*]
    }};
}

/// Compares the table of `section`, which begins at byte `start`, with the fields that lie there.
fn check(section: &str, start: usize, fields: Vec<Field>) {
    let mut compiled: Vec<Field> = fields.into_iter().filter(|field| field.1 >= start).collect();
    compiled.sort_by_key(|field| field.1);
    let drawn: Vec<Field> = table(section)
        .iter()
        .map(|cells| (cells[2].to_owned(), number(cells[0]), number(cells[1])))
        .collect();
    assert_eq!(drawn, compiled, "the table of {section} is not what is compiled");
    let mut end = start;
    for (name, offset, size) in drawn {
        assert_eq!(offset, end, "{section}: a hole before {name}");
        end += size;
    }
}

#[test]
fn the_tables_of_commands_are_what_is_compiled() {
    let order = fields!(OrderCommand: time kind side order_type time_in_force self_trade capacity conditions
        instrument account session user_ref price quantity firm door list_role revision target list client_id
        door_reject reserved group trigger expires floor);
    check("OrderCommand", 0, order);
    let session = fields!(SessionCommand: time kind reserved date session reserved_word connection from_report
        reserved_tail);
    check("SessionCommand", 0, session);
    check("NoteCommand", 0, fields!(NoteCommand: time kind reserved who why reserved_tail));
    let operator = fields!(OperatorCommand: time kind setting mode phase filter reserved currency instrument
        account session owner_group value name match_number orders price quantity reserved_tail);
    check("OperatorCommand", 0, operator);
    let list = fields!(ListCommand: time kind matching phase tick_digits lot_digits signed_prices reserved
        instrument base quote symbol tick lot price_max quantity_max value_max collar static_band dynamic_band
        maker_fee taker_fee reference reserved_tail);
    check("ListCommand", 0, list);
    let add_session = fields!(AddSessionCommand: time kind role self_trade cancel_on_disconnect rate session
        account name salt password_hash cancel_rate burst reserved_tail);
    check("AddSessionCommand", 0, add_session);
}

#[test]
fn the_tables_of_order_events_are_what_is_compiled() {
    let behind_header =
        |fields: Vec<Field>| fields.into_iter().map(|(name, at, size)| (name, at + 48, size)).collect();
    let header = fields!(Header: sequence time kind side reason flags ordinal session report instrument account
        order);
    check("Header", 0, header);
    let order =
        fields!(OrderFields: user_ref level_orders price quantity remaining level_quantity level_change);
    check("OrderFields", 48, behind_header(order));
    let accepted = fields!(AcceptedEvent: header order order_type time_in_force self_trade capacity conditions
        group replaced_ref firm replaced replaced_quantity);
    check("AcceptedEvent", 96, accepted);
    check("ReportEvent", 96, fields!(ReportEvent: header order match_number counterparty fee executed));
    check("LevelEvent", 96, fields!(LevelEvent: header order reserved_tail));
    assert_eq!(offset_of!(DetailEvent, detail), 48);
    let detail = fields!(DetailFields: client_id list trigger expires floor user_ref list_role door reserved);
    check("DetailFields", 48, behind_header(detail));
}

#[test]
fn the_tables_of_other_events_are_what_is_compiled() {
    let session = fields!(SessionEvent: header cause begins cancel_on_disconnect reserved next_report
        last_user_ref date connection from_report day reserved_tail);
    check("SessionEvent", 48, session);
    let added = fields!(SessionAddedEvent: header name salt password_hash role self_trade cancel_on_disconnect
        reserved rate cancel_rate burst reserved_tail);
    check("SessionAddedEvent", 48, added);
    let instrument = fields!(InstrumentEvent: header symbol tick lot price_max quantity_max unit base quote
        tick_digits lot_digits phase matching maker_fee taker_fee revision cause signed_prices lot_units);
    check("InstrumentEvent", 48, instrument);
    let setting = fields!(SettingEvent: header cause setting filter reserved date value reserved_tail);
    check("SettingEvent", 48, setting);
    let named = fields!(NamedEvent: header name currency digits mode owner_group reserved_tail);
    check("NamedEvent", 48, named);
    let balance =
        fields!(BalanceEvent: header change available reserved currency cause padding reserved_tail);
    check("BalanceEvent", 48, balance);
    check("NoteEvent", 48, fields!(NoteEvent: header who why));
}

/// Compares the list of `section` with every byte that is one of `E`.
fn check_numbers<E: CheckedBitPattern + Debug>(section: &str) {
    let name =
        |byte: u8| checked::try_pod_read_unaligned::<E>(&[byte]).ok().map(|value| format!("{value:?}"));
    let compiled: Vec<(usize, String)> =
        (0..=u8::MAX).filter_map(|byte| Some((byte.into(), name(byte)?))).collect();
    let listed: Vec<(usize, String)> =
        table(section).iter().map(|cells| (number(cells[0]), cells[1].to_owned())).collect();
    assert_eq!(listed, compiled, "the list of {section} is not what is compiled");
}

#[test]
fn the_number_lists_are_what_is_compiled() {
    check_numbers::<CommandKind>("CommandKind");
    check_numbers::<EventKind>("EventKind");
    check_numbers::<InstrumentSetting>("InstrumentSetting");
    check_numbers::<AccountSetting>("AccountSetting");
    check_numbers::<SessionSetting>("SessionSetting");
    check_numbers::<Side>("Side");
    check_numbers::<OrderType>("OrderType");
    check_numbers::<TimeInForce>("TimeInForce");
    check_numbers::<SelfTrade>("SelfTrade");
    check_numbers::<Phase>("Phase");
    check_numbers::<Matching>("Matching");
    check_numbers::<AccountMode>("AccountMode");
    check_numbers::<Role>("Role");
    check_numbers::<Reject>("Reject");
    check_numbers::<CancelReason>("CancelReason");
}

macro_rules! bits {
    ($set:ident: $($bit:ident)*) => {
        vec![$(($set::$bit.0.trailing_zeros() as usize, stringify!($bit).to_owned())),*]
    };
}

#[test]
fn the_bit_lists_are_what_is_compiled() {
    let conditions = bits!(Conditions: POST_ONLY POST_ONLY_SLIDE HIDDEN ATTRIBUTABLE ALL_OR_NONE KEEP_ON_INVALID
        REJECT_IF_TRIGGERED AS_MODIFY);
    assert_eq!(conditions.len(), Conditions::ALL.0.count_ones() as usize);
    let flags = bits!(Flags: LEVEL TAKER HIDDEN AUCTION DETAIL AS_MODIFY FINAL SELF_TRADE);
    for (section, compiled) in [("Conditions", conditions), ("Flags", flags)] {
        let listed: Vec<(usize, String)> =
            table(section).iter().map(|cells| (number(cells[0]), cells[1].to_owned())).collect();
        assert_eq!(listed, compiled, "the bits of {section} are not what is compiled");
    }
}
