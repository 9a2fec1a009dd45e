//! The keeper: a thread beside the venue that looks at the disk, makes snapshots when the journal has grown, and
//! removes what nobody needs any more. It touches nothing that the pipeline writes.

use super::make::{self, Made};
use super::retention::{Bounds, Plan, Removed};
use crate::data_folder;
use crate::disk_room::DiskWatch;
use crate::failure::Failure;
use engine::number::Sequence;
use journal::event_log::SyncedPoint;
use journal::snapshot::{self, Mark};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the disk and the journal are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause after a snapshot that could not be made, before another try.
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// How often it is looked what may be removed.
const RETAIN_EVERY: Duration = Duration::from_secs(60);
/// How long after a new snapshot, whoever made it: by then the event log is synced beyond the one before.
const RETAIN_AFTER: Duration = Duration::from_secs(2);
/// Lowest priority: the venue goes first.
const NICENESS: i32 = 19;
/// Segments at the end of the journal that are in use or made ahead.
const SEGMENTS_IN_USE: usize = 2;
/// Bytes of a page of the journal.
const PAGE_BYTES: u64 = journal::disk::PAGE_SIZE as u64;

/// What the keeper keeps.
pub(crate) struct Keeper {
    pub(crate) data: PathBuf,
    /// A snapshot is made when the journal has grown by so many bytes since the last one.
    pub(crate) journal_bytes: u64,
    pub(crate) event_log_bytes_max: u64,
    pub(crate) adapters: Vec<String>,
    pub(crate) synced: SyncedPoint,
    pub(crate) disk: DiskWatch,
    /// Set by whoever ends the venue; the keeper sets it when the disk is full.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Keeper {
    /// Starts the thread. It ends with the process: all that it writes is whole or not there.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn start(self) -> Result<(), Failure> {
        std::thread::Builder::new().name("rotunda-keeper".into()).spawn(move || self.run())?;
        Ok(())
    }

    fn run(self) {
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "the keeper runs at the venue's priority");
        }
        if let Err(error) = snapshot::remove_unfinished(&data_folder::snapshots(&self.data)) {
            tracing::warn!(%error, "a half-written snapshot could not be removed");
        }
        let mut due = Due { make: Instant::now(), retain: Instant::now(), newest: None };
        let mut told = String::new();
        while !self.stop.load(Ordering::Acquire) {
            if let Err(error) = self.look(&mut due) {
                let text = error.to_string();
                // The same trouble is told once, not every second.
                if text != told {
                    tracing::warn!(error = text, "the keeper could not do its work; the venue goes on");
                    told = text;
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn look(&self, due: &mut Due) -> Result<(), Failure> {
        self.disk.look(&self.stop)?;
        let now = Instant::now();
        let newest = snapshot::list(&data_folder::snapshots(&self.data))?.last().copied();
        if newest != due.newest {
            due.newest = newest;
            // Not later than it was due: snapshots may come faster than that.
            due.retain = due.retain.min(now + RETAIN_AFTER);
        }
        if now >= due.make && self.has_grown(newest)? {
            due.make = now + RETRY_AFTER;
            self.make()?;
            due.make = Instant::now();
        }
        if now >= due.retain {
            due.retain = now + RETAIN_EVERY;
            self.retain()?;
        }
        Ok(())
    }

    /// Whether the journal behind the newest snapshot is as long as it may be.
    fn has_grown(&self, newest: Option<Sequence>) -> Result<bool, Failure> {
        let folder = data_folder::snapshots(&self.data);
        let mark: Option<Mark> = newest.and_then(|sequence| snapshot::read_mark(&folder, sequence).ok());
        let (segment, covered) =
            mark.map_or((1, 0), |mark| (mark.journal.segment, u64::from(mark.journal.page) * PAGE_BYTES));
        let mut segments = journal::stored_segments(&data_folder::journal(&self.data))?;
        segments.truncate(segments.len().saturating_sub(SEGMENTS_IN_USE));
        let behind = segments.iter().filter(|stored| stored.generation >= segment);
        let bytes: u64 = behind.map(|stored| stored.bytes).sum();
        Ok(bytes.saturating_sub(covered) >= self.journal_bytes)
    }

    fn make(&self) -> Result<(), Failure> {
        let began = Instant::now();
        match make::make(&self.data, &|| self.stop.load(Ordering::Acquire))? {
            Made::New { mark, path } => tracing::info!(
                sequence = mark.sequence.0,
                state_hash = format!("{:016x}", mark.state_hash),
                seconds = began.elapsed().as_secs(),
                file = %path.display(),
                "made a snapshot"
            ),
            Made::UpToDate { .. } | Made::Stopped => {}
        }
        Ok(())
    }

    fn retain(&self) -> Result<(), Failure> {
        let bounds = Bounds { synced: self.synced.get(), event_log_bytes_max: self.event_log_bytes_max };
        let plan = Plan::new(&self.data, &self.adapters, bounds)?;
        let removed = plan.carry_out(&self.data)?;
        if removed != Removed::default() {
            let Removed { snapshots, segments, event_files } = removed;
            tracing::info!(snapshots, segments, event_files, "removed what nobody needs any more");
        }
        if removed.event_files > 0 {
            for holder in &plan.overruled {
                tracing::error!(
                    holder = holder.name,
                    from = %holder.from,
                    kept = %plan.events_below,
                    "events were removed that were still needed: retention.event_log_mib_max is too low for what \
                     holds them"
                );
            }
        }
        Ok(())
    }
}

/// When what is due.
struct Due {
    make: Instant,
    retain: Instant,
    /// The newest snapshot that was there at the last look.
    newest: Option<Sequence>,
}
