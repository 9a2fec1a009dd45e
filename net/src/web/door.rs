//! The web door's thread: one listener, its connections, and the event log that it follows.

use super::clients::Clients;
use super::hub::Hub;
use super::limits::{
    ACCEPTS_PER_TURN, EVENTS_PER_TURN, OUTPUT_BYTES_MIN, READINESS_PER_TURN, SCAN_MS, TICK_MS, WebLimits,
};
use super::views::MarketViews;
use crate::doors::DoorError;
use crate::metrics::Metrics;
use engine::number::Timestamp;
use journal::event_log::{Address, EventLogError, EventLogReader};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// Tokens of connections begin here.
pub(super) const CONNECTIONS: usize = 2;
/// While the door is not open yet, the log is looked at so often.
const OPENING_MS: u64 = 1;
/// Longest sleep where nothing is due: a call that was missed costs so much.
const SLEEP_MAX_MS: u64 = 1000;

/// Where the web door is and what it reads.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// The address; port 0 for any.
    pub address: SocketAddr,
    /// The folder of the event log.
    pub event_log: PathBuf,
    /// Bounds.
    pub limits: WebLimits,
}

/// The web door, bound and not yet open: clients wait in the listener's queue.
#[derive(Debug)]
pub struct WebDoor {
    poller: Poll,
    waker: Arc<Waker>,
    listener: TcpListener,
    address: SocketAddr,
    event_log: PathBuf,
    limits: WebLimits,
}

/// The open web door's thread.
#[derive(Debug)]
pub struct WebThread {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: JoinHandle<()>,
}

impl WebDoor {
    /// Listens on the address.
    ///
    /// # Errors
    /// The address is in use or none of this machine, or the system is out of descriptors.
    pub fn bind(options: WebOptions) -> Result<Self, DoorError> {
        let WebOptions { address, event_log, mut limits } = options;
        limits.output_bytes_max = limits.output_bytes_max.max(OUTPUT_BYTES_MIN);
        let poller = Poll::new().map_err(DoorError::Poller)?;
        let waker = Arc::new(Waker::new(poller.registry(), WAKER).map_err(DoorError::Poller)?);
        let bound = TcpListener::bind(address).and_then(|mut listener| {
            poller.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = bound.map_err(|source| DoorError::Bind { door: "web", address, source })?;
        Ok(Self { poller, waker, listener, address, event_log, limits })
    }

    /// The address in use.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Calls the door's thread: the log has grown.
    #[must_use]
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Opens the door: a thread that shows `views` and goes on from their last event. Nobody is let in before
    /// it has come to the event `until`: a client never finds less than the market that was opened.
    ///
    /// # Errors
    /// The event log cannot be opened, or the system gives no thread.
    pub fn start(
        self,
        views: MarketViews,
        until: Address,
        metrics: Arc<Metrics>,
    ) -> Result<WebThread, WebError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (waker, stopping) = (Arc::clone(&self.waker), Arc::clone(&stop));
        let follower = Follower::open(&self.event_log, views)?;
        let turn = Turn {
            poller: self.poller,
            listener: self.listener,
            until,
            is_accepting: true,
            follower,
            hub: Hub::default(),
            clients: Clients::new(self.limits, Arc::clone(&metrics)),
            metrics,
            clock: Clock { started: Instant::now() },
            tick_ms: 0,
            scan_ms: 0,
        };
        let thread = std::thread::Builder::new()
            .name("rotunda-web".into())
            .spawn(move || turn.run(&stopping))
            .map_err(WebError::Thread)?;
        Ok(WebThread { stop, waker, thread })
    }
}

impl WebThread {
    /// Ends the thread and all its connections, and waits for it.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // A call that fails costs one SLEEP_MAX.
        let _ = self.waker.wake();
        if self.thread.join().is_err() {
            tracing::error!("the web door's thread had ended by a fault; orders were not touched by it");
        }
    }
}

/// Why the web door cannot be opened.
#[derive(Debug)]
pub enum WebError {
    /// The event log.
    Log(EventLogError),
    /// The system gives no thread.
    Thread(io::Error),
}

impl std::fmt::Display for WebError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Log(error) => write!(f, "web door: {error}"),
            Self::Thread(error) => {
                write!(
                    f,
                    "web door: no thread: {error}; raise the limit of processes, or set web.enabled = false"
                )
            }
        }
    }
}

impl std::error::Error for WebError {}

impl From<EventLogError> for WebError {
    fn from(error: EventLogError) -> Self {
        Self::Log(error)
    }
}

/// The views, and the log that they come from.
struct Follower {
    views: MarketViews,
    /// `None` once the log could not be read: the views stay as they are, and `/readyz` says so.
    reader: Option<EventLogReader>,
}

impl Follower {
    fn open(folder: &Path, views: MarketViews) -> Result<Self, EventLogError> {
        let mut reader = EventLogReader::open(folder)?;
        let last = views.last();
        reader.seek(if last == Address::START { last } else { last.after() });
        Ok(Self { views, reader: Some(reader) })
    }

    /// Takes in at most `EVENTS_PER_TURN` events; how many.
    fn follow(&mut self, hub: &mut Hub, now_ms: u64) -> usize {
        let Some(reader) = &mut self.reader else { return 0 };
        for count in 0..EVENTS_PER_TURN {
            match reader.next() {
                Ok(Some(event)) => {
                    let change = self.views.learn(&event);
                    hub.learn(&self.views, &change, now_ms);
                }
                Ok(None) => return count,
                Err(error) => {
                    tracing::error!(%error, "web door: market data stands still; restart the venue");
                    self.reader = None;
                    return count;
                }
            }
        }
        EVENTS_PER_TURN
    }
}

/// Monotonic time for deadlines, the wall clock for what is told.
struct Clock {
    started: Instant,
}

impl Clock {
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// UTC, ns; not before the last event, whose clock may lead the machine's.
    fn utc_ns(views: &MarketViews) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(0).max(views.time().0)
    }
}

/// All that the thread owns.
struct Turn {
    poller: Poll,
    listener: TcpListener,
    /// Nobody is let in before the views have come so far.
    until: Address,
    /// The listener may have connections.
    is_accepting: bool,
    follower: Follower,
    hub: Hub,
    clients: Clients,
    metrics: Arc<Metrics>,
    clock: Clock,
    tick_ms: u64,
    scan_ms: u64,
}

impl Turn {
    fn run(mut self, stop: &AtomicBool) {
        let mut events = Events::with_capacity(READINESS_PER_TURN);
        let mut is_busy = true;
        while !stop.load(Ordering::Acquire) {
            let timeout = Duration::from_millis(if is_busy { 0 } else { self.sleep_ms() });
            match self.poller.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    tracing::error!(%error, "web door: no readiness from the system; the door is closed");
                    return;
                }
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.is_accepting = true,
                    WAKER => {}
                    Token(token) => self.clients.ready(token - CONNECTIONS, event),
                }
            }
            is_busy = self.turn();
        }
    }

    /// Everything that is ready, once; whether more is.
    fn turn(&mut self) -> bool {
        let (elapsed_ms, utc_ns) = (self.clock.elapsed_ms(), Clock::utc_ns(&self.follower.views));
        let now_ms = utc_ns / 1_000_000;
        let taken = self.follower.follow(&mut self.hub, now_ms);
        let views = &self.follower.views;
        self.clients.set_time(elapsed_ms, now_ms, self.follower.reader.is_some());
        self.hub.end_turn(views, &mut self.clients);
        if elapsed_ms >= self.tick_ms + TICK_MS {
            self.tick_ms = elapsed_ms - elapsed_ms % TICK_MS;
            self.hub.tick(views, now_ms, &mut self.clients);
        }
        self.clients.flush();
        self.accept();
        let mut is_busy = self.clients.work(&self.follower.views, &mut self.hub);
        self.clients.flush();
        if elapsed_ms >= self.scan_ms + SCAN_MS {
            self.scan_ms = elapsed_ms;
            // Descriptors may be free again.
            self.is_accepting = true;
            self.clients.scan();
        }
        self.clients.bury(&mut self.hub);
        is_busy |= taken == EVENTS_PER_TURN;
        self.count(taken, utc_ns, self.follower.views.time());
        is_busy
    }

    fn accept(&mut self) {
        if !self.is_open() {
            return;
        }
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.is_accepting {
                return;
            }
            match self.listener.accept() {
                Ok((socket, _)) => self.clients.accept(socket, self.poller.registry()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Nothing waits, or there is no descriptor: the next scan looks again.
                Err(_) => self.is_accepting = false,
            }
        }
    }

    /// Where the log cannot be read, the door opens all the same, to say so.
    fn is_open(&self) -> bool {
        self.follower.reader.is_none() || self.follower.views.last() >= self.until
    }

    fn count(&self, taken: usize, utc_ns: u64, event_time: Timestamp) {
        let web = &self.metrics.web;
        web.readers.set(self.hub.readers() as u64);
        if taken > 0 {
            web.events.add(taken as u64);
            web.lag_ns.set(utc_ns.saturating_sub(event_time.0));
        }
    }

    /// Until something is due by time.
    fn sleep_ms(&self) -> u64 {
        if !self.is_open() {
            return OPENING_MS;
        }
        let now_ms = self.clock.elapsed_ms();
        let mut due_ms = now_ms + SLEEP_MAX_MS;
        if self.hub.readers() > 0 {
            due_ms = due_ms.min(self.tick_ms + TICK_MS);
        }
        if !self.clients.is_empty() {
            due_ms = due_ms.min(self.scan_ms + SCAN_MS);
        }
        due_ms.saturating_sub(now_ms)
    }
}
