//! Where a simulated market's price goes, and where its maker's orders stand around it.

use super::random::Random;

/// The price is kept in thousandths of a tick.
const PARTS: i64 = 1_000;
/// The best prices of a market lie about a ten-thousandth of the price apart, and at least a tick.
const SPACING_DIVISOR: i64 = 10_000;
/// How strongly the price is drawn back to its reference: this part of the distance a step.
const PULL_DIVISOR: i64 = 2_000;

/// A price that walks at random and is drawn back to where it began.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    reference: i64,
    price: i64,
    spacing: i64,
    /// Highest price of an order, in ticks.
    price_max: i64,
}

impl Prices {
    /// Begins at `reference` ticks.
    pub(super) fn new(reference: i64, price_max: i64) -> Self {
        let spacing = (reference / SPACING_DIVISOR).max(1);
        Self { reference: reference * PARTS, price: reference * PARTS, spacing, price_max }
    }

    /// Goes on from `ticks`, where the market was left.
    pub(super) const fn resume(&mut self, ticks: i64) {
        self.price = ticks * PARTS;
    }

    /// A step of the walk.
    pub(super) fn step(&mut self, random: &mut Random) {
        let pull = (self.reference - self.price) / PULL_DIVISOR;
        self.price += random.around(self.spacing * PARTS / 3) + pull;
        self.price = self.price.clamp(2 * PARTS, (self.price_max - 1).max(2) * PARTS);
    }

    /// Where the order `level` places behind the best one belongs, in ticks; `None` beyond what is allowed.
    pub(super) const fn level(&self, is_bid: bool, level: i64) -> Option<i64> {
        let distance = self.spacing * level;
        let ticks = if is_bid {
            (self.price - 1).div_euclid(PARTS) - (self.spacing - 1) / 2 - distance
        } else {
            self.price.div_euclid(PARTS) + 1 + (self.spacing - 1) / 2 + distance
        };
        if ticks >= 1 && ticks <= self.price_max { Some(ticks) } else { None }
    }

    /// How far an order may stand from its place before it is moved, in ticks.
    pub(super) const fn tolerance(&self) -> i64 {
        self.spacing / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bids_lie_below_asks_wherever_the_price_goes() {
        let mut random = Random::new(3);
        for (reference, price_max) in [(68_000, 429_496), (42, 99), (8_450, 999_900)] {
            let mut prices = Prices::new(reference, price_max);
            for _ in 0..20_000 {
                prices.step(&mut random);
                let best = (prices.level(true, 0), prices.level(false, 0));
                assert!(best.0.is_some() && best.0 < best.1, "{best:?}");
                assert!(prices.level(true, 3).is_none_or(|price| Some(price) < best.0));
                assert!(prices.level(false, 3).is_none_or(|price| Some(price) > best.1));
            }
        }
    }
}
