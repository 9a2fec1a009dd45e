//! The sparse index: where each session's numbered reports are, and where the day began.
//!
//! Beside each file of events stands an index with one entry for every report whose number is
//! 1, 65, 129 …, and one for each DayStarted. The writer thread puts a block's entries there before the
//! block, so that whoever has seen an event finds its entry. The rule needs no memory, hence an index
//! that is made again from the events equals the one that was kept.

use super::{Address, EventLogError, Position, files};
use bytemuck::{Pod, Zeroable};
use engine::event::{EventKind, EventRecord};
use engine::number::{ReportNumber, Sequence, SessionId};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// One report in this many has an entry.
pub const INDEX_EVERY: u32 = 64;
/// Entries that a [`SessionIndex`] holds in memory, 24 bytes each. Beyond, every second one of each
/// session is forgotten: finding then reads up to twice as far.
pub const INDEX_ENTRIES_MAX: usize = 1 << 20;

/// "REVI" in a hex dump.
const MAGIC: u32 = 0x4956_4552;
const VERSION: u32 = 1;

const KIND_HEAD: u32 = 0;
const KIND_REPORT: u32 = 1;
const KIND_DAY: u32 = 2;
const KIND_SEAL: u32 = 3;

/// As in the table of docs/event-log.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Stored {
    checksum: u32,
    kind: u32,
    /// Head: the magic number. Report: the session. Otherwise 0.
    key: u32,
    /// Head: the version. Report: its number. Seal: entries before it. Otherwise 0.
    number: u32,
    ordinal: u32,
    /// Byte offset of the event's block.
    offset: u32,
    sequence: u64,
}

pub(super) const ENTRY_SIZE: usize = size_of::<Stored>();
const _: () = assert!(ENTRY_SIZE == 32);

impl Stored {
    fn new(kind: u32, key: u32, number: u32, address: Address, offset: u32) -> Self {
        let mut entry = Self {
            checksum: 0,
            kind,
            key,
            number,
            ordinal: address.ordinal,
            offset,
            sequence: address.sequence.0,
        };
        entry.checksum = entry.checksum_expected();
        entry
    }

    /// The first entry of every index.
    pub(super) fn head() -> Self {
        Self::new(KIND_HEAD, MAGIC, VERSION, Address::START, 0)
    }

    /// The last entry of a complete index of `entries` entries, the head included.
    pub(super) fn seal(entries: u32) -> Self {
        Self::new(KIND_SEAL, 0, entries, Address::START, 0)
    }

    /// The entry of `event`, if it has one, in the block at `offset`.
    pub(super) fn of(event: &EventRecord, offset: u32) -> Option<Self> {
        let report = event.report().0;
        if report % INDEX_EVERY == 1 {
            return Some(Self::new(KIND_REPORT, event.session().0, report, Address::of(event), offset));
        }
        let day = event.kind() == EventKind::DayStarted as u8;
        day.then(|| Self::new(KIND_DAY, 0, 0, Address::of(event), offset))
    }

    fn address(&self) -> Address {
        Address { sequence: Sequence(self.sequence), ordinal: self.ordinal }
    }

    fn checksum_expected(&self) -> u32 {
        crc32c::crc32c(&bytemuck::bytes_of(self)[4..])
    }

    fn sound(&self, place: u64) -> bool {
        let head = self.kind == KIND_HEAD && self.key == MAGIC && self.number == VERSION;
        self.checksum == self.checksum_expected() && (place == 0) == head && self.kind <= KIND_SEAL
    }
}

/// Whether the index of the complete file that begins with `first` is there, sound and complete.
pub(super) fn is_complete(folder: &Path, first: Address) -> bool {
    let Ok(bytes) = std::fs::read(files::index_path(folder, first)) else { return false };
    let (entries, rest) = bytes.as_chunks::<ENTRY_SIZE>();
    let entries: Vec<Stored> = entries.iter().map(|bytes| bytemuck::pod_read_unaligned(bytes)).collect();
    let sound = entries.iter().zip(0..).all(|(entry, place)| entry.sound(place));
    let sealed = entries
        .last()
        .is_some_and(|last| last.kind == KIND_SEAL && u64::from(last.number) == entries.len() as u64 - 1);
    rest.is_empty() && sound && sealed
}

/// Where the reports of each session's present day are, read from the index files. A value of one
/// thread; several may read the same files.
#[derive(Debug)]
pub struct SessionIndex {
    folder: PathBuf,
    /// Files read so far; the last of them may still grow.
    files: Vec<Address>,
    open: Option<(File, PathBuf)>,
    /// Bytes of the open file that were read.
    read: u64,
    sealed: bool,
    sessions: HashMap<SessionId, Vec<Entry>>,
    entries: usize,
    day: Option<(Address, Position)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    sequence: Sequence,
    ordinal: u32,
    report: u32,
    /// Place in `files`.
    file: u32,
    offset: u32,
}

const _: () = assert!(size_of::<Entry>() == 24);

impl SessionIndex {
    /// Reads the index of the log in `folder`, which may still be empty.
    ///
    /// # Errors
    /// A file cannot be read or is damaged (the writer makes it again when it opens the log).
    pub fn open(folder: &Path) -> Result<Self, EventLogError> {
        let mut index = Self {
            folder: folder.to_owned(),
            files: Vec::new(),
            open: None,
            read: 0,
            sealed: true,
            sessions: HashMap::new(),
            entries: 0,
            day: None,
        };
        index.refresh()?;
        Ok(index)
    }

    /// Reads what was added since. Cheap where nothing was: one read, and one list of the folder when
    /// a file has just been completed.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn refresh(&mut self) -> Result<(), EventLogError> {
        loop {
            if self.sealed && !self.open_next()? {
                return Ok(());
            }
            if !self.read_on()? {
                return Ok(());
            }
        }
    }

    /// Where to begin reading for report `report` of the present day of `session`: at most
    /// [`INDEX_EVERY`] of its reports too early. `None` where the index has nothing at or above `since`.
    ///
    /// `since` is the address of the SessionDay that began the present day, if the caller knows it: the
    /// index may lag by what the writer has in hand, and must not answer with yesterday's report then.
    #[must_use]
    pub fn find(&self, session: SessionId, report: ReportNumber, since: Address) -> Option<Position> {
        let entries = self.sessions.get(&session)?;
        let above = entries.partition_point(|entry| entry.report <= report.0);
        let entry = entries[..above].last()?;
        let address = Address { sequence: entry.sequence, ordinal: entry.ordinal };
        let position =
            Position { file: *self.files.get(entry.file as usize)?, offset: entry.offset, event: 0 };
        (address >= since).then_some(position)
    }

    /// The last DayStarted: its address, and where to begin reading for it.
    #[must_use]
    pub const fn day_started(&self) -> Option<(Address, Position)> {
        self.day
    }

    /// Entries held for the sessions, of at most [`INDEX_ENTRIES_MAX`].
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Whether no session has an entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    fn open_next(&mut self) -> Result<bool, EventLogError> {
        let files = files::list(&self.folder)?;
        let present = self.files.last();
        let Some(&first) = files.get(files.partition_point(|first| Some(first) <= present)) else {
            return Ok(false);
        };
        let path = files::index_path(&self.folder, first);
        let file = File::open(&path).map_err(|source| EventLogError::io("open", &path, source))?;
        self.open = Some((file, path));
        self.files.push(first);
        self.read = 0;
        self.sealed = false;
        Ok(true)
    }

    /// Reads whole entries of the open file; whether there may be more.
    fn read_on(&mut self) -> Result<bool, EventLogError> {
        let Some((file, path)) = &self.open else { return Ok(false) };
        let mut bytes = [0; ENTRY_SIZE * 256];
        let count =
            file.read_at(&mut bytes, self.read).map_err(|source| EventLogError::io("read", path, source))?;
        let (entries, _) = bytes[..count].as_chunks::<ENTRY_SIZE>();
        for bytes in entries {
            let entry: Stored = bytemuck::pod_read_unaligned(bytes);
            if self.sealed || !entry.sound(self.read / ENTRY_SIZE as u64) {
                let path = self.open.as_ref().map(|(_, path)| path.clone()).unwrap_or_default();
                return Err(EventLogError::Index { path, offset: self.read });
            }
            self.read += ENTRY_SIZE as u64;
            self.take(&entry);
        }
        Ok(!entries.is_empty())
    }

    fn take(&mut self, stored: &Stored) {
        let file = self.files.last().copied().unwrap_or_default();
        match stored.kind {
            KIND_SEAL => self.sealed = true,
            KIND_DAY => {
                let position = Position { file, offset: stored.offset, event: 0 };
                self.day = Some((stored.address(), position));
            }
            KIND_REPORT => {
                let list = self.sessions.entry(SessionId(stored.key)).or_default();
                if stored.number == 1 {
                    self.entries -= list.len();
                    list.clear();
                }
                list.push(Entry {
                    sequence: Sequence(stored.sequence),
                    ordinal: stored.ordinal,
                    report: stored.number,
                    file: u32::try_from(self.files.len() - 1).expect("a folder has fewer files than that"),
                    offset: stored.offset,
                });
                self.entries += 1;
                if self.entries > INDEX_ENTRIES_MAX {
                    self.coarsen();
                }
            }
            _ => {}
        }
    }

    /// Forgets every second entry of each session, never its first.
    fn coarsen(&mut self) {
        self.entries = 0;
        for list in self.sessions.values_mut() {
            let mut keep = false;
            list.retain(|_| {
                keep = !keep;
                keep
            });
            self.entries += list.len();
        }
    }
}

/// Where to begin reading for the last DayStarted at or below `address`, from which on every listed
/// instrument is told again. `None` where no index names one.
///
/// # Errors
/// An index cannot be read or is damaged.
pub fn day_started_before(folder: &Path, address: Address) -> Result<Option<Position>, EventLogError> {
    let files = files::list(folder)?;
    let below = files.partition_point(|&first| first <= address);
    for &first in files[..below].iter().rev() {
        let path = files::index_path(folder, first);
        let bytes = std::fs::read(&path).map_err(|source| EventLogError::io("read", &path, source))?;
        let mut found = None;
        for (bytes, place) in bytes.as_chunks::<ENTRY_SIZE>().0.iter().zip(0..) {
            let entry: Stored = bytemuck::pod_read_unaligned(bytes);
            if !entry.sound(place) {
                return Err(EventLogError::Index { path, offset: place * ENTRY_SIZE as u64 });
            }
            if entry.kind == KIND_DAY && entry.address() <= address {
                found = Some(Position { file: first, offset: entry.offset, event: 0 });
            }
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The bytes of the index of `file`, of whose blocks `entries` were made; sealed where the file is.
pub(super) fn encode(entries: &[Stored], sealed: bool) -> Vec<u8> {
    let mut bytes = bytemuck::bytes_of(&Stored::head()).to_vec();
    bytes.extend_from_slice(bytemuck::cast_slice(entries));
    if sealed {
        let count = u32::try_from(entries.len() + 1).expect("a file of 1 GiB has fewer reports than that");
        bytes.extend_from_slice(bytemuck::bytes_of(&Stored::seal(count)));
    }
    bytes
}
