//! Commands: everything that can change the market, as 128 bytes in the input ring.
//!
//! Two cache lines: the first holds all that a plain order, cancel or reduce needs; the second the
//! client's own identifier and the terms of stops, icebergs, pegs and lists. `docs/formats.md` has the
//! byte tables. A door builds one of the structs below; the matcher reads it back through
//! [`CommandSlot::view`], which checks again what the door has checked.

use crate::number::{
    AccountId, CurrencyId, InstrumentId, Money, OrderId, Price, Quantity, SessionId, Text, Timestamp, UserRef,
};
use crate::reason::Reject;
use crate::terms::{AccountMode, Conditions, Matching, OrderType, Phase, Role, SelfTrade, Side, TimeInForce};
use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable, checked};

#[cfg(not(target_endian = "little"))]
compile_error!("the stored formats are the memory of a little-endian machine");

/// Size of a command in the ring, in bytes.
pub const COMMAND_SIZE: usize = 128;

/// What a command does. The number is stored; it is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum CommandKind {
    /// Only time passes: timers due fire.
    Tick = 1,
    /// A new order.
    Enter = 2,
    /// A new order in the place of a resting one.
    Replace = 3,
    /// Ends a resting order.
    Cancel = 4,
    /// Lowers the total of a resting order.
    Reduce = 5,
    /// A session asks for its next number.
    Query = 6,
    /// A session came.
    LogIn = 7,
    /// A session left in good order.
    LogOut = 8,
    /// A session's connection was lost.
    SessionLost = 9,
    /// A node starts: no session is connected.
    AllSessionsDown = 10,
    /// A new trading day.
    NewDay = 11,
    /// Who gives the next commands, and why.
    Note = 12,
    /// A currency, asset or contract unit.
    AddCurrency = 13,
    /// An instrument is listed.
    ListInstrument = 14,
    /// One setting of an instrument changes.
    SetInstrument = 15,
    /// An instrument changes its phase.
    SetPhase = 16,
    /// An account is opened.
    AddAccount = 17,
    /// One setting of an account changes.
    SetAccount = 18,
    /// Money comes to or leaves an account.
    Deposit = 19,
    /// A session is made.
    AddSession = 20,
    /// One setting of a session changes.
    SetSession = 21,
    /// All orders that fit a filter are cancelled.
    MassCancel = 22,
    /// All orders that fit a filter are cancelled and no new ones are taken.
    Kill = 23,
    /// A trade is broken.
    Bust = 24,
    /// The version of the market rules changes.
    SetRules = 25,
}

/// One place of the input ring.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct CommandSlot([u64; COMMAND_SIZE / 8]);

/// Enter, Replace, Cancel, Reduce and Query.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct OrderCommand {
    /// When the door read it.
    pub time: Timestamp,
    /// Enter, Replace, Cancel, Reduce or Query.
    pub kind: CommandKind,
    /// Buy or sell.
    pub side: Side,
    /// Kind of order.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Self-trade prevention.
    pub self_trade: SelfTrade,
    /// Echoed (OUCH: A agency, P principal, R riskless, O other).
    pub capacity: u8,
    /// Conditions.
    pub conditions: Conditions,
    /// Instrument.
    pub instrument: InstrumentId,
    /// Account; 0 for the session's own.
    pub account: AccountId,
    /// Session.
    pub session: SessionId,
    /// Enter, Replace: the new order's number. Others: 0.
    pub user_ref: UserRef,
    /// Limit in ticks; 0 for market orders.
    pub price: Price,
    /// Enter, Replace: total lots. Reduce: the new total.
    pub quantity: Quantity,
    /// Firm that the order is entered for; echoed.
    pub firm: Text<4>,
    /// The door that it came through (echoed to views: 1 OUCH, 2 FIX, 3 REST, 4 operator).
    pub door: u8,
    /// Place in the list of `list`.
    pub list_role: u8,
    /// Revision of the instrument's scale that the door converted with; 0 skips the check.
    pub revision: u16,
    /// Replace, Cancel, Reduce: the number of the order that is meant.
    pub target: UserRef,
    /// Number of the one-cancels-other or bracket list, 0 for none.
    pub list: u32,
    /// The client's own identifier.
    pub client_id: Text<36>,
    /// What the door found wrong and the engine is to reject in its place among the checks.
    pub door_reject: Reject,
    /// Zero.
    pub reserved: u8,
    /// Group within the firm; echoed.
    pub group: u16,
    /// Stop price, trail or peg offset, in ticks.
    pub trigger: i64,
    /// Good-till-date: when it ends.
    pub expires: Timestamp,
    /// Immediate: minimum quantity. Iceberg: peak. 0 for none.
    pub floor: Quantity,
}

/// LogIn, LogOut, SessionLost, AllSessionsDown, Tick and NewDay.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct SessionCommand {
    /// When it happened.
    pub time: Timestamp,
    /// LogIn, LogOut, SessionLost, AllSessionsDown, Tick or NewDay.
    pub kind: CommandKind,
    /// Zero.
    pub reserved: [u8; 3],
    /// NewDay: the date as YYYYMMDD.
    pub date: u32,
    /// Session; 0 in AllSessionsDown, Tick and NewDay.
    pub session: SessionId,
    /// Zero.
    pub reserved_word: u32,
    /// LogIn, LogOut, SessionLost: which connection; LogOut and SessionLost of another are ignored.
    pub connection: u64,
    /// LogIn: the first report asked for; 0 for only what comes next.
    pub from_report: u64,
    /// Zero.
    pub reserved_tail: [u64; 11],
}

/// Note: who gives the commands that follow, and why.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct NoteCommand {
    /// When it was given.
    pub time: Timestamp,
    /// Note.
    pub kind: CommandKind,
    /// Zero.
    pub reserved: [u8; 7],
    /// The operator.
    pub who: Text<16>,
    /// The reason.
    pub why: Text<64>,
    /// Zero.
    pub reserved_tail: [u64; 4],
}

/// AddCurrency, AddAccount, Deposit, SetInstrument, SetAccount, SetSession, SetPhase, MassCancel, Kill,
/// Bust and SetRules.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct OperatorCommand {
    /// When it was given.
    pub time: Timestamp,
    /// Which of them.
    pub kind: CommandKind,
    /// Settings: an [`InstrumentSetting`], [`AccountSetting`] or [`SessionSetting`].
    pub setting: u8,
    /// AddAccount: how it is backed.
    pub mode: AccountMode,
    /// SetPhase: the new phase.
    pub phase: Phase,
    /// MassCancel, Kill: 0 both sides, 1 buy, 2 sell. AddCurrency: decimal digits of its minor unit.
    pub filter: u8,
    /// Zero.
    pub reserved: u8,
    /// AddCurrency, Deposit: the currency.
    pub currency: CurrencyId,
    /// Instrument; 0 in a filter means all.
    pub instrument: InstrumentId,
    /// Account; 0 in a filter means all.
    pub account: AccountId,
    /// Session; 0 in a filter means all.
    pub session: SessionId,
    /// AddAccount: owner group for self-trade prevention; 0 for the account itself.
    pub owner_group: u32,
    /// Settings: the new value. Deposit: minor units, negative to withdraw. SetRules: the version.
    pub value: i64,
    /// AddCurrency, AddAccount: its name.
    pub name: Text<16>,
    /// Bust: the trade's number.
    pub match_number: u64,
    /// Bust: the buyer's and the seller's order.
    pub orders: [OrderId; 2],
    /// Bust: price in ticks.
    pub price: Price,
    /// Bust: quantity in lots.
    pub quantity: Quantity,
    /// Zero.
    pub reserved_tail: [u64; 4],
}

/// ListInstrument.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct ListCommand {
    /// When it was given.
    pub time: Timestamp,
    /// ListInstrument.
    pub kind: CommandKind,
    /// How levels are shared.
    pub matching: Matching,
    /// The phase it begins in.
    pub phase: Phase,
    /// Decimal digits of `tick` (a tick of 0.05 is 5 with 2 digits).
    pub tick_digits: u8,
    /// Decimal digits of `lot`.
    pub lot_digits: u8,
    /// 1 where prices may be 0 or negative (external accounts only).
    pub signed_prices: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// Its number: the next free one.
    pub instrument: InstrumentId,
    /// What is traded.
    pub base: CurrencyId,
    /// What it is paid in.
    pub quote: CurrencyId,
    /// Its symbol.
    pub symbol: Text<16>,
    /// Tick size without its decimal point.
    pub tick: u64,
    /// Lot size without its decimal point.
    pub lot: u64,
    /// Highest price of an order, in ticks.
    pub price_max: Price,
    /// Largest quantity of an order, in lots.
    pub quantity_max: Quantity,
    /// Largest value of an order, in minor units of the quote currency; 0 for no limit.
    pub value_max: Money,
    /// How far from the opposite touch a market order may trade, in ticks.
    pub collar: u64,
    /// Static band around the reference price, in ticks; 0 for none.
    pub static_band: u64,
    /// Dynamic band around the last trade, in ticks; 0 for none.
    pub dynamic_band: u64,
    /// Maker fee in hundredths of a basis point; negative for a rebate.
    pub maker_fee: i32,
    /// Taker fee in hundredths of a basis point; negative for a rebate.
    pub taker_fee: i32,
    /// Reference price in ticks; 0 for none.
    pub reference: Price,
    /// Zero.
    pub reserved_tail: u64,
}

/// AddSession.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct AddSessionCommand {
    /// When it was given.
    pub time: Timestamp,
    /// AddSession.
    pub kind: CommandKind,
    /// What it may do.
    pub role: Role,
    /// Default self-trade prevention (never `SessionDefault`).
    pub self_trade: SelfTrade,
    /// 1: its orders are cancelled when its connection is lost.
    pub cancel_on_disconnect: u8,
    /// Order commands a second that are taken; 0 for no limit.
    pub rate: u32,
    /// Its number: the next free one.
    pub session: SessionId,
    /// The account it trades for.
    pub account: AccountId,
    /// Its log-in name.
    pub name: Text<8>,
    /// Random, for the password's hash.
    pub salt: [u8; 16],
    /// SHA-256 of salt and password.
    pub password_hash: [u8; 32],
    /// Cancels a second that are taken; 0 for no limit.
    pub cancel_rate: u32,
    /// Commands above the rate that a burst may use at once.
    pub burst: u32,
    /// Zero.
    pub reserved_tail: [u64; 5],
}

/// Settings of an instrument that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum InstrumentSetting {
    /// Largest quantity, in lots.
    QuantityMax = 1,
    /// Highest price, in ticks.
    PriceMax = 2,
    /// Largest value, in minor units.
    ValueMax = 3,
    /// Collar of market orders, in ticks.
    Collar = 4,
    /// Static band, in ticks.
    StaticBand = 5,
    /// Dynamic band, in ticks.
    DynamicBand = 6,
    /// Reference price, in ticks.
    Reference = 7,
    /// Maker fee, hundredths of a basis point.
    MakerFee = 8,
    /// Taker fee, hundredths of a basis point.
    TakerFee = 9,
    /// Tick size without its point, same digits; only with an empty book.
    Tick = 10,
    /// Lot size without its point, same digits; only with an empty book.
    Lot = 11,
}

/// Settings of an account that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum AccountSetting {
    /// 1 open, 0 closed to new orders.
    Enabled = 1,
    /// Owner group.
    OwnerGroup = 2,
}

/// Settings of a session that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NoUninit, CheckedBitPattern)]
#[repr(u8)]
pub enum SessionSetting {
    /// 1 open, 0 closed to log-ins and commands.
    Enabled = 1,
    /// Order commands a second.
    Rate = 2,
    /// Cancels a second.
    CancelRate = 3,
    /// Burst.
    Burst = 4,
    /// 1: cancel on disconnect.
    CancelOnDisconnect = 5,
    /// Default self-trade prevention.
    SelfTrade = 6,
}

const _: () = {
    assert!(size_of::<CommandSlot>() == COMMAND_SIZE);
    assert!(size_of::<OrderCommand>() == COMMAND_SIZE);
    assert!(size_of::<SessionCommand>() == COMMAND_SIZE);
    assert!(size_of::<NoteCommand>() == COMMAND_SIZE);
    assert!(size_of::<OperatorCommand>() == COMMAND_SIZE);
    assert!(size_of::<ListCommand>() == COMMAND_SIZE);
    assert!(size_of::<AddSessionCommand>() == COMMAND_SIZE);
    assert!(std::mem::offset_of!(OrderCommand, client_id) == 64);
};

/// A command as the matcher sees it.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Enter, Replace, Cancel, Reduce, Query.
    Order(&'a OrderCommand),
    /// LogIn, LogOut, SessionLost, AllSessionsDown, Tick, NewDay.
    Session(&'a SessionCommand),
    /// Note.
    Note(&'a NoteCommand),
    /// The operator's commands that need no struct of their own.
    Operator(&'a OperatorCommand),
    /// ListInstrument.
    List(&'a ListCommand),
    /// AddSession.
    AddSession(&'a AddSessionCommand),
}

/// The bytes of a slot are no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedCommand {
    /// The kind byte that was found.
    pub kind: u8,
}

impl std::fmt::Display for MalformedCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bytes of kind {} are no command of this version", self.kind)
    }
}

impl std::error::Error for MalformedCommand {}

/// A struct that fills a slot.
pub trait CommandBody: NoUninit + CheckedBitPattern {}
impl CommandBody for OrderCommand {}
impl CommandBody for SessionCommand {}
impl CommandBody for NoteCommand {}
impl CommandBody for OperatorCommand {}
impl CommandBody for ListCommand {}
impl CommandBody for AddSessionCommand {}

impl CommandSlot {
    /// A slot that holds no command yet.
    pub const EMPTY: Self = Self([0; COMMAND_SIZE / 8]);

    /// The slot that holds `command`.
    #[must_use]
    pub fn new<C: CommandBody>(command: &C) -> Self {
        let mut slot = Self::EMPTY;
        bytemuck::bytes_of_mut(&mut slot).copy_from_slice(bytemuck::bytes_of(command));
        slot
    }

    /// The slot made of these sixteen words, as the journal stores them.
    #[must_use]
    pub const fn from_words(words: [u64; COMMAND_SIZE / 8]) -> Self {
        Self(words)
    }

    /// The sixteen words of the slot.
    #[must_use]
    pub const fn words(&self) -> &[u64; COMMAND_SIZE / 8] {
        &self.0
    }

    /// The same command, read at `time`.
    #[must_use]
    pub const fn at(mut self, time: Timestamp) -> Self {
        self.0[0] = time.0;
        self
    }

    /// When the command was read at its door.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        Timestamp(self.0[0])
    }

    /// The kind byte.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.0[1] as u8
    }

    /// The command in the slot where it is one on orders: what nearly all are.
    #[inline(always)]
    pub(crate) fn order(&self) -> Option<&OrderCommand> {
        let on_orders = CommandKind::Enter as u8..=CommandKind::Query as u8;
        if on_orders.contains(&self.kind()) { self.body() } else { None }
    }

    /// The command in the slot.
    ///
    /// # Errors
    /// The bytes are no command of this version.
    pub fn view(&self) -> Result<Command<'_>, MalformedCommand> {
        let malformed = MalformedCommand { kind: self.kind() };
        let Ok(kind) = checked::try_cast::<u8, CommandKind>(self.kind()) else { return Err(malformed) };
        let view = match kind {
            CommandKind::Enter
            | CommandKind::Replace
            | CommandKind::Cancel
            | CommandKind::Reduce
            | CommandKind::Query => self.body().map(Command::Order),
            CommandKind::LogIn
            | CommandKind::LogOut
            | CommandKind::SessionLost
            | CommandKind::AllSessionsDown
            | CommandKind::Tick
            | CommandKind::NewDay => self.body().map(Command::Session),
            CommandKind::Note => self.body().map(Command::Note),
            CommandKind::ListInstrument => self.body().map(Command::List),
            CommandKind::AddSession => self.body().map(Command::AddSession),
            CommandKind::AddCurrency
            | CommandKind::SetInstrument
            | CommandKind::SetPhase
            | CommandKind::AddAccount
            | CommandKind::SetAccount
            | CommandKind::Deposit
            | CommandKind::SetSession
            | CommandKind::MassCancel
            | CommandKind::Kill
            | CommandKind::Bust
            | CommandKind::SetRules => self.body().map(Command::Operator),
        };
        view.ok_or(malformed)
    }

    #[inline(always)]
    fn body<C: CommandBody>(&self) -> Option<&C> {
        checked::try_from_bytes(bytemuck::bytes_of(self)).ok()
    }
}

/// Commands with every field zero but the kind: the start of each builder.
macro_rules! blank {
    ($body:ident, $doc:literal) => {
        impl $body {
            #[doc = $doc]
            ///
            /// # Panics
            /// Never: all-zero bytes are a valid body once the kind is set.
            #[must_use]
            pub fn blank(kind: CommandKind, time: Timestamp) -> Self {
                let mut words = [0u64; COMMAND_SIZE / 8];
                words[0] = time.0;
                words[1] = u64::from(kind as u8);
                *checked::from_bytes(bytemuck::bytes_of(&words))
            }
        }
    };
}

blank!(OrderCommand, "An order command of this kind with all else zero.");
blank!(SessionCommand, "A session command of this kind with all else zero.");
blank!(NoteCommand, "A note with all else zero.");
blank!(OperatorCommand, "An operator's command of this kind with all else zero.");
blank!(ListCommand, "A listing with all else zero.");
blank!(AddSessionCommand, "A new session with all else zero.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_survives_its_slot() {
        let mut order = OrderCommand::blank(CommandKind::Enter, Timestamp(7));
        order.price = Price(-3);
        order.client_id = Text::new("abc").unwrap_or_default();
        let slot = CommandSlot::new(&order);
        let Ok(Command::Order(read)) = slot.view() else { panic!("not an order") };
        assert_eq!((read.price, read.client_id, read.time), (order.price, order.client_id, order.time));
    }

    #[test]
    fn unknown_kinds_and_values_are_refused() {
        assert!(CommandSlot::EMPTY.view().is_err());
        let mut words = *CommandSlot::new(&OrderCommand::blank(CommandKind::Enter, Timestamp(0))).words();
        words[1] |= 9 << 8;
        assert_eq!(CommandSlot::from_words(words).view().err(), Some(MalformedCommand { kind: 2 }));
    }
}
