//! Why a request was not carried out: a code for programs and a sentence for people. The sentence says
//! what was wrong, where, and what to do.

use super::request::{InstrumentSettingName, Listing, Request, SessionSettingName, Transfer};
use super::view::View;
use engine::reason::Reject;
use serde::{Deserialize, Serialize};

/// A closed list that scripts can rely on; docs/operations.md explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Code {
    /// The venue does not do this (yet).
    Unsupported,
    /// That number or name is in use.
    Exists,
    /// Nothing of that number or name.
    Unknown,
    /// Tick, lot and highest values cannot be counted in whole minor units.
    Scale,
    /// A value is outside what it may be.
    Value,
    /// As many as the venue is configured for.
    Limit,
    /// The book is not empty.
    BookNotEmpty,
    /// The balance would fall below zero or overflow.
    Balance,
    /// The day does not follow the present one, or is no date.
    Date,
    /// The line is no request.
    Request,
    /// The venue is closing.
    Closing,
    /// The venue did not answer in time; whether it was carried out must be looked up.
    Unanswered,
    /// The venue's own system failed it.
    Failed,
}

/// A request that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(Code::Unknown, message)
    }

    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::new(Code::Value, message)
    }
}

/// The market's own refusal of a request, in words.
pub(super) fn refused(request: &Request, view: &View, reject: Reject) -> Refusal {
    let (code, words) = match reject {
        Reject::Unsupported => (
            Code::Unsupported,
            "this version of the venue does not do that; `rotunda admin --help` lists what it does".to_owned(),
        ),
        Reject::Exists => (
            Code::Exists,
            "the name is in use (names that differ in case only are one), or another operator was quicker; take \
             another name, or change what is there"
                .to_owned(),
        ),
        Reject::Unknown => (Code::Unknown, unknown(request)),
        Reject::Scale => (Code::Scale, scale(request)),
        Reject::Value => (Code::Value, value(request)),
        Reject::Limit => (Code::Limit, limit(request)),
        Reject::BookNotEmpty => (Code::BookNotEmpty, book_not_empty(request, view)),
        Reject::Balance => (Code::Balance, balance(request, view)),
        Reject::Date => (
            Code::Date,
            format!(
                "day {} is open already; a new day has a later date: give one as YYYYMMDD, or wait for tomorrow",
                view.date
            ),
        ),
        other => (Code::Failed, format!("the venue gave the reason {other:?}; docs/reject-reasons.md explains it")),
    };
    Refusal::new(code, format!("{}: {words}", subject(request)))
}

/// What the request was about, as the operator wrote it.
fn subject(request: &Request) -> String {
    match request {
        Request::AddCurrency { code, digits } => format!("currency {code} of {digits} digits"),
        Request::ListInstrument(Listing { symbol, .. })
        | Request::Halt { symbol }
        | Request::Resume { symbol }
        | Request::Suspend { symbol }
        | Request::Delist { symbol } => format!("instrument {symbol}"),
        Request::SetInstrument { symbol, setting, value } => {
            format!("instrument {symbol}: {} {value}", word(setting))
        }
        Request::AddAccount { name, .. } => format!("account {name}"),
        Request::SetAccount { account, setting, value } => {
            format!("account {account}: {} {value}", word(setting))
        }
        Request::Deposit(Transfer { account, currency, amount }) => {
            format!("deposit of {amount} {currency} to {account}")
        }
        Request::Withdraw(Transfer { account, currency, amount }) => {
            format!("withdrawal of {amount} {currency} from {account}")
        }
        Request::AddSession { name, .. } => format!("session {name}"),
        Request::SetSession { session, setting, value } => {
            format!("session {session}: {} {value}", word(setting))
        }
        Request::Day { date: Some(date) } => format!("day {date}"),
        Request::Day { date: None } => "day (today)".to_owned(),
        Request::MassCancel(_) => "mass-cancel".to_owned(),
        Request::Kill(_) => "kill".to_owned(),
        Request::Status
        | Request::Instruments
        | Request::Accounts
        | Request::Sessions
        | Request::Orders(_)
        | Request::Fills(_)
        | Request::Balances(_) => "question".to_owned(),
    }
}

/// The command line's word for a choice.
fn word(choice: &impl clap::ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn unknown(request: &Request) -> String {
    match request {
        Request::SetInstrument { .. }
        | Request::Halt { .. }
        | Request::Resume { .. }
        | Request::Suspend { .. }
        | Request::Delist { .. } => "it is delisted, and nothing of it changes any more; list it again with \
             `rotunda admin list-instrument`"
            .to_owned(),
        _ => "it names something that is not there (any more); `rotunda admin instruments`, `accounts` and \
              `sessions` list what is"
            .to_owned(),
    }
}

fn scale(request: &Request) -> String {
    let rule = "tick × lot must be a whole number of the smallest part of the quote currency, a lot one of the base \
                currency, and price-max × quantity-max must fit 63 bits of the smallest part";
    let remedy = match request {
        Request::SetInstrument {
            setting: InstrumentSettingName::PriceMax | InstrumentSettingName::QuantityMax,
            ..
        } => "take a lower value",
        Request::SetInstrument { .. } => "take a coarser step, or lower price-max and quantity-max first",
        _ => "take coarser steps, currencies of more digits, or lower price-max and quantity-max",
    };
    format!("{rule}; {remedy}")
}

fn value(request: &Request) -> String {
    match request {
        Request::AddCurrency { .. } => "a currency has a code and at most 18 digits; take fewer",
        Request::ListInstrument(_) => {
            "base and quote must differ, and fees are at most 1000000 (100 %) either way; correct that one"
        }
        Request::SetInstrument { setting, .. } => instrument_bounds(*setting),
        Request::SetAccount { .. } => "enabled is 0 or 1, an owner group 0 to 4294967295; take one of these",
        Request::Deposit(_) | Request::Withdraw(_) => {
            "an external account holds no balances; name a ledger account (`rotunda admin accounts` tells which)"
        }
        Request::SetSession { setting, .. } => session_bounds(*setting),
        _ => "a value is outside what it may be; `rotunda admin COMMAND --help` tells what it may",
    }
    .to_owned()
}

const fn instrument_bounds(setting: InstrumentSettingName) -> &'static str {
    match setting {
        InstrumentSettingName::QuantityMax => "whole lots, above 0; take such a value",
        InstrumentSettingName::PriceMax => {
            "whole ticks, above 0 and not below the reference price; take such a value, or set the reference first"
        }
        InstrumentSettingName::ValueMax => {
            "minor units of the quote currency, 0 (no limit) or above; take such a value"
        }
        InstrumentSettingName::Collar
        | InstrumentSettingName::StaticBand
        | InstrumentSettingName::DynamicBand => "whole ticks, 0 or above; take such a value",
        InstrumentSettingName::Reference => {
            "whole ticks, from 0 (none) to price-max; take such a value, or raise price-max first"
        }
        InstrumentSettingName::MakerFee | InstrumentSettingName::TakerFee => {
            "hundredths of a basis point, from -1000000 to 1000000 (100 %); take such a value"
        }
        InstrumentSettingName::Tick | InstrumentSettingName::Lot => {
            "the step without its decimal point, above 0; take such a value"
        }
    }
}

const fn session_bounds(setting: SessionSettingName) -> &'static str {
    match setting {
        SessionSettingName::Enabled | SessionSettingName::CancelOnDisconnect => "0 or 1; take one of these",
        SessionSettingName::SelfTrade => {
            "1 none, 2 cancel-newest, 3 cancel-oldest, 4 cancel-both, 5 decrement; take one of these"
        }
        SessionSettingName::Rate | SessionSettingName::CancelRate | SessionSettingName::Burst => {
            "0 to 4294967295; take such a value"
        }
    }
}

fn limit(request: &Request) -> String {
    let key = match request {
        Request::AddCurrency { .. } => "engine.currencies_max",
        Request::ListInstrument(_) => "engine.instruments_max",
        Request::AddAccount { .. } => "engine.accounts_max",
        Request::AddSession { .. } => "engine.sessions_max",
        _ => {
            return "the venue's pool of price levels (engine.level_blocks_max) has no room for so many prices; take a \
                    lower price-max"
                .to_owned();
        }
    };
    format!(
        "the venue holds as many as {key} lets it; that limit stays with the data folder, a new folder can have a \
         higher one"
    )
}

fn book_not_empty(request: &Request, view: &View) -> String {
    let symbol = match request {
        Request::Delist { symbol } | Request::SetInstrument { symbol, .. } => symbol.as_str(),
        _ => "",
    };
    let open = view
        .listed(symbol)
        .map_or(0, |instrument| view.orders.values().filter(|order| order.instrument == instrument).count());
    format!(
        "its book must be empty and holds {open} orders; halt it and cancel them: `rotunda admin halt {symbol}`, \
         `rotunda admin mass-cancel --symbol {symbol}`"
    )
}

fn balance(request: &Request, view: &View) -> String {
    let (Request::Deposit(transfer) | Request::Withdraw(transfer)) = request else {
        return "a balance would fall below zero or overflow".to_owned();
    };
    let account = view.accounts.iter().find(|(_, one)| one.terms.name.as_str() == transfer.account);
    let currency = view.currencies.iter().find(|(_, one)| one.name.as_str() == transfer.currency);
    let (Some((&account, _)), Some((&currency, _))) = (account, currency) else {
        return "a balance would fall below zero or overflow".to_owned();
    };
    let total = view.totals.get(&(account, currency)).copied().unwrap_or(0);
    let reserved = view.reserved(account).get(&currency).copied().unwrap_or(0);
    let (available, reserved, total) = (
        view.amount(currency, total - reserved),
        view.amount(currency, reserved),
        view.amount(currency, total),
    );
    if matches!(request, Request::Withdraw(_)) {
        return format!(
            "{available} is available, {reserved} is reserved for open orders; withdraw less, or cancel orders first"
        );
    }
    let most = view.amount(currency, i128::from(i64::MAX));
    format!("a balance counts to {most} and this one is {total}; deposit less")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        request: Request,
    }

    fn request(words: &str) -> Request {
        Line::parse_from(std::iter::once("admin").chain(words.split(' '))).request
    }

    #[test]
    fn every_refusal_says_where_what_and_what_to_do() {
        let listing = "list-instrument X --base A --quote B --tick 1 --lot 1 --price-max 1 --quantity-max 1";
        let cases = [
            ("halt X", Reject::Unsupported, Code::Unsupported, "--help"),
            ("add-account X", Reject::Exists, Code::Exists, "take another name"),
            ("add-currency X", Reject::Limit, Code::Limit, "engine.currencies_max"),
            (listing, Reject::Limit, Code::Limit, "engine.instruments_max"),
            ("set-instrument X price-max 9", Reject::Limit, Code::Limit, "take a lower price-max"),
            (listing, Reject::Scale, Code::Scale, "coarser steps"),
            ("set-instrument X tick 9", Reject::Scale, Code::Scale, "coarser step"),
            ("halt X", Reject::Unknown, Code::Unknown, "list it again"),
            ("set-session X self-trade 9", Reject::Value, Code::Value, "2 cancel-newest"),
            ("set-account X enabled 9", Reject::Value, Code::Value, "0 or 1"),
            ("deposit X USD 1", Reject::Value, Code::Value, "a ledger account"),
            ("delist X", Reject::BookNotEmpty, Code::BookNotEmpty, "mass-cancel --symbol X"),
            ("withdraw X USD 1", Reject::Balance, Code::Balance, "below zero"),
            ("day 20200101", Reject::Date, Code::Date, "YYYYMMDD"),
        ];
        for (words, reject, code, told) in cases {
            let refusal = refused(&request(words), &View::default(), reject);
            assert_eq!(refusal.code, code, "{words}");
            assert!(refusal.message.contains(told), "{words}: {}", refusal.message);
            let named = if words.starts_with("day") { "20200101" } else { "X" };
            assert!(refusal.message.contains(named), "{words}: {}", refusal.message);
        }
    }
}
