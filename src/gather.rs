//! How often a busy venue looks at its sockets.
//!
//! A look costs a poll, and a read and a write for each connection: under load more than all the stages
//! need for an order. So a look that took in many commands is followed by a pause, in which the stages work
//! on them and others gather in the sockets: each system call then carries more. What looks take in tells
//! how much load there is: while the sockets bring less than a command in [`PAUSE_EACH`], pauses shrink
//! until there are none, and an order on its own never meets one.

use std::time::{Duration, Instant};

/// A look that took in fewer commands is followed by the next one at once.
const MANY: u64 = 32;
/// Pause for each command that a look took in.
const PAUSE_EACH: Duration = Duration::from_micros(2);
/// Longest pause: so long an order may lie in its socket, and so long again its answer in ours.
const PAUSE_MAX: Duration = Duration::from_millis(1);

/// When the sockets are looked at next.
#[derive(Default)]
pub(crate) struct Gather {
    until: Option<Instant>,
}

impl Gather {
    /// Whether the sockets are to be looked at now.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    /// Call after a look at `now` that took in so many commands.
    pub(crate) fn looked(&mut self, commands: u64, now: Instant) {
        let each = u32::try_from(commands).unwrap_or(u32::MAX);
        let pause = PAUSE_EACH.saturating_mul(each).min(PAUSE_MAX);
        self.until = (commands >= MANY).then(|| now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_commands_wait_for_nobody_and_many_for_a_bounded_time() {
        let now = Instant::now();
        let mut gather = Gather::default();
        assert!(gather.is_over(now), "nothing was looked at yet");
        gather.looked(MANY - 1, now);
        assert!(gather.is_over(now));
        gather.looked(MANY, now);
        assert!(!gather.is_over(now) && gather.is_over(now + PAUSE_EACH * 32));
        gather.looked(u64::MAX, now);
        assert!(!gather.is_over(now + PAUSE_MAX / 2) && gather.is_over(now + PAUSE_MAX));
    }

    #[test]
    fn pauses_end_with_the_load_that_they_began_with() {
        let mut now = Instant::now();
        let mut gather = Gather::default();
        let mut taken = 400;
        // A command in four microseconds: each pause brings half of what the one before it brought.
        for _ in 0..8 {
            gather.looked(taken, now);
            let pause = gather.until.map_or(Duration::ZERO, |until| until - now);
            taken = pause.as_micros() as u64 / 4;
            now += pause;
        }
        assert!(gather.is_over(now) && taken == 0);
    }
}
