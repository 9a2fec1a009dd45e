//! Journal, event log, index and cursor from any bytes at all. A checksum stops nearly every mutant, so each
//! target also tries it with its checksums mended: as a file that a broken or hostile program wrote.

mod common;
#[path = "../../tests/fuzz/harness.rs"]
mod harness;

use engine::command::CommandSlot;
use engine::event::{EventKind, EventRecord};
use engine::number::{ReportNumber, SessionId};
use engine::packed;
use harness::fuzz;
use journal::disk::simulated::SimulatedDisk;
use journal::disk::{PAGE_SIZE, Page, Segment, Segments};
use journal::event_log::{
    Address, Cursor, EventLogOptions, EventLogReader, EventLogWriter, SessionIndex, day_started_before,
};
use journal::record::{ENTRY_HEADER_SIZE, HEADER_SIZE};
use journal::{JournalError, JournalOptions, JournalReader, open_on};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a folder")
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}

/// A journal of one segment.
struct OneSegment(Vec<Page>);

impl OneSegment {
    fn new(bytes: &[u8]) -> Self {
        let pages = bytes.len().div_ceil(PAGE_SIZE).max(1);
        let mut segment = vec![Page::ZERO; pages];
        bytemuck::cast_slice_mut::<Page, u8>(&mut segment)[..bytes.len()].copy_from_slice(bytes);
        Self(segment)
    }

    /// Gives each record the checksums that its bytes should have.
    fn mend(&mut self) {
        let (mut page, mut previous) = (0, 0);
        while page < self.0.len() {
            let rest: &mut [u8] = bytemuck::cast_slice_mut(&mut self.0[page..]);
            let pages = (HEADER_SIZE + number(rest, 12)).div_ceil(PAGE_SIZE);
            let Some(record) = rest.get_mut(..pages * PAGE_SIZE) else { return };
            put(record, 100, previous);
            previous = crc32c::crc32c(&record[8..]);
            put(record, 4, previous);
            page += pages;
        }
    }
}

impl Segments for OneSegment {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        Ok(vec![Segment { generation: 1, bytes: (self.0.len() * PAGE_SIZE) as u64 }])
    }

    fn read(&mut self, _: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        let from = page as usize;
        into.copy_from_slice(&self.0[from..from + into.len()]);
        Ok(())
    }

    fn path(&self, _: u64) -> PathBuf {
        PathBuf::from("segment")
    }
}

/// A segment of 32 KiB with two starts and a dozen commands.
fn journal() -> Vec<u8> {
    let mut disk = SimulatedDisk::new(1);
    let options = JournalOptions { segment_bytes: 32 << 10, ..common::options(Path::new("/nowhere")) };
    for _ in 0..2 {
        let (mut journal, _) = open_on(&mut disk, &options, &mut |_, _| {}, &mut |_| {}).expect("opens");
        common::write(&mut journal, 6, 2).expect("writes");
    }
    let mut segment = vec![Page::ZERO; 8];
    disk.read(1, 0, &mut segment).expect("reads");
    bytemuck::cast_slice(&segment).to_vec()
}

/// Whether a record of the segment is read, and each is written the same from what was read.
fn read_journal(segment: OneSegment) -> bool {
    let bytes: Vec<u8> = bytemuck::cast_slice(&segment.0).to_vec();
    let mut reader = JournalReader::on(segment, None).expect("one segment is a journal");
    let mut records = 0;
    while let Ok(Some(record)) = reader.next_record() {
        let mut at = record.position.offset as usize + HEADER_SIZE;
        let end = at + record.header.payload_bytes as usize;
        let mut entries = record.entries();
        while let Some(entry) = entries.next_entry().expect("the reader has checked the entries") {
            let mut again = Vec::new();
            let read = entry.for_each(|_, command: &CommandSlot| packed::encode(command.words(), &mut again));
            at += ENTRY_HEADER_SIZE;
            let length = entry.header.bytes as usize;
            assert!(read.is_err() || again == bytes[at..at + length], "commands are written the same");
            assert!(again.len() <= length, "no more commands than bytes");
            at += length;
        }
        assert_eq!(at, end, "the entries are the whole record");
        records += 1;
    }
    assert!(records <= bytes.len() / PAGE_SIZE);
    records > 0
}

#[test]
fn fuzz_journal_record() {
    fuzz("journal_record", vec![journal()], |bytes| {
        let as_found = read_journal(OneSegment::new(bytes));
        let mut mended = OneSegment::new(bytes);
        mended.mend();
        read_journal(mended) || as_found
    });
}

/// Events of three sessions, with days and reports that have entries in the index.
fn events() -> Vec<EventRecord> {
    let event = |sequence: u64| {
        let mut words = [0; 16];
        let kind = if sequence == 1 { EventKind::DayStarted } else { EventKind::Executed };
        words[0] = sequence;
        words[1] = 1_800_000_000_000_000_000 + sequence;
        let mut record = EventRecord::from_words(words);
        let bytes: &mut [u8] = bytemuck::bytes_of_mut(&mut record);
        bytes[16] = kind as u8;
        put(bytes, 24, sequence as u32 % 3);
        put(bytes, 28, sequence as u32);
        record
    };
    (1..200).map(event).collect()
}

/// The events file and the index file of a log.
fn event_log() -> (Vec<u8>, Vec<u8>) {
    let folder = folder();
    let mut options = EventLogOptions::new(folder.path().to_owned());
    options.block_bytes_max = 4_096;
    let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
    for event in events() {
        while !writer.has_room() {
            std::thread::yield_now();
        }
        writer.append(&event);
    }
    writer.close().expect("closes");
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("reads");
    (read(EVENTS), read(INDEX))
}

const EVENTS: &str = "00000000000000000001-0000000000.events";
const INDEX: &str = "00000000000000000001-0000000000.index";

fn mended_blocks(bytes: &[u8]) -> Vec<u8> {
    const BLOCK_HEADER_SIZE: usize = 88;
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while at + BLOCK_HEADER_SIZE <= bytes.len() {
        let end = at + BLOCK_HEADER_SIZE + number(&bytes, at + 12);
        let Some(block) = bytes.get_mut(at..end) else { break };
        let events = crc32c::crc32c(&block[BLOCK_HEADER_SIZE..]);
        put(block, 20, events);
        let header = crc32c::crc32c(&block[8..BLOCK_HEADER_SIZE]);
        put(block, 4, header);
        at = end;
    }
    bytes
}

fn read_events(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::write(folder.join(EVENTS), bytes).expect("writes");
    let mut reader = EventLogReader::open(folder).expect("opens");
    let (mut last, mut size) = (Address::START, 0);
    while let Ok(Some(event)) = reader.next() {
        assert!(Address::of(&event) > last, "events rise");
        last = Address::of(&event);
        let mut packed = Vec::new();
        packed::encode(event.words(), &mut packed);
        size += packed.len();
        let _ = event.view().is_ok();
    }
    assert!(size <= bytes.len(), "no more events than bytes");
    last > Address::START
}

#[test]
fn fuzz_event_block() {
    let (events, _) = event_log();
    let folder = folder();
    let path = folder.path();
    fuzz("event_block", vec![events], |bytes| {
        let as_found = read_events(path, bytes);
        read_events(path, &mended_blocks(bytes)) || as_found
    });
}

fn mended_entries(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for entry in bytes.as_chunks_mut::<32>().0 {
        let checksum = crc32c::crc32c(&entry[4..]);
        put(entry, 0, checksum);
    }
    bytes
}

fn read_index(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::write(folder.join(INDEX), bytes).expect("writes");
    let end = Address { sequence: engine::number::Sequence(u64::MAX), ordinal: u32::MAX };
    let _ = day_started_before(folder, end).is_ok();
    let Ok(mut index) = SessionIndex::open(folder) else { return false };
    assert!(index.len() <= bytes.len() / 32, "no more entries than bytes");
    for (session, report) in [(0, 0), (1, 65), (u32::MAX, u32::MAX)] {
        let found = index.find(SessionId(session), ReportNumber(report), Address::START);
        assert!(found.is_none_or(|position| position.event == 0));
    }
    let _ = index.refresh().is_ok();
    true
}

#[test]
fn fuzz_event_index() {
    let (events, index) = event_log();
    let folder = folder();
    let path = folder.path();
    std::fs::write(path.join(EVENTS), events).expect("writes");
    fuzz("event_index", vec![index], |bytes| {
        let as_found = read_index(path, bytes);
        read_index(path, &mended_entries(bytes)) || as_found
    });
}

fn read_cursor(path: &Path, bytes: &[u8]) -> bool {
    std::fs::write(path, bytes).expect("writes");
    let Ok(cursor) = Cursor::open(path) else { return false };
    let Address { sequence, ordinal } = cursor.done();
    let fields = [&bytes[..8], &sequence.0.to_le_bytes(), &ordinal.to_le_bytes(), &bytes[20..24]].concat();
    assert_eq!(bytes, fields, "nothing else is in a cursor");
    true
}

#[test]
fn fuzz_cursor() {
    let folder = folder();
    let path = folder.path().join("cursor");
    let mut cursor = Cursor::open(&path).expect("none yet");
    cursor.store(Address { sequence: engine::number::Sequence(77), ordinal: 3 }).expect("stores");
    let stored = std::fs::read(&path).expect("reads");
    fuzz("cursor", vec![stored], |bytes| {
        let as_found = read_cursor(&path, bytes);
        let mut mended = bytes.to_vec();
        if let Some(bytes) = mended.get_mut(..24) {
            let checksum = crc32c::crc32c(&bytes[..20]);
            put(bytes, 20, checksum);
        }
        read_cursor(&path, &mended) || as_found
    });
}
