//! The bodies of events that are no report of an order: 80 bytes after the header, by kind.

use super::{DetailFields, Header, OrderFields};
use crate::command::CommandKind;
use crate::number::{CurrencyId, Money, Price, Quantity, ReportNumber, Text, UserRef};
use crate::terms::{AccountMode, Matching, Phase, Role, SelfTrade};
use bytemuck::{CheckedBitPattern, NoUninit};

/// The body of an event: 80 bytes after the header, by kind.
macro_rules! event {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
        #[repr(C)]
        pub struct $name {
            /// Common to all events.
            pub header: Header,
            $($(#[$field_doc])* pub $field: $type,)*
        }
    };
}

event!(
    /// OrderDetail.
    DetailEvent {
        /// The cold half of the order.
        detail: DetailFields,
    }
);
event!(
    /// SessionState and SessionDay.
    SessionEvent {
        /// SessionState: LogIn, LogOut, SessionLost or AllSessionsDown. SessionDay: NewDay.
        cause: CommandKind,
        /// SessionDay: 0 the day ends (numbered in the old stream), 1 it begins (first of the new).
        begins: u8,
        /// 1: its orders are cancelled when its connection is lost.
        cancel_on_disconnect: u8,
        /// Zero.
        reserved: u8,
        /// The number its next report will have.
        next_report: ReportNumber,
        /// The highest user number used in the day.
        last_user_ref: UserRef,
        /// Date of its day, YYYYMMDD.
        date: u32,
        /// Which connection.
        connection: u64,
        /// The first report asked for; 0 for only what comes next.
        from_report: u64,
        /// Name of its day: `YYMMDD` and two digits.
        day: Text<10>,
        /// Zero.
        reserved_tail: [u8; 38],
    }
);
event!(
    /// SessionAdded.
    SessionAddedEvent {
        /// Its log-in name.
        name: Text<8>,
        /// Salt of the password's hash.
        salt: [u8; 16],
        /// SHA-256 of salt and password.
        password_hash: [u8; 32],
        /// What it may do.
        role: Role,
        /// Default self-trade prevention.
        self_trade: SelfTrade,
        /// Cancel on disconnect.
        cancel_on_disconnect: u8,
        /// Zero.
        reserved: u8,
        /// Commands a second, 0 for no limit.
        rate: u32,
        /// Cancels a second, 0 for no limit.
        cancel_rate: u32,
        /// Burst.
        burst: u32,
        /// Zero.
        reserved_tail: u64,
    }
);
event!(
    /// Instrument: what a door must know to convert and to show.
    InstrumentEvent {
        /// Its symbol.
        symbol: Text<16>,
        /// Tick size without its point.
        tick: u64,
        /// Lot size without its point.
        lot: u64,
        /// Highest price in ticks.
        price_max: Price,
        /// Largest quantity in lots.
        quantity_max: Quantity,
        /// Minor units of the quote currency for one lot at one tick.
        unit: Money,
        /// What is traded.
        base: CurrencyId,
        /// What it is paid in.
        quote: CurrencyId,
        /// Decimal digits of `tick`.
        tick_digits: u8,
        /// Decimal digits of `lot`.
        lot_digits: u8,
        /// What it is doing.
        phase: Phase,
        /// How levels are shared.
        matching: Matching,
        /// Maker fee, hundredths of a basis point.
        maker_fee: i32,
        /// Taker fee, hundredths of a basis point.
        taker_fee: i32,
        /// Counts changes of tick and lot, from 1.
        revision: u16,
        /// What caused it: ListInstrument, SetInstrument, SetPhase or NewDay.
        cause: CommandKind,
        /// 1 where prices may be 0 or negative.
        signed_prices: u8,
        /// Minor units of the base currency in one lot, at most 32 bits.
        lot_units: u32,
    }
);
event!(
    /// Setting, MassCancelled, RulesSet, OperatorRejected, DayStarted.
    SettingEvent {
        /// The command.
        cause: CommandKind,
        /// The setting.
        setting: u8,
        /// MassCancelled: 0 both sides, 1 buy, 2 sell.
        filter: u8,
        /// Zero.
        reserved: u8,
        /// DayStarted: YYYYMMDD.
        date: u32,
        /// The new value. MassCancelled: how many orders.
        value: i64,
        /// Zero.
        reserved_tail: [u64; 8],
    }
);
event!(
    /// CurrencyAdded and AccountAdded.
    NamedEvent {
        /// Its name.
        name: Text<16>,
        /// CurrencyAdded: its number.
        currency: CurrencyId,
        /// CurrencyAdded: decimal digits of its minor unit.
        digits: u8,
        /// AccountAdded: how it is backed.
        mode: AccountMode,
        /// AccountAdded: owner group.
        owner_group: u32,
        /// Zero.
        reserved_tail: [u64; 7],
    }
);
event!(
    /// Balance.
    BalanceEvent {
        /// Minor units that came (negative: left).
        change: Money,
        /// Minor units that can be spent, after it.
        available: Money,
        /// Minor units reserved for open orders.
        reserved: Money,
        /// The currency.
        currency: CurrencyId,
        /// What caused it: Deposit or NewDay.
        cause: CommandKind,
        /// Zero.
        padding: [u8; 5],
        /// Zero.
        reserved_tail: [u64; 6],
    }
);
event!(
    /// Note.
    NoteEvent {
        /// The operator.
        who: Text<16>,
        /// The reason.
        why: Text<64>,
    }
);
event!(
    /// Level: price and new state; Indicative: price, volume, imbalance.
    LevelEvent {
        /// As in reports; Indicative: price, volume (`quantity`), imbalance (`remaining`).
        order: OrderFields,
        /// Zero.
        reserved_tail: [u64; 4],
    }
);
