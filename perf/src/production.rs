//! The flows as production commands, and the production matcher run bare or full.
//!
//! Bare: one external account (nothing is reserved or settled), one session, self-trade prevention
//! none, no bands, no rate limit. All else is what a venue runs: the checks, the report numbers, the
//! running hash, events of 128 bytes.
//!
//! Full: eight sessions of eight ledger accounts that reserve and settle, fees on both sides, self-trade
//! prevention, a value limit, both bands and a rate limit, none of which ever refuses: the reports stay
//! those of the floor.

use crate::workload::{Kind, PlainCommand, Workload};
use engine::command::{
    AddSessionCommand, CommandBody, CommandKind, CommandSlot, ListCommand, OperatorCommand, OrderCommand,
    SessionCommand,
};
use engine::event::{EventRecord, EventSink};
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::{
    AccountId, CurrencyId, InstrumentId, Money, Price, Quantity, Sequence, SessionId, Text, Timestamp,
    UserRef,
};
use engine::terms::{AccountMode, Matching, Phase, Role, SelfTrade, Side, TimeInForce};

/// Events in the ring that is overwritten.
pub const RING_EVENTS: usize = 4_096;
/// Blocks of neighbouring prices: both flows use a few dozen an instrument.
const LEVEL_BLOCKS: u32 = 1 << 16;
/// Commands that the venue's matcher takes from the ring at once.
const BATCH: usize = 64;
/// Full: sessions whose orders rest; immediate orders come from the one after them, so that nobody meets
/// itself and self-trade prevention has to look each time.
const MAKERS: u32 = 7;
/// Full: what each account holds of either currency, in minor units; no flow spends a tenth of it.
const DEPOSIT: i64 = i64::MAX / 16;
/// Full: commands a second; the clock stands still in a flow, so the burst must last.
const RATE: u32 = 1_000_000_000;
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

/// What production has to do besides matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Bare,
    /// Ledger, fees, risk limits and self-trade prevention.
    Full,
}

impl Mode {
    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Full => "full",
        }
    }

    const fn sessions(self) -> u32 {
        match self {
            Self::Bare => 1,
            Self::Full => MAKERS + 1,
        }
    }

    /// Whose order this is, as session and as account, and its number there: each session counts up.
    #[must_use]
    pub const fn owner(self, command: &PlainCommand) -> (u32, u32) {
        match (self, command.kind) {
            (Self::Bare, _) => (1, command.id),
            (Self::Full, Kind::Take) => (MAKERS + 1, command.id),
            (Self::Full, Kind::Add | Kind::Cancel) => (command.id % MAKERS + 1, command.id / MAKERS + 1),
        }
    }
}

/// The production command of a plain one.
#[must_use]
pub fn slot(command: &PlainCommand, mode: Mode) -> CommandSlot {
    let kind = match command.kind {
        Kind::Add | Kind::Take => CommandKind::Enter,
        Kind::Cancel => CommandKind::Cancel,
    };
    let mut order = OrderCommand::blank(kind, TIME);
    let (session, number) = mode.owner(command);
    order.session = SessionId(session);
    order.instrument = InstrumentId(u32::from(command.instrument) + 1);
    order.side = if command.side == 0 { Side::Buy } else { Side::Sell };
    match command.kind {
        Kind::Add | Kind::Take => {
            order.user_ref = UserRef(number);
            order.price = Price(i64::from(command.price));
            order.quantity = Quantity(u64::from(command.quantity));
            order.door = 1;
            order.capacity = b'P';
        }
        Kind::Cancel => order.target = UserRef(number),
    }
    if command.kind == Kind::Take {
        order.time_in_force = TimeInForce::ImmediateOrCancel;
    }
    CommandSlot::new(&order)
}

/// Commands that list the instruments and open accounts and sessions.
#[must_use]
pub fn opening(instruments: u16, mode: Mode) -> Vec<CommandSlot> {
    let mut commands = vec![currency(1, "BTC", 8), currency(2, "USD", 2)];
    commands.extend((1..=instruments).map(|number| listing(number, mode)));
    for number in 1..=mode.sessions() {
        commands.extend(participant(number, mode));
    }
    commands
}

/// An account, what it holds, and its session, logged in.
fn participant(number: u32, mode: Mode) -> Vec<CommandSlot> {
    let full = mode == Mode::Full;
    let name = format!("{}{number}", mode.name());
    let mut account = OperatorCommand::blank(CommandKind::AddAccount, TIME);
    account.account = AccountId(number);
    account.mode = if full { AccountMode::Ledger } else { AccountMode::External };
    account.name = text(&name);
    let mut session = AddSessionCommand::blank(CommandKind::AddSession, TIME);
    session.session = SessionId(number);
    session.account = AccountId(number);
    session.role = Role::Trader;
    session.self_trade = if full { SelfTrade::CancelNewest } else { SelfTrade::None };
    session.name = text(&name);
    if full {
        (session.rate, session.cancel_rate, session.burst) = (RATE, RATE, u32::MAX);
    }
    let mut login = SessionCommand::blank(CommandKind::LogIn, TIME);
    login.session = SessionId(number);
    login.connection = 1;
    let deposits = [1, 2].into_iter().filter(|_| full).map(|currency| {
        let mut deposit = OperatorCommand::blank(CommandKind::Deposit, TIME);
        deposit.account = AccountId(number);
        deposit.currency = CurrencyId(currency);
        deposit.value = DEPOSIT;
        put(&deposit)
    });
    std::iter::once(put(&account)).chain(deposits).chain([put(&session), put(&login)]).collect()
}

fn currency(number: u16, name: &str, digits: u8) -> CommandSlot {
    let mut command = OperatorCommand::blank(CommandKind::AddCurrency, TIME);
    command.currency = CurrencyId(number);
    command.filter = digits;
    command.name = text(name);
    put(&command)
}

fn listing(number: u16, mode: Mode) -> CommandSlot {
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
    if mode == Mode::Full {
        (command.maker_fee, command.taker_fee) = (100, 200);
        command.value_max = Money(1_000_000_000_000);
        command.reference = Price(100_000);
        (command.static_band, command.dynamic_band) = (50_000, 10_000);
    }
    put(&command)
}

fn put<C: CommandBody>(command: &C) -> CommandSlot {
    CommandSlot::new(command)
}

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).expect("the names above are short and ASCII")
}

/// A production matcher with the books of a workload filled, and the sequence of its last command.
pub struct Production {
    /// The matcher.
    pub engine: Engine,
    /// Where its events go.
    pub ring: EventRing,
    sequence: Sequence,
}

impl Production {
    /// The matcher of `workload`, its books filled.
    #[must_use]
    pub fn filled(workload: &Workload, mode: Mode) -> Self {
        let flow = workload.flow;
        let limits = Limits {
            live_orders: flow.orders_live_max(),
            level_blocks: LEVEL_BLOCKS,
            instruments: u32::from(flow.instruments),
            accounts: mode.sessions(),
            sessions: mode.sessions(),
            currencies: 2,
        };
        let mut production =
            Self { engine: Engine::new(&limits), ring: EventRing::new(), sequence: Sequence(0) };
        production.apply_all(&opening(flow.instruments, mode));
        for commands in workload.preload.chunks(BATCH) {
            let slots: Vec<CommandSlot> = commands.iter().map(|command| slot(command, mode)).collect();
            production.apply_all(&slots);
        }
        production
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
