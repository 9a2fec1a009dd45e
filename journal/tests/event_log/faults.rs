//! A disk that refuses, forgets, or gives other bytes back: the log ends with a message, or is cut, or refused by
//! name; and what the journal makes again is then the whole of it.

use crate::common::{by_hand, record};
use crate::damage::first_block;
use crate::{files, market, options, read, temporary, write};
use engine::event::EventRecord;
use journal::disk::simulated::{Fault, SimulatedDisk};
use journal::event_log::simulated::{self, Survivors};
use journal::event_log::{
    Address, EventLogError, EventLogOptions, EventLogReader, EventLogWriter, Resume, RunningHash,
};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Events of one block.
const BLOCK: usize = 10;

/// Never synced by time, so that a run follows from its seed alone; blocks go when they are flushed.
fn by_hand_only(folder: &Path) -> EventLogOptions {
    EventLogOptions { block_age_ns_max: u64::MAX, sync_ns_max: 3_600_000_000_000, ..options(folder) }
}

/// As a start does: opens, compares what the journal makes, appends the rest. The writer, still open.
fn start(
    options: &EventLogOptions,
    (disk, mut survivors): (simulated::SimulatedEventDisk, Survivors),
    made: &[EventRecord],
) -> Result<(EventLogWriter, Survivors), EventLogError> {
    let (writer, tail) = EventLogWriter::open_on(disk, options)?;
    survivors.begin().expect("lists");
    let mut resume = Resume::new(&options.folder, writer, &tail, Address::START)?;
    for event in made {
        resume.event(event)?;
    }
    Ok((resume.finish()?, survivors))
}

/// Appends blocks until all are there or the disk refuses.
fn append_blocks(writer: &mut EventLogWriter, events: &[EventRecord]) -> Result<(), EventLogError> {
    for block in events.chunks(BLOCK) {
        while !writer.has_room() {
            if let Some(error) = writer.failure() {
                return Err(error.clone());
            }
            std::thread::yield_now();
        }
        block.iter().for_each(|event| writer.append(event));
        writer.flush();
    }
    Ok(())
}

fn hash(events: &[EventRecord]) -> RunningHash {
    events.iter().fold(RunningHash::default(), |hash, event| hash.fold(event))
}

#[test]
fn each_of_the_first_operations_may_fail_in_each_way() {
    let began = Instant::now();
    let operations = if by_hand() { 10_000 } else { 100 };
    // About two operations a block, and as many files as that makes.
    let events = market::events(operations as usize * BLOCK);
    for number in 0..operations {
        for fault in [Fault::InputOutput, Fault::Full, Fault::Short] {
            let folder = temporary();
            let options = EventLogOptions { file_bytes_max: 200_000, ..by_hand_only(folder.path()) };
            let (mut writer, mut survivors) =
                start(&options, simulated::disk(folder.path(), &[(number, fault)]), &[]).expect("opens");
            let error = append_blocks(&mut writer, &events).and_then(|()| writer.close().map(|_| ())).err();
            let error = error
                .unwrap_or_else(|| panic!("{fault:?} at operation {number} was never reported"))
                .to_string();
            let told =
                error.contains("then start again") && error.contains(folder.path().to_str().expect("a name"));
            assert!(told && (fault != Fault::Full || error.contains("the disk is full")), "{error}");

            let mut random = SimulatedDisk::new(number);
            survivors.cut_power(&mut |bound| random.below(bound)).expect("cuts");
            let made = &events[..(number as usize * BLOCK).clamp(500, events.len())];
            let (writer, _) = start(&options, simulated::disk(folder.path(), &[]), made)
                .unwrap_or_else(|error| panic!("{fault:?} at operation {number}: {error}"));
            writer.close().expect("closes");
            assert!(read(folder.path()).expect("reads") == made, "{fault:?} at operation {number}");
        }
    }
    record("write_faults_event_log", &[("operations", operations), ("faults", 3), ("events_lost", 0)], began);
}

#[test]
fn after_power_cuts_the_journal_makes_the_log_whole_again() {
    let events = market::events(4_000);
    for seed in 0..60 {
        let mut random = SimulatedDisk::new(seed);
        let folder = temporary();
        let options = by_hand_only(folder.path());
        let mut made = 0;
        while made < events.len() {
            let begin = simulated::disk(folder.path(), &[]);
            let (mut writer, mut survivors) = start(&options, begin, &events[..made])
                .unwrap_or_else(|error| panic!("seed {seed}, {made} events: {error}"));
            let more = (made + BLOCK * (1 + random.below(60) as usize)).min(events.len());
            append_blocks(&mut writer, &events[made..more]).expect("no fault is planted");
            made = more;
            drop(writer);
            survivors.cut_power(&mut |bound| random.below(bound)).expect("cuts");
        }
        let (writer, _) = start(&options, simulated::disk(folder.path(), &[]), &events).expect("opens");
        writer.close().expect("closes");
        assert!(read(folder.path()).expect("reads") == events, "seed {seed}");
        let (_, tail) = EventLogWriter::open(&options).expect("opens");
        assert_eq!((tail.events, tail.hash), (events.len() as u64, hash(&events)), "seed {seed}");
    }
}

/// What a flipped bit may do: a start makes the same log again, or refuses and names the file.
#[test]
fn no_flipped_bit_of_any_file_is_silently_accepted() {
    let began = Instant::now();
    let flips = if by_hand() { 200_000 } else { 2_000 };
    let original = temporary();
    let events = market::events(1_500);
    write(&options(original.path()), &events);
    let mut names: Vec<_> =
        ["events", "index"].iter().flat_map(|kind| files(original.path(), kind)).collect();
    names.sort();
    assert!(names.len() > 6, "several complete files and an open one");
    let whole: Vec<Vec<u8>> = names.iter().map(|name| fs::read(name).expect("reads")).collect();
    let bits: u64 = whole.iter().map(|bytes| bytes.len() as u64 * 8).sum();
    let folder = temporary();
    let here: Vec<_> =
        names.iter().map(|name| folder.path().join(name.file_name().expect("has one"))).collect();
    let mut random = SimulatedDisk::new(3);
    let (mut refused, mut remade) = (0, 0);
    for _ in 0..flips {
        let mut bit = random.below(bits);
        let chosen = whole.iter().position(|bytes| {
            let inside = bit < bytes.len() as u64 * 8;
            bit -= if inside { 0 } else { bytes.len() as u64 * 8 };
            inside
        });
        let chosen = chosen.expect("the bit is below their sum");
        here.iter().zip(&whole).for_each(|(path, bytes)| fs::write(path, bytes).expect("writes"));
        let mut damaged = whole[chosen].clone();
        damaged[(bit / 8) as usize] ^= 1 << (bit % 8);
        fs::write(&here[chosen], &damaged).expect("writes");
        match start(&options(folder.path()), simulated::disk(folder.path(), &[]), &events) {
            Ok((writer, _)) => {
                writer.close().expect("closes");
                remade += 1;
                // What was cut from the last file is written again in blocks of another size.
                if chosen + 2 < here.len() {
                    for (path, bytes) in here.iter().zip(&whole) {
                        assert!(
                            fs::read(path).expect("reads") == *bytes,
                            "bit {bit} of {}",
                            here[chosen].display()
                        );
                    }
                }
                assert!(
                    read(folder.path()).expect("reads") == events,
                    "bit {bit} of {}",
                    here[chosen].display()
                );
            }
            Err(error @ EventLogError::Damaged { .. }) => {
                refused += 1;
                assert!(error.to_string().contains(here[chosen].to_str().expect("a name")), "{error}");
            }
            Err(error) => panic!("bit {bit} of {}: {error}", here[chosen].display()),
        }
    }
    assert!(refused > flips / 4 && remade > flips / 100, "{refused} refused, {remade} made again");
    let numbers = [("flips", flips), ("refused", refused), ("made_again", remade), ("silently_accepted", 0)];
    record("bit_flips_event_log", &numbers, began);
}

#[test]
fn a_log_cut_at_any_byte_ends_with_its_last_whole_block() {
    let began = Instant::now();
    let bytes_min = if by_hand() { 1 << 20 } else { 64 << 10 };
    let folder = temporary();
    let options = EventLogOptions { file_bytes_max: 1 << 30, ..by_hand_only(folder.path()) };
    let events = market::events(bytes_min / 32);
    write(&options, &events);
    let path = files(folder.path(), "events")[0].clone();
    let bytes = fs::read(&path).expect("reads");
    assert!(bytes.len() >= bytes_min, "{} bytes", bytes.len());
    let bytes = &bytes[..bytes_min];
    let file = fs::File::options().write(true).open(&path).expect("opens");
    let mut ends = vec![0];
    while let Some(end) =
        ends.last().map(|&begin| begin + first_block(&bytes[begin..])).filter(|&end| end <= bytes_min)
    {
        ends.push(end);
        if end == bytes_min || bytes_min - end < 88 {
            break;
        }
    }
    let mut counted = vec![0; ends.len()];
    for length in (0..=bytes_min).rev() {
        file.set_len(length as u64).expect("cuts");
        let mut reader = EventLogReader::open(folder.path()).expect("opens");
        let blocks = ends.partition_point(|&end| end <= length) - 1;
        let mut found = 0;
        while let Some(event) = reader.next().unwrap_or_else(|error| panic!("{length} bytes: {error}")) {
            assert!(event == events[found], "{length} bytes");
            found += 1;
        }
        // The first cut into a block finds how many events end before it; every other one must agree.
        if counted[blocks] == 0 {
            counted[blocks] = found;
        }
        assert_eq!(found, counted[blocks], "{length} bytes, {blocks} whole blocks");
    }
    assert!(counted.windows(2).all(|pair| pair[0] < pair[1]) && counted[0] == 0, "each block counts");
    record("truncation_event_log", &[("bytes", bytes_min as u64), ("blocks", ends.len() as u64 - 1)], began);
}

#[test]
fn an_index_whose_events_are_gone_is_begun_anew() {
    let folder = temporary();
    let options = options(folder.path());
    let events = market::events(600);
    write(&options, &events);
    let last = files(folder.path(), "events").pop().expect("there are files");
    fs::remove_file(&last).expect("removes");
    assert!(last.with_extension("index").exists(), "what a power cut can leave");
    let (writer, _) = start(&options, simulated::disk(folder.path(), &[]), &events).expect("goes on");
    writer.close().expect("closes");
    assert!(read(folder.path()).expect("reads") == events);
    let (_, tail) = EventLogWriter::open(&options).expect("opens");
    assert_eq!(tail.indexes_rebuilt, 0, "the index is that of the events, and of nothing else");
}
