//! A real file system that takes a part of a write only: the process's own limit on file sizes falls into the
//! midst of a record. Alone in its file, for the limit holds for the whole process.

#![cfg(target_os = "linux")]

mod common;

use common::{append, options, reopen};
use journal::disk::FileDisk;
use journal::{Backend, JournalError, JournalOptions, JournalReader};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Instant;

#[test]
fn a_short_write_ends_the_journal_and_loses_nothing() {
    for backend in [Backend::Blocking, Backend::IoUring] {
        check(backend);
    }
}

fn check(backend: Backend) {
    let unlimited = getrlimit(Resource::Fsize);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = JournalOptions { backend, ..options(folder.path()) };
    let disk = match FileDisk::open(&options) {
        Ok(disk) => disk,
        Err(error) => return eprintln!("skipped: {error}"),
    };
    let (mut journal, _) = reopen(disk, &options).expect("a new journal opens");
    common::write(&mut journal, 100, 10).expect("the limit is not set yet");
    let mut reader = JournalReader::open(folder.path()).expect("the folder is there");
    while reader.next_record().expect("the journal is whole").is_some() {}
    let end = reader.tail().expect("all was read").end;
    assert!(end.offset + 8192 <= options.segment_bytes, "the record fits into its segment");
    // The thread that makes segments must be done: the limit would end it with a signal.
    while !folder.path().join(format!("{:010}.journal", end.segment + 1)).exists() {
        std::thread::yield_now();
    }
    while journal.room() > 0 {
        append(&mut journal, usize::MAX);
    }
    let limited = Rlimit { current: Some(end.offset + 4096), ..unlimited };
    setrlimit(Resource::Fsize, limited).expect("a limit may be lowered");
    let error = loop {
        if let Err(error) = journal.poll(Instant::now()) {
            break error;
        }
    };
    setrlimit(Resource::Fsize, unlimited).expect("and raised to what it was");
    assert!(
        matches!(error, JournalError::ShortWrite { offset, expected: 8192, written: 4096, .. } if offset == end.offset),
        "{error}"
    );
    assert_eq!(journal.durable().0, 100);
    drop(journal);
    let (_, recovered) =
        FileDisk::open(&options).and_then(|disk| reopen(disk, &options)).expect("the tail is cut");
    assert_eq!((recovered.last.0, recovered.bytes_cut), (100, 4096));
}
