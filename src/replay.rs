//! `rotunda replay`: rebuilds the market from the journal and compares what comes out with the event log.

use crate::book_text::{self, Listed};
use crate::cli::ReplayOptions;
use crate::data_folder;
use crate::failure::Failure;
use crate::output;
use crate::rebuild::{self, Moment, Reach, rebuild};
use crate::time;
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::{Sequence, Timestamp};
use journal::event_log::{Address, EventLogError, EventLogReader};
use journal::snapshot::Mark;
use serde_json::json;
use std::ops::ControlFlow;
use std::path::Path;

/// What a replay has come to.
pub(crate) struct Proof {
    pub(crate) sequence: Sequence,
    pub(crate) events: u64,
    /// Events that the event log has, all the same.
    pub(crate) compared: u64,
    pub(crate) event_hash: u64,
    pub(crate) state_hash: u64,
    /// The first event that the event log has and the journal did not yield.
    pub(crate) ahead: Option<Address>,
}

/// Where a replay stops.
#[derive(Clone, Copy, Default)]
struct Stop {
    time: Option<Timestamp>,
    sequence: Option<Sequence>,
}

impl Stop {
    fn excludes(self, sequence: Sequence, time: Timestamp) -> bool {
        self.time.is_some_and(|last| time > last) || self.sequence.is_some_and(|last| sequence > last)
    }
}

/// Rebuilds, compares, and prints counts, hashes and a book.
pub(crate) fn run(options: &ReplayOptions) -> Result<(), Failure> {
    let time = options.to_time.as_deref().map(parse_time).transpose()?;
    let stop = Stop { time, sequence: options.to_sequence.map(Sequence) };
    let (engine, events, mut stored) = compare(&options.data, stop)?;
    if stop.time.is_none() && stop.sequence.is_none() {
        stored.check_nothing_left(&options.data)?;
    }
    let book = options.book.as_deref().map(|symbol| book_text::listed(&engine, symbol)).transpose()?;
    print(options, &engine, (events, stored.compared), book.as_ref())
}

/// Rebuilds the whole journal of `data` and compares it with the whole event log.
///
/// # Errors
/// The journal cannot be followed, or the event log has another event.
pub(crate) fn prove(data: &Path) -> Result<Proof, Failure> {
    let (engine, events, mut stored) = compare(data, Stop::default())?;
    let ahead = if stored.ended { None } else { stored.reader.next()?.map(|event| Address::of(&event)) };
    Ok(Proof {
        sequence: engine.last_sequence(),
        events,
        compared: stored.compared,
        event_hash: engine.event_hash(),
        state_hash: engine.state_hash(),
        ahead,
    })
}

/// The market up to `stop`, how many events there were, and how far they were compared.
fn compare(data: &Path, stop: Stop) -> Result<(Engine, u64, Stored), Failure> {
    let mut stored = Stored::open(data)?;
    let mut events = 0u64;
    let mut fault = None;
    let engine = rebuild(data, Reach::Back, &mut |moment| {
        let go_on = match moment {
            Moment::Begins { mark, .. } => {
                events = mark.events;
                let beyond = stop.excludes(mark.sequence, mark.time);
                fault = if beyond { Some(beyond_reach(mark)) } else { stored.begin(mark).err() };
                fault.is_none()
            }
            Moment::Before { sequence, command, .. } => !stop.excludes(sequence, command.time()),
            Moment::After { events: said, .. } => {
                events += said.len() as u64;
                fault = said.iter().try_for_each(|event| stored.compare(event)).err();
                fault.is_none()
            }
        };
        if go_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    match fault {
        Some(fault) => Err(fault),
        None => Ok((engine, events, stored)),
    }
}

fn beyond_reach(mark: &Mark) -> Failure {
    Failure::new(format!(
        "the journal goes back to command {} ({}) only: what was before was removed, and is in backups",
        mark.sequence,
        time::rfc3339(mark.time)
    ))
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
    /// What lies below was removed.
    first: Address,
    compared: u64,
    ended: bool,
}

impl Stored {
    fn open(data: &Path) -> Result<Self, Failure> {
        let reader = rebuild::events(data)?;
        let first = reader.first()?.unwrap_or_default();
        Ok(Self { reader, first, compared: 0, ended: false })
    }

    /// Goes to the first event behind a snapshot, as far as the event log still has them.
    fn begin(&mut self, mark: &Mark) -> Result<(), Failure> {
        self.reader.seek(mark.last_event.after());
        self.first = self.reader.first()?.unwrap_or_default();
        Ok(())
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
        if self.ended || Address::of(made) < self.first {
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
