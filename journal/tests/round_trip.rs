//! What was appended comes back: over segments, restarts, both ways to write, and from the reader.

mod common;

use common::{append, options, reopen, write};
use engine::number::Sequence;
use journal::disk::FileDisk;
use journal::{Backend, JournalError, JournalOptions, JournalReader, open};
use std::time::{Duration, Instant};

fn disk(options: &JournalOptions) -> FileDisk {
    FileDisk::open(options).expect("a new folder can be used")
}

#[test]
fn commands_come_back_over_segments_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    for start in 0..5 {
        let (mut journal, recovered) = reopen(disk(&options), &options).unwrap();
        assert_eq!(recovered.last, Sequence(start * 1000));
        assert_eq!((recovered.term, recovered.bytes_cut), (start + 1, 0));
        write(&mut journal, 1000, 1 + 7 * start as usize).unwrap();
        journal.close().unwrap();
    }
    let segments = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(segments > 5, "{segments} segments");
}

#[test]
fn a_journal_that_was_never_closed_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let (mut journal, _) = reopen(disk(&options), &options).unwrap();
    write(&mut journal, 300, 10).unwrap();
    drop(journal);
    let (journal, recovered) = reopen(disk(&options), &options).unwrap();
    assert_eq!((recovered.last, recovered.bytes_cut), (Sequence(300), 0));
    journal.close().unwrap();
}

#[test]
fn both_backends_write_the_same_bytes() {
    let folders = [Backend::IoUring, Backend::Blocking].map(|backend| {
        let folder = tempfile::tempdir().unwrap();
        let options = JournalOptions { backend, writes_in_flight: 1, ..options(folder.path()) };
        let disk = match FileDisk::open(&options) {
            Ok(disk) => disk,
            Err(error) => {
                eprintln!("skipped: {error}");
                return None;
            }
        };
        assert_eq!(disk.backend(), backend);
        let (mut journal, _) = reopen(disk, &options).unwrap();
        for batch in [1, 20, 40, 3, 1] {
            for _ in 0..4 {
                append(&mut journal, batch);
                common::settle(&mut journal).unwrap();
            }
        }
        journal.close().unwrap();
        Some(folder)
    });
    let [Some(direct), Some(blocking)] = folders else { return };
    let mut compared = 0;
    for generation in 1..100 {
        let name = format!("{generation:010}.journal");
        let (Ok(left), Ok(right)) =
            (std::fs::read(direct.path().join(&name)), std::fs::read(blocking.path().join(&name)))
        else {
            break;
        };
        assert!(left == right, "{name} differs");
        compared += 1;
    }
    assert!(compared > 1, "{compared} segments compared");
}

#[test]
fn a_journal_that_goes_with_writes_under_way_is_reopened_at_once() {
    for backend in [Backend::IoUring, Backend::Blocking] {
        let folder = tempfile::tempdir().unwrap();
        let options = JournalOptions { backend, ..options(folder.path()) };
        let mut acknowledged = Sequence(0);
        for _ in 0..30 {
            let Ok(disk) = FileDisk::open(&options) else { continue };
            let (mut journal, recovered) = reopen(disk, &options).unwrap();
            assert!(recovered.last >= acknowledged);
            for _ in 0..3 {
                append(&mut journal, 40);
                journal.poll(Instant::now()).unwrap();
            }
            acknowledged = journal.durable();
        }
    }
}

#[test]
fn a_start_waits_for_another_to_let_go_of_a_segment() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let (journal, _) = reopen(disk(&options), &options).unwrap();
    let let_go = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(journal);
    });
    let begin = Instant::now();
    let (_, recovered) = reopen(disk(&options), &options).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(90), "the lock is waited for");
    assert_eq!(recovered.term, 2);
    let_go.join().unwrap();
}

#[test]
fn a_running_journal_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let (mut journal, _) = reopen(disk(&options), &options).unwrap();
    let writer = std::thread::spawn(move || write(&mut journal, 20_000, 11).map(|()| journal));
    let mut longest = 0;
    while !writer.is_finished() {
        let mut reader = JournalReader::open(folder.path()).unwrap();
        let mut last = 0;
        while let Some(record) = reader.next_record().unwrap() {
            record.for_each_command(&mut |sequence, _| last = sequence.0).unwrap();
        }
        assert!(last >= longest, "what was read once is there: {last} after {longest}");
        longest = last;
    }
    writer.join().unwrap().unwrap().close().unwrap();
}

#[test]
fn the_reader_sees_what_recovery_sees() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let (mut journal, _) = reopen(disk(&options), &options).unwrap();
    write(&mut journal, 500, 9).unwrap();
    let mut reader = JournalReader::open(folder.path()).unwrap();
    let mut last = Sequence(0);
    let mut index = 0;
    while let Some(record) = reader.next_record().unwrap() {
        assert_eq!(record.header.cluster, options.cluster);
        assert_eq!(record.header.generation, record.position.segment);
        let mut entries = record.entries();
        while let Some(entry) = entries.next_entry().unwrap() {
            index += 1;
            assert_eq!((entry.header.index, entry.header.term, entry.header.rules), (index, 1, 1));
            entry
                .for_each(|sequence, found| {
                    assert_eq!(found.words(), common::command(sequence.0).words());
                    last = sequence;
                })
                .unwrap();
        }
    }
    assert_eq!(last, Sequence(500));
    assert_eq!(index, journal.last_index());
    assert_eq!(reader.tail().map(|tail| tail.bytes_torn), Some(0));
}

#[test]
fn an_idle_journal_vouches_once_and_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let options = JournalOptions { vouch_after: Duration::from_millis(10), ..options(folder.path()) };
    let (mut journal, _) = reopen(disk(&options), &options).unwrap();
    let begin = Instant::now();
    append(&mut journal, 1);
    while journal.durable() < Sequence(1) {
        journal.poll(begin).unwrap();
    }
    assert!(!journal.is_quiet(), "nothing vouches for the last command yet");
    assert_eq!(journal.poll(begin + Duration::from_millis(9)).unwrap(), 0);
    assert_eq!(journal.poll(begin + Duration::from_millis(10)).unwrap(), 1);
    while !journal.is_quiet() {
        journal.poll(begin + Duration::from_millis(10)).unwrap();
    }
    assert_eq!(journal.poll(begin + Duration::from_secs(9)).unwrap(), 0, "once is enough");
}

#[test]
fn another_node_and_other_sizes_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let (journal, _) = reopen(disk(&options), &options).unwrap();
    journal.close().unwrap();
    let other = JournalOptions { node: 8, ..options.clone() };
    let error = open(&other, &mut |_, _| {}, &mut |_| {}).err().unwrap();
    assert!(matches!(error, JournalError::Owner { .. }), "{error}");
    let larger = JournalOptions { record_bytes_max: 32 << 10, segment_bytes: 1 << 20, ..options };
    let error = open(&larger, &mut |_, _| {}, &mut |_| {}).err().unwrap();
    assert!(error.to_string().contains("record_bytes_max"), "{error}");
}
