//! Log-ins: who may come in, and from where their stream goes on.

use super::Doors;
use super::catch_up::CatchUp;
use super::connection::{Connection, Door, Stage, Stream};
use super::intake::{Stop, origin};
use crate::limits::ADDRESSES_MAX;
use crate::password;
use crate::soup::{Login, LoginAccepted, LoginReject, Packet};
use engine::command::{CommandKind, CommandSlot, SessionCommand, SessionSetting};
use engine::event::{EventKind, SessionEvent, SettingEvent};
use engine::number::SessionId;
use engine::ring::Publish;
use engine::terms::Role;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Failed log-ins of the present minute, by address.
#[derive(Debug, Default)]
pub(super) struct Failures {
    since_ns: u64,
    counts: BTreeMap<IpAddr, u32>,
}

impl Failures {
    pub(super) fn forget(&mut self, now_ns: u64, window_ns: u64) {
        if now_ns.saturating_sub(self.since_ns) >= window_ns {
            self.since_ns = now_ns;
            self.counts.clear();
        }
    }

    fn count(&self, address: IpAddr) -> u32 {
        self.counts.get(&origin(address)).copied().unwrap_or(0)
    }

    fn add(&mut self, address: IpAddr) {
        let origin = origin(address);
        if self.counts.len() < ADDRESSES_MAX || self.counts.contains_key(&origin) {
            *self.counts.entry(origin).or_insert(0) += 1;
        }
    }
}

impl Doors {
    /// Answers a login, or sends it on to the engine.
    pub(super) fn log_in(
        &mut self,
        slot: usize,
        connection: &mut Connection,
        login: &Login<'_>,
        ring: &mut impl Publish,
    ) -> Stop {
        let Some(session) = self.authenticate(connection, login) else {
            self.failures.add(connection.address);
            return self.reject(connection, LoginReject::NotAuthorized);
        };
        let (day, next) = match connection.door {
            Door::Ouch => match self.directory.session(session) {
                Some(known) => (known.day, u64::from(known.next_report.0)),
                None => return self.reject(connection, LoginReject::NotAuthorized),
            },
            Door::Itch => {
                self.hand_out();
                (self.market_data.day().name, self.market_data.day().next)
            }
        };
        let other_session = !login.session.is_empty() && login.session != day.as_bytes();
        if other_session || login.sequence > next {
            return self.reject(connection, LoginReject::SessionNotAvailable);
        }
        match connection.door {
            Door::Ouch => {
                let mut command = SessionCommand::blank(CommandKind::LogIn, self.now);
                command.session = session;
                command.connection = connection.id;
                command.from_report = login.sequence;
                if ring.try_publish(&CommandSlot::new(&command)).is_err() {
                    return Stop::RingFull;
                }
                connection.stage = Stage::Pending { session };
                self.pending.insert(connection.id, slot);
                Stop::Waits
            }
            Door::Itch => {
                let from = if login.sequence == 0 { next } else { login.sequence };
                accept(connection, day.as_bytes(), from, (None, next));
                connection.reader = Some(session);
                self.readers.push(slot);
                Stop::LoggedIn
            }
        }
    }

    /// The session that the login names, if it may come in here. Takes the same time for an unknown
    /// name as for a wrong password.
    fn authenticate(&self, connection: &Connection, login: &Login<'_>) -> Option<SessionId> {
        if self.failures.count(connection.address) >= self.limits.failed_log_ins_max {
            return None;
        }
        let Some(session) = self.directory.session_of(login.username) else {
            password::matches(&[0; 16], &[0; 32], login.password);
            return None;
        };
        let may = match connection.door {
            Door::Ouch => session.role == Role::Trader,
            Door::Itch => matches!(session.role, Role::Trader | Role::MarketData),
        };
        let known = password::matches(&session.salt, &session.password_hash, login.password);
        (known && may && session.enabled).then_some(session.id)
    }

    fn reject(&mut self, connection: &mut Connection, reason: LoginReject) -> Stop {
        connection.close_with(Some(Packet::LoginRejected(reason)), self.now.0);
        Stop::Closed
    }

    /// The engine's answer to a LogIn.
    pub(super) fn answer_log_in(&mut self, event: &SessionEvent) {
        let Some(slot) = self.pending.remove(&event.connection) else { return };
        let session = event.header.session;
        if event.header.reason != 0 {
            if let Some(connection) = self.connections[slot].as_mut() {
                connection.close_with(Some(Packet::LoginRejected(LoginReject::NotAuthorized)), self.now.0);
                self.mark_dirty(slot);
            }
            return;
        }
        let mut older = None;
        self.route(session, |route| older = route.replace(slot).filter(|&older| older != slot));
        if let Some(older) = older {
            self.take_over(older);
        }
        let Some(connection) = self.connections[slot].as_mut() else { return };
        let next = u64::from(event.next_report.0);
        let from = if event.from_report == 0 { next } else { event.from_report };
        accept(connection, event.day.as_bytes(), from, (Some(session), next));
        if from < next {
            self.mark_catching_up(slot);
        }
        self.mark_dirty(slot);
        self.mark_ready(slot);
    }

    /// Closes the connections of a session that the operator has disabled. Those of a kill wait for its
    /// last event, so that their clients still read which of their orders it cancelled.
    pub(super) fn close_disabled(&mut self, event: &SettingEvent) {
        let session = event.header.session;
        let disables = event.header.kind == EventKind::Setting
            && session.0 != 0
            && event.setting == SessionSetting::Enabled as u8
            && event.value == 0;
        if disables && matches!(event.cause, CommandKind::SetSession | CommandKind::Kill) {
            self.disabled.push(session);
        }
        if event.header.kind == EventKind::MassCancelled || event.cause != CommandKind::Kill {
            for session in std::mem::take(&mut self.disabled) {
                self.close_session(session);
            }
        }
    }

    fn close_session(&mut self, session: SessionId) {
        let trading = self.by_session.get(session.0 as usize).copied().flatten();
        let is_its = |connection: &Connection| connection.reader == Some(session);
        let reads = |slot: &usize| self.connections[*slot].as_ref().is_some_and(is_its);
        let slots: Vec<usize> =
            trading.into_iter().chain(self.readers.iter().copied().filter(reads)).collect();
        for slot in slots {
            let text = b"the operator has disabled this session";
            self.end(slot, CommandKind::SessionLost, Some(Packet::Debug(text)));
        }
    }

    /// A newer connection has the session now. The engine knows: it is not told of the loss.
    fn take_over(&mut self, older: usize) {
        let now_ns = self.now.0;
        if let Some(connection) = self.connections[older].as_mut() {
            connection.close_with(Some(Packet::Debug(b"a newer login took the session over")), now_ns);
            self.mark_dirty(older);
        }
    }
}

/// Says yes, and sets the stream to begin at `from`; from the event log if that is before `next`.
fn accept(connection: &mut Connection, day: &[u8], from: u64, (session, next): (Option<SessionId>, u64)) {
    let accepted = LoginAccepted { session: day, sequence: from };
    Packet::LoginAccepted(accepted).encode(&mut connection.outbound.bytes);
    let catch_up = (from < next).then(|| Box::new(CatchUp::default()));
    connection.stage = Stage::Stream(Stream { session, next: from, catch_up });
}
