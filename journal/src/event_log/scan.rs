//! What a writer finds when it opens a log: where it ends, and what has to be cut or made again.

use super::block::{Chain, KIND_SEAL, walk};
use super::block_file::{BlockFile, Next};
use super::index::{self, Stored};
use super::{Address, Damage, EventLogError, RunningHash, files};
use std::fs::OpenOptions;
use std::path::Path;

/// Where a log ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The last event; [`Address::START`] where there is none.
    pub end: Address,
    /// Events since the log began, removed ones included.
    pub events: u64,
    /// The running hash after the last event.
    pub hash: RunningHash,
    /// Bytes behind the last whole block that were cut: what a crash had left half-written, or what was
    /// damaged in the last file. Recovery makes them again.
    pub cut_bytes: u64,
    /// Indexes that were missing or damaged, and have been made again.
    pub indexes_rebuilt: usize,
}

/// The last file, open for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastFile {
    pub(super) first: Address,
    /// Its size in bytes.
    pub(super) size: u32,
    /// Entries of its index, the head included.
    pub(super) index_entries: u32,
}

struct Scanned {
    /// Where its whole blocks end.
    size: u64,
    /// After the last of them; `None` if there is none.
    chain: Option<Chain>,
    sealed: bool,
    entries: Vec<Stored>,
    damage: Option<Damage>,
}

/// Finds the end of the log, cuts what lies behind it and makes indexes again that need it. The last
/// file is yielded unless it is complete.
pub(super) fn recover(folder: &Path) -> Result<(Tail, Option<LastFile>), EventLogError> {
    let mut tail = Tail::default();
    let mut files = files::list(folder)?;
    while let Some(first) = files.pop() {
        let scanned = scan(folder, first)?;
        let Some(chain) = scanned.chain else {
            // Begun and nothing in it survived: the file before it is the last one.
            tail.cut_bytes += length(folder, first)?;
            files::remove(&files::events_path(folder, first))?;
            files::remove(&files::index_path(folder, first))?;
            files::sync_folder(folder)?;
            continue;
        };
        tail.cut_bytes += cut(folder, first, scanned.size)?;
        tail.end = chain.last;
        tail.events = chain.events;
        tail.hash = chain.hash;
        tail.indexes_rebuilt += write_index(folder, first, &scanned)?;
        for &closed in &files {
            tail.indexes_rebuilt += check_closed(folder, closed)?;
        }
        let last = LastFile {
            first,
            size: u32::try_from(scanned.size).expect("scan stops before"),
            index_entries: u32::try_from(scanned.entries.len() + 1).expect("fewer than bytes in the file"),
        };
        return Ok((tail, (!scanned.sealed).then_some(last)));
    }
    Ok((tail, None))
}

fn scan(folder: &Path, first: Address) -> Result<Scanned, EventLogError> {
    let mut file = BlockFile::open(folder, first)?;
    let mut scanned = Scanned { size: 0, chain: None, sealed: false, entries: Vec::new(), damage: None };
    while !scanned.sealed {
        let offset = file.offset();
        let header = match file.next()? {
            Next::Block(header) => header,
            Next::End => break,
            Next::Torn => {
                scanned.damage = Some(Damage::Unsealed);
                break;
            }
            Next::Bad { damage, .. } => {
                scanned.damage = Some(damage);
                break;
            }
        };
        let before = header.before();
        if scanned.chain.is_some_and(|chain| chain != before) {
            scanned.damage = Some(Damage::Chain);
            break;
        }
        // A file never grows beyond this: such a one is none of ours.
        let (Ok(block_offset), Ok(_)) = (u32::try_from(offset), u32::try_from(file.offset())) else {
            scanned.damage = Some(Damage::Header);
            break;
        };
        let held = scanned.entries.len();
        let entries = &mut scanned.entries;
        let walked = walk(file.packed(), before, |event| entries.extend(Stored::of(event, block_offset)));
        if walked != Ok(header.after()) {
            scanned.entries.truncate(held);
            scanned.damage = Some(Damage::Events);
            break;
        }
        scanned.sealed = header.kind == KIND_SEAL;
        scanned.chain = Some(header.after());
        scanned.size = file.offset();
    }
    Ok(scanned)
}

/// A file that others follow was synced whole: only its index may have to be made again.
fn check_closed(folder: &Path, first: Address) -> Result<usize, EventLogError> {
    if index::is_complete(folder, first) {
        return Ok(0);
    }
    let scanned = scan(folder, first)?;
    if !scanned.sealed {
        let damage = scanned.damage.unwrap_or(Damage::Unsealed);
        let path = files::events_path(folder, first);
        return Err(EventLogError::Damaged { path, offset: scanned.size, damage });
    }
    write_index(folder, first, &scanned)
}

/// Makes the index what it must be; tells whether it was not.
fn write_index(folder: &Path, first: Address, scanned: &Scanned) -> Result<usize, EventLogError> {
    let path = files::index_path(folder, first);
    let bytes = index::encode(&scanned.entries, scanned.sealed);
    if std::fs::read(&path).is_ok_and(|stored| stored == bytes) {
        return Ok(0);
    }
    files::replace(&path, &bytes)?;
    Ok(1)
}

fn length(folder: &Path, first: Address) -> Result<u64, EventLogError> {
    let path = files::events_path(folder, first);
    std::fs::metadata(&path)
        .map(|metadata| metadata.len())
        .map_err(|source| EventLogError::io("read", &path, source))
}

fn cut(folder: &Path, first: Address, size: u64) -> Result<u64, EventLogError> {
    let behind = length(folder, first)?.saturating_sub(size);
    if behind > 0 {
        let path = files::events_path(folder, first);
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| {
                file.set_len(size)?;
                file.sync_all()
            })
            .map_err(|source| EventLogError::io("cut", &path, source))?;
    }
    Ok(behind)
}
