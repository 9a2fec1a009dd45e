//! A small venue to test with: three instruments, ledger and external accounts, four sessions.
#![allow(dead_code, reason = "each test file uses its own part")]

use engine::command::{
    AddSessionCommand, CommandKind, CommandSlot, ListCommand, OperatorCommand, OrderCommand, SessionCommand,
};
use engine::event::{Event, EventKind, EventRecord, Flags};
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::{
    AccountId, CurrencyId, InstrumentId, Price, Quantity, Sequence, SessionId, Text, Timestamp, UserRef,
};
use engine::terms::{AccountMode, Phase, SelfTrade, Side};
use std::fmt::Write;

/// An engine with the events of its last command.
pub(crate) struct Venue {
    pub(crate) engine: Engine,
    pub(crate) sequence: u64,
    pub(crate) now: u64,
    pub(crate) events: Vec<EventRecord>,
}

pub(crate) const LIMITS: Limits = Limits {
    live_orders: 1 << 12,
    level_blocks: 1 << 10,
    instruments: 8,
    accounts: 16,
    sessions: 16,
    currencies: 4,
};

pub(crate) fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).expect("short enough")
}

pub(crate) fn operator(kind: CommandKind) -> OperatorCommand {
    OperatorCommand::blank(kind, Timestamp(0))
}

pub(crate) fn listing(number: u32, symbol: &str) -> ListCommand {
    ListCommand {
        instrument: InstrumentId(number),
        phase: Phase::Continuous,
        base: CurrencyId(2),
        quote: CurrencyId(1),
        symbol: text(symbol),
        tick: 5,
        tick_digits: 1,
        lot: 1,
        lot_digits: 2,
        price_max: Price(100_000),
        quantity_max: Quantity(10_000),
        collar: 10,
        maker_fee: -500,
        taker_fee: 2_500,
        ..ListCommand::blank(CommandKind::ListInstrument, Timestamp(0))
    }
}

impl Venue {
    /// Accounts 1 and 2 ledger, 3 and 4 external (4 in 3's group); session n trades for account n.
    pub(crate) fn new() -> Self {
        let mut venue = Self { engine: Engine::new(&LIMITS), sequence: 0, now: 1_000, events: Vec::new() };
        for (number, name) in [(1, "USD"), (2, "BTC")] {
            let mut currency = operator(CommandKind::AddCurrency);
            currency.currency = CurrencyId(number);
            currency.name = text(name);
            currency.filter = 4;
            venue.apply(&CommandSlot::new(&currency));
        }
        for number in 1..=4 {
            let mut account = operator(CommandKind::AddAccount);
            account.account = AccountId(number);
            account.name = text(&format!("ACC{number}"));
            account.mode = if number <= 2 { AccountMode::Ledger } else { AccountMode::External };
            account.owner_group = if number >= 3 { 1 } else { 0 };
            venue.apply(&CommandSlot::new(&account));
            venue.apply(&CommandSlot::new(&AddSessionCommand {
                session: SessionId(number),
                account: AccountId(number),
                name: text(&format!("S{number}")),
                self_trade: SelfTrade::None,
                cancel_on_disconnect: u8::from(number == 4),
                ..AddSessionCommand::blank(CommandKind::AddSession, Timestamp(0))
            }));
        }
        venue.apply(&CommandSlot::new(&listing(1, "BTCUSD")));
        venue.apply(&CommandSlot::new(&ListCommand {
            signed_prices: 1,
            matching: engine::terms::Matching::PriceTime,
            ..listing(2, "SPREAD")
        }));
        venue.new_day(20_261_124);
        for account in [1, 2] {
            venue.deposit(account, 1, 1_000_000_000);
            venue.deposit(account, 2, 1_000_000_000);
        }
        venue
    }

    pub(crate) fn apply(&mut self, slot: &CommandSlot) -> &[EventRecord] {
        let mut words = *slot.words();
        if words[0] == 0 {
            words[0] = self.now;
        }
        self.sequence += 1;
        self.events.clear();
        self.engine.apply(Sequence(self.sequence), &CommandSlot::from_words(words), &mut self.events);
        for (ordinal, event) in self.events.iter().enumerate() {
            assert!(event.view().is_ok(), "an event of its kind");
            assert_eq!((event.sequence().0, event.ordinal()), (self.sequence, ordinal as u32));
        }
        &self.events
    }

    pub(crate) fn new_day(&mut self, date: u32) {
        let mut day = SessionCommand::blank(CommandKind::NewDay, Timestamp(0));
        day.date = date;
        self.apply(&CommandSlot::new(&day));
    }

    pub(crate) fn deposit(&mut self, account: u32, currency: u16, value: i64) {
        let mut deposit = operator(CommandKind::Deposit);
        deposit.account = AccountId(account);
        deposit.currency = CurrencyId(currency);
        deposit.value = value;
        self.apply(&CommandSlot::new(&deposit));
    }

    /// Enters an order and tells its events.
    pub(crate) fn enter(&mut self, session: u32, user_ref: u32, what: &str) -> String {
        self.enter_with(session, user_ref, what, |_| {})
    }

    /// `what` is `buy 5 @ 100` or `sell 5`; a market order has no price.
    pub(crate) fn enter_with(
        &mut self,
        session: u32,
        user_ref: u32,
        what: &str,
        terms: impl FnOnce(&mut OrderCommand),
    ) -> String {
        let mut order = order(what);
        order.session = SessionId(session);
        order.user_ref = UserRef(user_ref);
        terms(&mut order);
        self.apply(&CommandSlot::new(&order));
        self.told()
    }

    pub(crate) fn replace_with(
        &mut self,
        session: u32,
        (target, user_ref): (u32, u32),
        what: &str,
        terms: impl FnOnce(&mut OrderCommand),
    ) -> String {
        self.enter_with(session, user_ref, what, |order| {
            order.kind = CommandKind::Replace;
            order.target = UserRef(target);
            terms(order);
        })
    }

    pub(crate) fn cancel(&mut self, session: u32, target: u32) -> String {
        let mut cancel = OrderCommand::blank(CommandKind::Cancel, Timestamp(0));
        cancel.session = SessionId(session);
        cancel.target = UserRef(target);
        self.apply(&CommandSlot::new(&cancel));
        self.told()
    }

    pub(crate) fn reduce(&mut self, session: u32, target: u32, total: u64) -> String {
        let mut reduce = OrderCommand::blank(CommandKind::Reduce, Timestamp(0));
        reduce.session = SessionId(session);
        reduce.target = UserRef(target);
        reduce.quantity = Quantity(total);
        self.apply(&CommandSlot::new(&reduce));
        self.told()
    }

    /// The events of the last command in short: kind, session.user number, quantity @ price, what is
    /// left, the level after it, and why.
    pub(crate) fn told(&self) -> String {
        let mut told = String::new();
        for event in &self.events {
            if !told.is_empty() {
                told.push_str("; ");
            }
            tell(event, &mut told);
        }
        told
    }

    /// The book as text: bids then asks, best first, orders in priority.
    pub(crate) fn book(&self) -> String {
        let mut told = String::new();
        let book = self.engine.book(InstrumentId(1)).expect("it is listed");
        for side in [Side::Buy, Side::Sell] {
            for level in book.levels(side) {
                let orders: Vec<_> = book
                    .orders(side, level.price)
                    .map(|order| format!("{}.{}:{}", order.session, order.user_ref, order.open))
                    .collect();
                let displayed: u64 = book.orders(side, level.price).map(|order| order.displayed.0).sum();
                assert_eq!(displayed, level.displayed.0);
                write!(told, "{side:?} {} [{}] ", level.price, orders.join(" ")).expect("a string");
            }
        }
        told.trim_end().to_owned()
    }

    /// Each currency's sum over all accounts, the venue's own included.
    pub(crate) fn sums(&self) -> [i128; 2] {
        let mut sums = [0; 2];
        for balance in self.engine.balances() {
            sums[usize::from(balance.currency.0) - 1] += balance.available + balance.reserved;
        }
        sums
    }
}

fn order(what: &str) -> OrderCommand {
    let mut order = OrderCommand::blank(CommandKind::Enter, Timestamp(0));
    order.instrument = InstrumentId(1);
    let words: Vec<_> = what.split(' ').collect();
    order.side = if words[0] == "buy" { Side::Buy } else { Side::Sell };
    order.quantity = Quantity(words[1].parse().expect("lots"));
    match words.get(3) {
        Some(price) => order.price = Price(price.parse().expect("ticks")),
        None => order.order_type = engine::terms::OrderType::Market,
    }
    order
}

fn tell(event: &EventRecord, told: &mut String) {
    let (header, order) = match event.view() {
        Ok(Event::Accepted(event)) => (event.header, event.order),
        Ok(Event::Report(event)) => (event.header, event.order),
        Ok(Event::Level(event)) => (event.header, event.order),
        Ok(Event::Detail(event)) => {
            return write!(told, "Detail {}", event.detail.client_id).expect("a string");
        }
        other => return write!(told, "{other:?}").expect("a string"),
    };
    write!(told, "{:?} {}.{} ", header.kind, header.session, order.user_ref).expect("a string");
    write!(told, "{}@{}", order.quantity, order.price).expect("a string");
    if order.remaining.0 > 0 {
        write!(told, " left {}", order.remaining).expect("a string");
    }
    if header.flags.contains(Flags::LEVEL) {
        write!(told, " level {}/{}", order.level_quantity, order.level_orders).expect("a string");
    }
    match header.kind {
        EventKind::Rejected | EventKind::NotResting => write!(told, " {:?}", header.reject()),
        EventKind::Cancelled | EventKind::Prevented => write!(told, " {:?}", header.cancel_reason()),
        _ => Ok(()),
    }
    .expect("a string");
}
