//! The page, the structures and the bytes agree: `docs/journal.md` with the compiled headers, and a stored
//! journal of format 1 with what is written and read today.

mod common;

use common::command;
use journal::disk::simulated::SimulatedDisk;
use journal::record::{ENTRY_HEADER_SIZE, EntryHeader, HEADER_SIZE, RecordHeader};
use journal::snapshot::{self, SectionEntry, SnapshotHeader};
use journal::{JournalOptions, JournalReader};
use std::mem::offset_of;
use std::path::Path;

macro_rules! fields {
    ($structure:ident: $($field:ident),*) => {
        vec![$((stringify!($field).to_owned(), offset_of!($structure, $field))),*]
    };
}

/// The rows of the table under this heading: field, offset, size.
fn table(page: &str, heading: &str) -> Vec<(String, usize, usize)> {
    let (_, section) = page.split_once(&format!("### `{heading}`\n")).expect("the heading is there");
    let rows =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let number = |cell: &str| cell.parse().expect("offset and size are numbers");
            (cells[3].to_owned(), number(cells[1]), number(cells[2]))
        })
        .collect()
}

fn check(page: &str, heading: &str, size: usize, fields: &[(String, usize)]) {
    let rows = table(page, heading);
    let compiled: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(number, (field, offset))| {
            let end = fields.get(number + 1).map_or(size, |next| next.1);
            (field.clone(), *offset, end - offset)
        })
        .collect();
    assert_eq!(rows, compiled, "{heading}");
}

#[test]
fn the_page_shows_the_compiled_headers() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/journal.md");
    let page = std::fs::read_to_string(page).unwrap();
    let record = fields!(RecordHeader: magic, crc, version, flags, payload_bytes, cluster, node, generation, page,
        segment_pages, term, vote, commit, durable, first_index, first_sequence, entries, previous_crc, reserved);
    check(&page, "RecordHeader", HEADER_SIZE, &record);
    let entry = fields!(EntryHeader: index, term, first_sequence, commands, bytes, rules, kind, reserved);
    check(&page, "EntryHeader", ENTRY_HEADER_SIZE, &entry);
    let snapshot = fields!(SnapshotHeader: magic, crc, version, sections, sequence, time, event_sequence,
        event_ordinal, journal_page, events, event_hash, state_hash, journal_segment, journal_index, journal_term,
        journal_vouched, journal_previous_crc, reserved);
    check(&page, "SnapshotHeader", snapshot::HEADER_SIZE, &snapshot);
    let section = fields!(SectionEntry: name, bytes, crc, reserved);
    check(&page, "SectionEntry", snapshot::SECTION_SIZE, &section);
}

/// The journal that the stored file holds: two starts, five commands each, small and closed.
fn written_today() -> Vec<u8> {
    let mut disk = SimulatedDisk::new(1);
    let options = JournalOptions {
        segment_bytes: 32 << 10,
        record_bytes_max: 4 << 10,
        writes_in_flight: 1,
        ..common::options(Path::new("simulated"))
    };
    for _ in 0..2 {
        let (mut journal, _) = common::reopen(&mut disk, &options).expect("no fault is planted");
        common::append(&mut journal, 5);
        journal.close().expect("no fault is planted");
    }
    disk.bytes_mut(1).expect("it was written").to_vec()
}

#[test]
fn a_stored_journal_of_format_1_is_read_and_would_be_written_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored/format-1");
    let mut reader = JournalReader::open(&folder).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record().unwrap() {
        record
            .for_each_command(&mut |sequence, found| {
                count += 1;
                assert_eq!((sequence.0, found.words()), (count, command(count).words()));
            })
            .unwrap();
    }
    assert_eq!(count, 10);
    let stored = std::fs::read(folder.join("0000000001.journal")).unwrap();
    assert!(stored == written_today(), "the format changed: raise its version, and keep reading this file");
}
