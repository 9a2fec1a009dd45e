//! Names and lists of a log's files.

use super::{Address, EventLogError};
use engine::number::Sequence;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const EVENTS: &str = "events";
const INDEX: &str = "index";

fn path(folder: &Path, first: Address, extension: &str) -> PathBuf {
    folder.join(format!("{:020}-{:010}.{extension}", first.sequence.0, first.ordinal))
}

/// The file of events that begins with `first`.
pub(super) fn events_path(folder: &Path, first: Address) -> PathBuf {
    path(folder, first, EVENTS)
}

/// The index of the file of events that begins with `first`.
pub(super) fn index_path(folder: &Path, first: Address) -> PathBuf {
    path(folder, first, INDEX)
}

fn first_of(path: &Path, extension: &str) -> Option<Address> {
    if path.extension()? != extension {
        return None;
    }
    let (sequence, ordinal) = path.file_stem()?.to_str()?.split_once('-')?;
    Some(Address { sequence: Sequence(sequence.parse().ok()?), ordinal: ordinal.parse().ok()? })
}

/// The files of events in `folder`, each by the address it begins with, in order. Other names are
/// left alone.
pub(super) fn list(folder: &Path) -> Result<Vec<Address>, EventLogError> {
    let read = |source| EventLogError::io("list", folder, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        found.extend(first_of(&entry.map_err(read)?.path(), EVENTS));
    }
    found.sort_unstable();
    Ok(found)
}

/// A file of events that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The address it begins with.
    pub first: Address,
    /// Its size in bytes, and that of its index.
    pub bytes: u64,
}

/// The files of events in `folder`, the oldest first.
///
/// # Errors
/// The folder cannot be listed.
pub fn stored_files(folder: &Path) -> Result<Vec<StoredFile>, EventLogError> {
    let length = |path: PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let stored = |first| StoredFile {
        first,
        bytes: length(events_path(folder, first)) + length(index_path(folder, first)),
    };
    Ok(list(folder)?.into_iter().map(stored).collect())
}

/// Makes the names in `folder` durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), EventLogError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| EventLogError::io("sync", folder, source))
}

/// Puts `bytes` at `path` whole or not at all, durably.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), EventLogError> {
    use std::io::Write as _;
    let temporary = path.with_extension("new");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| EventLogError::io("write", &temporary, source))?;
    fs::rename(&temporary, path).map_err(|source| EventLogError::io("rename", &temporary, source))?;
    path.parent().map_or(Ok(()), sync_folder)
}

pub(super) fn remove(path: &Path) -> Result<(), EventLogError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(EventLogError::io("remove", path, source))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes the files all of whose events lie below `keep_from`, with their indexes, and tells how many.
/// The last file always stays. Readers that have one open read it to its end.
///
/// # Errors
/// The folder cannot be listed or a file not removed.
pub fn remove_files_below(folder: &Path, keep_from: Address) -> Result<usize, EventLogError> {
    let files = list(folder)?;
    let below = files.iter().skip(1).take_while(|&&next| next <= keep_from).count();
    for &first in &files[..below] {
        remove(&events_path(folder, first))?;
        remove(&index_path(folder, first))?;
    }
    Ok(below)
}
