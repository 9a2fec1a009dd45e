//! How a thread waits when its stages have nothing to do.

use std::time::{Duration, Instant};

/// How long the default strategy spins before it yields.
const SPIN: Duration = Duration::from_micros(20);
/// How long it yields before it parks.
const YIELD: Duration = Duration::from_millis(1);

/// What a thread does between two looks at its stages that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleStrategy {
    /// Looks again at once: lowest latency, a whole core.
    Spin,
    /// Spins, then gives the core to whoever wants it.
    Yield,
    /// Spins, yields, then sleeps until something arrives.
    Park,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Look again.
    Again,
    /// Sleep until something arrives.
    Park,
}

/// One thread's idle state.
pub(crate) struct Idle {
    strategy: IdleStrategy,
    idle_since: Option<Instant>,
}

impl Idle {
    pub(crate) const fn new(strategy: IdleStrategy) -> Self {
        Self { strategy, idle_since: None }
    }

    /// Call after a round over the stages that did `work`.
    pub(crate) fn after(&mut self, work: usize, now: Instant) -> Rest {
        if work > 0 {
            self.idle_since = None;
            return Rest::Again;
        }
        let idle = now.duration_since(*self.idle_since.get_or_insert(now));
        match self.strategy {
            IdleStrategy::Spin => std::hint::spin_loop(),
            IdleStrategy::Yield | IdleStrategy::Park if idle < SPIN => std::hint::spin_loop(),
            IdleStrategy::Yield => std::thread::yield_now(),
            IdleStrategy::Park if idle < YIELD => std::thread::yield_now(),
            IdleStrategy::Park => return Rest::Park,
        }
        Rest::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_park_parks_and_only_after_a_while() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        for (strategy, rest) in [
            (IdleStrategy::Spin, Rest::Again),
            (IdleStrategy::Yield, Rest::Again),
            (IdleStrategy::Park, Rest::Park),
        ] {
            let mut idle = Idle::new(strategy);
            assert_eq!(idle.after(0, start), Rest::Again);
            assert_eq!(idle.after(0, later), rest);
            assert_eq!(idle.after(1, later), Rest::Again);
            assert_eq!(idle.after(0, later), Rest::Again, "work starts the count again");
        }
    }
}
