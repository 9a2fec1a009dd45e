//! The page and the bytes agree: `docs/event-log.md` with a stored log of version 1, and that log with what
//! is written and read today.

use crate::{append, files, market, read, temporary};
use engine::event::EventRecord;
use journal::event_log::{Address, Cursor, EventLogOptions, EventLogWriter, RunningHash};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

const EVENTS: usize = 300;

fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored/event-log-1")
}

/// The log that is stored: several files, blocks and days, cut in the same places each time.
fn write(folder: &Path) {
    let mut options = EventLogOptions::new(folder.to_owned());
    options.block_bytes_max = 4_096;
    options.file_bytes_max = 8_192;
    let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
    for part in market::events(EVENTS).chunks(30) {
        append(&mut writer, part);
        writer.flush();
    }
    writer.close().expect("closes");
    let last = Address::of(&market::events(EVENTS)[EVENTS - 1]);
    Cursor::open(&folder.join("cursor")).expect("opens").store(last).expect("stores");
}

/// The values of the fields that the page names under `heading`, at the offsets and of the sizes it names.
fn fields(page: &str, heading: &str, bytes: &[u8]) -> HashMap<String, u64> {
    let (_, section) = page.split_once(&format!("### `{heading}`\n")).expect("the heading is there");
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let mut found = HashMap::new();
    let mut end = 0;
    for row in rows.take_while(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (offset, size): (usize, usize) =
            (cells[1].parse().expect("a number"), cells[2].parse().expect("a number"));
        assert_eq!(offset, end, "{heading}: {} begins where the field before it ends", cells[3]);
        end = offset + size;
        let mut value = [0; 8];
        value[..size].copy_from_slice(&bytes[offset..end]);
        found.insert(cells[3].to_owned(), u64::from_le_bytes(value));
    }
    found
}

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/event-log.md");
    fs::read_to_string(page).expect("the page is there")
}

fn magic(text: &[u8; 4]) -> u64 {
    u64::from(u32::from_le_bytes(*text))
}

#[test]
fn a_stored_log_is_read_and_would_be_written_the_same() {
    assert!(read(&stored()).expect("reads") == market::events(EVENTS));
    let folder = temporary();
    write(folder.path());
    for extension in ["events", "index"] {
        let (kept, made) = (files(&stored(), extension), files(folder.path(), extension));
        assert!(kept.len() > 2 && kept.len() == made.len());
        for (kept, made) in kept.iter().zip(&made) {
            assert_eq!(kept.file_name(), made.file_name());
            let same = fs::read(kept).expect("reads") == fs::read(made).expect("reads");
            assert!(same, "the format changed: raise its version, and keep reading this log");
        }
    }
}

#[test]
fn the_page_shows_the_blocks() {
    let (page, events) = (page(), market::events(EVENTS));
    let mut before = 0usize;
    let hash =
        |events: &[EventRecord]| events.iter().fold(RunningHash::default(), |hash, event| hash.fold(event)).0;
    for path in files(&stored(), "events") {
        let bytes = fs::read(path).expect("reads");
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let header = fields(&page, "BlockHeader", rest);
            let size = 88 + header["length"] as usize;
            assert_eq!((header["magic"], header["version"]), (magic(b"REVB"), 1));
            assert_eq!(header["header_checksum"], u64::from(crc32c::crc32c(&rest[8..88])));
            assert_eq!(header["events_checksum"], u64::from(crc32c::crc32c(&rest[88..size])));
            assert_eq!(header["events_before"], before as u64);
            assert_eq!(header["hash_before"], hash(&events[..before]));
            let previous = before.checked_sub(1).map_or((0, 0), |last| named(&events[last]));
            assert_eq!((header["previous_sequence"], header["previous_ordinal"]), previous);
            let after = before + header["count"] as usize;
            let first = if after > before { before } else { before - 1 };
            assert_eq!((header["first_sequence"], header["first_ordinal"]), named(&events[first]));
            assert_eq!((header["last_sequence"], header["last_ordinal"]), named(&events[after - 1]));
            assert_eq!(header["hash_after"], hash(&events[..after]));
            let is_seal = header["kind"] == 1;
            assert_eq!(is_seal, header["count"] == 0);
            rest = &rest[size..];
            assert!(!is_seal || rest.is_empty(), "the seal is the last block of its file");
            before = after;
        }
    }
    assert_eq!(before, EVENTS);
}

fn named(event: &EventRecord) -> (u64, u64) {
    (event.sequence().0, u64::from(event.ordinal()))
}

#[test]
fn the_page_shows_the_index_and_the_cursor() {
    let (page, events) = (page(), market::events(EVENTS));
    let mut reports = 0;
    let paths = files(&stored(), "index");
    for (place, path) in paths.iter().enumerate() {
        let bytes = fs::read(path).expect("reads");
        let entries: Vec<_> =
            bytes.chunks(32).map(|entry| (entry, fields(&page, "IndexEntry", entry))).collect();
        for (number, (bytes, entry)) in entries.iter().enumerate() {
            assert_eq!(entry["checksum"], u64::from(crc32c::crc32c(&bytes[4..])));
            match entry["kind"] {
                0 => assert_eq!((number, entry["key"], entry["number"]), (0, magic(b"REVI"), 1)),
                1 => {
                    let named_event =
                        events.iter().find(|event| named(event) == (entry["sequence"], entry["ordinal"]));
                    let event = named_event.expect("one of ours");
                    assert_eq!(
                        (entry["key"], entry["number"]),
                        (event.session().0.into(), event.report().0.into())
                    );
                    assert_eq!(entry["number"] % 64, 1);
                    let events = fs::read(path.with_extension("events")).expect("reads");
                    let header = fields(&page, "BlockHeader", &events[entry["offset"] as usize..]);
                    assert!(
                        header["first_sequence"] <= entry["sequence"]
                            && entry["sequence"] <= header["last_sequence"]
                    );
                    reports += 1;
                }
                3 => assert_eq!((number + 1, entry["number"]), (entries.len(), number as u64)),
                other => panic!("kind {other}"),
            }
        }
        assert_eq!(entries[entries.len() - 1].1["kind"] == 3, place + 1 < paths.len());
    }
    assert_eq!(reports, events.iter().filter(|event| event.report().0 % 64 == 1).count());

    let bytes = fs::read(stored().join("cursor")).expect("reads");
    let cursor = fields(&page, "Cursor", &bytes);
    assert_eq!((cursor["magic"], cursor["version"], bytes.len()), (magic(b"RCUR"), 1, 24));
    assert_eq!((cursor["sequence"], cursor["ordinal"]), named(&events[EVENTS - 1]));
    assert_eq!(cursor["checksum"], u64::from(crc32c::crc32c(&bytes[..20])));
    assert_eq!(
        Cursor::open(&stored().join("cursor")).expect("opens").done(),
        Address::of(&events[EVENTS - 1])
    );
}

/// Makes the stored log of a new version; never that of an old one.
#[test]
#[ignore = "writes into the source tree"]
fn store_a_log() {
    fs::create_dir(stored()).expect("the log of this version is not stored yet");
    write(&stored());
}
