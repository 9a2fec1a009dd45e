//! Which levels of a market changed since its last depth update, and in the updates before it, so that a
//! reader who missed some gets one that covers them all.

use super::limits::{HISTORY_LEVELS_MAX, HISTORY_TICKS_MAX};
use engine::number::Price;
use engine::terms::Side;
use std::collections::VecDeque;

/// Changes that are noted before doubles among them are thrown out.
const CHANGES_TIDY: usize = 4096;

/// A depth update that went out.
#[derive(Debug)]
struct Tick {
    /// Change number of its first change.
    first: u64,
    changed: Box<[(Side, Price)]>,
}

/// The depth updates of one stream.
#[derive(Debug)]
pub(crate) struct Diffs {
    /// Change number of the first change that no update has told.
    first: u64,
    changed: Vec<(Side, Price)>,
    /// More than `CHANGES_TIDY` only if so many levels really changed.
    tidy_at: usize,
    history: VecDeque<Tick>,
    history_levels: usize,
    /// Number of the update that comes next.
    next: u64,
}

impl Diffs {
    /// Nothing has changed after change number `change`.
    pub(crate) const fn new(change: u64) -> Self {
        Self {
            first: change + 1,
            changed: Vec::new(),
            tidy_at: CHANGES_TIDY,
            history: VecDeque::new(),
            history_levels: 0,
            next: 0,
        }
    }

    /// A level changed.
    pub(crate) fn note(&mut self, side: Side, price: Price) {
        self.changed.push((side, price));
        if self.changed.len() >= self.tidy_at {
            tidy(&mut self.changed);
            self.tidy_at = CHANGES_TIDY.max(2 * self.changed.len());
        }
    }

    /// Number of the update that comes next.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Ends an update at change number `change`: its first change and its levels; `None` where nothing changed.
    pub(crate) fn tick(&mut self, change: u64) -> Option<(u64, &[(Side, Price)])> {
        if self.changed.is_empty() {
            return None;
        }
        tidy(&mut self.changed);
        let changed: Box<[_]> = self.changed.as_slice().into();
        self.changed.clear();
        self.tidy_at = CHANGES_TIDY;
        self.history_levels += changed.len();
        let first = self.first;
        self.history.push_back(Tick { first, changed });
        (self.first, self.next) = (change + 1, self.next + 1);
        while self.history.len() > HISTORY_TICKS_MAX
            || (self.history_levels > HISTORY_LEVELS_MAX && self.history.len() > 1)
        {
            let oldest = self.history.pop_front();
            self.history_levels -= oldest.map_or(0, |tick| tick.changed.len());
        }
        self.history.back().map(|tick| (first, &*tick.changed))
    }

    /// First change and levels of the updates from number `since` to the last one; `None` where the oldest
    /// of them are forgotten.
    pub(crate) fn merged(&self, since: u64) -> Option<(u64, Vec<(Side, Price)>)> {
        let oldest = self.next - self.history.len() as u64;
        let ticks = self.history.range(usize::try_from(since.checked_sub(oldest)?).ok()?..);
        let first = ticks.clone().next()?.first;
        let mut changed: Vec<_> = ticks.flat_map(|tick| tick.changed.iter().copied()).collect();
        tidy(&mut changed);
        Some((first, changed))
    }
}

/// Each level once, best bids and best asks first.
fn tidy(changed: &mut Vec<(Side, Price)>) {
    let key = |&(side, price): &(Side, Price)| match side {
        Side::Buy => (0, price.0.wrapping_neg()),
        Side::Sell => (1, price.0),
    };
    changed.sort_unstable_by_key(key);
    changed.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(diffs: &mut Diffs, prices: &[i64]) {
        for &price in prices {
            diffs.note(Side::Buy, Price(price));
        }
    }

    fn prices(changed: &[(Side, Price)]) -> Vec<i64> {
        changed.iter().map(|(_, price)| price.0).collect()
    }

    #[test]
    fn updates_follow_each_other_without_a_hole() {
        let mut diffs = Diffs::new(10);
        assert_eq!(diffs.tick(10), None);
        note(&mut diffs, &[5, 7, 5]);
        let (first, changed) = diffs.tick(13).expect("changes");
        assert_eq!((first, prices(changed)), (11, vec![7, 5]));
        note(&mut diffs, &[6, 5]);
        let (first, changed) = diffs.tick(15).expect("changes");
        assert_eq!((first, prices(changed), diffs.next()), (14, vec![6, 5], 2));
        let (first, changed) = diffs.merged(0).expect("kept");
        assert_eq!((first, prices(&changed)), (11, vec![7, 6, 5]));
        assert_eq!(diffs.merged(1).map(|(first, _)| first), Some(14));
        assert_eq!(diffs.merged(2), None, "not there yet");
    }

    #[test]
    fn what_is_too_long_ago_is_forgotten() {
        let mut diffs = Diffs::new(0);
        for change in 1..=HISTORY_TICKS_MAX as u64 + 1 {
            note(&mut diffs, &[change as i64]);
            diffs.tick(change);
        }
        assert_eq!(diffs.merged(0), None);
        assert_eq!(
            diffs.merged(1).map(|(first, changed)| (first, changed.len())),
            Some((2, HISTORY_TICKS_MAX))
        );
        for price in 0..=HISTORY_LEVELS_MAX as i64 {
            diffs.note(Side::Sell, Price(price));
        }
        diffs.tick(1_000_000);
        assert_eq!(diffs.history.len(), 1, "one update is always kept");
    }
}
