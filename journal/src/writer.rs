use crate::disk::{Completion, Disk, FileDisk, PAGE_SIZE, Page, Segment, Write};
use crate::error::JournalError;
use crate::options::JournalOptions;
use crate::record::{ENTRY_HEADER_SIZE, EntryHeader, EntryKind, HEADER_SIZE, RecordHeader, pages_for};
use bytemuck::Zeroable;
use engine::command::CommandSlot;
use engine::number::Sequence;
use engine::packed::{self, PACKED_SIZE_MAX};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long [`Journal::close`] waits for the disk.
pub const DISK_WAIT_MAX: Duration = Duration::from_secs(4);

/// Looks at the disk after a deadline before it counts as missed: a process or a machine that stood still
/// meanwhile has not looked, and the disk may long be done.
const LOOKS_LATE_MAX: u32 = 100;

/// How long a start waits for a segment of zeros and for its first write, for which a busy disk takes its time.
pub(crate) const PREPARE_WAIT_MAX: Duration = Duration::from_secs(60);

/// While writes are under way and none finishes, poll gives its core away this often. A completion may need
/// a kernel thread of the same core, and a thread that never yields keeps it waiting until its time slice
/// ends: 4 ms instead of the 0.1 ms that the disk takes.
const YIELD_EVERY: Duration = Duration::from_micros(50);

/// Where and how the writer goes on after what is durable.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) segment: Segment,
    pub(crate) page: u32,
    /// Segments that were made ahead, in order.
    pub(crate) ready: VecDeque<Segment>,
    pub(crate) term: u64,
    pub(crate) next_index: u64,
    pub(crate) next_sequence: Sequence,
    pub(crate) previous_crc: u32,
}

/// The entry that grows until the next write starts.
struct Batch {
    payload: Vec<u8>,
    first: Sequence,
    commands: u32,
}

/// A record that is on its way.
struct Flight {
    last_index: u64,
    last: Sequence,
    done: bool,
}

/// The writing end of the journal. One thread polls it; nothing in it waits, and once warm nothing allocates.
pub struct Journal<D: Disk = FileDisk> {
    disk: D,
    cluster: u64,
    node: u64,
    rules: u16,
    term: u64,
    segment_bytes: u64,
    record_bytes_max: usize,
    vouch_after: Duration,
    batch: Batch,
    free: Vec<Vec<Page>>,
    flights: VecDeque<Flight>,
    /// Number of the first write in `flights`.
    first_flight: u64,
    segment: Segment,
    page: u32,
    ready: VecDeque<Segment>,
    next_index: u64,
    previous_crc: u32,
    durable_index: u64,
    durable: Sequence,
    /// What the record written last vouches for.
    vouched_index: u64,
    /// When a write last started or finished, or the core was given away.
    moved_at: Option<Instant>,
    /// When commands were last written; the vouching record waits for a while without.
    commands_at: Option<Instant>,
    ended: bool,
}

impl<D: Disk> Journal<D> {
    pub(crate) fn new(disk: D, options: &JournalOptions, start: Start) -> Self {
        let buffer = || vec![Page::ZERO; options.record_bytes_max / PAGE_SIZE];
        let mut payload = Vec::with_capacity(options.record_bytes_max);
        payload.resize(ENTRY_HEADER_SIZE, 0);
        Self {
            disk,
            cluster: options.cluster,
            node: options.node,
            rules: options.rules,
            term: start.term,
            segment_bytes: options.segment_bytes,
            record_bytes_max: options.record_bytes_max,
            vouch_after: options.vouch_after,
            batch: Batch { payload, first: start.next_sequence, commands: 0 },
            free: std::iter::repeat_with(buffer).take(options.writes_in_flight).collect(),
            flights: VecDeque::with_capacity(options.writes_in_flight),
            first_flight: 0,
            segment: start.segment,
            page: start.page,
            ready: start.ready,
            next_index: start.next_index,
            previous_crc: start.previous_crc,
            durable_index: start.next_index - 1,
            durable: Sequence(start.next_sequence.0 - 1),
            vouched_index: 0,
            moved_at: None,
            commands_at: None,
            ended: false,
        }
    }

    /// How many commands [`Self::append`] takes now. Never waits.
    #[must_use]
    pub fn room(&self) -> usize {
        let room = self.record_bytes_max - HEADER_SIZE - self.batch.payload.len();
        if self.ended { 0 } else { room / PACKED_SIZE_MAX }
    }

    /// Takes commands, the first with sequence `first`; they are written at the next [`Self::poll`].
    ///
    /// # Panics
    /// There are more than [`Self::room`], or `first` does not follow what was appended before: a hole in
    /// the one order must never reach the disk.
    pub fn append<'a>(&mut self, first: Sequence, commands: impl ExactSizeIterator<Item = &'a CommandSlot>) {
        let count = commands.len();
        assert!(count <= self.room(), "{count} commands where room is for {}", self.room());
        assert!(first == self.appended().next(), "{first} appended after {}", self.appended());
        for command in commands {
            packed::encode(command.words(), &mut self.batch.payload);
            self.batch.commands += 1;
        }
    }

    /// Takes finished writes in, and starts what can be written. Returns the amount of work done.
    ///
    /// Never waits for the disk. While writes are under way and none has finished for 50 µs it gives its core
    /// away once, for the kernel may need that very core to finish them.
    ///
    /// # Errors
    /// The disk refused a write or a sync, or the next segment could not be made. It is final: nothing more
    /// is written, and the process must end. What [`Self::durable`] says is durable all the same.
    pub fn poll(&mut self, now: Instant) -> Result<usize, JournalError> {
        if self.ended {
            return Err(JournalError::Ended);
        }
        let done = self.work(now);
        self.ended = done.is_err();
        done
    }

    /// The last sequence up to which every command is durable.
    #[must_use]
    pub fn durable(&self) -> Sequence {
        self.durable
    }

    /// The last sequence that was appended. A venue that does not wait for the disk commits up to here.
    #[must_use]
    pub fn appended(&self) -> Sequence {
        Sequence(self.batch.first.0 + u64::from(self.batch.commands) - 1)
    }

    /// Nothing waits, nothing is under way, and what is durable is vouched for: the thread may park.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.batch.commands == 0 && self.flights.is_empty() && self.vouched_index == self.durable_index
    }

    /// Entries appended so far; the last one's index.
    #[must_use]
    pub fn last_index(&self) -> u64 {
        self.next_index - 1
    }

    /// The disk, to look at.
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// Writes what waits, vouches for it, and waits for the disk, at most [`DISK_WAIT_MAX`].
    ///
    /// # Errors
    /// As [`Self::close_by`].
    pub fn close(self) -> Result<(), JournalError> {
        self.close_by(Instant::now() + DISK_WAIT_MAX)
    }

    /// Writes what waits, vouches for it, and waits for the disk until `deadline`.
    ///
    /// # Errors
    /// As [`Self::poll`], or the disk took longer.
    pub fn close_by(mut self, deadline: Instant) -> Result<(), JournalError> {
        self.vouch_after = Duration::ZERO;
        let done = self.wait_until(Self::is_quiet, deadline);
        if matches!(done, Err(JournalError::Stalled)) {
            // To let go of the disk properly would be to wait for it.
            std::mem::forget(self.disk);
        }
        done
    }

    /// Writes the empty entry that begins this term, and waits until it is durable.
    pub(crate) fn begin_term(&mut self) -> Result<(), JournalError> {
        self.request_next(!self.fits(1))?;
        let deadline = Instant::now() + PREPARE_WAIT_MAX;
        while !self.write(Some(EntryKind::TermStart))? {
            self.take_prepared()?;
            if Instant::now() > deadline {
                return Err(JournalError::Stalled);
            }
            std::thread::yield_now();
        }
        let deadline = Instant::now() + PREPARE_WAIT_MAX;
        self.wait_until(|journal| journal.durable_index == journal.next_index - 1, deadline)
    }

    fn wait_until(&mut self, done: impl Fn(&Self) -> bool, deadline: Instant) -> Result<(), JournalError> {
        let mut looks_late = 0;
        while !done(self) {
            let now = Instant::now();
            if self.poll(now)? > 0 {
                continue;
            }
            looks_late += u32::from(now > deadline);
            if looks_late > LOOKS_LATE_MAX {
                self.ended = true;
                return Err(JournalError::Stalled);
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    fn work(&mut self, now: Instant) -> Result<usize, JournalError> {
        let mut work = self.reap()?;
        self.take_prepared()?;
        if self.batch.commands > 0 {
            if self.write(Some(EntryKind::Commands))? {
                self.commands_at = Some(now);
                work += 1;
            }
        } else if self.flights.is_empty() && self.vouched_index < self.durable_index {
            let quiet_since = *self.commands_at.get_or_insert(now);
            if now.saturating_duration_since(quiet_since) >= self.vouch_after && self.write(None)? {
                work += 1;
            }
        }
        self.yield_core(now, work);
        Ok(work)
    }

    fn yield_core(&mut self, now: Instant, work: usize) {
        let moved_at = *self.moved_at.get_or_insert(now);
        if work > 0 || self.flights.is_empty() {
            self.moved_at = Some(now);
        } else if now.saturating_duration_since(moved_at) >= YIELD_EVERY {
            std::thread::yield_now();
            self.moved_at = Some(now);
        }
    }

    /// Takes in what has finished. The durable point is the end of the longest finished prefix: a later
    /// write may finish first, and counts only when all before it have.
    fn reap(&mut self) -> Result<usize, JournalError> {
        let mut work = 0;
        while let Some(Completion { number, buffer, result }) = self.disk.reap()? {
            result?;
            let place = number.checked_sub(self.first_flight).and_then(|place| usize::try_from(place).ok());
            let flight = place.and_then(|place| self.flights.get_mut(place)).ok_or(JournalError::Ended)?;
            flight.done = true;
            self.free.push(buffer);
            work += 1;
        }
        while let Some(flight) = self.flights.pop_front_if(|flight| flight.done) {
            self.first_flight += 1;
            self.durable_index = flight.last_index;
            self.durable = flight.last;
        }
        Ok(work)
    }

    /// Starts the write of one record, with the batch as its entry or with none. False when it cannot be
    /// started yet: all buffers are under way, or the next segment is not ready.
    fn write(&mut self, kind: Option<EntryKind>) -> Result<bool, JournalError> {
        if self.free.is_empty() {
            return Ok(false);
        }
        let payload_bytes = if kind.is_some() { self.batch.payload.len() } else { 0 };
        let pages = pages_for(HEADER_SIZE + payload_bytes) as u32;
        if !self.make_room(pages)? {
            return Ok(false);
        }
        let Some(mut buffer) = self.free.pop() else { return Ok(false) };
        let header = self.header(kind);
        if let Some(kind) = kind {
            self.finish_entry(kind);
        }
        let (used, crc) = header.encode(&self.batch.payload[..payload_bytes], &mut buffer);
        let number = self.first_flight + self.flights.len() as u64;
        let generation = self.segment.generation;
        let last = self.appended();
        if kind.is_some() {
            self.batch.payload.truncate(ENTRY_HEADER_SIZE);
            self.batch.first = last.next();
            self.batch.commands = 0;
            self.next_index += 1;
        }
        self.flights.push_back(Flight { last_index: self.next_index - 1, last, done: false });
        self.previous_crc = crc;
        self.vouched_index = header.durable;
        let page = self.page;
        self.page += pages;
        self.disk.submit(Write { number, generation, page, pages: used, buffer })?;
        Ok(true)
    }

    fn header(&self, kind: Option<EntryKind>) -> RecordHeader {
        RecordHeader {
            cluster: self.cluster,
            node: self.node,
            generation: self.segment.generation,
            page: self.page,
            segment_pages: (self.segment.bytes / PAGE_SIZE as u64) as u32,
            term: self.term,
            vote: self.node,
            commit: self.durable_index,
            durable: self.durable_index,
            first_index: self.next_index,
            first_sequence: self.batch.first,
            entries: u32::from(kind.is_some()),
            previous_crc: self.previous_crc,
            ..RecordHeader::zeroed()
        }
    }

    /// Puts the entry's header in front of the commands of the batch.
    fn finish_entry(&mut self, kind: EntryKind) {
        let mut entry = EntryHeader::new(kind, self.next_index, self.term, self.batch.first, self.rules);
        entry.commands = self.batch.commands;
        entry.bytes = (self.batch.payload.len() - ENTRY_HEADER_SIZE) as u32;
        self.batch.payload[..ENTRY_HEADER_SIZE].copy_from_slice(bytemuck::bytes_of(&entry));
    }

    /// Moves to the next segment where this one has no room for a record of so many pages.
    fn make_room(&mut self, pages: u32) -> Result<bool, JournalError> {
        if self.fits(pages) {
            return Ok(true);
        }
        let Some(next) = self.ready.pop_front() else { return Ok(false) };
        self.segment = next;
        self.page = 0;
        self.request_next(false)?;
        Ok(true)
    }

    fn fits(&self, pages: u32) -> bool {
        u64::from(self.page + pages) * PAGE_SIZE as u64 <= self.segment.bytes
    }

    /// Has the segment after the present one made, unless it is there.
    fn request_next(&mut self, haste: bool) -> Result<(), JournalError> {
        if !self.ready.is_empty() {
            return Ok(());
        }
        let next = Segment { generation: self.segment.generation + 1, bytes: self.segment_bytes };
        self.disk.prepare(next, haste)
    }

    fn take_prepared(&mut self) -> Result<(), JournalError> {
        if self.ready.is_empty() {
            self.ready.extend(self.disk.prepared()?);
        }
        Ok(())
    }
}
