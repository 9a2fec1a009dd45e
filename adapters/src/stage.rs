//! From the event log to a sink, on a thread of its own.

use crate::instruments::Instruments;
use crate::render::render_line;
use crate::sink::{Batch, Sink, SinkError};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use crossbeam_utils::atomic::AtomicCell;
use engine::event::EventRecord;
use journal::event_log::{Address, Cursor, EventLogError, EventLogReader, day_started_before};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// First pause after a sink has failed; each further one is up to twice as long, with jitter.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause: tries never end, the log waits.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Events that are read before a stop is looked for again, a few milliseconds' worth.
const STOP_CHECK_EVENTS: u64 = 1 << 16;

/// How a stage works.
#[derive(Clone, Debug)]
pub struct StageOptions {
    /// Name of its thread and of its cursor; at most 15 characters.
    pub name: String,
    /// Folder of the event log.
    pub event_log: PathBuf,
    /// File of its cursor.
    pub cursor: PathBuf,
    /// Most events in a batch.
    pub batch_events_max: usize,
    /// How long it waits when the log has nothing new.
    pub idle: Duration,
    /// How often the sink is synced and the cursor stored while events flow.
    pub cursor_every: Duration,
}

impl StageOptions {
    /// The defaults: batches of up to 1,024 events, a look at the log every 10 ms while it is quiet, the
    /// cursor stored every second.
    #[must_use]
    pub fn new(name: &str, event_log: PathBuf, cursor: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            event_log,
            cursor,
            batch_events_max: 1_024,
            idle: Duration::from_millis(10),
            cursor_every: Duration::from_secs(1),
        }
    }
}

/// Why a stage has ended before it was told to.
#[derive(Clone, Debug)]
pub enum StageError {
    /// The event log or the cursor.
    EventLog(EventLogError),
    /// The sink, where trying again cannot help.
    Sink(SinkError),
    /// The thread could not be started, or has panicked.
    Thread,
}

impl std::fmt::Display for StageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EventLog(error) => error.fmt(f),
            Self::Sink(error) => error.fmt(f),
            Self::Thread => f.write_str("the stage's thread could not be started or has ended unexpectedly"),
        }
    }
}

impl std::error::Error for StageError {}

impl From<EventLogError> for StageError {
    fn from(error: EventLogError) -> Self {
        Self::EventLog(error)
    }
}

/// What a stage tells about itself.
#[derive(Clone, Debug, Default)]
pub struct StageStatus {
    /// The last event delivered.
    pub delivered: Address,
    /// What the sink said last, while it does not take the batch in hand.
    pub waiting: Option<SinkError>,
    /// Why the stage has ended.
    pub ended: Option<StageError>,
}

#[derive(Debug, Default)]
struct Told {
    delivered: AtomicCell<Address>,
    /// Rare and cold: written when a sink fails or recovers.
    trouble: Mutex<(Option<SinkError>, Option<StageError>)>,
}

/// A running stage.
#[derive(Debug)]
pub struct Stage {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
    told: Arc<Told>,
}

impl Stage {
    /// Starts delivering to `sink`, behind the last event that it holds or else behind the cursor.
    ///
    /// # Errors
    /// The event log's folder or the cursor cannot be read, or the thread not be started.
    pub fn start(options: StageOptions, sink: Box<dyn Sink>) -> Result<Self, StageError> {
        let (stop, stopped) = bounded(1);
        let told = Arc::new(Told::default());
        let worker = Worker {
            cursor: Cursor::open(&options.cursor)?,
            reader: EventLogReader::open(&options.event_log)?,
            sink,
            stopped,
            told: Arc::clone(&told),
            instruments: Instruments::default(),
            batch: Vec::with_capacity(options.batch_events_max),
            lines: String::new(),
            delivered: Address::START,
            stored_at: Instant::now(),
            options,
        };
        let thread = std::thread::Builder::new()
            .name(worker.options.name.clone())
            .spawn(move || worker.run())
            .map_err(|_| StageError::Thread)?;
        Ok(Self { stop, thread: Some(thread), told })
    }

    /// How it fares.
    #[must_use]
    pub fn status(&self) -> StageStatus {
        let trouble = self.told.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StageStatus { delivered: self.told.delivered.load(), waiting: trouble.0, ended: trouble.1 }
    }

    /// Ends the stage: the batch in hand is finished if the sink takes it at once, the sink is synced and
    /// the cursor stored. What was not delivered is delivered after the next start.
    ///
    /// # Errors
    /// What had ended it before, or kept the cursor from being stored.
    pub fn stop(mut self) -> Result<Address, StageError> {
        // A full channel has been told already; a closed one has ended already.
        let _ = self.stop.try_send(());
        let joined = self.thread.take().map(JoinHandle::join);
        let status = self.status();
        match (joined, status.ended) {
            (Some(Err(_)), _) => Err(StageError::Thread),
            (_, Some(error)) => Err(error),
            (_, None) => Ok(status.delivered),
        }
    }
}

struct Worker {
    options: StageOptions,
    cursor: Cursor,
    reader: EventLogReader,
    sink: Box<dyn Sink>,
    stopped: Receiver<()>,
    told: Arc<Told>,
    instruments: Instruments,
    batch: Vec<EventRecord>,
    lines: String,
    delivered: Address,
    stored_at: Instant,
}

/// Whether a stop was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

impl Worker {
    fn run(mut self) {
        let ended = self.deliver_until_stopped().err();
        let mut trouble = self.told.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.1 = ended;
    }

    fn deliver_until_stopped(&mut self) -> Result<(), StageError> {
        if self.resume()? == Go::Stop {
            return Ok(());
        }
        loop {
            self.fill_batch()?;
            let go = if self.batch.is_empty() {
                self.store_cursor_if_due()?;
                self.pause(self.options.idle)
            } else {
                self.deliver_batch()?
            };
            if go == Go::Stop {
                return self.store_cursor();
            }
        }
    }

    /// Finds where to begin, and learns the instruments as they were there.
    fn resume(&mut self) -> Result<Go, StageError> {
        let mut held = None;
        let go = self.insist(|worker| {
            held = worker.sink.resume()?;
            Ok(())
        })?;
        self.delivered = held.unwrap_or(self.cursor.done());
        self.told.delivered.store(self.delivered);
        match day_started_before(&self.options.event_log, self.delivered)? {
            Some(position) => self.reader.seek_position(position)?,
            None => self.reader.seek(Address::START),
        }
        self.learn_instruments()?;
        self.reader.seek(self.delivered.after());
        Ok(go)
    }

    /// Reads what precedes the first event to deliver, from where the day began.
    fn learn_instruments(&mut self) -> Result<(), StageError> {
        let mut read = 0u64;
        while let Some(event) = self.reader.next()? {
            read += 1;
            let asked_to_stop = read.is_multiple_of(STOP_CHECK_EVENTS) && !self.stopped.is_empty();
            if Address::of(&event) > self.delivered || asked_to_stop {
                break;
            }
            self.instruments.observe(&event);
        }
        Ok(())
    }

    fn fill_batch(&mut self) -> Result<(), EventLogError> {
        self.batch.clear();
        self.lines.clear();
        while self.batch.len() < self.options.batch_events_max {
            let Some(event) = self.reader.next()? else { break };
            self.instruments.observe(&event);
            render_line(&event, &self.instruments, &mut self.lines);
            self.batch.push(event);
        }
        Ok(())
    }

    fn deliver_batch(&mut self) -> Result<Go, StageError> {
        let mut delivered = false;
        let go = self.insist(|worker| {
            worker.sink.deliver(&Batch { events: &worker.batch, lines: &worker.lines })?;
            delivered = true;
            Ok(())
        })?;
        if let (true, Some(last)) = (delivered, self.batch.last()) {
            self.delivered = Address::of(last);
            self.told.delivered.store(self.delivered);
        }
        self.store_cursor_if_due()?;
        Ok(go)
    }

    /// Tries until it succeeds, or a stop is asked for, with growing pauses.
    fn insist(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<(), SinkError>,
    ) -> Result<Go, StageError> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(PAUSE_MIN)
            .with_max_delay(PAUSE_MAX)
            .without_max_times()
            .with_jitter()
            .build();
        for pause in pauses.chain(std::iter::repeat(PAUSE_MAX)) {
            match attempt(self) {
                Ok(()) => {
                    self.tell_waiting(None);
                    return Ok(self.pause(Duration::ZERO));
                }
                Err(error) if error.may_pass() => self.tell_waiting(Some(error)),
                Err(error) => return Err(StageError::Sink(error)),
            }
            if self.pause(pause) == Go::Stop {
                return Ok(Go::Stop);
            }
        }
        Ok(Go::Stop)
    }

    fn tell_waiting(&self, waiting: Option<SinkError>) {
        self.told.trouble.lock().unwrap_or_else(PoisonError::into_inner).0 = waiting;
    }

    fn pause(&self, pause: Duration) -> Go {
        match self.stopped.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => Go::On,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Go::Stop,
        }
    }

    fn store_cursor_if_due(&mut self) -> Result<(), StageError> {
        if self.stored_at.elapsed() < self.options.cursor_every {
            return Ok(());
        }
        self.store_cursor()
    }

    /// The sink first: a cursor must not be ahead of what survives a power cut there.
    fn store_cursor(&mut self) -> Result<(), StageError> {
        self.stored_at = Instant::now();
        if self.delivered == self.cursor.done() {
            return Ok(());
        }
        match self.sink.sync() {
            Ok(()) => Ok(self.cursor.store(self.delivered)?),
            Err(error) if error.may_pass() => {
                self.tell_waiting(Some(error));
                Ok(())
            }
            Err(error) => Err(StageError::Sink(error)),
        }
    }
}
