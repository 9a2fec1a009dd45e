//! The flows as production commands, and the production matcher run bare.
//!
//! Bare: one external account (nothing is reserved or settled), one session, self-trade prevention
//! none, no bands, no rate limit. All else is what a venue runs: the checks, the report numbers, the
//! running hash, events of 128 bytes.

use crate::workload::{Kind, PlainCommand, Workload};
use engine::command::{
    AddSessionCommand, CommandBody, CommandKind, CommandSlot, ListCommand, OperatorCommand, OrderCommand,
    SessionCommand,
};
use engine::event::{EventRecord, EventSink};
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::{
    AccountId, CurrencyId, InstrumentId, Price, Quantity, Sequence, SessionId, Text, Timestamp, UserRef,
};
use engine::terms::{AccountMode, Matching, Phase, Role, SelfTrade, Side, TimeInForce};

/// Events in the ring that is overwritten.
pub const RING_EVENTS: usize = 4_096;
/// Blocks of neighbouring prices: both flows use a few dozen an instrument.
const LEVEL_BLOCKS: u32 = 1 << 16;
/// Commands that the venue's matcher takes from the ring at once.
const BATCH: usize = 64;
const ACCOUNT: AccountId = AccountId(1);
const SESSION: SessionId = SessionId(1);
/// Any time will do: the flows have no timers.
pub const TIME: Timestamp = Timestamp(1_800_000_000_000_000_000);

/// A ring of events that nobody reads.
pub struct EventRing {
    slots: Box<[EventRecord; RING_EVENTS]>,
    next: usize,
}

impl EventRing {
    /// An empty ring.
    #[must_use]
    pub fn new() -> Self {
        Self { slots: Box::new([EventRecord::EMPTY; RING_EVENTS]), next: 0 }
    }

    /// The event written last: tells a compiler that the ring matters.
    #[must_use]
    pub fn last(&self) -> &EventRecord {
        &self.slots[self.next.wrapping_sub(1) % RING_EVENTS]
    }

    /// Events written so far.
    #[must_use]
    pub const fn written(&self) -> usize {
        self.next
    }
}

impl Default for EventRing {
    fn default() -> Self {
        Self::new()
    }
}

impl EventSink for EventRing {
    #[inline(always)]
    fn place(&mut self) -> &mut EventRecord {
        let place = &mut self.slots[self.next % RING_EVENTS];
        self.next = self.next.wrapping_add(1);
        place
    }
}

/// The production command of a plain one.
#[must_use]
pub fn slot(command: &PlainCommand) -> CommandSlot {
    let kind = match command.kind {
        Kind::Add | Kind::Take => CommandKind::Enter,
        Kind::Cancel => CommandKind::Cancel,
    };
    let mut order = OrderCommand::blank(kind, TIME);
    order.session = SESSION;
    order.instrument = InstrumentId(u32::from(command.instrument) + 1);
    order.side = if command.side == 0 { Side::Buy } else { Side::Sell };
    match command.kind {
        Kind::Add | Kind::Take => {
            order.user_ref = UserRef(command.id);
            order.price = Price(i64::from(command.price));
            order.quantity = Quantity(u64::from(command.quantity));
            order.door = 1;
            order.capacity = b'P';
        }
        Kind::Cancel => order.target = UserRef(command.id),
    }
    if command.kind == Kind::Take {
        order.time_in_force = TimeInForce::ImmediateOrCancel;
    }
    CommandSlot::new(&order)
}

/// Commands that list the instruments and open the one session.
#[must_use]
pub fn opening(instruments: u16) -> Vec<CommandSlot> {
    let mut commands = vec![currency(1, "BTC", 8), currency(2, "USD", 2)];
    commands.extend((1..=instruments).map(listing));
    let mut account = OperatorCommand::blank(CommandKind::AddAccount, TIME);
    account.account = ACCOUNT;
    account.mode = AccountMode::External;
    account.name = text("bare");
    commands.push(put(&account));
    let mut session = AddSessionCommand::blank(CommandKind::AddSession, TIME);
    session.session = SESSION;
    session.account = ACCOUNT;
    session.role = Role::Trader;
    session.self_trade = SelfTrade::None;
    session.name = text("bare");
    commands.push(put(&session));
    let mut login = SessionCommand::blank(CommandKind::LogIn, TIME);
    login.session = SESSION;
    login.connection = 1;
    commands.push(put(&login));
    commands
}

fn currency(number: u16, name: &str, digits: u8) -> CommandSlot {
    let mut command = OperatorCommand::blank(CommandKind::AddCurrency, TIME);
    command.currency = CurrencyId(number);
    command.filter = digits;
    command.name = text(name);
    put(&command)
}

fn listing(number: u16) -> CommandSlot {
    let mut command = ListCommand::blank(CommandKind::ListInstrument, TIME);
    command.instrument = InstrumentId(u32::from(number));
    command.matching = Matching::PriceTime;
    command.phase = Phase::Continuous;
    command.base = CurrencyId(1);
    command.quote = CurrencyId(2);
    command.symbol = text(&format!("FLOW{number}"));
    command.tick = 1;
    command.lot = 1;
    command.price_max = Price(400_000);
    command.quantity_max = Quantity(1_000_000);
    command.collar = 1_000;
    put(&command)
}

fn put<C: CommandBody>(command: &C) -> CommandSlot {
    CommandSlot::new(command)
}

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).expect("the names above are short and ASCII")
}

/// A production matcher with the books of a workload filled, and the sequence of its last command.
pub struct Bare {
    /// The matcher.
    pub engine: Engine,
    /// Where its events go.
    pub ring: EventRing,
    sequence: Sequence,
}

impl Bare {
    /// The matcher of `workload`, its books filled.
    #[must_use]
    pub fn filled(workload: &Workload) -> Self {
        let flow = workload.flow;
        let limits = Limits {
            live_orders: flow.orders_live_max(),
            level_blocks: LEVEL_BLOCKS,
            instruments: u32::from(flow.instruments),
            accounts: 1,
            sessions: 1,
            currencies: 2,
        };
        let mut bare = Self { engine: Engine::new(&limits), ring: EventRing::new(), sequence: Sequence(0) };
        for command in &opening(flow.instruments) {
            bare.apply(command);
        }
        for command in &workload.preload {
            bare.apply(&slot(command));
        }
        bare
    }

    /// Carries out commands as the venue's matcher stage does: what the ring holds, up to a batch.
    #[inline]
    pub fn apply_all(&mut self, commands: &[CommandSlot]) {
        for batch in commands.chunks(BATCH) {
            let mut slots = [&batch[0]; BATCH];
            for (place, slot) in slots.iter_mut().zip(batch) {
                *place = slot;
            }
            self.engine.apply_all(self.sequence.next(), &slots[..batch.len()], &mut self.ring);
            self.sequence.0 += batch.len() as u64;
        }
    }

    /// Carries out one command.
    #[inline]
    pub fn apply(&mut self, command: &CommandSlot) {
        self.sequence = self.sequence.next();
        self.engine.apply(self.sequence, command, &mut self.ring);
    }
}
