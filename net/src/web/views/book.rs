//! The levels of one instrument.

use engine::number::{Price, Quantity};
use engine::terms::Side;
use std::collections::BTreeMap;

/// What is displayed at a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Lots.
    pub quantity: Quantity,
    /// Orders.
    pub orders: u32,
}

/// The displayed levels of an instrument, and how many changes made them so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LevelBook {
    /// By the negated price: the best of either side is its first.
    bids: BTreeMap<i64, Level>,
    asks: BTreeMap<i64, Level>,
    change: u64,
}

/// Its own inverse: rank to price and price to rank.
const fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => price.wrapping_neg(),
        Side::Sell => price,
    }
}

impl LevelBook {
    /// The number of the last change: `u` and `lastUpdateId`.
    #[must_use]
    pub const fn change(&self) -> u64 {
        self.change
    }

    /// What is displayed at `price` on `side`; nothing where there is no level.
    #[must_use]
    pub fn level(&self, side: Side, price: Price) -> Level {
        self.side(side).get(&rank(side, price.0)).copied().unwrap_or_default()
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (Price, Level)> {
        self.side(side).iter().map(move |(&key, &level)| (Price(rank(side, key)), level))
    }

    /// The best level of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<(Price, Level)> {
        self.levels(side).next()
    }

    /// How many levels a side has.
    #[must_use]
    pub fn depth(&self, side: Side) -> usize {
        self.side(side).len()
    }

    /// The level is this now; without orders it is gone.
    pub(super) fn set(&mut self, side: Side, price: Price, level: Level, change: u64) {
        self.change = change;
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        if level.quantity.0 == 0 {
            levels.remove(&rank(side, price.0));
        } else {
            levels.insert(rank(side, price.0), level);
        }
    }

    /// The number of the last change, where the levels were not changed one by one.
    pub(super) const fn set_change(&mut self, change: u64) {
        self.change = change;
    }

    const fn side(&self, side: Side) -> &BTreeMap<i64, Level> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }
}
