//! Why a command was refused, and why an order ended. Closed, numbered lists; each door maps them to
//! its own codes in one table (docs/reject-reasons.md).

use bytemuck::{CheckedBitPattern, NoUninit};

/// Why a command was refused. The number is the order of the checks: the lowest that applies is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum Reject {
    /// Not refused.
    None = 0,
    /// The session is unknown, closed or may not do this.
    Session = 1,
    /// The client's number is not above the last one used.
    DuplicateNumber = 2,
    /// No such instrument, or no longer listed.
    UnknownInstrument = 3,
    /// The instrument's terms changed while the order was on its way.
    InstrumentChanged = 4,
    /// The account is unknown, not the session's, or closed to new orders.
    Account = 5,
    /// The phase of the instrument does not take this (pre-open, closed, an auction).
    Phase = 6,
    /// The instrument is halted or suspended.
    Halted = 7,
    /// The combination of type, time in force and conditions has no meaning here.
    Combination = 8,
    /// A minimum quantity without immediate-or-cancel, or above the quantity.
    MinimumQuantity = 9,
    /// A peak that is 0 or not below the quantity.
    Peak = 10,
    /// The side is none that is traded here.
    Side = 11,
    /// Not a whole number of ticks, or no price an order may have here.
    Price = 12,
    /// Zero, or not a whole number of lots.
    Quantity = 13,
    /// Above the instrument's largest quantity.
    QuantityLimit = 14,
    /// Above the instrument's largest value, or not countable in the quote currency.
    ValueLimit = 15,
    /// Outside the price band.
    PriceBand = 16,
    /// Too many commands from this session.
    Rate = 17,
    /// The account has not enough available.
    Credit = 18,
    /// The venue holds as many live orders as it is configured for.
    OrderLimit = 19,
    /// The venue holds as many price levels as it is configured for.
    LevelLimit = 20,
    /// Stops, pegs or all-or-none orders of this instrument are at their limit.
    ConditionLimit = 21,
    /// The order does not rest: it never did, or has ended.
    NotResting = 22,
    /// The venue does not do this (yet).
    Unsupported = 23,
    /// Operator: that number or name is in use.
    Exists = 24,
    /// Operator: nothing of that number or name.
    Unknown = 25,
    /// Operator: tick × lot is not a whole number of minor units, or does not fit.
    Scale = 26,
    /// Operator: the value is outside what this setting allows.
    Value = 27,
    /// Operator: as many of these as the venue is configured for.
    Limit = 28,
    /// Operator: the book is not empty.
    BookNotEmpty = 29,
    /// Operator: the balance would fall below zero or overflow.
    Balance = 30,
    /// Operator: the day does not follow the present one.
    Date = 31,
    /// The venue is short of disk: no new orders.
    Disk = 32,
    /// An auction type that this venue does not hold.
    CrossType = 33,
    /// An intermarket sweep: this venue knows no other market.
    IntermarketSweep = 34,
}

/// Why an order lost quantity without trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum CancelReason {
    /// It was not cancelled.
    None = 0,
    /// Its owner asked.
    User = 1,
    /// The rest of an immediate order.
    Immediate = 2,
    /// A fill-or-kill or minimum quantity that could not be met.
    NotFilled = 3,
    /// Its time came, or its day ended.
    Expired = 4,
    /// Post-only and would have traded.
    PostOnly = 5,
    /// A market order reached its collar, or found nothing opposite.
    Collar = 6,
    /// A trade reached the price band.
    Band = 7,
    /// Self-trade prevention.
    SelfTrade = 8,
    /// The operator asked.
    Operator = 9,
    /// Its session was lost and asked for this.
    Disconnect = 10,
    /// A replacement with invalid details took it out.
    InvalidReplace = 11,
    /// A linked order traded, triggered or ended.
    Linked = 12,
    /// The auction it was for is over.
    Auction = 13,
    /// The venue is at a limit (levels, conditions).
    Limit = 14,
}
