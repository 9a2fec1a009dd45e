//! OUCH messages to commands. A message that is well-formed always becomes one: what cannot be converted
//! goes into the log as well, with the reason, so that its answer is numbered like any other.

use super::open_orders::OpenOrders;
use crate::directory::{Directory, Instrument};
use crate::ouch::MARKET_PRICE;
use crate::ouch::appendage::{Appendage, Element};
use crate::ouch::inbound::{CancelOrder, EnterOrder, Inbound, ModifyOrder, ReplaceOrder};
use engine::command::{CommandKind, OrderCommand};
use engine::number::{Quantity, SessionId, Text, Timestamp, UserRef};
use engine::reason::Reject;
use engine::terms::{Conditions, OrderType, Side, TimeInForce};

/// How this door signs its commands.
const DOOR_OUCH: u8 = 1;
/// Longest life of an order with ExpireTime, in seconds, exclusive.
const EXPIRE_SECONDS_END: u32 = 86_400;
const SECOND_NS: u64 = 1_000_000_000;

/// The command that `message` from `session` at `time` is.
#[inline]
pub(crate) fn command(
    message: &Inbound<'_>,
    session: SessionId,
    time: Timestamp,
    directory: &Directory,
    open: &mut OpenOrders,
) -> OrderCommand {
    let mut command = match message {
        Inbound::Enter(order, options) => enter(order, *options, time, directory),
        Inbound::Replace(order, options) => {
            let original = UserRef(order.original_user_ref);
            replace(
                order,
                *options,
                time,
                open.get(session, original).and_then(|id| directory.instrument(id)),
            )
        }
        Inbound::Cancel(order) => cancel(order, time),
        Inbound::Modify(order) => modify(order, time),
        Inbound::Query => OrderCommand::blank(CommandKind::Query, time),
    };
    command.session = session;
    command.door = DOOR_OUCH;
    let is_new = || directory.session(session).is_some_and(|known| command.user_ref > known.last_user_ref);
    if command.instrument.0 != 0 && is_new() {
        if command.kind == CommandKind::Replace {
            open.insert_tentative(session, command.user_ref, command.instrument);
        } else {
            open.insert(session, command.user_ref, command.instrument);
        }
    }
    command
}

fn enter(order: &EnterOrder, options: Appendage<'_>, time: Timestamp, directory: &Directory) -> OrderCommand {
    let mut command = OrderCommand::blank(CommandKind::Enter, time);
    let instrument = directory.instrument_of(order.symbol);
    let terms = Terms {
        user_ref: order.user_ref,
        quantity: order.quantity,
        price: order.price,
        time_in_force: order.time_in_force,
        display: order.display,
        client_order_id: &order.client_order_id,
    };
    fill(&mut command, &terms, options, instrument);
    match order.side {
        b'B' => command.side = Side::Buy,
        b'S' => command.side = Side::Sell,
        _ => refuse(&mut command, Reject::Side),
    }
    match order.capacity {
        b'A' | b'P' | b'R' | b'O' => command.capacity = order.capacity,
        _ => refuse(&mut command, Reject::Combination),
    }
    if order.cross_type != b'N' {
        refuse(&mut command, Reject::CrossType);
    }
    if order.intermarket_sweep != b'N' {
        refuse(&mut command, Reject::IntermarketSweep);
    }
    command
}

fn replace(
    order: &ReplaceOrder,
    options: Appendage<'_>,
    time: Timestamp,
    instrument: Option<&Instrument>,
) -> OrderCommand {
    let mut command = OrderCommand::blank(CommandKind::Replace, time);
    let terms = Terms {
        user_ref: order.user_ref,
        quantity: order.quantity,
        price: order.price,
        time_in_force: order.time_in_force,
        display: order.display,
        client_order_id: &order.client_order_id,
    };
    fill(&mut command, &terms, options, instrument);
    command.target = UserRef(order.original_user_ref);
    if order.intermarket_sweep != b'N' {
        refuse(&mut command, Reject::IntermarketSweep);
    }
    command
}

fn cancel(order: &CancelOrder, time: Timestamp) -> OrderCommand {
    let kind = if order.quantity == 0 { CommandKind::Cancel } else { CommandKind::Reduce };
    let mut command = OrderCommand::blank(kind, time);
    command.target = UserRef(order.user_ref);
    command.quantity = Quantity(u64::from(order.quantity));
    command
}

/// Any letter but `B` and `S` is a side that no order here has: it means none (number 0), so that the
/// engine ignores it in the log, as OUCH ignores what may not be modified.
fn modify(order: &ModifyOrder, time: Timestamp) -> OrderCommand {
    let mut command = OrderCommand::blank(CommandKind::Reduce, time);
    command.conditions = Conditions::AS_MODIFY;
    command.quantity = Quantity(u64::from(order.quantity));
    let (side, target) = match order.side {
        b'B' => (Side::Buy, order.user_ref),
        b'S' => (Side::Sell, order.user_ref),
        _ => (Side::Buy, 0),
    };
    command.side = side;
    command.target = UserRef(target);
    command
}

/// What `O` and `U` have in common.
struct Terms<'a> {
    user_ref: u32,
    quantity: u32,
    price: u64,
    time_in_force: u8,
    display: u8,
    client_order_id: &'a [u8; 14],
}

fn fill(
    command: &mut OrderCommand,
    terms: &Terms<'_>,
    options: Appendage<'_>,
    instrument: Option<&Instrument>,
) {
    command.user_ref = UserRef(terms.user_ref);
    command.quantity = Quantity(u64::from(terms.quantity));
    command.client_id = client_id(terms.client_order_id);
    match instrument {
        Some(instrument) => {
            command.instrument = instrument.id;
            command.revision = instrument.scale.revision;
        }
        None => refuse(command, Reject::UnknownInstrument),
    }
    if terms.price == MARKET_PRICE {
        command.order_type = OrderType::Market;
    } else if let Some(instrument) = instrument {
        match instrument.scale.to_ticks(terms.price) {
            Some(price) => command.price = price,
            None => refuse(command, Reject::Price),
        }
    }
    match terms.display {
        b'Y' => {}
        b'N' => add(command, Conditions::HIDDEN),
        b'A' => add(command, Conditions::ATTRIBUTABLE),
        _ => refuse(command, Reject::Combination),
    }
    let chosen = if options.0.is_empty() { Options::default() } else { Options::read(options, command) };
    set_life(command, terms.time_in_force, &chosen);
    set_floor(command, &chosen);
    if let Some(instrument) = instrument {
        set_peg(command, &chosen, instrument);
    }
}

/// The options that change what an order does.
#[derive(Default)]
struct Options {
    minimum: u32,
    maximum_floor: u32,
    expire_seconds: u32,
    price_type: u8,
    peg_offset: i32,
}

impl Options {
    /// Reads all options; those that need nothing else go straight into `command`.
    fn read(options: Appendage<'_>, command: &mut OrderCommand) -> Self {
        let mut chosen = Self::default();
        let mut seen = 0u32;
        let replaces = command.kind == CommandKind::Replace;
        for element in options.elements() {
            let Ok(element) = element else {
                refuse(command, Reject::Combination);
                break;
            };
            let bit = 1u32 << (element.tag() & 31);
            if seen & bit != 0 {
                refuse(command, Reject::Combination);
            }
            seen |= bit;
            match element {
                Element::Firm(_) | Element::Route(_) if replaces => refuse(command, Reject::Combination),
                Element::Firm(firm) => command.firm = text(&firm, command),
                Element::GroupId(group) => command.group = group,
                Element::MinQuantity(minimum) => chosen.minimum = minimum,
                Element::MaxFloor(floor) => chosen.maximum_floor = floor,
                Element::ExpireTime(seconds) => chosen.expire_seconds = seconds,
                Element::PriceType(kind) => chosen.price_type = kind,
                Element::PegOffset(offset) => chosen.peg_offset = offset,
                Element::PostOnly(b'P') => add(command, Conditions::POST_ONLY),
                Element::PostOnly(b'N') => {}
                Element::CustomerType(b' ' | b'N')
                | Element::DiscretionPrice(0)
                | Element::DiscretionPriceType(b'L')
                | Element::DiscretionPegOffset(0)
                | Element::RandomReserves(0)
                | Element::TradeNow(b' ' | b'N')
                | Element::HandleInstruction(b' ')
                | Element::SharesLocated(b'N') => {}
                Element::Route(route) if route == *b"    " => {}
                Element::CustomerType(_)
                | Element::DiscretionPrice(_)
                | Element::DiscretionPriceType(_)
                | Element::DiscretionPegOffset(_)
                | Element::RandomReserves(_)
                | Element::TradeNow(_)
                | Element::HandleInstruction(_)
                | Element::SharesLocated(_)
                | Element::Route(_) => refuse(command, Reject::Unsupported),
                Element::PostOnly(_)
                | Element::SecondaryOrderReference(_)
                | Element::BboWeight(_)
                | Element::DisplayQuantity(_)
                | Element::DisplayPrice(_) => refuse(command, Reject::Combination),
            }
        }
        chosen
    }
}

fn set_life(command: &mut OrderCommand, time_in_force: u8, options: &Options) {
    let quantity = command.quantity.0;
    let expires = options.expire_seconds;
    match time_in_force {
        b'0' if expires == 0 => command.time_in_force = TimeInForce::Day,
        b'3' if expires == 0 => {
            let all = options.minimum != 0 && u64::from(options.minimum) == quantity;
            command.time_in_force =
                if all { TimeInForce::FillOrKill } else { TimeInForce::ImmediateOrCancel };
        }
        b'6' if (1..EXPIRE_SECONDS_END).contains(&expires) => {
            command.time_in_force = TimeInForce::GoodTillDate;
            command.expires = Timestamp(command.time.0.saturating_add(u64::from(expires) * SECOND_NS));
        }
        _ => refuse(command, Reject::Combination),
    }
}

/// One field carries the minimum of an immediate order and the peak of one that rests: each is refused
/// here where it would be taken for the other.
fn set_floor(command: &mut OrderCommand, options: &Options) {
    let immediate = command.time_in_force == TimeInForce::ImmediateOrCancel;
    let all = command.time_in_force == TimeInForce::FillOrKill;
    match (options.minimum, options.maximum_floor) {
        (0, 0) => {}
        (_, 0) if all => {}
        (minimum, 0) if immediate => command.floor = Quantity(u64::from(minimum)),
        (0, peak) if !immediate && !all => command.floor = Quantity(u64::from(peak)),
        (0, _) => refuse(command, Reject::Combination),
        (_, _) => refuse(command, Reject::MinimumQuantity),
    }
}

fn set_peg(command: &mut OrderCommand, options: &Options, instrument: &Instrument) {
    match options.price_type {
        0 | b'L' => {
            if options.peg_offset != 0 {
                refuse(command, Reject::Combination);
            }
            return;
        }
        b'R' => command.order_type = OrderType::PegPrimary,
        b'M' => command.order_type = OrderType::PegMidpoint,
        b'P' | b'Q' | b'm' => {
            refuse(command, Reject::Unsupported);
            return;
        }
        _ => {
            refuse(command, Reject::Combination);
            return;
        }
    }
    let offset = instrument.scale.to_ticks(u64::from(options.peg_offset.unsigned_abs()));
    match offset {
        Some(ticks) if options.peg_offset < 0 => command.trigger = -ticks.0,
        Some(ticks) => command.trigger = ticks.0,
        None => refuse(command, Reject::Price),
    }
}

/// The connection sends more than it may: what would enter an order is answered by a reject, in its turn.
/// Cancels go on.
pub(crate) fn refuse_for_rate(command: &mut OrderCommand) {
    if matches!(command.kind, CommandKind::Enter | CommandKind::Replace) {
        refuse(command, Reject::Rate);
    }
}

/// The disk is short: new orders are refused. A replacement is not: refusing one would, as any invalid
/// replacement does, end the order that it was to replace.
pub(super) fn refuse_for_disk(command: &mut OrderCommand) {
    if command.kind == CommandKind::Enter {
        refuse(command, Reject::Disk);
    }
}

/// The reason told is that of the check that comes first.
fn refuse(command: &mut OrderCommand, reason: Reject) {
    if command.door_reject == Reject::None || reason < command.door_reject {
        command.door_reject = reason;
    }
}

fn add(command: &mut OrderCommand, condition: Conditions) {
    command.conditions = command.conditions.with(condition);
}

/// Without its padding; the decoder saw that it is printable.
fn client_id(padded: &[u8; 14]) -> Text<36> {
    let length = padded.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    Text::from_ascii(&padded[..length]).unwrap_or_default()
}

fn text(firm: &[u8; 4], command: &mut OrderCommand) -> Text<4> {
    let length = firm.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    Text::from_ascii(&firm[..length]).unwrap_or_else(|| {
        refuse(command, Reject::Combination);
        Text::EMPTY
    })
}
