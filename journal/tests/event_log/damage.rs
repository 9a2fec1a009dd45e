//! Torn ends are cut, everything else that is wrong is named.

use crate::{files, market, options, read, read_on, temporary, write};
use journal::event_log::{Address, EventLogError, EventLogOptions, EventLogReader, EventLogWriter};
use std::fs;

/// A log of one file with several small blocks.
fn small(folder: &std::path::Path) -> (EventLogOptions, Vec<engine::event::EventRecord>, Vec<u8>) {
    let options = options(folder);
    let events = market::events(40);
    for part in events.chunks(10) {
        write(&options, part);
    }
    let bytes = fs::read(&files(folder, "events")[0]).expect("reads");
    (options, events, bytes)
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_written_again() {
    let original = temporary();
    let (_, events, bytes) = small(original.path());
    let name = files(original.path(), "events")[0].file_name().expect("has one").to_owned();
    let mut ends = Vec::new();
    for length in 0..bytes.len() {
        let folder = temporary();
        let path = folder.path().join(&name);
        fs::write(&path, &bytes[..length]).expect("writes");

        let mut reader = EventLogReader::open(folder.path()).expect("opens");
        let before = read_on(&mut reader).expect("a torn tail is only not there yet");
        let (writer, tail) = EventLogWriter::open(&options(folder.path())).expect("opens");
        drop(writer);
        let kept = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        assert_eq!(tail.cut_bytes, length as u64 - kept);
        assert_eq!(tail.events, before.len() as u64);
        assert!(before == events[..before.len()]);
        ends.push(before.len());

        write(&options(folder.path()), &events[before.len()..]);
        assert!(read_on(&mut reader).expect("goes on") == events[before.len()..], "cut to {length}");
    }
    ends.dedup();
    assert!(ends.len() >= 4, "each block was cut away once: {ends:?}");
}

#[test]
fn zeros_behind_the_end_are_cut() {
    let folder = temporary();
    let (options, events, mut bytes) = small(folder.path());
    bytes.extend([0; 5_000]);
    fs::write(&files(folder.path(), "events")[0], &bytes).expect("writes");
    assert!(read(folder.path()).expect("zeros are only not there yet") == events);
    let (_, tail) = EventLogWriter::open(&options).expect("opens");
    assert_eq!(tail.cut_bytes, 5_000);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let folder = temporary();
    let (_, events, bytes) = small(folder.path());
    let path = files(folder.path(), "events")[0].clone();
    let mut reported = 0;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&path, &damaged).expect("writes");
        match read(folder.path()) {
            Ok(found) => {
                // Only the last block may look like one that is still being written.
                assert!(found.len() >= 30 && found.len() < 40 || found == events, "byte {at}");
                assert!(found.len() < 40, "byte {at} flipped and nobody noticed");
                assert!(found == events[..found.len()]);
            }
            Err(error @ EventLogError::Damaged { .. }) => {
                reported += 1;
                assert!(error.to_string().contains("made again from the journal"));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(reported > bytes.len() / 2, "{reported} of {}", bytes.len());
}

#[test]
fn a_block_that_is_missing_breaks_the_chain() {
    let folder = temporary();
    let (_, _, bytes) = small(folder.path());
    let second = first_block(&bytes);
    let third = second + first_block(&bytes[second..]);
    let without = [&bytes[..second], &bytes[third..]].concat();
    fs::write(&files(folder.path(), "events")[0], without).expect("writes");
    let error = read(folder.path()).expect_err("a block is missing");
    assert!(error.to_string().contains("does not go on from the one before"), "{error}");
}

/// Size of the block that `bytes` begin with, by the table of docs/event-log.md.
pub(crate) fn first_block(bytes: &[u8]) -> usize {
    88 + u32::from_le_bytes(bytes[12..16].try_into().expect("four")) as usize
}

#[test]
fn a_complete_file_that_was_cut_is_named() {
    let folder = temporary();
    let options = options(folder.path());
    write(&options, &market::events(2_000));
    let second = files(folder.path(), "events")[1].clone();
    let bytes = fs::read(&second).expect("reads");
    fs::write(&second, &bytes[..bytes.len() - 100]).expect("writes");
    let error = read(folder.path()).expect_err("the file is cut").to_string();
    assert!(error.contains(second.to_str().expect("a name")), "{error}");
    // With its index gone too the writer has to read it and says the same.
    fs::remove_file(second.with_extension("index")).expect("removes");
    assert!(matches!(EventLogWriter::open(&options), Err(EventLogError::Damaged { .. })));
}

#[test]
fn damage_in_the_last_file_is_cut_with_all_behind_it() {
    let folder = temporary();
    let (options, events, mut bytes) = small(folder.path());
    let second = first_block(&bytes);
    bytes[second + 100] ^= 1;
    fs::write(&files(folder.path(), "events")[0], &bytes).expect("writes");
    let (_, tail) = EventLogWriter::open(&options).expect("opens");
    assert_eq!(tail.cut_bytes, (bytes.len() - second) as u64);
    assert_eq!(tail.end, Address::of(&events[9]));
    assert_eq!(tail.indexes_rebuilt, usize::from(events[10..].iter().any(|event| event.report().0 == 1)));
}
