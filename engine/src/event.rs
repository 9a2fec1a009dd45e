//! Events: everything the market has to say, as 128 bytes in the output ring.
//!
//! All events share a 48-byte [`Header`]. An event that changes a displayed level carries the level's
//! new quantity, order count and change number, so that a view of the book needs no map of orders.
//! `docs/formats.md` has the byte tables.

mod body;

pub use body::{
    BalanceEvent, DetailEvent, InstrumentEvent, LevelEvent, NamedEvent, NoteEvent, SessionAddedEvent,
    SessionEvent, SettingEvent,
};

use crate::number::{
    AccountId, InstrumentId, MatchNumber, Money, OrderId, Price, Quantity, ReportNumber, Sequence, SessionId,
    Text, Timestamp, UserRef,
};
use crate::reason::{CancelReason, Reject};
use crate::terms::{Conditions, OrderType, SelfTrade, Side, TimeInForce};
use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable, checked};

/// Size of an event in the ring, in bytes.
pub const EVENT_SIZE: usize = 128;

/// What happened. The number is stored; it is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum EventKind {
    /// The client's identifier and rarer terms of the order that the next event is about.
    OrderDetail = 1,
    /// An order was accepted. With [`Flags::LEVEL`] it rests at once.
    Accepted = 2,
    /// An order took the place of another one (`Terms::replaced`), which is gone. With `LEVEL` it rests.
    Replaced = 3,
    /// What was left of an accepted, triggered or replaced order now rests.
    Rested = 4,
    /// A command on orders was refused.
    Rejected = 5,
    /// An order ended without (further) trading.
    Cancelled = 6,
    /// An order lost quantity and keeps its place.
    Reduced = 7,
    /// One side of a trade.
    Executed = 8,
    /// Self-trade prevention took quantity.
    Prevented = 9,
    /// A trade was broken: one side of it.
    Broken = 10,
    /// An iceberg shows its next slice, or the system changed an order's price.
    Restated = 11,
    /// A stop was triggered.
    Triggered = 12,
    /// A cancel or reduce meant an order that does not rest. Never numbered.
    NotResting = 13,
    /// A session's next user number (`user_ref`).
    QueryAnswer = 14,
    /// An order that is carried into a new day, in priority order.
    Carried = 15,
    /// The day of a session begins or ends.
    SessionDay = 16,
    /// A session came, went, was lost.
    SessionState = 17,
    /// A session was made.
    SessionAdded = 18,
    /// A new trading day began for the venue.
    DayStarted = 19,
    /// An instrument is listed, or its scale or phase changed, or a day begins with it.
    Instrument = 20,
    /// A setting of an instrument, account or session changed.
    Setting = 21,
    /// A currency was added.
    CurrencyAdded = 22,
    /// An account was opened.
    AccountAdded = 23,
    /// A deposit or withdrawal, or a balance carried into a new day.
    Balance = 24,
    /// Who gave the next commands, and why.
    Note = 25,
    /// A mass cancel or kill is done.
    MassCancelled = 26,
    /// The version of the market rules changed.
    RulesSet = 27,
    /// An operator's command was refused.
    OperatorRejected = 28,
    /// A level's displayed quantity changed by something that no report tells.
    Level = 29,
    /// Indicative price, volume and imbalance of a call phase.
    Indicative = 30,
}

/// What an event carries, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Flags(pub u8);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It changed a displayed level: `level_quantity`, `level_orders`, `level_change` hold.
    pub const LEVEL: Self = Self(1);
    /// The order was the incoming one (executed: it took).
    pub const TAKER: Self = Self(1 << 1);
    /// The order is not displayed.
    pub const HIDDEN: Self = Self(1 << 2);
    /// The trade was made in an auction.
    pub const AUCTION: Self = Self(1 << 3);
    /// An `OrderDetail` about the same order came just before.
    pub const DETAIL: Self = Self(1 << 4);
    /// Part of a command's answer that came as OUCH `M`.
    pub const AS_MODIFY: Self = Self(1 << 5);
    /// The order has ended with this event.
    pub const FINAL: Self = Self(1 << 6);
    /// Both sides of the trade have one owner.
    pub const SELF_TRADE: Self = Self(1 << 7);

    /// Whether every bit of `other` is set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One place of the output ring.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct EventRecord([u64; EVENT_SIZE / 8]);

impl std::fmt::Debug for EventRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.view() {
            Ok(event) => event.fmt(f),
            Err(_) => f.debug_tuple("EventRecord").field(&self.0).finish(),
        }
    }
}

/// What all events begin with: 48 bytes.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct Header {
    /// The command that caused it.
    pub sequence: Sequence,
    /// The engine's clock at that command.
    pub time: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// Side of the order; buy where there is none.
    pub side: Side,
    /// A [`CancelReason`] or [`Reject`], by kind; 0 for none.
    pub reason: u8,
    /// What it carries.
    pub flags: Flags,
    /// Place among the command's events, from 0.
    pub ordinal: u32,
    /// The session it is reported to; 0 for none.
    pub session: SessionId,
    /// Its number in that session's day; 0: not part of the numbered stream.
    pub report: ReportNumber,
    /// Instrument; 0 for none.
    pub instrument: InstrumentId,
    /// Account; 0 for none.
    pub account: AccountId,
    /// Order; 0 for none.
    pub order: OrderId,
}

/// What all events about an order carry next: 48 bytes.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct OrderFields {
    /// The order's number in its session.
    pub user_ref: UserRef,
    /// Orders displayed at the level, after the event.
    pub level_orders: u32,
    /// Price in ticks: of the trade, else of the order.
    pub price: Price,
    /// Lots: accepted (open), executed, cancelled, reduced or prevented by this event.
    pub quantity: Quantity,
    /// Lots still open after the event.
    pub remaining: Quantity,
    /// Lots displayed at the level, after the event.
    pub level_quantity: Quantity,
    /// Number of the change among all changes of this instrument's displayed levels.
    pub level_change: u64,
}

/// Accepted, Replaced, Rested, Carried: what was agreed.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct AcceptedEvent {
    /// Common to all events.
    pub header: Header,
    /// Common to all events about orders.
    pub order: OrderFields,
    /// Kind of order.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Self-trade prevention in force.
    pub self_trade: SelfTrade,
    /// Echoed.
    pub capacity: u8,
    /// Conditions.
    pub conditions: Conditions,
    /// Echoed.
    pub group: u16,
    /// Replaced: the user number of the order that is gone.
    pub replaced_ref: UserRef,
    /// Echoed.
    pub firm: Text<4>,
    /// Replaced: the order that is gone.
    pub replaced: OrderId,
    /// Replaced: lots that the gone order still displayed, or 0 if it was hidden.
    pub replaced_quantity: Quantity,
}

/// Cancelled, Reduced, Executed, Prevented, Broken, Rejected, NotResting and the other reports.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct ReportEvent {
    /// Common to all events.
    pub header: Header,
    /// Common to all events about orders.
    pub order: OrderFields,
    /// Executed, Broken: the trade.
    pub match_number: MatchNumber,
    /// Executed, Prevented, Broken: the order opposite. Restated: the order's former public reference.
    pub counterparty: OrderId,
    /// Executed, Broken: fee in minor units of the quote currency, negative for a rebate.
    /// Prevented: lots that would have traded.
    pub fee: Money,
    /// Lots executed in the order's life, after the event.
    pub executed: Quantity,
}

/// OrderDetail: comes before the event it belongs to, and only where something in it is not zero.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct DetailFields {
    /// The client's own identifier.
    pub client_id: Text<36>,
    /// Number of the list the order is in.
    pub list: u32,
    /// Stop price, trail or peg offset, in ticks.
    pub trigger: i64,
    /// Good-till-date.
    pub expires: Timestamp,
    /// Minimum quantity or peak.
    pub floor: Quantity,
    /// The order's number in its session.
    pub user_ref: UserRef,
    /// Place in the list.
    pub list_role: u8,
    /// Door it came through.
    pub door: u8,
    /// Zero.
    pub reserved: [u8; 10],
}

const _: () = {
    assert!(size_of::<Header>() == 48);
    assert!(size_of::<OrderFields>() == 48);
    assert!(size_of::<EventRecord>() == EVENT_SIZE);
    assert!(size_of::<AcceptedEvent>() == EVENT_SIZE);
    assert!(size_of::<ReportEvent>() == EVENT_SIZE);
    assert!(size_of::<DetailEvent>() == EVENT_SIZE);
    assert!(size_of::<SessionEvent>() == EVENT_SIZE);
    assert!(size_of::<SessionAddedEvent>() == EVENT_SIZE);
    assert!(size_of::<InstrumentEvent>() == EVENT_SIZE);
    assert!(size_of::<SettingEvent>() == EVENT_SIZE);
    assert!(size_of::<NamedEvent>() == EVENT_SIZE);
    assert!(size_of::<BalanceEvent>() == EVENT_SIZE);
    assert!(size_of::<NoteEvent>() == EVENT_SIZE);
    assert!(size_of::<LevelEvent>() == EVENT_SIZE);
};

/// An event as its readers see it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// OrderDetail.
    Detail(&'a DetailEvent),
    /// Accepted, Replaced, Rested, Carried: see the header's kind.
    Accepted(&'a AcceptedEvent),
    /// Rejected, Cancelled, Reduced, Executed, Prevented, Broken, Restated, Triggered, NotResting,
    /// QueryAnswer: see the header's kind.
    Report(&'a ReportEvent),
    /// SessionState, SessionDay.
    Session(&'a SessionEvent),
    /// SessionAdded.
    SessionAdded(&'a SessionAddedEvent),
    /// Instrument.
    Instrument(&'a InstrumentEvent),
    /// Setting, MassCancelled, RulesSet, OperatorRejected, DayStarted.
    Setting(&'a SettingEvent),
    /// CurrencyAdded, AccountAdded.
    Named(&'a NamedEvent),
    /// Balance.
    Balance(&'a BalanceEvent),
    /// Note.
    Note(&'a NoteEvent),
    /// Level, Indicative.
    Level(&'a LevelEvent),
}

/// The bytes of a record are no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedEvent {
    /// The kind byte that was found.
    pub kind: u8,
}

impl std::fmt::Display for MalformedEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bytes of kind {} are no event of this version", self.kind)
    }
}

impl std::error::Error for MalformedEvent {}

/// A struct that fills a record.
pub trait EventBody: NoUninit + CheckedBitPattern {}
impl EventBody for AcceptedEvent {}
impl EventBody for ReportEvent {}
impl EventBody for DetailEvent {}
impl EventBody for SessionEvent {}
impl EventBody for SessionAddedEvent {}
impl EventBody for InstrumentEvent {}
impl EventBody for SettingEvent {}
impl EventBody for NamedEvent {}
impl EventBody for BalanceEvent {}
impl EventBody for NoteEvent {}
impl EventBody for LevelEvent {}

impl EventRecord {
    /// A record that holds no event yet.
    pub const EMPTY: Self = Self([0; EVENT_SIZE / 8]);

    /// The record that holds `event`.
    #[must_use]
    pub fn new<E: EventBody>(event: &E) -> Self {
        let mut record = Self::EMPTY;
        bytemuck::bytes_of_mut(&mut record).copy_from_slice(bytemuck::bytes_of(event));
        record
    }

    /// The record made of these sixteen words, as the event log stores them.
    #[must_use]
    pub const fn from_words(words: [u64; EVENT_SIZE / 8]) -> Self {
        Self(words)
    }

    /// The sixteen words of the record.
    #[must_use]
    pub const fn words(&self) -> &[u64; EVENT_SIZE / 8] {
        &self.0
    }

    /// The command that caused it.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        Sequence(self.0[0])
    }

    /// The engine's clock.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        Timestamp(self.0[1])
    }

    /// The kind byte.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.0[2] as u8
    }

    /// Place among the command's events, from 0.
    #[must_use]
    pub const fn ordinal(&self) -> u32 {
        (self.0[2] >> 32) as u32
    }

    /// The session it is reported to; 0 for none.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        SessionId(self.0[3] as u32)
    }

    /// Its number in that session's day; 0 for none.
    #[must_use]
    pub const fn report(&self) -> ReportNumber {
        ReportNumber((self.0[3] >> 32) as u32)
    }

    /// The event in the record.
    ///
    /// # Errors
    /// The bytes are no event of this version.
    pub fn view(&self) -> Result<Event<'_>, MalformedEvent> {
        let malformed = MalformedEvent { kind: self.kind() };
        let Ok(kind) = checked::try_cast::<u8, EventKind>(self.kind()) else { return Err(malformed) };
        let view = match kind {
            EventKind::OrderDetail => self.body().map(Event::Detail),
            EventKind::Accepted | EventKind::Replaced | EventKind::Rested | EventKind::Carried => {
                self.body().map(Event::Accepted)
            }
            EventKind::Rejected
            | EventKind::Cancelled
            | EventKind::Reduced
            | EventKind::Executed
            | EventKind::Prevented
            | EventKind::Broken
            | EventKind::Restated
            | EventKind::Triggered
            | EventKind::NotResting
            | EventKind::QueryAnswer => self.body().map(Event::Report),
            EventKind::SessionDay | EventKind::SessionState => self.body().map(Event::Session),
            EventKind::SessionAdded => self.body().map(Event::SessionAdded),
            EventKind::Instrument => self.body().map(Event::Instrument),
            EventKind::DayStarted
            | EventKind::Setting
            | EventKind::MassCancelled
            | EventKind::RulesSet
            | EventKind::OperatorRejected => self.body().map(Event::Setting),
            EventKind::CurrencyAdded | EventKind::AccountAdded => self.body().map(Event::Named),
            EventKind::Balance => self.body().map(Event::Balance),
            EventKind::Note => self.body().map(Event::Note),
            EventKind::Level | EventKind::Indicative => self.body().map(Event::Level),
        };
        view.ok_or(malformed)
    }

    fn body<E: EventBody>(&self) -> Option<&E> {
        checked::try_from_bytes(bytemuck::bytes_of(self)).ok()
    }
}

impl Header {
    /// Why an order lost quantity; `None` where the event is not about that.
    #[must_use]
    pub fn cancel_reason(&self) -> CancelReason {
        checked::try_cast::<u8, CancelReason>(self.reason).unwrap_or(CancelReason::None)
    }

    /// Why a command was refused; `None` where the event is not about that.
    #[must_use]
    pub fn reject(&self) -> Reject {
        checked::try_cast::<u8, Reject>(self.reason).unwrap_or(Reject::None)
    }
}

/// Where the matcher writes its events.
///
/// It asks for a place and fills it there, so that no event is copied on its way out.
pub trait EventSink {
    /// The place of the next event, which the caller fills at once. Never refuses: what bounds a command's
    /// events is the engine's limits.
    fn place(&mut self) -> &mut EventRecord;
}

impl EventSink for Vec<EventRecord> {
    #[inline(always)]
    fn place(&mut self) -> &mut EventRecord {
        self.push_mut(EventRecord::EMPTY)
    }
}
