//! What the operator of a stream does: deposits, settings, phases, filters, and new things.

use super::{EDGES, Stream};
use crate::model::Twin;
use engine::command::{
    AccountSetting, AddSessionCommand, CommandKind, CommandSlot, InstrumentSetting, ListCommand, NoteCommand,
    OperatorCommand, SessionSetting,
};
use engine::number::{
    AccountId, CurrencyId, InstrumentId, Money, Price, Quantity, SessionId, Text, Timestamp,
};
use engine::terms::{AccountMode, Phase, Role, SelfTrade};

impl Stream {
    pub(super) fn operate(&mut self, twin: &Twin) -> CommandSlot {
        match self.random.below(30) {
            0..8 => self.deposit(twin),
            8..12 => self.set_instrument(),
            12..18 => self.set_phase(),
            18..21 => self.set_account(),
            21..24 => self.set_session(),
            24 if self.random.chance(300) => self.filtered(CommandKind::MassCancel),
            25 if self.random.chance(100) => self.filtered(CommandKind::Kill),
            26 if self.random.chance(100) => self.grow(twin),
            27 => {
                let kind = self.random.pick(&[CommandKind::Bust, CommandKind::SetRules]);
                let mut command = self.operator(kind);
                command.value = self.random.below(3) as i64;
                CommandSlot::new(&command)
            }
            _ => {
                let mut command = NoteCommand::blank(CommandKind::Note, Timestamp(self.clock));
                command.who = Text::new("operator").unwrap_or_default();
                command.why = Text::new("because").unwrap_or_default();
                CommandSlot::new(&command)
            }
        }
    }

    fn deposit(&mut self, twin: &Twin) -> CommandSlot {
        let mut command = self.operator(CommandKind::Deposit);
        command.account = AccountId(self.random.below(9) as u32);
        command.currency = CurrencyId(self.random.below(5) as u16);
        let held = twin.balances.get(&(command.account.0, command.currency.0)).copied().unwrap_or_default();
        let to_the_brim = i128::from(i64::MAX) - held.available - held.reserved;
        let brim = i64::try_from(to_the_brim).unwrap_or(i64::MAX);
        let all = i64::try_from(held.available).unwrap_or(i64::MAX);
        command.value = match self.random.below(40) {
            0 => self.random.pick(&EDGES),
            1 => brim.saturating_add(self.random.below(2) as i64),
            2 => -all - self.random.below(2) as i64,
            3..12 => -(self.random.below(10_000) as i64),
            _ => self.random.below(1_000_000) as i64,
        };
        CommandSlot::new(&command)
    }

    fn set_instrument(&mut self) -> CommandSlot {
        let mut command = self.operator(CommandKind::SetInstrument);
        command.instrument = InstrumentId(1 + self.random.below(5) as u32);
        command.setting = self.random.below(13) as u8;
        let random = &mut self.random;
        let usual = match command.setting {
            setting if setting == InstrumentSetting::QuantityMax as u8 => 50 + random.below(200) as i64,
            setting if setting == InstrumentSetting::PriceMax as u8 => {
                random.pick(&[90, 150, 320, 5_000, 300_000, 20_000_000]) * self.step
            }
            setting if setting == InstrumentSetting::ValueMax as u8 => random.pick(&[0, 0, 5000, 100_000]),
            setting if setting == InstrumentSetting::Reference as u8 => random.pick(&[0, 100 * self.step]),
            setting if setting == InstrumentSetting::MakerFee as u8 => random.below(3000) as i64 - 1000,
            setting if setting == InstrumentSetting::TakerFee as u8 => random.below(30_000) as i64 - 1000,
            setting if setting >= InstrumentSetting::Tick as u8 => random.below(4) as i64,
            _ => random.below(10) as i64 * self.step,
        };
        command.value = if random.chance(50) { random.pick(&EDGES) } else { usual };
        CommandSlot::new(&command)
    }

    fn set_phase(&mut self) -> CommandSlot {
        let mut command = self.operator(CommandKind::SetPhase);
        command.instrument = InstrumentId(1 + self.random.below(5) as u32);
        let all = [
            Phase::Continuous,
            Phase::PreOpen,
            Phase::OpeningAuction,
            Phase::Closed,
            Phase::Halted,
            Phase::Suspended,
        ];
        let delist = self.random.chance(2);
        command.phase = match self.random.below(6) {
            0 if delist => Phase::Delisted,
            0 => self.random.pick(&all),
            _ => Phase::Continuous,
        };
        CommandSlot::new(&command)
    }

    fn set_account(&mut self) -> CommandSlot {
        let mut command = self.operator(CommandKind::SetAccount);
        command.account = AccountId(self.random.below(9) as u32);
        command.setting = AccountSetting::Enabled as u8;
        command.value = i64::from(self.random.chance(970));
        if self.random.chance(200) {
            command.setting = AccountSetting::OwnerGroup as u8;
            command.value = self.random.pick(&[0, 1, 2, 3, -1, 1 << 40]);
        }
        if self.random.chance(50) {
            (command.setting, command.value) = (self.random.below(4) as u8, self.random.pick(&EDGES));
        }
        CommandSlot::new(&command)
    }

    fn set_session(&mut self) -> CommandSlot {
        let mut command = self.operator(CommandKind::SetSession);
        command.session = SessionId(self.random.below(10) as u32);
        command.setting = self.random.below(8) as u8;
        let random = &mut self.random;
        command.value = match command.setting {
            setting if setting == SessionSetting::Enabled as u8 => i64::from(random.chance(970)),
            setting if setting == SessionSetting::Rate as u8 => random.pick(&[0, 0, 1000, 1 << 20]),
            setting if setting == SessionSetting::CancelRate as u8 => random.pick(&[0, 0, 1000, 1 << 20]),
            _ => random.below(6) as i64,
        };
        if random.chance(50) {
            command.value = random.pick(&EDGES);
        }
        CommandSlot::new(&command)
    }

    fn filtered(&mut self, kind: CommandKind) -> CommandSlot {
        let mut command = self.operator(kind);
        let random = &mut self.random;
        let mut named = |most: u64| if random.chance(400) { random.below(most) as u32 } else { 0 };
        command.instrument = InstrumentId(named(6));
        command.account = AccountId(named(9));
        command.session = SessionId(named(10));
        command.filter = named(4) as u8;
        CommandSlot::new(&command)
    }

    /// Something new, or something of a name or number that is taken or leaves a hole.
    fn grow(&mut self, twin: &Twin) -> CommandSlot {
        let astray = self.random.below(4) as usize;
        let number = |count: usize| count as u32 + if astray == 0 { 2 } else { u32::from(astray > 1) };
        match self.random.below(4) {
            0 => {
                let number = number(twin.currencies.len());
                CommandSlot::new(&self.currency(number, 2))
            }
            1 => CommandSlot::new(&self.listing(number(twin.instruments.len()))),
            2 => CommandSlot::new(&self.account(number(twin.accounts.len()))),
            _ => CommandSlot::new(&self.session(number(twin.sessions.len()))),
        }
    }

    pub(super) fn currency(&mut self, number: u32, digits: u8) -> OperatorCommand {
        let mut command = self.operator(CommandKind::AddCurrency);
        command.name = Text::new(&format!("CUR{number}")).unwrap_or_default();
        command.currency = CurrencyId(number as u16);
        command.filter = digits;
        command
    }

    pub(super) fn listing(&mut self, number: u32) -> ListCommand {
        let time = Timestamp(self.clock);
        let random = &mut self.random;
        let mut command = ListCommand::blank(CommandKind::ListInstrument, time);
        command.instrument = InstrumentId(number);
        command.symbol = Text::new(&format!("SYM{number}")).unwrap_or_default();
        command.base = CurrencyId(random.pick(&[1, 2]));
        command.quote = CurrencyId(3);
        command.phase = if random.chance(950) { Phase::Continuous } else { Phase::Halted };
        command.tick = 1 + random.below(3);
        command.tick_digits = 2;
        command.lot = 1 + random.below(3);
        command.price_max = Price(random.pick(&[150, 10_000, 1_000_000_000]) * self.step);
        command.quantity_max = Quantity(random.pick(&[100, 1000]));
        command.value_max = Money(random.pick(&[0, 0, 20_000]));
        command.collar = random.below(8) * self.step as u64;
        command.static_band = random.pick(&[0, 0, 10]) * self.step as u64;
        command.dynamic_band = random.pick(&[0, 0, 6]) * self.step as u64;
        command.reference = Price(random.pick(&[0, (60 + 20 * i64::from(number)) * self.step]));
        command.maker_fee = random.pick(&[0, -100, 1000, 333]);
        command.taker_fee = random.pick(&[0, 2500, 777, 999_999]);
        command.signed_prices = u8::from(random.chance(150));
        if random.chance(100) {
            command.lot_digits = 1;
        }
        command
    }

    pub(super) fn account(&mut self, number: u32) -> OperatorCommand {
        let mut command = self.operator(CommandKind::AddAccount);
        command.account = AccountId(number);
        command.name = Text::new(&format!("acc{number}")).unwrap_or_default();
        command.mode = self.random.pick(&[AccountMode::Ledger, AccountMode::Ledger, AccountMode::External]);
        command.owner_group = self.random.pick(&[0, 0, 1, 2]);
        command
    }

    pub(super) fn session(&mut self, number: u32) -> AddSessionCommand {
        let time = Timestamp(self.clock);
        let random = &mut self.random;
        let mut command = AddSessionCommand::blank(CommandKind::AddSession, time);
        command.session = SessionId(number);
        command.name = Text::new(&format!("ses{number}")).unwrap_or_default();
        command.account = AccountId(1 + random.below(7) as u32);
        command.role = if random.chance(970) { Role::Trader } else { Role::MarketData };
        command.self_trade = random.pick(&[
            SelfTrade::None,
            SelfTrade::CancelNewest,
            SelfTrade::CancelOldest,
            SelfTrade::CancelBoth,
            SelfTrade::Decrement,
        ]);
        command.cancel_on_disconnect = random.below(2) as u8;
        command.rate = random.pick(&[0, 0, 0, 100]);
        command.cancel_rate = random.pick(&[0, 0, 0, 100]);
        command.burst = random.below(5) as u32;
        command
    }
}
