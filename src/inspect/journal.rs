//! Commands of the journal, one a line.

use super::{Stop, command};
use crate::cli::{Range, Source};
use crate::data_folder;
use crate::failure::Failure;
use crate::rebuild;
use crate::time;
use adapters::Instruments;
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::Sequence;
use journal::JournalError;
use serde_json::{Map, Value, json};
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
    let mut beyond = false;
    let mut scales = Scales::new(source)?;
    while let Some(record) = reader.next_record().map_err(Failure::from)? {
        let header = record.header;
        seen.records += 1;
        seen.entries += u64::from(header.entries);
        seen.term = header.term;
        seen.durable_index = header.durable;
        seen.last_index = header.first_index + u64::from(header.entries) - u64::from(header.entries > 0);
        let place = record.position;
        let mut each = |sequence: Sequence, slot: &CommandSlot| {
            seen.commands += 1;
            let inside = sequence.0 >= range.from && range.to.is_none_or(|to| sequence.0 <= to);
            beyond = range.to.is_some_and(|to| sequence.0 >= to) && !range.summary;
            if inside && !range.summary && written.is_ok() {
                let fields = command::fields(slot, &scales.instruments);
                let line = line(sequence, slot, (place.segment, place.offset), fields, source.json);
                written = writeln!(out, "{line}");
            }
            if !range.summary {
                scales.follow(sequence, slot);
            }
        };
        if let Err(fault) = record.for_each_command(&mut each) {
            let file = data_folder::journal(&source.data);
            return Err(Failure::from(JournalError::Malformed { file, offset: place.offset, fault }).into());
        }
        std::mem::replace(&mut written, Ok(()))?;
        if beyond {
            break;
        }
    }
    if range.summary {
        let torn = reader.tail().map_or(0, |tail| tail.bytes_torn);
        writeln!(out, "{}", summary(&seen, torn, source.json))?;
    }
    Ok(out.flush()?)
}

/// The scales of instruments as they are before each command: the market tells them as it is made again.
struct Scales {
    engine: Engine,
    events: Vec<EventRecord>,
    instruments: Instruments,
}

impl Scales {
    fn new(source: &Source) -> Result<Self, Failure> {
        let engine = Engine::new(&data_folder::limits(&source.data)?.unwrap_or_default());
        Ok(Self { engine, events: Vec::new(), instruments: Instruments::default() })
    }

    fn follow(&mut self, sequence: Sequence, command: &CommandSlot) {
        self.engine.apply(sequence, command, &mut self.events);
        for event in self.events.drain(..) {
            self.instruments.observe(&event);
        }
    }
}

fn line(
    sequence: Sequence,
    command: &CommandSlot,
    (segment, offset): (u64, u64),
    fields: Map<String, Value>,
    as_json: bool,
) -> String {
    let time = time::rfc3339(command.time());
    if !as_json {
        let place = format!("{segment}:{offset}");
        return format!("{sequence:<10} {time} {place:<12} {}", command::text(&fields));
    }
    let mut object = Map::new();
    object.insert("sequence".to_owned(), sequence.0.into());
    object.insert("time".to_owned(), time.into());
    object.insert("segment".to_owned(), segment.into());
    object.insert("offset".to_owned(), offset.into());
    object.extend(fields);
    Value::Object(object).to_string()
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
