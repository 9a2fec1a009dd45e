//! Messages from client to venue.

use super::appendage::{self, Appendage, Element};
use super::{OuchError, split_appendage, whole};
use crate::wire::message;

message! {
    /// `O`: a new order. An appendage follows.
    EnterOrder = b'O', 45 {
        1 user_ref: u32 = "The order's number: above all the session used today.",
        5 side: u8 = "`B` buy, `S` sell; `T` and `E` are not traded here.",
        6 quantity: u32 = "Lots.",
        10 symbol: [u8; 8] = "Instrument.",
        18 price: u64 = "Limit, four decimals; [`MARKET_PRICE`](super::MARKET_PRICE) for a market order.",
        26 time_in_force: u8 = "`0` day, `3` immediate or cancel, `6` until ExpireTime.",
        27 display: u8 = "`Y` visible, `N` hidden, `A` attributable.",
        28 capacity: u8 = "`A` agency, `P` principal, `R` riskless, `O` other.",
        29 intermarket_sweep: u8 = "`N`.",
        30 cross_type: u8 = "`N`.",
        31 client_order_id: [u8; 14] = "The client's own identifier.",
    }
}

message! {
    /// `U`: a new order in the place of a resting one. An appendage follows.
    ReplaceOrder = b'U', 38 {
        1 original_user_ref: u32 = "The order that is to go.",
        5 user_ref: u32 = "The new order's number.",
        9 quantity: u32 = "Total lots of the chain, executed ones included.",
        13 price: u64 = "Limit, four decimals.",
        21 time_in_force: u8 = "As in [`EnterOrder`].",
        22 display: u8 = "As in [`EnterOrder`].",
        23 intermarket_sweep: u8 = "`N`.",
        24 client_order_id: [u8; 14] = "The client's own identifier.",
    }
}

message! {
    /// `X`: cancels an order or lowers its total.
    CancelOrder = b'X', 9 {
        1 user_ref: u32 = "The order.",
        5 quantity: u32 = "New total lots, executed ones included; 0 cancels what is left.",
    }
}

message! {
    /// `M`: lowers an order's total and keeps its place.
    ModifyOrder = b'M', 10 {
        1 user_ref: u32 = "The order.",
        5 side: u8 = "Its side.",
        6 quantity: u32 = "New total lots, executed ones included; 0 cancels what is left.",
    }
}

message! {
    /// `Q`: asks for the next user number.
    AccountQuery = b'Q', 1 {}
}

/// A message from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// `O`.
    Enter(EnterOrder, Appendage<'a>),
    /// `U`.
    Replace(ReplaceOrder, Appendage<'a>),
    /// `X`.
    Cancel(CancelOrder),
    /// `M`.
    Modify(ModifyOrder),
    /// `Q`.
    Query,
}

/// The message that `bytes` are.
///
/// # Errors
/// Unknown type, wrong length, or a client order id that is not printable. What is wrong within an
/// appendage shows when its elements are read.
#[inline]
pub fn decode(bytes: &[u8]) -> Result<Inbound<'_>, OuchError> {
    let Some(&kind) = bytes.first() else { return Err(OuchError::Empty) };
    match kind {
        EnterOrder::TYPE => {
            let (fixed, options) = split_appendage(bytes)?;
            let order = EnterOrder::read(fixed);
            printable(&order.client_order_id)?;
            Ok(Inbound::Enter(order, options))
        }
        ReplaceOrder::TYPE => {
            let (fixed, options) = split_appendage(bytes)?;
            let order = ReplaceOrder::read(fixed);
            printable(&order.client_order_id)?;
            Ok(Inbound::Replace(order, options))
        }
        CancelOrder::TYPE => Ok(Inbound::Cancel(CancelOrder::read(whole(bytes)?))),
        ModifyOrder::TYPE => Ok(Inbound::Modify(ModifyOrder::read(whole(bytes)?))),
        AccountQuery::TYPE => {
            let AccountQuery {} = AccountQuery::read(whole(bytes)?);
            Ok(Inbound::Query)
        }
        unknown => Err(OuchError::UnknownType(unknown)),
    }
}

fn printable(text: &[u8; 14]) -> Result<(), OuchError> {
    if text.iter().all(|byte| (b' '..=b'~').contains(byte)) { Ok(()) } else { Err(OuchError::ClientOrderId) }
}

impl EnterOrder {
    /// Appends it with its options.
    pub fn encode_with(&self, options: &[Element], out: &mut Vec<u8>) {
        self.encode(out);
        appendage::encode(options, out);
    }
}

impl ReplaceOrder {
    /// Appends it with its options.
    pub fn encode_with(&self, options: &[Element], out: &mut Vec<u8>) {
        self.encode(out);
        appendage::encode(options, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTER: EnterOrder = EnterOrder {
        user_ref: 1,
        side: b'B',
        quantity: 100,
        symbol: *b"BTCUSD  ",
        price: 1_000_000,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: *b"abc           ",
    };

    #[test]
    fn enter_order_has_the_bytes_of_the_table() {
        let mut out = Vec::new();
        ENTER.encode_with(&[Element::PostOnly(b'P')], &mut out);
        let bytes = [
            &b"O\0\0\0\x01B\0\0\0\x64BTCUSD  \0\0\0\0\0\x0f\x42\x40"[..],
            &b"0YPNNabc           \0\x03\x02\x0cP"[..],
        ]
        .concat();
        assert_eq!(out, bytes);
        assert_eq!(decode(&bytes), Ok(Inbound::Enter(ENTER, Appendage(&[2, 12, b'P']))));
    }

    #[test]
    fn replace_cancel_modify_query_have_the_bytes_of_the_tables() {
        let replace = ReplaceOrder {
            original_user_ref: 1,
            user_ref: 2,
            quantity: 3,
            price: 4,
            time_in_force: b'3',
            display: b'N',
            intermarket_sweep: b'N',
            client_order_id: [b' '; 14],
        };
        let mut out = Vec::new();
        replace.encode_with(&[], &mut out);
        let bytes = b"U\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\x043NN              \0\0";
        assert_eq!(out, bytes);
        assert_eq!(decode(bytes), Ok(Inbound::Replace(replace, Appendage(&[]))));
        let cancel = CancelOrder { user_ref: 258, quantity: 0 };
        assert_eq!(&cancel.to_bytes(), b"X\0\0\x01\x02\0\0\0\0");
        assert_eq!(decode(&cancel.to_bytes()), Ok(Inbound::Cancel(cancel)));
        let modify = ModifyOrder { user_ref: 1, side: b'S', quantity: 9 };
        assert_eq!(&modify.to_bytes(), b"M\0\0\0\x01S\0\0\0\x09");
        assert_eq!(decode(&modify.to_bytes()), Ok(Inbound::Modify(modify)));
        assert_eq!(decode(&AccountQuery {}.to_bytes()), Ok(Inbound::Query));
    }

    #[test]
    fn wrong_lengths_and_types_are_refused() {
        let length = |message, expected, found| Err(OuchError::Length { message, expected, found });
        assert_eq!(decode(b""), Err(OuchError::Empty));
        assert_eq!(decode(b"Z"), Err(OuchError::UnknownType(b'Z')));
        assert_eq!(decode(b"X\0\0\0\x01\0\0\0"), length(b'X', 9, 8));
        assert_eq!(decode(b"QQ"), length(b'Q', 1, 2));
        let mut enter = Vec::new();
        ENTER.encode_with(&[], &mut enter);
        assert_eq!(decode(&enter[..46]), length(b'O', 47, 46));
        enter.push(0);
        assert_eq!(decode(&enter), length(b'O', 47, 48));
        enter.pop();
        enter[31] = 7;
        assert_eq!(decode(&enter), Err(OuchError::ClientOrderId));
    }
}
