//! The engine: one command in, its events out.

mod ahead;
mod checks;
mod day;
mod emit;
mod enter;
mod filter;
mod listing;
mod money;
mod operator;
mod ordinary;
mod replace;
mod resting;
mod session;
mod walk;

use crate::accounts::Accounts;
use crate::book::{self, BookView};
use crate::command::{Command, CommandKind, CommandSlot, OperatorCommand, OrderCommand, SessionCommand};
use crate::digest::hash_bytes;
use crate::event::EventSink;
use crate::fatal::broken;
use crate::index::Index;
use crate::instruments::{Currency, Instrument};
use crate::levels::{BlockPool, NONE};
use crate::limits::Limits;
use crate::number::{AccountId, CurrencyId, InstrumentId, Sequence, SessionId, Timestamp, UserRef};
use crate::orders::Orders;
use crate::plain::{PlainCancel, PlainEnter};
use crate::sessions::{Session, day_name};
use crate::state::{self, StateError};
use crate::timers::Timers;
use crate::view::{AccountView, BalanceView, CurrencyView, InstrumentView, OrderView, SessionView};
use emit::Emitter;

/// The market: books, accounts, sessions, and the rules that change them.
pub struct Engine {
    pub(crate) limits: Limits,
    pub(crate) clock: Timestamp,
    pub(crate) sequence: Sequence,
    pub(crate) event_hash: u64,
    /// The last numbers that were given.
    pub(crate) next_order: u64,
    pub(crate) next_match: u64,
    /// YYYYMMDD; 0 before the first day.
    pub(crate) date: u32,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) accounts: Accounts,
    pub(crate) sessions: Vec<Session>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) pool: BlockPool,
    pub(crate) orders: Orders,
    pub(crate) index: Index,
    pub(crate) timers: Timers,
    /// Scratch for commands that choose many orders.
    pub(crate) chosen: Vec<(u64, u32)>,
}

impl Engine {
    /// An empty market. Reserves all memory that matching will need; the pages are touched when used.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            clock: Timestamp(0),
            sequence: Sequence(0),
            event_hash: 0,
            next_order: 0,
            next_match: 0,
            date: 0,
            currencies: Vec::with_capacity(usize::from(limits.currencies)),
            accounts: Accounts::new(limits.accounts, limits.currencies),
            sessions: Vec::with_capacity(limits.sessions as usize),
            instruments: Vec::with_capacity(limits.instruments as usize),
            pool: BlockPool::new(limits.level_blocks),
            orders: Orders::new(limits.live_orders),
            index: Index::new(limits.live_orders),
            timers: Timers::new(limits.live_orders),
            chosen: Vec::with_capacity(limits.live_orders as usize),
        }
    }

    /// Carries out one command and emits its events (docs/events.md).
    ///
    /// Aborts the process, naming `sequence`, when `sequence` does not rise, the slot is malformed or an
    /// invariant is broken.
    pub fn apply(&mut self, sequence: Sequence, slot: &CommandSlot, out: &mut impl EventSink) {
        self.apply_all(sequence, &[slot], out);
    }

    /// Carries out the command in `slot`, whose sequence `out` has.
    #[inline(always)]
    fn step<S: EventSink>(&mut self, slot: &CommandSlot, out: &mut Emitter<'_, S>) {
        self.sequence = out.sequence;
        self.clock = self.clock.max(slot.time());
        out.time = self.clock.0;
        if self.timers.due(self.clock.0).is_none() {
            if let Some(order) = PlainEnter::of(slot) {
                return self.enter_plain(order, slot, out);
            }
            if let Some(cancel) = PlainCancel::of(slot)
                && self.cancel_plain(cancel, out)
            {
                return;
            }
        }
        self.step_rarer(slot, out);
    }

    /// Carries out any command, plain or not.
    #[inline(never)]
    fn step_rarer<S: EventSink>(&mut self, slot: &CommandSlot, out: &mut Emitter<'_, S>) {
        out.ordinal = 0;
        if self.timers.due(self.clock.0).is_some() {
            self.expire(out);
        }
        match slot.order() {
            Some(order) => self.apply_order(order, out),
            None => self.apply_rarer(slot, out),
        }
    }

    /// Commands that are not on orders.
    #[inline(never)]
    fn apply_rarer<S: EventSink>(&mut self, slot: &CommandSlot, out: &mut Emitter<'_, S>) {
        let Ok(command) = slot.view() else { broken(out.sequence, "the bytes are no command") };
        match command {
            Command::Order(_) => broken(out.sequence, "a command on orders that is none"),
            Command::Session(session) => self.apply_session(session, out),
            Command::Note(note) => Self::note(note, out),
            Command::Operator(operator) => self.apply_operator(operator, out),
            Command::List(list) => self.list(list, out),
            Command::AddSession(session) => self.add_session(session, out),
        }
    }

    #[inline(always)]
    fn apply_order<S: EventSink>(&mut self, order: &OrderCommand, out: &mut Emitter<'_, S>) {
        match order.kind {
            CommandKind::Enter => self.enter(order, out),
            CommandKind::Cancel => self.cancel_order(order, out),
            _ => self.apply_rarer_order(order, out),
        }
    }

    #[inline(never)]
    fn apply_rarer_order<S: EventSink>(&mut self, order: &OrderCommand, out: &mut Emitter<'_, S>) {
        match order.kind {
            CommandKind::Replace => self.replace(order, out),
            CommandKind::Reduce => self.reduce(order, out),
            CommandKind::Query => self.query(order, out),
            _ => broken(out.sequence, "an order command of another kind"),
        }
    }

    #[inline(never)]
    fn apply_session<S: EventSink>(&mut self, session: &SessionCommand, out: &mut Emitter<'_, S>) {
        match session.kind {
            CommandKind::Tick => {}
            CommandKind::LogIn => self.log_in(session, out),
            CommandKind::LogOut | CommandKind::SessionLost => self.disconnect(session, out),
            CommandKind::AllSessionsDown => self.all_sessions_down(out),
            CommandKind::NewDay => self.new_day(session, out),
            _ => broken(out.sequence, "a session command of another kind"),
        }
    }

    #[inline(never)]
    fn apply_operator<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        match command.kind {
            CommandKind::AddCurrency => self.add_currency(command, out),
            CommandKind::SetInstrument => self.set_instrument(command, out),
            CommandKind::SetPhase => self.set_phase(command, out),
            CommandKind::AddAccount => self.add_account(command, out),
            CommandKind::SetAccount => self.set_account(command, out),
            CommandKind::Deposit => self.deposit(command, out),
            CommandKind::SetSession => self.set_session(command, out),
            CommandKind::MassCancel => self.mass_cancel(command, out),
            CommandKind::Kill => self.kill(command, out),
            CommandKind::Bust => Self::unsupported(command, out),
            CommandKind::SetRules => Self::set_rules(command, out),
            _ => broken(out.sequence, "an operator's command of another kind"),
        }
        self.find_ordinary();
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
        self.event_hash
    }

    /// The most events that one command can yield: a new day reports each order with its details, each
    /// balance, session and instrument; any other command at most two events an order.
    #[must_use]
    pub const fn events_max(limits: &Limits) -> usize {
        let balances = (limits.accounts as usize + 1) * limits.currencies as usize;
        2 * (limits.live_orders as usize + limits.sessions as usize)
            + limits.instruments as usize
            + balances
            + 16
    }

    /// Appends the full state as canonical bytes.
    pub fn encode_state(&self, out: &mut Vec<u8>) {
        state::encode(self, out);
    }

    /// The engine whose state these bytes are.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or hold more than `limits`.
    pub fn decode_state(bytes: &[u8], limits: &Limits) -> Result<Self, StateError> {
        state::decode(bytes, limits)
    }

    /// Hash of what `encode_state` appends.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut bytes = Vec::new();
        self.encode_state(&mut bytes);
        hash_bytes(&bytes)
    }

    /// Date of the trading day as YYYYMMDD; 0 before the first.
    #[must_use]
    pub const fn date(&self) -> u32 {
        self.date
    }

    #[inline(always)]
    fn instrument(&self, instrument: u32) -> Option<&Instrument> {
        self.instruments.get((instrument as usize).wrapping_sub(1))
    }

    /// The book of an instrument; `None` where there is no such instrument.
    #[must_use]
    pub fn book(&self, instrument: InstrumentId) -> Option<BookView<'_>> {
        let book = &self.instrument(instrument.0)?.book;
        Some(BookView { book, pool: &self.pool, orders: &self.orders })
    }

    /// The order that rests under this number of the session.
    #[must_use]
    pub fn order(&self, session: SessionId, user_ref: UserRef) -> Option<OrderView> {
        let handle = self.index.find(session.0, user_ref.0);
        (handle != NONE).then(|| book::view(&self.orders, handle))
    }

    /// All currencies, by number.
    pub fn currencies(&self) -> impl Iterator<Item = CurrencyView> + '_ {
        (1u16..).zip(&self.currencies).map(|(number, currency)| CurrencyView {
            currency: CurrencyId(number),
            name: currency.name,
            digits: currency.digits,
        })
    }

    /// All instruments, by number.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentView> + '_ {
        (1u32..).zip(&self.instruments).map(|(number, instrument)| instrument.view(InstrumentId(number)))
    }

    /// All accounts, by number.
    pub fn accounts(&self) -> impl Iterator<Item = AccountView> + '_ {
        (1u32..).zip(&self.accounts.list).map(|(number, account)| account.view(AccountId(number)))
    }

    /// Balances that are not zero, by account (0, the venue's own, first) and currency.
    pub fn balances(&self) -> impl Iterator<Item = BalanceView> + '_ {
        self.accounts.balances().map(|(account, currency, balance)| BalanceView {
            account: AccountId(account),
            currency: CurrencyId(currency),
            available: balance.available,
            reserved: balance.reserved,
        })
    }

    /// All sessions, by number.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView> + '_ {
        let day = day_name(self.date);
        (1u32..).zip(&self.sessions).map(move |(number, session)| session.view(SessionId(number), day))
    }
}
