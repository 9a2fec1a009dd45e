//! What nearly all commands are, told by a few compares of whole words: a plain order or a plain cancel.
//!
//! A slot that is neither is read through [`CommandSlot::view`](crate::command::CommandSlot::view), which
//! gives the same market at a higher price; `docs/formats.md` has the words.

use crate::command::{CommandKind, CommandSlot, OrderCommand};
use crate::orders::Agreed;
use crate::terms::{OrderType, SelfTrade, Side, TimeInForce};

/// Bits of word 1 that are one and the same in every plain order: kind, kind of order and conditions whole,
/// all but the lowest bit of side and time in force, all but three of self-trade prevention.
const ENTER_MASK: u64 = 0xFFFF_00F8_FEFF_FEFF;
/// The two upper bits of self-trade prevention, of which no value has both.
const SELF_TRADE_UPPER: u64 = 1 << 33;
/// Place in a list, in word 6.
const LIST_ROLE_MASK: u64 = 0xFF << 40;
/// What the door found wrong, in word 12.
const DOOR_REJECT_MASK: u64 = 0xFF << 32;
/// The group, in word 12: the one thing of the second line that a plain order may have.
const GROUP_SHIFT: u32 = 48;

/// A new limit order for the day or until cancelled, with nothing about it that few orders have, in which
/// no door found fault.
#[derive(Clone, Copy)]
pub(crate) struct PlainEnter<'a>(&'a [u64; 16]);

/// A cancel, the bytes that it does not use being zero.
#[derive(Clone, Copy)]
pub(crate) struct PlainCancel<'a>(&'a [u64; 16]);

/// A command on orders as the look ahead sees it: nothing of it is checked.
#[derive(Clone, Copy)]
pub(crate) struct Glance<'a>(&'a [u64; 16]);

impl<'a> Glance<'a> {
    #[inline(always)]
    pub(crate) const fn at(slot: &'a CommandSlot) -> Option<Self> {
        let kind = slot.kind();
        let on_orders = kind >= CommandKind::Enter as u8 && kind <= CommandKind::Reduce as u8;
        if on_orders { Some(Self(slot.words())) } else { None }
    }

    #[inline(always)]
    pub(crate) const fn enters(self) -> bool {
        self.0[1] as u8 == CommandKind::Enter as u8
    }

    #[inline(always)]
    pub(crate) const fn side(self) -> Side {
        PlainEnter(self.0).side()
    }

    #[inline(always)]
    pub(crate) const fn instrument(self) -> u32 {
        self.0[2] as u32
    }

    #[inline(always)]
    pub(crate) const fn session(self) -> u32 {
        self.0[3] as u32
    }

    /// The number whose place in the index the command will touch first.
    #[inline(always)]
    pub(crate) const fn number(self) -> u32 {
        if self.enters() { (self.0[3] >> 32) as u32 } else { self.0[7] as u32 }
    }

    #[inline(always)]
    pub(crate) const fn price(self) -> i64 {
        self.0[4] as i64
    }
}

impl<'a> PlainEnter<'a> {
    #[inline(always)]
    pub(crate) fn of(slot: &'a CommandSlot) -> Option<Self> {
        let w = slot.words();
        let rarer = w[6] & LIST_ROLE_MASK | w[7] >> 32 | w[8] | w[9] | w[10] | w[11];
        let rarer = rarer | w[12] << (u64::BITS - GROUP_SHIFT) | w[13] | w[14] | w[15];
        let odd = w[1] & (w[1] >> 1) & SELF_TRADE_UPPER;
        (w[1] & ENTER_MASK == CommandKind::Enter as u64 && (rarer | odd) == 0).then_some(Self(w))
    }

    #[inline(always)]
    pub(crate) const fn side(self) -> Side {
        if self.0[1] & 1 << 8 == 0 { Side::Buy } else { Side::Sell }
    }

    #[inline(always)]
    pub(crate) const fn instrument(self) -> u32 {
        self.0[2] as u32
    }

    /// 0: the session's own.
    #[inline(always)]
    pub(crate) const fn account(self) -> u32 {
        (self.0[2] >> 32) as u32
    }

    #[inline(always)]
    pub(crate) const fn session(self) -> u32 {
        self.0[3] as u32
    }

    #[inline(always)]
    pub(crate) const fn user_ref(self) -> u32 {
        (self.0[3] >> 32) as u32
    }

    #[inline(always)]
    pub(crate) const fn price(self) -> i64 {
        self.0[4] as i64
    }

    #[inline(always)]
    pub(crate) const fn quantity(self) -> u64 {
        self.0[5]
    }

    #[inline(always)]
    pub(crate) const fn firm(self) -> u32 {
        self.0[6] as u32
    }

    #[inline(always)]
    pub(crate) const fn revision(self) -> u16 {
        (self.0[6] >> 48) as u16
    }

    #[inline(always)]
    pub(crate) const fn group(self) -> u16 {
        (self.0[12] >> GROUP_SHIFT) as u16
    }

    /// What it chose, where `default` is its session's self-trade prevention.
    #[inline(always)]
    pub(crate) const fn agreed(self, default: SelfTrade) -> Agreed {
        let chosen = (self.0[1] >> 24) as u32 & 0x00FF_FFFF;
        let door = (self.0[6] >> 8) as u32 & 0xFF00_0000;
        let open = self.0[1] & 0xFF << 32 == 0;
        let default = if open { (default as u32) << 8 } else { 0 };
        Agreed(chosen | door | default)
    }
}

impl<'a> PlainCancel<'a> {
    #[inline(always)]
    pub(crate) const fn of(slot: &'a CommandSlot) -> Option<Self> {
        let w = slot.words();
        if w[1] == CommandKind::Cancel as u64 && w[12] & DOOR_REJECT_MASK == 0 { Some(Self(w)) } else { None }
    }

    #[inline(always)]
    pub(crate) const fn session(self) -> u32 {
        self.0[3] as u32
    }

    #[inline(always)]
    pub(crate) const fn target(self) -> u32 {
        self.0[7] as u32
    }
}

const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(OrderCommand, side) == 9 && offset_of!(OrderCommand, order_type) == 10);
    assert!(offset_of!(OrderCommand, time_in_force) == 11 && offset_of!(OrderCommand, self_trade) == 12);
    assert!(offset_of!(OrderCommand, capacity) == 13 && offset_of!(OrderCommand, conditions) == 14);
    assert!(offset_of!(OrderCommand, account) == 20 && offset_of!(OrderCommand, user_ref) == 28);
    assert!(offset_of!(OrderCommand, price) == 32 && offset_of!(OrderCommand, quantity) == 40);
    assert!(offset_of!(OrderCommand, firm) == 48 && offset_of!(OrderCommand, door) == 52);
    assert!(offset_of!(OrderCommand, list_role) == 53 && offset_of!(OrderCommand, revision) == 54);
    assert!(offset_of!(OrderCommand, target) == 56 && offset_of!(OrderCommand, list) == 60);
    assert!(offset_of!(OrderCommand, door_reject) == 100 && offset_of!(OrderCommand, group) == 102);
    assert!(OrderType::Limit as u8 == 0 && SelfTrade::SessionDefault as u8 == 0);
    assert!(TimeInForce::Day as u8 == 0 && TimeInForce::GoodTillCancelled as u8 == 1);
    assert!(SelfTrade::Decrement as u8 == 5 && Side::Sell as u8 == 1);
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::number::{AccountId, InstrumentId, Price, Quantity, SessionId, Text, Timestamp, UserRef};
    use crate::reason::Reject;
    use crate::terms::Conditions;
    use proptest::prelude::*;

    fn order() -> OrderCommand {
        let mut order = OrderCommand::blank(CommandKind::Enter, Timestamp(1));
        order.side = Side::Sell;
        order.time_in_force = TimeInForce::GoodTillCancelled;
        order.self_trade = SelfTrade::CancelBoth;
        (order.capacity, order.door, order.group, order.revision) = (b'P', 2, 0x1234, 0x5678);
        (order.instrument, order.account) = (InstrumentId(3), AccountId(4));
        (order.session, order.user_ref) = (SessionId(5), UserRef(6));
        (order.price, order.quantity) = (Price(-7), Quantity(8));
        order.firm = Text::new("FIRM").unwrap_or_default();
        order
    }

    fn is_ordinary(order: &OrderCommand) -> bool {
        order.kind == CommandKind::Enter
            && order.order_type == OrderType::Limit
            && matches!(order.time_in_force, TimeInForce::Day | TimeInForce::GoodTillCancelled)
            && order.conditions == Conditions::NONE
            && order.door_reject == Reject::None
            && (order.list, order.list_role) == (0, 0)
            && order.client_id == Text::EMPTY
            && (order.trigger, order.expires, order.floor) == (0, Timestamp(0), Quantity(0))
    }

    #[test]
    fn words_are_what_the_struct_says() {
        let order = order();
        let slot = CommandSlot::new(&order);
        let plain = PlainEnter::of(&slot).expect("nothing about it is rare");
        assert_eq!((plain.side(), plain.instrument(), plain.account()), (Side::Sell, 3, 4));
        assert_eq!((plain.session(), plain.user_ref()), (5, 6));
        assert_eq!((plain.price(), plain.quantity()), (-7, 8));
        assert_eq!((plain.group(), plain.revision()), (0x1234, 0x5678));
        assert_eq!(plain.firm(), bytemuck::cast(order.firm));
        let agreed = plain.agreed(SelfTrade::None);
        assert_eq!(agreed.time_in_force(), TimeInForce::GoodTillCancelled);
        assert_eq!((agreed.self_trade(), agreed.capacity(), agreed.door()), (SelfTrade::CancelBoth, b'P', 2));
        let slot = CommandSlot::new(&OrderCommand { self_trade: SelfTrade::SessionDefault, ..order });
        let plain = PlainEnter::of(&slot).expect("the default is no rarity");
        assert_eq!(plain.agreed(SelfTrade::Decrement).self_trade(), SelfTrade::Decrement);
    }

    proptest! {
        /// One byte changed: it is read as a plain order only where the struct reads it as one.
        #[test]
        fn what_is_rare_or_malformed_is_not_plain(at in 8usize..128, byte in any::<u8>()) {
            let mut slot = CommandSlot::new(&order());
            bytemuck::bytes_of_mut(&mut slot)[at] = byte;
            let struct_says = match slot.view() {
                Ok(Command::Order(order)) => is_ordinary(order),
                _ => false,
            };
            let reserved = at == 101 && byte != 0;
            prop_assert_eq!(PlainEnter::of(&slot).is_some(), struct_says && !reserved);
        }

        #[test]
        fn a_cancel_is_plain_only_where_it_is_one(at in 8usize..128, byte in any::<u8>()) {
            let mut cancel = OrderCommand::blank(CommandKind::Cancel, Timestamp(1));
            (cancel.session, cancel.target) = (SessionId(5), UserRef(6));
            let mut slot = CommandSlot::new(&cancel);
            bytemuck::bytes_of_mut(&mut slot)[at] = byte;
            if let Some(plain) = PlainCancel::of(&slot) {
                let Ok(Command::Order(order)) = slot.view() else { panic!("no order") };
                prop_assert_eq!(order.kind, CommandKind::Cancel);
                prop_assert_eq!((plain.session(), plain.target()), (order.session.0, order.target.0));
            }
        }
    }
}
