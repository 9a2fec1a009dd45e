//! The doors: one thread's worth of sockets, polled and never waited for.
//!
//! ```text
//! sockets -> poll: read, decode, convert ---> ring        (full: the bytes wait, the socket is not read)
//! released events -> release: encode ---> connections     (slow: served from the event log)
//!                    flush: one write a connection -> sockets
//! ```
//!
//! A door reads no memory of the engine. What it knows it has learned from released events, so that
//! nothing it says was not committed, and a door that starts again knows the same.
//!
//! It has no thread and no clock of its own, and makes no order of its own: who polls it decides.

mod catch_up;
mod connection;
mod egress;
mod intake;
mod knowledge;
mod log_in;
mod market_data;
mod open_orders;
mod orders;
mod reports;
mod upkeep;

use crate::directory::Directory;
pub use crate::limits::DoorLimits;
use crate::limits::{EVENTS_PER_POLL, LOG_WAIT, OUTPUT_BYTES_MIN, OUTSIDE_FLUSHES, READ_BYTES};
use crate::soup::Packet;
use connection::{Connection, Door, Stage};
use engine::command::{CommandKind, CommandSlot, SessionCommand};
use engine::event::{Event, EventRecord};
use engine::number::{SessionId, Timestamp};
use engine::ring::Publish;
use journal::event_log::SessionIndex;
pub use knowledge::Knowledge;
use log_in::Failures;
use market_data::{FeedIndex, MarketData};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use open_orders::OpenOrders;
use reports::ReportEncoder;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use upkeep::Upkeep;

const OUCH_LISTENER: Token = Token(0);
const ITCH_LISTENER: Token = Token(1);
const WAKER: Token = Token(2);
/// Tokens of connections begin here.
const CONNECTIONS: usize = 3;

/// Where the doors are, and where resends come from.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// OUCH 5.0 order entry; port 0 for any.
    pub ouch: SocketAddr,
    /// ITCH 5.0 market data; port 0 for any.
    pub itch: SocketAddr,
    /// The folder of the event log.
    pub event_log: PathBuf,
    /// Bounds.
    pub limits: DoorLimits,
}

/// The addresses in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorAddresses {
    /// OUCH 5.0 order entry.
    pub ouch: SocketAddr,
    /// ITCH 5.0 market data.
    pub itch: SocketAddr,
}

/// Why the doors cannot be opened.
#[derive(Debug)]
pub enum DoorError {
    /// An address cannot be listened on.
    Bind {
        /// Which door.
        door: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no poller.
    Poller(io::Error),
}

impl std::fmt::Display for DoorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bind { door, address, source } if source.kind() == io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "{door} door: {address} is in use; stop who listens there, or choose another port (0 for any)"
                )
            }
            Self::Bind { door, address, source } => {
                write!(
                    f,
                    "{door} door: cannot listen on {address}: {source}; choose an address of this machine"
                )
            }
            Self::Poller(source) => {
                write!(f, "no poller for sockets: {source}; raise the limit of open files")
            }
        }
    }
}

impl std::error::Error for DoorError {}

/// Both doors and all their connections.
#[derive(Debug)]
pub struct Doors {
    poller: Poll,
    events: Events,
    waker: Arc<Waker>,
    ouch: TcpListener,
    itch: TcpListener,
    /// A listener has connections to accept: OUCH, ITCH.
    accepting: [bool; 2],
    addresses: DoorAddresses,
    event_log: PathBuf,
    limits: DoorLimits,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Connections of each address.
    origins: BTreeMap<IpAddr, u32>,
    /// Connections that were opened, oldest first, by slot and number: those among them that are still not
    /// logged in make room for newcomers.
    strangers: VecDeque<(usize, u64)>,
    /// Connections with a stream and something to read, in turn.
    ready: VecDeque<usize>,
    /// Other connections with something to read, in turn.
    ready_outside: VecDeque<usize>,
    /// The ring was full when they were read last.
    stalled: bool,
    /// Sessions' connections with something to write.
    dirty: Vec<usize>,
    /// Other connections with something to write, in turn.
    dirty_outside: VecDeque<usize>,
    /// Connections that are served from the event log, in turn.
    catching_up: VecDeque<usize>,
    /// The connection of each session, by its number.
    by_session: Vec<Option<usize>>,
    /// Connections that wait for the answer to their LogIn.
    pending: BTreeMap<u64, usize>,
    /// Connections of the feed.
    readers: Vec<usize>,
    /// Sessions that a kill has disabled and whose cancels are still coming.
    disabled: Vec<SessionId>,
    /// LogOut and SessionLost that wait for room in the ring: at most one a connection.
    lost: VecDeque<SessionCommand>,
    directory: Directory,
    open_orders: OpenOrders,
    market_data: MarketData,
    encoder: ReportEncoder,
    index: Option<SessionIndex>,
    failures: Failures,
    scratch: Vec<u8>,
    connection_last: u64,
    upkeep: Upkeep,
    /// No connection is accepted and none is read any more.
    closed_to_input: bool,
    /// The disk has no room for new orders.
    refuses_new_orders: bool,
    now: Timestamp,
}

impl Doors {
    /// Listens on both addresses.
    ///
    /// # Errors
    /// An address is in use or none of this machine, or the system is out of descriptors.
    pub fn bind(options: DoorOptions) -> Result<Self, DoorError> {
        let poller = Poll::new().map_err(DoorError::Poller)?;
        let waker = Waker::new(poller.registry(), WAKER).map_err(DoorError::Poller)?;
        let listen = |door, address, token| {
            let bound = TcpListener::bind(address).and_then(|mut listener| {
                poller.registry().register(&mut listener, token, Interest::READABLE)?;
                Ok((listener.local_addr()?, listener))
            });
            bound.map_err(|source| DoorError::Bind { door, address, source })
        };
        let (ouch_address, ouch) = listen("OUCH", options.ouch, OUCH_LISTENER)?;
        let (itch_address, itch) = listen("ITCH", options.itch, ITCH_LISTENER)?;
        let directory = Directory::new();
        let output_bytes_max = options.limits.output_bytes_max.max(OUTPUT_BYTES_MIN);
        Ok(Self {
            poller,
            events: Events::with_capacity(EVENTS_PER_POLL),
            waker: Arc::new(waker),
            ouch,
            itch,
            accepting: [false; 2],
            addresses: DoorAddresses { ouch: ouch_address, itch: itch_address },
            event_log: options.event_log,
            limits: DoorLimits { output_bytes_max, ..options.limits },
            connections: Vec::with_capacity(options.limits.connections_max),
            free: Vec::with_capacity(options.limits.connections_max),
            origins: BTreeMap::new(),
            strangers: VecDeque::new(),
            ready: VecDeque::new(),
            ready_outside: VecDeque::new(),
            stalled: false,
            dirty: Vec::new(),
            dirty_outside: VecDeque::new(),
            catching_up: VecDeque::new(),
            by_session: Vec::new(),
            pending: BTreeMap::new(),
            readers: Vec::new(),
            disabled: Vec::new(),
            lost: VecDeque::new(),
            market_data: MarketData::new(FeedIndex::new(&directory)),
            directory,
            open_orders: OpenOrders::new(),
            encoder: ReportEncoder::default(),
            index: None,
            failures: Failures::default(),
            scratch: vec![0; READ_BYTES],
            connection_last: 0,
            upkeep: Upkeep::default(),
            closed_to_input: false,
            refuses_new_orders: false,
            now: Timestamp(0),
        })
    }

    /// The addresses in use.
    #[must_use]
    pub const fn addresses(&self) -> DoorAddresses {
        self.addresses
    }

    /// What the doors know of instruments and sessions.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Open connections of both doors.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.connections.len() - self.free.len()
    }

    /// Sessions that have a connection.
    #[must_use]
    pub fn sessions_connected(&self) -> usize {
        self.by_session.iter().flatten().count()
    }

    /// Ends a sleep in [`poll`](Self::poll) from another thread.
    #[must_use]
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Takes up what is known of events before this start. Before the first poll.
    pub fn resume(&mut self, knowledge: Knowledge) {
        let Knowledge { directory, open_orders, feed } = knowledge;
        self.connection_last = directory.connection_max();
        self.directory = directory;
        self.open_orders = open_orders;
        self.market_data = MarketData::new(feed);
    }

    /// While set, new orders are refused for want of disk; cancels are taken.
    pub const fn refuse_new_orders(&mut self, refuse: bool) {
        self.refuses_new_orders = refuse;
    }

    /// Reads what is there and publishes the commands, each stamped with `now`. Tells how much it did.
    ///
    /// Where nothing is to be done it sleeps until a socket or the [`waker`](Self::waker) calls, at most
    /// `timeout` (`None`: until the next heartbeat is due), and returns 0: what woke it is read by the
    /// next call, with its own time.
    ///
    /// # Errors
    /// The poller failed: the doors cannot go on. Faults of single sockets close these.
    pub fn poll(
        &mut self,
        ring: &mut impl Publish,
        now: Timestamp,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        self.now = now;
        self.collect(Duration::ZERO)?;
        let mut work = self.publish_lost(ring);
        if !self.closed_to_input {
            work += self.accept() + self.read(ring);
        }
        work += self.catch_up() + self.keep_up();
        if work == 0 && self.is_idle() && timeout != Some(Duration::ZERO) {
            let bound = if self.catching_up.is_empty() { self.upkeep_pause() } else { LOG_WAIT };
            self.collect(timeout.unwrap_or(bound).min(bound))?;
        }
        Ok(work)
    }

    /// Passes on one committed event: to its session's connection and to the readers of the feed.
    #[inline]
    pub fn release(&mut self, record: &EventRecord) {
        let Ok(event) = record.view() else { return };
        if crate::itch::feed::starts_day(&event) {
            self.end_feed_day();
        }
        self.directory.learn_event(record, &event);
        self.market_data.release(record, &event, &self.directory);
        if self.market_data.is_full() {
            self.hand_out();
        }
        self.track(&event);
        self.deliver(record, &event);
    }

    fn is_idle(&self) -> bool {
        let nothing_to_read = self.ready.is_empty() && self.ready_outside.is_empty();
        nothing_to_read && !self.stalled && self.dirty.is_empty() && self.dirty_outside.is_empty()
    }

    /// Writes what waits, one write a connection: to every session that has reports, and to a bounded number
    /// of others, which take turns. Tells how many connections were written to.
    pub fn flush(&mut self, now: Timestamp) -> usize {
        self.now = now;
        self.hand_out();
        let mut written = 0;
        let mut dirty = std::mem::take(&mut self.dirty);
        for slot in dirty.drain(..) {
            written += self.flush_connection(slot);
        }
        // Removing a connection makes none dirty.
        self.dirty = dirty;
        for _ in 0..self.dirty_outside.len().min(OUTSIDE_FLUSHES) {
            let Some(slot) = self.dirty_outside.pop_front() else { break };
            written += self.flush_connection(slot);
        }
        written
    }

    fn flush_connection(&mut self, slot: usize) -> usize {
        let Some(connection) = self.connections[slot].as_mut() else { return 0 };
        connection.dirty = false;
        match connection.flush(self.now.0) {
            Ok(count) => usize::from(count > 0),
            Err(connection::Gone) => {
                self.remove(slot, CommandKind::SessionLost);
                0
            }
        }
    }

    /// Accepts and reads nothing more; what is released is still sent.
    pub const fn stop_reading(&mut self) {
        self.closed_to_input = true;
    }

    /// Sends what the sockets take at once and closes them. The sessions go on with the next start.
    pub fn close(mut self, now: Timestamp) {
        for _ in 0..=self.dirty_outside.len() / OUTSIDE_FLUSHES {
            self.flush(now);
        }
        for connection in self.connections.iter_mut().flatten() {
            let _ = connection.socket.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Keeps the instruments of open orders.
    #[inline]
    fn track(&mut self, event: &Event<'_>) {
        self.open_orders.learn(event);
    }

    /// Ends a connection: its session is told to the engine, `last` is still sent.
    fn end(&mut self, slot: usize, cause: CommandKind, last: Option<Packet<'_>>) {
        self.unlink(slot, cause);
        let now_ns = self.now.0;
        if let Some(connection) = self.connections[slot].as_mut() {
            connection.close_with(last, now_ns);
            self.mark_dirty(slot);
        }
    }

    /// Drops a connection without another word.
    fn remove(&mut self, slot: usize, cause: CommandKind) {
        self.unlink(slot, cause);
        if let Some(connection) = self.connections[slot].take() {
            self.free.push(slot);
            self.forget_origin(connection.address);
        }
    }

    /// Takes a connection out of all lists that route to it, and tells the engine that its session is
    /// without one.
    fn unlink(&mut self, slot: usize, cause: CommandKind) {
        if let Some(connection) = self.connections[slot].take() {
            self.unlink_taken(slot, &connection, cause);
            self.connections[slot] = Some(connection);
        }
    }

    /// The same for a connection that is out of its slot for its turn.
    fn unlink_taken(&mut self, slot: usize, connection: &Connection, cause: CommandKind) {
        let id = connection.id;
        match (&connection.stage, connection.session()) {
            (_, Some(session)) => {
                self.pending.remove(&id);
                self.route(session, |route| {
                    if *route == Some(slot) {
                        *route = None;
                    }
                });
                self.lose(session, id, cause);
            }
            (Stage::Stream(_), None) => self.readers.retain(|&reader| reader != slot),
            (Stage::LogIn | Stage::Pending { .. } | Stage::Closing { .. }, None) => {}
        }
    }

    fn lose(&mut self, session: SessionId, connection: u64, cause: CommandKind) {
        let mut command = SessionCommand::blank(cause, self.now);
        command.session = session;
        command.connection = connection;
        self.lost.push_back(command);
    }

    fn publish_lost(&mut self, ring: &mut impl Publish) -> usize {
        let mut published = 0;
        while let Some(command) = self.lost.front() {
            let command = SessionCommand { time: self.now, ..*command };
            if ring.try_publish(&CommandSlot::new(&command)).is_err() {
                break;
            }
            self.lost.pop_front();
            published += 1;
        }
        published
    }

    fn route(&mut self, session: SessionId, change: impl FnOnce(&mut Option<usize>)) {
        let index = session.0 as usize;
        if self.by_session.len() <= index {
            self.by_session.resize(index + 1, None);
        }
        change(&mut self.by_session[index]);
    }

    #[inline]
    fn mark_dirty(&mut self, slot: usize) {
        if let Some(connection) = self.connections[slot].as_mut()
            && !std::mem::replace(&mut connection.dirty, true)
        {
            if connection.session().is_some() {
                self.dirty.push(slot);
            } else {
                self.dirty_outside.push_back(slot);
            }
        }
    }

    fn mark_ready(&mut self, slot: usize) {
        if let Some(connection) = self.connections[slot].as_mut()
            && !std::mem::replace(&mut connection.queued, true)
        {
            self.queue_of(slot).push_back(slot);
        }
    }

    /// Where a connection waits to be read.
    fn queue_of(&mut self, slot: usize) -> &mut VecDeque<usize> {
        let has_stream =
            self.connections[slot].as_mut().is_some_and(|connection| connection.stream_mut().is_some());
        if has_stream { &mut self.ready } else { &mut self.ready_outside }
    }

    fn mark_catching_up(&mut self, slot: usize) {
        if let Some(connection) = self.connections[slot].as_mut()
            && !std::mem::replace(&mut connection.catching_up, true)
        {
            self.catching_up.push_back(slot);
        }
    }

    /// The listener of a door.
    const fn listener(&self, door: Door) -> &TcpListener {
        match door {
            Door::Ouch => &self.ouch,
            Door::Itch => &self.itch,
        }
    }
}
