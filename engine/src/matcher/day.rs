//! A new trading day.

use super::Engine;
use super::emit::{Emitter, Replaced};
use super::operator::refuse;
use crate::accounts::Balance;
use crate::book::{BookView, LevelState};
use crate::command::{CommandKind, SessionCommand};
use crate::event::{BalanceEvent, EventKind, EventSink, Flags, Header, SettingEvent};
use crate::number::{AccountId, CurrencyId, Money};
use crate::orders::Traits;
use crate::reason::{CancelReason, Reject};
use crate::terms::{Phase, TimeInForce};

/// Years that a session's day can name.
const YEARS: std::ops::RangeInclusive<u32> = 2000..=2099;

impl Engine {
    /// NewDay: DAY orders end, client numbers start again, and what goes on is told anew.
    pub(super) fn new_day<S: EventSink>(&mut self, command: &SessionCommand, out: &mut Emitter<'_, S>) {
        if command.date <= self.date || !is_date(command.date) {
            let header = out.header(EventKind::OperatorRejected);
            return refuse(header, CommandKind::NewDay, 0, (Reject::Date, command.date), out);
        }
        let for_the_day =
            |engine: &Self, handle| engine.orders.terms(handle).time_in_force == TimeInForce::Day;
        self.cancel_where(for_the_day, CancelReason::Expired, out);
        let sessions = self.sessions.len() as u32;
        for number in 1..=sessions {
            self.session_day(number, CommandKind::NewDay, false, out);
        }
        self.date = command.date;
        let header = out.header(EventKind::DayStarted);
        out.event(&SettingEvent { date: self.date, ..setting(header, CommandKind::NewDay) });
        for session in &mut self.sessions {
            session.reports = 0;
            session.last_user_ref = 0;
            session.carried_user_ref = 0;
        }
        for number in 1..=sessions {
            self.session_day(number, CommandKind::NewDay, true, out);
        }
        for place in 0..self.instruments.len() {
            if self.instruments[place].listing.phase != Phase::Delisted {
                self.tell_instrument(place, CommandKind::NewDay, out);
            }
        }
        self.carry(out);
        for (account, currency, balance) in self.accounts.balances() {
            tell_balance(account, currency, (0, balance), CommandKind::NewDay, out);
        }
    }

    /// Carried, for each resting order.
    fn carry<S: EventSink>(&mut self, out: &mut Emitter<'_, S>) {
        for instrument in &self.instruments {
            let view = BookView { book: &instrument.book, pool: &self.pool, orders: &self.orders };
            for handle in view.all() {
                let hot = self.orders.hot(handle);
                let terms = self.orders.terms(handle);
                let session = &mut self.sessions[hot.session as usize - 1];
                session.carried_user_ref = session.carried_user_ref.max(hot.user_ref);
                let mut line = self.line(handle, EventKind::Carried, LevelState::default());
                if hot.traits.has(Traits::DETAILED) {
                    out.detail(&line, &self.orders.details(handle), &terms);
                    line.flags = line.flags.with(Flags::DETAIL);
                }
                out.terms(&line, &terms, Replaced::default());
            }
        }
    }
}

fn is_date(date: u32) -> bool {
    YEARS.contains(&(date / 10_000))
        && (1..=12).contains(&(date / 100 % 100))
        && (1..=31).contains(&(date % 100))
}

/// A setting event with all else zero.
pub(super) const fn setting(header: Header, cause: CommandKind) -> SettingEvent {
    SettingEvent {
        header,
        cause,
        setting: 0,
        filter: 0,
        reserved: 0,
        date: 0,
        value: 0,
        reserved_tail: [0; 8],
    }
}

/// Balance: what came (`change`), and what there is after it. A sum beyond 64 bits is told as the
/// nearest that fits; the ledger itself has it exactly.
pub(super) fn tell_balance<S: EventSink>(
    account: u32,
    currency: u16,
    (change, balance): (i64, Balance),
    cause: CommandKind,
    out: &mut Emitter<'_, S>,
) {
    let money = |sum: i128| Money(sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64);
    let header = Header { account: AccountId(account), ..out.header(EventKind::Balance) };
    out.event(&BalanceEvent {
        header,
        change: Money(change),
        available: money(balance.available),
        reserved: money(balance.reserved),
        currency: CurrencyId(currency),
        cause,
        padding: [0; 5],
        reserved_tail: [0; 6],
    });
}
