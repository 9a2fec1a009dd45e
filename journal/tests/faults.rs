//! A disk that refuses: the first error is the last word, it names what to do, and what was acknowledged
//! before it is there at the next start.

mod common;

use common::{append, by_hand, options, record, reopen};
use engine::number::Sequence;
use journal::disk::simulated::{Fault, SimulatedDisk};
use journal::{Journal, JournalError, JournalOptions};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Appends and polls until the disk refuses; returns what was durable then, and the error.
fn run_until_error(journal: &mut Journal<&mut SimulatedDisk>) -> (Sequence, JournalError) {
    for _ in 0..1_000_000 {
        append(journal, 3);
        if let Err(error) = journal.poll(Instant::now()) {
            return (journal.durable(), error);
        }
    }
    panic!("the fault was never reported");
}

#[test]
fn each_of_the_first_writes_may_fail_in_each_way() {
    let began = Instant::now();
    let writes = if by_hand() { 10_000 } else { 100 };
    let next = AtomicU64::new(0);
    // What is written last first: one thread is not left with the longest.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(number) = (writes - 1u64).checked_sub(next.fetch_add(1, Ordering::Relaxed)) {
                    for fault in [Fault::InputOutput, Fault::Full, Fault::Short] {
                        fail_at(number, fault);
                    }
                }
            });
        }
    });
    record("write_faults_journal", &[("writes", writes), ("faults", 3), ("acknowledged_lost", 0)], began);
}

/// The write with this number fails; the journal ends with it, and the next start has what was acknowledged.
fn fail_at(number: u64, fault: Fault) {
    let options = JournalOptions { segment_bytes: 1 << 20, ..options(Path::new("simulated")) };
    let mut disk = SimulatedDisk::new(number);
    disk.inject(number, fault);
    let durable = match reopen(&mut disk, &options) {
        Err(error) => {
            assert_eq!(number, 0, "only the term's first record is written while opening: {error}");
            Sequence(0)
        }
        Ok((mut journal, _)) => {
            let (durable, error) = run_until_error(&mut journal);
            check_message(fault, &error);
            assert!(matches!(journal.poll(Instant::now()), Err(JournalError::Ended)), "it stays ended");
            assert_eq!(journal.room(), 0);
            assert_eq!(journal.durable(), durable);
            assert!(journal.close().is_err());
            durable
        }
    };
    disk.cut_power();
    let (_, recovered) = reopen(&mut disk, &options).expect("the next start goes on");
    assert!(recovered.last >= durable, "{fault:?} at write {number}: {durable} was acknowledged");
}

fn check_message(fault: Fault, error: &JournalError) {
    let text = error.to_string();
    let named = match fault {
        Fault::InputOutput | Fault::Lie => text.contains("kernel log"),
        Fault::Full => text.contains("disk is full"),
        Fault::Short => matches!(error, JournalError::ShortWrite { .. }),
    };
    assert!(named, "{fault:?}: {text}");
}

#[test]
fn a_disk_without_room_for_the_next_segment_ends_the_journal_before_it_is_needed() {
    let options = options(Path::new("simulated"));
    let mut disk = SimulatedDisk::new(1);
    disk.limit_segments(2);
    let (mut journal, _) = reopen(&mut disk, &options).unwrap();
    let (durable, error) = run_until_error(&mut journal);
    check_message(Fault::Full, &error);
    disk.cut_power();
    disk.limit_segments(9);
    let (_, recovered) = reopen(&mut disk, &options).unwrap();
    assert!(recovered.last >= durable && durable > Sequence(0));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"no folder").unwrap();
    let options = options(&file.join("journal"));
    let error = journal::open(&options, &mut |_, _| {}, &mut |_| {}).err().unwrap();
    assert!(error.to_string().contains("file/journal"), "{error}");
}
