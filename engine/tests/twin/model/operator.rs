//! The operator's commands on currencies, accounts, sessions, rules; mass cancel and kill.

use super::events::setting_event;
use super::{Account, Currency, Order, Twin};
use bytemuck::checked;
use engine::command::{AccountSetting, CommandKind, NoteCommand, OperatorCommand, SessionSetting};
use engine::event::{BalanceEvent, EventKind, Header, NamedEvent, NoteEvent};
use engine::number::{AccountId, CurrencyId, Money, Text};
use engine::reason::{CancelReason, Reject};
use engine::terms::{AccountMode, Phase, SelfTrade, Side};

/// Most decimal digits of a currency, a tick, a lot.
pub(crate) const DIGITS_MAX: u8 = 18;

/// The lowest of the reasons that apply.
pub(crate) fn lowest(reasons: &[(bool, Reject)]) -> Result<(), Reject> {
    match reasons.iter().filter(|(applies, _)| *applies).map(|(_, reason)| *reason).min() {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

/// Things are numbered from 1 without holes: why `number` is not that of the next of `count`.
pub(crate) fn next_number(number: u32, count: usize) -> (bool, Reject) {
    let (number, count) = (u64::from(number), count as u64);
    (number != count + 1, if number <= count { Reject::Exists } else { Reject::Value })
}

pub(crate) fn same_name(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

impl Twin {
    pub(crate) fn note(&mut self, command: &NoteCommand) {
        let header = self.header(EventKind::Note);
        self.say(&NoteEvent { header, who: command.who, why: command.why });
    }

    pub(crate) fn operate(&mut self, command: &OperatorCommand) {
        let done = match command.kind {
            CommandKind::AddCurrency => self.add_currency(command),
            CommandKind::AddAccount => self.add_account(command),
            CommandKind::Deposit => self.deposit(command),
            CommandKind::SetInstrument => self.set_instrument(command),
            CommandKind::SetPhase => self.set_phase(command),
            CommandKind::SetAccount => self.set_account(command),
            CommandKind::SetSession => self.set_session(command),
            CommandKind::MassCancel => self.mass_cancel(command),
            CommandKind::Kill => self.kill(command),
            CommandKind::SetRules => self.set_rules(command),
            _ => Err(Reject::Unsupported),
        };
        if let Err(reason) = done {
            let header = self.naming(command, EventKind::OperatorRejected);
            let mut event = setting_event(header, command.kind, command.setting, 0);
            event.header.reason = reason as u8;
            self.say(&event);
        }
    }

    /// A header that names what the command names.
    fn naming(&self, command: &OperatorCommand, kind: EventKind) -> Header {
        Header {
            instrument: command.instrument,
            account: command.account,
            session: command.session,
            ..self.header(kind)
        }
    }

    fn add_currency(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        let same = |one: &Currency| same_name(one.name.as_bytes(), command.name.as_bytes());
        lowest(&[
            next_number(command.currency.0.into(), self.currencies.len()),
            (self.currencies.iter().any(same), Reject::Exists),
            (command.name == Text::EMPTY || command.filter > DIGITS_MAX, Reject::Value),
            (self.currencies.len() >= self.limits.currencies as usize, Reject::Limit),
        ])?;
        self.currencies.push(Currency { name: command.name, digits: command.filter });
        let header = self.header(EventKind::CurrencyAdded);
        let event =
            NamedEvent { currency: command.currency, digits: command.filter, ..named(header, command) };
        self.say(&event);
        Ok(())
    }

    fn add_account(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        let same = |one: &Account| same_name(one.name.as_bytes(), command.name.as_bytes());
        lowest(&[
            next_number(command.account.0, self.accounts.len()),
            (command.name != Text::EMPTY && self.accounts.iter().any(same), Reject::Exists),
            (self.accounts.len() >= self.limits.accounts as usize, Reject::Limit),
        ])?;
        self.accounts.push(Account {
            number: command.account.0,
            name: command.name,
            mode: command.mode,
            owner_group: command.owner_group,
            enabled: true,
        });
        let header = Header { account: command.account, ..self.header(EventKind::AccountAdded) };
        let event =
            NamedEvent { mode: command.mode, owner_group: command.owner_group, ..named(header, command) };
        self.say(&event);
        Ok(())
    }

    /// Deposit and withdrawal; account 0 is the venue's own.
    fn deposit(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        let key = (command.account.0, command.currency.0);
        let account = self.account(key.0);
        let currency_known = key.1 > 0 && usize::from(key.1) <= self.currencies.len();
        let external = account.is_some_and(|account| account.mode == AccountMode::External);
        let balance = self.balances.get(&key).copied().unwrap_or_default();
        let change = i128::from(command.value);
        let after = balance.available + change;
        lowest(&[
            (!currency_known || (key.0 != 0 && account.is_none()), Reject::Unknown),
            (external || change == 0, Reject::Value),
            (change < 0 && after < 0, Reject::Balance),
            (change > 0 && after + balance.reserved > i128::from(i64::MAX), Reject::Balance),
        ])?;
        self.balances.entry(key).or_default().available = after;
        self.tell_balance(key, change, CommandKind::Deposit);
        Ok(())
    }

    /// A sum that 64 bits do not hold is told as the nearest that they do.
    pub(crate) fn tell_balance(&mut self, key: (u32, u16), change: i128, cause: CommandKind) {
        let balance = self.balances[&key];
        let told = |sum: i128| {
            let nearest = sum.max(i64::MIN.into()).min(i64::MAX.into());
            Money(i64::try_from(nearest).expect("it was made to fit"))
        };
        let header = Header { account: AccountId(key.0), ..self.header(EventKind::Balance) };
        self.say(&BalanceEvent {
            header,
            change: told(change),
            available: told(balance.available),
            reserved: told(balance.reserved),
            currency: CurrencyId(key.1),
            cause,
            padding: [0; 5],
            reserved_tail: [0; 6],
        });
    }

    fn set_account(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        let setting: AccountSetting = checked::try_cast(command.setting).map_err(|_| Reject::Unsupported)?;
        let number = command.account.0;
        let one = self.accounts.iter_mut().find(|one| one.number == number).ok_or(Reject::Unknown)?;
        let value = u32::try_from(command.value).map_err(|_| Reject::Value)?;
        match setting {
            AccountSetting::Enabled if value > 1 => return Err(Reject::Value),
            AccountSetting::Enabled => one.enabled = value == 1,
            AccountSetting::OwnerGroup => one.owner_group = value,
        }
        let header = Header { account: command.account, ..self.header(EventKind::Setting) };
        self.say(&setting_event(header, command.kind, command.setting, command.value));
        Ok(())
    }

    fn set_session(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        let setting: SessionSetting = checked::try_cast(command.setting).map_err(|_| Reject::Unsupported)?;
        let now = self.clock;
        let one = self.session_mut(command.session.0).ok_or(Reject::Unknown)?;
        let value = u32::try_from(command.value).map_err(|_| Reject::Value)?;
        match setting {
            SessionSetting::Enabled | SessionSetting::CancelOnDisconnect if value > 1 => {
                return Err(Reject::Value);
            }
            SessionSetting::Enabled => one.enabled = value == 1,
            SessionSetting::CancelOnDisconnect => one.cancel_on_disconnect = value == 1,
            SessionSetting::Rate => one.orders.rate = value.into(),
            SessionSetting::CancelRate => one.cancels.rate = value.into(),
            SessionSetting::Burst => one.burst = value.into(),
            SessionSetting::SelfTrade => {
                let byte = u8::try_from(value).map_err(|_| Reject::Value)?;
                let mode: SelfTrade = checked::try_cast(byte).map_err(|_| Reject::Value)?;
                if mode == SelfTrade::SessionDefault {
                    return Err(Reject::Value);
                }
                one.self_trade = mode;
            }
        }
        if matches!(setting, SessionSetting::Rate | SessionSetting::Burst) {
            one.orders.fill(one.burst, now);
        }
        if matches!(setting, SessionSetting::CancelRate | SessionSetting::Burst) {
            one.cancels.fill(one.burst, now);
        }
        let account = AccountId(one.account);
        let header = Header { session: command.session, account, ..self.header(EventKind::Setting) };
        self.say(&setting_event(header, command.kind, command.setting, command.value));
        Ok(())
    }

    fn cancel_fitting(&mut self, command: &OperatorCommand) {
        let fits = |order: &Order| {
            let fits_side = match command.filter {
                1 => order.side == Side::Buy,
                2 => order.side == Side::Sell,
                _ => true,
            };
            fits_side
                && (command.instrument.0 == 0 || order.instrument == command.instrument.0)
                && (command.account.0 == 0 || order.account == command.account.0)
                && (command.session.0 == 0 || order.session == command.session.0)
        };
        let count = self.end_all(fits, CancelReason::Operator);
        let header = self.naming(command, EventKind::MassCancelled);
        let mut event = setting_event(header, command.kind, 0, i64::try_from(count).expect("few"));
        event.filter = command.filter;
        self.say(&event);
    }

    /// A filter that names what is not, or no side.
    fn check_filter(&self, command: &OperatorCommand) -> Result<(), Reject> {
        let unknown = (command.instrument.0 != 0 && self.instrument(command.instrument.0).is_none())
            || (command.account.0 != 0 && self.account(command.account.0).is_none())
            || (command.session.0 != 0 && self.session(command.session.0).is_none());
        lowest(&[(unknown, Reject::Unknown), (command.filter > 2, Reject::Value)])
    }

    fn mass_cancel(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        self.check_filter(command)?;
        self.cancel_fitting(command);
        Ok(())
    }

    fn kill(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        self.check_filter(command)?;
        let (number, all) = (command.instrument.0, command.account.0 == 0 && command.session.0 == 0);
        if let Some(account) = self.accounts.iter_mut().find(|one| one.number == command.account.0) {
            account.enabled = false;
            let header = Header { account: command.account, ..self.header(EventKind::Setting) };
            self.say(&setting_event(header, CommandKind::Kill, AccountSetting::Enabled as u8, 0));
        }
        if let Some(session) = self.session_mut(command.session.0) {
            session.enabled = false;
            let header = Header { session: command.session, ..self.header(EventKind::Setting) };
            self.say(&setting_event(header, CommandKind::Kill, SessionSetting::Enabled as u8, 0));
        }
        for at in 0..self.instruments.len() {
            let one = &mut self.instruments[at];
            let stopped = [Phase::Halted, Phase::Suspended, Phase::Delisted].contains(&one.phase);
            let meant = one.number == number || (number == 0 && all);
            if meant && !stopped {
                one.phase = Phase::Halted;
                let number = one.number;
                self.tell_instrument(number, CommandKind::Kill);
            }
        }
        self.cancel_fitting(command);
        Ok(())
    }

    /// There is one version of the rules so far.
    fn set_rules(&mut self, command: &OperatorCommand) -> Result<(), Reject> {
        lowest(&[(command.value != 1, Reject::Unsupported)])?;
        let header = self.header(EventKind::RulesSet);
        self.say(&setting_event(header, CommandKind::SetRules, 0, command.value));
        Ok(())
    }
}

fn named(header: Header, command: &OperatorCommand) -> NamedEvent {
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
