//! Egress: releases committed events to the event log, the doors and whoever asked for them.

use super::matcher::Matched;
use super::rings::EventRecordPoller;
use engine::event::EventRecord;
use engine::number::Sequence;
use engine::ring::CommitPoint;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Events taken from the ring at a time; as many may be held for the commit point.
const BATCH_MAX: usize = 256;
/// A poll may let out fewer than this many events beyond its limit: what was held, and one batch.
pub(crate) const BEYOND_LIMIT_MAX: usize = 2 * BATCH_MAX;

pub(crate) struct EgressStage {
    events: EventRecordPoller,
    /// Taken from the ring but above the commit point. At most `BATCH_MAX`.
    held: VecDeque<EventRecord>,
    commit: Arc<CommitPoint>,
    matched: Matched,
    released: Sequence,
}

impl EgressStage {
    pub(crate) fn new(events: EventRecordPoller, commit: Arc<CommitPoint>, matched: Matched) -> Self {
        let released = commit.get();
        Self { events, held: VecDeque::with_capacity(BATCH_MAX), commit, matched, released }
    }

    /// Hands committed events to `out`, in order, at most `limit` and [`BEYOND_LIMIT_MAX`]; tells how many.
    pub(crate) fn poll(&mut self, limit: usize, out: &mut impl FnMut(&EventRecord)) -> usize {
        // Read before the ring: then every event up to it is in the ring or held or out.
        let matched = self.matched.load(Ordering::Acquire);
        let commit = self.commit.get();
        let mut count = 0;
        while count < limit {
            count += self.release_held(commit, out);
            if !self.held.is_empty() {
                return count;
            }
            let Ok(mut batch) = self.events.take(BATCH_MAX as u64) else {
                self.released = self.released.max(commit.min(Sequence(matched)));
                return count;
            };
            for event in &mut batch {
                if self.held.is_empty() && event.sequence() <= commit {
                    out(event);
                    count += 1;
                } else {
                    self.held.push_back(*event);
                }
            }
        }
        count
    }

    /// Whether a poll would let something out, or find that a command without events is done.
    pub(crate) fn has_work(&self) -> bool {
        let commit = self.commit.get();
        match self.held.front() {
            Some(event) => event.sequence() <= commit,
            None => {
                self.events.has_available()
                    || self.released < commit.min(Sequence(self.matched.load(Ordering::Acquire)))
            }
        }
    }

    /// All events of commands up to this one are out.
    pub(crate) const fn released(&self) -> Sequence {
        self.released
    }

    fn release_held(&mut self, commit: Sequence, out: &mut impl FnMut(&EventRecord)) -> usize {
        let mut count = 0;
        while let Some(event) = self.held.front()
            && event.sequence() <= commit
        {
            out(event);
            self.held.pop_front();
            count += 1;
        }
        count
    }
}
