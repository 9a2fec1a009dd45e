//! ITCH 5.0: the messages, byte by byte. Which event yields which message is [`feed`].
//!
//! Each begins with type, locate (the instrument's number), tracking number (0 here) and 48 bits of
//! nanoseconds since midnight. Shares are lots; prices are u32 with four decimals.

pub mod feed;

use crate::wire::{Nanoseconds48, message};

/// Highest price that the format can say: 429,496.7295.
pub const PRICE_MAX: u64 = u32::MAX as u64;

message! {
    /// `S`: the day begins.
    SystemEvent = b'S', 12 {
        1 locate: u16 = "0.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 event: u8 = "`O` start of messages: the first of a day.",
    }
}

message! {
    /// `R`: an instrument.
    StockDirectory = b'R', 39 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 stock: [u8; 8] = "Symbol.",
        19 market_category: u8 = "Blank.",
        20 financial_status: u8 = "Blank.",
        21 round_lot_size: u32 = "1: shares are lots.",
        25 round_lots_only: u8 = "`N`.",
        26 issue_classification: u8 = "`Q` other.",
        27 issue_subtype: [u8; 2] = "`Z` none.",
        29 authenticity: u8 = "`P` production.",
        30 short_sale_threshold: u8 = "Blank.",
        31 ipo: u8 = "Blank.",
        32 price_tier: u8 = "Blank.",
        33 etp: u8 = "Blank.",
        34 etp_leverage: u32 = "0.",
        38 inverse: u8 = "`N`.",
    }
}

message! {
    /// `H`: what an instrument is doing.
    TradingAction = b'H', 25 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 stock: [u8; 8] = "Symbol.",
        19 state: u8 = "`T` trading, `Q` orders rest and nothing trades, `P` volatility auction, `H` halted or closed.",
        20 reserved: u8 = "Blank.",
        21 reason: [u8; 4] = "Blank.",
    }
}

message! {
    /// `A`: a displayed order rests.
    AddOrder = b'A', 36 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 order_reference: u64 = "The order.",
        19 side: u8 = "`B` or `S`.",
        20 shares: u32 = "Displayed lots.",
        24 stock: [u8; 8] = "Symbol.",
        32 price: u32 = "Limit, four decimals.",
    }
}

message! {
    /// `E`: a displayed order traded at its price.
    OrderExecuted = b'E', 31 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 order_reference: u64 = "The order.",
        19 shares: u32 = "Lots of this trade.",
        23 match_number: u64 = "The trade.",
    }
}

message! {
    /// `C`: a displayed order traded at another price than its own.
    OrderExecutedWithPrice = b'C', 36 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 order_reference: u64 = "The order.",
        19 shares: u32 = "Lots of this trade.",
        23 match_number: u64 = "The trade.",
        31 printable: u8 = "`Y`: counts towards volume.",
        32 price: u32 = "Price of the trade, four decimals.",
    }
}

message! {
    /// `X`: a displayed order lost some of its lots.
    OrderCancel = b'X', 23 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 order_reference: u64 = "The order.",
        19 shares: u32 = "Lots that it lost.",
    }
}

message! {
    /// `D`: a displayed order is gone.
    OrderDelete = b'D', 19 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 order_reference: u64 = "The order.",
    }
}

message! {
    /// `U`: an order took the place of another, on the same side of the same instrument.
    OrderReplace = b'U', 35 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 original_reference: u64 = "The order that is gone.",
        19 order_reference: u64 = "The new order.",
        27 shares: u32 = "Displayed lots.",
        31 price: u32 = "Limit, four decimals.",
    }
}

message! {
    /// `P`: an order that is not displayed traded.
    Trade = b'P', 44 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 order_reference: u64 = "0.",
        19 side: u8 = "Side of the order that is not displayed.",
        20 shares: u32 = "Lots of this trade.",
        24 stock: [u8; 8] = "Symbol.",
        32 price: u32 = "Price of the trade, four decimals.",
        36 match_number: u64 = "The trade.",
    }
}

message! {
    /// `B`: a trade was broken.
    BrokenTrade = b'B', 19 {
        1 locate: u16 = "The instrument's number.",
        3 tracking: u16 = "0.",
        5 timestamp: Nanoseconds48 = "Nanoseconds since midnight.",
        11 match_number: u64 = "The trade.",
    }
}

/// Bytes that are no message of the subset that we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItchError {
    /// No bytes at all.
    Empty,
    /// A type that this venue does not send.
    UnknownType(u8),
    /// The length does not fit the type.
    Length {
        /// Type byte.
        message: u8,
        /// Bytes that it should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
}

impl std::fmt::Display for ItchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => write!(f, "empty message"),
            Self::UnknownType(byte) => write!(f, "message type 0x{byte:02X} is none that the venue sends"),
            Self::Length { message, expected, found } => {
                write!(f, "message {}: {found} bytes, expected {expected}", char::from(*message))
            }
        }
    }
}

impl std::error::Error for ItchError {}

macro_rules! messages {
    ($($name:ident $doc:literal,)*) => {
        /// A message of the feed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message {
            $(#[doc = $doc] $name($name),)*
        }

        impl Message {
            /// Appends it.
            #[inline]
            pub fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name(message) => message.encode(out),)*
                }
            }
        }

        /// The message that `bytes` are.
        ///
        /// # Errors
        /// Unknown type or wrong length.
        pub fn decode(bytes: &[u8]) -> Result<Message, ItchError> {
            let Some(&kind) = bytes.first() else { return Err(ItchError::Empty) };
            let found = bytes.len();
            match kind {
                $($name::TYPE => match bytes.try_into() {
                    Ok(fixed) => Ok(Message::$name($name::read(fixed))),
                    Err(_) => Err(ItchError::Length { message: kind, expected: $name::SIZE, found }),
                },)*
                unknown => Err(ItchError::UnknownType(unknown)),
            }
        }
    };
}

messages! {
    SystemEvent "`S`.",
    StockDirectory "`R`.",
    TradingAction "`H`.",
    AddOrder "`A`.",
    OrderExecuted "`E`.",
    OrderExecutedWithPrice "`C`.",
    OrderCancel "`X`.",
    OrderDelete "`D`.",
    OrderReplace "`U`.",
    Trade "`P`.",
    BrokenTrade "`B`.",
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: Message, bytes: &[u8]) {
        let mut out = Vec::new();
        message.encode(&mut out);
        assert_eq!(out, bytes);
        assert_eq!(decode(bytes), Ok(message));
        let (message, expected, found) = (bytes[0], bytes.len(), bytes.len() - 1);
        assert_eq!(decode(&bytes[..found]), Err(ItchError::Length { message, expected, found }));
    }

    #[test]
    fn messages_have_the_bytes_of_the_tables() {
        let (locate, tracking, timestamp) = (7, 0, Nanoseconds48(1));
        let head = b"\0\x07\0\0\0\0\0\0\0\x01";
        let bytes = |kind: u8, tail: &[u8]| [&[kind], &head[..], tail].concat();
        let order_reference = 5;
        check(
            Message::AddOrder(AddOrder {
                locate,
                tracking,
                timestamp,
                order_reference,
                side: b'B',
                shares: 9,
                stock: *b"BTCUSD  ",
                price: 0x0102_0304,
            }),
            &bytes(b'A', b"\0\0\0\0\0\0\0\x05B\0\0\0\x09BTCUSD  \x01\x02\x03\x04"),
        );
        check(
            Message::OrderExecuted(OrderExecuted {
                locate,
                tracking,
                timestamp,
                order_reference,
                shares: 9,
                match_number: 3,
            }),
            &bytes(b'E', b"\0\0\0\0\0\0\0\x05\0\0\0\x09\0\0\0\0\0\0\0\x03"),
        );
        check(
            Message::OrderDelete(OrderDelete { locate, tracking, timestamp, order_reference }),
            &bytes(b'D', b"\0\0\0\0\0\0\0\x05"),
        );
        check(
            Message::OrderReplace(OrderReplace {
                locate,
                tracking,
                timestamp,
                original_reference: 4,
                order_reference,
                shares: 9,
                price: 2,
            }),
            &bytes(b'U', b"\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x05\0\0\0\x09\0\0\0\x02"),
        );
        check(
            Message::OrderCancel(OrderCancel { locate, tracking, timestamp, order_reference, shares: 2 }),
            &bytes(b'X', b"\0\0\0\0\0\0\0\x05\0\0\0\x02"),
        );
    }
}
