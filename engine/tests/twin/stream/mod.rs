//! A stream of commands that means no good: mostly sensible orders around a touch, among them every kind of
//! wrong number, late cancel, clock that steps back, setting that bites, and day that ends.

mod operator;
mod random;

use crate::model::Twin;
use engine::command::{CommandKind, CommandSlot, OperatorCommand, OrderCommand, SessionCommand};
use engine::number::{
    AccountId, CurrencyId, InstrumentId, Price, Quantity, SessionId, Text, Timestamp, UserRef,
};
use engine::reason::Reject;
use engine::terms::{Conditions, OrderType, SelfTrade, Side, TimeInForce};
use random::SplitMix64;

/// A number at the edge of what fits.
const EDGES: [i64; 9] =
    [0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, 1 << 32, i64::MAX / 2, i64::MAX / 1_000_000];

pub(crate) struct Stream {
    random: SplitMix64,
    /// Orders that are to rest, about.
    depth: usize,
    /// Ticks between the prices that are used: levels side by side, or scattered over all that is possible.
    step: i64,
    /// Orders in a hundred that are good-till-date.
    dated: u64,
    clock: u64,
    date: u32,
    /// What the market is set up with, last first.
    given: Vec<CommandSlot>,
}

impl Stream {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = SplitMix64(seed);
        let depth = random.pick(&[20, 40, 40, 300]);
        let step = random.pick(&[1, 1, 1, 7, 63, 64, 65, 4096, 1_000_003]);
        let dated = random.pick(&[15, 15, 50]);
        let (clock, date) = (1_000_000, 20_260_101);
        let mut stream = Self { random, depth, step, dated, clock, date, given: Vec::new() };
        stream.set_up();
        stream.given.reverse();
        stream
    }

    /// Live orders that the venue of this stream may hold: just too few.
    pub(crate) fn orders_max(&self) -> u32 {
        u32::try_from(self.depth).expect("few") * 9 / 8
    }

    fn set_up(&mut self) {
        for (number, digits) in [(1, 0), (2, 4), (3, 2)] {
            let command = self.currency(number, digits);
            self.given.push(CommandSlot::new(&command));
        }
        for number in 1..=4 {
            let command = self.listing(number);
            self.given.push(CommandSlot::new(&command));
        }
        for number in 1..=7 {
            let command = self.account(number);
            self.given.push(CommandSlot::new(&command));
        }
        for number in 1..=8 {
            let command = self.session(number);
            self.given.push(CommandSlot::new(&command));
        }
        for account in 1..=7 {
            for currency in 1..=3 {
                let mut command = self.operator(CommandKind::Deposit);
                command.account = AccountId(account);
                command.currency = CurrencyId(currency);
                command.value = self.random.pick(&[100, 100_000, 10_000_000]);
                self.given.push(CommandSlot::new(&command));
            }
        }
    }

    /// The next command, sometimes with bits that no door would set.
    pub(crate) fn next(&mut self, twin: &Twin) -> CommandSlot {
        let command = self.sensible(twin);
        if self.given.is_empty() && self.random.chance(20) { self.bent(&command) } else { command }
    }

    /// The command with a word of it changed, where that is still a command.
    fn bent(&mut self, command: &CommandSlot) -> CommandSlot {
        let mut words = *command.words();
        let word = &mut words[1 + self.random.below(15) as usize];
        match self.random.below(3) {
            0 => *word = self.random.next() & self.random.next(),
            1 => *word = self.random.pick(&EDGES) as u64,
            _ => *word ^= 1 << self.random.below(64),
        }
        let bent = CommandSlot::from_words(words);
        if bent.view().is_ok() { bent } else { *command }
    }

    /// What rests is looked up, so that most cancels and replacements mean something.
    fn sensible(&mut self, twin: &Twin) -> CommandSlot {
        if let Some(given) = self.given.pop() {
            return given;
        }
        self.step_clock(twin);
        if twin.orders.len() < self.depth && self.random.chance(500) {
            return self.enter(twin);
        }
        match self.random.below(1000) {
            0..560 => self.enter(twin),
            560..690 => self.on_resting(twin, CommandKind::Cancel),
            690..780 => self.on_resting(twin, CommandKind::Reduce),
            780..930 => self.on_resting(twin, CommandKind::Replace),
            930..940 => self.on_resting(twin, CommandKind::Query),
            940..960 => self.coming_and_going(),
            960..962 => self.day_or_restart(),
            962..970 => CommandSlot::new(&SessionCommand::blank(CommandKind::Tick, Timestamp(self.clock))),
            _ => self.operate(twin),
        }
    }

    fn step_clock(&mut self, twin: &Twin) {
        match self.random.below(100) {
            0..5 => self.clock = self.clock.saturating_sub(self.random.below(1000)),
            5 if self.random.chance(2) => self.clock = self.clock.saturating_add(1 << self.random.below(58)),
            5 => self.clock = self.clock.saturating_add(self.random.below(2_000_000_000)),
            6..9 => {
                let ends = twin.orders.iter().map(|order| order.entered.expires.0);
                self.clock = ends.filter(|end| *end > self.clock).min().unwrap_or(self.clock);
            }
            9..50 => {}
            _ => self.clock = self.clock.saturating_add(self.random.below(1_000_000)),
        }
    }

    fn order(&self, kind: CommandKind) -> OrderCommand {
        OrderCommand::blank(kind, Timestamp(self.clock))
    }

    fn operator(&self, kind: CommandKind) -> OperatorCommand {
        OperatorCommand::blank(kind, Timestamp(self.clock))
    }

    fn enter(&mut self, twin: &Twin) -> CommandSlot {
        let mut command = self.order(CommandKind::Enter);
        command.session = SessionId(1 + self.random.below(8) as u32);
        command.side = self.random.pick(&[Side::Buy, Side::Sell]);
        command.instrument = InstrumentId(1 + self.random.below(4) as u32);
        self.fill_terms(&mut command, twin);
        if self.random.chance(5) {
            command.session = SessionId(self.random.pick(&[0, 9, 99, u32::MAX]));
        }
        if self.random.chance(5) {
            command.instrument = InstrumentId(self.random.pick(&[0, 5, 6, 99, u32::MAX]));
        }
        if self.random.chance(20) {
            command.account = AccountId(self.random.below(9) as u32);
        }
        CommandSlot::new(&command)
    }

    /// All that Enter and Replace carry alike.
    fn fill_terms(&mut self, command: &mut OrderCommand, twin: &Twin) {
        let last = twin.session(command.session.0).map_or(0, |session| session.last_user_ref);
        command.user_ref = UserRef(match self.random.below(200) {
            0..6 => last.saturating_sub(self.random.below(3) as u32),
            6..10 => last.saturating_add(1 + self.random.below(50) as u32),
            10 if self.random.chance(50) => u32::MAX,
            _ => last.saturating_add(1),
        });
        let (wide, dated) = (self.depth > 100, self.dated);
        let random = &mut self.random;
        let ticks = random.below(if wide { 9 } else { 4 }) * random.below(6);
        let center = 60 + 20 * u64::from(command.instrument.0);
        let behind = (command.side == Side::Sell) == random.chance(850);
        let price = if behind { center + ticks } else { center.saturating_sub(ticks) };
        command.price = Price(price as i64 * self.step);
        let most = random.pick(&[4, 11, 101]);
        command.quantity = Quantity(1 + random.below(most));
        command.time_in_force = match random.below(100) {
            share if share < dated => TimeInForce::GoodTillDate,
            0..60 => TimeInForce::Day,
            60..85 => TimeInForce::GoodTillCancelled,
            85..93 => TimeInForce::ImmediateOrCancel,
            93..99 => TimeInForce::FillOrKill,
            _ => random.pick(&[
                TimeInForce::AtTheOpening,
                TimeInForce::AtTheClose,
                TimeInForce::GoodForAuction,
            ]),
        };
        if command.time_in_force == TimeInForce::GoodTillDate || random.chance(3) {
            let ahead = random.pick(&[1, 1_000_000, 100_000_000, 100_000_000_000]);
            command.expires =
                Timestamp(self.clock.saturating_add(random.below(ahead)).saturating_sub(random.below(3)));
        }
        if command.time_in_force == TimeInForce::ImmediateOrCancel && random.chance(300) || random.chance(5) {
            command.floor = Quantity(random.below(command.quantity.0 + 2));
        }
        self.fill_conditions(command);
        if self.random.chance(15) {
            self.fill_wrong_numbers(command);
        }
    }

    fn fill_conditions(&mut self, command: &mut OrderCommand) {
        let random = &mut self.random;
        if random.chance(60) {
            command.order_type = OrderType::Market;
            command.price = Price(0);
        }
        let condition = match random.below(100) {
            0..70 => Conditions::NONE,
            70..83 => Conditions::HIDDEN,
            83..91 => Conditions::POST_ONLY,
            91..97 => Conditions::POST_ONLY_SLIDE,
            97 => Conditions::POST_ONLY.with(Conditions::HIDDEN),
            98 => Conditions::ATTRIBUTABLE,
            _ => Conditions(random.below(1 << 9) as u16),
        };
        command.conditions = condition;
        if command.kind == CommandKind::Replace && random.chance(500) {
            command.conditions = condition.with(Conditions::KEEP_ON_INVALID);
        }
        if random.chance(300) {
            command.self_trade = random.pick(&[
                SelfTrade::None,
                SelfTrade::CancelNewest,
                SelfTrade::CancelOldest,
                SelfTrade::CancelBoth,
                SelfTrade::Decrement,
            ]);
        }
        if random.chance(300) {
            command.client_id = Text::new(&format!("c{}", random.below(1000))).unwrap_or_default();
            command.firm = Text::new("FIRM").unwrap_or_default();
            command.capacity = b'P';
            command.group = random.below(9) as u16;
            command.door = 1 + random.below(4) as u8;
        }
    }

    fn fill_wrong_numbers(&mut self, command: &mut OrderCommand) {
        let random = &mut self.random;
        match random.below(9) {
            0 => command.price = Price(random.pick(&EDGES)),
            1 => command.quantity = Quantity(random.pick(&EDGES) as u64),
            2 => command.quantity = Quantity(0),
            3 => command.revision = random.below(4) as u16,
            4 => {
                command.order_type = random.pick(&[
                    OrderType::Stop,
                    OrderType::StopLimit,
                    OrderType::TrailingStop,
                    OrderType::PegPrimary,
                    OrderType::PegMidpoint,
                ]);
                command.trigger = random.pick(&EDGES);
            }
            5 => command.list = random.below(3) as u32,
            6 => command.floor = Quantity(random.pick(&EDGES) as u64),
            7 => {
                command.door_reject =
                    random.pick(&[Reject::Price, Reject::Quantity, Reject::Side, Reject::Disk])
            }
            _ => command.trigger = random.pick(&EDGES),
        }
    }

    /// Cancel, Reduce, Replace, Query: mostly of an order that rests.
    fn on_resting(&mut self, twin: &Twin, kind: CommandKind) -> CommandSlot {
        let mut command = self.order(kind);
        command.session = SessionId(1 + self.random.below(9) as u32);
        command.target = UserRef(self.random.below(300) as u32);
        let mut total = 1 + self.random.below(20);
        if !twin.orders.is_empty() && self.random.chance(930) {
            let order = &twin.orders[self.random.below(twin.orders.len() as u64) as usize];
            command.session = SessionId(order.session);
            command.target = order.entered.user_ref;
            command.instrument = InstrumentId(self.random.pick(&[0, order.instrument, order.instrument, 1]));
            command.side = order.side;
            total = order.used() as u64 + self.random.below(order.open as u64 + 3);
        }
        if self.random.chance(50) {
            command.side = self.random.pick(&[Side::Buy, Side::Sell]);
        }
        match kind {
            CommandKind::Replace => {
                self.fill_terms(&mut command, twin);
                if self.random.chance(600) {
                    command.quantity = Quantity(total + self.random.below(10));
                }
            }
            CommandKind::Reduce => {
                command.quantity = Quantity(total);
                if self.random.chance(300) {
                    command.conditions = Conditions::AS_MODIFY;
                }
                if self.random.chance(5) {
                    command.quantity = Quantity(self.random.pick(&EDGES) as u64);
                }
            }
            _ => {}
        }
        CommandSlot::new(&command)
    }

    fn coming_and_going(&mut self) -> CommandSlot {
        let kind = self.random.pick(&[
            CommandKind::LogIn,
            CommandKind::LogIn,
            CommandKind::LogOut,
            CommandKind::SessionLost,
        ]);
        let mut command = SessionCommand::blank(kind, Timestamp(self.clock));
        command.session = SessionId(1 + self.random.below(9) as u32);
        command.connection = self.random.below(3);
        command.from_report = self.random.below(5);
        CommandSlot::new(&command)
    }

    fn day_or_restart(&mut self) -> CommandSlot {
        if self.random.chance(400) {
            return CommandSlot::new(&SessionCommand::blank(
                CommandKind::AllSessionsDown,
                Timestamp(self.clock),
            ));
        }
        let mut command = SessionCommand::blank(CommandKind::NewDay, Timestamp(self.clock));
        self.date += self.random.below(3) as u32;
        command.date = self.date;
        CommandSlot::new(&command)
    }
}
