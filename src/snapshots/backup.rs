//! `rotunda backup`: a data folder copied while its venue runs, and the copy proven.
//!
//! The order makes it consistent: cursors before the events that they speak of, events before the journal that
//! they follow from. Of the journal only whole records are copied: what a writer is at is left out, so that no
//! copy of it can be taken for damage.

use crate::cli::BackupOptions;
use crate::data_folder;
use crate::failure::Failure;
use crate::replay::{self, Proof};
use engine::number::Sequence;
use journal::event_log::{Address, stored_files};
use journal::{JournalReader, KnownPoint, Position, snapshot, stored_segments};
use serde_json::json;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How often a copy is begun again because the venue has removed what was being copied, or its journal had not
/// come to its events (a venue that does not wait for the disk).
const TRIES_MAX: usize = 5;

/// Copies, proves the copy, and says what it holds.
pub(crate) fn run(options: &BackupOptions) -> Result<(), Failure> {
    let (data, to) = (&options.data, &options.to);
    if !data_folder::journal(data).is_dir() {
        return Err(Failure::new(format!(
            "{}: no journal is here; name the data folder of a venue with --data",
            data.display()
        )));
    }
    std::fs::create_dir_all(to).map_err(told("make", to))?;
    let inside = to.canonicalize()?.starts_with(data.canonicalize()?);
    if inside || std::fs::read_dir(to).map_err(told("list", to))?.next().is_some() {
        return Err(Failure::new(format!(
            "{}: the copy goes into an empty folder outside of the one that is copied; name another one with --to",
            to.display()
        )));
    }
    let proof = copy_and_prove(data, to)?;
    let Proof { sequence, events, compared, event_hash, state_hash, .. } = proof;
    if options.json {
        println!(
            "{}",
            json!({"sequence": sequence.0, "events": events, "compared": compared,
                "event_hash": format!("{event_hash:016x}"), "state_hash": format!("{state_hash:016x}"), "to": to})
        );
        return Ok(());
    }
    println!("command       {sequence}");
    println!("events        {events}");
    println!("compared      {compared} with the event log, all the same");
    println!("event hash    {event_hash:016x}");
    println!("state hash    {state_hash:016x}");
    println!("copied to     {}", to.display());
    Ok(())
}

fn copy_and_prove(data: &Path, to: &Path) -> Result<Proof, Failure> {
    let mut tries = 1;
    loop {
        let before = oldest(data)?;
        let failure = match copy(data, to).and_then(|()| replay::prove(to)) {
            Ok(proof) if proof.ahead.is_none() => return Ok(proof),
            Ok(_) => Failure::new("the event log was ahead of the journal each time; close the venue first"),
            Err(failure) if oldest(data)? == before => return Err(failure),
            Err(failure) => failure,
        };
        if tries == TRIES_MAX {
            return Err(failure);
        }
        tries += 1;
        for entry in std::fs::read_dir(to).map_err(told("list", to))? {
            let path = entry?.path();
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(told("remove", &path))?;
        }
    }
}

/// What retention changes: a copy during which it did not change has missed nothing.
#[derive(PartialEq, Eq)]
struct Oldest {
    snapshots: Vec<Sequence>,
    segment: Option<u64>,
    event: Option<Address>,
}

fn oldest(data: &Path) -> Result<Oldest, Failure> {
    let events = data_folder::event_log(data);
    let files = if events.is_dir() { stored_files(&events)? } else { Vec::new() };
    Ok(Oldest {
        snapshots: snapshot::list(&data_folder::snapshots(data))?,
        segment: journal::first_segment(&data_folder::journal(data))?,
        event: files.first().map(|file| file.first),
    })
}

fn copy(data: &Path, to: &Path) -> Result<(), Failure> {
    copy_file(&data_folder::limits_file(data), &data_folder::limits_file(to))?;
    copy_files(&data_folder::cursors(data), &data_folder::cursors(to), |name| !ends_with(name, "new"))?;
    copy_files(&data_folder::snapshots(data), &data_folder::snapshots(to), |name| {
        ends_with(name, "snapshot")
    })?;
    // An index that lacks an entry is made again; one of an event that is not there would be, too.
    for extension in ["index", "events"] {
        copy_files(&data_folder::event_log(data), &data_folder::event_log(to), |name| {
            ends_with(name, extension)
        })?;
    }
    copy_journal(data, to)?;
    sync_folder(to)
}

/// Whole segments up to the last whole record.
fn copy_journal(data: &Path, to: &Path) -> Result<(), Failure> {
    let (from_folder, to_folder) = (data_folder::journal(data), data_folder::journal(to));
    let snapshots = data_folder::snapshots(to);
    let marks = snapshot::list(&snapshots)?.into_iter().rev();
    let known = marks.filter_map(|sequence| snapshot::read_mark(&snapshots, sequence).ok()).next();
    let known = known.map_or(KnownPoint::START, |mark| mark.journal);
    let mut reader = JournalReader::open_at(&from_folder, known)?;
    while reader.next_record()?.is_some() {}
    let end = reader.tail().map(|tail| tail.end);
    std::fs::create_dir_all(&to_folder).map_err(told("make", &to_folder))?;
    for segment in stored_segments(&from_folder)? {
        let Some(Position { segment: last, offset }) = end else { break };
        if segment.generation > last {
            break;
        }
        let name = format!("{:010}.journal", segment.generation);
        let path = to_folder.join(&name);
        let bytes = if segment.generation == last { offset } else { segment.bytes };
        copy_bytes(&from_folder.join(&name), &path, bytes)?;
        // What is not written reads as zeros, as in a segment that was made ahead.
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| {
                file.set_len(segment.bytes)?;
                file.sync_all()
            })
            .map_err(told("write", &path))?;
    }
    sync_folder(&to_folder)
}

fn copy_files(from: &Path, to: &Path, wanted: impl Fn(&Path) -> bool) -> Result<(), Failure> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(to).map_err(told("make", to))?;
    for entry in std::fs::read_dir(from).map_err(told("list", from))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| wanted(&path)) {
            copy_file(&path, &to.join(name))?;
        }
    }
    sync_folder(to)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Failure> {
    copy_bytes(from, to, u64::MAX)
}

/// Copies at most the first `bytes`, durably.
fn copy_bytes(from: &Path, to: &Path, bytes: u64) -> Result<(), Failure> {
    let source = File::open(from).map_err(told("read", from))?;
    let copied = File::create(to).and_then(|mut target| {
        io::copy(&mut source.take(bytes), &mut target)?;
        target.sync_all()
    });
    copied.map_err(told("write", to))
}

fn sync_folder(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(told("sync", folder))
}

fn ends_with(path: &Path, extension: &str) -> bool {
    path.extension() == Some(OsStr::new(extension))
}

fn told(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::new(format!("backup: cannot {what} {}: {error}", path.display()))
}
