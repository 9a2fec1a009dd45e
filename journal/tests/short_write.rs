//! A real file system that takes a part of a write only: the process's own limit on file sizes falls into the
//! midst of a record. Alone in its file, for the limit holds for the whole process. Blocking writes only: the
//! kernel itself goes on with a short write of io_uring, and would end the process with a signal here.

#![cfg(target_os = "linux")]

mod common;

use common::{append, options, reopen};
use journal::disk::FileDisk;
use journal::{Backend, JournalError, JournalOptions, JournalReader};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Instant;

#[test]
fn a_short_write_ends_the_journal_and_loses_nothing() {
    let unlimited = getrlimit(Resource::Fsize);
    let folder = tempfile::tempdir().unwrap();
    let options = JournalOptions { backend: Backend::Blocking, ..options(folder.path()) };
    let disk = FileDisk::open(&options).unwrap();
    let (mut journal, _) = reopen(disk, &options).unwrap();
    common::write(&mut journal, 100, 10).unwrap();
    let mut reader = JournalReader::open(folder.path()).unwrap();
    while reader.next_record().unwrap().is_some() {}
    let end = reader.tail().unwrap().end;
    assert!(end.offset + 8192 <= options.segment_bytes, "the record fits into its segment");
    // The thread that makes segments must be done: the limit would end it with a signal.
    while !folder.path().join(format!("{:010}.journal", end.segment + 1)).exists() {
        std::thread::yield_now();
    }
    while journal.room() > 0 {
        append(&mut journal, usize::MAX);
    }
    setrlimit(Resource::Fsize, Rlimit { current: Some(end.offset + 4096), ..unlimited }).unwrap();
    let error = loop {
        if let Err(error) = journal.poll(Instant::now()) {
            break error;
        }
    };
    setrlimit(Resource::Fsize, unlimited).unwrap();
    assert!(
        matches!(error, JournalError::ShortWrite { offset, expected: 8192, written: 4096, .. } if offset == end.offset),
        "{error}"
    );
    assert_eq!(journal.durable().0, 100);
    drop(journal);
    let (_, recovered) = reopen(FileDisk::open(&options).unwrap(), &options).unwrap();
    assert_eq!((recovered.last.0, recovered.bytes_cut), (100, 4096));
}
