//! A session at the OUCH door that knows its own open orders and comes back after a cut.

use net::client::{Client, ClientError, Credentials, Received};
use net::ouch::appendage::Element;
use net::ouch::inbound::{EnterOrder, ReplaceOrder};
use net::ouch::outbound::{self, Outbound};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Answers to a question at log-in are awaited this long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// An open order as its reports tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) is_bid: bool,
    /// Ten-thousandths.
    pub(super) price: u64,
    /// Lots.
    pub(super) lots: u32,
}

/// A new order's terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) is_bid: bool,
    /// Ten-thousandths, or the price that means a market order.
    pub(super) price: u64,
    pub(super) lots: u32,
    /// Takes what it can at once; otherwise it only rests.
    pub(super) immediate: bool,
}

impl Terms {
    const fn time_in_force(&self) -> u8 {
        if self.immediate { b'3' } else { b'0' }
    }

    const fn options(&self) -> &'static [Element] {
        if self.immediate { &[] } else { &[Element::PostOnly(b'P')] }
    }
}

/// A participant's session.
pub(super) struct Trader {
    client: Client,
    address: SocketAddr,
    credentials: Credentials,
    symbol: [u8; 8],
    book: OwnOrders,
}

/// What the reports of a session's day add up to.
#[derive(Debug, Default)]
pub(super) struct OwnOrders {
    open: BTreeMap<u32, Open>,
    next_ref: u32,
    answers: u32,
}

impl Trader {
    /// Logs in and reads the day's reports from the first.
    pub(super) fn connect(
        address: SocketAddr,
        name: &str,
        password: &str,
        symbol: [u8; 8],
    ) -> Result<Self, ClientError> {
        let credentials = Credentials::from_start(name, password);
        let client = Client::connect(address, &credentials)?;
        let mut trader = Self { client, address, credentials, symbol, book: OwnOrders::default() };
        trader.synchronize()?;
        Ok(trader)
    }

    /// Comes back: where the reports stopped, or at the first of a new day.
    pub(super) fn reconnect(&mut self, new_day: bool) -> Result<(), ClientError> {
        if new_day {
            self.credentials.session.clear();
            self.credentials.sequence = 1;
            self.book = OwnOrders::default();
        } else {
            self.client.session().clone_into(&mut self.credentials.session);
            self.credentials.sequence = self.client.next_sequence();
        }
        self.client = Client::connect(self.address, &self.credentials)?;
        self.synchronize()
    }

    /// Asks for the next number and reads up to the answer: then everything sent before has been told.
    fn synchronize(&mut self) -> Result<(), ClientError> {
        let answers = self.book.answers;
        self.client.query()?;
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        // Old answers may be in the stream: only the last message read can be the new one.
        while self.book.answers == answers || self.client.is_ready() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ClientError::Io(std::io::ErrorKind::TimedOut.into()));
            }
            self.poll(left)?;
        }
        Ok(())
    }

    /// Takes in what comes within `wait`: one message, and all that are buffered behind it.
    /// True when the session's day has ended.
    pub(super) fn poll(&mut self, wait: Duration) -> Result<bool, ClientError> {
        let mut wait = wait;
        loop {
            match self.client.receive(Some(wait))? {
                Some(Received::Message(_, bytes)) => {
                    let message = outbound::decode(bytes).map_err(ClientError::Ouch)?;
                    self.book.learn(&message);
                }
                Some(Received::EndOfSession) => return Ok(true),
                None => return Ok(false),
            }
            if !self.client.is_ready() {
                return Ok(false);
            }
            wait = Duration::ZERO;
        }
    }

    /// The open orders by number.
    pub(super) const fn open(&self) -> &BTreeMap<u32, Open> {
        &self.book.open
    }

    /// Enters an order; its number.
    pub(super) fn enter(&mut self, terms: &Terms) -> Result<u32, ClientError> {
        let user_ref = self.book.take_ref();
        let order = EnterOrder {
            user_ref,
            side: if terms.is_bid { b'B' } else { b'S' },
            quantity: terms.lots,
            symbol: self.symbol,
            price: terms.price,
            time_in_force: terms.time_in_force(),
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            client_order_id: [b' '; 14],
        };
        self.client.enter(&order, terms.options())?;
        self.client.flush()?;
        Ok(user_ref)
    }

    /// Replaces an open order; the new one's number.
    pub(super) fn replace(&mut self, original_user_ref: u32, terms: &Terms) -> Result<u32, ClientError> {
        let user_ref = self.book.take_ref();
        let order = ReplaceOrder {
            original_user_ref,
            user_ref,
            quantity: terms.lots,
            price: terms.price,
            time_in_force: terms.time_in_force(),
            display: b'Y',
            intermarket_sweep: b'N',
            client_order_id: [b' '; 14],
        };
        self.client.replace(&order, terms.options())?;
        self.client.flush()?;
        Ok(user_ref)
    }

    /// Cancels an open order.
    pub(super) fn cancel(&mut self, user_ref: u32) -> Result<(), ClientError> {
        self.client.cancel(user_ref, 0)?;
        self.client.flush()
    }
}

impl OwnOrders {
    fn take_ref(&mut self) -> u32 {
        let user_ref = self.next_ref.max(1);
        self.next_ref = user_ref.saturating_add(1);
        user_ref
    }

    fn learn(&mut self, message: &Outbound<'_>) {
        match message {
            Outbound::Accepted(order, _) => {
                let is_bid = order.side == b'B';
                self.open.insert(order.user_ref, Open { is_bid, price: order.price, lots: order.quantity });
            }
            Outbound::Replaced(order, _) => {
                self.open.remove(&order.original_user_ref);
                let is_bid = order.side == b'B';
                self.open.insert(order.user_ref, Open { is_bid, price: order.price, lots: order.quantity });
            }
            Outbound::Executed(trade, _) => self.lose(trade.user_ref, trade.quantity),
            Outbound::Cancelled(cancelled) => self.lose(cancelled.user_ref, cancelled.quantity),
            Outbound::SelfMatchPrevented(prevented) => self.lose(prevented.user_ref, prevented.quantity),
            Outbound::Modified(modified) => {
                if let Some(order) = self.open.get_mut(&modified.user_ref) {
                    order.lots = modified.quantity;
                }
            }
            Outbound::QueryResponse(answer) => {
                self.next_ref = self.next_ref.max(answer.next_user_ref);
                self.answers += 1;
            }
            Outbound::SystemEvent(_)
            | Outbound::BrokenTrade(_)
            | Outbound::Rejected(_)
            | Outbound::CancelPending(_)
            | Outbound::CancelRejected(_)
            | Outbound::PriorityUpdate(_)
            | Outbound::Restated(..) => {}
        }
    }

    fn lose(&mut self, user_ref: u32, lots: u32) {
        if let Some(order) = self.open.get_mut(&user_ref) {
            order.lots = order.lots.saturating_sub(lots);
            if order.lots == 0 {
                self.open.remove(&user_ref);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::ouch::outbound::{Cancelled, Executed, QueryResponse};

    #[test]
    fn open_orders_follow_their_reports() {
        let mut book = OwnOrders::default();
        book.open.insert(1, Open { is_bid: true, price: 5, lots: 10 });
        let executed =
            Executed { timestamp: 0, user_ref: 1, quantity: 4, price: 5, liquidity: b'A', match_number: 1 };
        book.learn(&Outbound::Executed(executed, net::ouch::appendage::Appendage(&[])));
        assert_eq!(book.open[&1].lots, 6);
        let cancelled = Cancelled { timestamp: 0, user_ref: 1, quantity: 6, reason: b'U' };
        book.learn(&Outbound::Cancelled(cancelled));
        assert!(book.open.is_empty());
    }

    #[test]
    fn numbers_only_rise() {
        let mut book = OwnOrders::default();
        assert_eq!(book.take_ref(), 1);
        book.learn(&Outbound::QueryResponse(QueryResponse { timestamp: 0, next_user_ref: 9 }));
        assert_eq!((book.take_ref(), book.take_ref()), (9, 10));
        book.learn(&Outbound::QueryResponse(QueryResponse { timestamp: 0, next_user_ref: 3 }));
        assert_eq!(book.take_ref(), 11);
    }
}
