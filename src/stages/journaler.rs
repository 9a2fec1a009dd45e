//! Journaler: commands of the input ring become durable, and so move the commit point.

use super::rings::CommandPoller;
use engine::number::Sequence;
use engine::ring::CommitPoint;
use journal::disk::{Disk, FileDisk};
use journal::{Journal, JournalError, WRITES_IN_FLIGHT_LIMIT};
use net::metrics::Metrics;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) struct JournalerStage<D: Disk = FileDisk> {
    journal: Journal<D>,
    commands: CommandPoller,
    /// The last command that was handed to the journal.
    appended: Sequence,
    commit: Arc<CommitPoint>,
    /// False: commands count as committed once the journal has taken them, and writes are gathered.
    durable: bool,
    polled: Option<Instant>,
    stall: StallWatch,
    /// Last commands of what was taken from the ring and is not durable yet, and when it was taken. At most one for
    /// each write that may be under way; what is taken beyond belongs to the next write and is not counted.
    taken: VecDeque<(Sequence, Instant)>,
    metrics: Arc<Metrics>,
}

/// How long a venue that does not wait for the disk gathers commands for one write: a write for each would
/// only take time from the core that answers.
const GATHER: Duration = Duration::from_millis(10);

/// How long the disk may finish nothing, while commands wait for it, before the operator is told.
const STALL_MAX: Duration = Duration::from_secs(2);

impl<D: Disk> JournalerStage<D> {
    pub(crate) fn new(
        journal: Journal<D>,
        commands: CommandPoller,
        appended: Sequence,
        commit: Arc<CommitPoint>,
        durable: bool,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (stall, taken) = (StallWatch::default(), VecDeque::with_capacity(WRITES_IN_FLIGHT_LIMIT));
        Self { journal, commands, appended, commit, durable, polled: None, stall, taken, metrics }
    }

    /// Appends what the ring holds, as one entry, and moves the commit point.
    ///
    /// # Errors
    /// The disk failed: nothing more may be acknowledged.
    pub(crate) fn poll(&mut self, now: Instant) -> Result<usize, JournalError> {
        let mut work = 0;
        let room = self.journal.room() as u64;
        if room > 0
            && let Ok(mut batch) = self.commands.take(room)
        {
            let commands = &mut batch;
            work += commands.len();
            self.journal.append(self.appended.next(), commands);
            self.appended = Sequence(self.appended.0 + work as u64);
            if self.taken.len() < WRITES_IN_FLIGHT_LIMIT {
                self.taken.push_back((self.appended, now));
            }
        }
        let gathered = self.polled.is_none_or(|polled| now.duration_since(polled) >= GATHER);
        if self.durable || gathered || self.journal.room() == 0 {
            work += self.journal.poll(now)?;
            self.polled = Some(now);
        }
        self.commit.advance(if self.durable { self.journal.durable() } else { self.appended });
        self.tell(now);
        Ok(work)
    }

    fn tell(&mut self, now: Instant) {
        let (metrics, durable) = (&self.metrics.pipeline, self.journal.durable());
        while let Some((_, since)) = self.taken.pop_front_if(|(last, _)| *last <= durable) {
            let waited = now.saturating_duration_since(since).as_nanos();
            metrics.commit.observe(u64::try_from(waited).unwrap_or(u64::MAX));
        }
        metrics.journaled.set(self.appended.0);
        metrics.committed.set(self.commit.get().0);
        let stalled = self.stall.look(now, durable, self.appended);
        metrics.disk_stalled_since_ms.set(stalled.map_or(0, |since| self.metrics.elapsed_ms(since)));
    }

    /// Nothing waits for the disk: the thread may sleep.
    pub(crate) fn is_quiet(&self) -> bool {
        self.journal.is_quiet() && !self.commands.has_available()
    }

    /// The last command that is on disk.
    pub(crate) fn durable(&self) -> Sequence {
        self.journal.durable()
    }

    /// Writes what is left and closes the journal.
    ///
    /// # Errors
    /// The disk failed, or was not done by `deadline`.
    pub(crate) fn close_by(self, deadline: Instant) -> Result<(), JournalError> {
        self.journal.close_by(deadline)
    }
}

/// Whether the disk moves. A disk that hangs reports no error: without this the venue would only be silent.
#[derive(Default)]
struct StallWatch {
    durable: Sequence,
    /// When the disk last finished something, or owed nothing.
    moved: Option<Instant>,
    told: bool,
}

impl StallWatch {
    /// Since when the disk stands still, if it does.
    fn look(&mut self, now: Instant, durable: Sequence, appended: Sequence) -> Option<Instant> {
        let still = now.saturating_duration_since(*self.moved.get_or_insert(now));
        if durable == appended || durable != self.durable {
            if self.told {
                tracing::warn!(seconds = still.as_secs(), "the disk goes on; what waited is being answered");
            }
            *self = Self { durable, moved: Some(now), told: false };
        } else if !self.told && still >= STALL_MAX {
            self.told = true;
            tracing::warn!(
                seconds = still.as_secs(),
                waiting = appended.0 - durable.0,
                "the disk has finished no write of the journal; commands wait and nothing is acknowledged until it \
                 goes on. Look at the disk of the data folder (kernel log, `iostat`, a frozen file system)"
            );
        }
        self.moved.filter(|_| self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_owes_and_does_not_move_is_told_once_and_again_when_it_moves() {
        let start = Instant::now();
        let mut watch = StallWatch::default();
        let told = |watch: &mut StallWatch, seconds, durable, appended| {
            watch.look(start + Duration::from_secs(seconds), Sequence(durable), Sequence(appended));
            watch.told
        };
        assert!(!told(&mut watch, 0, 5, 5));
        assert!(!told(&mut watch, 60, 5, 5), "it owes nothing");
        assert!(!told(&mut watch, 61, 5, 9));
        assert!(told(&mut watch, 62, 5, 9), "nothing moved since it last owed nothing");
        assert!(told(&mut watch, 70, 5, 20));
        assert!(!told(&mut watch, 71, 6, 20), "it moves");
        assert!(!told(&mut watch, 72, 6, 20));
        assert!(told(&mut watch, 73, 6, 20));
    }
}
