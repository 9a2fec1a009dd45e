//! What an operator may look at, built from released events alone: the venue's day, its instruments,
//! accounts and sessions, open orders, balances, and the latest fills.

mod stored;

use engine::command::AccountSetting;
use engine::decimal::Decimal;
use engine::event::{
    AcceptedEvent, BalanceEvent, Event, EventKind, EventRecord, InstrumentEvent, NamedEvent, OrderFields,
    ReportEvent, SessionAddedEvent, SettingEvent,
};
use engine::number::{Money, Price, Quantity};
use engine::terms::{AccountMode, OrderType, Phase, Side, TimeInForce};
use journal::event_log::Address;
use std::collections::{BTreeMap, VecDeque};

/// Fills that are kept; older ones are in the event log.
pub(crate) const FILLS_MAX: usize = 10_000;

/// An order that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenOrder {
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) user_ref: u32,
    pub(crate) side: Side,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) price: Price,
    pub(crate) remaining: Quantity,
    pub(crate) executed: Quantity,
    /// The higher of the two fee rates it was accepted at, hundredths of a basis point.
    fee_rate_max: i32,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) time_ns: u64,
    pub(crate) order: u64,
    pub(crate) match_number: u64,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) side: Side,
    pub(crate) price: Price,
    pub(crate) quantity: Quantity,
    pub(crate) fee: Money,
}

/// An account, and whether it takes new orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccountView {
    pub(crate) terms: NamedEvent,
    pub(crate) enabled: bool,
}

/// A session, and whether it is connected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionView {
    pub(crate) terms: SessionAddedEvent,
    pub(crate) connected: bool,
    pub(crate) enabled: bool,
}

/// The whole view. Memory: live orders, listed things, and [`FILLS_MAX`] fills.
#[derive(Default)]
pub(crate) struct View {
    /// The last event that was read.
    pub(crate) seen: Address,
    pub(crate) events: u64,
    pub(crate) date: u32,
    pub(crate) trades: u64,
    pub(crate) rejects: u64,
    pub(crate) currencies: BTreeMap<u16, NamedEvent>,
    pub(crate) instruments: BTreeMap<u32, InstrumentEvent>,
    pub(crate) accounts: BTreeMap<u32, AccountView>,
    pub(crate) sessions: BTreeMap<u32, SessionView>,
    pub(crate) orders: BTreeMap<u64, OpenOrder>,
    pub(crate) fills: VecDeque<Fill>,
    /// Total by account and currency, reserved included.
    pub(crate) totals: BTreeMap<(u32, u16), i128>,
}

impl View {
    /// Takes the next event of the log.
    pub(crate) fn apply(&mut self, record: &EventRecord) {
        self.seen = Address::of(record);
        self.events += 1;
        let Ok(event) = record.view() else { return };
        match event {
            Event::Accepted(accepted) => self.accepted(accepted),
            Event::Report(report) => self.report(report),
            Event::Session(session) if session.header.kind == EventKind::SessionState => {
                use engine::command::CommandKind;
                let came = session.cause == CommandKind::LogIn && session.header.reason == 0;
                if let Some(view) = self.sessions.get_mut(&session.header.session.0) {
                    view.connected = came || (session.cause == CommandKind::LogIn && view.connected);
                }
            }
            Event::SessionAdded(added) => {
                let view = SessionView { terms: *added, connected: false, enabled: true };
                self.sessions.insert(added.header.session.0, view);
            }
            Event::Instrument(instrument) => {
                self.instruments.insert(instrument.header.instrument.0, *instrument);
            }
            Event::Named(named) if named.header.kind == EventKind::CurrencyAdded => {
                self.currencies.insert(named.currency.0, *named);
            }
            Event::Named(named) => {
                let view = AccountView { terms: *named, enabled: true };
                self.accounts.insert(named.header.account.0, view);
            }
            Event::Setting(setting) => self.setting(setting),
            Event::Balance(balance) => self.balance(balance),
            Event::Session(_) | Event::Detail(_) | Event::Note(_) | Event::Level(_) => {}
        }
    }

    fn accepted(&mut self, event: &AcceptedEvent) {
        let header = &event.header;
        if header.kind == EventKind::Replaced {
            self.orders.remove(&event.replaced.0);
        }
        if event.order_type == OrderType::Market || header.kind == EventKind::Rested {
            return;
        }
        let fee_rate_max = self
            .instruments
            .get(&header.instrument.0)
            .map_or(0, |instrument| instrument.maker_fee.max(instrument.taker_fee).max(0));
        let order = OpenOrder {
            session: header.session.0,
            account: header.account.0,
            instrument: header.instrument.0,
            user_ref: event.order.user_ref.0,
            side: header.side,
            time_in_force: event.time_in_force,
            price: event.order.price,
            remaining: event.order.remaining,
            executed: Quantity(0),
            fee_rate_max,
        };
        // A carried order is known already, with what it has executed.
        self.orders.entry(header.order.0).or_insert(order);
    }

    fn report(&mut self, event: &ReportEvent) {
        let header = &event.header;
        match header.kind {
            EventKind::Rejected => self.rejects += 1,
            EventKind::Executed => self.executed(event),
            EventKind::Cancelled | EventKind::Reduced | EventKind::Prevented => {
                self.settle(header.order.0, &event.order, event.executed);
            }
            _ => {}
        }
    }

    fn settle(&mut self, order: u64, fields: &OrderFields, executed: Quantity) {
        if fields.remaining == Quantity(0) {
            self.orders.remove(&order);
        } else if let Some(open) = self.orders.get_mut(&order) {
            open.remaining = fields.remaining;
            open.executed = executed;
        }
    }

    fn executed(&mut self, event: &ReportEvent) {
        let header = &event.header;
        self.trades += u64::from(header.side == Side::Buy);
        self.settle(header.order.0, &event.order, event.executed);
        if self.fills.len() == FILLS_MAX {
            self.fills.pop_front();
        }
        self.fills.push_back(Fill {
            time_ns: header.time.0,
            order: header.order.0,
            match_number: event.match_number.0,
            session: header.session.0,
            account: header.account.0,
            instrument: header.instrument.0,
            side: header.side,
            price: event.order.price,
            quantity: event.order.quantity,
            fee: event.fee,
        });
        self.move_money(event);
    }

    fn move_money(&mut self, event: &ReportEvent) {
        let account = event.header.account.0;
        let ledger = self.accounts.get(&account).is_some_and(|a| a.terms.mode == AccountMode::Ledger);
        let Some(instrument) = self.instruments.get(&event.header.instrument.0).filter(|_| ledger) else {
            return;
        };
        let lots = i128::from(event.order.quantity.0);
        let base = lots * i128::from(instrument.lot_units);
        let quote = lots * i128::from(event.order.price.0) * i128::from(instrument.unit.0);
        let sign = if event.header.side == Side::Buy { 1 } else { -1 };
        let (base_currency, quote_currency) = (instrument.base.0, instrument.quote.0);
        *self.totals.entry((account, base_currency)).or_default() += sign * base;
        *self.totals.entry((account, quote_currency)).or_default() -= sign * quote + i128::from(event.fee.0);
        *self.totals.entry((FEE_ACCOUNT, quote_currency)).or_default() += i128::from(event.fee.0);
    }

    fn setting(&mut self, event: &SettingEvent) {
        use engine::command::{CommandKind, SessionSetting};
        match event.header.kind {
            EventKind::DayStarted => self.date = event.date,
            EventKind::Setting if event.cause == CommandKind::SetSession || event.header.session.0 != 0 => {
                if event.setting == SessionSetting::Enabled as u8
                    && let Some(session) = self.sessions.get_mut(&event.header.session.0)
                {
                    session.enabled = event.value != 0;
                }
            }
            EventKind::Setting if event.header.account.0 != 0 => {
                if event.setting == AccountSetting::Enabled as u8
                    && let Some(account) = self.accounts.get_mut(&event.header.account.0)
                {
                    account.enabled = event.value != 0;
                }
            }
            _ => {}
        }
    }

    fn balance(&mut self, event: &BalanceEvent) {
        let total = i128::from(event.available.0) + i128::from(event.reserved.0);
        self.totals.insert((event.header.account.0, event.currency.0), total);
    }

    /// Minor units that the open orders of `account` reserve, by currency.
    pub(crate) fn reserved(&self, account: u32) -> BTreeMap<u16, i128> {
        let mut reserved = BTreeMap::new();
        for order in self.orders.values().filter(|order| order.account == account) {
            let Some(instrument) = self.instruments.get(&order.instrument) else { continue };
            let lots = i128::from(order.remaining.0);
            match order.side {
                Side::Sell => {
                    *reserved.entry(instrument.base.0).or_default() +=
                        lots * i128::from(instrument.lot_units);
                }
                Side::Buy => {
                    let notional = lots * i128::from(order.price.0) * i128::from(instrument.unit.0);
                    let fee = (notional * i128::from(order.fee_rate_max)).div_euclid(FEE_SCALE);
                    let rounded_up = i128::from((notional * i128::from(order.fee_rate_max)) % FEE_SCALE != 0);
                    *reserved.entry(instrument.quote.0).or_default() += notional + fee + rounded_up;
                }
            }
        }
        reserved
    }

    /// The instrument of this symbol: the one that is listed, else the last one that was.
    pub(crate) fn listed(&self, symbol: &str) -> Option<u32> {
        let named = || self.instruments.iter().filter(|(_, terms)| terms.symbol.as_str() == symbol);
        let listed = named().find(|(_, terms)| terms.phase != Phase::Delisted);
        listed.or_else(|| named().next_back()).map(|(id, _)| *id)
    }

    /// A price as decimal text.
    pub(crate) fn price(&self, instrument: u32, price: Price) -> String {
        let terms = self.instruments.get(&instrument);
        let (tick, digits) = terms.map_or((1, 0), |terms| (terms.tick, terms.tick_digits));
        Decimal { mantissa: i128::from(price.0) * i128::from(tick), digits }.to_string()
    }

    /// A quantity as decimal text.
    pub(crate) fn quantity(&self, instrument: u32, quantity: Quantity) -> String {
        let terms = self.instruments.get(&instrument);
        let (lot, digits) = terms.map_or((1, 0), |terms| (terms.lot, terms.lot_digits));
        Decimal { mantissa: i128::from(quantity.0) * i128::from(lot), digits }.to_string()
    }

    /// An amount of a currency as decimal text.
    pub(crate) fn amount(&self, currency: u16, minor: i128) -> String {
        let digits = self.currencies.get(&currency).map_or(0, |terms| terms.digits);
        Decimal { mantissa: minor, digits }.to_string()
    }
}

/// The venue's own account, which takes the fees.
const FEE_ACCOUNT: u32 = 0;
/// Hundredths of a basis point in one.
const FEE_SCALE: i128 = 1_000_000;
