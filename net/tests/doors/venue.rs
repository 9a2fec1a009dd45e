//! Doors, an event log, and an engine that accepts every order and never matches.

use engine::command::{Command, CommandKind, CommandSlot, OrderCommand, SessionCommand};
use engine::event::{
    AcceptedEvent, DetailEvent, EventKind, EventRecord, Flags, InstrumentEvent, ReportEvent,
    SessionAddedEvent, SessionEvent, SettingEvent,
};
use engine::number::{
    InstrumentId, OrderId, Price, Quantity, ReportNumber, Sequence, SessionId, Text, Timestamp, UserRef,
};
use engine::reason::{CancelReason, Reject};
use engine::ring::{Publish, RingFull};
use engine::terms::{Phase, Role, Side};
use journal::event_log::{EventLogOptions, EventLogWriter};
use net::doors::{DoorLimits, DoorOptions, Doors, Knowledge};
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const SECOND_NS: u64 = 1_000_000_000;
/// 2026-11-24 at noon, UTC.
const NOON_NS: u64 = 1_795_521_600 * SECOND_NS;
const SALT: [u8; 16] = [7; 16];

pub(crate) const DEMO01: SessionId = SessionId(1);
pub(crate) const DEMO02: SessionId = SessionId(2);

/// A ring that takes as much as it is told to.
pub(crate) struct Ring {
    pub(crate) commands: Vec<CommandSlot>,
    pub(crate) room: usize,
}

impl Publish for Ring {
    fn try_publish(&mut self, command: &CommandSlot) -> Result<Sequence, RingFull> {
        if self.room == 0 {
            return Err(RingFull);
        }
        self.room -= 1;
        self.commands.push(*command);
        Ok(Sequence(self.commands.len() as u64))
    }
}

#[derive(Default)]
struct Session {
    connection: u64,
    report: u32,
    last_ref: u32,
    date: u32,
    /// User number to order, side, price and open lots.
    open: BTreeMap<u32, (u64, Side, InstrumentId, Price, u64)>,
}

pub(crate) struct Venue {
    pub(crate) doors: Doors,
    pub(crate) ring: Ring,
    /// Every command that was taken, in order.
    pub(crate) taken: Vec<CommandSlot>,
    /// Every event, in order.
    pub(crate) events: Vec<EventRecord>,
    pub(crate) now_ns: u64,
    /// While set, the log is not told to hand over what it has.
    pub(crate) log_lags: bool,
    log: Option<EventLogWriter>,
    folder: TempDir,
    sequence: u64,
    ordinal: u32,
    orders: u64,
    sessions: BTreeMap<u32, Session>,
    date: u32,
}

/// What a snapshot behind these events gives to a start.
fn knowledge_of(events: &[EventRecord]) -> Knowledge {
    let mut learned = Knowledge::default();
    events.iter().for_each(|event| learned.learn(event));
    let mut bytes = Vec::new();
    learned.encode(&mut bytes);
    Knowledge::decode(&bytes).expect("what was encoded a moment ago")
}

/// An event of this kind with all else zero, but its cause (which has no zero).
fn blank<E: bytemuck::CheckedBitPattern>(kind: EventKind) -> E {
    let mut words = [0u64; 16];
    words[2] = kind as u64;
    let bytes: &mut [u8] = bytemuck::bytes_of_mut(&mut words);
    match kind {
        EventKind::Instrument => {
            bytes[std::mem::offset_of!(InstrumentEvent, cause)] = CommandKind::Tick as u8
        }
        EventKind::SessionDay | EventKind::SessionState | EventKind::DayStarted => {
            bytes[std::mem::offset_of!(SessionEvent, cause)] = CommandKind::Tick as u8;
        }
        _ => {}
    }
    *bytemuck::checked::from_bytes(bytes)
}

impl Venue {
    pub(crate) fn new() -> Self {
        Self::with(DoorLimits::default())
    }

    pub(crate) fn with(limits: DoorLimits) -> Self {
        let folder = TempDir::new().expect("a folder for the log");
        let options = EventLogOptions::new(folder.path().to_owned());
        let (log, _) = EventLogWriter::open(&options).expect("an empty log opens");
        let mut venue = Self {
            doors: doors(limits, &folder),
            ring: Ring { commands: Vec::new(), room: usize::MAX },
            taken: Vec::new(),
            events: Vec::new(),
            now_ns: NOON_NS,
            log_lags: false,
            log: Some(log),
            folder,
            sequence: 0,
            ordinal: 0,
            orders: 0,
            sessions: BTreeMap::new(),
            date: 0,
        };
        venue.seed();
        venue
    }

    /// Other doors that learn all that was, as after a restart.
    pub(crate) fn restart(&mut self, limits: DoorLimits) {
        self.doors = doors(limits, &self.folder);
        let mut knowledge = Knowledge::default();
        let mut first = knowledge_of(&self.events[..self.events.len() / 2]);
        for event in &self.events {
            knowledge.learn(event);
        }
        // As from a snapshot in the midst of it, and the events behind that.
        for event in &self.events[self.events.len() / 2..] {
            first.learn(event);
        }
        let bytes = |knowledge: &Knowledge| {
            let mut bytes = Vec::new();
            knowledge.encode(&mut bytes);
            bytes
        };
        assert_eq!(bytes(&first), bytes(&knowledge), "a snapshot on the way changes nothing");
        self.doors.resume(first);
        for session in self.sessions.values_mut() {
            session.connection = 0;
        }
    }

    fn seed(&mut self) {
        self.new_day(20_261_124);
        for (id, name, role) in
            [(1, "DEMO01", Role::Trader), (2, "DEMO02", Role::Trader), (3, "ITCH01", Role::MarketData)]
        {
            self.begin();
            let mut added: SessionAddedEvent = blank(EventKind::SessionAdded);
            added.header.session = SessionId(id);
            added.name = Text::new(name).expect("fits");
            added.salt = SALT;
            added.password_hash = net::password_hash(&SALT, name.to_lowercase().as_bytes());
            added.role = role;
            self.emit(added, |event| &mut event.header);
            self.sessions.insert(id, Session { date: self.date, ..Session::default() });
            self.session_day(id, 1);
        }
        self.list(1, "BTCUSD", (1, 0), 400_000);
        self.list(2, "ETHUSD", (1, 2), 4_000_000);
        self.list(3, "WIDESYMBOL", (1, 0), 400);
    }

    pub(crate) fn list(&mut self, id: u32, symbol: &str, (tick, tick_digits): (u64, u8), price_max: i64) {
        self.begin();
        let mut event: InstrumentEvent = blank(EventKind::Instrument);
        event.header.instrument = InstrumentId(id);
        event.symbol = Text::new(symbol).expect("fits");
        (event.tick, event.tick_digits, event.lot, event.lot_digits) = (tick, tick_digits, 1, 8);
        event.price_max = Price(price_max);
        event.quantity_max = Quantity(u64::from(u32::MAX));
        event.phase = Phase::Continuous;
        event.revision = 1;
        event.cause = CommandKind::ListInstrument;
        self.emit(event, |event| &mut event.header);
    }

    pub(crate) fn new_day(&mut self, date: u32) {
        self.begin();
        let ids: Vec<u32> = self.sessions.keys().copied().collect();
        for id in &ids {
            self.session_day(*id, 0);
        }
        self.date = date;
        let mut started: SettingEvent = blank(EventKind::DayStarted);
        (started.cause, started.date) = (CommandKind::NewDay, date);
        self.emit(started, |event| &mut event.header);
        for id in ids {
            let session = self.sessions.get_mut(&id).expect("is there");
            (session.report, session.last_ref, session.date) = (0, 0, date);
            self.session_day(id, 1);
        }
    }

    fn session_day(&mut self, id: u32, begins: u8) {
        let report = self.report(id);
        let mut event: SessionEvent = blank(EventKind::SessionDay);
        (event.header.session, event.header.report) = (SessionId(id), report);
        (event.cause, event.begins, event.date) = (CommandKind::NewDay, begins, self.date);
        event.day = day(self.date);
        event.next_report = ReportNumber(report.0 + 1);
        self.emit(event, |event| &mut event.header);
    }

    fn report(&mut self, session: u32) -> ReportNumber {
        let session = self.sessions.get_mut(&session).expect("a session that was added");
        session.report += 1;
        ReportNumber(session.report)
    }

    /// The events that follow are those of another command.
    pub(crate) fn begin(&mut self) {
        self.sequence += 1;
        self.ordinal = 0;
    }

    /// Releases one event.
    pub(crate) fn emit<E: engine::event::EventBody>(
        &mut self,
        mut event: E,
        header: impl Fn(&mut E) -> &mut engine::event::Header,
    ) {
        let head = header(&mut event);
        (head.sequence, head.ordinal, head.time) =
            (Sequence(self.sequence), self.ordinal, Timestamp(self.now_ns));
        self.ordinal += 1;
        let record = EventRecord::new(&event);
        if let Some(log) = &mut self.log {
            assert!(log.has_room(), "the log's queue is larger than what these tests write at once");
            log.append(&record);
        }
        self.events.push(record);
        self.doors.release(&record);
    }

    /// One round: read, execute, release, write.
    pub(crate) fn pump(&mut self) {
        self.now_ns += 1000;
        let now = Timestamp(self.now_ns);
        self.doors.poll(&mut self.ring, now, Some(Duration::ZERO)).expect("the poller works");
        for command in std::mem::take(&mut self.ring.commands) {
            self.execute(&command);
        }
        if !self.log_lags {
            self.flush_log();
        }
        self.doors.flush(now);
    }

    /// Hands the log what it has in hand and waits until readers can see it.
    pub(crate) fn flush_log(&mut self) {
        let log = self.log.as_mut().expect("open");
        log.flush();
        while log.written() < log.last() {
            std::thread::yield_now();
        }
    }

    /// Rounds until `done` says so.
    pub(crate) fn pump_until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !done(self) {
            assert!(std::time::Instant::now() < deadline, "nothing came of it within 10 s");
            self.pump();
        }
    }

    pub(crate) fn orders_taken(&self) -> usize {
        self.taken.iter().filter(|slot| slot.kind() == CommandKind::Enter as u8).count()
    }

    pub(crate) fn orders(&self) -> Vec<OrderCommand> {
        let order = |slot: &CommandSlot| match slot.view() {
            Ok(Command::Order(order)) => Some(*order),
            _ => None,
        };
        self.taken.iter().filter_map(order).collect()
    }

    pub(crate) fn session_commands(&self, kind: CommandKind) -> Vec<SessionCommand> {
        let session = |slot: &CommandSlot| match slot.view() {
            Ok(Command::Session(command)) if command.kind == kind => Some(*command),
            _ => None,
        };
        self.taken.iter().filter_map(session).collect()
    }

    fn execute(&mut self, slot: &CommandSlot) {
        self.taken.push(*slot);
        self.begin();
        match slot.view().expect("the doors publish commands") {
            Command::Session(command) => self.session(command),
            Command::Order(command) => self.order(command),
            _ => panic!("the doors publish sessions' commands only"),
        }
    }

    fn session(&mut self, command: &SessionCommand) {
        let session = self.sessions.get_mut(&command.session.0).expect("a session that was added");
        let logs_in = command.kind == CommandKind::LogIn;
        if !logs_in && session.connection != command.connection {
            return;
        }
        session.connection = if logs_in { command.connection } else { 0 };
        let mut event: SessionEvent = blank(EventKind::SessionState);
        event.header.session = command.session;
        (event.cause, event.connection) = (command.kind, command.connection);
        (event.from_report, event.day) = (command.from_report, day(session.date));
        (event.next_report, event.last_user_ref) =
            (ReportNumber(session.report + 1), UserRef(session.last_ref));
        self.emit(event, |event| &mut event.header);
    }

    fn order(&mut self, command: &OrderCommand) {
        let id = command.session.0;
        let last = self.sessions[&id].last_ref;
        match command.kind {
            CommandKind::Query => {
                let mut event = self.report_event(EventKind::QueryAnswer, id, last + 1);
                event.header.report = self.report(id);
                self.emit(event, |event| &mut event.header);
            }
            CommandKind::Enter if command.user_ref.0 > last => self.enter(command),
            CommandKind::Replace if command.user_ref.0 > last => self.replace(command),
            CommandKind::Cancel => self.cancel(command),
            CommandKind::Reduce => self.reduce(command),
            _ => {}
        }
    }

    fn detail(&mut self, command: &OrderCommand) -> Flags {
        if command.client_id == Text::EMPTY && command.expires.0 == 0 && command.floor.0 == 0 {
            return Flags::NONE;
        }
        let mut event: DetailEvent = blank(EventKind::OrderDetail);
        event.header.session = command.session;
        (event.detail.client_id, event.detail.expires) = (command.client_id, command.expires);
        (event.detail.floor, event.detail.user_ref) = (command.floor, command.user_ref);
        self.emit(event, |event| &mut event.header);
        Flags::DETAIL
    }

    fn enter(&mut self, command: &OrderCommand) {
        let id = command.session.0;
        self.sessions.get_mut(&id).expect("is there").last_ref = command.user_ref.0;
        let detail = self.detail(command);
        if command.door_reject != Reject::None {
            let mut event = self.report_event(EventKind::Rejected, id, command.user_ref.0);
            (event.header.reason, event.header.flags) = (command.door_reject as u8, detail);
            event.header.report = self.report(id);
            return self.emit(event, |event| &mut event.header);
        }
        let event = self.accepted(EventKind::Accepted, command, detail);
        self.emit(event, |event| &mut event.header);
    }

    fn accepted(&mut self, kind: EventKind, command: &OrderCommand, detail: Flags) -> AcceptedEvent {
        let id = command.session.0;
        self.orders += 1;
        let mut event: AcceptedEvent = blank(kind);
        (event.header.session, event.header.report) = (command.session, self.report(id));
        (event.header.order, event.header.instrument) = (OrderId(self.orders), command.instrument);
        (event.header.side, event.header.flags) = (command.side, detail.with(Flags::LEVEL));
        (event.order.user_ref, event.order.price) = (command.user_ref, command.price);
        event.order.quantity = command.quantity;
        (event.order_type, event.time_in_force) = (command.order_type, command.time_in_force);
        (event.conditions, event.capacity) = (command.conditions, command.capacity);
        (event.firm, event.group) = (command.firm, command.group);
        let open = (self.orders, command.side, command.instrument, command.price, command.quantity.0);
        self.sessions.get_mut(&id).expect("is there").open.insert(command.user_ref.0, open);
        event
    }

    fn replace(&mut self, command: &OrderCommand) {
        let id = command.session.0;
        let session = self.sessions.get_mut(&id).expect("is there");
        let Some(gone) = session.open.remove(&command.target.0) else { return };
        if command.door_reject != Reject::None {
            return self.cancelled(id, command.target.0, gone, CancelReason::InvalidReplace);
        }
        session.last_ref = command.user_ref.0;
        let detail = self.detail(command);
        let command = OrderCommand { side: gone.1, instrument: gone.2, ..*command };
        let mut event = self.accepted(EventKind::Replaced, &command, detail);
        (event.replaced, event.replaced_ref) = (OrderId(gone.0), command.target);
        event.replaced_quantity = Quantity(gone.4);
        self.emit(event, |event| &mut event.header);
    }

    fn cancel(&mut self, command: &OrderCommand) {
        let id = command.session.0;
        let session = self.sessions.get_mut(&id).expect("is there");
        if let Some(gone) = session.open.remove(&command.target.0) {
            self.cancelled(id, command.target.0, gone, CancelReason::User);
        }
    }

    fn cancelled(
        &mut self,
        session: u32,
        user_ref: u32,
        (order, side, instrument, price, open): (u64, Side, InstrumentId, Price, u64),
        reason: CancelReason,
    ) {
        let mut event = self.report_event(EventKind::Cancelled, session, user_ref);
        (event.header.order, event.header.side, event.header.instrument) = (OrderId(order), side, instrument);
        (event.header.reason, event.header.flags) = (reason as u8, Flags::LEVEL.with(Flags::FINAL));
        (event.order.price, event.order.quantity) = (price, Quantity(open));
        event.header.report = self.report(session);
        self.emit(event, |event| &mut event.header);
    }

    fn reduce(&mut self, command: &OrderCommand) {
        let id = command.session.0;
        let session = self.sessions.get_mut(&id).expect("is there");
        let Some(open) = session.open.get_mut(&command.target.0) else { return };
        let taken = open.4 - command.quantity.0;
        open.4 = command.quantity.0;
        let (order, side, instrument, price, left) = *open;
        let mut event = self.report_event(EventKind::Reduced, id, command.target.0);
        (event.header.order, event.header.side, event.header.instrument) = (OrderId(order), side, instrument);
        event.header.flags = Flags::LEVEL;
        if command.conditions.contains(engine::terms::Conditions::AS_MODIFY) {
            event.header.flags = event.header.flags.with(Flags::AS_MODIFY);
        }
        (event.order.price, event.order.quantity) = (price, Quantity(taken));
        event.order.remaining = Quantity(left);
        event.header.report = self.report(id);
        self.emit(event, |event| &mut event.header);
    }

    /// The engine's answer to an order above the session's rate.
    pub(crate) fn reject_for_rate(&mut self, session: SessionId, user_ref: u32) {
        self.begin();
        let mut event = self.report_event(EventKind::Rejected, session.0, user_ref);
        (event.header.reason, event.header.report) = (Reject::Rate as u8, self.report(session.0));
        self.emit(event, |event| &mut event.header);
    }

    pub(crate) fn report_event(&self, kind: EventKind, session: u32, user_ref: u32) -> ReportEvent {
        let mut event: ReportEvent = blank(kind);
        event.header.session = SessionId(session);
        event.order.user_ref = UserRef(user_ref);
        event
    }

    /// Both sides of a trade of `quantity` lots at 100 between demo01 (maker) and demo02.
    pub(crate) fn trade(&mut self, order: u64, quantity: u64) {
        self.begin();
        for (session, flags) in [(1, Flags::LEVEL), (2, Flags::TAKER)] {
            let mut event = self.report_event(EventKind::Executed, session, 1);
            (event.header.order, event.header.instrument) = (OrderId(order), InstrumentId(1));
            (event.header.flags, event.header.report) = (flags, self.report(session));
            (event.order.price, event.order.quantity) = (Price(100), Quantity(quantity));
            event.match_number = engine::number::MatchNumber(9);
            self.emit(event, |event| &mut event.header);
        }
    }
}

fn doors(limits: DoorLimits, folder: &TempDir) -> Doors {
    let any = "127.0.0.1:0".parse().expect("an address");
    let event_log = folder.path().to_owned();
    Doors::bind(DoorOptions { ouch: any, itch: any, event_log, limits }).expect("any port is free")
}

fn day(date: u32) -> Text<10> {
    Text::new(&format!("{:06}01", date % 1_000_000)).expect("fits")
}
