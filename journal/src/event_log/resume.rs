//! Recovery: the journal makes the events again, and they must be those that are stored.

use super::{Address, EventLogError, EventLogReader, EventLogWriter, Tail};
use engine::event::EventRecord;
use std::path::Path;

/// What became of an event that recovery made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regenerated {
    /// It was stored already, and is the same.
    Same,
    /// It was missing and has been appended.
    Appended,
    /// It lies before the oldest file: it was removed with its file, and nothing is left to compare with.
    Removed,
}

/// Compares what recovery makes with what is stored, as far as that goes, and appends the rest.
#[derive(Debug)]
pub struct Resume {
    writer: EventLogWriter,
    reader: EventLogReader,
    /// What the oldest file begins with; beyond every event where there is none.
    first: Address,
    end: Address,
    /// The last event that was compared or appended.
    done: Option<Address>,
}

impl Resume {
    /// Goes on with a log that ends at `tail`. `from` is the lowest address that recovery will make:
    /// the snapshot's sequence + 1, or [`Address::START`] without a snapshot.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn new(
        folder: &Path,
        writer: EventLogWriter,
        tail: &Tail,
        from: Address,
    ) -> Result<Self, EventLogError> {
        let mut reader = EventLogReader::open(folder)?;
        reader.seek(from);
        let first = reader.first()?.unwrap_or(tail.end.after());
        Ok(Self { writer, reader, first, end: tail.end, done: None })
    }

    /// Takes the next event that recovery has made. Waits where the disk is behind.
    ///
    /// # Errors
    /// It is not what is stored (the node must stop), or the log cannot be read or written.
    pub fn event(&mut self, event: &EventRecord) -> Result<Regenerated, EventLogError> {
        let address = Address::of(event);
        if address > self.end {
            self.check_nothing_left()?;
            self.writer.wait_for_room()?;
            self.writer.append(event);
            return Ok(Regenerated::Appended);
        }
        if address < self.first {
            return Ok(Regenerated::Removed);
        }
        let stored = self.reader.next()?;
        match stored {
            Some(stored) if stored == *event => {
                self.done = Some(address);
                Ok(Regenerated::Same)
            }
            Some(stored) => {
                let found = Address::of(&stored);
                Err(EventLogError::Diverged {
                    address: found.min(address),
                    regenerated: address,
                    stored: found,
                })
            }
            None => Err(EventLogError::Diverged { address, regenerated: address, stored: self.end }),
        }
    }

    /// Ends the comparison and yields the writer for new events.
    ///
    /// # Errors
    /// The log holds events that recovery did not make, or can be written no more.
    pub fn finish(mut self) -> Result<EventLogWriter, EventLogError> {
        self.check_nothing_left()?;
        match self.writer.failure() {
            Some(error) => Err(error.clone()),
            None => Ok(self.writer),
        }
    }

    /// Every stored event must have been made before one beyond the end is.
    fn check_nothing_left(&mut self) -> Result<(), EventLogError> {
        if self.done == Some(self.end) || self.end == Address::START {
            return Ok(());
        }
        match self.reader.next()? {
            Some(stored) if Address::of(&stored) <= self.end => {
                Err(EventLogError::Ahead { first: Address::of(&stored), end: self.end })
            }
            Some(_) | None => {
                self.done = Some(self.end);
                Ok(())
            }
        }
    }
}
