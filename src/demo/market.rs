//! One simulated market: a maker that keeps levels on both sides, and a taker that trades with them.

use super::prices::Prices;
use super::random::Random;
use super::trader::{Open, Terms, Trader};
use net::client::ClientError;
use net::ouch::MARKET_PRICE;
use std::time::{Duration, Instant};

/// An order that was sent and is not heard of is given up after this: a replacement of an order that had
/// just traded is never answered.
const GIVE_UP: Duration = Duration::from_secs(2);
/// One step in so many is the taker's.
const TAKER_STEPS: u64 = 10;

/// What a market is made of, in ticks and lots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Ten-thousandths of the quote currency in a tick.
    pub(super) tick_wire: u64,
    /// Lots of a usual order.
    pub(super) lots: u64,
    /// Most lots of an order.
    pub(super) lots_max: u64,
    /// Levels on each side.
    pub(super) levels: usize,
}

/// The place of a maker's order.
#[derive(Clone, Copy, Debug)]
struct Slot {
    user_ref: u32,
    sent: Instant,
}

/// The maker, the taker and their price.
pub(super) struct Market {
    maker: Trader,
    taker: Trader,
    prices: Prices,
    random: Random,
    scale: Scale,
    bids: Vec<Option<Slot>>,
    asks: Vec<Option<Slot>>,
}

/// Who must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Maker,
    Taker,
}

impl Market {
    /// Takes over two logged-in sessions, with whatever orders the maker has open.
    pub(super) fn new(maker: Trader, taker: Trader, prices: Prices, random: Random, scale: Scale) -> Self {
        let empty = vec![None; scale.levels];
        let mut market = Self { maker, taker, prices, random, scale, bids: empty.clone(), asks: empty };
        market.adopt();
        market
    }

    pub(super) const fn trader(&mut self, who: Ended) -> &mut Trader {
        match who {
            Ended::Maker => &mut self.maker,
            Ended::Taker => &mut self.taker,
        }
    }

    /// Gives the maker's open orders their places, best first, and goes on from the middle of them.
    pub(super) fn adopt(&mut self) {
        let sent = Instant::now();
        let side = |is_bid: bool| {
            let mut orders: Vec<(u64, u32)> = self
                .maker
                .open()
                .iter()
                .filter(|(_, order)| order.is_bid == is_bid)
                .map(|(user_ref, order)| (order.price, *user_ref))
                .collect();
            orders.sort_unstable();
            if is_bid {
                orders.reverse();
            }
            orders
        };
        let (bids, asks) = (side(true), side(false));
        if let (Some((bid, _)), Some((ask, _))) = (bids.first(), asks.first()) {
            let ticks = (bid + ask) / 2 / self.scale.tick_wire;
            self.prices.resume(ticks as i64);
        }
        for (slots, orders) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            let mut orders = orders.into_iter().map(|(_, user_ref)| Slot { user_ref, sent });
            slots.fill_with(|| orders.next());
        }
    }

    /// Reads the reports that come within `wait`; who was told that the day has ended.
    pub(super) fn poll(&mut self, wait: Duration) -> Result<Option<Ended>, (Ended, ClientError)> {
        if self.maker.poll(wait).map_err(|error| (Ended::Maker, error))? {
            return Ok(Some(Ended::Maker));
        }
        let ended = self.taker.poll(Duration::ZERO).map_err(|error| (Ended::Taker, error))?;
        Ok(ended.then_some(Ended::Taker))
    }

    /// One command: most are the maker's.
    pub(super) fn step(&mut self) -> Result<(), (Ended, ClientError)> {
        self.prices.step(&mut self.random);
        if self.random.below(TAKER_STEPS) == 0 {
            return self.take().map_err(|error| (Ended::Taker, error));
        }
        self.make().map_err(|error| (Ended::Maker, error))
    }

    /// Looks at one place in the book, the best ones most often, and puts its order right.
    fn make(&mut self) -> Result<(), ClientError> {
        if let Some(stray) = self.stray() {
            return self.maker.cancel(stray);
        }
        let levels = self.scale.levels as u64;
        let level = self.random.below(levels).min(self.random.below(levels)) as usize;
        let is_bid = self.random.percent(50);
        let (is_bid, level) = self.first_gap().unwrap_or((is_bid, level));
        let Some(ticks) = self.prices.level(is_bid, level as i64) else { return Ok(()) };
        let terms = Terms {
            is_bid,
            price: ticks as u64 * self.scale.tick_wire,
            lots: self.lots(level),
            immediate: false,
        };
        let user_ref = match self.slot(is_bid, level) {
            None => self.maker.enter(&terms)?,
            Some(slot) => {
                // Sent and not answered yet: leave it.
                let Some(open) = self.maker.open().get(&slot.user_ref).copied() else { return Ok(()) };
                if !self.is_misplaced(&open, ticks) {
                    return Ok(());
                }
                self.maker.replace(slot.user_ref, &terms)?
            }
        };
        let slot = Some(Slot { user_ref, sent: Instant::now() });
        if is_bid {
            self.bids[level] = slot
        } else {
            self.asks[level] = slot
        }
        Ok(())
    }

    /// An order stands too far from its place; now and then one in its place is renewed too.
    fn is_misplaced(&mut self, open: &Open, ticks: i64) -> bool {
        let stands = (open.price / self.scale.tick_wire) as i64;
        (stands - ticks).abs() > self.prices.tolerance() || self.random.percent(20)
    }

    /// An immediate order against the maker's best levels, now and then a market order.
    fn take(&mut self) -> Result<(), ClientError> {
        let is_bid = self.random.percent(50);
        let depth = self.random.below(self.scale.levels as u64) as i64;
        let limit = self.prices.level(!is_bid, depth);
        let price = match limit {
            Some(ticks) if !self.random.percent(10) => ticks as u64 * self.scale.tick_wire,
            _ => MARKET_PRICE,
        };
        let lots = self.lots(0);
        self.taker.enter(&Terms { is_bid, price, lots, immediate: true })?;
        Ok(())
    }

    /// From a quarter to one and three quarters of the usual quantity, more at deeper levels.
    fn lots(&mut self, level: usize) -> u32 {
        let usual = self.scale.lots;
        let lots = usual / 4 + self.random.below(usual + usual / 2 + 1) + usual * level as u64 / 3;
        u32::try_from(lots.clamp(1, self.scale.lots_max)).unwrap_or(u32::MAX)
    }

    fn slot(&self, is_bid: bool, level: usize) -> Option<Slot> {
        let slot = if is_bid { self.bids[level] } else { self.asks[level] };
        slot.filter(|slot| self.maker.open().contains_key(&slot.user_ref) || slot.sent.elapsed() < GIVE_UP)
    }

    /// The best place without an order: a side must not run empty.
    fn first_gap(&self) -> Option<(bool, usize)> {
        let mut places = (0..self.scale.levels).flat_map(|level| [(true, level), (false, level)]);
        places.find(|&(is_bid, level)| self.slot(is_bid, level).is_none())
    }

    /// An open order that has no place: what a former run left beyond the levels of this one.
    fn stray(&self) -> Option<u32> {
        let placed = |user_ref: u32| {
            self.bids.iter().chain(&self.asks).flatten().any(|slot| slot.user_ref == user_ref)
        };
        self.maker.open().keys().copied().find(|&user_ref| !placed(user_ref))
    }
}
