//! The event log: every committed event in order, on disk, for whoever reads later.
//!
//! ```text
//! egress -> EventLogWriter -> (bounded queue) -> writer thread -> FILE.events + FILE.index
//!                                                                    |            |
//!                                                             EventLogReader  SessionIndex
//!                                                                    \            /
//!                                                     adapters, replays   SessionStream (resends)
//! ```
//!
//! It is derived, never the truth: the journal makes the same bytes again, and no acknowledgement waits
//! for it. Writing never blocks the thread that appends; syncing is lazy. Any number of readers, in this
//! process or another one, follow at their own [`Address`]. `docs/event-log.md` has the byte tables.
//!
//! It does not decide what is committed (egress does) nor what is kept (see [`remove_files_below`]).

mod block;
mod block_file;
mod cursor;
mod disk;
mod error;
mod files;
mod hash;
mod index;
mod reader;
mod resume;
mod scan;
mod session_stream;
pub mod simulated;
mod writer;

pub use cursor::Cursor;
pub use disk::EventDisk;
pub use error::{Damage, EventLogError};
pub use files::{StoredFile, remove_files_below, stored_files};
pub use hash::RunningHash;
pub use index::{INDEX_ENTRIES_MAX, INDEX_EVERY, SessionIndex, day_started_before};
pub use reader::EventLogReader;
pub use resume::{Regenerated, Resume};
pub use scan::Tail;
pub use session_stream::{SessionReport, SessionStream};
pub use writer::{EventLogWriter, SyncedPoint};

use engine::event::EventRecord;
use engine::number::Sequence;
use std::path::PathBuf;

/// Where an event is in the total order: its command, and its place among the command's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The command.
    pub sequence: Sequence,
    /// Place among the command's events, from 0.
    pub ordinal: u32,
}

impl Address {
    /// Before every event.
    pub const START: Self = Self { sequence: Sequence(0), ordinal: 0 };

    /// The address of `event`.
    #[must_use]
    pub const fn of(event: &EventRecord) -> Self {
        Self { sequence: event.sequence(), ordinal: event.ordinal() }
    }

    /// The lowest address above this one: where a reader that has taken this event goes on.
    #[must_use]
    pub const fn after(self) -> Self {
        match self.ordinal.checked_add(1) {
            Some(ordinal) => Self { sequence: self.sequence, ordinal },
            None => Self { sequence: self.sequence.next(), ordinal: 0 },
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.sequence, self.ordinal)
    }
}

/// Where an event is stored. Valid until its file is removed; an [`Address`] is valid for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file, by the address it begins with.
    pub file: Address,
    /// Byte offset of the event's block in the file.
    pub offset: u32,
    /// Place of the event in its block, from 0.
    pub event: u32,
}

/// How the log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLogOptions {
    /// Where the files are; made if missing.
    pub folder: PathBuf,
    /// A file that would grow past this is closed and another one begun. From one block to 1 GiB.
    pub file_bytes_max: u32,
    /// Largest block, header included. From 4 KiB to 4 MiB.
    pub block_bytes_max: u32,
    /// An event waits at most this long in a block that is not full before `poll` hands it over, and where
    /// somebody listens a tenth of it without another event.
    pub block_age_ns_max: u64,
    /// What was written is synced at the latest after this time.
    pub sync_ns_max: u64,
    /// Blocks that may wait for the writer thread; at the bound [`EventLogWriter::has_room`] is false.
    pub queue_blocks_max: usize,
}

impl EventLogOptions {
    /// The defaults: files of 256 MiB, blocks of 256 KiB handed over after 1 ms, synced every second,
    /// 32 blocks in the queue (8 MiB of memory in all).
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            file_bytes_max: 256 << 20,
            block_bytes_max: 256 << 10,
            block_age_ns_max: 1_000_000,
            sync_ns_max: 1_000_000_000,
            queue_blocks_max: 32,
        }
    }

    fn check(&self) -> Result<(), EventLogError> {
        let within = |setting, value: u64, min: u64, max: u64| {
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(EventLogError::Option { setting, value, min, max })
            }
        };
        let block = u64::from(self.block_bytes_max);
        within("block_bytes_max", block, 4 << 10, u64::from(block::BLOCK_BYTES_LIMIT))?;
        within("file_bytes_max", u64::from(self.file_bytes_max), block, 1 << 30)?;
        within("queue_blocks_max", self.queue_blocks_max as u64, 1, 1 << 12)
    }
}
