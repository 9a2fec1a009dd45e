//! Old segments go. They are removed, not renamed for another use: a new one is filled with zeros in any case,
//! so an old file would save nothing and could be misread.

use crate::disk::{Segment, SegmentFiles, Segments};
use crate::error::{Action, JournalError};
use std::path::Path;

/// Removes the segments of the journal in `folder` whose generation is below `generation`, and tells how many.
/// The caller has a snapshot that covers them. From the oldest on, so that what is left has no gap, wherever
/// it is broken off.
///
/// # Errors
/// The folder cannot be listed, or a file not be removed.
pub fn remove_segments_below(folder: &Path, generation: u64) -> Result<usize, JournalError> {
    let mut files = SegmentFiles::new(folder);
    let mut removed = 0;
    for segment in files.list()?.iter().take_while(|segment| segment.generation < generation) {
        let file = files.path(segment.generation);
        std::fs::remove_file(&file).map_err(|source| JournalError::Io {
            action: Action::Remove,
            file,
            source,
        })?;
        removed += 1;
    }
    if removed > 0 {
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| JournalError::Io {
            action: Action::Sync,
            file: folder.to_owned(),
            source,
        })?;
    }
    Ok(removed)
}

/// The oldest segment of the journal in `folder`; `None` where there is none, or no folder.
///
/// # Errors
/// The folder cannot be listed.
pub fn first_segment(folder: &Path) -> Result<Option<u64>, JournalError> {
    Ok(stored_segments(folder)?.first().map(|segment| segment.generation))
}

/// The segments of the journal in `folder`, the oldest first; the last one or two may hold nothing yet.
///
/// # Errors
/// The folder cannot be listed.
pub fn stored_segments(folder: &Path) -> Result<Vec<Segment>, JournalError> {
    if folder.is_dir() { SegmentFiles::new(folder).list() } else { Ok(Vec::new()) }
}
