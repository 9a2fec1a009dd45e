//! Numbered events to OUCH messages: one event, one message, one sequenced packet.

use crate::directory::{Directory, Instrument, Scale};
use crate::ouch::MARKET_PRICE;
use crate::ouch::appendage::Element;
use crate::ouch::outbound::{
    Accepted, BrokenTrade, Cancelled, Executed, Modified, QueryResponse, Rejected, Replaced, Restated,
    SelfMatchPrevented, SystemEvent,
};
use crate::soup;
use engine::event::{
    AcceptedEvent, DetailEvent, DetailFields, Event, EventKind, Flags, Header, OrderFields, ReportEvent,
    SessionEvent,
};
use engine::number::{Price, Quantity, Text};
use engine::reason::{CancelReason, Reject};
use engine::terms::{Conditions, OrderType, Side, TimeInForce};

const BLANK_ID: [u8; 14] = [b' '; 14];
const BLANK_SYMBOL: [u8; 8] = [b' '; 8];
const SECOND_NS: u64 = 1_000_000_000;
/// Options that an order can have here: firm, minimum or peak, peg and its offset, post-only, life, group.
const ELEMENTS_MAX: usize = 8;

/// Turns one session's events into packets. An order's detail comes as an event of its own, directly
/// before the report that it belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReportEncoder {
    detail: Option<DetailFields>,
}

impl ReportEncoder {
    /// Keeps the detail of the report that comes next.
    #[inline]
    pub(crate) fn note(&mut self, event: &DetailEvent) {
        self.detail = Some(event.detail);
    }

    /// Appends the packet that `event` is, if it is numbered; keeps it in mind if it is a detail.
    #[inline]
    pub(crate) fn encode(&mut self, event: &Event<'_>, directory: &Directory, out: &mut Vec<u8>) {
        let detail = self.detail.take();
        let numbered = |header: &Header| header.report.0 != 0;
        match event {
            Event::Detail(event) => self.note(event),
            Event::Accepted(event) if numbered(&event.header) => {
                let detail = detail.filter(|_| event.header.flags.contains(Flags::DETAIL));
                soup::frame(out, b'S', |out| accepted(event, detail.as_ref(), directory, out));
            }
            Event::Report(event) if numbered(&event.header) => {
                let detail = detail.filter(|_| event.header.flags.contains(Flags::DETAIL));
                soup::frame(out, b'S', |out| report(event, detail.as_ref(), directory, out));
            }
            Event::Session(event) if numbered(&event.header) => {
                soup::frame(out, b'S', |out| session_day(event, out));
            }
            Event::Accepted(_)
            | Event::Report(_)
            | Event::Session(_)
            | Event::SessionAdded(_)
            | Event::Instrument(_)
            | Event::Setting(_)
            | Event::Named(_)
            | Event::Balance(_)
            | Event::Note(_)
            | Event::Level(_) => {}
        }
    }
}

fn session_day(event: &SessionEvent, out: &mut Vec<u8>) {
    let timestamp = event.header.time.since_midnight_ns();
    let event = if event.begins == 1 { b'S' } else { b'E' };
    SystemEvent { timestamp, event }.encode(out);
}

#[inline]
fn accepted(event: &AcceptedEvent, detail: Option<&DetailFields>, directory: &Directory, out: &mut Vec<u8>) {
    let AcceptedEvent { header, order, .. } = event;
    let (symbol, scale) = terms(header, directory);
    let timestamp = header.time.since_midnight_ns();
    let side = side(header.side);
    let quantity = lots(order.quantity);
    let price = match event.order_type {
        OrderType::Market | OrderType::Stop | OrderType::TrailingStop => MARKET_PRICE,
        OrderType::Limit | OrderType::StopLimit | OrderType::PegPrimary | OrderType::PegMidpoint => {
            scale.to_wire(order.price)
        }
    };
    let time_in_force = time_in_force(event.time_in_force);
    let display = display(event.conditions);
    let client_order_id = detail.map_or(BLANK_ID, |detail| client_order_id(&detail.client_id));
    let capacity = if event.capacity == 0 { b'O' } else { event.capacity };
    let (mut elements, mut count) = ([Element::PostOnly(b'N'); ELEMENTS_MAX], 0);
    if detail.is_some() || !is_plain(event) {
        options(event, detail, scale, |element| {
            elements[count] = element;
            count += 1;
        });
    }
    if header.kind == EventKind::Replaced {
        let replaced = Replaced {
            timestamp,
            original_user_ref: event.replaced_ref.0,
            user_ref: order.user_ref.0,
            side,
            quantity,
            symbol,
            price,
            time_in_force,
            display,
            order_reference: header.order.0,
            capacity,
            intermarket_sweep: b'N',
            cross_type: b'N',
            state: b'L',
            client_order_id,
        };
        return replaced.encode_with(&elements[..count], out);
    }
    let accepted = Accepted {
        timestamp,
        user_ref: order.user_ref.0,
        side,
        quantity,
        symbol,
        price,
        time_in_force,
        display,
        order_reference: header.order.0,
        capacity,
        intermarket_sweep: b'N',
        cross_type: b'N',
        state: b'L',
        client_order_id,
    };
    accepted.encode_with(&elements[..count], out);
}

/// Whether nothing in the event itself is told as an option.
#[inline]
fn is_plain(event: &AcceptedEvent) -> bool {
    matches!(event.order_type, OrderType::Limit | OrderType::Market)
        && event.time_in_force != TimeInForce::FillOrKill
        && event.conditions == Conditions::NONE
        && event.firm == Text::EMPTY
        && event.group == 0
}

/// Tells `take` at most [`ELEMENTS_MAX`] options, in the order of their tags.
fn options(
    event: &AcceptedEvent,
    detail: Option<&DetailFields>,
    scale: Scale,
    mut take: impl FnMut(Element),
) {
    let replaced = event.header.kind == EventKind::Replaced;
    if event.firm != Text::EMPTY {
        take(Element::Firm(crate::wire::padded(event.firm.as_bytes())));
    }
    let floor = detail.map_or(0, |detail| lots(detail.floor));
    let immediate = event.time_in_force == TimeInForce::ImmediateOrCancel;
    if event.time_in_force == TimeInForce::FillOrKill {
        take(Element::MinQuantity(lots(event.order.quantity)));
    } else if floor != 0 {
        take(if immediate { Element::MinQuantity(floor) } else { Element::MaxFloor(floor) });
    }
    let peg = match event.order_type {
        OrderType::PegPrimary => Some(b'R'),
        OrderType::PegMidpoint => Some(b'M'),
        OrderType::Limit
        | OrderType::Market
        | OrderType::Stop
        | OrderType::StopLimit
        | OrderType::TrailingStop => None,
    };
    if let Some(kind) = peg {
        take(Element::PriceType(kind));
        let offset = detail.map_or(0, |detail| detail.trigger);
        let units = scale.to_wire(Price(offset.saturating_abs()));
        let units = i32::try_from(units).unwrap_or(i32::MAX);
        if offset != 0 && !replaced {
            take(Element::PegOffset(if offset < 0 { -units } else { units }));
        }
    }
    if event.conditions.contains(Conditions::POST_ONLY) {
        take(Element::PostOnly(b'P'));
    }
    let expires = detail.map_or(0, |detail| detail.expires.0);
    if expires != 0 {
        let life = expires.saturating_sub(event.header.time.0).div_ceil(SECOND_NS);
        take(Element::ExpireTime(u32::try_from(life).unwrap_or(u32::MAX)));
    }
    if event.group != 0 && !replaced {
        take(Element::GroupId(event.group));
    }
}

#[inline]
fn report(event: &ReportEvent, detail: Option<&DetailFields>, directory: &Directory, out: &mut Vec<u8>) {
    let ReportEvent { header, order, .. } = event;
    let timestamp = header.time.since_midnight_ns();
    let user_ref = order.user_ref.0;
    match header.kind {
        EventKind::Executed => {
            let (_, scale) = terms(header, directory);
            let executed = Executed {
                timestamp,
                user_ref,
                quantity: lots(order.quantity),
                price: scale.to_wire(order.price),
                liquidity: liquidity(header.flags),
                match_number: event.match_number.0,
            };
            executed.encode_with(&[], out);
        }
        EventKind::Cancelled => cancelled(header, order, cancel_reason(header.cancel_reason()), out),
        EventKind::Reduced if header.flags.contains(Flags::AS_MODIFY) => {
            let quantity = lots(order.remaining);
            Modified { timestamp, user_ref, side: side(header.side), quantity }.encode(out);
        }
        EventKind::Reduced => cancelled(header, order, b'U', out),
        EventKind::Rejected => {
            let client_order_id = detail.map_or(BLANK_ID, |detail| client_order_id(&detail.client_id));
            Rejected { timestamp, user_ref, reason: reject_code(header.reject()), client_order_id }
                .encode(out);
        }
        EventKind::Prevented => prevented(event, directory, out),
        EventKind::QueryAnswer => QueryResponse { timestamp, next_user_ref: user_ref }.encode(out),
        EventKind::Broken => {
            let match_number = event.match_number.0;
            BrokenTrade { timestamp, user_ref, match_number, reason: b'S', client_order_id: BLANK_ID }
                .encode(out);
        }
        EventKind::Restated => restated(event, directory, out),
        _ => {
            // A kind that this version never numbers: the count must hold all the same.
            SystemEvent { timestamp, event: b' ' }.encode(out);
        }
    }
}

fn cancelled(header: &Header, order: &OrderFields, reason: u8, out: &mut Vec<u8>) {
    let timestamp = header.time.since_midnight_ns();
    Cancelled { timestamp, user_ref: order.user_ref.0, quantity: lots(order.quantity), reason }.encode(out);
}

fn prevented(event: &ReportEvent, directory: &Directory, out: &mut Vec<u8>) {
    let ReportEvent { header, order, .. } = event;
    let (_, scale) = terms(header, directory);
    let quantity = lots(order.quantity);
    let prevented = u32::try_from(event.fee.0).unwrap_or(u32::MAX);
    let message = SelfMatchPrevented {
        timestamp: header.time.since_midnight_ns(),
        user_ref: order.user_ref.0,
        quantity,
        reason: b'Q',
        prevented,
        price: scale.to_wire(order.price),
        liquidity: liquidity(header.flags),
        strategy: if quantity == prevented { b'D' } else { b'C' },
    };
    message.encode(out);
}

fn restated(event: &ReportEvent, directory: &Directory, out: &mut Vec<u8>) {
    let ReportEvent { header, order, .. } = event;
    let (timestamp, user_ref) = (header.time.since_midnight_ns(), order.user_ref.0);
    if header.flags.contains(Flags::LEVEL) {
        let elements = [
            Element::SecondaryOrderReference(header.order.0),
            Element::DisplayQuantity(lots(order.quantity)),
        ];
        return Restated { timestamp, user_ref, reason: b'R' }.encode_with(&elements, out);
    }
    let (_, scale) = terms(header, directory);
    let elements = [Element::DisplayPrice(scale.to_wire(order.price))];
    Restated { timestamp, user_ref, reason: b'P' }.encode_with(&elements, out);
}

/// Symbol and scale of the event's instrument as they were then.
#[inline]
fn terms(header: &Header, directory: &Directory) -> ([u8; 8], Scale) {
    let of = |instrument: &Instrument| (instrument.symbol, instrument.scale_at(header.sequence));
    let unknown = (BLANK_SYMBOL, Scale { tick_units: 0, revision: 0 });
    directory.instrument(header.instrument).map_or(unknown, of)
}

/// What is beyond 32 bits cannot have come through this door; it is told as the highest.
#[inline]
fn lots(quantity: Quantity) -> u32 {
    u32::try_from(quantity.0).unwrap_or(u32::MAX)
}

const fn side(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}

const fn time_in_force(time_in_force: TimeInForce) -> u8 {
    match time_in_force {
        TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill => b'3',
        TimeInForce::GoodTillDate => b'6',
        TimeInForce::Day
        | TimeInForce::GoodTillCancelled
        | TimeInForce::AtTheOpening
        | TimeInForce::AtTheClose
        | TimeInForce::GoodForAuction => b'0',
    }
}

const fn display(conditions: Conditions) -> u8 {
    if conditions.contains(Conditions::HIDDEN) {
        b'N'
    } else if conditions.contains(Conditions::ATTRIBUTABLE) {
        b'A'
    } else {
        b'Y'
    }
}

const fn liquidity(flags: Flags) -> u8 {
    if flags.contains(Flags::AUCTION) {
        b'O'
    } else if flags.contains(Flags::TAKER) {
        b'R'
    } else if flags.contains(Flags::HIDDEN) {
        b'J'
    } else {
        b'A'
    }
}

fn client_order_id(text: &Text<36>) -> [u8; 14] {
    crate::wire::padded(text.as_bytes())
}

/// Appendix D. The table is in docs/reject-reasons.md.
const fn reject_code(reason: Reject) -> u16 {
    match reason {
        Reject::UnknownInstrument => 0x0017,
        Reject::Price | Reject::InstrumentChanged => 0x001D,
        Reject::Quantity | Reject::QuantityLimit => 0x0013,
        Reject::Side => 0x0009,
        Reject::Halted => 0x0007,
        Reject::Credit => 0x0020,
        Reject::ValueLimit | Reject::PriceBand => 0x0026,
        Reject::Rate => 0x0029,
        Reject::CrossType => 0x0014,
        Reject::IntermarketSweep => 0x0008,
        Reject::None
        | Reject::Session
        | Reject::DuplicateNumber
        | Reject::Account
        | Reject::Phase
        | Reject::Combination
        | Reject::MinimumQuantity
        | Reject::Peak
        | Reject::OrderLimit
        | Reject::LevelLimit
        | Reject::ConditionLimit
        | Reject::NotResting
        | Reject::Unsupported
        | Reject::Exists
        | Reject::Unknown
        | Reject::Scale
        | Reject::Value
        | Reject::Limit
        | Reject::BookNotEmpty
        | Reject::Balance
        | Reject::Date
        | Reject::Disk => 0x000F,
    }
}

/// Appendix C. The table is in docs/reject-reasons.md.
const fn cancel_reason(reason: CancelReason) -> u8 {
    match reason {
        CancelReason::User => b'U',
        CancelReason::Immediate | CancelReason::NotFilled => b'I',
        CancelReason::Expired => b'T',
        CancelReason::PostOnly => b'G',
        CancelReason::Collar | CancelReason::Band => b'K',
        CancelReason::SelfTrade => b'Q',
        CancelReason::Operator => b'S',
        CancelReason::None
        | CancelReason::Disconnect
        | CancelReason::InvalidReplace
        | CancelReason::Linked
        | CancelReason::Auction
        | CancelReason::Limit => b'Z',
    }
}
