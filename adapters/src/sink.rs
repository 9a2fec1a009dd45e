//! What a stage delivers to.

use engine::event::EventRecord;
use journal::event_log::Address;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Some events in order, ready for delivery.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The events; at least one.
    pub events: &'a [EventRecord],
    /// Each event as a JSON object on a line of its own, in the same order.
    pub lines: &'a str,
}

/// Takes batches of events somewhere. Called from one thread, which it may block, but not for ever:
/// what cannot be done within about a second is [`SinkError::Busy`] and will be asked again.
pub trait Sink: Send {
    /// Gets ready, and tells the last event that is already there: delivery begins behind it. `None`
    /// where the sink cannot tell or has nothing: then the stage's cursor decides. Called again after
    /// an error until it succeeds.
    ///
    /// # Errors
    /// It cannot be reached, or what is there is not ours.
    fn resume(&mut self) -> Result<Option<Address>, SinkError>;

    /// Delivers a batch whole. After an error the same batch comes again, with the same bytes.
    ///
    /// # Errors
    /// It was not delivered whole.
    fn deliver(&mut self, batch: &Batch<'_>) -> Result<(), SinkError>;

    /// Makes durable what was delivered: the stage's cursor moves only afterwards.
    ///
    /// # Errors
    /// It may not be durable.
    fn sync(&mut self) -> Result<(), SinkError>;
}

/// Why a sink did not take a batch.
#[derive(Clone, Debug)]
pub enum SinkError {
    /// Whoever reads there is slow or absent.
    Busy {
        /// Where.
        path: PathBuf,
    },
    /// The system refused.
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// What was written may be lost: a failed sync is never tried again, since the second try can succeed
    /// without the bytes.
    Unsynced {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// What is there was not written by this sink; trying again will not help.
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

impl SinkError {
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { operation, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Whether trying again can help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Io { .. } => true,
            Self::Unsynced { .. } | Self::Foreign { .. } => false,
        }
    }
}

impl std::fmt::Display for SinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy { path } => write!(f, "nobody reads {} fast enough; waiting for room", path.display()),
            Self::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}; trying again", path.display())
            }
            Self::Unsynced { path, source } => write!(
                f,
                "cannot sync {}: {source}; check the disk and its last lines, then start again",
                path.display()
            ),
            Self::Foreign { path } => write!(
                f,
                "the last line of {} is not an event of ours; name another file, or move this one away",
                path.display()
            ),
        }
    }
}

impl std::error::Error for SinkError {}
