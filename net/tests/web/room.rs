//! An event log that a test writes, and the door that follows it.

use engine::command::CommandKind;
use engine::event::{
    EventBody, EventKind, EventRecord, Flags, Header, InstrumentEvent, LevelEvent, ReportEvent,
};
use engine::number::{InstrumentId, MatchNumber, OrderId, Price, Quantity, Sequence, Text, Timestamp};
use engine::terms::{Phase, Side};
use journal::event_log::{EventLogOptions, EventLogWriter};
use net::metrics::Metrics;
use net::web::views::MarketViews;
use net::web::{WebDoor, WebLimits, WebOptions, WebThread};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// However slow the machine, what must come comes by then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Room {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<Metrics>,
    log: EventLogWriter,
    thread: Option<WebThread>,
    sequence: u64,
    pub(crate) change: u64,
    trades: u64,
    /// All that was said, as the door must show it.
    pub(crate) views: MarketViews,
    /// By side (0 bids) and price in ticks: lots.
    pub(crate) book: BTreeMap<(u8, i64), u64>,
    folder: TempDir,
    limits: WebLimits,
}

/// An event of this kind with all else zero, but its cause (which has no zero).
fn blank<E: EventBody>(kind: EventKind) -> E {
    let mut words = [0_u64; 16];
    words[2] = kind as u64;
    let bytes: &mut [u8] = bytemuck::bytes_of_mut(&mut words);
    if kind == EventKind::Instrument {
        bytes[std::mem::offset_of!(InstrumentEvent, cause)] = CommandKind::ListInstrument as u8;
    }
    *bytemuck::checked::from_bytes(bytes)
}

impl Room {
    /// A door on a log with one instrument: `BTCUSD`, tick 0.5, lot 0.001.
    pub(crate) fn new(limits: WebLimits) -> Self {
        let folder = TempDir::new().expect("a folder for the log");
        let options = EventLogOptions::new(folder.path().to_owned());
        let (log, _) = EventLogWriter::open(&options).expect("an empty log opens");
        let metrics = Arc::new(Metrics::new());
        let (thread, address) = open(&folder, limits, MarketViews::new(), &metrics, &log);
        let (thread, book) = (Some(thread), BTreeMap::new());
        let mut room = Self {
            address,
            metrics,
            log,
            thread,
            sequence: 0,
            change: 0,
            trades: 0,
            views: MarketViews::new(),
            book,
            folder,
            limits,
        };
        let mut listed: InstrumentEvent = blank(EventKind::Instrument);
        listed.symbol = Text::new("BTCUSD").expect("fits");
        (listed.tick, listed.tick_digits, listed.lot, listed.lot_digits) = (5, 1, 1, 3);
        (listed.price_max, listed.quantity_max) = (Price(1_000_000), Quantity(1_000_000));
        (listed.phase, listed.revision) = (Phase::Continuous, 1);
        room.say(listed, |event| &mut event.header);
        room
    }

    /// Another door in the place of the first one, from the views' bytes.
    pub(crate) fn reopen(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.stop();
        }
        let mut bytes = Vec::new();
        self.views.encode(&mut bytes);
        let views = MarketViews::decode(&bytes).expect("its own bytes");
        let (thread, address) = open(&self.folder, self.limits, views, &self.metrics, &self.log);
        (self.thread, self.address) = (Some(thread), address);
    }

    fn say<E: EventBody>(&mut self, mut event: E, header: impl FnOnce(&mut E) -> &mut Header) {
        self.sequence += 1;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let header = header(&mut event);
        header.sequence = Sequence(self.sequence);
        header.time = Timestamp(since.as_nanos() as u64);
        header.instrument = InstrumentId(1);
        let record = EventRecord::new(&event);
        let begun = Instant::now();
        while !self.log.has_room() {
            assert!(begun.elapsed() < PATIENCE, "the log has no room");
            std::thread::yield_now();
            self.log.poll();
        }
        self.log.append(&record);
        self.views.learn(&record);
    }

    /// A level is this now.
    pub(crate) fn set(&mut self, side: Side, price: i64, quantity: u64) {
        self.change += 1;
        let mut event: LevelEvent = blank(EventKind::Level);
        (event.header.side, event.header.flags) = (side, Flags::LEVEL);
        (event.order.price, event.order.level_change) = (Price(price), self.change);
        (event.order.level_quantity, event.order.level_orders) =
            (Quantity(quantity), u32::from(quantity > 0));
        self.book.insert((side as u8, price), quantity);
        self.book.retain(|_, quantity| *quantity > 0);
        self.say(event, |event| &mut event.header);
    }

    /// A buyer takes 0.002.
    pub(crate) fn trade(&mut self, price: i64) {
        self.trades += 1;
        let mut event: ReportEvent = blank(EventKind::Executed);
        event.header.flags = Flags::TAKER.with(Flags::FINAL);
        event.header.order = OrderId(self.trades);
        event.match_number = MatchNumber(self.trades);
        (event.order.price, event.order.quantity) = (Price(price), Quantity(2));
        self.say(event, |event| &mut event.header);
    }

    /// Hands what was said to the log's readers.
    pub(crate) fn flush(&mut self) {
        self.log.flush();
    }

    /// Waits until the door has taken in all that was said.
    pub(crate) fn settle(&mut self) {
        self.flush();
        let said = self.sequence;
        await_that("the door follows", || self.metrics.web.events.get() >= said);
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).expect("the door listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.stop();
        }
    }
}

fn open(
    folder: &TempDir,
    limits: WebLimits,
    views: MarketViews,
    metrics: &Arc<Metrics>,
    log: &EventLogWriter,
) -> (WebThread, SocketAddr) {
    let address = "127.0.0.1:0".parse().expect("an address");
    let options = WebOptions { address, event_log: folder.path().to_owned(), limits };
    let door = WebDoor::bind(options).expect("any port is free");
    let (address, waker) = (door.address(), door.waker());
    log.on_written(move || {
        let _ = waker.wake();
    });
    (door.start(views, log.last(), Arc::clone(metrics)).expect("it opens"), address)
}

pub(crate) fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
