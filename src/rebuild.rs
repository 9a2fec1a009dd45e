//! The market made again from a data folder, without changing it; the venue may be running.

use crate::data_folder;
use crate::failure::Failure;
use crate::progress;
use crate::snapshots::{self, Loaded, Market};
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::Sequence;
use journal::event_log::EventLogReader;
use journal::snapshot::Mark;
use journal::{JournalError, JournalReader, KnownPoint};
use std::ops::ControlFlow;
use std::path::Path;

/// How far back a rebuild begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// As far as the journal goes: its first command, or the oldest snapshot.
    Back,
    /// The newest snapshot at or below this command: only what comes after is looked at.
    To(Sequence),
}

/// Where a rebuild stands.
pub(crate) enum Moment<'a> {
    /// It begins from a snapshot; without one it begins with the first command.
    Begins { mark: &'a Mark, market: &'a Market },
    /// A command is about to be carried out; a break leaves it out.
    Before { sequence: Sequence, command: &'a CommandSlot, engine: &'a Engine },
    /// It was carried out and said these events.
    After { sequence: Sequence, engine: &'a Engine, events: &'a [EventRecord] },
}

/// Carries out the journal's commands one by one until `visit` breaks.
///
/// # Errors
/// The folder holds no journal, or one that is damaged where it was durable or whose begin is missing.
pub(crate) fn rebuild(
    data: &Path,
    reach: Reach,
    visit: &mut dyn FnMut(Moment<'_>) -> ControlFlow<()>,
) -> Result<Engine, Failure> {
    let limits = data_folder::limits(data)?.unwrap_or_default();
    let begin = begin(data, reach)?;
    let known = begin.as_ref().map_or(KnownPoint::START, |loaded| loaded.mark.journal);
    let mut reader = open_at(data, known)?;
    let mut flow = ControlFlow::Continue(());
    let mut engine = match begin {
        Some(Loaded { mark, market }) => {
            flow = visit(Moment::Begins { mark: &mark, market: &market });
            market.engine
        }
        None => Engine::new(&limits),
    };
    let mut events = Vec::new();
    let (_, total) = reader.bytes();
    let bar = progress::bar(total, "bytes of journal");
    while flow.is_continue() {
        let Some(record) = reader.next_record()? else { break };
        let mut each = |sequence: Sequence, command: &CommandSlot| {
            if flow.is_continue() {
                flow = visit(Moment::Before { sequence, command, engine: &engine });
            }
            if flow.is_continue() {
                events.clear();
                engine.apply(sequence, command, &mut events);
                flow = visit(Moment::After { sequence, engine: &engine, events: &events });
            }
        };
        let (position, done) = (record.position, record.for_each_command(&mut each));
        if let Err(fault) = done {
            let file = data_folder::journal(data);
            return Err(JournalError::Malformed { file, offset: position.offset, fault }.into());
        }
        bar.set_position(reader.bytes().0);
    }
    bar.finish_and_clear();
    Ok(engine)
}

fn begin(data: &Path, reach: Reach) -> Result<Option<Loaded>, Failure> {
    let limits = data_folder::limits(data)?.unwrap_or_default();
    let whole = journal::first_segment(&data_folder::journal(data))?.is_none_or(|first| first == 1);
    let found = match reach {
        Reach::Back if whole => return Ok(None),
        Reach::Back => snapshots::oldest(data, &limits)?,
        Reach::To(last) => snapshots::newest(data, &limits, |mark| mark.sequence <= last)?,
    };
    if found.is_none() {
        snapshots::check_whole(data, None).map_err(|failure| match reach {
            Reach::To(last) if last < Sequence(u64::MAX) => Failure::new(format!(
                "nothing is kept from which command {last} can be made again: {failure}"
            )),
            Reach::To(_) | Reach::Back => failure,
        })?;
    }
    Ok(found)
}

/// A reader of the folder's journal, from as far back as it can be followed.
///
/// # Errors
/// As [`rebuild`].
pub(crate) fn open(data: &Path) -> Result<JournalReader, Failure> {
    open_at(data, begin(data, Reach::Back)?.map_or(KnownPoint::START, |loaded| loaded.mark.journal))
}

fn open_at(data: &Path, known: KnownPoint) -> Result<JournalReader, Failure> {
    let folder = data_folder::journal(data);
    if !folder.is_dir() {
        return Err(Failure::new(format!(
            "{}: no journal is here; name the data folder of a venue with --data",
            folder.display()
        )));
    }
    Ok(JournalReader::open_at(&folder, known)?)
}

/// A reader of the folder's event log.
///
/// # Errors
/// There is none, or it cannot be read.
pub(crate) fn events(data: &Path) -> Result<EventLogReader, Failure> {
    let folder = data_folder::event_log(data);
    if !folder.is_dir() {
        return Err(Failure::new(format!(
            "{}: no event log is here; name the data folder of a venue with --data",
            folder.display()
        )));
    }
    Ok(EventLogReader::open(&folder)?)
}
