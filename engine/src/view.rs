//! What offline readers (replay, tests, inspection) may see of the state. No door uses it: doors show
//! views built from released events.

use crate::number::{
    AccountId, CurrencyId, InstrumentId, OrderId, Price, Quantity, ReportNumber, SessionId, Text, UserRef,
};
use crate::terms::{AccountMode, Matching, Phase, Role, Side};

/// An instrument as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentView {
    /// Its number.
    pub instrument: InstrumentId,
    /// Its symbol.
    pub symbol: Text<16>,
    /// What is traded.
    pub base: CurrencyId,
    /// What it is paid in.
    pub quote: CurrencyId,
    /// What it is doing.
    pub phase: Phase,
    /// How levels are shared.
    pub matching: Matching,
    /// Tick size without its point.
    pub tick: u64,
    /// Decimal digits of `tick`.
    pub tick_digits: u8,
    /// Lot size without its point.
    pub lot: u64,
    /// Decimal digits of `lot`.
    pub lot_digits: u8,
    /// Minor units of the quote currency for one lot at one tick.
    pub unit: i64,
    /// Minor units of the base currency in one lot.
    pub lot_units: u32,
    /// Counts changes of tick and lot, from 1.
    pub revision: u16,
    /// Number of the last change of a displayed level.
    pub level_change: u64,
    /// Price of the last trade.
    pub last_trade: Option<Price>,
}

/// A price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its side.
    pub side: Side,
    /// Its price in ticks.
    pub price: Price,
    /// Lots displayed.
    pub displayed: Quantity,
    /// Orders displayed.
    pub displayed_orders: u32,
    /// Orders not displayed.
    pub hidden_orders: u32,
}

/// A resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its number.
    pub order: OrderId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// Price in ticks.
    pub price: Price,
    /// Lots open.
    pub open: Quantity,
    /// Lots displayed; 0 when hidden.
    pub displayed: Quantity,
    /// Lots executed in the order's life, over replacements.
    pub executed: Quantity,
    /// Lots that self-trade prevention took in the order's life.
    pub prevented: Quantity,
    /// Who owns it.
    pub account: AccountId,
    /// Who entered it.
    pub session: SessionId,
    /// The session's number for it.
    pub user_ref: UserRef,
    /// The client's own identifier.
    pub client_id: Text<36>,
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its number.
    pub account: AccountId,
    /// Its name.
    pub name: Text<16>,
    /// How it is backed.
    pub mode: AccountMode,
    /// Owner group; 0: itself.
    pub owner_group: u32,
    /// Whether it may enter orders.
    pub enabled: bool,
}

/// What an account holds of a currency, in minor units. Account 0 is the venue's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceView {
    /// The account.
    pub account: AccountId,
    /// The currency.
    pub currency: CurrencyId,
    /// What can be spent.
    pub available: i128,
    /// What open orders hold.
    pub reserved: i128,
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its number.
    pub session: SessionId,
    /// Its log-in name.
    pub name: Text<8>,
    /// What it may do.
    pub role: Role,
    /// The account it trades for.
    pub account: AccountId,
    /// Whether it may log in and enter commands.
    pub enabled: bool,
    /// Its present connection; 0 for none.
    pub connection: u64,
    /// The number its next report will have.
    pub next_report: ReportNumber,
    /// The highest number it used today.
    pub last_user_ref: UserRef,
    /// Orders of it that rest.
    pub live_orders: u32,
    /// Name of its day.
    pub day: Text<10>,
}

/// A currency, asset or contract unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyView {
    /// Its number.
    pub currency: CurrencyId,
    /// Its name.
    pub name: Text<16>,
    /// Decimal digits of its minor unit.
    pub digits: u8,
}
