//! Mass cancel and kill: commands on all orders that fit a filter.

use super::Engine;
use super::day::setting;
use super::emit::Emitter;
use super::operator::named;
use crate::command::{AccountSetting, CommandKind, OperatorCommand, SessionSetting};
use crate::event::{EventKind, EventSink, Header, SettingEvent};
use crate::reason::{CancelReason, Reject};
use crate::terms::{Phase, Side};

/// Which orders are meant; 0 and `None` mean all.
#[derive(Clone, Copy)]
struct Filter {
    side: Option<Side>,
    instrument: u32,
    account: u32,
    session: u32,
}

impl Engine {
    /// MassCancel.
    pub(super) fn mass_cancel<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        match self.filter(command) {
            Ok(filter) => self.cancel_filtered(command, filter, out),
            Err(reject) => Self::refuse(command, reject, out),
        }
    }

    /// Kill: no new orders from whom it names, a halt for what it names, then as MassCancel.
    pub(super) fn kill<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        let filter = match self.filter(command) {
            Ok(filter) => filter,
            Err(reject) => return Self::refuse(command, reject, out),
        };
        if let Some(account) = self.accounts.get_mut(filter.account) {
            account.enabled = false;
            let header = Header { account: command.account, ..out.header(EventKind::Setting) };
            closed(header, AccountSetting::Enabled as u8, out);
        }
        if let Some(session) = self.sessions.get_mut((filter.session as usize).wrapping_sub(1)) {
            session.enabled = false;
            let header = Header { session: command.session, ..out.header(EventKind::Setting) };
            closed(header, SessionSetting::Enabled as u8, out);
        }
        let nothing = filter.account == 0 && filter.session == 0 && filter.instrument == 0;
        for place in 0..self.instruments.len() {
            let phase = self.instruments[place].listing.phase;
            let stopped = matches!(phase, Phase::Halted | Phase::Suspended | Phase::Delisted);
            if !stopped && (nothing || filter.instrument as usize == place + 1) {
                self.instruments[place].listing.phase = Phase::Halted;
                self.tell_instrument(place, CommandKind::Kill, out);
            }
        }
        self.cancel_filtered(command, filter, out);
    }

    /// What the command means, or that it names something unknown.
    fn filter(&self, command: &OperatorCommand) -> Result<Filter, Reject> {
        let (instrument, account, session) = (command.instrument.0, command.account.0, command.session.0);
        let known = instrument as usize <= self.instruments.len()
            && account as usize <= self.accounts.list.len()
            && session as usize <= self.sessions.len();
        if !known {
            return Err(Reject::Unknown);
        }
        let side = match command.filter {
            0 => None,
            1 => Some(Side::Buy),
            2 => Some(Side::Sell),
            _ => return Err(Reject::Value),
        };
        Ok(Filter { side, instrument, account, session })
    }

    fn cancel_filtered<S: EventSink>(
        &mut self,
        command: &OperatorCommand,
        filter: Filter,
        out: &mut Emitter<'_, S>,
    ) {
        let fits = |engine: &Self, handle| {
            let hot = engine.orders.hot(handle);
            let is = |wanted: u32, found: u32| wanted == 0 || wanted == found;
            filter.side.is_none_or(|side| side == hot.side())
                && is(filter.instrument, u32::from(hot.book) + 1)
                && is(filter.account, hot.account)
                && is(filter.session, hot.session)
        };
        let count = self.cancel_where(fits, CancelReason::Operator, out);
        let header = named(command, EventKind::MassCancelled, out);
        let event = setting(header, command.kind);
        out.event(&SettingEvent { filter: command.filter, value: count as i64, ..event });
    }
}

fn closed<S: EventSink>(header: Header, number: u8, out: &mut Emitter<'_, S>) {
    out.event(&SettingEvent { setting: number, ..setting(header, CommandKind::Kill) });
}
