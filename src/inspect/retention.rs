//! What is kept, and who holds it.

use super::Stop;
use crate::cli::Source;
use crate::data_folder;
use crate::failure::Failure;
use crate::snapshots::retention::{Bounds, Plan};
use engine::number::Sequence;
use journal::event_log::{self, Address};
use serde_json::json;
use std::io::Write;

/// Prints snapshots, journal and event log, and from where on each holder needs events.
pub(super) fn run(source: &Source) -> Result<(), Stop> {
    let data = &source.data;
    // Who looks on from outside does not know how far the log is synced: a second later, all of it is.
    let synced = Address { sequence: Sequence(u64::MAX), ordinal: 0 };
    let plan = Plan::new(data, &[], Bounds { synced, event_log_bytes_max: u64::MAX })?;
    let segments = journal::stored_segments(&data_folder::journal(data)).map_err(Failure::from)?;
    let segment_bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let events = data_folder::event_log(data);
    let files =
        if events.is_dir() { event_log::stored_files(&events).map_err(Failure::from)? } else { Vec::new() };
    let file_bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let first = files.first().map_or(Address::START, |file| file.first);
    let mut out = std::io::stdout().lock();
    if source.json {
        let snapshots: Vec<_> = plan
            .snapshots
            .iter()
            .map(|mark| json!({"sequence": mark.sequence.0, "events": mark.events, "segment": mark.journal.segment}))
            .collect();
        let holders: Vec<_> = plan
            .holders
            .iter()
            .map(|holder| json!({"holder": holder.name, "from": holder.from.to_string()}))
            .collect();
        let object = json!({
            "snapshots": snapshots,
            "journal": {"first_segment": segments.first().map(|segment| segment.generation),
                "segments": segments.len(), "bytes": segment_bytes},
            "event_log": {"first": first.to_string(), "files": files.len(), "bytes": file_bytes},
            "holders": holders, "events_below": plan.events_below.to_string(),
        });
        return Ok(writeln!(out, "{object}")?);
    }
    for mark in &plan.snapshots {
        let (sequence, segment) = (mark.sequence, mark.journal.segment);
        writeln!(out, "snapshot      command {sequence}, journal from segment {segment} on")?;
    }
    let oldest = segments.first().map_or(0, |segment| segment.generation);
    writeln!(out, "journal       {} segments from {oldest} on, {} MiB", segments.len(), segment_bytes >> 20)?;
    writeln!(out, "event log     {} files from {first} on, {} MiB", files.len(), file_bytes >> 20)?;
    for holder in &plan.holders {
        writeln!(
            out,
            "held by       {}, from the file that begins at or below {} on",
            holder.name, holder.from
        )?;
    }
    Ok(())
}
