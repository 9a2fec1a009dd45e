//! What the doors know of the market: instruments and sessions, learned only from released events.
//!
//! So a door that starts again, or another process that reads the log, knows the same. Nothing here is
//! ever told by a configuration.

mod stored;

use engine::command::{CommandKind, SessionSetting};
use engine::event::{
    Event, EventKind, EventRecord, InstrumentEvent, SessionAddedEvent, SessionEvent, SettingEvent,
};
use engine::number::{AccountId, InstrumentId, Price, ReportNumber, Sequence, SessionId, Text, UserRef};
use engine::terms::{Phase, Role};
use journal::event_log::Address;
use std::collections::BTreeMap;

/// Decimals of a price on the wire.
const WIRE_DECIMALS: u8 = 4;
/// Multiplier of the symbol table's hash: 2^64 over the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// An instrument as the doors see it.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// Its number.
    pub id: InstrumentId,
    /// Its symbol, padded with spaces.
    pub symbol: [u8; 8],
    /// What it is doing.
    pub phase: Phase,
    /// How it is converted now.
    pub scale: Scale,
    /// How it was converted before: up to which command, oldest first. One entry a change of tick.
    former: Vec<(Sequence, Scale)>,
}

/// How an instrument's prices and quantities become those of OUCH and ITCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Ten-thousandths of the quote currency in one tick; 0: these doors do not carry the instrument.
    pub tick_units: u64,
    /// Revision of the instrument's terms.
    pub revision: u16,
}

impl Scale {
    fn of(event: &InstrumentEvent) -> Self {
        let units = if event.tick_digits <= WIRE_DECIMALS {
            event.tick.checked_mul(10u64.pow(u32::from(WIRE_DECIMALS - event.tick_digits)))
        } else {
            let divisor = 10u64.checked_pow(u32::from(event.tick_digits - WIRE_DECIMALS));
            divisor.filter(|divisor| event.tick.is_multiple_of(*divisor)).map(|divisor| event.tick / divisor)
        };
        let highest = |units: u64| u64::try_from(event.price_max.0).ok()?.checked_mul(units);
        let fits = |units: &u64| {
            event.symbol.as_bytes().len() <= 8
                && u16::try_from(event.header.instrument.0).is_ok()
                && event.signed_prices == 0
                && event.quantity_max.0 <= u64::from(u32::MAX)
                && highest(*units).is_some_and(|price| price <= crate::itch::PRICE_MAX)
        };
        Self { tick_units: units.filter(fits).unwrap_or(0), revision: event.revision }
    }

    /// Whether OUCH and ITCH carry the instrument: symbol of at most 8 characters, at most four decimals,
    /// no negative prices, prices and quantities within 32 bits.
    #[must_use]
    pub const fn is_carried(self) -> bool {
        self.tick_units != 0
    }

    /// The price in ten-thousandths. What does not fit (it cannot be entered here) is 0 or the highest.
    #[must_use]
    #[inline]
    pub fn to_wire(self, price: Price) -> u64 {
        u64::try_from(price.0).unwrap_or(0).saturating_mul(self.tick_units)
    }

    /// The price in ticks, or `None` where it is not a whole number of them or too large to be counted.
    #[must_use]
    #[inline]
    pub fn to_ticks(self, price: u64) -> Option<Price> {
        if !price.is_multiple_of(self.tick_units) {
            return None;
        }
        i64::try_from(price.checked_div(self.tick_units)?).ok().map(Price)
    }
}

impl Instrument {
    /// The scale that the command `sequence` was worked on with.
    #[must_use]
    #[inline]
    pub fn scale_at(&self, sequence: Sequence) -> Scale {
        let former = || self.former.iter().find(|(last, _)| sequence <= *last).map(|(_, scale)| *scale);
        if self.former.is_empty() { self.scale } else { former().unwrap_or(self.scale) }
    }

    /// Its number as ITCH carries it.
    #[must_use]
    pub const fn locate(&self) -> u16 {
        self.id.0 as u16
    }
}

/// A session as the doors see it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// What it may do.
    pub role: Role,
    /// The account it trades for.
    pub account: AccountId,
    /// Whether it may log in.
    pub enabled: bool,
    /// Salt of the password's hash.
    pub salt: [u8; 16],
    /// Hash of the password.
    pub password_hash: [u8; 32],
    /// Name of its day.
    pub day: Text<10>,
    /// The number that its next report will have.
    pub next_report: ReportNumber,
    /// The SessionDay that began it; 0.0 before the first.
    pub day_since: Address,
    /// The highest user number that it has used today.
    pub last_user_ref: UserRef,
    /// Its connection; 0 for none.
    pub connection: u64,
}

/// All instruments and sessions.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    instruments: Vec<Option<Instrument>>,
    sessions: Vec<Option<Session>>,
    symbols: SymbolTable,
    names: BTreeMap<Vec<u8>, SessionId>,
    date: u32,
    connection_max: u64,
}

impl Directory {
    /// A directory of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The instrument of this number, whether these doors carry it or not.
    #[must_use]
    #[inline]
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.0 as usize)?.as_ref()
    }

    /// The instrument of this symbol (padded with spaces), if these doors carry it.
    #[must_use]
    #[inline]
    pub fn instrument_of(&self, symbol: [u8; 8]) -> Option<&Instrument> {
        self.instrument(self.symbols.get(key(symbol))?).filter(|found| found.scale.is_carried())
    }

    /// All instruments by number.
    pub fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.iter().flatten()
    }

    /// The session of this number.
    #[must_use]
    #[inline]
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.0 as usize)?.as_ref()
    }

    /// The session of this name, whatever its case.
    #[must_use]
    pub fn session_of(&self, name: &[u8]) -> Option<&Session> {
        self.session(*self.names.get(&name.to_ascii_uppercase())?)
    }

    /// The venue's day as YYYYMMDD; 0 before the first.
    #[must_use]
    pub const fn date(&self) -> u32 {
        self.date
    }

    /// Name of the venue's day: `YYMMDD` and `01`; `00000001` before the first.
    #[must_use]
    pub fn day(&self) -> Text<10> {
        Text::new(&format!("{:06}01", self.date % 1_000_000))
            .expect("eight digits are at most ten characters")
    }

    /// The highest connection number that any event told.
    #[must_use]
    pub const fn connection_max(&self) -> u64 {
        self.connection_max
    }

    /// Takes in what `record` says about instruments and sessions. Bytes that are no event say nothing.
    pub fn learn(&mut self, record: &EventRecord) {
        if let Ok(event) = record.view() {
            self.learn_event(record, &event);
        }
    }

    /// The same for an event that was read already: `event` is the view of `record`.
    #[inline]
    pub(crate) fn learn_event(&mut self, record: &EventRecord, event: &Event<'_>) {
        let report = record.report();
        if report.0 != 0
            && let Some(session) = self.session_mut(record.session())
        {
            session.next_report = ReportNumber(report.0 + 1);
            let used = match event {
                Event::Accepted(event) => event.order.user_ref,
                Event::Report(event) if event.header.kind == EventKind::Rejected => event.order.user_ref,
                _ => UserRef(0),
            };
            session.last_user_ref = session.last_user_ref.max(used);
        }
        match event {
            Event::Instrument(event) => self.learn_instrument(event),
            Event::SessionAdded(event) => self.add_session(event),
            Event::Session(event) => self.learn_session(event),
            Event::Setting(event) => self.learn_setting(event),
            Event::Detail(_)
            | Event::Accepted(_)
            | Event::Report(_)
            | Event::Named(_)
            | Event::Balance(_)
            | Event::Note(_)
            | Event::Level(_) => {}
        }
    }

    fn learn_instrument(&mut self, event: &InstrumentEvent) {
        let id = event.header.instrument;
        let scale = Scale::of(event);
        let symbol = crate::wire::padded(event.symbol.as_bytes());
        if let Some(Some(known)) = self.instruments.get_mut(id.0 as usize) {
            known.phase = event.phase;
            if known.scale != scale {
                known.former.push((Sequence(event.header.sequence.0.saturating_sub(1)), known.scale));
                known.scale = scale;
            }
            return;
        }
        let instrument = Instrument { id, symbol, phase: event.phase, scale, former: Vec::new() };
        *slot(&mut self.instruments, id.0) = Some(instrument);
        if event.symbol.as_bytes().len() <= 8 {
            self.symbols.insert(key(symbol), id);
        }
    }

    fn add_session(&mut self, event: &SessionAddedEvent) {
        let id = event.header.session;
        self.names.insert(event.name.as_bytes().to_ascii_uppercase(), id);
        *slot(&mut self.sessions, id.0) = Some(Session {
            id,
            role: event.role,
            account: event.header.account,
            enabled: true,
            salt: event.salt,
            password_hash: event.password_hash,
            day: Text::EMPTY,
            day_since: Address::START,
            next_report: ReportNumber(1),
            last_user_ref: UserRef(0),
            connection: 0,
        });
    }

    fn learn_session(&mut self, event: &SessionEvent) {
        self.connection_max = self.connection_max.max(event.connection);
        let refused = event.header.reason != 0;
        let Some(session) = self.session_mut(event.header.session) else { return };
        match event.cause {
            CommandKind::LogIn if !refused => {
                session.connection = event.connection;
                session.day = event.day;
                session.last_user_ref = event.last_user_ref;
            }
            CommandKind::LogOut | CommandKind::SessionLost if !refused => session.connection = 0,
            _ if event.header.kind == EventKind::SessionDay && event.begins == 1 => {
                session.day = event.day;
                session.day_since =
                    Address { sequence: event.header.sequence, ordinal: event.header.ordinal };
                session.next_report = ReportNumber(event.header.report.0 + 1);
                session.last_user_ref = event.last_user_ref;
            }
            _ => {}
        }
    }

    fn learn_setting(&mut self, event: &SettingEvent) {
        if event.header.kind == EventKind::DayStarted {
            self.date = event.date;
            return;
        }
        let enabled = SessionSetting::Enabled as u8;
        let kill = event.cause == CommandKind::Kill;
        let concerns_session = event.header.session.0 != 0 && event.setting == enabled;
        if (event.cause == CommandKind::SetSession || kill)
            && concerns_session
            && let Some(session) = self.session_mut(event.header.session)
        {
            session.enabled = event.value != 0;
        }
    }

    #[inline]
    fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(id.0 as usize)?.as_mut()
    }
}

/// The place of number `index`; numbers are dense, so the table grows by one at a time.
fn slot<T>(table: &mut Vec<Option<T>>, index: u32) -> &mut Option<T> {
    let index = index as usize;
    if table.len() <= index {
        table.resize_with(index + 1, || None);
    }
    &mut table[index]
}

/// A symbol as the table's key.
#[inline]
const fn key(symbol: [u8; 8]) -> u64 {
    u64::from_le_bytes(symbol)
}

/// Symbols to numbers: open addressing over the eight bytes, at most half full. No symbol is 0.
#[derive(Clone, Debug, Default)]
struct SymbolTable {
    slots: Vec<(u64, InstrumentId)>,
    count: usize,
}

impl SymbolTable {
    #[inline]
    fn get(&self, symbol: u64) -> Option<InstrumentId> {
        if self.slots.is_empty() {
            return None;
        }
        let (found, id) = self.slots[self.find(symbol)];
        (found == symbol).then_some(id)
    }

    fn insert(&mut self, symbol: u64, id: InstrumentId) {
        if self.slots.len() < 2 * (self.count + 1) {
            let larger = vec![(0, InstrumentId(0)); (4 * (self.count + 1)).next_power_of_two()];
            let slots = std::mem::replace(&mut self.slots, larger);
            self.count = 0;
            for (symbol, id) in slots.into_iter().filter(|(symbol, _)| *symbol != 0) {
                self.insert(symbol, id);
            }
        }
        let at = self.find(symbol);
        self.count += usize::from(self.slots[at].0 == 0);
        self.slots[at] = (symbol, id);
    }

    /// Where `symbol` is, or the free place where it would be.
    #[inline]
    fn find(&self, symbol: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = (symbol.wrapping_mul(GOLDEN) >> 32) as usize & mask;
        while self.slots[at].0 != 0 && self.slots[at].0 != symbol {
            at = (at + 1) & mask;
        }
        at
    }
}
