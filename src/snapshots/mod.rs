//! Snapshots: made by replay, started from, kept as long as they are needed.
//!
//! ```text
//! snapshot before it ─┐
//! journal, committed ─┴─> make: the code of recovery ──> snapshots/N.snapshot ──> start, replay, inspect
//!                                                              │
//! keeper: makes one when the journal has grown, removes what nobody needs any more
//! ```
//!
//! The running market is never read. Nothing uncommitted can come into a snapshot, and two makers give the same
//! bytes (docs/decisions/0007-snapshots.md).

pub(crate) mod backup;
pub(crate) mod keeper;
pub(crate) mod make;
mod market;
pub(crate) mod retention;

pub(crate) use market::Market;

use crate::data_folder;
use crate::failure::Failure;
use engine::limits::Limits;
use journal::disk::{SegmentFiles, Segments};
use journal::event_log::Address;
use journal::snapshot::{self, Mark, Snapshot};
use std::path::Path;

/// A market as a snapshot had it.
pub(crate) struct Loaded {
    pub(crate) mark: Mark,
    pub(crate) market: Market,
}

/// The newest snapshot that can be used and whose mark `fits`. A damaged one is told, and an older one taken.
///
/// # Errors
/// The folder cannot be listed.
pub(crate) fn newest(
    data: &Path,
    limits: &Limits,
    fits: impl Fn(&Mark) -> bool,
) -> Result<Option<Loaded>, Failure> {
    let folder = data_folder::snapshots(data);
    for &sequence in snapshot::list(&folder)?.iter().rev() {
        let loaded = snapshot::read_mark(&folder, sequence).map_err(Failure::from).and_then(|mark| {
            if !fits(&mark) {
                return Ok(None);
            }
            let snapshot = Snapshot::read(&folder, sequence)?;
            Ok(Some(Loaded { mark, market: Market::decode(&snapshot, limits)? }))
        });
        match loaded {
            Ok(Some(loaded)) => return Ok(Some(loaded)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a snapshot cannot be used; an older one is taken"),
        }
    }
    Ok(None)
}

/// The oldest snapshot that can be used: what the journal of a folder can be followed from.
///
/// # Errors
/// The folder cannot be listed.
pub(crate) fn oldest(data: &Path, limits: &Limits) -> Result<Option<Loaded>, Failure> {
    let folder = data_folder::snapshots(data);
    for sequence in snapshot::list(&folder)? {
        let found = newest(data, limits, |mark| mark.sequence == sequence)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// That the journal goes back to its first command: what a start without a snapshot needs.
///
/// # Errors
/// Its begin was removed, and no snapshot that covers it can be used.
pub(crate) fn check_whole(data: &Path, log_end: Option<Address>) -> Result<(), Failure> {
    let folder = data_folder::journal(data);
    let first = journal::first_segment(&folder)?.unwrap_or(1);
    if first == 1 {
        return Ok(());
    }
    let behind = log_end.map_or_else(String::new, |end| {
        format!(" at or below the end of the event log ({end}), which makes nothing again from before one")
    });
    Err(Failure::new(format!(
        "{}: missing; the journal begins with segment {first}, and no snapshot in {} can be used{behind}. Nothing was \
         changed. Restore what is missing, or snapshots/ and events/, from a backup of this folder, and start again",
        SegmentFiles::new(&folder).path(first - 1).display(),
        data_folder::snapshots(data).display()
    )))
}
