//! How the twin says what happened.

use super::{Order, Twin};
use engine::command::{CommandKind, OrderCommand};
use engine::event::{
    AcceptedEvent, DetailEvent, DetailFields, EventBody, EventKind, EventRecord, Flags, Header, LevelEvent,
    OrderFields, ReportEvent, SettingEvent,
};
use engine::number::{
    AccountId, InstrumentId, MatchNumber, Money, OrderId, Price, Quantity, ReportNumber, SessionId, Text,
    Timestamp, UserRef,
};
use engine::reason::CancelReason;
use engine::terms::Side;

/// What an event about an order says beside the order itself.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) reason: u8,
    pub(crate) flags: Flags,
    /// Whether the order's displayed level changed.
    pub(crate) level: bool,
    pub(crate) price: i128,
    pub(crate) quantity: i128,
    pub(crate) match_number: u64,
    pub(crate) counterparty: u64,
    pub(crate) fee: i128,
}

/// The order that a replacement takes the place of.
pub(crate) struct Gone {
    pub(crate) id: u64,
    pub(crate) user_ref: UserRef,
    pub(crate) displayed: i128,
}

pub(crate) fn lots(quantity: i128) -> Quantity {
    Quantity(u64::try_from(quantity).expect("lots fit"))
}

pub(crate) fn ticks(price: i128) -> Price {
    Price(i64::try_from(price).expect("ticks fit"))
}

pub(crate) fn money(amount: i128) -> Money {
    Money(i64::try_from(amount).expect("money fits"))
}

impl Twin {
    pub(crate) fn say<E: EventBody>(&mut self, event: &E) {
        self.out.push(EventRecord::new(event));
    }

    pub(crate) fn header(&self, kind: EventKind) -> Header {
        Header {
            sequence: self.sequence,
            time: Timestamp(self.clock),
            kind,
            side: Side::Buy,
            reason: 0,
            flags: Flags::NONE,
            ordinal: u32::try_from(self.out.len()).expect("few events"),
            session: SessionId(0),
            report: ReportNumber(0),
            instrument: InstrumentId(0),
            account: AccountId(0),
            order: OrderId(0),
        }
    }

    /// Takes the next number of the session's day.
    pub(crate) fn number_report(&mut self, session: u32) -> ReportNumber {
        let Some(session) = self.session_mut(session) else { return ReportNumber(0) };
        session.next_report += 1;
        ReportNumber(session.next_report - 1)
    }

    fn numbered(kind: EventKind, quantity: i128) -> bool {
        match kind {
            EventKind::Accepted
            | EventKind::Replaced
            | EventKind::Rejected
            | EventKind::Cancelled
            | EventKind::Executed
            | EventKind::Prevented
            | EventKind::QueryAnswer => true,
            EventKind::Reduced => quantity > 0,
            _ => false,
        }
    }

    fn order_header(&mut self, kind: EventKind, order: &Order, told: &Told) -> Header {
        let mut flags = told.flags;
        if order.hidden() {
            flags = flags.with(Flags::HIDDEN);
        }
        if told.level {
            flags = flags.with(Flags::LEVEL);
        }
        let report = if Self::numbered(kind, told.quantity) {
            self.number_report(order.session)
        } else {
            ReportNumber(0)
        };
        Header {
            side: order.side,
            reason: told.reason,
            flags,
            session: SessionId(order.session),
            report,
            instrument: InstrumentId(order.instrument),
            account: AccountId(order.account),
            order: OrderId(order.id),
            ..self.header(kind)
        }
    }

    fn order_fields(&mut self, order: &Order, told: &Told) -> OrderFields {
        let mut fields = OrderFields {
            user_ref: order.entered.user_ref,
            price: ticks(told.price),
            quantity: lots(told.quantity),
            remaining: lots(order.open),
            ..OrderFields::default()
        };
        if told.level {
            self.fill_level(&mut fields, order.instrument, order.side);
        }
        fields
    }

    fn fill_level(&mut self, fields: &mut OrderFields, number: u32, side: Side) {
        let (quantity, orders) = self.level(number, side, i128::from(fields.price.0));
        let instrument = self.instruments.iter_mut().find(|one| one.number == number).expect("it trades");
        instrument.level_change += 1;
        fields.level_quantity = lots(quantity);
        fields.level_orders = orders;
        fields.level_change = instrument.level_change;
    }

    /// Accepted, Replaced, Rested, Carried.
    pub(crate) fn tell_agreed(&mut self, kind: EventKind, order: &Order, told: Told, gone: Option<&Gone>) {
        let told = Told { price: order.price, quantity: order.open, ..told };
        let header = self.order_header(kind, order, &told);
        let fields = self.order_fields(order, &told);
        let terms = &order.entered;
        self.say(&AcceptedEvent {
            header,
            order: fields,
            order_type: terms.order_type,
            time_in_force: terms.time_in_force,
            self_trade: order.self_trade,
            capacity: terms.capacity,
            conditions: terms.conditions,
            group: terms.group,
            replaced_ref: gone.map_or(UserRef(0), |gone| gone.user_ref),
            firm: terms.firm,
            replaced: OrderId(gone.map_or(0, |gone| gone.id)),
            replaced_quantity: lots(gone.map_or(0, |gone| gone.displayed)),
        });
    }

    /// Cancelled, Reduced, Executed, Prevented.
    pub(crate) fn tell(&mut self, kind: EventKind, order: &Order, told: Told) {
        let mut told = told;
        if order.open == 0 {
            told.flags = told.flags.with(Flags::FINAL);
        }
        let header = self.order_header(kind, order, &told);
        let fields = self.order_fields(order, &told);
        self.say(&ReportEvent {
            header,
            order: fields,
            match_number: MatchNumber(told.match_number),
            counterparty: OrderId(told.counterparty),
            fee: money(told.fee),
            executed: lots(order.executed),
        });
    }

    /// An order ended: all that was open is gone.
    pub(crate) fn tell_cancelled(
        &mut self,
        order: &mut Order,
        reason: CancelReason,
        flags: Flags,
        rested: bool,
    ) {
        let quantity = order.open;
        order.open = 0;
        let level = rested && !order.hidden();
        let told =
            Told { reason: reason as u8, flags, level, price: order.price, quantity, ..Told::default() };
        self.tell(EventKind::Cancelled, order, told);
    }

    /// A level changed by something that no report tells.
    pub(crate) fn tell_level(&mut self, order: &Order) {
        let mut fields = OrderFields { price: ticks(order.price), ..OrderFields::default() };
        self.fill_level(&mut fields, order.instrument, order.side);
        let header = Header {
            side: order.side,
            flags: Flags::LEVEL,
            instrument: InstrumentId(order.instrument),
            ..self.header(EventKind::Level)
        };
        self.say(&LevelEvent { header, order: fields, reserved_tail: [0; 4] });
    }

    /// The rarer terms of an order.
    pub(crate) fn tell_order_detail(&mut self, order: &Order) -> Flags {
        let about = Header {
            side: order.side,
            session: SessionId(order.session),
            instrument: InstrumentId(order.instrument),
            account: AccountId(order.account),
            order: OrderId(order.id),
            ..self.header(EventKind::OrderDetail)
        };
        self.tell_detail(&order.entered, &about)
    }

    /// The rarer terms, before the event they belong to; the flag which that event then has.
    pub(crate) fn tell_detail(&mut self, command: &OrderCommand, about: &Header) -> Flags {
        let nothing = command.client_id == Text::EMPTY
            && command.list == 0
            && command.trigger == 0
            && command.expires.0 == 0
            && command.floor.0 == 0;
        if nothing {
            return Flags::NONE;
        }
        let header = Header {
            side: about.side,
            session: about.session,
            instrument: about.instrument,
            account: about.account,
            order: about.order,
            ..self.header(EventKind::OrderDetail)
        };
        let detail = DetailFields {
            client_id: command.client_id,
            list: command.list,
            trigger: command.trigger,
            expires: command.expires,
            floor: command.floor,
            user_ref: command.user_ref,
            list_role: command.list_role,
            door: command.door,
            reserved: [0; 10],
        };
        self.say(&DetailEvent { header, detail });
        Flags::DETAIL
    }
}

/// Setting and its like.
pub(crate) fn setting_event(header: Header, cause: CommandKind, setting: u8, value: i64) -> SettingEvent {
    SettingEvent { header, cause, setting, filter: 0, reserved: 0, date: 0, value, reserved_tail: [0; 8] }
}
