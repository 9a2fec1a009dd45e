//! From a request to the commands that carry it out. Names become numbers by the view; what has no
//! meaning is refused here with a sentence, what the market refuses comes back as a reject.

use super::request::{Envelope, Filter, Listing, Request, Transfer};
use super::view::View;
use engine::command::{
    AddSessionCommand, CommandKind, CommandSlot, ListCommand, NoteCommand, OperatorCommand, SessionCommand,
};
use engine::decimal::Decimal;
use engine::number::{AccountId, CurrencyId, InstrumentId, Price, Quantity, SessionId, Text, Timestamp};
use engine::terms::{Phase, Side};

/// Characters of a made password: no letters or digits that are mistaken for others.
const PASSWORD_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Length of a made password; the longest that SoupBinTCP carries.
const PASSWORD_LENGTH: usize = 10;

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
pub(crate) fn plan(envelope: &Envelope, view: &View, today: u32) -> Result<Plan, String> {
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
        Request::SetInstrument { symbol, setting, value } => {
            let mut command = operator(CommandKind::SetInstrument);
            command.instrument = instrument(view, symbol)?;
            command.setting = setting.value() as u8;
            command.value = *value;
            CommandSlot::new(&command)
        }
        Request::Halt { symbol } => phase(view, symbol, Phase::Halted)?,
        Request::Resume { symbol } => phase(view, symbol, Phase::Continuous)?,
        Request::Suspend { symbol } => phase(view, symbol, Phase::Suspended)?,
        Request::Delist { symbol } => phase(view, symbol, Phase::Delisted)?,
        Request::AddAccount { name, mode, owner_group } => {
            let mut command = operator(CommandKind::AddAccount);
            command.account = AccountId(view.accounts.last_key_value().map_or(0, |(id, _)| *id) + 1);
            command.name = text("account name", name)?;
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
            command.date = date.unwrap_or(today);
            CommandSlot::new(&command)
        }
    };
    Ok(Plan::Commands { commands: vec![note(envelope)?, command], password })
}

fn operator(kind: CommandKind) -> OperatorCommand {
    OperatorCommand::blank(kind, Timestamp(0))
}

fn note(envelope: &Envelope) -> Result<CommandSlot, String> {
    let mut note = NoteCommand::blank(CommandKind::Note, Timestamp(0));
    note.who = text("who", &envelope.who)?;
    note.why = text("why", &envelope.why)?;
    Ok(CommandSlot::new(&note))
}

fn text<const N: usize>(what: &str, value: &str) -> Result<Text<N>, String> {
    Text::new(value).ok_or_else(|| format!("{what} {value:?}: at most {N} printable ASCII characters"))
}

fn filtered(view: &View, kind: CommandKind, filter: &Filter) -> Result<CommandSlot, String> {
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

fn phase(view: &View, symbol: &str, phase: Phase) -> Result<CommandSlot, String> {
    let mut command = operator(CommandKind::SetPhase);
    command.instrument = instrument(view, symbol)?;
    command.phase = phase;
    Ok(CommandSlot::new(&command))
}

fn add_currency(view: &View, code: &str, digits: u8) -> Result<CommandSlot, String> {
    let mut command = operator(CommandKind::AddCurrency);
    let next = view.currencies.last_key_value().map_or(0, |(id, _)| *id).checked_add(1);
    command.currency = CurrencyId(next.ok_or("there are as many currencies as can be numbered")?);
    command.name = text("currency code", code)?;
    command.filter = digits;
    Ok(CommandSlot::new(&command))
}

fn deposit(view: &View, transfer: &Transfer, sign: i128) -> Result<CommandSlot, String> {
    let mut command = operator(CommandKind::Deposit);
    command.account = account(view, &transfer.account)?;
    command.currency = currency(view, &transfer.currency)?;
    let digits = view.currencies.get(&command.currency.0).map_or(0, |terms| terms.digits);
    let minor = Decimal::parse(&transfer.amount)
        .and_then(|amount| amount.in_steps(1, digits))
        .map_err(|error| format!("amount {:?}: {error}", transfer.amount))?;
    if minor <= 0 {
        return Err(format!("amount {:?}: must be above 0", transfer.amount));
    }
    command.value =
        i64::try_from(sign * minor).map_err(|_| format!("amount {:?}: too large", transfer.amount))?;
    Ok(CommandSlot::new(&command))
}

fn list_instrument(view: &View, listing: &Listing) -> Result<CommandSlot, String> {
    let step = |what: &str, value: &str| -> Result<(u64, u8), String> {
        let number = Decimal::parse(value).map_err(|error| format!("{what} {value:?}: {error}"))?.trimmed();
        let mantissa = u64::try_from(number.mantissa).ok().filter(|&mantissa| mantissa > 0);
        Ok((mantissa.ok_or_else(|| format!("{what} {value:?}: must be above 0"))?, number.digits))
    };
    let mut command = ListCommand::blank(CommandKind::ListInstrument, Timestamp(0));
    (command.tick, command.tick_digits) = step("tick", &listing.tick)?;
    (command.lot, command.lot_digits) = step("lot", &listing.lot)?;
    let in_steps = |what: &str, value: &str, size: u64, digits: u8| {
        Decimal::parse(value)
            .and_then(|number| number.in_steps(size, digits))
            .map_err(|error| format!("{what} {value:?}: {error}"))
    };
    let price_max = in_steps("price-max", &listing.price_max, command.tick, command.tick_digits)?;
    let quantity_max = in_steps("quantity-max", &listing.quantity_max, command.lot, command.lot_digits)?;
    command.price_max = Price(i64::try_from(price_max).map_err(|_| "price-max: too large".to_owned())?);
    command.quantity_max =
        Quantity(u64::try_from(quantity_max).map_err(|_| "quantity-max: too large".to_owned())?);
    command.instrument = InstrumentId(view.instruments.last_key_value().map_or(0, |(id, _)| *id) + 1);
    command.symbol = text::<8>("symbol", &listing.symbol).and_then(|_| text("symbol", &listing.symbol))?;
    command.base = currency(view, &listing.base)?;
    command.quote = currency(view, &listing.quote)?;
    command.phase = Phase::Continuous;
    command.collar = listing.collar;
    command.maker_fee = listing.maker_fee;
    command.taker_fee = listing.taker_fee;
    Ok(CommandSlot::new(&command))
}

fn add_session(view: &View, request: &Request) -> Result<(CommandSlot, String), String> {
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
        return Err("not a request for a session".to_owned());
    };
    let mut command = AddSessionCommand::blank(CommandKind::AddSession, Timestamp(0));
    if name.is_empty() || name.len() > 6 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!(
            "session name {name:?}: one to six letters and digits, as SoupBinTCP carries it"
        ));
    }
    command.name = text("session name", name)?;
    command.session = SessionId(view.sessions.last_key_value().map_or(0, |(id, _)| *id) + 1);
    command.account = account(view, account_name)?;
    command.role = role.value();
    command.self_trade = self_trade.value();
    command.cancel_on_disconnect = u8::from(*cancel_on_disconnect);
    (command.rate, command.cancel_rate, command.burst) = (*rate, *cancel_rate, *burst);
    let password = make_password()?;
    getrandom::fill(&mut command.salt).map_err(|error| format!("no random bytes: {error}"))?;
    command.password_hash = net::password_hash(&command.salt, password.as_bytes());
    Ok((CommandSlot::new(&command), password))
}

fn make_password() -> Result<String, String> {
    let mut random = [0u8; PASSWORD_LENGTH];
    getrandom::fill(&mut random).map_err(|error| format!("no random bytes: {error}"))?;
    Ok(random.iter().map(|byte| char::from(PASSWORD_ALPHABET[usize::from(byte % 32)])).collect())
}

/// The number of the instrument with this symbol.
pub(crate) fn instrument(view: &View, symbol: &str) -> Result<InstrumentId, String> {
    let found = view.instruments.iter().find(|(_, terms)| terms.symbol.as_str() == symbol);
    found.map(|(id, _)| InstrumentId(*id)).ok_or_else(|| {
        format!(
            "no instrument {symbol:?}; listed are: {}",
            names(view.instruments.values().map(|i| i.symbol))
        )
    })
}

/// The number of the account with this name.
pub(crate) fn account(view: &View, name: &str) -> Result<AccountId, String> {
    let found = view.accounts.iter().find(|(_, account)| account.terms.name.as_str() == name);
    found.map(|(id, _)| AccountId(*id)).ok_or_else(|| {
        format!("no account {name:?}; `rotunda admin accounts` lists the {} there are", view.accounts.len())
    })
}

/// The number of the session with this name.
pub(crate) fn session(view: &View, name: &str) -> Result<SessionId, String> {
    let found = view.sessions.iter().find(|(_, session)| session.terms.name.as_str() == name);
    found.map(|(id, _)| SessionId(*id)).ok_or_else(|| {
        format!("no session {name:?}; `rotunda admin sessions` lists the {} there are", view.sessions.len())
    })
}

fn currency(view: &View, code: &str) -> Result<CurrencyId, String> {
    let found = view.currencies.iter().find(|(_, terms)| terms.name.as_str() == code);
    found.map(|(id, _)| CurrencyId(*id)).ok_or_else(|| {
        format!("no currency {code:?}; there are: {}", names(view.currencies.values().map(|c| c.name)))
    })
}

fn names<const N: usize>(all: impl Iterator<Item = Text<N>>) -> String {
    all.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
