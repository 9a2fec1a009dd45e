//! Sessions and the trading day.

use super::events::{Told, setting_event};
use super::operator::{lowest, next_number, same_name};
use super::{Budget, Order, Session, Twin};
use engine::command::{AddSessionCommand, CommandKind, SessionCommand};
use engine::event::{EventKind, Header, SessionAddedEvent, SessionEvent, SettingEvent};
use engine::number::{AccountId, ReportNumber, SessionId, Text, UserRef};
use engine::reason::{CancelReason, Reject};
use engine::terms::{Phase, Role, SelfTrade, Side, TimeInForce};

impl Twin {
    pub(crate) fn log_in(&mut self, command: &SessionCommand) {
        let number = command.session.0;
        let session = self.session_mut(number);
        let admitted = session.filter(|session| session.enabled && command.connection != 0);
        let refused = admitted.map(|session| session.connection = command.connection).is_none();
        let mut event = self.session_event(number, CommandKind::LogIn, command.connection);
        event.from_report = command.from_report;
        event.header.reason = if refused { Reject::Session as u8 } else { 0 };
        self.say(&event);
    }

    pub(crate) fn log_out(&mut self, command: &SessionCommand) {
        let number = command.session.0;
        if self.session(number).is_some_and(|one| one.connection == command.connection && one.connection != 0)
        {
            self.disconnect(number, command.kind);
        }
    }

    pub(crate) fn all_sessions_down(&mut self) {
        let connected = self.sessions.iter().filter(|session| session.connection != 0);
        let numbers: Vec<u32> = connected.map(|session| session.number).collect();
        for number in numbers {
            self.disconnect(number, CommandKind::AllSessionsDown);
        }
    }

    fn disconnect(&mut self, number: u32, cause: CommandKind) {
        let session = self.session_mut(number).expect("it was connected");
        let connection = std::mem::take(&mut session.connection);
        let cancels = session.cancel_on_disconnect;
        let event = self.session_event(number, cause, connection);
        self.say(&event);
        if cancels {
            self.end_all(|order| order.session == number, CancelReason::Disconnect);
        }
    }

    /// Ends all orders that fit, in order of entry; how many.
    pub(crate) fn end_all(&mut self, fits: impl Fn(&Order) -> bool, reason: CancelReason) -> usize {
        let ids: Vec<u64> = self.orders.iter().filter(|order| fits(order)).map(|order| order.id).collect();
        for &id in &ids {
            self.end(id, reason);
        }
        ids.len()
    }

    fn day(&self) -> Text<10> {
        Text::new(&format!("{:06}01", self.date % 1_000_000)).expect("eight digits")
    }

    fn session_event(&self, number: u32, cause: CommandKind, connection: u64) -> SessionEvent {
        let header = Header { session: SessionId(number), ..self.header(EventKind::SessionState) };
        let mut event = blank(header, cause);
        (event.date, event.connection) = (self.date, connection);
        if let Some(session) = self.session(number) {
            event.header.account = AccountId(session.account);
            event.cancel_on_disconnect = u8::from(session.cancel_on_disconnect);
            event.next_report = ReportNumber(session.next_report);
            event.last_user_ref = UserRef(session.last_user_ref);
            event.day = self.day();
        }
        event
    }

    fn tell_day(&mut self, number: u32, cause: CommandKind, begins: bool) {
        let report = self.number_report(number);
        let connection = self.session(number).expect("known").connection;
        let mut event = self.session_event(number, cause, connection);
        event.header = Header { kind: EventKind::SessionDay, report, ..event.header };
        event.begins = u8::from(begins);
        self.say(&event);
    }

    pub(crate) fn add_session(&mut self, command: &AddSessionCommand) {
        let same = |one: &Session| same_name(one.name.as_bytes(), command.name.as_bytes());
        let needs_account = command.role == Role::Trader || command.account.0 != 0;
        let unsound = command.self_trade == SelfTrade::SessionDefault
            || command.name == Text::EMPTY
            || command.cancel_on_disconnect > 1;
        let checked = lowest(&[
            next_number(command.session.0, self.sessions.len()),
            (self.sessions.iter().any(same), Reject::Exists),
            (needs_account && self.account(command.account.0).is_none(), Reject::Unknown),
            (unsound, Reject::Value),
            (self.sessions.len() >= self.limits.sessions as usize, Reject::Limit),
        ]);
        if let Err(reason) = checked {
            let header = Header {
                session: command.session,
                account: command.account,
                reason: reason as u8,
                ..self.header(EventKind::OperatorRejected)
            };
            return self.say(&setting_event(header, CommandKind::AddSession, 0, 0));
        }
        let now = self.clock;
        self.sessions.push(Session {
            number: command.session.0,
            name: command.name,
            account: command.account.0,
            role: command.role,
            self_trade: command.self_trade,
            cancel_on_disconnect: command.cancel_on_disconnect == 1,
            enabled: true,
            orders: Budget::full(command.rate, command.burst.into(), now),
            cancels: Budget::full(command.cancel_rate, command.burst.into(), now),
            burst: command.burst.into(),
            connection: 0,
            next_report: 1,
            last_user_ref: 0,
        });
        let header = Header {
            session: command.session,
            account: command.account,
            ..self.header(EventKind::SessionAdded)
        };
        self.say(&SessionAddedEvent {
            header,
            name: command.name,
            salt: command.salt,
            password_hash: command.password_hash,
            role: command.role,
            self_trade: command.self_trade,
            cancel_on_disconnect: command.cancel_on_disconnect,
            reserved: 0,
            rate: command.rate,
            cancel_rate: command.cancel_rate,
            burst: command.burst,
            reserved_tail: 0,
        });
        self.tell_day(command.session.0, CommandKind::AddSession, true);
    }

    pub(crate) fn new_day(&mut self, date: u32) {
        let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
        let is_date = (2000..=2099).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        if date <= self.date || !is_date {
            let reason = Reject::Date as u8;
            let header = Header { reason, ..self.header(EventKind::OperatorRejected) };
            return self.say(&SettingEvent { date, ..setting_event(header, CommandKind::NewDay, 0, 0) });
        }
        self.end_all(|order| order.entered.time_in_force == TimeInForce::Day, CancelReason::Expired);
        let sessions: Vec<u32> = self.sessions.iter().map(|session| session.number).collect();
        for &number in &sessions {
            self.tell_day(number, CommandKind::NewDay, false);
        }
        self.date = date;
        let header = self.header(EventKind::DayStarted);
        self.say(&SettingEvent { date, ..setting_event(header, CommandKind::NewDay, 0, 0) });
        for &number in &sessions {
            let session = self.session_mut(number).expect("known");
            (session.next_report, session.last_user_ref) = (1, 0);
            self.tell_day(number, CommandKind::NewDay, true);
        }
        self.tell_market();
    }

    /// What a day begins with: instruments, carried orders, balances.
    fn tell_market(&mut self) {
        let listed = self.instruments.iter().filter(|one| one.phase != Phase::Delisted);
        let instruments: Vec<u32> = listed.map(|instrument| instrument.number).collect();
        for &number in &instruments {
            self.tell_instrument(number, CommandKind::NewDay);
        }
        for &number in &instruments {
            for side in [Side::Buy, Side::Sell] {
                let orders: Vec<Order> = self.side(number, side).into_iter().cloned().collect();
                for order in orders {
                    let flags = self.tell_order_detail(&order);
                    let told = Told { flags, ..Told::default() };
                    self.tell_agreed(EventKind::Carried, &order, told, None);
                }
            }
        }
        let balances: Vec<(u32, u16)> = self.balances.keys().copied().collect();
        for key in balances {
            let balance = self.balances[&key];
            if balance.available != 0 || balance.reserved != 0 {
                self.tell_balance(key, 0, CommandKind::NewDay);
            }
        }
    }
}

fn blank(header: Header, cause: CommandKind) -> SessionEvent {
    SessionEvent {
        header,
        cause,
        begins: 0,
        cancel_on_disconnect: 0,
        reserved: 0,
        next_report: ReportNumber(0),
        last_user_ref: UserRef(0),
        date: 0,
        connection: 0,
        from_report: 0,
        day: Text::EMPTY,
        reserved_tail: [0; 38],
    }
}
