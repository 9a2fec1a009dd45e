//! What may be removed, and who holds the rest.

use crate::data_folder;
use crate::failure::Failure;
use engine::number::Sequence;
use journal::event_log::{self, Address, Cursor, StoredFile, day_started_before};
use journal::snapshot::{self, Mark, Snapshot};
use std::path::Path;

/// Snapshots that are kept: the newest, and one before it in case that one is damaged.
const SNAPSHOTS_KEPT: usize = 2;

/// Who needs events, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) from: Address,
}

/// What is needed, and so what may go.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The snapshots that are there and have a sound header, the oldest first.
    pub(crate) snapshots: Vec<Mark>,
    /// The oldest one that is kept; nothing may go where there is none.
    pub(crate) base: Option<Mark>,
    /// Who needs events.
    pub(crate) holders: Vec<Holder>,
    /// Files of the event log whose events all lie below this may go.
    pub(crate) events_below: Address,
    /// Holders that the event log's cap takes events from.
    pub(crate) overruled: Vec<Holder>,
}

/// Bounds of what is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The last event that survives a power cut.
    pub(crate) synced: Address,
    /// Beyond this many bytes of event log nobody but a snapshot holds any.
    pub(crate) event_log_bytes_max: u64,
}

impl Plan {
    /// What may go from `data`. `adapters` need events from the log's begin on where they have no cursor yet.
    ///
    /// # Errors
    /// A folder cannot be listed, or an index of the event log not be read.
    pub(crate) fn new(data: &Path, adapters: &[String], bounds: Bounds) -> Result<Self, Failure> {
        let folder = data_folder::snapshots(data);
        let marks = snapshot::list(&folder)?.into_iter();
        let snapshots: Vec<Mark> =
            marks.filter_map(|sequence| snapshot::read_mark(&folder, sequence).ok()).collect();
        let kept_from = snapshots.len().saturating_sub(SNAPSHOTS_KEPT);
        let enough = snapshots.len() >= SNAPSHOTS_KEPT;
        // After a power cut the event log may end at `synced`: a snapshot at or below it must be there.
        let candidates = snapshots.iter().take(if enough { kept_from + 1 } else { 0 });
        let base = candidates.rev().find(|mark| mark.last_event <= bounds.synced).copied();
        let events = data_folder::event_log(data);
        let files = if events.is_dir() { event_log::stored_files(&events)? } else { Vec::new() };
        let mut holders = cursors(data, adapters)?;
        holders.push(Holder { name: "trading day".to_owned(), from: bounds.synced });
        for holder in &mut holders {
            // A reader first learns the instruments, which are told again as a day begins.
            let day = if files.is_empty() { None } else { day_started_before(&events, holder.from)? };
            holder.from = day.map_or(Address::START, |position| position.file);
        }
        let snapshot = base.map_or(Address::START, |mark| mark.last_event);
        let needed = holders.iter().map(|holder| holder.from).chain([snapshot]).min().unwrap_or_default();
        let events_below = cap(&files, needed, snapshot, bounds.event_log_bytes_max);
        let overruled = holders.iter().filter(|holder| holder.from < events_below).cloned().collect();
        holders.push(Holder { name: "snapshot".to_owned(), from: snapshot });
        Ok(Self { snapshots, base, holders, events_below, overruled })
    }

    /// Removes what may go; tells what went. The snapshots that are kept are read whole before.
    ///
    /// # Errors
    /// A kept snapshot is damaged, or a file cannot be removed.
    pub(crate) fn carry_out(&self, data: &Path) -> Result<Removed, Failure> {
        let mut removed = Removed::default();
        let Some(base) = self.base else { return Ok(removed) };
        let (folder, journal) = (data_folder::snapshots(data), data_folder::journal(data));
        let old: Vec<Sequence> = self.snapshots.iter().map(|mark| mark.sequence).collect();
        let (old, kept) = old.split_at(old.partition_point(|&sequence| sequence < base.sequence));
        let segments = journal::first_segment(&journal)?.is_some_and(|first| first < base.journal.segment);
        if !old.is_empty() || segments {
            for &sequence in kept {
                Snapshot::read(&folder, sequence)?;
            }
        }
        for &sequence in old {
            snapshot::remove(&folder, sequence)?;
            removed.snapshots += 1;
        }
        removed.segments = journal::remove_segments_below(&journal, base.journal.segment)?;
        let events = data_folder::event_log(data);
        removed.event_files = event_log::remove_files_below(&events, self.events_below)?;
        Ok(removed)
    }
}

/// How much was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) snapshots: usize,
    pub(crate) segments: usize,
    pub(crate) event_files: usize,
}

/// From where on events are kept so that their files are at most `bytes_max`, or all that a snapshot needs.
fn cap(files: &[StoredFile], needed: Address, snapshot: Address, bytes_max: u64) -> Address {
    let total: u64 = files.iter().map(|file| file.bytes).sum();
    let mut over = total.saturating_sub(bytes_max);
    let mut below = needed;
    for pair in files.windows(2) {
        let (file, next) = (pair[0], pair[1].first);
        if next > snapshot {
            break;
        }
        // What nobody needs goes in any case; beyond it, files go while there are too many bytes.
        if next > needed && over == 0 {
            break;
        }
        over = over.saturating_sub(file.bytes);
        below = below.max(next);
    }
    below.min(snapshot)
}

fn cursors(data: &Path, adapters: &[String]) -> Result<Vec<Holder>, Failure> {
    let folder = data_folder::cursors(data);
    let mut holders = Vec::new();
    let mut names: Vec<String> = adapters.to_vec();
    if let Ok(entries) = std::fs::read_dir(&folder) {
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // A cursor that is being replaced: the file itself is there beside it.
            if Path::new(&name).extension().is_none_or(|extension| extension != "new") {
                names.push(name);
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    for name in names {
        // One that cannot be read holds all: it is told where its adapter starts.
        let from = Cursor::open(&folder.join(&name)).map_or(Address::START, |cursor| cursor.done());
        holders.push(Holder { name: format!("adapter {name}"), from });
    }
    Ok(holders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sequence: u64) -> Address {
        Address { sequence: Sequence(sequence), ordinal: 0 }
    }

    #[test]
    fn the_cap_takes_whole_files_and_leaves_what_a_snapshot_needs() {
        let files: Vec<StoredFile> =
            [1, 100, 200, 300].map(|first| StoredFile { first: at(first), bytes: 10 }).to_vec();
        assert_eq!(cap(&files, at(1), at(250), 40), at(1), "all fits");
        assert_eq!(cap(&files, at(1), at(250), 30), at(100), "one file too many");
        assert_eq!(cap(&files, at(1), at(250), 1), at(200), "a snapshot needs the file before 300");
        assert_eq!(cap(&files, at(150), at(250), 40), at(150), "what nobody needs");
        assert_eq!(cap(&files, at(350), at(350), 40), at(350));
        assert_eq!(cap(&[], at(1), at(1), 0), at(1));
    }
}
