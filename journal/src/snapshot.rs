//! The file of a snapshot: what the market was after a command, in named sections.
//!
//! What a section holds is its writer's business; here are the header, which says where journal and event log
//! go on, the table of sections, and their checksums. A file is there whole or not at all: it is written under
//! another name, synced, renamed, and its folder synced. `docs/journal.md` has the byte tables.

use crate::event_log::Address;
use crate::reader::KnownPoint;
use bytemuck::{Pod, Zeroable};
use engine::number::{Sequence, Timestamp};
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Size of the header, in bytes.
pub const HEADER_SIZE: usize = size_of::<SnapshotHeader>();
/// Size of an entry of the table of sections, in bytes.
pub const SECTION_SIZE: usize = size_of::<SectionEntry>();
/// Version of the format that is written.
pub const FORMAT_VERSION: u16 = 1;
/// Most sections of a file.
const SECTIONS_MAX: usize = 64;
/// Longest name of a section.
const NAME_BYTES: usize = 16;
const MAGIC: [u8; 8] = *b"RTNDSNAP";
const SUFFIX: &str = ".snapshot";

/// The first bytes of the file, as in the table of docs/journal.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SnapshotHeader {
    /// `RTNDSNAP`.
    pub magic: [u8; 8],
    /// CRC32C of what follows in the header, and of the table of sections.
    pub crc: u32,
    /// Version of the format.
    pub version: u16,
    /// Number of sections.
    pub sections: u16,
    /// The last command.
    pub sequence: u64,
    /// The engine's clock then, in nanoseconds since 1970.
    pub time: u64,
    /// Address of the last event: its command.
    pub event_sequence: u64,
    /// Address of the last event: its ordinal.
    pub event_ordinal: u32,
    /// Where the journal goes on, in units of 4 KiB from the begin of its segment.
    pub journal_page: u32,
    /// Events so far.
    pub events: u64,
    /// The running hash over them.
    pub event_hash: u64,
    /// The hash of the section `engine`.
    pub state_hash: u64,
    /// Generation of the segment in which the journal goes on.
    pub journal_segment: u64,
    /// Index of the next entry.
    pub journal_index: u64,
    /// Term of the record before.
    pub journal_term: u64,
    /// Highest index that the record before vouches for.
    pub journal_vouched: u64,
    /// Checksum of the record before.
    pub journal_previous_crc: u32,
    /// Zero.
    pub reserved: [u32; 3],
}

/// One entry of the table of sections. The sections lie behind the table, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SectionEntry {
    /// Its name, padded with zeros.
    pub name: [u8; NAME_BYTES],
    /// Its size.
    pub bytes: u64,
    /// CRC32C of its bytes.
    pub crc: u32,
    /// Zero.
    pub reserved: u32,
}

/// The checksum covers the header from here on.
const CHECKED_FROM: usize = 12;

const _: () = {
    assert!(HEADER_SIZE == 120);
    assert!(SECTION_SIZE == 32);
    assert!(std::mem::offset_of!(SnapshotHeader, version) == CHECKED_FROM);
};

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The last command that the snapshot has in it.
    pub sequence: Sequence,
    /// The engine's clock then.
    pub time: Timestamp,
    /// The last event up to that command.
    pub last_event: Address,
    /// How many events there were.
    pub events: u64,
    /// The running hash over them.
    pub event_hash: u64,
    /// The hash of the engine's full state.
    pub state_hash: u64,
    /// Where the journal goes on.
    pub journal: KnownPoint,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin as a snapshot does.
    Magic,
    /// It was written by a later version.
    Version(u16),
    /// The checksum of header and table is not that of the bytes.
    Header,
    /// The sections are longer or shorter than the table says.
    Length,
    /// The checksum of a section is not that of its bytes.
    Section(usize),
    /// The header names another command than the file's name.
    Name,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Magic => f.write_str("it is no snapshot"),
            Self::Version(version) => write!(f, "it has format {version}, this build reads {FORMAT_VERSION}"),
            Self::Header => f.write_str("its header is damaged"),
            Self::Length => f.write_str("it is cut, or bytes follow its end"),
            Self::Section(number) => write!(f, "its section {number} is damaged"),
            Self::Name => f.write_str("its name is that of another snapshot"),
        }
    }
}

/// Why a snapshot cannot be read or written.
#[derive(Debug)]
pub enum SnapshotError {
    /// The system refused.
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// The bytes are not what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
}

impl SnapshotError {
    fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, path: path.to_owned(), source }
    }

    fn damaged(path: &Path, fault: Fault) -> Self {
        Self::Damaged { path: path.to_owned(), fault }
    }
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { operation, path, source } => {
                write!(f, "snapshot: cannot {operation} {}: {source}", path.display())
            }
            Self::Damaged { path, fault } => {
                write!(f, "snapshot {}: {fault}; restore it from a backup, or delete it", path.display())
            }
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Damaged { .. } => None,
        }
    }
}

/// The file of the snapshot that ends with command `sequence`.
#[must_use]
pub fn path(folder: &Path, sequence: Sequence) -> PathBuf {
    folder.join(format!("{:020}{SUFFIX}", sequence.0))
}

/// The snapshots in `folder`, by the last command of each, the oldest first. None where there is no folder.
///
/// # Errors
/// The folder cannot be listed.
pub fn list(folder: &Path) -> Result<Vec<Sequence>, SnapshotError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(SnapshotError::io("list", folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(SnapshotError::io("list", folder))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        found.extend(number.and_then(|number| number.parse().ok()).map(Sequence));
    }
    found.sort_unstable();
    Ok(found)
}

/// Removes the snapshot that ends with command `sequence`.
///
/// # Errors
/// The file cannot be removed.
pub fn remove(folder: &Path, sequence: Sequence) -> Result<(), SnapshotError> {
    let path = path(folder, sequence);
    std::fs::remove_file(&path).map_err(SnapshotError::io("remove", &path))?;
    sync_folder(folder)
}

/// Writes a snapshot, durably, and tells its file. One of the same command is replaced.
///
/// # Panics
/// A name is longer than 16 bytes, or there are more than 64 sections: both are constants of the program.
///
/// # Errors
/// The system refuses.
pub fn write(folder: &Path, mark: &Mark, sections: &[(&str, Vec<u8>)]) -> Result<PathBuf, SnapshotError> {
    let path = path(folder, mark.sequence);
    std::fs::create_dir_all(folder).map_err(SnapshotError::io("make", folder))?;
    // Two makers may be at work: the keeper of a running venue, and an operator.
    let temporary = folder.join(format!("{:020}.{}.new", mark.sequence.0, std::process::id()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(&head(mark, sections))?;
        for (_, bytes) in sections {
            file.write_all(bytes)?;
        }
        file.sync_all()
    });
    if let Err(source) = written {
        // Gives the space back on a full disk.
        let _ = std::fs::remove_file(&temporary);
        return Err(SnapshotError::Io { operation: "write", path: temporary, source });
    }
    std::fs::rename(&temporary, &path).map_err(SnapshotError::io("rename", &temporary))?;
    sync_folder(folder)?;
    Ok(path)
}

/// Removes what a maker that was killed has left half-written.
///
/// # Errors
/// The folder cannot be listed, or a file not be removed.
pub fn remove_unfinished(folder: &Path) -> Result<(), SnapshotError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(SnapshotError::io("list", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "new") {
            std::fs::remove_file(&path).map_err(SnapshotError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// What the snapshot that ends with command `sequence` says of itself, without its sections.
///
/// # Errors
/// The file cannot be read, or header or table are damaged.
pub fn read_mark(folder: &Path, sequence: Sequence) -> Result<Mark, SnapshotError> {
    let path = path(folder, sequence);
    let mut bytes = Vec::new();
    let most = (HEADER_SIZE + SECTIONS_MAX * SECTION_SIZE) as u64;
    File::open(&path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(SnapshotError::io("read", &path))?;
    let parsed = parse(&bytes, sequence).map_err(|fault| SnapshotError::damaged(&path, fault))?;
    Ok(parsed.mark)
}

/// A snapshot in memory, every checksum of which is right.
pub struct Snapshot {
    mark: Mark,
    sections: Vec<(String, Range<usize>)>,
    bytes: Vec<u8>,
}

impl Snapshot {
    /// Reads the snapshot that ends with command `sequence`.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn read(folder: &Path, sequence: Sequence) -> Result<Self, SnapshotError> {
        let path = path(folder, sequence);
        let bytes = std::fs::read(&path).map_err(SnapshotError::io("read", &path))?;
        Self::check(bytes, sequence).map_err(|fault| SnapshotError::damaged(&path, fault))
    }

    fn check(bytes: Vec<u8>, sequence: Sequence) -> Result<Self, Fault> {
        let Parsed { mark, entries } = parse(&bytes, sequence)?;
        let mut at = HEADER_SIZE + entries.len() * SECTION_SIZE;
        let mut sections = Vec::with_capacity(entries.len());
        for (number, entry) in entries.iter().enumerate() {
            let length = usize::try_from(entry.bytes).map_err(|_| Fault::Length)?;
            let range = at..at.checked_add(length).ok_or(Fault::Length)?;
            let section = bytes.get(range.clone()).ok_or(Fault::Length)?;
            if crc32c::crc32c(section) != entry.crc {
                return Err(Fault::Section(number));
            }
            let name = entry.name.split(|&byte| byte == 0).next().unwrap_or_default();
            at = range.end;
            sections.push((String::from_utf8_lossy(name).into_owned(), range));
        }
        if at == bytes.len() { Ok(Self { mark, sections, bytes }) } else { Err(Fault::Length) }
    }

    /// What it says of itself.
    #[must_use]
    pub const fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The section of this name; `None` where the file has none: an earlier version did not write it.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        let (_, range) = self.sections.iter().find(|(found, _)| found == name)?;
        self.bytes.get(range.clone())
    }
}

struct Parsed {
    mark: Mark,
    entries: Vec<SectionEntry>,
}

/// Header and table, which `bytes` begin with.
fn parse(bytes: &[u8], sequence: Sequence) -> Result<Parsed, Fault> {
    let header: SnapshotHeader =
        bytes.get(..HEADER_SIZE).map(bytemuck::pod_read_unaligned).ok_or(Fault::Length)?;
    if header.magic != MAGIC {
        return Err(Fault::Magic);
    }
    let count = usize::from(header.sections);
    // A count beyond the bound is a damaged one; so is one that no file of this length can have.
    let table = bytes.get(HEADER_SIZE..HEADER_SIZE + count.min(SECTIONS_MAX) * SECTION_SIZE);
    let table = table.ok_or(Fault::Header)?;
    let head = &bytes[CHECKED_FROM..HEADER_SIZE + table.len()];
    if count > SECTIONS_MAX || crc32c::crc32c(head) != header.crc {
        return Err(Fault::Header);
    }
    if header.version != FORMAT_VERSION {
        return Err(Fault::Version(header.version));
    }
    if header.sequence != sequence.0 {
        return Err(Fault::Name);
    }
    let entries = table.as_chunks::<SECTION_SIZE>().0.iter().map(|bytes| bytemuck::pod_read_unaligned(bytes));
    Ok(Parsed { mark: mark_of(&header), entries: entries.collect() })
}

fn mark_of(header: &SnapshotHeader) -> Mark {
    Mark {
        sequence: Sequence(header.sequence),
        time: Timestamp(header.time),
        last_event: Address { sequence: Sequence(header.event_sequence), ordinal: header.event_ordinal },
        events: header.events,
        event_hash: header.event_hash,
        state_hash: header.state_hash,
        journal: KnownPoint {
            segment: header.journal_segment,
            page: header.journal_page,
            previous_crc: header.journal_previous_crc,
            index: header.journal_index,
            sequence: Sequence(header.sequence + 1),
            term: header.journal_term,
            vouched: header.journal_vouched,
        },
    }
}

fn head(mark: &Mark, sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
    assert!(sections.len() <= SECTIONS_MAX, "{} sections", sections.len());
    let header = SnapshotHeader {
        magic: MAGIC,
        crc: 0,
        version: FORMAT_VERSION,
        sections: sections.len() as u16,
        sequence: mark.sequence.0,
        time: mark.time.0,
        event_sequence: mark.last_event.sequence.0,
        event_ordinal: mark.last_event.ordinal,
        journal_page: mark.journal.page,
        events: mark.events,
        event_hash: mark.event_hash,
        state_hash: mark.state_hash,
        journal_segment: mark.journal.segment,
        journal_index: mark.journal.index,
        journal_term: mark.journal.term,
        journal_vouched: mark.journal.vouched,
        journal_previous_crc: mark.journal.previous_crc,
        reserved: [0; 3],
    };
    let mut head = bytemuck::bytes_of(&header).to_vec();
    for (name, bytes) in sections {
        let mut entry =
            SectionEntry { bytes: bytes.len() as u64, crc: crc32c::crc32c(bytes), ..SectionEntry::zeroed() };
        entry.name[..name.len()].copy_from_slice(name.as_bytes());
        head.extend_from_slice(bytemuck::bytes_of(&entry));
    }
    let crc = crc32c::crc32c(&head[CHECKED_FROM..]);
    head[CHECKED_FROM - size_of::<u32>()..CHECKED_FROM].copy_from_slice(bytemuck::bytes_of(&crc));
    head
}

fn sync_folder(folder: &Path) -> Result<(), SnapshotError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(SnapshotError::io("sync", folder))
}
