use crate::options::OptionsFault;
use crate::record::Malformed;
use std::io;
use std::path::PathBuf;

/// What was being done when the system said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Making the folder.
    MakeFolder,
    /// Listing the folder.
    List,
    /// Opening a segment.
    Open,
    /// Reading a segment.
    Read,
    /// Writing a record.
    Write,
    /// Making a segment ahead of its use.
    Prepare,
    /// Overwriting a torn tail.
    Cut,
    /// Making durable what was read.
    Sync,
    /// Setting up io_uring.
    SetUp,
    /// Removing a segment that a snapshot covers.
    Remove,
}

/// A journal cannot be opened, or cannot go on. After an error from [`poll`](crate::Journal::poll) the
/// process has to end: what the disk holds is known only to a new start.
#[derive(Debug)]
pub enum JournalError {
    /// The options cannot be used.
    Options(OptionsFault),
    /// The system refused something.
    Io {
        /// What.
        action: Action,
        /// On which file or folder.
        file: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// The disk took a part of a write only.
    ShortWrite {
        /// The segment.
        file: PathBuf,
        /// Where the write began, in bytes.
        offset: u64,
        /// Bytes that were to be written.
        expected: u64,
        /// Bytes that were.
        written: u64,
    },
    /// Bytes that were durable have changed: no torn write can explain it.
    Damaged {
        /// The segment.
        file: PathBuf,
        /// First damaged byte.
        from: u64,
        /// Where intact records begin again, or the segment's end.
        to: u64,
        /// Index of the first entry that is lost.
        index: u64,
        /// Highest index that a later record vouches for.
        vouched: u64,
    },
    /// A segment between two others, or the first, is not there.
    MissingSegment {
        /// Its file.
        file: PathBuf,
    },
    /// A segment has not the size that its records tell, or none that a segment can have.
    SegmentSize {
        /// The segment.
        file: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The size that it had, where a record tells.
        expected: Option<u64>,
    },
    /// The journal belongs to another cluster or node.
    Owner {
        /// The segment.
        file: PathBuf,
        /// Cluster and node of the records.
        found: (u64, u64),
        /// Cluster and node of the options.
        expected: (u64, u64),
    },
    /// A record of a later format.
    Version {
        /// The segment.
        file: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// The version found.
        version: u16,
    },
    /// A record whose checksum is right says what cannot be.
    Malformed {
        /// The segment.
        file: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// What.
        fault: Malformed,
    },
    /// The disk did not finish within [`DISK_WAIT_MAX`](crate::DISK_WAIT_MAX), or by the deadline of a close.
    Stalled,
    /// An earlier call returned the error that ended this journal.
    Ended,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MakeFolder => "make the journal's folder",
            Self::List => "list the journal's folder",
            Self::Open => "open a journal segment",
            Self::Read => "read a journal segment",
            Self::Write => "write to the journal",
            Self::Prepare => "prepare the next journal segment",
            Self::Cut => "overwrite the journal's torn tail",
            Self::Sync => "sync the journal",
            Self::SetUp => "set up io_uring for the journal",
            Self::Remove => "remove an old journal segment",
        })
    }
}

impl std::fmt::Display for JournalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Options(fault) => write!(f, "the journal's options cannot be used: {fault}"),
            Self::Io { action, file, source } => {
                write!(f, "cannot {action}: {}: {source}{}", file.display(), advice(*action, source))
            }
            Self::ShortWrite { file, offset, expected, written } => write!(
                f,
                "{}: only {written} of {expected} bytes were written at byte {offset}; \
                 look for a full or failing disk, then start again",
                file.display()
            ),
            Self::Damaged { file, from, to, index, vouched } => write!(
                f,
                "{}: bytes {from} to {to} are damaged: the log up to entry {vouched} was durable, entry {index} \
                 cannot be read. Nothing was changed. Keep a copy of the folder, restore this file from a backup \
                 or another node, and start again",
                file.display()
            ),
            Self::MissingSegment { file } => write!(
                f,
                "{} is missing. Nothing was changed. Put it back from a backup, and start again",
                file.display()
            ),
            Self::SegmentSize { file, found, expected } => {
                write!(f, "{} has {found} bytes", file.display())?;
                if let Some(expected) = expected {
                    write!(f, " where it had {expected}")?;
                }
                f.write_str(
                    ": it was cut or is no segment. Nothing was changed. Restore it from a backup, and start again",
                )
            }
            Self::Owner { file, found, expected } => write!(
                f,
                "{} belongs to cluster {} node {}, the configuration says cluster {} node {}; \
                 use the folder of this node, or correct the configuration",
                file.display(),
                found.0,
                found.1,
                expected.0,
                expected.1
            ),
            Self::Version { file, offset, version } => write!(
                f,
                "{}: the record at byte {offset} has format {version}, this version reads format {}; \
                 start the version that wrote it, or a later one",
                file.display(),
                crate::record::FORMAT_VERSION
            ),
            Self::Malformed { file, offset, fault } => write!(
                f,
                "{}: the record at byte {offset} has a right checksum, but {fault}; \
                 start the version that wrote it, and report this",
                file.display()
            ),
            Self::Stalled => f.write_str(
                "the disk did not finish the last writes in time; what was acknowledged is durable all the same",
            ),
            Self::Ended => f.write_str("the journal has ended with an earlier error; start the process again"),
        }
    }
}

fn advice(action: Action, source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the disk is full: free space or move the data folder to a larger disk, then start again \
             (nothing acknowledged is lost)"
        }
        io::ErrorKind::WouldBlock => "; another process still writes it: end that one first",
        io::ErrorKind::PermissionDenied => "; give this user read and write access to the data folder",
        _ => match action {
            Action::Write | Action::Sync | Action::Cut | Action::Prepare => {
                "; check the disk (the kernel log names the fault) before the next start; it is never retried"
            }
            Action::MakeFolder
            | Action::List
            | Action::Open
            | Action::Read
            | Action::SetUp
            | Action::Remove => "",
        },
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Options(_)
            | Self::ShortWrite { .. }
            | Self::Damaged { .. }
            | Self::MissingSegment { .. }
            | Self::SegmentSize { .. }
            | Self::Owner { .. }
            | Self::Version { .. }
            | Self::Malformed { .. }
            | Self::Stalled
            | Self::Ended => None,
        }
    }
}
