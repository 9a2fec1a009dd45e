//! The two flows that matchers are compared on.
//!
//! A book is filled, then a generator draws adds, cancels and immediate orders so that it keeps its
//! size and never crosses by an add. The same stream comes as plain numbers for the floor and as
//! production commands for the engine; the seed fixes it.

use crate::floor::{Floor, Report, ReportKind, ReportSink};

/// Where the opposite touch is taken to be for a buyer who finds nobody, in ticks.
const EMPTY_ASK: i32 = 100_001;
/// The same for a seller.
const EMPTY_BID: i32 = 100_000;
/// How far through the opposite touch an immediate order may trade, in ticks.
const TAKE_THROUGH: i32 = 2;
/// Largest number of ticks that a price is drawn away from the touch.
const GEOMETRIC_MAX: u32 = 1_000;
/// Quantities are drawn from 1 to this.
const QUANTITY_MAX: u64 = 100;
/// Share of immediate orders.
const TAKE_CHANCE: f64 = 0.05;

/// A shape of order flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Its letter.
    pub name: &'static str,
    /// Instruments.
    pub instruments: u16,
    /// Live orders on each side of each instrument.
    pub orders_per_side: u32,
    /// Chance that a price is no further from the touch.
    pub nearness: f64,
}

impl Flow {
    /// One instrument whose book stays in the cache.
    pub const A: Self = Self { name: "A", instruments: 1, orders_per_side: 1_000, nearness: 0.10 };
    /// A hundred instruments with a million live orders, far larger than the cache.
    pub const B: Self = Self { name: "B", instruments: 100, orders_per_side: 5_000, nearness: 0.02 };

    /// The flow in which about so many orders live: up to 100 instruments of at least 10,000 orders each.
    #[must_use]
    pub const fn of_size(live_orders: u32) -> Self {
        let fitting = live_orders / 10_000;
        let instruments = if fitting < 1 {
            1
        } else if fitting > 100 {
            100
        } else {
            fitting
        };
        Self {
            name: "curve",
            instruments: instruments as u16,
            orders_per_side: live_orders / instruments / 2,
            nearness: 0.02,
        }
    }

    /// Commands that fill the books before the flow begins.
    #[must_use]
    pub const fn preload_count(&self) -> u32 {
        self.instruments as u32 * self.orders_per_side * 2
    }

    /// Live orders that the flow never exceeds: a quarter above what it steers to.
    #[must_use]
    pub const fn orders_live_max(&self) -> u32 {
        self.preload_count() + self.preload_count() / 4
    }
}

/// SplitMix64: small, fast, and the same everywhere.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator that starts from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A whole number below `bound`.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// A number from 0 to below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Failures before the first success of chance `chance`, at most [`GEOMETRIC_MAX`].
    pub fn geometric(&mut self, chance: f64) -> u32 {
        let mut failures = 0;
        while failures < GEOMETRIC_MAX && self.uniform() >= chance {
            failures += 1;
        }
        failures
    }
}

/// What a plain command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A limit order that rests.
    Add,
    /// An immediate limit order that is filled whole.
    Take,
    /// Ends a resting order.
    Cancel,
}

/// A command as plain numbers: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PlainCommand {
    /// Number of the order, dense from 1. Cancel: the order that is meant.
    pub id: u32,
    /// Ticks; 0 in a cancel.
    pub price: i32,
    /// Lots; 0 in a cancel.
    pub quantity: u32,
    /// Instrument, from 0.
    pub instrument: u16,
    /// 0 buy, 1 sell; the order's in a cancel is 0.
    pub side: u8,
    /// What it does.
    pub kind: Kind,
}

/// Live orders of one instrument, for drawing one of them at random.
struct Live {
    by_instrument: Vec<Vec<u32>>,
    place: Vec<u32>,
}

impl Live {
    fn add(&mut self, instrument: u16, id: u32) {
        let ids = &mut self.by_instrument[usize::from(instrument)];
        self.place[id as usize] = ids.len() as u32;
        ids.push(id);
    }

    fn remove(&mut self, instrument: u16, id: u32) {
        let ids = &mut self.by_instrument[usize::from(instrument)];
        let place = self.place[id as usize];
        ids.swap_remove(place as usize);
        if let Some(&moved) = ids.get(place as usize) {
            self.place[moved as usize] = place;
        }
    }
}

impl ReportSink for Live {
    fn report(&mut self, report: &Report) {
        if report.kind == ReportKind::Made && report.remaining == 0 {
            self.remove(report.instrument, report.id);
        }
    }
}

/// Draws the commands of a flow, one by one, without end up to its bound.
pub struct Generator {
    flow: Flow,
    random: SplitMix64,
    book: Floor,
    live: Live,
    drawn: u32,
    last_id: u32,
}

impl Generator {
    /// The generator of `flow` from `seed`, for at most `commands_max` commands after the preload.
    #[must_use]
    pub fn new(flow: Flow, seed: u64, commands_max: u32) -> Self {
        let ids_max = flow.preload_count() + commands_max;
        Self {
            flow,
            random: SplitMix64::new(seed),
            book: Floor::new(flow.instruments, flow.orders_live_max(), ids_max),
            live: Live {
                by_instrument: vec![Vec::new(); usize::from(flow.instruments)],
                place: vec![0; ids_max as usize + 1],
            },
            drawn: 0,
            last_id: 0,
        }
    }

    /// The next command; the first [`Flow::preload_count`] ones fill the books.
    ///
    /// # Panics
    /// More commands are asked for than the generator was made for, or the price walked out of the
    /// floor's ladder (a flow of millions of commands stays far within it).
    pub fn draw(&mut self) -> PlainCommand {
        let command = if self.drawn < self.flow.preload_count() {
            let instrument = (self.drawn / 2 % u32::from(self.flow.instruments)) as u16;
            self.add(instrument, (self.drawn % 2) as u8)
        } else {
            self.flowing()
        };
        self.drawn += 1;
        match command.kind {
            Kind::Add => self.live.add(command.instrument, command.id),
            Kind::Cancel => self.live.remove(command.instrument, command.id),
            Kind::Take => {}
        }
        self.book.apply(&command, &mut self.live);
        command
    }

    fn flowing(&mut self) -> PlainCommand {
        let instrument = self.random.below(u64::from(self.flow.instruments)) as u16;
        let live = self.live.by_instrument[usize::from(instrument)].len() as f64;
        let target = f64::from(2 * self.flow.orders_per_side);
        let add_chance = (0.50 + 0.5 * (target - live) / target).clamp(0.30, 0.70);
        let drawn = self.random.uniform();
        let side = self.random.below(2) as u8;
        let there = self.quantity_within_reach(instrument, side);
        if drawn < TAKE_CHANCE && there > 0 {
            return self.take(instrument, side, there);
        }
        if drawn < TAKE_CHANCE + add_chance || live == 0.0 {
            return self.add(instrument, side);
        }
        let ids = &self.live.by_instrument[usize::from(instrument)];
        let id = ids[self.random.below(ids.len() as u64) as usize];
        PlainCommand { id, price: 0, quantity: 0, instrument, side: 0, kind: Kind::Cancel }
    }

    fn opposite_touch(&self, instrument: u16, side: u8) -> i32 {
        let empty = if side == 0 { EMPTY_ASK } else { EMPTY_BID };
        self.book.touch(instrument, side ^ 1).unwrap_or(empty)
    }

    fn quantity_within_reach(&self, instrument: u16, side: u8) -> u32 {
        let touch = self.opposite_touch(instrument, side);
        (0..=TAKE_THROUGH)
            .map(|ticks| if side == 0 { touch + ticks } else { touch - ticks })
            .map(|price| self.book.quantity_at(instrument, side ^ 1, price))
            .sum()
    }

    fn add(&mut self, instrument: u16, side: u8) -> PlainCommand {
        let behind = self.random.geometric(self.flow.nearness) as i32 + 1;
        let touch = self.opposite_touch(instrument, side);
        let price = if side == 0 { touch - behind } else { touch + behind };
        let quantity = 1 + self.random.below(QUANTITY_MAX) as u32;
        PlainCommand { id: self.next_id(), price, quantity, instrument, side, kind: Kind::Add }
    }

    fn take(&mut self, instrument: u16, side: u8, there: u32) -> PlainCommand {
        let touch = self.opposite_touch(instrument, side);
        let price = if side == 0 { touch + TAKE_THROUGH } else { touch - TAKE_THROUGH };
        let quantity = there.min(1 + self.random.below(QUANTITY_MAX) as u32);
        PlainCommand { id: self.next_id(), price, quantity, instrument, side, kind: Kind::Take }
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }
}

/// A drawn flow: what fills the books, and what is measured.
pub struct Workload {
    /// Its shape.
    pub flow: Flow,
    /// Commands that fill the books.
    pub preload: Vec<PlainCommand>,
    /// Commands that are measured.
    pub commands: Vec<PlainCommand>,
}

impl Workload {
    /// Draws `count` commands of `flow` after its preload.
    #[must_use]
    pub fn draw(flow: Flow, seed: u64, count: u32) -> Self {
        let mut generator = Generator::new(flow, seed, count);
        let preload = (0..flow.preload_count()).map(|_| generator.draw()).collect();
        let commands = (0..count).map(|_| generator.draw()).collect();
        Self { flow, preload, commands }
    }

    /// Highest order number in it.
    #[must_use]
    pub fn ids_max(&self) -> u32 {
        self.flow.preload_count() + self.commands.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Flow = Flow { orders_per_side: 200, instruments: 3, ..Flow::A };

    #[test]
    fn splitmix_gives_its_published_numbers() {
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(
            [random.next_u64(), random.next_u64(), random.next_u64()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_seed_fixes_the_flow() {
        let first = Workload::draw(SHORT, 7, 5_000);
        let again = Workload::draw(SHORT, 7, 5_000);
        let other = Workload::draw(SHORT, 8, 5_000);
        assert_eq!(first.commands, again.commands);
        assert_ne!(first.commands, other.commands);
    }

    #[test]
    fn the_mix_is_the_one_described() {
        let workload = Workload::draw(SHORT, 7, 50_000);
        let share = |kind| workload.commands.iter().filter(|c| c.kind == kind).count() as f64 / 50_000.0;
        assert!((0.04..0.06).contains(&share(Kind::Take)), "takes: {}", share(Kind::Take));
        assert!((0.45..0.55).contains(&share(Kind::Add)), "adds: {}", share(Kind::Add));
        assert!((0.40..0.50).contains(&share(Kind::Cancel)), "cancels: {}", share(Kind::Cancel));
        assert!(workload.preload.iter().all(|command| command.kind == Kind::Add));
    }
}
