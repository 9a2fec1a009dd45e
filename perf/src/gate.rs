//! The bounds that a change may not break, as ratios of things measured in one run.

use std::fmt;

// Processor time a command, matcher over floor, the middle of many short slices in turn. What is reached is
// in docs/benchmarks.md; the bounds stand above it by what machines differ in (size of cache, width of the
// core, cost of a miss) and by what a neighbour on the other half of the core adds, which meets the matcher's
// four instructions to the floor's one. Smaller changes are judged by `rotunda-perf count`, which repeats.

/// Bare on flow A, whose books lie in the cache.
pub const BARE_SMALL_MAX: f64 = 3.4;
/// Bare on flow B, whose books do not: the more a miss costs, the less looking ahead leaves of it.
pub const BARE_LARGE_MAX: f64 = 2.0;
/// With ledger, fees, risk limits and self-trade prevention on flow A.
pub const FULL_SMALL_MAX: f64 = 6.0;
/// The same on flow B.
pub const FULL_LARGE_MAX: f64 = 3.0;
/// One order in flight, not durable: venue over echo, median latency.
pub const NOT_DURABLE_P50_MAX: f64 = 2.0;
/// Sixteen sessions, durable: venue over echo, commands answered. The claim itself, 200 thousand orders
/// a second, is an absolute number and holds on the machine of the stored result only.
pub const THROUGHPUT_MIN: f64 = 0.03;
/// A hundred WebSocket readers: venue over a plain broadcaster, p99 from sending to reading.
pub const READERS_P99_MAX: f64 = 6.0;

/// A thousand idle, slow, silent and hostile connections: 99th percentile of the honest beside them over alone. The claim
/// is 1.5, of ten thousand (docs/benchmarks.md); two short windows on a shared machine tell only a collapse.
pub const CROWD_P99_MAX: f64 = 10.0;
/// Resident KiB of the venue for each idle connection.
pub const CROWD_KIB_MAX: f64 = 16.0;

/// Which side of the bound is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    /// At most the bound.
    AtMost,
    /// At least the bound.
    AtLeast,
}

/// One ratio against its bound.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was compared.
    pub what: String,
    /// The ratio.
    pub ratio: f64,
    /// Its bound.
    pub bound: f64,
    /// Which side is good.
    pub good: Good,
}

impl Check {
    /// Whether the bound holds. What could not be measured does not hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.good {
            Good::AtMost => self.ratio <= self.bound,
            Good::AtLeast => self.ratio >= self.bound,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, word) = match (self.holds(), self.good) {
            (true, Good::AtMost) => ("ok  ", "at most"),
            (true, Good::AtLeast) => ("ok  ", "at least"),
            (false, Good::AtMost) => ("FAIL", "at most"),
            (false, Good::AtLeast) => ("FAIL", "at least"),
        };
        write!(f, "{verdict} {}: {:.2}, {word} {:.2}", self.what, self.ratio, self.bound)
    }
}

/// Bounds that were broken.
#[derive(Clone, Debug)]
pub struct Broken(pub usize);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the bounds of docs/benchmarks.md broken", self.0)
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_of_a_bound_is_told_and_nothing_measured_is_no_pass() {
        let check = |ratio, good| Check { what: String::new(), ratio, bound: 2.0, good };
        assert!(check(2.0, Good::AtMost).holds() && !check(2.1, Good::AtMost).holds());
        assert!(check(2.0, Good::AtLeast).holds() && !check(1.9, Good::AtLeast).holds());
        assert!(!check(f64::NAN, Good::AtMost).holds() && !check(f64::NAN, Good::AtLeast).holds());
    }
}
