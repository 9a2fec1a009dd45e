//! The event log from the outside: what is written is read, and what a crash or a bad disk does to it.

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod faults;
mod format;
mod kill;
mod market;
mod resume;
mod sessions;
mod speed;
mod write_read;

use engine::event::EventRecord;
use journal::event_log::{EventLogError, EventLogOptions, EventLogReader, EventLogWriter};
use std::path::Path;
use tempfile::TempDir;

/// A folder that vanishes; in memory where the system offers that, since nothing here survives a power
/// cut anyway and the tests sync thousands of times.
fn temporary() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a folder")
}

/// Small files and blocks, so that few events make many of both.
fn options(folder: &Path) -> EventLogOptions {
    let mut options = EventLogOptions::new(folder.to_owned());
    options.file_bytes_max = 20_000;
    options.block_bytes_max = 4_096;
    options
}

/// Appends `events` as one command's worth after another would come, waiting for room.
fn append(writer: &mut EventLogWriter, events: &[EventRecord]) {
    for event in events {
        while !writer.has_room() {
            assert!(writer.failure().is_none(), "{:?}", writer.failure());
            std::thread::yield_now();
        }
        writer.append(event);
    }
}

fn write(options: &EventLogOptions, events: &[EventRecord]) {
    let (mut writer, _) = EventLogWriter::open(options).expect("opens");
    append(&mut writer, events);
    writer.close().expect("closes");
}

fn read_on(reader: &mut EventLogReader) -> Result<Vec<EventRecord>, EventLogError> {
    let mut events = Vec::new();
    while let Some(event) = reader.next()? {
        events.push(event);
    }
    Ok(events)
}

fn read(folder: &Path) -> Result<Vec<EventRecord>, EventLogError> {
    read_on(&mut EventLogReader::open(folder)?)
}

/// The log's files with this extension, in order.
fn files(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("lists");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("lists").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}
