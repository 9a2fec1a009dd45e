//! Recovery, the one path of every start: the journal is replayed on top of the newest snapshot that the event
//! log has come to, or into an empty engine; the events that come out are compared with the event log where it
//! has them, and appended where it does not.

use crate::admin::view::View;
use crate::config::{Backend, Configuration};
use crate::data_folder::{self, DataFolder};
use crate::failure::Failure;
use crate::knowledge::Knowledge;
use crate::progress;
use crate::snapshots::{self, Market};
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::Sequence;
use journal::event_log::{Address, EventLogOptions, EventLogWriter, Regenerated, Resume};
use journal::{Journal, JournalOptions, KnownPoint, Progress};
use net::web::views::MarketViews;
use std::path::Path;

/// A venue as its log left it.
pub(crate) struct Recovered {
    pub(crate) engine: Engine,
    pub(crate) journal: Journal,
    pub(crate) event_log: EventLogWriter,
    pub(crate) knowledge: Knowledge,
    /// What operators see, as the snapshot had it; the event log has the rest.
    pub(crate) view: View,
    /// What the web shows; as the snapshot had it where the web door is left out.
    pub(crate) web: MarketViews,
}

/// Rebuilds the market from the data folder.
///
/// # Errors
/// The journal or the event log cannot be read or written, is damaged where it was durable, or the two
/// disagree: then nothing is changed but the event log's torn end. A part of the journal is missing that no
/// snapshot covers.
pub(crate) fn recover(configuration: &Configuration, folder: &DataFolder) -> Result<Recovered, Failure> {
    let data = folder.path();
    let limits = folder.keep_limits(&configuration.engine)?;
    let events_folder = data_folder::event_log(data);
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
    let (market, known) = begin(data, &limits, tail.end)?;
    let Market { mut engine, mut knowledge, view, mut web, .. } = market;
    let from = Address { sequence: known.sequence, ordinal: 0 };
    let mut resume = Resume::new(&events_folder, writer, &tail, from)?;
    let mut events: Vec<EventRecord> = Vec::new();
    let mut fault = None;
    let (mut appended, mut removed) = (0u64, 0u64);
    let bar = progress::bar(0, "bytes of journal");
    let mut apply = |sequence: Sequence, slot: &CommandSlot| {
        engine.apply(sequence, slot, &mut events);
        for event in events.drain(..) {
            knowledge.learn(&event);
            if configuration.web.enabled {
                web.learn(&event);
            }
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
    let options = JournalOptions { known, ..journal_options(configuration, data) };
    let opening = journal::read(&options, &mut apply, &mut progress)?;
    bar.finish_and_clear();
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    // Before the journal's torn end is cut: where the two disagree, it is evidence.
    let event_log = resume.finish()?;
    if removed > 0 {
        tracing::warn!(
            events = removed,
            "the event log does not begin with the first event: its oldest files were taken away. Sessions and \
             adapters cannot be told those events again; close the venue and move the whole folder events/ away \
             to have them made again from the journal"
        );
    }
    let found = opening.found();
    let journal = opening.go_on()?;
    tell(&found, (appended, found.last.0 + 1 - known.sequence.0), &journal, engine.event_hash());
    Ok(Recovered { engine, journal, event_log, knowledge, view, web })
}

fn tell(
    found: &journal::Recovered,
    (events_appended, replayed): (u64, u64),
    journal: &Journal,
    event_hash: u64,
) {
    if events_appended > 0 {
        tracing::info!(
            events = events_appended,
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
            replayed,
            disk = ?journal.disk().backend(),
            term = found.term,
            event_hash = format!("{event_hash:016x}"),
            "the market is as its journal left it"
        );
    }
}

/// The market to begin from, and where the journal goes on from there. The event log must have come to the
/// snapshot: what it lacks before would not be made again.
fn begin(data: &Path, limits: &Limits, log_end: Address) -> Result<(Market, KnownPoint), Failure> {
    if let Some(loaded) = snapshots::newest(data, limits, |mark| mark.last_event <= log_end)? {
        tracing::info!(sequence = loaded.mark.sequence.0, "started from a snapshot");
        return Ok((loaded.market, loaded.mark.journal));
    }
    snapshots::check_whole(data, Some(log_end))?;
    Ok((Market::new(limits), KnownPoint::START))
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
