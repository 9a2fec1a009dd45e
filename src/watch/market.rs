//! One instrument as its ITCH messages tell it: the book order by order, the levels, the last trades.

use net::itch::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Trades that are remembered.
const TAPE_MAX: usize = 100;

/// A price level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// Lots displayed.
    pub(super) lots: u64,
    /// Orders displayed.
    pub(super) orders: u32,
}

/// Who took in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    Buyer,
    Seller,
}

/// A trade on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trade {
    /// Nanoseconds since midnight.
    pub(super) time_ns: u64,
    /// Ten-thousandths.
    pub(super) price: u32,
    pub(super) lots: u32,
    pub(super) taker: Taker,
}

#[derive(Clone, Copy, Debug)]
struct Resting {
    is_bid: bool,
    price: u32,
    lots: u32,
}

/// The instrument.
#[derive(Debug)]
pub(super) struct Market {
    symbol: [u8; 8],
    locate: Option<u16>,
    /// Times that the instrument's terms were told.
    listings: u64,
    state: u8,
    orders: HashMap<u64, Resting>,
    bids: BTreeMap<u32, Level>,
    asks: BTreeMap<u32, Level>,
    tape: VecDeque<Trade>,
    symbols: BTreeSet<String>,
    time_ns: u64,
}

impl Market {
    /// Nothing known yet about the instrument of this padded symbol.
    pub(super) fn new(symbol: [u8; 8]) -> Self {
        Self {
            symbol,
            locate: None,
            listings: 0,
            state: b' ',
            orders: HashMap::new(),
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            tape: VecDeque::new(),
            symbols: BTreeSet::new(),
            time_ns: 0,
        }
    }

    /// Whether the instrument is listed.
    pub(super) const fn is_listed(&self) -> bool {
        self.locate.is_some()
    }

    /// Rises whenever the instrument's terms, its lot among them, may have changed.
    pub(super) const fn listings(&self) -> u64 {
        self.listings
    }

    /// All symbols that are listed.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &str> {
        self.symbols.iter().map(String::as_str)
    }

    /// What the instrument is doing, in words.
    pub(super) const fn state(&self) -> &'static str {
        match self.state {
            b'T' => "trading",
            b'Q' => "orders rest, nothing trades",
            b'P' => "volatility auction",
            b'H' => "halted or closed",
            _ => "",
        }
    }

    /// Time of the last message of any instrument, in nanoseconds since midnight.
    pub(super) const fn time_ns(&self) -> u64 {
        self.time_ns
    }

    /// Bids, best first.
    pub(super) fn bids(&self) -> impl Iterator<Item = (u32, Level)> {
        self.bids.iter().rev().map(|(price, level)| (*price, *level))
    }

    /// Asks, best first.
    pub(super) fn asks(&self) -> impl Iterator<Item = (u32, Level)> {
        self.asks.iter().map(|(price, level)| (*price, *level))
    }

    /// The last trades, newest first.
    pub(super) fn tape(&self) -> impl Iterator<Item = &Trade> {
        self.tape.iter()
    }

    /// Takes in a message; whether it changed what is shown.
    pub(super) fn learn(&mut self, message: &Message) -> bool {
        self.time_ns = timestamp_ns(message);
        match *message {
            Message::SystemEvent(_) => {}
            Message::StockDirectory(stock) => {
                self.symbols.insert(String::from_utf8_lossy(&stock.stock).trim_end().to_owned());
                if stock.stock == self.symbol {
                    self.locate = Some(stock.locate);
                    self.listings += 1;
                    return true;
                }
            }
            Message::TradingAction(action) if self.is_ours(action.locate) => self.state = action.state,
            Message::AddOrder(add) if self.is_ours(add.locate) => {
                let order = Resting { is_bid: add.side == b'B', price: add.price, lots: add.shares };
                self.add(add.order_reference, order);
            }
            Message::OrderExecuted(executed) if self.is_ours(executed.locate) => {
                let price = self.orders.get(&executed.order_reference).map_or(0, |order| order.price);
                self.trade(executed.order_reference, executed.timestamp.0, price, executed.shares);
            }
            Message::OrderExecutedWithPrice(executed) if self.is_ours(executed.locate) => {
                self.trade(executed.order_reference, executed.timestamp.0, executed.price, executed.shares);
            }
            Message::OrderCancel(cancel) if self.is_ours(cancel.locate) => {
                self.take(cancel.order_reference, cancel.shares);
            }
            Message::OrderDelete(delete) if self.is_ours(delete.locate) => {
                self.take(delete.order_reference, u32::MAX);
            }
            Message::OrderReplace(replace) if self.is_ours(replace.locate) => {
                if let Some(gone) = self.take(replace.original_reference, u32::MAX) {
                    let order = Resting { price: replace.price, lots: replace.shares, ..gone };
                    self.add(replace.order_reference, order);
                }
            }
            Message::Trade(trade) if self.is_ours(trade.locate) => {
                let taker = if trade.side == b'B' { Taker::Seller } else { Taker::Buyer };
                self.print(Trade {
                    time_ns: trade.timestamp.0,
                    price: trade.price,
                    lots: trade.shares,
                    taker,
                });
            }
            Message::TradingAction(_)
            | Message::AddOrder(_)
            | Message::OrderExecuted(_)
            | Message::OrderExecutedWithPrice(_)
            | Message::OrderCancel(_)
            | Message::OrderDelete(_)
            | Message::OrderReplace(_)
            | Message::Trade(_)
            | Message::BrokenTrade(_) => return false,
        }
        true
    }

    fn is_ours(&self, locate: u16) -> bool {
        self.locate == Some(locate)
    }

    fn levels(&mut self, is_bid: bool) -> &mut BTreeMap<u32, Level> {
        if is_bid { &mut self.bids } else { &mut self.asks }
    }

    fn add(&mut self, reference: u64, order: Resting) {
        let level = self.levels(order.is_bid).entry(order.price).or_default();
        level.lots += u64::from(order.lots);
        level.orders += 1;
        self.orders.insert(reference, order);
    }

    /// Takes at most `lots` from an order; the order as it was.
    fn take(&mut self, reference: u64, lots: u32) -> Option<Resting> {
        let order = self.orders.get_mut(&reference)?;
        let before = *order;
        let taken = lots.min(order.lots);
        order.lots -= taken;
        let ended = order.lots == 0;
        if ended {
            self.orders.remove(&reference);
        }
        let levels = self.levels(before.is_bid);
        if let Some(level) = levels.get_mut(&before.price) {
            level.lots -= u64::from(taken);
            level.orders -= u32::from(ended);
            if level.orders == 0 {
                levels.remove(&before.price);
            }
        }
        Some(before)
    }

    fn trade(&mut self, reference: u64, time_ns: u64, price: u32, lots: u32) {
        if let Some(resting) = self.take(reference, lots) {
            let taker = if resting.is_bid { Taker::Seller } else { Taker::Buyer };
            self.print(Trade { time_ns, price, lots, taker });
        }
    }

    fn print(&mut self, trade: Trade) {
        self.tape.truncate(TAPE_MAX - 1);
        self.tape.push_front(trade);
    }
}

const fn timestamp_ns(message: &Message) -> u64 {
    let timestamp = match message {
        Message::SystemEvent(event) => event.timestamp,
        Message::StockDirectory(stock) => stock.timestamp,
        Message::TradingAction(action) => action.timestamp,
        Message::AddOrder(add) => add.timestamp,
        Message::OrderExecuted(executed) => executed.timestamp,
        Message::OrderExecutedWithPrice(executed) => executed.timestamp,
        Message::OrderCancel(cancel) => cancel.timestamp,
        Message::OrderDelete(delete) => delete.timestamp,
        Message::OrderReplace(replace) => replace.timestamp,
        Message::Trade(trade) => trade.timestamp,
        Message::BrokenTrade(broken) => broken.timestamp,
    };
    timestamp.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::itch::{AddOrder, OrderCancel, OrderDelete, OrderExecuted, OrderReplace};
    use net::wire::Nanoseconds48;

    const TIME: Nanoseconds48 = Nanoseconds48(5);

    fn market() -> Market {
        let mut market = Market::new(*b"RAIN    ");
        market.locate = Some(3);
        market
    }

    fn add(reference: u64, side: u8, shares: u32, price: u32) -> Message {
        Message::AddOrder(AddOrder {
            locate: 3,
            tracking: 0,
            timestamp: TIME,
            order_reference: reference,
            side,
            shares,
            stock: *b"RAIN    ",
            price,
        })
    }

    type Best = Option<(u32, Level)>;

    fn best(market: &Market) -> (Best, Best) {
        (market.bids().next(), market.asks().next())
    }

    #[test]
    fn levels_follow_their_orders() {
        let mut market = market();
        for message in [add(1, b'B', 10, 4200), add(2, b'B', 5, 4200), add(3, b'S', 7, 4300)] {
            assert!(market.learn(&message));
        }
        let ask = Some((4300, Level { lots: 7, orders: 1 }));
        assert_eq!(best(&market), (Some((4200, Level { lots: 15, orders: 2 })), ask));
        let (locate, tracking, timestamp) = (3, 0, TIME);
        market.learn(&Message::OrderCancel(OrderCancel {
            locate,
            tracking,
            timestamp,
            order_reference: 1,
            shares: 4,
        }));
        market.learn(&Message::OrderExecuted(OrderExecuted {
            locate,
            tracking,
            timestamp,
            order_reference: 1,
            shares: 6,
            match_number: 9,
        }));
        assert_eq!(best(&market), (Some((4200, Level { lots: 5, orders: 1 })), ask));
        let trade = Trade { time_ns: 5, price: 4200, lots: 6, taker: Taker::Seller };
        assert_eq!(market.tape().next(), Some(&trade));
        market.learn(&Message::OrderReplace(OrderReplace {
            locate,
            tracking,
            timestamp,
            original_reference: 2,
            order_reference: 4,
            shares: 8,
            price: 4100,
        }));
        market.learn(&Message::OrderDelete(OrderDelete { locate, tracking, timestamp, order_reference: 3 }));
        assert_eq!(best(&market), (Some((4100, Level { lots: 8, orders: 1 })), None));
    }

    #[test]
    fn other_instruments_and_unknown_orders_change_nothing() {
        let mut market = market();
        let mut other = add(1, b'B', 10, 4200);
        if let Message::AddOrder(add) = &mut other {
            add.locate = 4;
        }
        assert!(!market.learn(&other));
        assert_eq!(market.time_ns(), 5, "whether the feed is live shows in any message");
        let delete = OrderDelete { locate: 3, tracking: 0, timestamp: TIME, order_reference: 77 };
        market.learn(&Message::OrderDelete(delete));
        assert_eq!(best(&market), (None, None));
    }
}
