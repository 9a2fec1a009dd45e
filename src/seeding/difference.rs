//! What the configuration's seed says and the log does not, or says otherwise.

use super::known::Known;
use crate::config::{AccountSeed, InstrumentSeed, Seed, SessionSeed};
use engine::command::{InstrumentSetting, ListCommand, SessionSetting};
use engine::event::{InstrumentEvent, SessionAddedEvent};
use engine::number::{InstrumentId, Timestamp};
use engine::terms::{AccountMode, Role, SelfTrade};

/// One difference between configuration and log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What differs.
    pub(crate) what: String,
    /// The command that would apply the configuration, or why there is none.
    pub(crate) remedy: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; the log holds; to apply it: {}", self.what, self.remedy)
    }
}

/// Everything in `seed` that the market lacks or has otherwise. What the market has beyond the seed came
/// by an operator's command and is no difference. Passwords and balances are not compared.
pub(crate) fn differences(seed: &Seed, known: &Known) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    for currency in &seed.currencies {
        let name = currency.name;
        match known.currency(name.as_str()) {
            None => {
                found.missing("currency", name, format!("add-currency {name} --digits {}", currency.digits))
            }
            Some(there) if there.digits != currency.digits => {
                found.fixed(format!("currency {name}"), "digits", there.digits, currency.digits);
            }
            Some(_) => {}
        }
    }
    for instrument in &seed.instruments {
        compare_instrument(seed, instrument, known, &mut found);
    }
    for account in &seed.accounts {
        compare_account(account, known, &mut found);
    }
    for session in &seed.sessions {
        compare_session(session, known, &mut found);
    }
    found.0
}

/// The list that grows.
struct Found(Vec<Difference>);

impl Found {
    fn missing(&mut self, kind: &str, name: impl std::fmt::Display, command: String) {
        let what = format!("{kind} {name} is in the configuration only");
        self.0.push(Difference { what, remedy: format!("rotunda admin {command}") });
    }

    /// A value that a command can change.
    fn changed<T: PartialEq + std::fmt::Display>(
        &mut self,
        what: &str,
        key: &str,
        values: Values<T>,
        command: &str,
    ) {
        let Values { log, configured } = values;
        if log != configured {
            let what = format!("{what}: {key} is {configured} in the configuration, {log} in the log");
            self.0.push(Difference { what, remedy: format!("rotunda admin {command} {key} {configured}") });
        }
    }

    /// A value that no command can change.
    fn fixed<T: PartialEq + std::fmt::Display>(&mut self, what: String, key: &str, log: T, configured: T) {
        if log != configured {
            let what = format!("{what}: {key} is {configured} in the configuration, {log} in the log");
            self.0.push(Difference { what, remedy: "no command changes it; take another name".to_owned() });
        }
    }
}

struct Values<T> {
    log: T,
    configured: T,
}

fn compare_instrument(seed: &Seed, instrument: &InstrumentSeed, known: &Known, found: &mut Found) {
    let symbol = instrument.symbol;
    // The configuration was checked: an instrument that cannot be listed never comes here.
    let Ok(listing) = instrument.listing(InstrumentId(0), &seed.currencies, Timestamp(0)) else { return };
    let Some(there) = known.instrument(symbol.as_str()) else {
        let InstrumentSeed { base, quote, tick, lot, price_max, quantity_max, .. } = instrument;
        let ListCommand { collar, maker_fee, taker_fee, .. } = listing;
        let command = format!(
            "list-instrument {symbol} --base {base} --quote {quote} --tick {tick} --lot {lot} --price-max {price_max} \
             --quantity-max {quantity_max} --collar {collar} --maker-fee {maker_fee} --taker-fee {taker_fee}"
        );
        return found.missing("instrument", symbol, command);
    };
    let what = format!("instrument {symbol}");
    let names = |event: &InstrumentEvent| {
        [event.base, event.quote].map(|number| known.currency_name(number).unwrap_or_default())
    };
    let [base, quote] = names(there);
    found.fixed(what.clone(), "base", base, instrument.base);
    found.fixed(what.clone(), "quote", quote, instrument.quote);
    found.fixed(what.clone(), "digits of tick", there.tick_digits, listing.tick_digits);
    found.fixed(what.clone(), "digits of lot", there.lot_digits, listing.lot_digits);
    let command = format!("set-instrument {symbol}");
    let setting = |setting: InstrumentSetting| known.instrument_setting(there.header.instrument, setting);
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let values = [
        ("tick", signed(there.tick), signed(listing.tick)),
        ("lot", signed(there.lot), signed(listing.lot)),
        ("price-max", there.price_max.0, listing.price_max.0),
        ("quantity-max", signed(there.quantity_max.0), signed(listing.quantity_max.0)),
        ("value-max", setting(InstrumentSetting::ValueMax), listing.value_max.0),
        ("collar", setting(InstrumentSetting::Collar), signed(listing.collar)),
        ("static-band", setting(InstrumentSetting::StaticBand), signed(listing.static_band)),
        ("dynamic-band", setting(InstrumentSetting::DynamicBand), signed(listing.dynamic_band)),
        ("reference", setting(InstrumentSetting::Reference), listing.reference.0),
        ("maker-fee", there.maker_fee.into(), listing.maker_fee.into()),
        ("taker-fee", there.taker_fee.into(), listing.taker_fee.into()),
    ];
    for (key, log, configured) in values {
        found.changed(&what, key, Values { log, configured }, &command);
    }
}

fn compare_account(account: &AccountSeed, known: &Known, found: &mut Found) {
    let (name, owner_group) = (account.name, account.owner_group);
    let mode = mode_name(account.mode.into());
    let Some(there) = known.account(name.as_str()) else {
        let command = format!("add-account {name} --mode {mode} --owner-group {owner_group}");
        return found.missing("account", name, command);
    };
    let what = format!("account {name}");
    found.fixed(what.clone(), "mode", mode_name(there.mode), mode);
    let values = Values { log: known.owner_group(there), configured: owner_group };
    found.changed(&what, "owner-group", values, &format!("set-account {name}"));
}

fn compare_session(session: &SessionSeed, known: &Known, found: &mut Found) {
    let name = session.name;
    let SessionSeed { account, rate, burst, cancel_rate, .. } = session;
    let self_trade = SelfTrade::from(session.self_trade);
    let role = role_name(session.role.into());
    let Some(there) = known.session(name.as_str()) else {
        let disconnect = if session.cancel_on_disconnect { " --cancel-on-disconnect" } else { "" };
        let command = format!(
            "add-session {name} --account {account} --role {role} --self-trade {}{disconnect} --rate {rate} \
             --cancel-rate {cancel_rate} --burst {burst}",
            self_trade_name(self_trade)
        );
        return found.missing("session", name, command);
    };
    let what = format!("session {name}");
    let SessionAddedEvent { header, .. } = there;
    let log_account = known.account_name(header.account).unwrap_or_default();
    found.fixed(what.clone(), "account", log_account, session.account);
    found.fixed(what.clone(), "role", role_name(there.role), role);
    let command = format!("set-session {name}");
    let values = [
        ("rate", SessionSetting::Rate, *rate),
        ("cancel-rate", SessionSetting::CancelRate, *cancel_rate),
        ("burst", SessionSetting::Burst, *burst),
        ("cancel-on-disconnect", SessionSetting::CancelOnDisconnect, session.cancel_on_disconnect.into()),
        ("self-trade", SessionSetting::SelfTrade, u32::from(self_trade as u8)),
    ];
    for (key, setting, configured) in values {
        let values = Values { log: known.session_setting(there, setting), configured: configured.into() };
        found.changed(&what, key, values, &command);
    }
}

const fn mode_name(mode: AccountMode) -> &'static str {
    match mode {
        AccountMode::External => "external",
        AccountMode::Ledger => "ledger",
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Trader => "trader",
        Role::MarketData => "market-data",
        Role::DropCopy => "drop-copy",
    }
}

const fn self_trade_name(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::SessionDefault | SelfTrade::None => "none",
        SelfTrade::CancelNewest => "cancel-newest",
        SelfTrade::CancelOldest => "cancel-oldest",
        SelfTrade::CancelBoth => "cancel-both",
        SelfTrade::Decrement => "decrement",
    }
}
