//! The order book of one instrument: two ladders of levels, each a queue of displayed orders and one of
//! hidden orders.

use crate::levels::{BlockPool, Ladder, LevelRef, NONE};
use crate::number::{AccountId, InstrumentId, OrderId, Price, Quantity, SessionId, UserRef};
use crate::orders::{HotOrder, Orders, Traits};
use crate::terms::Side;
use crate::view::{LevelView, OrderView};

/// A level's new state, as the event that changed it tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LevelState {
    pub(crate) quantity: u64,
    pub(crate) orders: u32,
    /// Number of the change; 0: no displayed level changed.
    pub(crate) change: u64,
}

/// What is needed of an order to take it out of its queue.
#[derive(Clone, Copy)]
pub(crate) struct Links {
    pub(crate) open: u64,
    next: u32,
    prev: u32,
    level: LevelRef,
}

impl Links {
    #[inline(always)]
    pub(crate) const fn of(hot: &HotOrder) -> Self {
        Self { open: hot.open, next: hot.next, prev: hot.prev, level: hot.level }
    }

    /// Joins its neighbours in the queue of which `head` and `tail` are the ends.
    #[inline(always)]
    fn cut(self, orders: &mut Orders, head: &mut u32, tail: &mut u32) {
        if self.prev == NONE {
            *head = self.next;
        } else {
            orders.hot_mut(self.prev).next = self.next;
        }
        if self.next == NONE {
            *tail = self.prev;
        } else {
            orders.hot_mut(self.next).prev = self.prev;
        }
    }
}

/// The book of one instrument.
pub(crate) struct Book {
    pub(crate) ladders: [Ladder; 2],
    /// Counts changes of displayed levels.
    pub(crate) level_change: u64,
    /// Price of the last trade; means nothing while `trades` is 0.
    pub(crate) last_price: i64,
    pub(crate) trades: u64,
}

impl Book {
    pub(crate) fn new(price_max: i64, signed: bool) -> Self {
        Self::with_depth(Ladder::depth_for(price_max, signed), signed)
    }

    pub(crate) fn with_depth(depth: u32, signed: bool) -> Self {
        Self {
            ladders: [Side::Buy, Side::Sell].map(|side| Ladder::new(side, depth, signed)),
            level_change: 0,
            last_price: 0,
            trades: 0,
        }
    }

    #[inline(always)]
    pub(crate) const fn ladder(&self, side: Side) -> &Ladder {
        &self.ladders[side as usize]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ladders.iter().all(|ladder| ladder.first().is_none())
    }

    pub(crate) const fn last_trade(&self) -> Option<Price> {
        if self.trades == 0 { None } else { Some(Price(self.last_price)) }
    }

    /// Whether the pool has the blocks that `deepen` needs.
    pub(crate) fn can_deepen(&self, pool: &BlockPool, price_max: i64, signed: bool) -> bool {
        let depth = Ladder::depth_for(price_max, signed);
        pool.has_blocks(self.ladders.iter().map(|ladder| ladder.deepening_blocks(depth)).sum())
    }

    /// Makes room for prices up to `price_max`, where there is none yet.
    pub(crate) fn deepen(&mut self, pool: &mut BlockPool, price_max: i64, signed: bool) {
        let depth = Ladder::depth_for(price_max, signed);
        for side in [Side::Buy, Side::Sell] {
            let ladder = &mut self.ladders[side as usize];
            if depth > ladder.depth() {
                ladder.deepen(pool, side, depth, signed);
            }
        }
    }

    /// The level's state after a change, numbered where what it displays changed.
    #[inline(always)]
    const fn changed_if(&mut self, displayed: bool, quantity: u64, orders: u32) -> LevelState {
        if !displayed {
            return LevelState { quantity: 0, orders: 0, change: 0 };
        }
        self.level_change += 1;
        LevelState { quantity, orders, change: self.level_change }
    }

    /// Adds an order at the end of its queue: tells what its record is to say of its place, and the
    /// level. The record itself is the caller's to write.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        pool: &mut BlockPool,
        orders: &mut Orders,
        (order, new): (u32, &HotOrder),
    ) -> (LevelRef, u32, LevelState) {
        let ladder = &mut self.ladders[new.side() as usize];
        let (at, level) = ladder.touch(pool, ladder.key(new.price));
        let hidden = new.traits.has(Traits::HIDDEN);
        let (head, tail) = if hidden {
            level.hidden_count += 1;
            (&mut level.hidden_head, &mut level.hidden_tail)
        } else {
            level.count += 1;
            level.quantity += new.open;
            (&mut level.head, &mut level.tail)
        };
        let last = std::mem::replace(tail, order);
        if last == NONE {
            *head = order;
        } else {
            orders.hot_mut(last).next = order;
        }
        let (quantity, count) = (level.quantity, level.count);
        (at, last, self.changed_if(!hidden, quantity, count))
    }

    /// Adds a displayed order at the end of its queue, as `append` does, where the leaf of its level is known.
    #[inline(always)]
    pub(crate) fn append_displayed(
        &mut self,
        pool: &mut BlockPool,
        orders: &mut Orders,
        (order, side): (u32, Side),
        (leaf, key, lots): (u32, u64, u64),
    ) -> (LevelRef, u32, LevelState) {
        let (at, level) = self.ladders[side as usize].touch_in(pool, leaf, key);
        level.count += 1;
        level.quantity += lots;
        let (quantity, count) = (level.quantity, level.count);
        let last = std::mem::replace(&mut level.tail, order);
        if last == NONE {
            level.head = order;
        } else {
            orders.hot_mut(last).next = order;
        }
        (at, last, self.changed_if(true, quantity, count))
    }

    /// Takes an order, of which `hot` is a copy, out of its queue, and its level out of the ladder
    /// when it was the last.
    #[inline(always)]
    pub(crate) fn unlink(&mut self, pool: &mut BlockPool, orders: &mut Orders, hot: &HotOrder) -> LevelState {
        if !hot.traits.has(Traits::HIDDEN) {
            return self.unlink_displayed(pool, orders, hot.side(), Links::of(hot));
        }
        let level = pool.level_mut(hot.level);
        level.hidden_count -= 1;
        Links::of(hot).cut(orders, &mut level.hidden_head, &mut level.hidden_tail);
        if level.is_empty() {
            self.ladders[hot.side() as usize].remove(pool, hot.level);
        }
        self.changed_if(false, 0, 0)
    }

    /// The same for an order that is displayed.
    #[inline(always)]
    pub(crate) fn unlink_displayed(
        &mut self,
        pool: &mut BlockPool,
        orders: &mut Orders,
        side: Side,
        links: Links,
    ) -> LevelState {
        let level = pool.level_mut(links.level);
        level.count -= 1;
        level.quantity -= links.open;
        let (quantity, count) = (level.quantity, level.count);
        links.cut(orders, &mut level.head, &mut level.tail);
        if count == 0 && level.is_empty() {
            self.ladders[side as usize].remove(pool, links.level);
        }
        self.changed_if(true, quantity, count)
    }

    /// Takes lots from a resting order that keeps some.
    #[inline(always)]
    pub(crate) fn shrink(
        &mut self,
        pool: &mut BlockPool,
        orders: &mut Orders,
        (order, lots): (u32, u64),
    ) -> LevelState {
        let hot = orders.hot_mut(order);
        hot.open -= lots;
        let hidden = hot.traits.has(Traits::HIDDEN);
        let level = pool.level_mut(hot.level);
        if !hidden {
            level.quantity -= lots;
        }
        let (quantity, count) = (level.quantity, level.count);
        self.changed_if(!hidden, quantity, count)
    }
}

/// The book of one instrument, to read.
#[derive(Clone, Copy)]
pub struct BookView<'a> {
    pub(crate) book: &'a Book,
    pub(crate) pool: &'a BlockPool,
    pub(crate) orders: &'a Orders,
}

impl<'a> BookView<'a> {
    /// The levels of a side, best first.
    pub fn levels(self, side: Side) -> impl Iterator<Item = LevelView> + 'a {
        let ladder = self.book.ladder(side);
        let pool = self.pool;
        std::iter::successors(ladder.first(), move |&(key, _)| ladder.after(pool, key)).map(
            move |(key, at)| {
                let level = pool.level(at);
                LevelView {
                    side,
                    price: ladder.price_at(key),
                    displayed: Quantity(level.quantity),
                    displayed_orders: level.count,
                    hidden_orders: level.hidden_count,
                }
            },
        )
    }

    /// The orders of a level, in priority order: displayed by time, then hidden by time.
    pub fn orders(self, side: Side, price: Price) -> impl Iterator<Item = OrderView> + 'a {
        self.handles(side, price).map(move |order| view(self.orders, order))
    }

    /// The handles of a level's orders, in priority order.
    pub(crate) fn handles(self, side: Side, price: Price) -> impl Iterator<Item = u32> + 'a {
        let ladder = self.book.ladder(side);
        let level = ladder.find(self.pool, ladder.key(price.0)).map(|at| self.pool.level(at));
        let orders = self.orders;
        let queue = move |head: u32| {
            std::iter::successors((head != NONE).then_some(head), move |&order| {
                let next = orders.hot(order).next;
                (next != NONE).then_some(next)
            })
        };
        queue(level.map_or(NONE, |level| level.head))
            .chain(queue(level.map_or(NONE, |level| level.hidden_head)))
    }

    /// Every resting order: bids then asks, best level first, in priority order.
    pub(crate) fn all(self) -> impl Iterator<Item = u32> + 'a {
        [Side::Buy, Side::Sell]
            .into_iter()
            .flat_map(move |side| self.levels(side).flat_map(move |level| self.handles(side, level.price)))
    }
}

/// A resting order as readers see it.
pub(crate) fn view(orders: &Orders, order: u32) -> OrderView {
    let hot = orders.hot(order);
    OrderView {
        order: OrderId(hot.id),
        instrument: InstrumentId(u32::from(hot.book) + 1),
        side: hot.side(),
        price: Price(hot.price),
        open: Quantity(hot.open),
        displayed: Quantity(hot.displayed()),
        executed: Quantity(hot.executed),
        prevented: Quantity(orders.terms(order).prevented),
        account: AccountId(hot.account),
        session: SessionId(hot.session),
        user_ref: UserRef(hot.user_ref),
        client_id: orders.details(order).client_id,
    }
}
