//! Messages from venue to client. Each is one sequenced packet.

use super::appendage::{self, Appendage, Element};
use super::{OuchError, split_appendage, whole};
use crate::wire::message;

message! {
    /// `S`: the session's day begins or ends.
    SystemEvent = b'S', 10 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 event: u8 = "`S` start of day, `E` end of day.",
    }
}

message! {
    /// `A`: a new order was accepted. An appendage follows.
    Accepted = b'A', 62 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order's number.",
        13 side: u8 = "`B` or `S`.",
        14 quantity: u32 = "Lots.",
        18 symbol: [u8; 8] = "Instrument.",
        26 price: u64 = "Limit, four decimals.",
        34 time_in_force: u8 = "`0`, `3` or `6`.",
        35 display: u8 = "`Y`, `N` or `A`.",
        36 order_reference: u64 = "The order's public number.",
        44 capacity: u8 = "As entered.",
        45 intermarket_sweep: u8 = "`N`.",
        46 cross_type: u8 = "`N`.",
        47 state: u8 = "`L`: what ends an order here always has a message of its own.",
        48 client_order_id: [u8; 14] = "As entered.",
    }
}

message! {
    /// `U`: an order took the place of another. An appendage follows.
    Replaced = b'U', 66 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 original_user_ref: u32 = "The order that is gone.",
        13 user_ref: u32 = "The new order.",
        17 side: u8 = "`B` or `S`.",
        18 quantity: u32 = "Open lots.",
        22 symbol: [u8; 8] = "Instrument.",
        30 price: u64 = "Limit, four decimals.",
        38 time_in_force: u8 = "`0`, `3` or `6`.",
        39 display: u8 = "`Y`, `N` or `A`.",
        40 order_reference: u64 = "The new order's public number.",
        48 capacity: u8 = "As entered with the first order.",
        49 intermarket_sweep: u8 = "`N`.",
        50 cross_type: u8 = "`N`.",
        51 state: u8 = "`L`.",
        52 client_order_id: [u8; 14] = "As entered.",
    }
}

message! {
    /// `C`: an order lost quantity without trading.
    Cancelled = b'C', 18 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
        13 quantity: u32 = "Lots that it lost.",
        17 reason: u8 = "Appendix C.",
    }
}

message! {
    /// `D`: self-trade prevention took quantity.
    SelfMatchPrevented = b'D', 32 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
        13 quantity: u32 = "Lots that it lost.",
        17 reason: u8 = "`Q`.",
        18 prevented: u32 = "Lots that would have traded.",
        22 price: u64 = "Price that they would have traded at, four decimals.",
        30 liquidity: u8 = "As in [`Executed`].",
        31 strategy: u8 = "`D`: lost what would have traded; `C`: was cancelled whole.",
    }
}

message! {
    /// `E`: one side of a trade. An appendage follows (empty).
    Executed = b'E', 34 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
        13 quantity: u32 = "Lots of this trade.",
        17 price: u64 = "Price of this trade, four decimals.",
        25 liquidity: u8 = "`A` added, `R` removed, `J` added hidden, `O` auction.",
        26 match_number: u64 = "The trade's number, the same for both sides.",
    }
}

message! {
    /// `B`: a trade was broken.
    BrokenTrade = b'B', 36 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
        13 match_number: u64 = "The trade.",
        21 reason: u8 = "`S`: by the operator.",
        22 client_order_id: [u8; 14] = "Blank.",
    }
}

message! {
    /// `J`: an order or replacement was refused; its number is used up.
    Rejected = b'J', 29 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The number that came.",
        13 reason: u16 = "Appendix D.",
        15 client_order_id: [u8; 14] = "As entered.",
    }
}

message! {
    /// `P`: a cancel waits for the end of an auction. Not sent yet.
    CancelPending = b'P', 13 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
    }
}

message! {
    /// `I`: a cancel was refused. Not sent yet.
    CancelRejected = b'I', 13 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
    }
}

message! {
    /// `T`: the system changed an order's priority. Not sent yet.
    PriorityUpdate = b'T', 30 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
        13 price: u64 = "Limit, four decimals.",
        21 display: u8 = "`Y`.",
        22 order_reference: u64 = "The order's new public number.",
    }
}

message! {
    /// `M`: an order was modified as [`ModifyOrder`](super::inbound::ModifyOrder) asked.
    Modified = b'M', 18 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
        13 side: u8 = "`B` or `S`.",
        14 quantity: u32 = "Open lots.",
    }
}

message! {
    /// `R`: the system modified an order. An appendage follows.
    Restated = b'R', 14 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 user_ref: u32 = "The order.",
        13 reason: u8 = "`R` refresh of the displayed part, `P` new displayed price.",
    }
}

message! {
    /// `Q`: the next user number.
    QueryResponse = b'Q', 13 {
        1 timestamp: u64 = "Nanoseconds since midnight.",
        9 next_user_ref: u32 = "The lowest number that can be used.",
    }
}

macro_rules! with_appendage {
    ($($name:ident),*) => {$(
        impl $name {
            /// Appends it with its options.
            #[inline]
            pub fn encode_with(&self, options: &[Element], out: &mut Vec<u8>) {
                self.encode(out);
                appendage::encode(options, out);
            }
        }
    )*};
}
with_appendage!(Accepted, Replaced, Executed, Restated);

/// A message from the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outbound<'a> {
    /// `S`.
    SystemEvent(SystemEvent),
    /// `A`.
    Accepted(Accepted, Appendage<'a>),
    /// `U`.
    Replaced(Replaced, Appendage<'a>),
    /// `C`.
    Cancelled(Cancelled),
    /// `D`.
    SelfMatchPrevented(SelfMatchPrevented),
    /// `E`.
    Executed(Executed, Appendage<'a>),
    /// `B`.
    BrokenTrade(BrokenTrade),
    /// `J`.
    Rejected(Rejected),
    /// `P`.
    CancelPending(CancelPending),
    /// `I`.
    CancelRejected(CancelRejected),
    /// `T`.
    PriorityUpdate(PriorityUpdate),
    /// `M`.
    Modified(Modified),
    /// `R`.
    Restated(Restated, Appendage<'a>),
    /// `Q`.
    QueryResponse(QueryResponse),
}

/// The message that `bytes` are.
///
/// # Errors
/// Unknown type or wrong length.
#[inline]
pub fn decode(bytes: &[u8]) -> Result<Outbound<'_>, OuchError> {
    let Some(&kind) = bytes.first() else { return Err(OuchError::Empty) };
    Ok(match kind {
        SystemEvent::TYPE => Outbound::SystemEvent(SystemEvent::read(whole(bytes)?)),
        Accepted::TYPE => {
            let (fixed, options) = split_appendage(bytes)?;
            Outbound::Accepted(Accepted::read(fixed), options)
        }
        Replaced::TYPE => {
            let (fixed, options) = split_appendage(bytes)?;
            Outbound::Replaced(Replaced::read(fixed), options)
        }
        Cancelled::TYPE => Outbound::Cancelled(Cancelled::read(whole(bytes)?)),
        SelfMatchPrevented::TYPE => Outbound::SelfMatchPrevented(SelfMatchPrevented::read(whole(bytes)?)),
        Executed::TYPE => {
            let (fixed, options) = split_appendage(bytes)?;
            Outbound::Executed(Executed::read(fixed), options)
        }
        BrokenTrade::TYPE => Outbound::BrokenTrade(BrokenTrade::read(whole(bytes)?)),
        Rejected::TYPE => Outbound::Rejected(Rejected::read(whole(bytes)?)),
        CancelPending::TYPE => Outbound::CancelPending(CancelPending::read(whole(bytes)?)),
        CancelRejected::TYPE => Outbound::CancelRejected(CancelRejected::read(whole(bytes)?)),
        PriorityUpdate::TYPE => Outbound::PriorityUpdate(PriorityUpdate::read(whole(bytes)?)),
        Modified::TYPE => Outbound::Modified(Modified::read(whole(bytes)?)),
        Restated::TYPE => {
            let (fixed, options) = split_appendage(bytes)?;
            Outbound::Restated(Restated::read(fixed), options)
        }
        QueryResponse::TYPE => Outbound::QueryResponse(QueryResponse::read(whole(bytes)?)),
        unknown => return Err(OuchError::UnknownType(unknown)),
    })
}
