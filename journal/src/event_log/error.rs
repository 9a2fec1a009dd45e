//! What can be wrong with an event log, and what to do about it.

use super::Address;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is wrong with the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// No block begins here.
    Magic,
    /// A block of a version that this build does not know.
    Version(u16),
    /// The header contradicts itself.
    Header,
    /// The checksum is not that of the bytes.
    Checksum,
    /// The packed events are not what the header says.
    Events,
    /// The block does not go on from the block before it.
    Chain,
    /// The file ends without its closing block although another file follows.
    Unsealed,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Magic => f.write_str("no block begins here"),
            Self::Version(version) => write!(f, "block of version {version}, which this build cannot read"),
            Self::Header => f.write_str("the block's header contradicts itself"),
            Self::Checksum => f.write_str("the block's checksum does not match its bytes"),
            Self::Events => f.write_str("the block's events do not match its header"),
            Self::Chain => f.write_str("the block does not go on from the one before it"),
            Self::Unsealed => f.write_str("the file ends without its closing block"),
        }
    }
}

/// Why the event log cannot be opened, read or written.
#[derive(Clone, Debug)]
pub enum EventLogError {
    /// The system refused.
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// A setting is outside its bounds.
    Option {
        /// Its name.
        setting: &'static str,
        /// What it is.
        value: u64,
        /// The least it may be.
        min: u64,
        /// The most it may be.
        max: u64,
    },
    /// Bytes of the log are not what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the block begins.
        offset: u64,
        /// What is wrong.
        damage: Damage,
    },
    /// An event was appended that does not come after the last one.
    Order {
        /// The last event.
        last: Address,
        /// What was appended.
        found: Address,
    },
    /// An event was appended although there was no room.
    NoRoom {
        /// Which.
        address: Address,
    },
    /// The writer thread is gone and did not say why.
    WriterGone,
    /// The disk did not finish by the deadline of a close.
    Stalled,
    /// Recovery made another event than the log holds.
    Diverged {
        /// Where they part.
        address: Address,
        /// The address of the event that recovery made.
        regenerated: Address,
        /// The address of the event that the log holds.
        stored: Address,
    },
    /// The log holds events that recovery did not make.
    Ahead {
        /// The first of them.
        first: Address,
        /// The last of them.
        end: Address,
    },
    /// A cursor's file is not what was written.
    Cursor {
        /// The file.
        path: PathBuf,
    },
    /// An index file is not what was written, and there is no writer to make it again.
    Index {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
    /// What is asked for lies in a file that was removed.
    Removed {
        /// The address that the file began with, or the first one that is still there.
        file: Address,
    },
}

impl EventLogError {
    pub(super) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { operation, path: path.to_owned(), source: Arc::new(source) }
    }
}

impl std::fmt::Display for EventLogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { operation, path, source } => {
                write!(f, "event log: cannot {operation} {}: {source}{}", path.display(), advice(source))
            }
            Self::Option { setting, value, min, max } => {
                write!(f, "event log: {setting} is {value}; set it between {min} and {max}")
            }
            Self::Damaged { path, offset, damage } => write!(
                f,
                "event log: {} at byte {offset}: {damage}; stop the node, move this file and all later \
                 .events files away and start it: they are made again from the journal",
                path.display()
            ),
            Self::Order { last, found } => {
                write!(f, "event log: event {found} was appended after {last}: the order is broken, stop")
            }
            Self::NoRoom { address } => {
                write!(f, "event log: event {address} was appended without room; ask has_room first")
            }
            Self::WriterGone => f.write_str("event log: the writer thread has ended unexpectedly; restart"),
            Self::Stalled => f.write_str(
                "event log: the disk did not finish the last writes in time; the next start makes the missing events again",
            ),
            Self::Diverged { address, regenerated, stored } => write!(
                f,
                "event log: at {address} the journal yields another event than is stored (regenerated \
                 {regenerated}, stored {stored}); do not go on: compare this build and journal with another node"
            ),
            Self::Ahead { first, end } => write!(
                f,
                "event log: events {first} to {end} are stored but the journal does not yield them; the \
                 journal has lost its end or belongs to another log. Copy the folder, then put the whole journal \
                 back. Where there is none, what these events told is lost: only then move the folder of the \
                 event log away, and the market goes on from the journal's end"
            ),
            Self::Cursor { path } => write!(
                f,
                "cursor {} is damaged; restore it, or delete it to read again from the start of the log",
                path.display()
            ),
            Self::Index { path, offset } => write!(
                f,
                "event log: index {} is damaged at byte {offset}; start the node, or delete the file and \
                 start it: the index is made again",
                path.display()
            ),
            Self::Removed { file } => {
                write!(
                    f,
                    "event log: what is asked for was removed with its file (at {file}): ask for later events"
                )
            }
        }
    }
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the disk is full: free space or move the data folder to a larger disk, then start again \
             (nothing is lost: the journal makes the events again)"
        }
        io::ErrorKind::PermissionDenied => "; give this user read and write access to the data folder",
        _ => {
            "; check the disk (the kernel log names the fault), then start again: the journal makes the events again"
        }
    }
}

impl std::error::Error for EventLogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Option { .. }
            | Self::Damaged { .. }
            | Self::Order { .. }
            | Self::NoRoom { .. }
            | Self::WriterGone
            | Self::Stalled
            | Self::Diverged { .. }
            | Self::Ahead { .. }
            | Self::Cursor { .. }
            | Self::Index { .. }
            | Self::Removed { .. } => None,
        }
    }
}
