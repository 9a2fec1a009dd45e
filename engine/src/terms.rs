//! The closed sets that orders, instruments and sessions are described with. The numbers are part of
//! every stored format: they are never changed or reused.

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum Side {
    /// Bids for the base currency, pays the quote currency.
    Buy = 0,
    /// Offers the base currency, receives the quote currency.
    Sell = 1,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// What kind of order it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum OrderType {
    /// Trades at its price or better.
    Limit = 0,
    /// Trades within the instrument's collar of the opposite touch; the rest is cancelled.
    Market = 1,
    /// A market order once its trigger is met.
    Stop = 2,
    /// A limit order once its trigger is met.
    StopLimit = 3,
    /// A stop whose trigger follows the best trade.
    TrailingStop = 4,
    /// Pegged to its own side's displayed touch.
    PegPrimary = 5,
    /// Pegged to the midpoint of the displayed touch.
    PegMidpoint = 6,
}

/// How long an order may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum TimeInForce {
    /// Until the trading day ends.
    Day = 0,
    /// Until cancelled.
    GoodTillCancelled = 1,
    /// Until the time in `expires`.
    GoodTillDate = 2,
    /// Takes what it can at once; the rest is cancelled.
    ImmediateOrCancel = 3,
    /// All at once or nothing.
    FillOrKill = 4,
    /// For the opening auction only.
    AtTheOpening = 5,
    /// For the closing auction only.
    AtTheClose = 6,
    /// For the next auction only.
    GoodForAuction = 7,
}

/// What happens where an order would trade with its own owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum SelfTrade {
    /// The session's default.
    SessionDefault = 0,
    /// They trade.
    None = 1,
    /// The rest of the incoming order is cancelled.
    CancelNewest = 2,
    /// The resting order is cancelled whole, then on.
    CancelOldest = 3,
    /// Both are cancelled.
    CancelBoth = 4,
    /// Both lose the smaller remaining quantity, then on.
    Decrement = 5,
}

/// What an instrument is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum Phase {
    /// Orders rest, nothing trades.
    PreOpen = 0,
    /// The opening auction is called.
    OpeningAuction = 1,
    /// Continuous matching.
    Continuous = 2,
    /// An auction called by a volatility interruption.
    VolatilityAuction = 3,
    /// The closing auction is called.
    ClosingAuction = 4,
    /// Closed until the next day.
    Closed = 5,
    /// Halted by the operator: cancel and reduce only.
    Halted = 6,
    /// Suspended by the operator: cancel and reduce only, across days.
    Suspended = 7,
    /// No longer listed; its book is empty.
    Delisted = 8,
}

/// How a level's quantity is shared among its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum Matching {
    /// Displayed by time, then hidden by time.
    PriceTime = 0,
    /// By size, with a priority for the order that set the touch.
    ProRata = 1,
    /// Larger remaining first, then time.
    PriceSize = 2,
}

/// Whether an account's trades are backed by balances held here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum AccountMode {
    /// Balances are kept elsewhere; nothing is reserved or settled.
    External = 0,
    /// Spot ledger: orders reserve what they may spend, fills settle at once.
    Ledger = 1,
}

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum Role {
    /// Enters orders and receives its reports.
    Trader = 0,
    /// Reads market data only.
    MarketData = 1,
    /// Receives copies of an owner group's reports.
    DropCopy = 2,
}

/// Conditions of an order, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Conditions(pub u16);

impl Conditions {
    /// No condition.
    pub const NONE: Self = Self(0);
    /// Post-only: cancelled where it would trade.
    pub const POST_ONLY: Self = Self(1);
    /// Post-only: slides one tick behind what it would trade with.
    pub const POST_ONLY_SLIDE: Self = Self(1 << 1);
    /// Not displayed.
    pub const HIDDEN: Self = Self(1 << 2);
    /// Displayed with its owner's name.
    pub const ATTRIBUTABLE: Self = Self(1 << 3);
    /// All or none.
    pub const ALL_OR_NONE: Self = Self(1 << 4);
    /// An invalid replace keeps the original order (otherwise it is cancelled).
    pub const KEEP_ON_INVALID: Self = Self(1 << 5);
    /// A stop whose trigger is already met is rejected (otherwise it triggers at once).
    pub const REJECT_IF_TRIGGERED: Self = Self(1 << 6);
    /// A reduce that came as OUCH `M`, and is answered as such.
    pub const AS_MODIFY: Self = Self(1 << 7);
    /// The one bits that have a meaning.
    pub const ALL: Self = Self(0xFF);

    /// Whether every condition of `other` is set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
