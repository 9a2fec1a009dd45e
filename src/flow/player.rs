//! Turns recorded rows into OUCH messages, and the venue's answers into trades.
//!
//! An order that the record's trades name as incoming is a day order, or a market order where its price
//! can be none; every other one is post-only, because it rested. So what trades is decided by the venue.

use super::record::{Action, OrderRow, Record, Trade};
use engine::terms::Side;
use net::client::{Client, ClientError, Received};
use net::ouch::appendage::Element;
use net::ouch::inbound::EnterOrder;
use net::ouch::outbound::{self, Outbound};
use net::ouch::{MARKET_PRICE, OuchError};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Messages between two questions for the next number. An answer tells that all before it is answered.
const QUERY_EVERY: u32 = 512;
/// Questions that may be open: bounds what the venue must buffer for us.
const QUERIES_OPEN_MAX: u32 = 4;
/// An open question that is not answered by then fails the run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// OUCH's reason for cancelling a post-only order that would have traded.
const REASON_POST_ONLY: u8 = b'G';

/// What was sent and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) orders: u64,
    pub(super) cancels: u64,
    pub(super) reductions: u64,
    pub(super) skipped: u64,
    pub(super) rejected: u64,
    pub(super) post_only_cancels: u64,
}

/// Why the flow could not go on.
#[derive(Debug)]
pub(super) enum FlowError {
    Client(ClientError),
    Ouch(OuchError),
    /// No answer within [`ANSWER_TIMEOUT`].
    Silence,
    /// The trading day ended under way.
    EndOfSession,
    /// The session's numbers are used up.
    NumbersUsedUp,
}

impl std::fmt::Display for FlowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::Ouch(error) => write!(f, "the venue sent no OUCH: {error}"),
            Self::Silence => {
                write!(f, "the venue did not answer for {} s: look at its log", ANSWER_TIMEOUT.as_secs())
            }
            Self::EndOfSession => write!(f, "the trading day ended under way: start again"),
            Self::NumbersUsedUp => write!(f, "the session's order numbers are used up: take another session"),
        }
    }
}

impl std::error::Error for FlowError {}

impl From<ClientError> for FlowError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

/// An order that was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    id: u64,
    side: Side,
    /// Lots executed so far.
    executed: u32,
}

/// One side of a trade may arrive before the other.
#[derive(Clone, Copy, Debug, Default)]
struct Match {
    buyer: u64,
    seller: u64,
    price: u64,
    lots: u32,
}

/// A session that plays a record.
pub(super) struct Player {
    client: Client,
    symbol: [u8; 8],
    first_ref: u32,
    sent: Vec<Sent>,
    refs: HashMap<u64, u32>,
    matches: BTreeMap<u64, Match>,
    counts: Counts,
    queries_open: u32,
    since_query: u32,
}

impl Player {
    /// Takes over a session that has just logged in for what comes next.
    pub(super) fn new(client: Client, symbol: [u8; 8]) -> Result<Self, FlowError> {
        let mut player = Self {
            client,
            symbol,
            first_ref: 0,
            sent: Vec::new(),
            refs: HashMap::new(),
            matches: BTreeMap::new(),
            counts: Counts::default(),
            queries_open: 0,
            since_query: 0,
        };
        player.query()?;
        player.settle()?;
        Ok(player)
    }

    /// Sends what a row says.
    pub(super) fn play(&mut self, row: &OrderRow, record: &Record) -> Result<(), FlowError> {
        match row.action {
            Action::Created => self.enter(row, record.aggressors.contains(&row.id))?,
            Action::Deleted => {
                if let Some(&user_ref) = self.refs.get(&row.id) {
                    self.counts.cancels += 1;
                    self.client.cancel(user_ref, 0)?;
                }
            }
            Action::Changed => self.reduce(row)?,
        }
        self.since_query += 1;
        if self.since_query >= QUERY_EVERY {
            self.query()?;
            while self.queries_open > QUERIES_OPEN_MAX {
                self.receive(Some(ANSWER_TIMEOUT))?;
            }
            while self.client.is_ready() {
                self.receive(Some(Duration::ZERO))?;
            }
        }
        Ok(())
    }

    /// Waits until `wait` is over, reading what comes.
    pub(super) fn idle(&mut self, wait: Duration) -> Result<(), FlowError> {
        let until = std::time::Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() || !self.take(Some(left))? {
                return Ok(());
            }
        }
    }

    /// Waits for all answers; then what was sent, and the trades in the order of their numbers.
    pub(super) fn finish(mut self) -> Result<(Counts, Vec<Trade>), FlowError> {
        self.query()?;
        self.settle()?;
        let trades = self.matches.values();
        let trades = trades
            .map(|&Match { buyer, seller, price, lots }| Trade { buyer, seller, price, lots })
            .collect();
        self.client.log_out()?;
        Ok((self.counts, trades))
    }

    fn enter(&mut self, row: &OrderRow, aggressor: bool) -> Result<(), FlowError> {
        let (Some(lots), true) = (row.lots, row.price.is_some() || aggressor) else {
            self.counts.skipped += 1;
            return Ok(());
        };
        let number = u32::try_from(self.sent.len()).map_err(|_| FlowError::NumbersUsedUp)?;
        let user_ref = self.first_ref.checked_add(number).ok_or(FlowError::NumbersUsedUp)?;
        let order = EnterOrder {
            user_ref,
            side: match row.side {
                Side::Buy => b'B',
                Side::Sell => b'S',
            },
            quantity: lots,
            symbol: self.symbol,
            price: row.price.unwrap_or(MARKET_PRICE),
            time_in_force: b'0',
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            client_order_id: [b' '; 14],
        };
        let options: &[Element] = if aggressor { &[] } else { &[Element::PostOnly(b'P')] };
        self.client.enter(&order, options)?;
        self.sent.push(Sent { id: row.id, side: row.side, executed: 0 });
        self.refs.insert(row.id, user_ref);
        self.counts.orders += 1;
        Ok(())
    }

    /// The record tells what was left; the message tells a total, so what is filled must be known first.
    fn reduce(&mut self, row: &OrderRow) -> Result<(), FlowError> {
        let Some(&user_ref) = self.refs.get(&row.id) else { return Ok(()) };
        self.query()?;
        self.settle()?;
        let executed = self.sent[(user_ref - self.first_ref) as usize].executed;
        self.client.cancel(user_ref, executed.saturating_add(row.lots.unwrap_or(0)))?;
        self.counts.reductions += 1;
        Ok(())
    }

    fn query(&mut self) -> Result<(), FlowError> {
        self.client.query()?;
        self.client.flush()?;
        self.queries_open += 1;
        self.since_query = 0;
        Ok(())
    }

    fn settle(&mut self) -> Result<(), FlowError> {
        while self.queries_open > 0 {
            self.receive(Some(ANSWER_TIMEOUT))?;
        }
        Ok(())
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Result<(), FlowError> {
        if self.take(timeout)? { Ok(()) } else { Err(FlowError::Silence) }
    }

    /// Takes one message; false when none came within `timeout`.
    fn take(&mut self, timeout: Option<Duration>) -> Result<bool, FlowError> {
        let bytes = match self.client.receive(timeout)? {
            Some(Received::Message(_, bytes)) => bytes,
            Some(Received::EndOfSession) => return Err(FlowError::EndOfSession),
            None => return Ok(false),
        };
        match outbound::decode(bytes).map_err(FlowError::Ouch)? {
            Outbound::QueryResponse(answer) => {
                self.queries_open = self.queries_open.saturating_sub(1);
                if self.sent.is_empty() {
                    self.first_ref = answer.next_user_ref;
                }
            }
            Outbound::Executed(trade, _) => self.executed(&trade),
            Outbound::Cancelled(cancelled) if cancelled.reason == REASON_POST_ONLY => {
                self.counts.post_only_cancels += 1;
            }
            Outbound::Rejected(_) => self.counts.rejected += 1,
            Outbound::SystemEvent(_)
            | Outbound::Accepted(..)
            | Outbound::Replaced(..)
            | Outbound::Cancelled(_)
            | Outbound::SelfMatchPrevented(_)
            | Outbound::BrokenTrade(_)
            | Outbound::CancelPending(_)
            | Outbound::CancelRejected(_)
            | Outbound::PriorityUpdate(_)
            | Outbound::Modified(_)
            | Outbound::Restated(..) => {}
        }
        Ok(true)
    }

    fn executed(&mut self, trade: &outbound::Executed) {
        let Some(number) = trade.user_ref.checked_sub(self.first_ref) else { return };
        let Some(sent) = self.sent.get_mut(number as usize) else { return };
        sent.executed = sent.executed.saturating_add(trade.quantity);
        let both = self.matches.entry(trade.match_number).or_default();
        both.price = trade.price;
        both.lots = trade.quantity;
        match sent.side {
            Side::Buy => both.buyer = sent.id,
            Side::Sell => both.seller = sent.id,
        }
    }
}
