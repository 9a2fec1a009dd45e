//! `rotunda replay`: rebuilds the market from the journal and compares what comes out with the event log.

use crate::book_text::{self, Listed};
use crate::cli::ReplayOptions;
use crate::data_folder;
use crate::failure::Failure;
use crate::output;
use crate::rebuild::{self, Moment, rebuild};
use crate::time;
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::{Sequence, Timestamp};
use journal::event_log::{Address, EventLogError, EventLogReader};
use serde_json::json;
use std::ops::ControlFlow;
use std::path::Path;

/// Rebuilds, compares, and prints counts, hashes and a book.
pub(crate) fn run(options: &ReplayOptions) -> Result<(), Failure> {
    let to_time = options.to_time.as_deref().map(parse_time).transpose()?;
    let to_sequence = options.to_sequence.map(Sequence);
    let mut stored = Stored::open(&options.data)?;
    let mut events = 0u64;
    let mut fault = None;
    let engine = rebuild(&options.data, &mut |moment| match moment {
        Moment::Before { sequence, command, .. } => {
            let late = to_time.is_some_and(|time| command.time() > time);
            let beyond = to_sequence.is_some_and(|last| sequence > last);
            if late || beyond { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
        Moment::After { events: said, .. } => {
            events += said.len() as u64;
            fault = said.iter().try_for_each(|event| stored.compare(event)).err();
            if fault.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    })?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    if to_time.is_none() && to_sequence.is_none() {
        stored.check_nothing_left(&options.data)?;
    }
    let book = options.book.as_deref().map(|symbol| book_text::listed(&engine, symbol)).transpose()?;
    print(options, &engine, (events, stored.compared), book.as_ref())
}

fn parse_time(text: &str) -> Result<Timestamp, Failure> {
    time::parse(text).ok_or_else(|| {
        Failure::usage(format!(
            "--to-time {text:?}: write it like 2026-11-24T09:30:00Z, or as nanoseconds since 1970"
        ))
    })
}

/// The event log, read along.
struct Stored {
    reader: EventLogReader,
    compared: u64,
    ended: bool,
}

impl Stored {
    fn open(data: &Path) -> Result<Self, Failure> {
        let reader = rebuild::events(data)?;
        Ok(Self { reader, compared: 0, ended: false })
    }

    /// Everything stored must follow from the journal. Not judged while a venue runs: it has gone on since the
    /// journal was read.
    fn check_nothing_left(&mut self, data: &Path) -> Result<(), Failure> {
        if self.ended || data_folder::is_held(data) {
            return Ok(());
        }
        let Some(stored) = self.reader.next()? else { return Ok(()) };
        let first = Address::of(&stored);
        let mut end = first;
        while let Some(stored) = self.reader.next()? {
            end = Address::of(&stored);
        }
        Err(EventLogError::Ahead { first, end }.into())
    }

    /// What is not stored (yet) is no difference: the event log is written behind the journal.
    fn compare(&mut self, made: &EventRecord) -> Result<(), Failure> {
        if self.ended {
            return Ok(());
        }
        match self.reader.next()? {
            None => self.ended = true,
            Some(stored) if stored == *made => self.compared += 1,
            Some(stored) => {
                return Err(Failure::new(format!(
                    "journal and event log disagree: the journal makes the event {}, the event log has another one at {}; \
                     the event log is derived: move the folder {:?} away and the next start makes it again",
                    Address::of(made),
                    Address::of(&stored),
                    data_folder::EVENT_LOG,
                )));
            }
        }
        Ok(())
    }
}

fn print(
    options: &ReplayOptions,
    engine: &Engine,
    (events, compared): (u64, u64),
    book: Option<&Listed>,
) -> Result<(), Failure> {
    let (event_hash, state_hash) =
        (format!("{:016x}", engine.event_hash()), format!("{:016x}", engine.state_hash()));
    let (sequence, time) = (engine.last_sequence(), time::rfc3339(engine.clock()));
    if options.json {
        let mut object = json!({
            "sequence": sequence.0, "time": time, "events": events,
            "compared": compared, "event_hash": event_hash, "state_hash": state_hash,
        });
        if let Some(book) = book {
            object["book"] = book.json();
        }
        return output::print_line(&object);
    }
    let book = book.map_or_else(String::new, Listed::text);
    output::print(&format!(
        "commands      {sequence}\n\
         last command  {time}\n\
         events        {events}\n\
         compared      {compared} with the event log, all the same\n\
         event hash    {event_hash}\n\
         state hash    {state_hash}\n\
         {book}"
    ))
}
