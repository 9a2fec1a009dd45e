//! Sessions come and go.

use super::Engine;
use super::emit::Emitter;
use crate::command::{CommandKind, SessionCommand};
use crate::event::{EventKind, EventSink, Header, SessionEvent};
use crate::number::{AccountId, ReportNumber, SessionId, Text, UserRef};
use crate::reason::{CancelReason, Reject};
use crate::sessions::day_name;

impl Engine {
    /// LogIn.
    pub(super) fn log_in<S: EventSink>(&mut self, command: &SessionCommand, out: &mut Emitter<'_, S>) {
        let number = command.session.0;
        let session = self.sessions.get_mut((number as usize).wrapping_sub(1));
        let refused = match session.filter(|session| session.enabled && command.connection != 0) {
            Some(session) => {
                session.connection = command.connection;
                false
            }
            None => true,
        };
        let mut event = self.session_state(number, CommandKind::LogIn, command.connection, out);
        event.from_report = command.from_report;
        if refused {
            event.header.reason = Reject::Session as u8;
        }
        out.event(&event);
    }

    /// LogOut and SessionLost.
    pub(super) fn disconnect<S: EventSink>(&mut self, command: &SessionCommand, out: &mut Emitter<'_, S>) {
        let number = command.session.0;
        let Some(session) = self.sessions.get((number as usize).wrapping_sub(1)) else { return };
        if session.connection != 0 && session.connection == command.connection {
            self.take_down(number, command.kind, out);
        }
    }

    /// AllSessionsDown.
    pub(super) fn all_sessions_down<S: EventSink>(&mut self, out: &mut Emitter<'_, S>) {
        for place in 0..self.sessions.len() {
            if self.sessions[place].connection != 0 {
                self.take_down(place as u32 + 1, CommandKind::AllSessionsDown, out);
            }
        }
    }

    /// Ends the session's connection, and its orders where it asked for that.
    fn take_down<S: EventSink>(&mut self, number: u32, cause: CommandKind, out: &mut Emitter<'_, S>) {
        let session = &mut self.sessions[number as usize - 1];
        let connection = std::mem::take(&mut session.connection);
        let cancels = session.cancel_on_disconnect && session.live_orders > 0;
        let event = self.session_state(number, cause, connection, out);
        out.event(&event);
        if cancels {
            let own = |engine: &Self, handle| engine.orders.hot(handle).session == number;
            self.cancel_where(own, CancelReason::Disconnect, out);
        }
    }

    fn session_state<S: EventSink>(
        &self,
        number: u32,
        cause: CommandKind,
        connection: u64,
        out: &Emitter<'_, S>,
    ) -> SessionEvent {
        let session = self.sessions.get((number as usize).wrapping_sub(1));
        let header = Header {
            session: SessionId(number),
            account: AccountId(session.map_or(0, |session| session.account)),
            ..out.header(EventKind::SessionState)
        };
        SessionEvent {
            header,
            cause,
            begins: 0,
            cancel_on_disconnect: session.map_or(0, |session| u8::from(session.cancel_on_disconnect)),
            reserved: 0,
            next_report: ReportNumber(session.map_or(0, |session| session.reports.wrapping_add(1))),
            last_user_ref: UserRef(session.map_or(0, |session| session.last_user_ref)),
            date: self.date,
            connection,
            from_report: 0,
            day: session.map_or(Text::EMPTY, |_| day_name(self.date)),
            reserved_tail: [0; 38],
        }
    }

    /// SessionDay, numbered: the day of the session begins or ends.
    pub(super) fn session_day<S: EventSink>(
        &mut self,
        number: u32,
        cause: CommandKind,
        begins: bool,
        out: &mut Emitter<'_, S>,
    ) {
        let session = &mut self.sessions[number as usize - 1];
        let report = ReportNumber(session.report());
        let connection = session.connection;
        let mut event = self.session_state(number, cause, connection, out);
        event.header = Header { kind: EventKind::SessionDay, report, ..event.header };
        event.begins = u8::from(begins);
        out.event(&event);
    }
}
