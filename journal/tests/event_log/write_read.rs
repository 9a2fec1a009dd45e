//! What was written comes back, from any place, while it grows, across files.

use crate::{append, files, market, options, read, read_on, temporary, write};
use engine::event::EventRecord;
use journal::event_log::{
    Address, Cursor, Damage, EventLogError, EventLogOptions, EventLogReader, EventLogWriter, RunningHash,
    remove_files_below,
};

fn hash(events: &[EventRecord]) -> RunningHash {
    events.iter().fold(RunningHash::default(), |hash, event| hash.fold(event))
}

#[test]
fn events_survive_many_files_and_several_openings() {
    let folder = temporary();
    let options = options(folder.path());
    let events = market::events(5_000);
    for part in events.chunks(1_230) {
        write(&options, part);
    }
    assert!(files(folder.path(), "events").len() > 5);
    assert!(read(folder.path()).expect("reads") == events);

    let (writer, tail) = EventLogWriter::open(&options).expect("opens");
    assert_eq!(tail.end, Address::of(&events[4_999]));
    assert_eq!((tail.events, tail.hash), (5_000, hash(&events)));
    assert_eq!((tail.cut_bytes, tail.indexes_rebuilt), (0, 0));
    assert_eq!(writer.close().expect("closes"), tail.end);
}

#[test]
fn the_hash_and_the_events_do_not_depend_on_how_they_are_cut() {
    let events = market::events(2_000);
    let mut tails = Vec::new();
    for (file_bytes_max, flush_every) in [(20_000, 10), (20_000, 100), (1 << 20, 7)] {
        let folder = temporary();
        let options = EventLogOptions { file_bytes_max, ..options(folder.path()) };
        let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
        for part in events.chunks(flush_every) {
            append(&mut writer, part);
            writer.flush();
        }
        writer.close().expect("closes");
        assert!(read(folder.path()).expect("reads") == events);
        tails.push(EventLogWriter::open(&options).expect("opens").1);
    }
    assert_eq!(tails[0], tails[1]);
    assert_eq!(tails[0], tails[2]);
}

#[test]
fn a_reader_begins_at_any_address() {
    let folder = temporary();
    let events = market::events(1_500);
    write(&options(folder.path()), &events);
    let mut reader = EventLogReader::open(folder.path()).expect("opens");
    for (place, event) in events.iter().enumerate().step_by(7) {
        reader.seek(Address::of(event));
        assert!(reader.next().expect("reads").as_ref() == Some(event));
        reader.seek(Address::of(event).after());
        assert!(reader.next().expect("reads").as_ref() == events.get(place + 1));
    }
    reader.seek(Address::of(&events[1_499]).after());
    assert!(reader.next().expect("reads").is_none());
    assert_eq!(reader.first().expect("lists"), Some(Address::of(&events[0])));
}

#[test]
fn a_reader_returns_to_a_position() {
    let folder = temporary();
    let events = market::events(1_500);
    write(&options(folder.path()), &events);
    let mut reader = EventLogReader::open(folder.path()).expect("opens");
    assert!(reader.position().is_none());
    reader.next().expect("reads");
    let mut positions = Vec::new();
    for event in &events[1..] {
        positions.push((reader.position().expect("has begun"), event));
        reader.next().expect("reads");
    }
    for (position, event) in positions.into_iter().step_by(5) {
        reader.seek_position(position).expect("seeks");
        assert!(reader.next().expect("reads").as_ref() == Some(event));
    }
}

#[test]
fn a_reader_follows_a_writer_into_a_folder_that_was_empty() {
    let folder = temporary();
    let options = options(folder.path());
    let events = market::events(20_000);
    let mut reader = EventLogReader::open(folder.path()).expect("opens");
    assert!(reader.next().expect("reads").is_none());
    let expected = events.clone();
    let reading = std::thread::spawn(move || {
        for event in &expected {
            loop {
                match reader.next().expect("reads") {
                    Some(found) => break assert!(found == *event),
                    None => std::thread::yield_now(),
                }
            }
        }
    });
    let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
    for part in events.chunks(37) {
        append(&mut writer, part);
        writer.flush();
    }
    writer.close().expect("closes");
    reading.join().expect("the reader saw every event");
}

#[test]
fn a_block_waits_for_its_age_and_no_longer() {
    let folder = temporary();
    let events = market::events(10);
    let never = EventLogOptions { block_age_ns_max: u64::MAX, ..options(folder.path()) };
    let (mut writer, _) = EventLogWriter::open(&never).expect("opens");
    append(&mut writer, &events);
    assert_eq!(writer.poll(), 0);
    assert_eq!(writer.flush(), 1);
    drop(writer);
    let folder = temporary();
    let at_once = EventLogOptions { block_age_ns_max: 0, ..options(folder.path()) };
    let (mut writer, _) = EventLogWriter::open(&at_once).expect("opens");
    append(&mut writer, &events);
    assert_eq!((writer.poll(), writer.poll()), (1, 0));
    while writer.written() != writer.last() {
        std::thread::yield_now();
    }
}

#[test]
fn order_and_room_are_kept_to() {
    let folder = temporary();
    let events = market::events(10_000);
    let (mut writer, _) = EventLogWriter::open(&options(folder.path())).expect("opens");
    writer.append(&events[1]);
    writer.append(&events[0]);
    assert!(!writer.has_room());
    let error = writer.failure().expect("the order is broken").to_string();
    assert!(error.contains("was appended after"), "{error}");

    // A writer thread that has failed frees no buffers: the folder is gone before the first block.
    let folder = temporary();
    let (mut writer, _) = EventLogWriter::open(&options(folder.path())).expect("opens");
    std::fs::remove_dir_all(folder.path()).expect("removes");
    let taken = events.iter().take_while(|event| {
        let room = writer.has_room();
        if room {
            writer.append(event);
        }
        room
    });
    assert!(taken.count() < events.len());
    assert!(matches!(writer.close(), Err(EventLogError::Io { .. })));
}

#[test]
fn as_many_events_are_taken_as_room_was_told_for() {
    let folder = temporary();
    let mut events = market::events(4_000).into_iter().cycle().map(|event| {
        // Every word used: the largest packed form there is.
        EventRecord::from_words(event.words().map(|word| word | 1 << 63))
    });
    let mut sequence = 1;
    for round in 0..20 {
        let options = EventLogOptions { queue_blocks_max: 1 + round % 3, ..options(folder.path()) };
        let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
        let mut appended = 0;
        while appended < 300 {
            for _ in 0..writer.room() {
                let mut words = *events.next().expect("endless").words();
                words[0] = sequence;
                sequence += 1;
                appended += 1;
                writer.append(&EventRecord::from_words(words));
            }
            assert!(writer.failure().is_none(), "{:?}", writer.failure());
            std::thread::yield_now();
        }
        writer.close().expect("closes");
    }
}

#[test]
fn what_is_read_by_all_can_be_removed() {
    let folder = temporary();
    let events = market::events(3_000);
    write(&options(folder.path()), &events);
    let before = files(folder.path(), "events").len();
    let keep = Address::of(&events[1_700]);
    let removed = remove_files_below(folder.path(), keep).expect("removes");
    assert!(removed > 1);
    assert_eq!(files(folder.path(), "events").len(), before - removed);
    assert_eq!(files(folder.path(), "index").len(), before - removed);
    let left = read(folder.path()).expect("reads");
    assert!(left.len() >= 1_300 && left.len() < 1_700);
    assert!(left == events[3_000 - left.len()..]);
    assert_eq!(
        remove_files_below(folder.path(), Address::of(&events[2_999])).expect("removes"),
        before - removed - 1
    );
    let (_, tail) = EventLogWriter::open(&options(folder.path())).expect("opens");
    assert_eq!(tail.events, 3_000);
}

#[test]
fn an_option_out_of_bounds_is_named() {
    let options = EventLogOptions { block_bytes_max: 100, ..EventLogOptions::new("nowhere".into()) };
    let error = EventLogWriter::open(&options).expect_err("refused").to_string();
    assert_eq!(error, "event log: block_bytes_max is 100; set it between 4096 and 4194304");
}

#[test]
fn a_cursor_is_there_or_not_and_never_half() {
    let folder = temporary();
    let path = folder.path().join("json.cursor");
    let address = Address::of(&market::events(100)[99]);
    let mut cursor = Cursor::open(&path).expect("opens");
    assert_eq!(cursor.done(), Address::START);
    cursor.store(address).expect("stores");
    // What a crash in the middle of the next store leaves: a half-written file beside it.
    std::fs::write(path.with_extension("new"), b"RCU").expect("writes");
    let mut cursor = Cursor::open(&path).expect("opens");
    assert_eq!(cursor.done(), address);
    cursor.store(address.after()).expect("stores over the leftover");
    std::fs::write(&path, b"RCUR").expect("writes");
    let error = Cursor::open(&path).expect_err("damaged").to_string();
    assert!(error.contains("delete it to read again from the start"), "{error}");
}

#[test]
fn a_reader_waits_at_a_log_that_is_behind_it() {
    let folder = temporary();
    let options = options(folder.path());
    let events = market::events(900);
    write(&options, &events[..300]);
    let mut reader = EventLogReader::open(folder.path()).expect("opens");
    reader.seek(Address::of(&events[600]));
    assert!(reader.next().expect("reads").is_none());
    write(&options, &events[300..]);
    assert!(read_on(&mut reader).expect("reads") == events[600..]);
    assert_eq!(Damage::Magic.to_string(), "no block begins here");
}
