//! Recovery, the one path of every start: the journal is replayed into an empty engine; the events that
//! come out are compared with the event log where it has them, and appended where it does not.

use crate::config::{Backend, Configuration};
use crate::data_folder::{self, DataFolder};
use crate::failure::Failure;
use crate::progress;
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::Sequence;
use journal::event_log::{Address, EventLogOptions, EventLogWriter, Regenerated, Resume};
use journal::{Journal, JournalOptions, Progress};
use std::path::Path;

/// A venue as its log left it.
pub(crate) struct Recovered {
    pub(crate) engine: Engine,
    pub(crate) journal: Journal,
    pub(crate) event_log: EventLogWriter,
    /// The last event of the log.
    pub(crate) last_event: Address,
}

/// Rebuilds the market from the data folder. Each event, old or new, goes to `learn`.
///
/// # Errors
/// The journal or the event log cannot be read or written, is damaged where it was durable, or the two
/// disagree. Nothing is changed then but torn ends.
pub(crate) fn recover(
    configuration: &Configuration,
    folder: &DataFolder,
    learn: &mut impl FnMut(&EventRecord),
) -> Result<Recovered, Failure> {
    let data = folder.path();
    let events_folder = data_folder::event_log(data);
    let limits = folder.keep_limits(&configuration.engine)?;
    let (writer, tail) = EventLogWriter::open(&event_log_options(configuration, &events_folder))?;
    if tail.cut_bytes > 0 {
        tracing::warn!(
            bytes = tail.cut_bytes,
            "the event log ended in bytes that were half-written or damaged; they were cut, and are made again"
        );
    }
    if tail.indexes_rebuilt > 0 {
        tracing::info!(
            indexes = tail.indexes_rebuilt,
            "indexes of the event log were missing, behind or damaged; they were made again from its events"
        );
    }
    let mut resume = Resume::new(&events_folder, writer, &tail, Address::START)?;
    let mut engine = Engine::new(&limits);
    let mut events: Vec<EventRecord> = Vec::new();
    let mut fault = None;
    let mut last_event = Address::START;
    let (mut appended, mut removed) = (0u64, 0u64);
    let bar = progress::bar(0, "bytes of journal");
    let mut apply = |sequence: Sequence, slot: &CommandSlot| {
        engine.apply(sequence, slot, &mut events);
        for event in events.drain(..) {
            learn(&event);
            last_event = Address::of(&event);
            if fault.is_none() {
                match resume.event(&event) {
                    Ok(Regenerated::Appended) => appended += 1,
                    Ok(Regenerated::Removed) => removed += 1,
                    Ok(Regenerated::Same) => {}
                    Err(error) => fault = Some(error),
                }
            }
        }
    };
    let mut progress = |progress: Progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes);
    };
    let (journal, found) = journal::open(&journal_options(configuration, data), &mut apply, &mut progress)?;
    bar.finish_and_clear();
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    let event_log = resume.finish()?;
    if removed > 0 {
        tracing::warn!(
            events = removed,
            "the event log does not begin with the first event: its oldest files were taken away. Sessions and \
             adapters cannot be told those events again; close the venue and move the whole folder events/ away \
             to have them made again from the journal"
        );
    }
    if appended > 0 {
        tracing::info!(
            events = appended,
            "the end of the event log was missing; it was made again from the journal"
        );
    }
    if found.bytes_cut > 0 {
        tracing::warn!(
            bytes = found.bytes_cut,
            "the journal ended in a torn write, which was cut; nothing in it had been acknowledged"
        );
    }
    if found.last.0 > 0 {
        tracing::info!(
            commands = found.last.0,
            disk = ?journal.disk().backend(),
            term = found.term,
            event_hash = format!("{:016x}", engine.event_hash()),
            "the market is as its journal left it"
        );
    }
    Ok(Recovered { engine, journal, event_log, last_event })
}

fn event_log_options(configuration: &Configuration, folder: &Path) -> EventLogOptions {
    let event_log = &configuration.event_log;
    EventLogOptions {
        file_bytes_max: u32::try_from(event_log.segment_mib << 20).unwrap_or(u32::MAX),
        sync_ns_max: event_log.sync_ms.saturating_mul(1_000_000),
        ..EventLogOptions::new(folder.to_owned())
    }
}

fn journal_options(configuration: &Configuration, data: &Path) -> JournalOptions {
    let journal = &configuration.journal;
    JournalOptions {
        segment_bytes: journal.segment_mib << 20,
        writes_in_flight: journal.writes_in_flight,
        backend: match journal.backend {
            Backend::Auto => journal::Backend::Auto,
            Backend::IoUring => journal::Backend::IoUring,
            Backend::Blocking => journal::Backend::Blocking,
        },
        ..JournalOptions::new(data_folder::journal(data))
    }
}
