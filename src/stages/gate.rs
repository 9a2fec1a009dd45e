//! The gate: commands come in from sockets, operators and time; what was committed goes out to those who wait for it.

use super::rings::InputRing;
use crate::admin::desk::Desk;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::gather::Gather;
use crate::timers::Timers;
use engine::event::EventRecord;
use engine::number::Sequence;
use mio::Waker;
use net::doors::Doors;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) struct Gate {
    pub(crate) doors: Doors,
    pub(crate) desk: Desk,
    pub(crate) timers: Timers,
    pub(crate) input: InputRing,
    pub(crate) clock: Clock,
    pub(crate) gather: Gather,
}

impl Gate {
    /// Publishes what came from sockets (unless these gather), operators and time. What the sockets are owed goes out
    /// first. Where nothing came, sleeps at most `timeout` for it.
    ///
    /// # Errors
    /// The poller of the sockets failed.
    pub(crate) fn take_in(&mut self, now: Instant, timeout: Duration) -> Result<usize, Failure> {
        let time = self.clock.now(now);
        let mut work = 0;
        if self.gather.is_over(now) {
            let before = self.published();
            work += self.doors.flush(time);
            work += self.doors.poll(&mut self.input, time, Some(timeout))?;
            self.gather.looked(self.published().0 - before.0, now);
        }
        work += self.desk.poll(&mut self.input, time);
        work += self.timers.poll(&mut self.input, time);
        Ok(work)
    }

    /// Passes one committed event on.
    #[inline]
    pub(crate) fn release(&mut self, event: &EventRecord) {
        self.doors.release(event);
        self.desk.release(event);
        self.timers.learn(event);
    }

    /// All events up to `released` were passed on: answers the operator who waited for that.
    pub(crate) fn settle(&mut self, released: Sequence) {
        self.desk.settle(released);
    }

    /// The last command that was published.
    pub(crate) const fn published(&self) -> Sequence {
        self.input.last()
    }

    /// Ends the sleep of [`Self::take_in`] from another thread.
    pub(crate) fn waker(&self) -> Arc<Waker> {
        self.doors.waker()
    }

    /// Sends what the sockets take at once, and closes them.
    pub(crate) fn close(mut self) {
        let time = self.clock.now(Instant::now());
        self.doors.close(time);
    }
}
