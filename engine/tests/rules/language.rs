//! The commands of the rule tables: one a line, in words.

use engine::command::{
    AccountSetting, AddSessionCommand, CommandKind, CommandSlot, InstrumentSetting, ListCommand, NoteCommand,
    OperatorCommand, OrderCommand, SessionCommand, SessionSetting,
};
use engine::decimal::Decimal;
use engine::number::{
    AccountId, CurrencyId, InstrumentId, Money, Price, Quantity, SessionId, Text, Timestamp, UserRef,
};
use engine::reason::Reject;
use engine::terms::{
    AccountMode, Conditions, Matching, OrderType, Phase, Role, SelfTrade, Side, TimeInForce,
};
use std::collections::BTreeMap;

pub(crate) type Words<'a> = std::str::SplitWhitespace<'a>;

/// What was named so far, and the time of the next command.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) currencies: Vec<String>,
    pub(crate) instruments: Vec<String>,
    pub(crate) accounts: Vec<String>,
    pub(crate) sessions: Vec<String>,
    next_number: BTreeMap<u32, u32>,
    clock: u64,
}

fn one_of<T: std::fmt::Debug + Copy>(word: &str, all: &[T]) -> T {
    let plain = |text: &str| text.replace('-', "").to_lowercase();
    let found = all.iter().find(|value| plain(&format!("{value:?}")) == plain(word));
    *found.unwrap_or_else(|| panic!("{word}: none of {all:?}"))
}

/// All values of a closed set of one byte.
pub(crate) fn all<T: bytemuck::CheckedBitPattern>() -> Vec<T> {
    (0..=u8::MAX).filter_map(|byte| bytemuck::checked::try_pod_read_unaligned(&[byte]).ok()).collect()
}

fn word<'a>(words: &mut Words<'a>) -> &'a str {
    words.next().unwrap_or_else(|| panic!("a word is missing at the end"))
}

fn number<T: std::str::FromStr>(words: &mut Words<'_>) -> T {
    let text = word(words);
    text.replace('_', "").parse().unwrap_or_else(|_| panic!("{text}: no number that fits here"))
}

fn text<const N: usize>(word: &str) -> Text<N> {
    Text::new(word).unwrap_or_else(|| panic!("{word}: longer than {N} characters"))
}

fn position(names: &[String], name: &str) -> Option<u32> {
    names.iter().position(|one| one == name).map(|at| u32::try_from(at).expect("few") + 1)
}

fn decimal(words: &mut Words<'_>) -> (u64, u8) {
    let text = word(words);
    let value = Decimal::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    (u64::try_from(value.mantissa).expect("not negative"), value.digits)
}

impl Names {
    /// The command that a line says.
    pub(crate) fn command(&mut self, line: &str) -> CommandSlot {
        let mut words = line.split_whitespace();
        let mut first = word(&mut words);
        self.clock += 1;
        if first == "at" {
            self.clock = number(&mut words);
            first = word(&mut words);
        }
        if let Some(session) = position(&self.sessions, first).or_else(|| first.parse().ok()) {
            return self.of_session(session, words);
        }
        let words = &mut words;
        match first {
            "tick" => self.bare(CommandKind::Tick),
            "all" => self.bare(CommandKind::AllSessionsDown),
            "day" => {
                let mut command = SessionCommand::blank(CommandKind::NewDay, self.time());
                command.date = number(words);
                CommandSlot::new(&command)
            }
            "note" => {
                let mut command = NoteCommand::blank(CommandKind::Note, self.time());
                command.who = text(word(words));
                command.why = text(&words.collect::<Vec<_>>().join(" "));
                CommandSlot::new(&command)
            }
            "list" => self.list(words),
            "session" => self.add_session(words),
            verb => self.operator(verb, words),
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp(self.clock)
    }

    fn bare(&self, kind: CommandKind) -> CommandSlot {
        CommandSlot::new(&SessionCommand::blank(kind, self.time()))
    }

    fn of_session(&mut self, session: u32, mut words: Words<'_>) -> CommandSlot {
        let words = &mut words;
        match word(words) {
            "buy" => self.enter(session, Side::Buy, words),
            "sell" => self.enter(session, Side::Sell, words),
            "replace" => {
                let mut command = self.order(CommandKind::Replace, session);
                command.target = UserRef(number(words));
                self.fill_terms(&mut command, words);
                CommandSlot::new(&command)
            }
            "cancel" => {
                let mut command = self.order(CommandKind::Cancel, session);
                command.target = UserRef(number(words));
                CommandSlot::new(&command)
            }
            verb @ ("reduce" | "modify") => {
                let mut command = self.order(CommandKind::Reduce, session);
                command.target = UserRef(number(words));
                command.quantity = Quantity(number(words));
                if verb == "modify" {
                    command.conditions = Conditions::AS_MODIFY;
                    command.side = one_of(word(words), &all());
                }
                CommandSlot::new(&command)
            }
            "query" => CommandSlot::new(&self.order(CommandKind::Query, session)),
            verb => {
                let kind = one_of(verb, &[CommandKind::LogIn, CommandKind::LogOut, CommandKind::SessionLost]);
                let mut command = SessionCommand::blank(kind, self.time());
                command.session = SessionId(session);
                command.connection = number(words);
                command.from_report = words.next().map_or(0, |from| from.parse().expect("a number"));
                CommandSlot::new(&command)
            }
        }
    }

    fn order(&self, kind: CommandKind, session: u32) -> OrderCommand {
        let mut command = OrderCommand::blank(kind, self.time());
        command.session = SessionId(session);
        command
    }

    fn enter(&mut self, session: u32, side: Side, words: &mut Words<'_>) -> CommandSlot {
        let mut command = self.order(CommandKind::Enter, session);
        command.side = side;
        command.instrument = InstrumentId(1);
        self.fill_terms(&mut command, words);
        CommandSlot::new(&command)
    }

    /// `10 @ 100`, then what else is agreed.
    fn fill_terms(&mut self, command: &mut OrderCommand, words: &mut Words<'_>) {
        let next = self.next_number.entry(command.session.0).or_insert(1);
        command.user_ref = UserRef(*next);
        command.quantity = Quantity(number(words));
        if word(words) == "@" {
            command.price = Price(number(words));
        } else {
            command.order_type = OrderType::Market;
        }
        while let Some(term) = words.next() {
            self.fill_term(command, term, words);
        }
        self.next_number.insert(command.session.0, command.user_ref.0.saturating_add(1));
    }

    fn fill_term(&self, command: &mut OrderCommand, term: &str, words: &mut Words<'_>) {
        let mut condition = |bit| command.conditions = command.conditions.with(bit);
        match term {
            "post" => condition(Conditions::POST_ONLY),
            "slide" => condition(Conditions::POST_ONLY_SLIDE),
            "hidden" => condition(Conditions::HIDDEN),
            "all-or-none" => condition(Conditions::ALL_OR_NONE),
            "keep" => condition(Conditions::KEEP_ON_INVALID),
            "day" => command.time_in_force = TimeInForce::Day,
            "gtc" => command.time_in_force = TimeInForce::GoodTillCancelled,
            "ioc" => command.time_in_force = TimeInForce::ImmediateOrCancel,
            "fok" => command.time_in_force = TimeInForce::FillOrKill,
            "at-the-close" => command.time_in_force = TimeInForce::AtTheClose,
            "until" => {
                command.time_in_force = TimeInForce::GoodTillDate;
                command.expires = Timestamp(number(words));
            }
            "attributable" => condition(Conditions::ATTRIBUTABLE),
            "type" => command.order_type = one_of(word(words), &all()),
            "trigger" => command.trigger = number(words),
            "min" | "peak" => command.floor = Quantity(number(words)),
            "stop" => {
                command.order_type = OrderType::StopLimit;
                command.trigger = number(words);
            }
            "list" => command.list = number(words),
            "stp" => command.self_trade = one_of(word(words), &all()),
            "number" => command.user_ref = UserRef(number(words)),
            "client" => command.client_id = text(word(words)),
            "firm" => command.firm = text(word(words)),
            "revision" => command.revision = number(words),
            "door" => command.door_reject = one_of::<Reject>(word(words), &all()),
            "account" => command.account = AccountId(self.named(&self.accounts, words)),
            "on" => command.instrument = InstrumentId(self.named(&self.instruments, words)),
            other => panic!("{other}: no term of an order"),
        }
    }

    /// The number of what is named, or a number that names nothing.
    fn named(&self, names: &[String], words: &mut Words<'_>) -> u32 {
        let name = word(words);
        if name == "venue" {
            return 0;
        }
        position(names, name)
            .or_else(|| name.parse().ok())
            .unwrap_or_else(|| panic!("{name}: nothing of that name so far"))
    }

    fn list(&mut self, words: &mut Words<'_>) -> CommandSlot {
        let mut command = ListCommand::blank(CommandKind::ListInstrument, self.time());
        let symbol = word(words);
        command.symbol = text(symbol);
        command.instrument = InstrumentId(add(&mut self.instruments, symbol));
        command.base = CurrencyId(u16::try_from(self.named(&self.currencies, words)).expect("few"));
        command.quote = CurrencyId(u16::try_from(self.named(&self.currencies, words)).expect("few"));
        command.phase = Phase::Continuous;
        command.price_max = Price(1_000_000);
        command.quantity_max = Quantity(1_000_000);
        while let Some(term) = words.next() {
            match term {
                "tick" => (command.tick, command.tick_digits) = decimal(words),
                "lot" => (command.lot, command.lot_digits) = decimal(words),
                "price-max" => command.price_max = Price(number(words)),
                "quantity-max" => command.quantity_max = Quantity(number(words)),
                "value-max" => command.value_max = Money(number(words)),
                "collar" => command.collar = number(words),
                "static-band" => command.static_band = number(words),
                "dynamic-band" => command.dynamic_band = number(words),
                "reference" => command.reference = Price(number(words)),
                "maker-fee" => command.maker_fee = number(words),
                "taker-fee" => command.taker_fee = number(words),
                "signed" => command.signed_prices = 1,
                "number" => command.instrument = InstrumentId(number(words)),
                "matching" => command.matching = one_of::<Matching>(word(words), &all()),
                "phase" => command.phase = one_of(word(words), &all()),
                other => panic!("{other}: no term of a listing"),
            }
        }
        CommandSlot::new(&command)
    }

    fn add_session(&mut self, words: &mut Words<'_>) -> CommandSlot {
        let mut command = AddSessionCommand::blank(CommandKind::AddSession, self.time());
        let name = word(words);
        command.name = text(name);
        command.session = SessionId(add(&mut self.sessions, name));
        command.account = AccountId(self.named(&self.accounts, words));
        command.self_trade = SelfTrade::None;
        while let Some(term) = words.next() {
            match term {
                "stp" => command.self_trade = one_of(word(words), &all()),
                "rate" => command.rate = number(words),
                "cancel-rate" => command.cancel_rate = number(words),
                "burst" => command.burst = number(words),
                "cancel-on-disconnect" => command.cancel_on_disconnect = 1,
                "role" => command.role = one_of::<Role>(word(words), &all()),
                other => panic!("{other}: no term of a session"),
            }
        }
        CommandSlot::new(&command)
    }

    fn operator(&mut self, verb: &str, words: &mut Words<'_>) -> CommandSlot {
        let blank = |kind| OperatorCommand::blank(kind, self.time());
        let mut command;
        match verb {
            "currency" => {
                command = blank(CommandKind::AddCurrency);
                let name = word(words);
                command.name = text(name);
                command.currency = CurrencyId(u16::try_from(add(&mut self.currencies, name)).expect("few"));
                command.filter = number(words);
            }
            "account" => {
                command = blank(CommandKind::AddAccount);
                let name = word(words);
                command.name = text(name);
                command.account = AccountId(add(&mut self.accounts, name));
                while let Some(term) = words.next() {
                    match term {
                        "ledger" => command.mode = AccountMode::Ledger,
                        "group" => command.owner_group = number(words),
                        other => panic!("{other}: no term of an account"),
                    }
                }
            }
            "deposit" => {
                command = blank(CommandKind::Deposit);
                command.account = AccountId(self.named(&self.accounts, words));
                command.currency =
                    CurrencyId(u16::try_from(self.named(&self.currencies, words)).expect("few"));
                command.value = number(words);
            }
            "phase" => {
                command = blank(CommandKind::SetPhase);
                command.instrument = InstrumentId(self.named(&self.instruments, words));
                command.phase = one_of(word(words), &all());
            }
            "set" => return self.set(words),
            "mass-cancel" | "kill" => {
                let kind = if verb == "kill" { CommandKind::Kill } else { CommandKind::MassCancel };
                command = blank(kind);
                for term in words.by_ref() {
                    self.fill_filter(&mut command, term);
                }
            }
            "rules" => {
                command = blank(CommandKind::SetRules);
                command.value = number(words);
            }
            "bust" => {
                command = blank(CommandKind::Bust);
                command.match_number = number(words);
            }
            other => panic!("{other}: no command"),
        }
        CommandSlot::new(&command)
    }

    fn fill_filter(&self, command: &mut OperatorCommand, term: &str) {
        if let Some(session) = position(&self.sessions, term) {
            command.session = SessionId(session);
        } else if let Some(account) = position(&self.accounts, term) {
            command.account = AccountId(account);
        } else if let Some(instrument) = position(&self.instruments, term) {
            command.instrument = InstrumentId(instrument);
        } else {
            command.filter = 1 + one_of::<Side>(term, &all()) as u8;
        }
    }

    fn set(&self, words: &mut Words<'_>) -> CommandSlot {
        let name = word(words);
        let setting = word(words);
        let blank = |kind| OperatorCommand::blank(kind, self.time());
        let mut command;
        if let Some(session) = position(&self.sessions, name) {
            command = blank(CommandKind::SetSession);
            command.session = SessionId(session);
            command.setting = one_of::<SessionSetting>(setting, &all()) as u8;
        } else if let Some(account) = position(&self.accounts, name) {
            command = blank(CommandKind::SetAccount);
            command.account = AccountId(account);
            command.setting = one_of::<AccountSetting>(setting, &all()) as u8;
        } else {
            command = blank(CommandKind::SetInstrument);
            command.instrument = InstrumentId(position(&self.instruments, name).unwrap_or(99));
            command.setting = one_of::<InstrumentSetting>(setting, &all()) as u8;
        }
        command.value = number(words);
        CommandSlot::new(&command)
    }
}

/// The number of a name: its own, or the next free one.
fn add(names: &mut Vec<String>, name: &str) -> u32 {
    position(names, name).unwrap_or_else(|| {
        names.push(name.to_owned());
        u32::try_from(names.len()).expect("few")
    })
}
