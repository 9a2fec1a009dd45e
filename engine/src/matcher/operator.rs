//! The operator's commands on currencies, accounts, sessions and rules.

use super::Engine;
use super::day::{setting, tell_balance};
use super::emit::Emitter;
use crate::accounts::Account;
use crate::command::{
    AccountSetting, AddSessionCommand, CommandKind, NoteCommand, OperatorCommand, SessionSetting,
};
use crate::event::{EventKind, EventSink, Header, NamedEvent, NoteEvent, SessionAddedEvent, SettingEvent};
use crate::instruments::{Currency, DIGITS_MAX};
use crate::number::{AccountId, CurrencyId, Text};
use crate::reason::Reject;
use crate::sessions::{Bucket, Session};
use crate::terms::{AccountMode, Role, SelfTrade};

/// The version of the market rules that this engine follows.
pub(crate) const RULES: i64 = 1;

/// Whether a number is that of the next of `count` things; the others are in use or leave a hole.
pub(super) fn check_number(number: usize, count: usize) -> Reject {
    if number > count + 1 {
        Reject::Value
    } else if number <= count {
        Reject::Exists
    } else {
        Reject::None
    }
}

/// Names that differ in case only are the same: the protocols compare them so.
pub(super) fn same_name<const N: usize>(one: &Text<N>, other: &Text<N>) -> bool {
    one.as_bytes().eq_ignore_ascii_case(other.as_bytes())
}

/// The lowest of the reasons that apply.
pub(super) fn lowest<const N: usize>(reasons: [(bool, Reject); N]) -> Option<Reject> {
    reasons.iter().filter(|(applies, _)| *applies).map(|&(_, reject)| reject).min()
}

/// OperatorRejected.
pub(super) fn refuse<S: EventSink>(
    header: Header,
    cause: CommandKind,
    number: u8,
    (reject, date): (Reject, u32),
    out: &mut Emitter<'_, S>,
) {
    let header = Header { kind: EventKind::OperatorRejected, reason: reject as u8, ..header };
    out.event(&SettingEvent { setting: number, date, ..setting(header, cause) });
}

/// A header that names what the command names.
pub(super) fn named<S: EventSink>(
    command: &OperatorCommand,
    kind: EventKind,
    out: &Emitter<'_, S>,
) -> Header {
    Header {
        session: command.session,
        instrument: command.instrument,
        account: command.account,
        ..out.header(kind)
    }
}

impl Engine {
    /// Note.
    #[inline(never)]
    pub(super) fn note<S: EventSink>(note: &NoteCommand, out: &mut Emitter<'_, S>) {
        let header = out.header(EventKind::Note);
        out.event(&NoteEvent { header, who: note.who, why: note.why });
    }

    /// Refuses an operator's command.
    pub(super) fn refuse<S: EventSink>(command: &OperatorCommand, reject: Reject, out: &mut Emitter<'_, S>) {
        let header = named(command, EventKind::OperatorRejected, out);
        refuse(header, command.kind, command.setting, (reject, 0), out);
    }

    pub(super) fn unsupported<S: EventSink>(command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        Self::refuse(command, Reject::Unsupported, out);
    }

    /// Setting: the command's setting has the command's value.
    pub(super) fn tell_setting<S: EventSink>(
        command: &OperatorCommand,
        header: Header,
        out: &mut Emitter<'_, S>,
    ) {
        let event = setting(header, command.kind);
        out.event(&SettingEvent { setting: command.setting, value: command.value, ..event });
    }

    /// AddCurrency.
    pub(super) fn add_currency<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        let count = self.currencies.len();
        let number = check_number(usize::from(command.currency.0), count);
        let known = self.currencies.iter().any(|currency| same_name(&currency.name, &command.name));
        let reject = lowest([
            (number != Reject::None, number),
            (known, Reject::Exists),
            (command.name == Text::EMPTY || command.filter > DIGITS_MAX, Reject::Value),
            (count >= usize::from(self.limits.currencies), Reject::Limit),
        ]);
        if let Some(reject) = reject {
            return Self::refuse(command, reject, out);
        }
        self.currencies.push(Currency { name: command.name, digits: command.filter });
        let header = out.header(EventKind::CurrencyAdded);
        let event = name(header, command);
        out.event(&NamedEvent { currency: command.currency, digits: command.filter, ..event });
    }

    /// AddAccount.
    pub(super) fn add_account<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        let count = self.accounts.list.len();
        let number = check_number(command.account.0 as usize, count);
        let named = command.name != Text::EMPTY;
        let known = self.accounts.list.iter().any(|account| same_name(&account.name, &command.name));
        let reject = lowest([
            (number != Reject::None, number),
            (named && known, Reject::Exists),
            (count >= self.limits.accounts as usize, Reject::Limit),
        ]);
        if let Some(reject) = reject {
            return Self::refuse(command, reject, out);
        }
        self.accounts.push(Account {
            owner: Account::owner(command.account.0, command.owner_group),
            mode: command.mode,
            enabled: true,
            owner_group: command.owner_group,
            name: command.name,
        });
        let header = Header { account: command.account, ..out.header(EventKind::AccountAdded) };
        let event = name(header, command);
        out.event(&NamedEvent { mode: command.mode, owner_group: command.owner_group, ..event });
    }

    /// SetAccount.
    pub(super) fn set_account<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        let Ok(setting) = bytemuck::checked::try_cast::<u8, AccountSetting>(command.setting) else {
            return Self::unsupported(command, out);
        };
        let Some(account) = self.accounts.get_mut(command.account.0) else {
            return Self::refuse(command, Reject::Unknown, out);
        };
        match (setting, u32::try_from(command.value)) {
            (AccountSetting::Enabled, Ok(enabled @ 0..=1)) => account.enabled = enabled == 1,
            (AccountSetting::OwnerGroup, Ok(group)) => {
                account.owner_group = group;
                account.owner = Account::owner(command.account.0, group);
            }
            (AccountSetting::Enabled | AccountSetting::OwnerGroup, _) => {
                return Self::refuse(command, Reject::Value, out);
            }
        }
        let header = Header { account: command.account, ..out.header(EventKind::Setting) };
        Self::tell_setting(command, header, out);
    }

    /// Deposit, and with a negative value withdrawal.
    pub(super) fn deposit<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        let (account, currency) = (command.account.0, command.currency.0);
        let owner = self.accounts.get(account);
        let currency_known = (1..=self.currencies.len()).contains(&usize::from(currency));
        if !currency_known || (account != 0 && owner.is_none()) {
            return Self::refuse(command, Reject::Unknown, out);
        }
        let external = owner.is_some_and(|owner| owner.mode == AccountMode::External);
        if external || command.value == 0 {
            return Self::refuse(command, Reject::Value, out);
        }
        let balance = self.accounts.balance_mut(account, currency);
        let available = balance.available + i128::from(command.value);
        let beyond = available + balance.reserved > i128::from(i64::MAX);
        if (command.value < 0 && available < 0) || (command.value > 0 && beyond) {
            return Self::refuse(command, Reject::Balance, out);
        }
        balance.available = available;
        let balance = *balance;
        tell_balance(account, currency, (command.value, balance), command.kind, out);
    }

    /// AddSession.
    #[inline(never)]
    pub(super) fn add_session<S: EventSink>(
        &mut self,
        command: &AddSessionCommand,
        out: &mut Emitter<'_, S>,
    ) {
        let count = self.sessions.len();
        let number = check_number(command.session.0 as usize, count);
        let taken = self.sessions.iter().any(|session| same_name(&session.name, &command.name));
        let may_be_none = command.role != Role::Trader && command.account.0 == 0;
        let stranger = self.accounts.get(command.account.0).is_none() && !may_be_none;
        let invalid = command.name == Text::EMPTY
            || command.self_trade == SelfTrade::SessionDefault
            || command.cancel_on_disconnect > 1;
        let reject = lowest([
            (number != Reject::None, number),
            (taken, Reject::Exists),
            (stranger, Reject::Unknown),
            (invalid, Reject::Value),
            (count >= self.limits.sessions as usize, Reject::Limit),
        ]);
        let party = Header {
            session: command.session,
            account: command.account,
            ..out.header(EventKind::SessionAdded)
        };
        if let Some(reject) = reject {
            return refuse(party, CommandKind::AddSession, 0, (reject, 0), out);
        }
        self.sessions.push(Session {
            reports: 0,
            last_user_ref: 0,
            account: command.account.0,
            live_orders: 0,
            carried_user_ref: 0,
            burst: command.burst,
            enabled: true,
            ledger: self.accounts.is_ledger(command.account.0),
            ordinary: false,
            role: command.role,
            self_trade: command.self_trade,
            cancel_on_disconnect: command.cancel_on_disconnect == 1,
            orders: Bucket::full(command.rate, command.burst, self.clock.0),
            cancels: Bucket::full(command.cancel_rate, command.burst, self.clock.0),
            connection: 0,
            name: command.name,
            salt: command.salt,
            password_hash: command.password_hash,
        });
        out.event(&SessionAddedEvent {
            header: party,
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
        self.session_day(command.session.0, CommandKind::AddSession, true, out);
        self.find_ordinary();
    }

    /// SetSession.
    pub(super) fn set_session<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        let Ok(setting) = bytemuck::checked::try_cast::<u8, SessionSetting>(command.setting) else {
            return Self::unsupported(command, out);
        };
        let now = self.clock.0;
        let Some(session) = self.sessions.get_mut((command.session.0 as usize).wrapping_sub(1)) else {
            return Self::refuse(command, Reject::Unknown, out);
        };
        if !set(session, setting, command.value, now) {
            return Self::refuse(command, Reject::Value, out);
        }
        let account = AccountId(session.account);
        let header = Header { session: command.session, account, ..out.header(EventKind::Setting) };
        Self::tell_setting(command, header, out);
    }

    /// SetRules: this engine knows one version.
    pub(super) fn set_rules<S: EventSink>(command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        if command.value != RULES {
            return Self::unsupported(command, out);
        }
        let header = out.header(EventKind::RulesSet);
        out.event(&SettingEvent { value: command.value, ..setting(header, command.kind) });
    }
}

fn set(session: &mut Session, setting: SessionSetting, value: i64, now: u64) -> bool {
    let Ok(value) = u32::try_from(value) else { return false };
    match setting {
        SessionSetting::Enabled | SessionSetting::CancelOnDisconnect if value > 1 => return false,
        SessionSetting::Enabled => session.enabled = value == 1,
        SessionSetting::CancelOnDisconnect => session.cancel_on_disconnect = value == 1,
        SessionSetting::Rate => session.orders = Bucket::full(value, session.burst, now),
        SessionSetting::CancelRate => session.cancels = Bucket::full(value, session.burst, now),
        SessionSetting::Burst => {
            session.burst = value;
            session.orders = Bucket::full(session.orders.rate, value, now);
            session.cancels = Bucket::full(session.cancels.rate, value, now);
        }
        SessionSetting::SelfTrade => {
            let mode = u8::try_from(value).ok().and_then(|value| bytemuck::checked::try_cast(value).ok());
            match mode {
                Some(SelfTrade::SessionDefault) | None => return false,
                Some(mode) => session.self_trade = mode,
            }
        }
    }
    true
}

fn name(header: Header, command: &OperatorCommand) -> NamedEvent {
    NamedEvent {
        header,
        name: command.name,
        currency: CurrencyId(0),
        digits: 0,
        mode: AccountMode::External,
        owner_group: 0,
        reserved_tail: [0; 7],
    }
}
