//! The market made again from a data folder, without changing it; the venue may be running.

use crate::data_folder;
use crate::failure::Failure;
use crate::progress;
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::Sequence;
use journal::event_log::EventLogReader;
use journal::{JournalError, JournalReader};
use std::ops::ControlFlow;
use std::path::Path;

/// Where a rebuild stands.
pub(crate) enum Moment<'a> {
    /// A command is about to be carried out; a break leaves it out.
    Before { sequence: Sequence, command: &'a CommandSlot, engine: &'a Engine },
    /// It was carried out and said these events.
    After { sequence: Sequence, engine: &'a Engine, events: &'a [EventRecord] },
}

/// Carries out the journal's commands one by one until `visit` breaks.
///
/// # Errors
/// The folder holds no journal, or one that is damaged where it was durable.
pub(crate) fn rebuild(
    data: &Path,
    visit: &mut dyn FnMut(Moment<'_>) -> ControlFlow<()>,
) -> Result<Engine, Failure> {
    let mut reader = open(data)?;
    let mut engine = Engine::new(&data_folder::limits(data)?.unwrap_or_default());
    let mut events = Vec::new();
    let mut flow = ControlFlow::Continue(());
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

/// A reader of the folder's journal.
///
/// # Errors
/// There is none, or it cannot be read.
pub(crate) fn open(data: &Path) -> Result<JournalReader, Failure> {
    let folder = data_folder::journal(data);
    if !folder.is_dir() {
        return Err(Failure::new(format!(
            "{}: no journal is here; name the data folder of a venue with --data",
            folder.display()
        )));
    }
    Ok(JournalReader::open(&folder)?)
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
