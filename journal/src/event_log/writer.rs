//! The writing end, on the thread that releases events: packs them into a buffer and hands full buffers on.

use super::block::{Chain, HEADER_SIZE};
use super::disk::{Disk, EventDisk, Progress, SystemDisk};
use super::{Address, EventLogError, EventLogOptions, Tail, scan};
use crossbeam_channel::{Receiver, Sender, bounded};
use engine::event::{EventKind, EventRecord};
use engine::packed::{self, PACKED_SIZE_MAX};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a close with a deadline looks whether the writer thread has ended.
const CLOSE_LOOK: Duration = Duration::from_millis(1);

/// A block goes early once no event came for its longest wait over this.
const QUIET_SHARE: u32 = 10;

/// Appends committed events. One for each log; the folder's owner sees to that (the data folder is locked).
///
/// Nothing here blocks or, once open, allocates. The queue to the writer thread is bounded: while
/// [`Self::has_room`] is false the egress stage releases nothing, so the output ring fills and the matcher
/// waits: a disk that is too slow for the events slows the venue, it loses nothing.
#[derive(Debug)]
pub struct EventLogWriter {
    /// The block in hand; room for the header, then packed events.
    current: Option<Vec<u8>>,
    block_bytes_max: usize,
    /// The last event appended.
    last: Address,
    /// Length of the block in hand before its last event, if that is an OrderDetail. A block never ends
    /// with one, so that a reader who begins at a block finds a report's detail with it.
    before_detail: Option<usize>,
    /// When `poll` first saw the block in hand not empty.
    waiting_since: Option<Instant>,
    /// Length of the block in hand when `poll` last saw it, and since when it has had it.
    length_seen: (usize, Instant),
    age_max: Duration,
    full: Option<Sender<Vec<u8>>>,
    free: Receiver<Vec<u8>>,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
    fault: Option<EventLogError>,
}

/// How far a log that is being written is durable. Many threads may look.
#[derive(Clone, Debug)]
pub struct SyncedPoint(Arc<Progress>);

impl SyncedPoint {
    /// The last event that survives a power cut.
    #[must_use]
    pub fn get(&self) -> Address {
        self.0.synced.load()
    }
}

impl EventLogWriter {
    /// Opens the log in `options.folder`, cuts what lies behind the last whole block, makes missing or
    /// damaged indexes again, and tells where the log ends.
    ///
    /// # Errors
    /// An option out of bounds, a refusal of the system, or a complete file that is damaged.
    pub fn open(options: &EventLogOptions) -> Result<(Self, Tail), EventLogError> {
        Self::open_on(SystemDisk, options)
    }

    /// As [`Self::open`], with what is appended going through a disk of the caller's.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(disk: impl EventDisk, options: &EventLogOptions) -> Result<(Self, Tail), EventLogError> {
        options.check()?;
        std::fs::create_dir_all(&options.folder)
            .map_err(|source| EventLogError::io("create", &options.folder, source))?;
        let (tail, last_file) = scan::recover(&options.folder)?;
        let chain = Chain { last: tail.end, events: tail.events, hash: tail.hash };
        let progress = Arc::new(Progress::default());
        let disk = Disk::new(disk, options, chain, last_file, Arc::clone(&progress))?;

        let buffers = options.queue_blocks_max + 1;
        let block_bytes_max = options.block_bytes_max as usize;
        let (full, full_reader) = bounded(buffers);
        let (free_writer, free) = bounded(buffers);
        for _ in 0..buffers {
            let mut buffer = Vec::with_capacity(block_bytes_max);
            buffer.resize(HEADER_SIZE, 0);
            // There is room for all of them, and both ends are in this function.
            let _ = free_writer.try_send(buffer);
        }
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || disk.run(&full_reader, &free_writer))
            .map_err(|source| EventLogError::io("start a thread for", &options.folder, source))?;
        let writer = Self {
            current: free.try_recv().ok(),
            block_bytes_max,
            last: tail.end,
            before_detail: None,
            waiting_since: None,
            length_seen: (0, Instant::now()),
            age_max: Duration::from_nanos(options.block_age_ns_max),
            full: Some(full),
            free,
            progress,
            thread: Some(thread),
            fault: None,
        };
        Ok((writer, tail))
    }

    /// Whether the next event, one event, will be taken. False: the writer thread is behind by its bound (or has
    /// failed); release nothing and ask again.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.fault.is_none()
            && (self.current_room() >= 2 * PACKED_SIZE_MAX
                || self.before_detail.is_some()
                || !self.free.is_empty())
    }

    /// How many events will certainly be taken without asking again, whatever they are.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.fault.is_some() {
            return 0;
        }
        // Of a block's last part an event's largest size is left over, for the one after a detail.
        let events = |bytes: usize| (bytes / PACKED_SIZE_MAX).saturating_sub(1);
        events(self.current_room()) + self.free.len() * events(self.block_bytes_max - HEADER_SIZE)
    }

    /// Appends one event, which must come after all before it. Ask [`Self::has_room`] (or, for many
    /// at a time, [`Self::room`]) first: an event without room is a failure that ends the log, never a gap in it.
    pub fn append(&mut self, event: &EventRecord) {
        if self.fault.is_some() {
            return;
        }
        let address = Address::of(event);
        if address <= self.last {
            self.fault = Some(EventLogError::Order { last: self.last, found: address });
            return;
        }
        // Where a detail fits, the event that follows it must fit too.
        if self.current_room() < 2 * PACKED_SIZE_MAX && self.before_detail.is_none() {
            self.hand_over();
        }
        let Some(block) = &mut self.current else {
            self.fault.get_or_insert(EventLogError::NoRoom { address });
            return;
        };
        self.before_detail = (event.kind() == EventKind::OrderDetail as u8).then_some(block.len());
        packed::encode(event.words(), block);
        self.last = address;
    }

    /// Hands the block in hand to the writer thread once it has waited `block_age_ns_max`; full ones go as they
    /// fill. Where somebody listens ([`Self::on_written`]) a tenth of that without another event is enough: the
    /// market is quiet. Without one the writer thread is woken no oftener than it must, for on a machine with few
    /// cores it takes the time from the thread that answers. Tells how many blocks went.
    pub fn poll(&mut self) -> usize {
        if self.is_current_empty() {
            return 0;
        }
        let now = Instant::now();
        let length = self.current.as_ref().map_or(0, Vec::len);
        if length != self.length_seen.0 {
            self.length_seen = (length, now);
        }
        let since = *self.waiting_since.get_or_insert(now);
        let is_quiet = self.progress.listener.get().is_some()
            && now.duration_since(self.length_seen.1) >= self.age_max / QUIET_SHARE;
        if is_quiet || now.duration_since(since) >= self.age_max { self.flush() } else { 0 }
    }

    /// Hands the block in hand to the writer thread now, unless its last event is an OrderDetail, whose
    /// event is still to come. Tells how many blocks went. Does not wait for the disk.
    pub fn flush(&mut self) -> usize {
        if self.is_current_empty() || self.before_detail.is_some() {
            return 0;
        }
        self.hand_over();
        1
    }

    /// Why the log can go on no more, if it cannot. The venue then stops: the journal has everything,
    /// and recovery makes the missing events again.
    #[must_use]
    pub fn failure(&self) -> Option<&EventLogError> {
        self.progress.failure.get().or(self.fault.as_ref())
    }

    /// Lets `listener` be called on the writer thread after each block that readers can see: once a block,
    /// never once an event. It must not block. There is one; a second one is not taken.
    pub fn on_written(&self, listener: impl Fn() + Send + Sync + 'static) {
        // The first one stays.
        let _ = self.progress.listener.set(Box::new(listener));
    }

    /// The last event appended.
    #[must_use]
    pub const fn last(&self) -> Address {
        self.last
    }

    /// The last event that readers can see.
    #[must_use]
    pub fn written(&self) -> Address {
        self.progress.written.load()
    }

    /// The last event that survives a power cut. A snapshot below it need not be kept.
    #[must_use]
    pub fn synced(&self) -> Address {
        self.progress.synced.load()
    }

    /// How far the log is durable, for another thread to look at.
    #[must_use]
    pub fn synced_point(&self) -> SyncedPoint {
        SyncedPoint(Arc::clone(&self.progress))
    }

    /// Writes and syncs all that was appended, ends the thread, and tells the last event stored. An
    /// OrderDetail without its event is left out: recovery makes both again.
    ///
    /// # Errors
    /// What stopped the log before, or on the way.
    pub fn close(mut self) -> Result<Address, EventLogError> {
        self.hand_over_last();
        self.end_thread();
        self.stored()
    }

    /// As [`Self::close`], but waits for the disk until `deadline` only; what is then missing is made again by the
    /// next start.
    ///
    /// # Errors
    /// As [`Self::close`], or the disk took longer.
    pub fn close_by(mut self, deadline: Instant) -> Result<Address, EventLogError> {
        self.hand_over_last();
        self.full = None;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if Instant::now() > deadline {
                // Left to end with the process: to join it would be to wait for the disk.
                self.thread = None;
                return Err(EventLogError::Stalled);
            }
            std::thread::sleep(CLOSE_LOOK);
        }
        self.end_thread();
        self.stored()
    }

    fn hand_over_last(&mut self) {
        if let (Some(length), Some(block)) = (self.before_detail.take(), &mut self.current) {
            block.truncate(length);
        }
        self.flush();
    }

    fn stored(&self) -> Result<Address, EventLogError> {
        match self.failure() {
            Some(error) => Err(error.clone()),
            None => Ok(self.written()),
        }
    }

    /// Waits until an event will be taken: for recovery, which has nothing else to do.
    pub(super) fn wait_for_room(&mut self) -> Result<(), EventLogError> {
        if !self.has_room() {
            if self.fault.is_none() && self.current.is_some() {
                self.hand_over();
            }
            match self.free.recv() {
                Ok(block) => self.current = Some(block),
                Err(_) => self.writer_gone(),
            }
        }
        self.failure().map_or(Ok(()), |error| Err(error.clone()))
    }

    fn current_room(&self) -> usize {
        self.current.as_ref().map_or(0, |block| self.block_bytes_max - block.len())
    }

    fn is_current_empty(&self) -> bool {
        self.current.as_ref().is_none_or(|block| block.len() == HEADER_SIZE)
    }

    fn hand_over(&mut self) {
        if let (Some(block), Some(full)) = (self.current.take(), &self.full)
            && full.try_send(block).is_err()
        {
            // The channel holds all buffers there are, so it is closed, not full.
            self.writer_gone();
        }
        self.waiting_since = None;
        self.length_seen.0 = 0;
        self.current = self.free.try_recv().ok();
    }

    fn writer_gone(&mut self) {
        let known = self.progress.failure.get().cloned();
        self.fault.get_or_insert(known.unwrap_or(EventLogError::WriterGone));
    }

    fn end_thread(&mut self) {
        self.full = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.writer_gone();
        }
    }
}

impl Drop for EventLogWriter {
    /// As after a crash, but that what was handed over is still written.
    fn drop(&mut self) {
        self.end_thread();
    }
}
