//! `[seed]`: the market that an empty data folder begins with.

use super::decimal::Decimal;
use engine::number::Text;
use engine::terms;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// Longest symbol that OUCH and ITCH carry.
const SYMBOL_LENGTH_MAX: usize = 8;
/// Longest user name that SoupBinTCP carries.
const SESSION_NAME_LENGTH_MAX: usize = 6;
/// Longest password that SoupBinTCP carries.
const PASSWORD_LENGTH_MAX: usize = 10;

/// `[seed]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    pub(crate) currencies: Vec<CurrencySeed>,
    pub(crate) instruments: Vec<InstrumentSeed>,
    pub(crate) accounts: Vec<AccountSeed>,
    pub(crate) sessions: Vec<SessionSeed>,
}

/// A currency, asset or contract unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurrencySeed {
    #[serde(deserialize_with = "name")]
    pub(crate) name: Text<16>,
    /// Decimal digits of its minor unit.
    pub(crate) digits: u8,
}

/// An instrument, in decimal numbers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentSeed {
    #[serde(deserialize_with = "symbol")]
    pub(crate) symbol: Text<16>,
    #[serde(deserialize_with = "name")]
    pub(crate) base: Text<16>,
    #[serde(deserialize_with = "name")]
    pub(crate) quote: Text<16>,
    pub(crate) tick: Decimal,
    pub(crate) lot: Decimal,
    pub(crate) price_max: Decimal,
    pub(crate) quantity_max: Decimal,
    #[serde(default)]
    pub(crate) value_max: Decimal,
    pub(crate) collar: Decimal,
    #[serde(default)]
    pub(crate) static_band: Decimal,
    #[serde(default)]
    pub(crate) dynamic_band: Decimal,
    #[serde(default)]
    pub(crate) reference: Decimal,
    /// Basis points.
    #[serde(default)]
    pub(crate) maker_fee: Decimal,
    /// Basis points.
    #[serde(default)]
    pub(crate) taker_fee: Decimal,
    #[serde(default)]
    pub(crate) signed_prices: bool,
}

/// An account and what it begins with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountSeed {
    #[serde(deserialize_with = "name")]
    pub(crate) name: Text<16>,
    pub(crate) mode: AccountMode,
    #[serde(default)]
    pub(crate) owner_group: u32,
    /// Amounts by currency.
    #[serde(default)]
    pub(crate) deposits: BTreeMap<String, Decimal>,
}

/// A session and its password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionSeed {
    #[serde(deserialize_with = "session_name")]
    pub(crate) name: Text<8>,
    #[serde(deserialize_with = "password")]
    pub(crate) password: String,
    #[serde(deserialize_with = "name")]
    pub(crate) account: Text<16>,
    #[serde(default)]
    pub(crate) role: Role,
    #[serde(default)]
    pub(crate) self_trade: SelfTrade,
    #[serde(default)]
    pub(crate) cancel_on_disconnect: bool,
    #[serde(default)]
    pub(crate) rate: u32,
    #[serde(default)]
    pub(crate) burst: u32,
    #[serde(default)]
    pub(crate) cancel_rate: u32,
}

/// Passwords stay out of logs.
impl std::fmt::Debug for SessionSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionSeed").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How an account is backed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AccountMode {
    External,
    Ledger,
}

/// What a session may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    #[default]
    Trader,
    MarketData,
}

/// What happens where an order would trade with its own owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SelfTrade {
    #[default]
    None,
    CancelNewest,
    CancelOldest,
    CancelBoth,
    Decrement,
}

impl From<AccountMode> for terms::AccountMode {
    fn from(mode: AccountMode) -> Self {
        match mode {
            AccountMode::External => Self::External,
            AccountMode::Ledger => Self::Ledger,
        }
    }
}

impl From<Role> for terms::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Trader => Self::Trader,
            Role::MarketData => Self::MarketData,
        }
    }
}

impl From<SelfTrade> for terms::SelfTrade {
    fn from(mode: SelfTrade) -> Self {
        match mode {
            SelfTrade::None => Self::None,
            SelfTrade::CancelNewest => Self::CancelNewest,
            SelfTrade::CancelOldest => Self::CancelOldest,
            SelfTrade::CancelBoth => Self::CancelBoth,
            SelfTrade::Decrement => Self::Decrement,
        }
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text<16>, D::Error> {
    text(deserializer, 16)
}

fn symbol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text<16>, D::Error> {
    text(deserializer, SYMBOL_LENGTH_MAX)
}

fn session_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text<8>, D::Error> {
    text(deserializer, SESSION_NAME_LENGTH_MAX)
}

fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text::<PASSWORD_LENGTH_MAX, _>(deserializer, PASSWORD_LENGTH_MAX).map(|password| password.to_string())
}

fn text<'de, const N: usize, D: Deserializer<'de>>(
    deserializer: D,
    length_max: usize,
) -> Result<Text<N>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = (1..=length_max).contains(&text.len()) && !text.contains(' ');
    Text::new(&text).filter(|_| fits).ok_or_else(|| {
        serde::de::Error::custom(format!("write 1 to {length_max} ASCII characters without a space"))
    })
}
