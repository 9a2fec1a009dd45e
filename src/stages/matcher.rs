//! Matcher: commands of the input ring become events of the output ring. The one writer of the market.

use super::rings::{CommandPoller, OutputRing};
use crossbeam_utils::CachePadded;
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::Sequence;
use net::metrics::Metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Commands applied before the stage looks at its queue again.
const BATCH_MAX: usize = 64;

/// The last sequence whose events are all in the output ring. Padded: egress polls it.
pub(crate) type Matched = Arc<CachePadded<AtomicU64>>;

pub(crate) struct MatcherStage {
    engine: Engine,
    commands: CommandPoller,
    output: OutputRing,
    /// Events that the output ring had no room for yet, from `queue_start` on. A batch can emit no more
    /// than a small multiple of the live orders, so this is bounded by the engine's limits.
    queue: Vec<EventRecord>,
    queue_start: usize,
    applied: Sequence,
    matched: Matched,
    metrics: Arc<Metrics>,
}

impl MatcherStage {
    pub(crate) fn new(
        engine: Engine,
        commands: CommandPoller,
        output: OutputRing,
        matched: Matched,
        metrics: Arc<Metrics>,
    ) -> Self {
        let applied = engine.last_sequence();
        matched.store(applied.0, Ordering::Release);
        let queue = Vec::with_capacity(4096);
        Self { engine, commands, output, queue, queue_start: 0, applied, matched, metrics }
    }

    /// Applies what is ready; tells how many commands that were, and events that had waited for room. Takes no
    /// command while an earlier one's events wait.
    pub(crate) fn poll(&mut self) -> usize {
        let waited = self.queue.len() - self.queue_start;
        if !self.drain() {
            return waited - (self.queue.len() - self.queue_start);
        }
        let Ok(mut batch) = self.commands.take(BATCH_MAX as u64) else { return waited };
        let mut slots = [&CommandSlot::EMPTY; BATCH_MAX];
        let mut count = 0;
        for (place, slot) in slots.iter_mut().zip(&mut batch) {
            *place = slot;
            count += 1;
        }
        self.engine.apply_all(self.applied.next(), &slots[..count], &mut self.queue);
        self.applied.0 += count as u64;
        drop(batch);
        self.drain();
        waited + count
    }

    /// Whether a command waits or an event has not reached the output ring.
    pub(crate) fn has_work(&self) -> bool {
        self.queue_start < self.queue.len() || self.commands.has_available()
    }

    /// Moves waiting events to the output ring; true when none is left.
    fn drain(&mut self) -> bool {
        self.queue_start += self.output.publish(&self.queue[self.queue_start..]);
        if self.queue_start < self.queue.len() {
            return false;
        }
        self.queue.clear();
        self.queue_start = 0;
        self.matched.store(self.applied.0, Ordering::Release);
        self.metrics.pipeline.matched.set(self.applied.0);
        true
    }
}
