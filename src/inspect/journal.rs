//! Commands of the journal, one a line.

use super::Stop;
use crate::cli::{Range, Source};
use crate::data_folder;
use crate::failure::Failure;
use crate::rebuild;
use crate::time;
use engine::command::CommandSlot;
use engine::number::Sequence;
use journal::JournalError;
use serde_json::json;
use std::io::{BufWriter, Write};

/// What was seen.
#[derive(Default)]
struct Seen {
    records: u64,
    entries: u64,
    commands: u64,
    term: u64,
    durable_index: u64,
    last_index: u64,
}

/// Prints the commands of the range, or what the journal holds.
pub(super) fn run(source: &Source, range: Range) -> Result<(), Stop> {
    let mut reader = rebuild::open(&source.data)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut seen = Seen::default();
    let mut written = Ok(());
    while let Some(record) = reader.next_record().map_err(Failure::from)? {
        let header = record.header;
        seen.records += 1;
        seen.entries += u64::from(header.entries);
        seen.term = header.term;
        seen.durable_index = header.durable;
        seen.last_index = header.first_index + u64::from(header.entries) - u64::from(header.entries > 0);
        let place = record.position;
        let mut each = |sequence: Sequence, command: &CommandSlot| {
            seen.commands += 1;
            let inside = sequence.0 >= range.from && range.to.is_none_or(|to| sequence.0 <= to);
            if inside && !range.summary && written.is_ok() {
                let line = line(sequence, command, (place.segment, place.offset), source.json);
                written = writeln!(out, "{line}");
            }
        };
        if let Err(fault) = record.for_each_command(&mut each) {
            let file = data_folder::journal(&source.data);
            return Err(Failure::from(JournalError::Malformed { file, offset: place.offset, fault }).into());
        }
        std::mem::replace(&mut written, Ok(()))?;
    }
    if range.summary {
        let torn = reader.tail().map_or(0, |tail| tail.bytes_torn);
        writeln!(out, "{}", summary(&seen, torn, source.json))?;
    }
    Ok(out.flush()?)
}

fn line(sequence: Sequence, command: &CommandSlot, (segment, offset): (u64, u64), as_json: bool) -> String {
    let told = match command.view() {
        Ok(view) => format!("{view:?}"),
        Err(malformed) => malformed.to_string(),
    };
    let time = time::rfc3339(command.time());
    if as_json {
        return json!({"sequence": sequence.0, "time": time, "segment": segment, "offset": offset, "command": told})
            .to_string();
    }
    format!("{sequence:<10} {time} {segment}:{offset:<10} {told}")
}

fn summary(seen: &Seen, bytes_torn: u64, as_json: bool) -> String {
    let Seen { records, entries, commands, term, durable_index, last_index } = seen;
    if as_json {
        return json!({"records": records, "entries": entries, "commands": commands, "term": term,
            "last_index": last_index, "vouched_index": durable_index, "bytes_torn": bytes_torn})
        .to_string();
    }
    format!(
        "{commands} commands in {entries} entries and {records} records; term {term}; last index {last_index}, \
         vouched for up to {durable_index}; {bytes_torn} bytes of torn writes behind them"
    )
}
