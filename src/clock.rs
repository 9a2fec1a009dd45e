//! The gateways' clock: monotonic, anchored to UTC at start, slewed towards the wall clock by at most
//! 500 parts per million. A step of the wall clock is an alarm, never a jump: a jump of an hour would
//! expire every order for good.

use engine::number::Timestamp;
use std::time::{Duration, Instant, SystemTime};

/// Most that the clock may gain or lose against the monotonic clock.
const SLEW_PPM_MAX: i128 = 500;
/// How often the wall clock is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// A difference above this is told to the operator.
const ALARM_NS: i128 = 1_000_000_000;

pub(crate) struct Clock {
    anchor: Instant,
    anchor_utc_ns: i128,
    slew_ppm: i128,
    checked: Instant,
    alarmed: bool,
}

impl Clock {
    /// A clock anchored to the wall clock now, or at `floor` if that is later (the engine's clock).
    pub(crate) fn new(floor: Timestamp) -> Self {
        let now = Instant::now();
        let anchor_utc_ns = wall_ns().max(i128::from(floor.0));
        Self { anchor: now, anchor_utc_ns, slew_ppm: 0, checked: now, alarmed: false }
    }

    /// Now in UTC nanoseconds. Never goes back.
    pub(crate) fn now(&mut self, now: Instant) -> Timestamp {
        if now.duration_since(self.checked) >= CHECK_EVERY {
            self.steer(now, wall_ns());
        }
        Timestamp(u64::try_from(self.utc_ns(now)).unwrap_or(0))
    }

    fn utc_ns(&self, now: Instant) -> i128 {
        let elapsed_ns = i128::try_from(now.duration_since(self.anchor).as_nanos()).unwrap_or(0);
        self.anchor_utc_ns + elapsed_ns + elapsed_ns * self.slew_ppm / 1_000_000
    }

    /// Anchors anew at the present reading and leans towards the wall clock.
    fn steer(&mut self, now: Instant, wall_ns: i128) {
        let reading = self.utc_ns(now);
        let error_ns = wall_ns - reading;
        self.anchor = now;
        self.anchor_utc_ns = reading;
        self.checked = now;
        // Closes the error within a second where that is allowed: error in ns over 1e9 ns, in ppm.
        self.slew_ppm = (error_ns / 1_000).clamp(-SLEW_PPM_MAX, SLEW_PPM_MAX);
        let far = error_ns.abs() > ALARM_NS;
        if far && !self.alarmed {
            tracing::warn!(
                seconds = %(error_ns / 1_000_000_000),
                "the wall clock stepped away from the venue's clock; the venue keeps its own pace and leans \
                 towards it by at most 500 ppm. Set the machine's time right, or restart the venue to follow it"
            );
        }
        self.alarmed = far;
    }
}

fn wall_ns() -> i128 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(0),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_wall_clock_moves_nothing_faster_than_the_slew() {
        let mut clock = Clock::new(Timestamp(0));
        let start = clock.anchor;
        let before = clock.utc_ns(start);
        let second = start + Duration::from_secs(1);
        clock.steer(second, before + 3_600_000_000_000);
        let after = clock.utc_ns(second + Duration::from_secs(1));
        assert_eq!(after - before, 2_000_000_000 + 500_000);
        assert!(clock.alarmed);
    }

    #[test]
    fn a_step_back_never_turns_it_back() {
        let mut clock = Clock::new(Timestamp(0));
        let start = clock.anchor;
        let before = clock.utc_ns(start);
        clock.steer(start + Duration::from_secs(1), 0);
        assert!(clock.utc_ns(start + Duration::from_secs(2)) > before);
    }
}
