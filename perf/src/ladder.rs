//! The highest rate that is sustained: raised until latency breaks or the answers fall behind.

use crate::load::{self, Load, LoadError, LoadResult, Pace};

/// Each rung offers this much more than the one below.
const STEP: f64 = 1.25;
/// No more rungs than this: the rate has then grown eight-thousandfold.
const RUNGS_MAX: usize = 40;
/// Answers below this share of what is offered are no longer sustained.
const SUSTAINED: f64 = 0.95;
/// Each rung lasts about this long, in seconds.
const RUNG_S: f64 = 2.0;

/// Where the ladder begins and what breaks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ladder {
    /// Commands a second of the first rung.
    pub first_per_second: f64,
    /// A rung whose 99th percentile is above this, in nanoseconds, is broken.
    pub p99_ns_max: u64,
}

/// Climbs with `load`'s target; `tell` sees each rung. Gives the last rung that held, if any did.
///
/// # Errors
/// A run failed.
pub fn climb(
    ladder: Ladder,
    load: &Load,
    mut tell: impl FnMut(&LoadResult, bool),
) -> Result<Option<LoadResult>, LoadError> {
    let mut highest = None;
    let mut per_second = ladder.first_per_second;
    for _ in 0..RUNGS_MAX {
        let rung = Load {
            pace: Pace::Poisson(per_second),
            commands: (per_second * RUNG_S).clamp(1_000.0, 5_000_000.0) as u32,
            ..load.clone()
        };
        let result = load::run(&rung)?;
        let held = result.latency.p99_ns <= ladder.p99_ns_max
            && result.commands_per_second() >= SUSTAINED * per_second;
        tell(&result, held);
        if !held {
            break;
        }
        highest = Some(result);
        per_second *= STEP;
    }
    Ok(highest)
}
