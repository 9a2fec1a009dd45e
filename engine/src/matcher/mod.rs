//! The engine: one command in, its events out.

use crate::book::BookView;
use crate::command::CommandSlot;
use crate::event::EventSink;
use crate::limits::Limits;
use crate::number::{InstrumentId, Sequence, SessionId, Timestamp, UserRef};
use crate::state::StateError;
use crate::view::{AccountView, BalanceView, InstrumentView, OrderView, SessionView};

/// The market: books, accounts, sessions, and the rules that change them.
pub struct Engine {
    clock: Timestamp,
    sequence: Sequence,
}

impl Engine {
    /// An empty market. Reserves all memory that matching will need.
    #[must_use]
    pub fn new(_limits: &Limits) -> Self {
        Self { clock: Timestamp(0), sequence: Sequence(0) }
    }

    /// Carries out one command and emits its events (docs/events.md).
    ///
    /// Aborts the process, naming `sequence`, when the slot is malformed or an invariant is broken.
    pub fn apply(&mut self, sequence: Sequence, slot: &CommandSlot, _out: &mut impl EventSink) {
        self.sequence = sequence;
        self.clock = self.clock.max(slot.time());
    }

    /// The engine's clock: the highest time that any command carried.
    #[must_use]
    pub const fn clock(&self) -> Timestamp {
        self.clock
    }

    /// The sequence of the last command.
    #[must_use]
    pub const fn last_sequence(&self) -> Sequence {
        self.sequence
    }

    /// Running hash over all events emitted so far.
    #[must_use]
    pub const fn event_hash(&self) -> u64 {
        0
    }

    /// The most events that one command can yield.
    #[must_use]
    pub const fn events_max(limits: &Limits) -> usize {
        4 * limits.live_orders as usize + 4096
    }

    /// Appends the full state as canonical bytes.
    pub fn encode_state(&self, _out: &mut Vec<u8>) {}

    /// The engine whose state these bytes are.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or hold more than `limits`.
    pub fn decode_state(_bytes: &[u8], limits: &Limits) -> Result<Self, StateError> {
        Ok(Self::new(limits))
    }

    /// Hash of what `encode_state` appends.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        0
    }

    /// Date of the trading day as YYYYMMDD; 0 before the first.
    #[must_use]
    pub const fn date(&self) -> u32 {
        0
    }

    /// The book of an instrument; `None` where there is no such instrument.
    #[must_use]
    pub fn book(&self, _instrument: InstrumentId) -> Option<BookView<'_>> {
        None
    }

    /// The order that rests under this number of the session.
    #[must_use]
    pub fn order(&self, _session: SessionId, _user_ref: UserRef) -> Option<OrderView> {
        None
    }

    /// All instruments, by number.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentView> + '_ {
        std::iter::empty()
    }

    /// All accounts, by number.
    pub fn accounts(&self) -> impl Iterator<Item = AccountView> + '_ {
        std::iter::empty()
    }

    /// Balances that are not zero, by account (0, the venue's own, first) and currency.
    pub fn balances(&self) -> impl Iterator<Item = BalanceView> + '_ {
        std::iter::empty()
    }

    /// All sessions, by number.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView> + '_ {
        std::iter::empty()
    }
}
