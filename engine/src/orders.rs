//! Resting orders. Three arrays by one handle: what matching and reporting touch (one cache line), the
//! terms that a replacement, a fee or a new day asks for, and the client's own identifier with the
//! rarer terms, written only where there are any.

use crate::levels::{LevelRef, NONE};
use crate::memory::{fetch, reserve};
use crate::number::{Text, Timestamp};
use crate::terms::{Conditions, OrderType, SelfTrade, Side, TimeInForce};

/// What is so about an order, as a set of bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traits(pub(crate) u16);

impl Traits {
    pub(crate) const SELL: Self = Self(1);
    pub(crate) const HIDDEN: Self = Self(1 << 1);
    /// Its account is backed by balances here.
    pub(crate) const LEDGER: Self = Self(1 << 2);
    /// Its maker's fee is not zero.
    pub(crate) const CHARGED: Self = Self(1 << 3);
    /// It is in the timers.
    pub(crate) const TIMED: Self = Self(1 << 4);
    /// It has details.
    pub(crate) const DETAILED: Self = Self(1 << 5);
    /// All its terms are in its hot line.
    pub(crate) const COMPACT: Self = Self(1 << 6);

    #[inline(always)]
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[inline(always)]
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    #[inline(always)]
    pub(crate) const fn with_if(self, other: Self, condition: bool) -> Self {
        Self(self.0 | (other.0 * condition as u16))
    }
}

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct HotOrder {
    pub(crate) open: u64,
    pub(crate) price: i64,
    pub(crate) id: u64,
    /// Lots executed in the chain of replacements.
    pub(crate) executed: u64,
    pub(crate) next: u32,
    pub(crate) prev: u32,
    pub(crate) session: u32,
    pub(crate) user_ref: u32,
    pub(crate) account: u32,
    pub(crate) level: LevelRef,
    /// The instrument's number less one.
    pub(crate) book: u16,
    pub(crate) traits: Traits,
    /// With `COMPACT`, what is not as in `Terms::EMPTY`.
    pub(crate) agreed: Agreed,
}

/// The terms that a plain order may choose: time in force, self-trade prevention, capacity and door, from
/// the lowest byte up. Most orders have no others, and so touch one line less.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Agreed(pub(crate) u32);

impl Agreed {
    pub(crate) const NONE: Self = Self(0);

    /// Plain orders have one of these two.
    pub(crate) const fn time_in_force(self) -> TimeInForce {
        if self.0 & 1 == 0 { TimeInForce::Day } else { TimeInForce::GoodTillCancelled }
    }

    pub(crate) const fn self_trade(self) -> SelfTrade {
        match self.0 >> 8 & 7 {
            2 => SelfTrade::CancelNewest,
            3 => SelfTrade::CancelOldest,
            4 => SelfTrade::CancelBoth,
            5 => SelfTrade::Decrement,
            _ => SelfTrade::None,
        }
    }

    pub(crate) const fn capacity(self) -> u8 {
        (self.0 >> 16) as u8
    }

    pub(crate) const fn door(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// As the first four bytes of an event's terms: the kind of order, then the first three of these.
    #[inline(always)]
    pub(crate) const fn event_word(self) -> u64 {
        (self.0 as u64 & 0x00FF_FFFF) << 8
    }
}

impl HotOrder {
    pub(crate) const EMPTY: Self = Self {
        open: 0,
        price: 0,
        id: 0,
        executed: 0,
        next: NONE,
        prev: NONE,
        session: 0,
        user_ref: 0,
        account: 0,
        level: LevelRef::NONE,
        book: 0,
        traits: Traits(0),
        agreed: Agreed::NONE,
    };

    #[inline(always)]
    pub(crate) const fn side(&self) -> Side {
        if self.traits.has(Traits::SELL) { Side::Sell } else { Side::Buy }
    }

    /// Lots that the level shows of it.
    #[inline(always)]
    pub(crate) const fn displayed(&self) -> u64 {
        if self.traits.has(Traits::HIDDEN) { 0 } else { self.open }
    }
}

/// What was agreed, and what it has cost so far.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Terms {
    /// Lots that self-trade prevention took in the chain of replacements.
    pub(crate) prevented: u64,
    /// Minor units that it holds of its account.
    pub(crate) reservation: i64,
    pub(crate) maker_rate: i32,
    pub(crate) taker_rate: i32,
    /// What rounding has charged above the exact fees, in millionths of a minor unit.
    pub(crate) residue: u32,
    /// Place in the timers.
    pub(crate) timer: u32,
    pub(crate) firm: Text<4>,
    pub(crate) conditions: Conditions,
    pub(crate) group: u16,
    pub(crate) order_type: OrderType,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) self_trade: SelfTrade,
    pub(crate) capacity: u8,
    pub(crate) list_role: u8,
    pub(crate) door: u8,
}

impl Terms {
    pub(crate) const EMPTY: Self = Self {
        prevented: 0,
        reservation: 0,
        maker_rate: 0,
        taker_rate: 0,
        residue: 0,
        timer: NONE,
        firm: Text::EMPTY,
        conditions: Conditions::NONE,
        group: 0,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        self_trade: SelfTrade::None,
        capacity: 0,
        list_role: 0,
        door: 0,
    };
}

/// What few orders have.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Details {
    pub(crate) client_id: Text<36>,
    pub(crate) list: u32,
    pub(crate) trigger: i64,
    pub(crate) expires: Timestamp,
    pub(crate) floor: u64,
}

impl Details {
    pub(crate) const EMPTY: Self =
        Self { client_id: Text::EMPTY, list: 0, trigger: 0, expires: Timestamp(0), floor: 0 };
}

/// All resting orders of the venue. Handles are reused last in, first out.
pub(crate) struct Orders {
    hot: Vec<HotOrder>,
    terms: Vec<Terms>,
    details: Vec<Details>,
    free: u32,
    live: u32,
    limit: u32,
}

impl Orders {
    pub(crate) fn new(limit: u32) -> Self {
        let limit = limit.min(1 << 26);
        let room = limit as usize;
        Self {
            hot: reserve(room),
            terms: reserve(room),
            details: Vec::with_capacity(room),
            free: NONE,
            live: 0,
            limit,
        }
    }

    #[inline(always)]
    pub(crate) const fn is_full(&self) -> bool {
        self.live >= self.limit
    }

    /// Orders that rest.
    #[inline(always)]
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// Asks for an order's line; `NONE` asks for nothing.
    #[inline(always)]
    pub(crate) fn fetch(&self, order: u32) {
        if let Some(hot) = self.hot.get(order as usize) {
            fetch(hot);
        }
    }

    /// An order's line, if there is such a place.
    #[inline(always)]
    pub(crate) fn get(&self, order: u32) -> Option<&HotOrder> {
        self.hot.get(order as usize)
    }

    #[inline(always)]
    pub(crate) fn hot(&self, order: u32) -> &HotOrder {
        &self.hot[order as usize]
    }

    #[inline(always)]
    pub(crate) fn hot_mut(&mut self, order: u32) -> &mut HotOrder {
        &mut self.hot[order as usize]
    }

    #[inline]
    pub(crate) fn terms(&self, order: u32) -> Terms {
        let hot = self.hot(order);
        if !hot.traits.has(Traits::COMPACT) {
            return self.terms[order as usize];
        }
        let agreed = hot.agreed;
        Terms {
            time_in_force: agreed.time_in_force(),
            self_trade: agreed.self_trade(),
            capacity: agreed.capacity(),
            door: agreed.door(),
            ..Terms::EMPTY
        }
    }

    #[inline]
    pub(crate) fn terms_mut(&mut self, order: u32) -> &mut Terms {
        if self.hot(order).traits.has(Traits::COMPACT) {
            self.terms[order as usize] = self.terms(order);
            let hot = self.hot_mut(order);
            hot.traits = hot.traits.without(Traits::COMPACT);
        }
        &mut self.terms[order as usize]
    }

    /// The details of an order; empty where it has none.
    pub(crate) fn details(&self, order: u32) -> Details {
        if self.hot(order).traits.has(Traits::DETAILED) {
            self.details[order as usize]
        } else {
            Details::EMPTY
        }
    }

    /// A place for an order, or `None` where there is no room.
    #[inline(always)]
    pub(crate) fn try_take(&mut self) -> Option<u32> {
        if self.free == NONE && self.is_full() {
            return None;
        }
        Some(self.take())
    }

    /// A place for an order; there must be room.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> u32 {
        self.live += 1;
        let order = self.free;
        if order == NONE {
            return self.grow();
        }
        self.free = self.hot[order as usize].next;
        order
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> u32 {
        self.hot.push(HotOrder::EMPTY);
        self.terms.push(Terms::EMPTY);
        self.details.push(Details::EMPTY);
        self.hot.len() as u32 - 1
    }

    /// Writes an order into the place that `take` gave.
    #[inline(always)]
    pub(crate) fn put(&mut self, order: u32, hot: HotOrder, terms: Terms) {
        self.hot[order as usize] = hot;
        self.terms[order as usize] = terms;
    }

    /// Writes the terms of an order that is not `COMPACT`.
    #[inline(always)]
    pub(crate) fn put_terms(&mut self, order: u32, terms: Terms) {
        self.terms[order as usize] = terms;
    }

    /// Writes what only orders with `DETAILED` have.
    pub(crate) fn put_details(&mut self, order: u32, details: Details) {
        self.details[order as usize] = details;
    }

    /// Frees an order that nothing refers to any more.
    #[inline(always)]
    pub(crate) fn remove(&mut self, order: u32) {
        self.live -= 1;
        let place = &mut self.hot[order as usize];
        place.id = 0;
        place.next = self.free;
        self.free = order;
    }

    /// All resting orders, by handle: no order that has a meaning.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &HotOrder)> + '_ {
        (0u32..).zip(&self.hot).filter(|(_, order)| order.id != 0)
    }
}

const _: () = {
    assert!(size_of::<HotOrder>() == 64);
    assert!(size_of::<Terms>() == 64);
    assert!(size_of::<Details>() == 64);
};
