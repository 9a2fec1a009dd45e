//! Journaler: commands of the input ring become durable, and so move the commit point.

use super::rings::CommandPoller;
use engine::number::Sequence;
use engine::ring::CommitPoint;
use journal::{Journal, JournalError};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) struct JournalerStage {
    journal: Journal,
    commands: CommandPoller,
    /// The last command that was handed to the journal.
    appended: Sequence,
    commit: Arc<CommitPoint>,
    /// False: commands count as committed once the journal has taken them, and writes are gathered.
    durable: bool,
    polled: Option<Instant>,
}

/// How long a venue that does not wait for the disk gathers commands for one write: a write for each would
/// only take time from the core that answers.
const GATHER: Duration = Duration::from_millis(1);

impl JournalerStage {
    pub(crate) fn new(
        journal: Journal,
        commands: CommandPoller,
        appended: Sequence,
        commit: Arc<CommitPoint>,
        durable: bool,
    ) -> Self {
        Self { journal, commands, appended, commit, durable, polled: None }
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
        }
        let gathered = self.polled.is_none_or(|polled| now.duration_since(polled) >= GATHER);
        if self.durable || gathered || self.journal.room() == 0 {
            work += self.journal.poll(now)?;
            self.polled = Some(now);
        }
        self.commit.advance(if self.durable { self.journal.durable() } else { self.appended });
        Ok(work)
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
    /// The disk failed.
    pub(crate) fn close(self) -> Result<(), JournalError> {
        self.journal.close()
    }
}
