//! What an operator can ask for: the command line of `rotunda admin` and the JSON lines of the admin
//! socket are this one enum.

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

/// One line that a client sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope {
    /// Who asks; kept in the log with each change.
    pub(crate) who: String,
    /// Why; kept in the log with each change.
    pub(crate) why: String,
    /// What is asked for.
    pub(crate) request: Request,
}

/// What an operator asks for.
#[derive(Debug, Subcommand, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The venue's day, sequences, and counts of all that it holds.
    Status,
    /// The listed instruments.
    Instruments,
    /// The accounts.
    Accounts,
    /// The sessions.
    Sessions,
    /// Open orders.
    Orders(Filter),
    /// The latest fills, newest last.
    Fills(Filter),
    /// Balances: total, reserved for open orders, available.
    Balances(Filter),
    /// Add a currency, asset or contract unit.
    AddCurrency {
        /// Its code, for example USD.
        code: String,
        /// Decimal digits of its smallest accounted part.
        #[arg(long, default_value_t = 8)]
        digits: u8,
    },
    /// List an instrument.
    ListInstrument(Listing),
    /// Change a setting of an instrument.
    SetInstrument {
        /// The instrument's symbol.
        symbol: String,
        /// What to change.
        setting: InstrumentSettingName,
        /// The new value, in ticks, lots, minor units or hundredths of a basis point.
        #[arg(allow_negative_numbers = true)]
        value: i64,
    },
    /// Stop trading in an instrument; cancel and reduce stay possible.
    Halt {
        /// The instrument's symbol.
        symbol: String,
    },
    /// Go on trading in an instrument.
    Resume {
        /// The instrument's symbol.
        symbol: String,
    },
    /// Suspend an instrument across days.
    Suspend {
        /// The instrument's symbol.
        symbol: String,
    },
    /// Take an instrument off the list; its book must be empty.
    Delist {
        /// The instrument's symbol.
        symbol: String,
    },
    /// Open an account.
    AddAccount {
        /// Its name.
        name: String,
        /// How its trades are backed.
        #[arg(long, value_enum, default_value_t = ModeName::Ledger)]
        mode: ModeName,
        /// Owner group for self-trade prevention; 0 for the account itself.
        #[arg(long, default_value_t = 0)]
        owner_group: u32,
    },
    /// Change a setting of an account.
    SetAccount {
        /// Its name.
        account: String,
        /// What to change.
        setting: AccountSettingName,
        /// The new value (`enabled`: 0 closes the account to new orders, 1 opens it).
        value: u32,
    },
    /// Credit an account.
    Deposit(Transfer),
    /// Debit an account.
    Withdraw(Transfer),
    /// Make a session; its password is made here and shown once.
    AddSession {
        /// Its log-in name, at most six letters and digits.
        name: String,
        /// The account it trades for.
        #[arg(long)]
        account: String,
        /// What it may do.
        #[arg(long, value_enum, default_value_t = RoleName::Trader)]
        role: RoleName,
        /// Default self-trade prevention.
        #[arg(long, value_enum, default_value_t = SelfTradeName::CancelNewest)]
        self_trade: SelfTradeName,
        /// Cancel its orders when its connection is lost.
        #[arg(long)]
        cancel_on_disconnect: bool,
        /// Order commands a second; 0 for no limit.
        #[arg(long, default_value_t = 0)]
        rate: u32,
        /// Cancels a second; 0 for no limit.
        #[arg(long, default_value_t = 0)]
        cancel_rate: u32,
        /// Commands that a burst may use at once.
        #[arg(long, default_value_t = 0)]
        burst: u32,
    },
    /// Change a setting of a session.
    SetSession {
        /// Its log-in name.
        session: String,
        /// What to change.
        setting: SessionSettingName,
        /// The new value (switches: 0 or 1).
        value: u32,
    },
    /// Cancel all orders that fit.
    MassCancel(Filter),
    /// Cancel all orders that fit and take no new ones from there.
    Kill(Filter),
    /// Begin a new trading day.
    Day {
        /// Its date as YYYYMMDD; today in UTC when left out.
        date: Option<u32>,
    },
}

/// Which orders, fills or balances. What is left out means all.
#[derive(clap::Args, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filter {
    /// Of this session.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Of this account.
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// In this instrument.
    #[arg(long)]
    pub(crate) symbol: Option<String>,
    /// On this side.
    #[arg(long, value_enum)]
    pub(crate) side: Option<SideName>,
}

/// The terms of a new instrument, as decimal text.
#[derive(clap::Args, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    /// Its symbol, at most eight characters.
    pub(crate) symbol: String,
    /// What is traded.
    #[arg(long)]
    pub(crate) base: String,
    /// What it is paid in.
    #[arg(long)]
    pub(crate) quote: String,
    /// Smallest price step, for example 0.01.
    #[arg(long)]
    pub(crate) tick: String,
    /// Smallest quantity step, for example 0.001.
    #[arg(long)]
    pub(crate) lot: String,
    /// Highest price of an order.
    #[arg(long)]
    pub(crate) price_max: String,
    /// Largest quantity of an order.
    #[arg(long)]
    pub(crate) quantity_max: String,
    /// How far from the opposite touch a market order may trade, in ticks.
    #[arg(long, default_value_t = 100)]
    pub(crate) collar: u64,
    /// Maker fee in hundredths of a basis point; negative for a rebate.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) maker_fee: i32,
    /// Taker fee in hundredths of a basis point.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) taker_fee: i32,
}

/// An amount of a currency to or from an account.
#[derive(clap::Args, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    /// The account's name.
    pub(crate) account: String,
    /// The currency's code.
    pub(crate) currency: String,
    /// How much, as decimal text.
    pub(crate) amount: String,
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident => $target:ty { $($variant:ident => $value:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum $name { $($variant),* }

        impl $name {
            /// The engine's word for it.
            pub(crate) const fn value(self) -> $target {
                match self { $(Self::$variant => $value),* }
            }
        }
    };
}

names!(
    /// How an account is backed.
    ModeName => engine::terms::AccountMode {
        External => engine::terms::AccountMode::External,
        Ledger => engine::terms::AccountMode::Ledger,
    }
);
names!(
    /// What a session may do.
    RoleName => engine::terms::Role {
        Trader => engine::terms::Role::Trader,
        MarketData => engine::terms::Role::MarketData,
        DropCopy => engine::terms::Role::DropCopy,
    }
);
names!(
    /// Self-trade prevention.
    SelfTradeName => engine::terms::SelfTrade {
        None => engine::terms::SelfTrade::None,
        CancelNewest => engine::terms::SelfTrade::CancelNewest,
        CancelOldest => engine::terms::SelfTrade::CancelOldest,
        CancelBoth => engine::terms::SelfTrade::CancelBoth,
        Decrement => engine::terms::SelfTrade::Decrement,
    }
);
names!(
    /// A side.
    SideName => engine::terms::Side {
        Buy => engine::terms::Side::Buy,
        Sell => engine::terms::Side::Sell,
    }
);
names!(
    /// Settings of an instrument.
    InstrumentSettingName => engine::command::InstrumentSetting {
        QuantityMax => engine::command::InstrumentSetting::QuantityMax,
        PriceMax => engine::command::InstrumentSetting::PriceMax,
        ValueMax => engine::command::InstrumentSetting::ValueMax,
        Collar => engine::command::InstrumentSetting::Collar,
        StaticBand => engine::command::InstrumentSetting::StaticBand,
        DynamicBand => engine::command::InstrumentSetting::DynamicBand,
        Reference => engine::command::InstrumentSetting::Reference,
        MakerFee => engine::command::InstrumentSetting::MakerFee,
        TakerFee => engine::command::InstrumentSetting::TakerFee,
        Tick => engine::command::InstrumentSetting::Tick,
        Lot => engine::command::InstrumentSetting::Lot,
    }
);
names!(
    /// Settings of an account.
    AccountSettingName => engine::command::AccountSetting {
        Enabled => engine::command::AccountSetting::Enabled,
        OwnerGroup => engine::command::AccountSetting::OwnerGroup,
    }
);
names!(
    /// Settings of a session.
    SessionSettingName => engine::command::SessionSetting {
        Enabled => engine::command::SessionSetting::Enabled,
        Rate => engine::command::SessionSetting::Rate,
        CancelRate => engine::command::SessionSetting::CancelRate,
        Burst => engine::command::SessionSetting::Burst,
        CancelOnDisconnect => engine::command::SessionSetting::CancelOnDisconnect,
        SelfTrade => engine::command::SessionSetting::SelfTrade,
    }
);
