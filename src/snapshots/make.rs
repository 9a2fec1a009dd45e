//! Making a snapshot: the one before it, then committed commands of the journal, carried out as a start does.

use super::{Market, newest};
use crate::cli::SnapshotOptions;
use crate::data_folder;
use crate::failure::Failure;
use engine::command::CommandSlot;
use engine::number::Sequence;
use journal::snapshot::{self, Mark};
use journal::{JournalError, JournalReader, KnownPoint, Record};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// `rotunda snapshot`: makes one now, and says what it is of.
pub(crate) fn run(options: &SnapshotOptions) -> Result<(), Failure> {
    match make(&options.data, &|| false)? {
        Made::New { mark, path } if options.json => println!("{}", describe(&mark, &path)),
        Made::New { mark, path } => {
            println!("command       {}", mark.sequence);
            println!("events        {}", mark.events);
            println!("event hash    {:016x}", mark.event_hash);
            println!("state hash    {:016x}", mark.state_hash);
            println!("file          {}", path.display());
        }
        Made::UpToDate { sequence } if options.json => {
            println!("{}", json!({"sequence": sequence.0, "made": false}));
        }
        Made::UpToDate { sequence } => {
            println!("nothing to do: the journal has no committed command after {sequence}");
        }
        Made::Stopped => {}
    }
    Ok(())
}

fn describe(mark: &Mark, path: &Path) -> Value {
    json!({
        "sequence": mark.sequence.0, "made": true, "events": mark.events,
        "event_hash": format!("{:016x}", mark.event_hash), "state_hash": format!("{:016x}", mark.state_hash),
        "file": path,
    })
}

/// What became of an attempt.
pub(crate) enum Made {
    /// A snapshot, in this file.
    New { mark: Mark, path: PathBuf },
    /// The newest one, if any, has all committed commands already.
    UpToDate { sequence: Sequence },
    /// It was asked to stop.
    Stopped,
}

/// Makes a snapshot of the last committed command in the journal of `data`; the venue may be running.
/// `stopped` is asked between records.
///
/// # Errors
/// The folder holds no journal, one that cannot be followed from any snapshot, or the snapshot cannot be written.
pub(crate) fn make(data: &Path, stopped: &dyn Fn() -> bool) -> Result<Made, Failure> {
    let limits = data_folder::limits(data)?.unwrap_or_default();
    let (mut market, known) = match newest(data, &limits, |_| true)? {
        Some(loaded) => (loaded.market, loaded.mark.journal),
        None => (Market::new(&limits), KnownPoint::START),
    };
    let mut reader = JournalReader::open_at(&data_folder::journal(data), known)?;
    let mut waiting = Waiting::default();
    let mut point = known;
    loop {
        if stopped() {
            return Ok(Made::Stopped);
        }
        let Some(record) = reader.next_record()? else { break };
        let vouched = record.header.durable;
        let (position, taken) = (record.position, waiting.take(&record));
        if let Err(fault) = taken {
            let file = data_folder::journal(data);
            return Err(JournalError::Malformed { file, offset: position.offset, fault }.into());
        }
        waiting.ends_at(reader.point());
        for committed in waiting.committed(vouched) {
            for (slot, sequence) in committed.commands.iter().zip(committed.first.0..) {
                market.apply(Sequence(sequence), slot);
            }
            point = committed.end;
        }
    }
    let sequence = market.engine.last_sequence();
    if point.sequence == known.sequence {
        return Ok(Made::UpToDate { sequence });
    }
    let (mark, sections) = market.encode(point);
    let path = snapshot::write(&data_folder::snapshots(data), &mark, &sections)?;
    Ok(Made::New { mark, path })
}

/// A record whose commands are not known to be committed yet.
struct Held {
    commands: Vec<CommandSlot>,
    first: Sequence,
    /// Index of its last entry; `None` where it has none.
    last_index: Option<u64>,
    end: KnownPoint,
}

/// Records that no later one has vouched for so far: as many as there were writes in flight, so at most
/// [`journal::WRITES_IN_FLIGHT_LIMIT`] and the few that a start writes.
#[derive(Default)]
struct Waiting(VecDeque<Held>);

impl Waiting {
    fn take(&mut self, record: &Record<'_>) -> Result<(), journal::record::Malformed> {
        let header = &record.header;
        let mut held = Held {
            commands: Vec::new(),
            first: header.first_sequence,
            last_index: (header.entries > 0).then(|| header.first_index + u64::from(header.entries) - 1),
            end: KnownPoint::START,
        };
        record.for_each_command(&mut |_, slot| held.commands.push(*slot))?;
        self.0.push_back(held);
        Ok(())
    }

    /// Where the record that was taken last ends.
    fn ends_at(&mut self, end: KnownPoint) {
        if let Some(last) = self.0.back_mut() {
            last.end = end;
        }
    }

    /// The records up to the last one with an entry at or below index `vouched`: they are durable, and so is
    /// every record before them. A record without entries that stands last is not vouched for by any index.
    fn committed(&mut self, vouched: u64) -> impl Iterator<Item = Held> {
        let durable = |held: &Held| held.last_index.is_some_and(|last| last <= vouched);
        let count = self.0.iter().rposition(durable).map_or(0, |last| last + 1);
        self.0.drain(..count)
    }
}
