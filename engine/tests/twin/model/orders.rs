//! Enter, Replace, Cancel, Reduce, Query.

use super::events::{Gone, Told, lots};
use super::{Order, Twin};
use engine::command::{CommandKind, OrderCommand};
use engine::event::{EventKind, Flags, Header, OrderFields, ReportEvent};
use engine::number::{AccountId, MatchNumber, Money, OrderId, UserRef};
use engine::reason::{CancelReason, Reject};
use engine::terms::{Conditions, SelfTrade};

impl Twin {
    pub(crate) fn enter(&mut self, command: &OrderCommand) {
        let now = self.clock;
        let Some(session) = self.session_mut(command.session.0) else {
            return self.reject(command, Reject::Session, command.account.0);
        };
        if command.user_ref.0 <= session.last_user_ref {
            return;
        }
        session.last_user_ref = command.user_ref.0;
        let in_rate = session.orders.take(session.burst, now);
        let account = if command.account.0 == 0 { session.account } else { command.account.0 };
        if let Some(reason) = self.refusal(command, account, in_rate, None) {
            return self.reject(command, reason, account);
        }
        let order = self.agree(command, None);
        self.admit(order, None);
    }

    pub(crate) fn replace(&mut self, command: &OrderCommand) {
        let now = self.clock;
        let Some(original) = self.find(command).cloned() else {
            if self.session(command.session.0).is_none() {
                return self.reject(command, Reject::Session, command.account.0);
            }
            return self.not_resting(command, Reject::NotResting);
        };
        let session = self.session_mut(command.session.0).expect("it has a resting order");
        if command.user_ref.0 <= session.last_user_ref {
            return;
        }
        let in_rate = session.orders.take(session.burst, now);
        let refusal = self.refusal(command, original.account, in_rate, Some(&original));
        let keep = command.conditions.contains(Conditions::KEEP_ON_INVALID);
        if refusal.is_some() && !keep {
            return self.end(original.id, CancelReason::InvalidReplace);
        }
        self.session_mut(command.session.0).expect("as above").last_user_ref = command.user_ref.0;
        if let Some(reason) = refusal {
            return self.reject(command, reason, original.account);
        }
        let original = self.take_out(original.id);
        let displayed = if original.hidden() { 0 } else { original.open };
        if displayed > 0 {
            self.tell_level(&original);
        }
        let gone = Gone { id: original.id, user_ref: original.entered.user_ref, displayed };
        let order = self.agree(command, Some(&original));
        self.admit(order, Some(&gone));
    }

    /// The order that a valid command makes. It has no place yet.
    fn agree(&mut self, command: &OrderCommand, original: Option<&Order>) -> Order {
        self.orders_ever += 1;
        Order { id: self.orders_ever, ..self.drawn_up(command, original) }
    }

    /// The order that a command describes, as far as there is one.
    pub(crate) fn drawn_up(&self, command: &OrderCommand, original: Option<&Order>) -> Order {
        let session = self.session(command.session.0).expect("checked");
        let number = original.map_or(command.instrument.0, |original| original.instrument);
        let instrument = self.instrument(number).expect("checked");
        let mut order = Order {
            id: 0,
            entered: *command,
            session: command.session.0,
            account: session.account,
            instrument: number,
            side: command.side,
            price: command.price.0.into(),
            worth: command.price.0.into(),
            reach: None,
            open: command.quantity.0.into(),
            executed: 0,
            prevented: 0,
            self_trade: command.self_trade,
            maker_fee: instrument.maker_fee,
            taker_fee: instrument.taker_fee,
            fee_exact: 0,
            fee_charged: 0,
            held: 0,
        };
        if order.self_trade == SelfTrade::SessionDefault {
            order.self_trade = session.self_trade;
        }
        if let Some(original) = original {
            order.entered.capacity = original.entered.capacity;
            order.entered.firm = original.entered.firm;
            order.account = original.account;
            order.side = original.side;
            order.executed = original.executed;
            order.prevented = original.prevented;
            order.open -= original.used();
            order.fee_exact = original.fee_exact;
            order.fee_charged = original.fee_charged;
        }
        order
    }

    pub(crate) fn cancel(&mut self, command: &OrderCommand) {
        match self.meant(command) {
            Ok(order) => self.end(order.id, CancelReason::User),
            Err(reason) => self.not_resting(command, reason),
        }
    }

    /// The order that a cancel or reduce means, or why it is refused.
    fn meant(&mut self, command: &OrderCommand) -> Result<Order, Reject> {
        let now = self.clock;
        let session = self.session_mut(command.session.0).ok_or(Reject::Session)?;
        if !session.trades() {
            return Err(Reject::Session);
        }
        if !session.cancels.take(session.burst, now) {
            return Err(Reject::Rate);
        }
        self.find(command).cloned().ok_or(Reject::NotResting)
    }

    pub(crate) fn reduce(&mut self, command: &OrderCommand) {
        let order = match self.meant(command) {
            Ok(order) => order,
            Err(reason) => return self.not_resting(command, reason),
        };
        let as_modify = command.conditions.contains(Conditions::AS_MODIFY);
        if as_modify && command.side != order.side {
            return;
        }
        let flags = if as_modify { Flags::AS_MODIFY } else { Flags::NONE };
        let total = i128::from(command.quantity.0);
        if total <= order.used() {
            return self.end_as(order.id, CancelReason::User, flags);
        }
        let taken = (order.total() - total).max(0);
        let mut order = order;
        order.open -= taken;
        self.hold(&mut order);
        self.put_back(&order);
        let level = taken > 0 && !order.hidden();
        let told = Told { flags, level, price: order.price, quantity: taken, ..Told::default() };
        self.tell(EventKind::Reduced, &order, told);
    }

    pub(crate) fn query(&mut self, command: &OrderCommand) {
        let Some(session) = self.session(command.session.0) else { return };
        let next = session.last_user_ref.saturating_add(1);
        let account = AccountId(session.account);
        let header = Header {
            session: command.session,
            account,
            report: self.number_report(command.session.0),
            ..self.header(EventKind::QueryAnswer)
        };
        let order = OrderFields { user_ref: UserRef(next), ..OrderFields::default() };
        self.say_report(header, order);
    }

    /// The resting order that a session means.
    fn find(&self, command: &OrderCommand) -> Option<&Order> {
        self.orders
            .iter()
            .find(|order| order.session == command.session.0 && order.entered.user_ref == command.target)
    }

    /// Ends a resting order.
    pub(crate) fn end(&mut self, id: u64, reason: CancelReason) {
        self.end_as(id, reason, Flags::NONE);
    }

    fn end_as(&mut self, id: u64, reason: CancelReason, flags: Flags) {
        let mut order = self.take_out(id);
        self.tell_cancelled(&mut order, reason, flags, true);
    }

    /// Takes an order off the book and gives back what it held.
    pub(crate) fn take_out(&mut self, id: u64) -> Order {
        let at = self.orders.iter().position(|order| order.id == id).expect("it rests");
        let mut order = self.orders.remove(at);
        self.release(&mut order);
        order
    }

    /// Writes a resting order back to its place.
    pub(crate) fn put_back(&mut self, order: &Order) {
        let place = self.orders.iter_mut().find(|one| one.id == order.id).expect("it rests");
        *place = order.clone();
    }

    fn say_report(&mut self, header: Header, order: OrderFields) {
        self.say(&ReportEvent {
            header,
            order,
            match_number: MatchNumber(0),
            counterparty: OrderId(0),
            fee: Money(0),
            executed: lots(0),
        });
    }

    fn not_resting(&mut self, command: &OrderCommand, reason: Reject) {
        let reduces = command.kind == CommandKind::Reduce;
        let as_modify = reduces && command.conditions.contains(Conditions::AS_MODIFY);
        let account = self.session(command.session.0).map_or(0, |session| session.account);
        let header = Header {
            side: command.side,
            reason: reason as u8,
            flags: if as_modify { Flags::AS_MODIFY } else { Flags::NONE },
            session: command.session,
            instrument: command.instrument,
            account: AccountId(account),
            ..self.header(EventKind::NotResting)
        };
        let order = OrderFields { user_ref: command.target, ..OrderFields::default() };
        self.say_report(header, order);
    }

    /// Refuses a new order or a replacement; the numbers as they came.
    fn reject(&mut self, command: &OrderCommand, reason: Reject, account: u32) {
        let hidden = command.conditions.contains(Conditions::HIDDEN);
        let header = Header {
            side: command.side,
            reason: reason as u8,
            flags: if hidden { Flags::HIDDEN } else { Flags::NONE },
            session: command.session,
            instrument: command.instrument,
            account: AccountId(account),
            ..self.header(EventKind::Rejected)
        };
        let detail = self.tell_detail(command, &header);
        let header = Header {
            flags: header.flags.with(detail),
            report: self.number_report(command.session.0),
            ordinal: self.header(EventKind::Rejected).ordinal,
            ..header
        };
        let order = OrderFields {
            user_ref: command.user_ref,
            price: command.price,
            quantity: command.quantity,
            ..OrderFields::default()
        };
        self.say_report(header, order);
    }
}
