//! From a request to the commands that carry it out. Names become numbers by the view; what has no
//! meaning is refused here with a sentence, what the market refuses comes back as a reject.

use super::listing::{list_instrument, set_instrument};
use super::refusal::{Code, Refusal};
use super::request::{Envelope, Filter, Request, Transfer};
use super::view::View;
use crate::time;
use engine::command::{
    AddSessionCommand, CommandKind, CommandSlot, NoteCommand, OperatorCommand, SessionCommand,
};
use engine::decimal::Decimal;
use engine::number::{AccountId, CurrencyId, InstrumentId, SessionId, Text, Timestamp};
use engine::terms::{Phase, Side};

/// Characters of a made password: no letters or digits that are mistaken for others.
const PASSWORD_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Length of a made password; the longest that SoupBinTCP carries.
const PASSWORD_LENGTH: usize = 10;

/// How far ahead of the calendar a day may be: the venue opens no earlier one after it.
const DAYS_AHEAD_MAX: u32 = 366;

/// What a request becomes.
pub(crate) enum Plan {
    /// A question: the view answers.
    Question,
    /// Commands, and a password to show once.
    Commands { commands: Vec<CommandSlot>, password: Option<String> },
}

/// Turns a request into commands.
///
/// # Errors
/// A sentence that names what is wrong and what to do.
pub(crate) fn plan(envelope: &Envelope, view: &View, today: u32) -> Result<Plan, Refusal> {
    let mut password = None;
    let command = match &envelope.request {
        Request::Status
        | Request::Instruments
        | Request::Accounts
        | Request::Sessions
        | Request::Orders(_)
        | Request::Fills(_)
        | Request::Balances(_) => return Ok(Plan::Question),
        Request::AddCurrency { code, digits } => add_currency(view, code, *digits)?,
        Request::ListInstrument(listing) => list_instrument(view, listing)?,
        Request::SetInstrument { symbol, setting, value } => set_instrument(view, symbol, *setting, *value)?,
        Request::Halt { symbol } => phase(view, symbol, Phase::Halted)?,
        Request::Resume { symbol } => phase(view, symbol, Phase::Continuous)?,
        Request::Suspend { symbol } => phase(view, symbol, Phase::Suspended)?,
        Request::Delist { symbol } => phase(view, symbol, Phase::Delisted)?,
        Request::AddAccount { name, mode, owner_group } => {
            let mut command = operator(CommandKind::AddAccount);
            command.account = AccountId(view.accounts.last_key_value().map_or(0, |(id, _)| *id) + 1);
            command.name = named("account name", name)?;
            command.mode = mode.value();
            command.owner_group = *owner_group;
            CommandSlot::new(&command)
        }
        Request::SetAccount { account: name, setting, value } => {
            let mut command = operator(CommandKind::SetAccount);
            command.account = account(view, name)?;
            command.setting = setting.value() as u8;
            command.value = i64::from(*value);
            CommandSlot::new(&command)
        }
        Request::Deposit(transfer) => deposit(view, transfer, 1)?,
        Request::Withdraw(transfer) => deposit(view, transfer, -1)?,
        Request::AddSession { .. } => {
            let (command, made) = add_session(view, &envelope.request)?;
            password = Some(made);
            command
        }
        Request::SetSession { session: name, setting, value } => {
            let mut command = operator(CommandKind::SetSession);
            command.session = session(view, name)?;
            command.setting = setting.value() as u8;
            command.value = i64::from(*value);
            CommandSlot::new(&command)
        }
        Request::MassCancel(filter) => filtered(view, CommandKind::MassCancel, filter)?,
        Request::Kill(filter) => filtered(view, CommandKind::Kill, filter)?,
        Request::Day { date } => {
            let mut command = SessionCommand::blank(CommandKind::NewDay, Timestamp(0));
            command.date = date.map_or(Ok(today), |date| day(date, today))?;
            CommandSlot::new(&command)
        }
    };
    Ok(Plan::Commands { commands: vec![note(envelope)?, command], password })
}

pub(super) fn operator(kind: CommandKind) -> OperatorCommand {
    OperatorCommand::blank(kind, Timestamp(0))
}

/// A date that a day may have, seen from `today`.
fn day(date: u32, today: u32) -> Result<u32, Refusal> {
    let (Some(wanted), Some(now)) = (time::day_number(date), time::day_number(today)) else {
        return Err(Refusal::new(
            Code::Date,
            format!("day {date}: no date of the calendar; write it as YYYYMMDD, for example {today}"),
        ));
    };
    if wanted > now + i64::from(DAYS_AHEAD_MAX) {
        return Err(Refusal::new(
            Code::Date,
            format!(
                "day {date}: more than {DAYS_AHEAD_MAX} days after {today}, and the venue could open no earlier day \
                 any more; give a nearer one"
            ),
        ));
    }
    Ok(date)
}

fn note(envelope: &Envelope) -> Result<CommandSlot, Refusal> {
    let mut note = NoteCommand::blank(CommandKind::Note, Timestamp(0));
    note.who = text("who", &envelope.who)?;
    note.why = text("why", &envelope.why)?;
    Ok(CommandSlot::new(&note))
}

fn text<const N: usize>(what: &str, value: &str) -> Result<Text<N>, Refusal> {
    Text::new(value).ok_or_else(|| {
        let shown: String = value.chars().take(N + 1).collect();
        let cut = if shown.len() < value.len() { "…" } else { "" };
        Refusal::value(format!(
            "{what} {shown:?}{cut}: at most {N} printable ASCII characters; give another one with --{what}"
        ))
    })
}

/// A name of something that is made: as the configuration takes it.
pub(super) fn named<const N: usize>(what: &str, value: &str) -> Result<Text<N>, Refusal> {
    let plain = (1..=N).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
    Text::new(value).filter(|_| plain).ok_or_else(|| {
        let shown: String = value.chars().take(N + 1).collect();
        Refusal::value(format!("{what} {shown:?}: take 1 to {N} ASCII characters without a space"))
    })
}

fn filtered(view: &View, kind: CommandKind, filter: &Filter) -> Result<CommandSlot, Refusal> {
    let mut command = operator(kind);
    if let Some(name) = &filter.session {
        command.session = session(view, name)?;
    }
    if let Some(name) = &filter.account {
        command.account = account(view, name)?;
    }
    if let Some(symbol) = &filter.symbol {
        command.instrument = instrument(view, symbol)?;
    }
    command.filter = match filter.side.map(super::request::SideName::value) {
        None => 0,
        Some(Side::Buy) => 1,
        Some(Side::Sell) => 2,
    };
    Ok(CommandSlot::new(&command))
}

fn phase(view: &View, symbol: &str, phase: Phase) -> Result<CommandSlot, Refusal> {
    let mut command = operator(CommandKind::SetPhase);
    command.instrument = instrument(view, symbol)?;
    command.phase = phase;
    Ok(CommandSlot::new(&command))
}

fn add_currency(view: &View, code: &str, digits: u8) -> Result<CommandSlot, Refusal> {
    let mut command = operator(CommandKind::AddCurrency);
    let next = view.currencies.last_key_value().map_or(0, |(id, _)| *id).checked_add(1);
    let full =
        || Refusal::new(Code::Limit, "there are as many currencies as can be numbered: use one of them");
    command.currency = CurrencyId(next.ok_or_else(full)?);
    command.name = named("currency code", code)?;
    command.filter = digits;
    Ok(CommandSlot::new(&command))
}

fn deposit(view: &View, transfer: &Transfer, sign: i128) -> Result<CommandSlot, Refusal> {
    let mut command = operator(CommandKind::Deposit);
    command.account = account(view, &transfer.account)?;
    command.currency = currency(view, &transfer.currency)?;
    let digits = view.currencies.get(&command.currency.0).map_or(0, |terms| terms.digits);
    let minor =
        Decimal::parse(&transfer.amount).and_then(|amount| amount.in_steps(1, digits)).map_err(|error| {
            let Transfer { amount, currency, .. } = transfer;
            Refusal::value(format!(
                "amount {amount:?}: {error}; {currency} has {digits} digits after the point"
            ))
        })?;
    if minor <= 0 {
        return Err(Refusal::value(format!("amount {:?}: must be above 0", transfer.amount)));
    }
    command.value = i64::try_from(sign * minor).map_err(|_| {
        let most = view.amount(command.currency.0, i128::from(i64::MAX));
        Refusal::new(
            Code::Balance,
            format!("amount {:?}: a balance counts to {most}; take less", transfer.amount),
        )
    })?;
    Ok(CommandSlot::new(&command))
}

fn add_session(view: &View, request: &Request) -> Result<(CommandSlot, String), Refusal> {
    let Request::AddSession {
        name,
        account: account_name,
        role,
        self_trade,
        cancel_on_disconnect,
        rate,
        cancel_rate,
        burst,
    } = request
    else {
        return Err(Refusal::new(Code::Request, "not a request for a session"));
    };
    let mut command = AddSessionCommand::blank(CommandKind::AddSession, Timestamp(0));
    if name.is_empty() || name.len() > 6 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Refusal::value(format!(
            "session name {name:?}: take one to six letters and digits, which is what SoupBinTCP carries"
        )));
    }
    command.name = text("session name", name)?;
    command.session = SessionId(view.sessions.last_key_value().map_or(0, |(id, _)| *id) + 1);
    command.account = account(view, account_name)?;
    command.role = role.value();
    command.self_trade = self_trade.value();
    command.cancel_on_disconnect = u8::from(*cancel_on_disconnect);
    (command.rate, command.cancel_rate, command.burst) = (*rate, *cancel_rate, *burst);
    let password = make_password()?;
    getrandom::fill(&mut command.salt).map_err(no_random_bytes)?;
    command.password_hash = net::password_hash(&command.salt, password.as_bytes());
    Ok((CommandSlot::new(&command), password))
}

fn no_random_bytes(error: getrandom::Error) -> Refusal {
    Refusal::new(Code::Failed, format!("the system gives no random bytes for a password: {error}; try again"))
}

fn make_password() -> Result<String, Refusal> {
    let mut random = [0u8; PASSWORD_LENGTH];
    getrandom::fill(&mut random).map_err(no_random_bytes)?;
    Ok(random.iter().map(|byte| char::from(PASSWORD_ALPHABET[usize::from(byte % 32)])).collect())
}

/// The number of the instrument with this symbol; of several the one that is listed.
pub(crate) fn instrument(view: &View, symbol: &str) -> Result<InstrumentId, Refusal> {
    view.listed(symbol).map(InstrumentId).ok_or_else(|| {
        let listed = view.instruments.values().filter(|terms| terms.phase != Phase::Delisted);
        Refusal::unknown(format!(
            "no instrument {symbol:?}; listed are: {}; write one of them, or list it with `rotunda admin \
             list-instrument`",
            names(listed.map(|terms| terms.symbol))
        ))
    })
}

/// The number of the account with this name.
pub(crate) fn account(view: &View, name: &str) -> Result<AccountId, Refusal> {
    let found = view.accounts.iter().find(|(_, account)| account.terms.name.as_str() == name);
    found.map(|(id, _)| AccountId(*id)).ok_or_else(|| {
        Refusal::unknown(format!(
            "no account {name:?}; `rotunda admin accounts` lists the {} there are",
            view.accounts.len()
        ))
    })
}

/// The number of the session with this name.
pub(crate) fn session(view: &View, name: &str) -> Result<SessionId, Refusal> {
    let found = view.sessions.iter().find(|(_, session)| session.terms.name.as_str() == name);
    found.map(|(id, _)| SessionId(*id)).ok_or_else(|| {
        Refusal::unknown(format!(
            "no session {name:?}; `rotunda admin sessions` lists the {} there are",
            view.sessions.len()
        ))
    })
}

pub(super) fn currency(view: &View, code: &str) -> Result<CurrencyId, Refusal> {
    let found = view.currencies.iter().find(|(_, terms)| terms.name.as_str() == code);
    found.map(|(id, _)| CurrencyId(*id)).ok_or_else(|| {
        Refusal::unknown(format!(
            "no currency {code:?}; there are: {}; write one of them, or add it with `rotunda admin add-currency`",
            names(view.currencies.values().map(|c| c.name))
        ))
    })
}

fn names<const N: usize>(all: impl Iterator<Item = Text<N>>) -> String {
    all.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_that_is_not_far_ahead() {
        for date in [20_261_125, 20_261_126, 20_271_127, 20_280_229 - 10_000 - 1] {
            assert_eq!(day(date, 20_261_126), Ok(date));
        }
        for date in [0, 1, 20_261_131, 20_270_229, 20_271_128, 20_621_126, 99_999_999, u32::MAX] {
            assert_eq!(day(date, 20_261_126).map_err(|refusal| refusal.code), Err(Code::Date), "{date}");
        }
    }

    #[test]
    fn names_are_whole_words() {
        assert!(named::<16>("account name", "fund-1").is_ok());
        for name in ["", " ", "a b", "naïve", "seventeen-letters", "a\nb"] {
            assert_eq!(named::<16>("account name", name).map_err(|r| r.code), Err(Code::Value), "{name:?}");
        }
    }
}
