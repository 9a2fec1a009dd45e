//! The venue of the simulation: the stages of a run on simulated disks, and the bugs that can be planted in it.

use crate::stages::egress::{BEYOND_LIMIT_MAX, EgressStage};
use crate::stages::journaler::JournalerStage;
use crate::stages::matcher::{Matched, MatcherStage};
use crate::stages::rings::{InputRing, Rings};
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::ring::{CommitPoint, Publish};
use journal::disk::simulated::{Fault, SimulatedDisk};
use journal::disk::{Completion, Disk, Page, Segment, Segments, Write};
use journal::event_log::simulated::{SimulatedEventDisk, Survivors};
use journal::event_log::{Address, EventLogOptions, EventLogWriter, Resume};
use journal::{DISK_WAIT_MAX, JournalError, JournalOptions, open_on};
use net::metrics::Metrics;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Small, for a life makes an engine; the clients stay far below.
const LIMITS: Limits = Limits {
    live_orders: 1 << 14,
    level_blocks: 1 << 12,
    instruments: 64,
    accounts: 64,
    sessions: 64,
    currencies: 64,
};
/// Places of the rings: small enough to be full at times.
const INPUT_PLACES: usize = 64;
const OUTPUT_PLACES: usize = 128;

/// What is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    /// Commands count as committed before the disk has them.
    EarlyAcknowledgement,
    /// The disk says that a write is durable and forgets it.
    LyingSync,
    /// A write counts as finished when it was only handed over.
    EarlyCompletion,
    /// Cutting a torn end takes a page too many.
    WrongTruncation,
    /// An order that is sent again counts as a new one.
    NoDeduplication,
}

impl Bug {
    pub(super) const PLANTED: [Self; 5] = [
        Self::EarlyAcknowledgement,
        Self::LyingSync,
        Self::EarlyCompletion,
        Self::WrongTruncation,
        Self::NoDeduplication,
    ];
}

/// The journal's disk, with the bugs that a disk can have.
pub(super) struct JournalDisk {
    pub(super) disk: SimulatedDisk,
    bug: Bug,
    /// Told as finished and still under way.
    early: VecDeque<Completion>,
}

impl JournalDisk {
    pub(super) fn new(seed: u64, bug: Bug) -> Self {
        Self { disk: SimulatedDisk::new(seed), bug, early: VecDeque::new() }
    }

    pub(super) fn cut_power(&mut self) {
        self.early.clear();
        self.disk.cut_power();
    }
}

impl Segments for JournalDisk {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        self.disk.list()
    }

    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        self.disk.read(generation, page, into)
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.disk.path(generation)
    }
}

impl Disk for JournalDisk {
    fn claim(&mut self, generation: u64) -> Result<(), JournalError> {
        self.disk.claim(generation)
    }

    fn sync(&mut self, generation: u64) -> Result<(), JournalError> {
        self.disk.sync(generation)
    }

    fn erase(&mut self, generation: u64, page: u32, pages: u32) -> Result<(), JournalError> {
        let more = u32::from(self.bug == Bug::WrongTruncation && page > 0);
        self.disk.erase(generation, page - more, pages + more)
    }

    fn prepare(&mut self, segment: Segment, haste: bool) -> Result<(), JournalError> {
        self.disk.prepare(segment, haste)
    }

    fn prepared(&mut self) -> Result<Option<Segment>, JournalError> {
        self.disk.prepared()
    }

    fn submit(&mut self, write: Write) -> Result<(), JournalError> {
        if self.bug == Bug::LyingSync && self.disk.below(4) == 0 {
            self.disk.inject(self.disk.writes(), Fault::Lie);
        }
        if self.bug == Bug::EarlyCompletion {
            let buffer = write.buffer.clone();
            self.early.push_back(Completion { number: write.number, buffer, result: Ok(()) });
        }
        self.disk.submit(write)
    }

    fn reap(&mut self) -> Result<Option<Completion>, JournalError> {
        if self.bug == Bug::EarlyCompletion {
            if self.early.is_empty() {
                self.disk.reap()?;
            }
            return Ok(self.early.pop_front());
        }
        self.disk.reap()
    }
}

/// Where a node keeps its logs.
pub(super) struct Places {
    pub(super) journal: JournalOptions,
    pub(super) event_log: EventLogOptions,
}

/// What a start made again from the journal.
pub(super) struct Found {
    pub(super) events: Vec<EventRecord>,
    pub(super) commands: u64,
    pub(super) event_hash: u64,
    pub(super) state_hash: u64,
    pub(super) bytes_cut: u64,
}

/// A venue that is open.
pub(super) struct Node<'a> {
    pub(super) input: InputRing,
    pub(super) matcher: MatcherStage,
    journaler: JournalerStage<&'a mut JournalDisk>,
    egress: EgressStage,
    event_log: EventLogWriter,
}

impl<'a> Node<'a> {
    /// Recovers as `recovery::recover` does, and wires the stages as `run::venue` does.
    pub(super) fn start(
        disk: &'a mut JournalDisk,
        (event_disk, survivors): (SimulatedEventDisk, &mut Survivors),
        places: &Places,
    ) -> Result<(Self, Found), String> {
        let told = |error: &dyn std::error::Error| error.to_string();
        let durable = disk.bug != Bug::EarlyAcknowledgement;
        let (writer, tail) =
            EventLogWriter::open_on(event_disk, &places.event_log).map_err(|error| told(&error))?;
        survivors.begin().map_err(|error| told(&error))?;
        let mut resume = Resume::new(&places.event_log.folder, writer, &tail, Address::START)
            .map_err(|error| told(&error))?;
        let mut engine = Engine::new(&LIMITS);
        let (mut events, mut made, mut fault) = (Vec::new(), Vec::new(), None);
        let mut apply = |sequence, slot: &CommandSlot| {
            engine.apply(sequence, slot, &mut made);
            for event in made.drain(..) {
                events.push(event);
                if fault.is_none() {
                    fault = resume.event(&event).err();
                }
            }
        };
        let (journal, recovered) =
            open_on(disk, &places.journal, &mut apply, &mut |_| {}).map_err(|error| told(&error))?;
        if let Some(fault) = fault {
            return Err(told(&fault));
        }
        let event_log = resume.finish().map_err(|error| told(&error))?;
        let found = Found {
            events,
            commands: recovered.last.0,
            event_hash: engine.event_hash(),
            state_hash: engine.state_hash(),
            bytes_cut: recovered.bytes_cut,
        };
        let last = engine.last_sequence();
        let rings = Rings::new(INPUT_PLACES, OUTPUT_PLACES, last);
        let commit = Arc::new(CommitPoint::new(last));
        let matched = Matched::default();
        let metrics = Arc::new(Metrics::new());
        let (to_matcher, output) = (rings.to_matcher, rings.output);
        let matcher =
            MatcherStage::new(engine, to_matcher, output, Arc::clone(&matched), Arc::clone(&metrics));
        let commit_point = Arc::clone(&commit);
        let journaler =
            JournalerStage::new(journal, rings.to_journaler, last, commit_point, durable, metrics);
        let egress = EgressStage::new(rings.to_egress, commit, matched);
        Ok((Self { input: rings.input, matcher, journaler, egress, event_log }, found))
    }

    pub(super) fn publish(&mut self, command: &CommandSlot) -> bool {
        self.input.try_publish(command).is_ok()
    }

    pub(super) fn journal(&mut self, now: Instant) -> Result<usize, String> {
        self.journaler.poll(now).map_err(|error| error.to_string())
    }

    /// Lets events out, to the event log first; hands its block over when told to.
    pub(super) fn let_out(&mut self, flush: bool, out: &mut impl FnMut(&EventRecord)) -> Result<(), String> {
        let room = self.event_log.room().saturating_sub(BEYOND_LIMIT_MAX).min(OUTPUT_PLACES);
        let Self { egress, event_log, .. } = self;
        egress.poll(room, &mut |event| {
            event_log.append(event);
            out(event);
        });
        if flush {
            self.event_log.flush();
        }
        self.event_log.failure().map_or(Ok(()), |error| Err(error.to_string()))
    }

    pub(super) fn is_drained(&self) -> bool {
        self.egress.released() >= self.input.last() && self.journaler.durable() >= self.input.last()
    }

    pub(super) fn close(self) -> Result<(), String> {
        self.event_log.close().map_err(|error| error.to_string())?;
        self.journaler.close_by(Instant::now() + DISK_WAIT_MAX).map_err(|error| error.to_string())
    }
}
