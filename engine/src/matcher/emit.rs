//! How events leave the matcher: numbered within their command, hashed, handed to the sink.
//!
//! Records about orders are built from whole words: a record assembled from single bytes would be read
//! back by the hash before those bytes have left the store buffer. A test holds the words against the
//! structs of `event.rs`.

use crate::book::LevelState;
use crate::digest;
use crate::event::{
    AcceptedEvent, DetailEvent, DetailFields, EventBody, EventKind, EventRecord, EventSink, Flags, Header,
    OrderFields, ReportEvent,
};
use crate::number::{
    AccountId, InstrumentId, OrderId, ReportNumber, Sequence, SessionId, Timestamp, UserRef,
};
use crate::orders::{Details, Terms};
use crate::terms::Side;

/// What every event about an order says.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) kind: EventKind,
    pub(super) side: Side,
    pub(super) reason: u8,
    pub(super) flags: Flags,
    pub(super) session: u32,
    pub(super) report: u32,
    pub(super) instrument: u32,
    pub(super) account: u32,
    pub(super) order: u64,
    pub(super) user_ref: u32,
    pub(super) price: i64,
    pub(super) quantity: u64,
    pub(super) remaining: u64,
    pub(super) level: LevelState,
}

impl Line {
    /// A line that says nothing but its kind.
    pub(super) fn blank(kind: EventKind) -> Self {
        Self {
            kind,
            side: Side::Buy,
            reason: 0,
            flags: Flags::NONE,
            session: 0,
            report: 0,
            instrument: 0,
            account: 0,
            order: 0,
            user_ref: 0,
            price: 0,
            quantity: 0,
            remaining: 0,
            level: LevelState::default(),
        }
    }
}

/// What Executed, Cancelled and the like say besides.
#[derive(Clone, Copy, Default)]
pub(super) struct Tail {
    pub(super) match_number: u64,
    pub(super) counterparty: u64,
    pub(super) fee: i64,
    pub(super) executed: u64,
}

/// The order that a replacement took out.
#[derive(Clone, Copy, Default)]
pub(super) struct Replaced {
    pub(super) order: u64,
    pub(super) user_ref: u32,
    /// Lots that it displayed.
    pub(super) displayed: u64,
}

/// The events of one command on their way to the sink.
pub(super) struct Emitter<'a, S> {
    pub(super) sink: &'a mut S,
    pub(super) sequence: Sequence,
    pub(super) time: u64,
    pub(super) ordinal: u32,
    pub(super) hash: u64,
}

impl<S: EventSink> Emitter<'_, S> {
    #[inline(always)]
    fn emit(&mut self, record: EventRecord) {
        self.ordinal += 1;
        let place = self.sink.place();
        *place = record;
        self.hash = digest::chain(self.hash, place);
    }

    /// The only event of a plain command, whose words are made; counts as its first and is not counted.
    #[inline(always)]
    pub(super) fn only(&mut self, record: EventRecord) {
        let place = self.sink.place();
        *place = record;
        self.hash = digest::chain(self.hash, place);
    }

    #[inline(always)]
    fn order(&mut self, line: &Line, tail: [u64; 4]) {
        let level = line.level;
        let flags = line.flags.0 | (u8::from(level.change != 0) * Flags::LEVEL.0);
        let kind = u64::from(line.kind as u8) | u64::from(line.side as u8) << 8;
        let kind = kind | u64::from(line.reason) << 16 | u64::from(flags) << 24;
        self.emit(EventRecord::from_words([
            self.sequence.0,
            self.time,
            kind | u64::from(self.ordinal) << 32,
            u64::from(line.session) | u64::from(line.report) << 32,
            u64::from(line.instrument) | u64::from(line.account) << 32,
            line.order,
            u64::from(line.user_ref) | u64::from(level.orders) << 32,
            line.price as u64,
            line.quantity,
            line.remaining,
            level.quantity,
            level.change,
            tail[0],
            tail[1],
            tail[2],
            tail[3],
        ]));
    }

    /// Executed, Cancelled, Reduced, Prevented, Rejected, NotResting, QueryAnswer.
    #[inline(always)]
    pub(super) fn report(&mut self, line: &Line, tail: Tail) {
        self.order(line, [tail.match_number, tail.counterparty, tail.fee as u64, tail.executed]);
    }

    /// Accepted, Replaced, Rested, Carried.
    #[inline(always)]
    pub(super) fn terms(&mut self, line: &Line, terms: &Terms, replaced: Replaced) {
        let word = u64::from(terms.order_type as u8)
            | u64::from(terms.time_in_force as u8) << 8
            | u64::from(terms.self_trade as u8) << 16
            | u64::from(terms.capacity) << 24
            | u64::from(terms.conditions.0) << 32
            | u64::from(terms.group) << 48;
        let firm: u32 = bytemuck::cast(terms.firm);
        let gone = u64::from(replaced.user_ref) | u64::from(firm) << 32;
        self.order(line, [word, gone, replaced.order, replaced.displayed]);
    }

    /// Level: a level changed by something that no report tells.
    pub(super) fn level(&mut self, side: Side, instrument: u32, price: i64, level: LevelState) {
        self.order(&Line { side, instrument, price, level, ..Line::blank(EventKind::Level) }, [0; 4]);
    }

    /// OrderDetail, directly before the event of `line`.
    pub(super) fn detail(&mut self, line: &Line, details: &Details, terms: &Terms) {
        let header = Header {
            side: line.side,
            session: SessionId(line.session),
            instrument: InstrumentId(line.instrument),
            account: AccountId(line.account),
            order: OrderId(line.order),
            ..self.header(EventKind::OrderDetail)
        };
        let detail = DetailFields {
            client_id: details.client_id,
            list: details.list,
            trigger: details.trigger,
            expires: details.expires,
            floor: crate::number::Quantity(details.floor),
            user_ref: UserRef(line.user_ref),
            list_role: terms.list_role,
            door: terms.door,
            reserved: [0; 10],
        };
        self.event(&DetailEvent { header, detail });
    }

    /// The header of the command's next event.
    pub(super) fn header(&self, kind: EventKind) -> Header {
        Header {
            sequence: self.sequence,
            time: Timestamp(self.time),
            kind,
            side: Side::Buy,
            reason: 0,
            flags: Flags::NONE,
            ordinal: self.ordinal,
            session: SessionId(0),
            report: ReportNumber(0),
            instrument: InstrumentId(0),
            account: AccountId(0),
            order: OrderId(0),
        }
    }

    /// Any event whose header was made by `header` just before.
    pub(super) fn event<E: EventBody>(&mut self, event: &E) {
        self.emit(EventRecord::new(event));
    }
}

const _: () = {
    assert!(std::mem::offset_of!(Header, flags) == 19 && std::mem::offset_of!(Header, ordinal) == 20);
    assert!(std::mem::offset_of!(Header, order) == 40);
    assert!(
        std::mem::offset_of!(AcceptedEvent, order) + std::mem::offset_of!(OrderFields, level_change) == 88
    );
    assert!(std::mem::offset_of!(ReportEvent, executed) == 120);
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::number::Text;
    use crate::terms::{Conditions, OrderType, SelfTrade, TimeInForce};

    fn line(kind: EventKind) -> Line {
        Line {
            kind,
            side: Side::Sell,
            reason: 3,
            flags: Flags::FINAL,
            session: 4,
            report: 5,
            instrument: 6,
            account: 7,
            order: 8,
            user_ref: 9,
            price: -10,
            quantity: 11,
            remaining: 12,
            level: LevelState { quantity: 13, orders: 14, change: 15 },
        }
    }

    fn emitted(emit: impl FnOnce(&mut Emitter<'_, Vec<EventRecord>>)) -> EventRecord {
        let mut sink = Vec::new();
        let mut out = Emitter { sink: &mut sink, sequence: Sequence(1), time: 2, ordinal: 3, hash: 0 };
        emit(&mut out);
        sink[0]
    }

    fn check(header: &Header, order: &OrderFields) {
        assert_eq!((header.sequence, header.time, header.ordinal), (Sequence(1), Timestamp(2), 3));
        assert_eq!((header.side, header.reason), (Side::Sell, 3));
        assert_eq!(header.flags, Flags::FINAL.with(Flags::LEVEL));
        assert_eq!((header.session, header.report), (SessionId(4), ReportNumber(5)));
        assert_eq!((header.instrument, header.account), (InstrumentId(6), AccountId(7)));
        assert_eq!((header.order, order.user_ref), (OrderId(8), UserRef(9)));
        let numbers = (order.price.0, order.quantity.0, order.remaining.0);
        assert_eq!(numbers, (-10, 11, 12));
        assert_eq!((order.level_quantity.0, order.level_orders, order.level_change), (13, 14, 15));
    }

    #[test]
    fn words_are_what_the_structs_say() {
        let tail = Tail { match_number: 16, counterparty: 17, fee: -18, executed: 19 };
        let record = emitted(|out| out.report(&line(EventKind::Executed), tail));
        let Ok(Event::Report(report)) = record.view() else { panic!("not a report") };
        check(&report.header, &report.order);
        assert_eq!((report.match_number.0, report.counterparty, report.fee.0), (16, OrderId(17), -18));
        assert_eq!(report.executed.0, 19);
    }

    #[test]
    fn words_of_terms_are_what_the_structs_say() {
        let terms = Terms {
            order_type: OrderType::StopLimit,
            time_in_force: TimeInForce::FillOrKill,
            self_trade: SelfTrade::Decrement,
            capacity: b'P',
            conditions: Conditions(0x1234),
            group: 0x5678,
            firm: Text::new("FIRM").unwrap_or_default(),
            ..Terms::EMPTY
        };
        let replaced = Replaced { order: 20, user_ref: 21, displayed: 22 };
        let record = emitted(|out| out.terms(&line(EventKind::Replaced), &terms, replaced));
        let Ok(Event::Accepted(event)) = record.view() else { panic!("not an acceptance") };
        check(&event.header, &event.order);
        assert_eq!((event.order_type, event.time_in_force), (terms.order_type, terms.time_in_force));
        assert_eq!((event.self_trade, event.capacity), (terms.self_trade, terms.capacity));
        assert_eq!((event.conditions, event.group), (terms.conditions, terms.group));
        assert_eq!((event.firm, event.replaced_ref), (terms.firm, UserRef(21)));
        assert_eq!((event.replaced, event.replaced_quantity.0), (OrderId(20), 22));
    }
}
