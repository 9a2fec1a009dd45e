//! Old segments go. They are removed, not renamed for another use: a new one is filled with zeros in any case,
//! so an old file would save nothing and could be misread.

use crate::disk::{SegmentFiles, Segments};
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
        synced.map_err(|source| JournalError::Io { action: Action::Sync, file: folder.to_owned(), source })?;
    }
    Ok(removed)
}
