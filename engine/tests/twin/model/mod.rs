//! The twin: the market written a second time, slowly and plainly, from docs/market-rules.md and
//! docs/events.md. One vector of orders that is searched from end to end, every number an `i128`, every
//! level summed anew each time it is asked for. It shares nothing with the engine but the public types.

mod admit;
mod events;
mod listing;
mod money;
mod operator;
mod orders;
mod refusal;
mod sessions;

use engine::command::{Command, CommandKind, CommandSlot, OrderCommand};
use engine::event::EventRecord;
use engine::limits::Limits;
use engine::number::{Sequence, Text};
use engine::terms::{
    AccountMode, Conditions, Matching, OrderType, Phase, Role, SelfTrade, Side, TimeInForce,
};
use std::collections::BTreeMap;

pub(crate) struct Currency {
    pub(crate) name: Text<16>,
    pub(crate) digits: u8,
}

#[derive(Clone)]
pub(crate) struct Instrument {
    pub(crate) number: u32,
    pub(crate) symbol: Text<16>,
    pub(crate) matching: Matching,
    pub(crate) phase: Phase,
    pub(crate) tick: u64,
    pub(crate) tick_digits: u8,
    pub(crate) lot: u64,
    pub(crate) lot_digits: u8,
    pub(crate) signed_prices: bool,
    pub(crate) base: u16,
    pub(crate) quote: u16,
    pub(crate) price_max: i128,
    pub(crate) quantity_max: i128,
    pub(crate) value_max: i128,
    pub(crate) collar: i128,
    pub(crate) static_band: i128,
    pub(crate) dynamic_band: i128,
    pub(crate) reference: i128,
    pub(crate) maker_fee: i128,
    pub(crate) taker_fee: i128,
    pub(crate) revision: u16,
    /// Minor units of the quote currency for one lot at one tick.
    pub(crate) unit: i128,
    /// Minor units of the base currency in one lot.
    pub(crate) lot_units: i128,
    pub(crate) level_change: u64,
    pub(crate) last_trade: Option<i128>,
}

pub(crate) struct Account {
    pub(crate) number: u32,
    pub(crate) name: Text<16>,
    pub(crate) mode: AccountMode,
    pub(crate) owner_group: u32,
    pub(crate) enabled: bool,
}

pub(crate) struct Session {
    pub(crate) number: u32,
    pub(crate) name: Text<8>,
    pub(crate) account: u32,
    pub(crate) role: Role,
    pub(crate) self_trade: SelfTrade,
    pub(crate) cancel_on_disconnect: bool,
    pub(crate) enabled: bool,
    pub(crate) orders: Budget,
    pub(crate) cancels: Budget,
    pub(crate) burst: i128,
    pub(crate) connection: u64,
    pub(crate) next_report: u32,
    pub(crate) last_user_ref: u32,
}

/// What a session may still send: a bucket of tokens, one a command.
pub(crate) struct Budget {
    /// Tokens that it gains a second; 0 for no limit.
    pub(crate) rate: i128,
    /// Billionths of tokens that it held at `at`.
    pub(crate) billionths: i128,
    pub(crate) at: u64,
}

impl Budget {
    const TOKEN: i128 = 1_000_000_000;

    /// A full one.
    pub(crate) fn full(rate: u32, burst: i128, now: u64) -> Self {
        let mut budget = Self { rate: rate.into(), billionths: 0, at: now };
        budget.fill(burst, now);
        budget
    }

    /// Fills it up: the burst and one more.
    pub(crate) fn fill(&mut self, burst: i128, now: u64) {
        (self.billionths, self.at) = ((burst + 1) * Self::TOKEN, now);
    }

    /// Whether one more command is taken.
    pub(crate) fn take(&mut self, burst: i128, now: u64) -> bool {
        if self.rate == 0 {
            return true;
        }
        self.billionths += i128::from(now - self.at) * self.rate;
        self.billionths = self.billionths.min((burst + 1) * Self::TOKEN);
        self.at = now;
        let taken = self.billionths >= Self::TOKEN;
        if taken {
            self.billionths -= Self::TOKEN;
        }
        taken
    }
}

#[derive(Default, Clone, Copy)]
pub(crate) struct Balance {
    pub(crate) available: i128,
    pub(crate) reserved: i128,
}

#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) id: u64,
    /// The command that made it: what is only echoed is read from there.
    pub(crate) entered: OrderCommand,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) side: Side,
    /// Its limit; 0 for a market order.
    pub(crate) price: i128,
    /// What its reservation counts with: its limit, or a market order's protection price.
    pub(crate) worth: i128,
    /// How far it may trade; `None` where nothing is opposite of a market order.
    pub(crate) reach: Option<i128>,
    pub(crate) open: i128,
    pub(crate) executed: i128,
    pub(crate) prevented: i128,
    pub(crate) self_trade: SelfTrade,
    pub(crate) maker_fee: i128,
    pub(crate) taker_fee: i128,
    /// The sum of rate × notional over all its trades, in millionths of a minor unit.
    pub(crate) fee_exact: i128,
    pub(crate) fee_charged: i128,
    /// What it holds of its account's balance.
    pub(crate) held: i128,
}

impl Order {
    pub(crate) fn has(&self, condition: Conditions) -> bool {
        self.entered.conditions.contains(condition)
    }

    pub(crate) fn hidden(&self) -> bool {
        self.has(Conditions::HIDDEN)
    }

    pub(crate) fn total(&self) -> i128 {
        self.used() + self.open
    }

    /// Whether it may trade at `price`.
    pub(crate) fn reaches(&self, price: i128) -> bool {
        self.reach.is_some_and(|reach| match self.side {
            Side::Buy => price <= reach,
            Side::Sell => price >= reach,
        })
    }

    /// A limit order that goes into the book where it does not trade.
    pub(crate) fn may_rest(&self) -> bool {
        let immediate = [TimeInForce::ImmediateOrCancel, TimeInForce::FillOrKill];
        self.entered.order_type == OrderType::Limit && !immediate.contains(&self.entered.time_in_force)
    }

    pub(crate) fn is_market(&self) -> bool {
        self.entered.order_type == OrderType::Market
    }

    /// Lots that executions and prevention took in its life.
    pub(crate) fn used(&self) -> i128 {
        self.executed + self.prevented
    }
}

impl Session {
    pub(crate) fn trades(&self) -> bool {
        self.enabled && self.role == Role::Trader
    }
}

pub(crate) struct Twin {
    pub(crate) limits: Limits,
    pub(crate) clock: u64,
    pub(crate) sequence: Sequence,
    pub(crate) date: u32,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) balances: BTreeMap<(u32, u16), Balance>,
    /// All orders that rest, in order of entry.
    pub(crate) orders: Vec<Order>,
    pub(crate) orders_ever: u64,
    pub(crate) matches_ever: u64,
    out: Vec<EventRecord>,
}

impl Twin {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            clock: 0,
            sequence: Sequence(0),
            date: 0,
            currencies: Vec::new(),
            instruments: Vec::new(),
            accounts: Vec::new(),
            sessions: Vec::new(),
            balances: BTreeMap::new(),
            orders: Vec::new(),
            orders_ever: 0,
            matches_ever: 0,
            out: Vec::new(),
        }
    }

    /// Carries out one command and tells what it says.
    pub(crate) fn apply(&mut self, sequence: Sequence, slot: &CommandSlot) -> Vec<EventRecord> {
        self.sequence = sequence;
        self.clock = self.clock.max(slot.time().0);
        self.fire_timers();
        match slot.view().expect("the tests send whole commands") {
            Command::Order(command) => match command.kind {
                CommandKind::Enter => self.enter(command),
                CommandKind::Replace => self.replace(command),
                CommandKind::Cancel => self.cancel(command),
                CommandKind::Reduce => self.reduce(command),
                _ => self.query(command),
            },
            Command::Session(command) => match command.kind {
                CommandKind::LogIn => self.log_in(command),
                CommandKind::LogOut | CommandKind::SessionLost => self.log_out(command),
                CommandKind::AllSessionsDown => self.all_sessions_down(),
                CommandKind::NewDay => self.new_day(command.date),
                _ => {}
            },
            Command::Note(command) => self.note(command),
            Command::Operator(command) => self.operate(command),
            Command::List(command) => self.list(command),
            Command::AddSession(command) => self.add_session(command),
        }
        std::mem::take(&mut self.out)
    }

    /// Good-till-date orders end before the command whose time reaches their end.
    fn fire_timers(&mut self) {
        let clock = self.clock;
        let mut due: Vec<(u64, u64)> = self
            .orders
            .iter()
            .filter(|order| order.entered.time_in_force == TimeInForce::GoodTillDate)
            .filter(|order| order.entered.expires.0 <= clock)
            .map(|order| (order.entered.expires.0, order.id))
            .collect();
        due.sort_unstable();
        for (_, id) in due {
            self.end(id, engine::reason::CancelReason::Expired);
        }
    }

    pub(crate) fn instrument(&self, number: u32) -> Option<&Instrument> {
        self.instruments.iter().find(|instrument| instrument.number == number)
    }

    pub(crate) fn account(&self, number: u32) -> Option<&Account> {
        self.accounts.iter().find(|account| account.number == number)
    }

    pub(crate) fn session(&self, number: u32) -> Option<&Session> {
        self.sessions.iter().find(|session| session.number == number)
    }

    pub(crate) fn session_mut(&mut self, number: u32) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.number == number)
    }

    /// The resting orders of one side, best price first, displayed before hidden, then by time.
    pub(crate) fn side(&self, instrument: u32, side: Side) -> Vec<&Order> {
        let mut orders: Vec<&Order> =
            self.orders.iter().filter(|order| order.instrument == instrument && order.side == side).collect();
        orders.sort_by_key(|order| {
            let price = if side == Side::Buy { -order.price } else { order.price };
            (price, order.hidden(), order.id)
        });
        orders
    }

    /// The orders that are displayed at a level: lots and count.
    pub(crate) fn level(&self, instrument: u32, side: Side, price: i128) -> (i128, u32) {
        let displayed = self.orders.iter().filter(|order| {
            order.instrument == instrument && order.side == side && order.price == price && !order.hidden()
        });
        displayed.fold((0, 0), |(lots, count), order| (lots + order.open, count + 1))
    }
}
