//! The outlet: committed events leave the output ring for the event log and for whoever is handed them.

use super::egress::{BEYOND_LIMIT_MAX, EgressStage};
use crate::failure::Failure;
use engine::event::EventRecord;
use engine::number::Sequence;
use journal::event_log::EventLogWriter;
use net::metrics::Metrics;
use std::sync::Arc;

/// Events let out in one poll, before the sockets are looked at again; and [`BEYOND_LIMIT_MAX`] more.
const RELEASE_MAX: usize = 4096;
/// Events of one poll, at most.
pub(crate) const EVENTS_PER_POLL_MAX: usize = RELEASE_MAX + BEYOND_LIMIT_MAX;

pub(crate) struct Outlet {
    pub(crate) egress: EgressStage,
    pub(crate) event_log: EventLogWriter,
    pub(crate) metrics: Arc<Metrics>,
}

impl Outlet {
    /// Appends committed events to the event log and hands each to `out`. Without room in the event log nothing
    /// leaves: the rings fill and push back on the sockets.
    ///
    /// # Errors
    /// The event log's disk failed.
    pub(crate) fn poll(&mut self, out: &mut impl FnMut(&EventRecord)) -> Result<usize, Failure> {
        let mut work = 0;
        let room = self.event_log.room().saturating_sub(BEYOND_LIMIT_MAX).min(RELEASE_MAX);
        if room > 0 {
            let Self { egress, event_log, .. } = self;
            work += egress.poll(room, &mut |event| {
                event_log.append(event);
                out(event);
            });
        }
        let metrics = &self.metrics.pipeline;
        metrics.released.set(self.egress.released().0);
        metrics.events.add(work as u64);
        metrics.event_log_written.set(self.event_log.written().sequence.0);
        metrics.event_log_synced.set(self.event_log.synced().sequence.0);
        work += self.event_log.poll();
        match self.event_log.failure() {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(work),
        }
    }

    /// All events of commands up to this one are out.
    pub(crate) const fn released(&self) -> Sequence {
        self.egress.released()
    }
}
