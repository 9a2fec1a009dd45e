//! The gate: commands come in from sockets, operators and time; what was committed goes out to those who wait for it.

use super::rings::InputRing;
use crate::admin::desk::Desk;
use crate::clock::Clock;
use crate::disk_room::DiskRoom;
use crate::failure::Failure;
use crate::gather::Gather;
use crate::timers::Timers;
use engine::event::{Event, EventKind, EventRecord};
use engine::number::{Sequence, Timestamp};
use mio::Waker;
use net::doors::Doors;
use net::metrics::Metrics;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Commands whose latency is counted at one look at the sockets; of more, the first ones.
const STAMPS_MAX: usize = 4096;
/// How often connections and sessions are counted.
const COUNT_EVERY: Duration = Duration::from_millis(100);

pub(crate) struct Gate {
    pub(crate) doors: Doors,
    pub(crate) desk: Desk,
    pub(crate) timers: Timers,
    pub(crate) input: InputRing,
    pub(crate) clock: Clock,
    pub(crate) gather: Gather,
    pub(crate) disk: Arc<DiskRoom>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) watch: Watch,
}

/// What the gate keeps to tell how it does.
pub(crate) struct Watch {
    /// Stamps of commands that were answered since the sockets were last written to.
    stamps: Vec<Timestamp>,
    counted: Option<Instant>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { stamps: Vec::with_capacity(STAMPS_MAX), counted: None }
    }
}

impl Gate {
    /// Publishes what came from operators and time, who find room in the ring however much the sockets bring, and from
    /// the sockets unless these gather. What the sockets are owed goes out first. Where nothing came, sleeps at most `timeout` for it.
    ///
    /// # Errors
    /// The poller of the sockets failed.
    pub(crate) fn take_in(&mut self, now: Instant, timeout: Duration) -> Result<usize, Failure> {
        let time = self.clock.now(now);
        let mut work = self.desk.poll(&mut self.input, time);
        work += self.timers.poll(&mut self.input, time);
        if self.gather.is_over(now) {
            let before = self.published();
            self.tell(now, time);
            self.doors.refuse_new_orders(self.disk.refuses());
            work += self.doors.flush(time);
            work += self.doors.poll(&mut self.input, time, Some(timeout))?;
            self.gather.looked(self.published().0 - before.0, now);
        }
        self.metrics.pipeline.published.set(self.published().0);
        Ok(work)
    }

    /// What the metrics show of the doors; the answers of the stamped commands are about to be written.
    fn tell(&mut self, now: Instant, time: Timestamp) {
        let (metrics, watch) = (&self.metrics.pipeline, &mut self.watch);
        metrics.beat_ms.set(self.metrics.elapsed_ms(now));
        for stamp in watch.stamps.drain(..) {
            metrics.latency.observe(time.0.saturating_sub(stamp.0));
        }
        if watch.counted.is_none_or(|counted| now.duration_since(counted) >= COUNT_EVERY) {
            watch.counted = Some(now);
            metrics.connections.set(self.doors.connections() as u64);
            metrics.sessions.set(self.doors.sessions_connected() as u64);
        }
    }

    /// Passes one committed event on.
    #[inline]
    pub(crate) fn release(&mut self, event: &EventRecord) {
        self.doors.release(event);
        self.desk.release(event);
        self.timers.learn(event);
        if event.ordinal() == 0 && self.watch.stamps.len() < STAMPS_MAX {
            self.watch.stamps.push(event.time());
        }
        if event.kind() == EventKind::Rejected as u8
            && let Ok(Event::Report(report)) = event.view()
        {
            self.metrics.pipeline.reject(report.header.reject());
        }
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
