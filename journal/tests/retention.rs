//! A journal whose begin was removed goes on from a known point; a snapshot that was damaged is never taken for
//! whole, and one that was half-written is not there.

mod common;

use common::{command, options, reopen, write};
use engine::command::CommandSlot;
use engine::number::{Sequence, Timestamp};
use journal::event_log::Address;
use journal::snapshot::{self, Mark, Snapshot};
use journal::{JournalError, JournalOptions, JournalReader, KnownPoint, open, remove_segments_below};
use std::path::Path;
use tempfile::TempDir;

const COMMANDS: u64 = 2_000;
/// In which each of two lives writes its half of them.
const PARTS: usize = 50;

/// A closed journal of several segments, and the point behind each of its records.
fn closed() -> (TempDir, JournalOptions, Vec<KnownPoint>) {
    let folder = TempDir::new().expect("a folder");
    let options = options(folder.path());
    for _ in 0..2 {
        let disk = journal::disk::FileDisk::open(&options).expect("a disk");
        let (mut journal, _) = reopen(disk, &options).expect("it opens");
        // Each part is waited for, so that the disk's speed does not decide how many records there are.
        for _ in 0..PARTS {
            write(&mut journal, COMMANDS as usize / 2 / PARTS, 7).expect("no fault is planted");
        }
        journal.close().expect("no fault is planted");
    }
    let mut reader = JournalReader::open(folder.path()).expect("the segments are there");
    let mut points = vec![reader.point()];
    while reader.next_record().expect("the journal is whole").is_some() {
        points.push(reader.point());
    }
    (folder, options, points)
}

/// The sequences that a reader from `known` on finds, each checked to be what was appended.
fn read_from(folder: &Path, known: KnownPoint) -> Result<Vec<u64>, JournalError> {
    let mut reader = JournalReader::open_at(folder, known)?;
    let mut found = Vec::new();
    while let Some(record) = reader.next_record()? {
        let mut each = |sequence: Sequence, slot: &CommandSlot| {
            assert_eq!(slot.words(), command(sequence.0).words());
            found.push(sequence.0);
        };
        record.for_each_command(&mut each).expect("the record is whole");
    }
    Ok(found)
}

#[test]
fn a_reader_goes_on_from_every_point() {
    let (folder, _, points) = closed();
    assert_eq!(points[0], KnownPoint::START);
    let segments = points.last().expect("there are records").segment;
    assert!(segments > 3, "{segments} segments");
    for point in points.iter().step_by(7) {
        let expected: Vec<u64> = (point.sequence.0..=COMMANDS).collect();
        assert_eq!(read_from(folder.path(), *point).expect("the journal is whole"), expected, "{point:?}");
    }
    let wrong = KnownPoint { previous_crc: points[9].previous_crc ^ 1, ..points[9] };
    assert!(
        matches!(read_from(folder.path(), wrong), Err(JournalError::Damaged { .. })),
        "another journal's point"
    );
}

#[test]
fn what_a_known_point_covers_may_be_removed() {
    let (folder, options, points) = closed();
    let known = *points.iter().rev().nth(5).expect("there are more records");
    let middle = points[points.len() / 2];
    assert_eq!(
        remove_segments_below(folder.path(), middle.segment).expect("files of ours"),
        middle.segment as usize - 1
    );
    assert_eq!(remove_segments_below(folder.path(), middle.segment).expect("nothing to do"), 0);
    assert_eq!(journal::first_segment(folder.path()).expect("a folder"), Some(middle.segment));
    let refused = |known| {
        let options = JournalOptions { known, ..options.clone() };
        open(&options, &mut |_, _| {}, &mut |_| {}).err()
    };
    assert!(matches!(refused(KnownPoint::START), Some(JournalError::MissingSegment { .. })));
    assert!(matches!(refused(points[1]), Some(JournalError::MissingSegment { .. })));
    for (known, last) in [(middle, COMMANDS), (known, COMMANDS + 40)] {
        let options = JournalOptions { known, ..options.clone() };
        let mut next = known.sequence.0;
        let mut apply = |sequence: Sequence, slot: &CommandSlot| {
            assert_eq!((sequence.0, slot.words()), (next, command(next).words()));
            next += 1;
        };
        let (mut journal, found) = open(&options, &mut apply, &mut |_| {}).expect("a start behind the point");
        assert_eq!((found.last.0, next), (last, last + 1));
        write(&mut journal, 40, 7).expect("no fault is planted");
        journal.close().expect("no fault is planted");
    }
}

#[test]
fn nothing_is_changed_before_it_is_said_to_go_on() {
    let (folder, options, points) = closed();
    // A torn write: of a record that nobody vouches for, half is there.
    let end = *points.last().expect("there are records");
    let file = folder.path().join(format!("{:010}.journal", end.segment));
    let mut bytes = std::fs::read(&file).expect("the segment is there");
    bytes[end.page as usize * 4096 + 100] = 1;
    std::fs::write(&file, &bytes).expect("a file of ours");
    let opening = journal::read(&options, &mut |_, _| {}, &mut |_| {}).expect("it can be read");
    assert_eq!(opening.found().bytes_cut, 4096);
    drop(opening);
    assert_eq!(std::fs::read(&file).expect("it is there"), bytes, "the evidence is as it was");
    let opening = journal::read(&options, &mut |_, _| {}, &mut |_| {}).expect("it can be read");
    opening.go_on().expect("it can be written").close().expect("no fault is planted");
    assert_ne!(std::fs::read(&file).expect("it is there"), bytes, "now it was cut");
}

fn mark() -> Mark {
    Mark {
        sequence: Sequence(77),
        time: Timestamp(1_800_000_000_000_000_000),
        last_event: Address { sequence: Sequence(76), ordinal: 3 },
        events: 99,
        event_hash: 0x1122_3344_5566_7788,
        state_hash: 0x99AA_BBCC_DDEE_FF00,
        journal: KnownPoint {
            segment: 3,
            page: 9,
            previous_crc: 0xC0FF_EE11,
            index: 12,
            sequence: Sequence(78),
            term: 2,
            vouched: 10,
        },
    }
}

fn sections() -> Vec<(&'static str, Vec<u8>)> {
    vec![("engine", b"the state".to_vec()), ("sixteen letters.", Vec::new()), ("doors", vec![7; 100])]
}

#[test]
fn a_snapshot_of_format_1_is_read_and_written_as_it_was() {
    let folder = TempDir::new().expect("a folder");
    let path = snapshot::write(folder.path(), &mark(), &sections()).expect("written");
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored/snapshot.1");
    assert_eq!(std::fs::read(path).expect("it is there"), std::fs::read(stored).expect("it is stored"));
    assert_eq!(snapshot::list(folder.path()).expect("a folder"), [Sequence(77)]);
    assert_eq!(snapshot::read_mark(folder.path(), Sequence(77)).expect("whole"), mark());
    let read = Snapshot::read(folder.path(), Sequence(77)).expect("whole");
    assert_eq!(*read.mark(), mark());
    for (name, bytes) in sections() {
        assert_eq!(read.section(name), Some(&bytes[..]), "{name}");
    }
    assert_eq!(read.section("engines"), None);
    let leftover = folder.path().join("00000000000000000099.1.new");
    std::fs::write(&leftover, b"half").expect("a file of ours");
    assert_eq!(snapshot::list(folder.path()).expect("a folder"), [Sequence(77)], "half a file is none");
    snapshot::remove_unfinished(folder.path()).expect("a file of ours");
    assert!(!leftover.exists());
    snapshot::remove(folder.path(), Sequence(77)).expect("a file of ours");
    assert_eq!(snapshot::list(folder.path()).expect("a folder"), []);
    assert_eq!(snapshot::list(&folder.path().join("none")).expect("no folder is no fault"), []);
}

#[test]
fn every_bit_and_every_length_of_a_snapshot_is_noticed() {
    let folder = TempDir::new().expect("a folder");
    let path = snapshot::write(folder.path(), &mark(), &sections()).expect("written");
    let whole = std::fs::read(&path).expect("it is there");
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).expect("a file of ours");
        let read = Snapshot::read(folder.path(), Sequence(77)).err().map(|error| error.to_string());
        let said = read.unwrap_or_else(|| panic!("{what} is not noticed"));
        assert!(said.contains("restore it from a backup"), "{said}");
    };
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        refused(&damaged, &format!("bit {bit}"));
    }
    for length in 0..whole.len() {
        refused(&whole[..length], &format!("length {length}"));
    }
    refused(&[&whole[..], b"x"].concat(), "a byte behind the end");
    std::fs::write(&path, &whole).expect("a file of ours");
    std::fs::rename(&path, snapshot::path(folder.path(), Sequence(78))).expect("a file of ours");
    assert!(Snapshot::read(folder.path(), Sequence(78)).is_err(), "another snapshot's name");
}
