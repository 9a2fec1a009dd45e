//! The incoming order meets the book: fills, self-trade prevention, and what it could execute.

use super::Engine;
use super::emit::{Emitter, Tail};
use super::enter::Incoming;
use super::money::Fees;
use crate::book::{BookView, LevelState};
use crate::event::{EventKind, EventSink, Flags};
use crate::orders::Traits;
use crate::reason::CancelReason;
use crate::terms::SelfTrade;

impl Engine {
    /// Trades with what is opposite, best price first, up to `limit`.
    pub(super) fn walk<S: EventSink>(&mut self, taker: &mut Incoming, limit: i64, out: &mut Emitter<'_, S>) {
        let opposite = taker.side.opposite();
        let limit = self.instruments[taker.book].book.ladder(opposite).key(limit);
        while taker.open > 0 {
            let ladder = self.instruments[taker.book].book.ladder(opposite);
            if ladder.best_key() > limit {
                break;
            }
            let maker = self.pool.level(ladder.best()).first();
            let same_owner = self.same_owner(taker.account, self.orders.hot(maker).account);
            if same_owner && taker.terms.self_trade != SelfTrade::None {
                self.prevent(taker, maker, out);
            } else {
                self.fill(taker, maker, same_owner, out);
            }
        }
    }

    #[inline(always)]
    fn same_owner(&self, one: u32, other: u32) -> bool {
        one == other
            || match (self.accounts.get(one), self.accounts.get(other)) {
                (Some(one), Some(other)) => one.owner == other.owner,
                _ => false,
            }
    }

    /// One trade at the resting order's price.
    #[inline]
    fn fill<S: EventSink>(
        &mut self,
        taker: &mut Incoming,
        maker: u32,
        same_owner: bool,
        out: &mut Emitter<'_, S>,
    ) {
        let hot = *self.orders.hot(maker);
        let lots = hot.open.min(taker.open);
        let ended = lots == hot.open;
        self.next_match += 1;
        let book = &mut self.instruments[taker.book].book;
        book.last_price = hot.price;
        book.trades += 1;
        let level = if ended {
            let level = book.unlink(&mut self.pool, &mut self.orders, &hot);
            self.orders.hot_mut(maker).open = 0;
            level
        } else {
            book.shrink(&mut self.pool, &mut self.orders, (maker, lots))
        };
        self.orders.hot_mut(maker).executed += lots;
        taker.open -= lots;
        taker.executed += lots;
        let fees = if (hot.traits.with(taker.traits)).has(Traits::CHARGED) {
            self.settle(taker, maker, lots, out)
        } else {
            Fees::default()
        };
        let owners = if same_owner { Flags::SELF_TRADE } else { Flags::NONE };
        let mut line = self.maker_line(maker, EventKind::Executed, level);
        line.quantity = lots;
        line.flags = line.flags.with(owners);
        let tail = Tail {
            match_number: self.next_match,
            counterparty: taker.id,
            fee: fees.maker,
            executed: hot.executed + lots,
        };
        out.report(&line, tail);
        let report = self.sessions[taker.session as usize - 1].report();
        let mut line = taker.line(EventKind::Executed, report, LevelState::default());
        line.price = hot.price;
        line.quantity = lots;
        line.flags = line.flags.with(owners).with(taker_flags(taker));
        let tail = Tail { counterparty: hot.id, fee: fees.taker, executed: taker.executed, ..tail };
        out.report(&line, tail);
        if ended {
            self.retire(maker);
        }
    }

    /// The resting order and the incoming one belong to one owner and must not trade.
    #[cold]
    fn prevent<S: EventSink>(&mut self, taker: &mut Incoming, maker: u32, out: &mut Emitter<'_, S>) {
        let hot = *self.orders.hot(maker);
        let would_trade = hot.open.min(taker.open);
        let (maker_loses, taker_loses) = match taker.terms.self_trade {
            SelfTrade::CancelNewest => (0, taker.open),
            SelfTrade::CancelOldest => (hot.open, 0),
            SelfTrade::CancelBoth => (hot.open, taker.open),
            SelfTrade::Decrement => (would_trade, would_trade),
            // Neither comes here: the session's default was put in its place, and None trades.
            SelfTrade::SessionDefault | SelfTrade::None => (0, 0),
        };
        let tail = Tail { fee: would_trade as i64, ..Tail::default() };
        if maker_loses > 0 {
            self.orders.terms_mut(maker).prevented += maker_loses;
            let book = &mut self.instruments[taker.book].book;
            let level = if maker_loses == hot.open {
                let level = book.unlink(&mut self.pool, &mut self.orders, &hot);
                self.orders.hot_mut(maker).open = 0;
                level
            } else {
                book.shrink(&mut self.pool, &mut self.orders, (maker, maker_loses))
            };
            if hot.traits.has(Traits::LEDGER) {
                self.hold_resting(maker);
            }
            let mut line = self.maker_line(maker, EventKind::Prevented, level);
            line.quantity = maker_loses;
            line.reason = CancelReason::SelfTrade as u8;
            out.report(&line, Tail { counterparty: taker.id, executed: hot.executed, ..tail });
            if maker_loses == hot.open {
                self.retire(maker);
            }
        }
        if taker_loses > 0 {
            taker.open -= taker_loses;
            taker.terms.prevented += taker_loses;
            if taker.traits.has(Traits::LEDGER) {
                let mut terms = taker.terms;
                self.hold(&taker.holder(taker.open), &mut terms);
                taker.terms = terms;
            }
            let report = self.sessions[taker.session as usize - 1].report();
            let mut line = taker.line(EventKind::Prevented, report, LevelState::default());
            line.price = hot.price;
            line.quantity = taker_loses;
            line.reason = CancelReason::SelfTrade as u8;
            line.flags = line.flags.with(taker_flags(taker));
            out.report(&line, Tail { counterparty: hot.id, executed: taker.executed, ..tail });
        }
    }

    /// Lots that the incoming order would execute up to `limit`; counts no further than `enough`.
    #[cold]
    pub(super) fn executable(&self, taker: &Incoming, limit: i64, enough: u64) -> u64 {
        let opposite = taker.side.opposite();
        let book = &self.instruments[taker.book].book;
        let reach = book.ladder(opposite).key(limit);
        let view = BookView { book, pool: &self.pool, orders: &self.orders };
        let (mut wanted, mut executed) = (taker.open, 0);
        let levels =
            view.levels(opposite).take_while(|level| book.ladder(opposite).key(level.price.0) <= reach);
        for handle in levels.flat_map(|level| view.handles(opposite, level.price)) {
            let maker = self.orders.hot(handle);
            let lots = maker.open.min(wanted);
            let mode = taker.terms.self_trade;
            if mode != SelfTrade::None && self.same_owner(taker.account, maker.account) {
                match mode {
                    SelfTrade::CancelNewest | SelfTrade::CancelBoth => break,
                    SelfTrade::Decrement => wanted -= lots,
                    SelfTrade::CancelOldest | SelfTrade::SessionDefault | SelfTrade::None => {}
                }
            } else {
                wanted -= lots;
                executed += lots;
            }
            if wanted == 0 || executed >= enough {
                break;
            }
        }
        executed
    }
}

fn taker_flags(taker: &Incoming) -> Flags {
    if taker.open == 0 { Flags::TAKER.with(Flags::FINAL) } else { Flags::TAKER }
}
