//! What must always be true, judged from the events alone.

use engine::command::CommandKind;
use engine::event::{Event, EventKind, EventRecord, Flags, Header, OrderFields, ReportEvent, SessionEvent};
use engine::number::{Price, Sequence};
use engine::terms::Side;
use std::collections::BTreeMap;

/// An order as its events describe it.
struct Order {
    side: Side,
    instrument: u32,
    price: i64,
    hidden: bool,
    entered: i128,
    filled: i128,
    cancelled: i128,
    prevented: i128,
    open: i128,
}

/// One side of a trade that the next event must complete.
struct HalfTrade {
    match_number: u64,
    price: Price,
    lots: u64,
    side: Side,
    order: u64,
    counterparty: u64,
}

/// A reader of the events that believes nothing.
#[derive(Default)]
pub(crate) struct Audit {
    clock: u64,
    orders: BTreeMap<u64, Order>,
    levels: BTreeMap<(u32, u8, i64), (u64, u32)>,
    level_changes: BTreeMap<u32, u64>,
    reports: BTreeMap<u32, u32>,
    last_order: u64,
    last_match: u64,
    /// Minor units that came less those that left, by currency.
    pub(crate) deposited: BTreeMap<u16, i128>,
    /// How often each kind of event came with each reason.
    pub(crate) tally: BTreeMap<(u8, u8), u64>,
    half: Option<HalfTrade>,
    touched: Vec<(u32, u8, i64)>,
}

impl Audit {
    /// Reads all that one command said.
    pub(crate) fn read(&mut self, sequence: Sequence, events: &[EventRecord]) {
        self.touched.clear();
        for (at, record) in events.iter().enumerate() {
            assert_eq!(record.sequence(), sequence, "another command's event");
            assert_eq!(record.ordinal() as usize, at, "ordinals are contiguous");
            let reason = (record.words()[2] >> 16) as u8;
            *self.tally.entry((record.kind(), reason)).or_default() += 1;
            self.read_one(record);
        }
        assert!(self.half.is_none(), "a trade has two sides");
        self.check_levels();
        self.check_books();
    }

    fn read_one(&mut self, record: &EventRecord) {
        let event = record.view().expect("a whole event");
        if self.half.is_some() {
            assert_eq!(record.kind(), EventKind::Executed as u8, "the taker's side follows the maker's");
        }
        match event {
            Event::Accepted(event) => {
                self.check_header(&event.header);
                match event.header.kind {
                    EventKind::Replaced => {
                        let gone = self.orders.remove(&event.replaced.0).expect("the replaced order rested");
                        let displayed = if gone.hidden { 0 } else { gone.open };
                        assert_eq!(i128::from(event.replaced_quantity.0), displayed);
                        self.open(&event.header, &event.order);
                    }
                    EventKind::Accepted => self.open(&event.header, &event.order),
                    _ => {
                        let order = &self.orders[&event.header.order.0];
                        assert_eq!(i128::from(event.order.quantity.0), order.open, "rests or is carried");
                        assert_eq!(event.order.price.0, order.price);
                    }
                }
                self.read_level(&event.header, &event.order);
            }
            Event::Report(event) => {
                self.check_header(&event.header);
                self.read_report(event);
                self.read_level(&event.header, &event.order);
            }
            Event::Level(event) => {
                self.check_header(&event.header);
                assert!(event.header.flags.contains(Flags::LEVEL));
                self.read_level(&event.header, &event.order);
            }
            Event::Session(event) => self.read_session(event),
            Event::Balance(event) if event.cause == CommandKind::Deposit => {
                *self.deposited.entry(event.currency.0).or_default() += i128::from(event.change.0);
            }
            Event::Balance(_)
            | Event::Detail(_)
            | Event::Instrument(_)
            | Event::SessionAdded(_)
            | Event::Setting(_)
            | Event::Named(_)
            | Event::Note(_) => {}
        }
    }

    fn check_header(&mut self, header: &Header) {
        assert!(header.time.0 >= self.clock, "the clock never goes back");
        self.clock = header.time.0;
        if header.report.0 == 0 {
            return;
        }
        let last = self.reports.get_mut(&header.session.0).expect("a session that was added");
        *last += 1;
        assert_eq!(header.report.0, *last, "a session's reports are contiguous");
    }

    fn read_session(&mut self, event: &SessionEvent) {
        let session = event.header.session.0;
        if event.header.kind == EventKind::SessionDay && event.begins == 1 {
            self.reports.insert(session, 0);
        }
        self.check_header(&event.header);
        if event.header.reason == 0 {
            assert_eq!(event.next_report.0, self.reports[&session] + 1);
        }
    }

    fn open(&mut self, header: &Header, order: &OrderFields) {
        assert!(header.order.0 > self.last_order, "order numbers rise");
        self.last_order = header.order.0;
        let lots = i128::from(order.quantity.0);
        assert!(lots > 0);
        let opened = Order {
            side: header.side,
            instrument: header.instrument.0,
            price: order.price.0,
            hidden: header.flags.contains(Flags::HIDDEN),
            entered: lots,
            filled: 0,
            cancelled: 0,
            prevented: 0,
            open: lots,
        };
        self.orders.insert(header.order.0, opened);
    }

    fn read_report(&mut self, event: &ReportEvent) {
        let kind = event.header.kind;
        let takes = matches!(
            kind,
            EventKind::Executed | EventKind::Cancelled | EventKind::Reduced | EventKind::Prevented
        );
        if !takes {
            return;
        }
        let id = event.header.order.0;
        let order = self.orders.get_mut(&id).expect("an order that was accepted");
        let lots = i128::from(event.order.quantity.0);
        order.open -= lots;
        match kind {
            EventKind::Executed => order.filled += lots,
            EventKind::Prevented => order.prevented += lots,
            _ => order.cancelled += lots,
        }
        assert!(order.open >= 0, "no order loses more than it has");
        assert_eq!(order.entered, order.filled + order.cancelled + order.prevented + order.open);
        assert_eq!(i128::from(event.order.remaining.0), order.open);
        assert_eq!(event.header.flags.contains(Flags::FINAL), order.open == 0, "FINAL ends an order");
        if order.open == 0 {
            self.orders.remove(&id);
        }
        if kind == EventKind::Executed {
            self.read_trade(event);
        }
    }

    fn read_trade(&mut self, event: &ReportEvent) {
        let taker = event.header.flags.contains(Flags::TAKER);
        let Some(maker) = self.half.take() else {
            assert!(!taker, "the maker's side comes first");
            assert_eq!(event.match_number.0, self.last_match + 1, "match numbers are contiguous");
            self.last_match += 1;
            self.half = Some(HalfTrade {
                match_number: event.match_number.0,
                price: event.order.price,
                lots: event.order.quantity.0,
                side: event.header.side,
                order: event.header.order.0,
                counterparty: event.counterparty.0,
            });
            return;
        };
        assert!(taker);
        assert_eq!(event.match_number.0, maker.match_number);
        assert_eq!((event.order.price, event.order.quantity.0), (maker.price, maker.lots));
        assert_eq!(event.header.side, maker.side.opposite());
        assert_eq!((event.header.order.0, event.counterparty.0), (maker.counterparty, maker.order));
    }

    fn read_level(&mut self, header: &Header, order: &OrderFields) {
        if !header.flags.contains(Flags::LEVEL) {
            assert_eq!((order.level_quantity.0, order.level_orders, order.level_change), (0, 0, 0));
            return;
        }
        let change = self.level_changes.entry(header.instrument.0).or_default();
        *change += 1;
        assert_eq!(order.level_change, *change, "level changes are contiguous");
        let key = (header.instrument.0, header.side as u8, order.price.0);
        let state = (order.level_quantity.0, order.level_orders);
        assert_eq!(state.0 == 0, state.1 == 0, "a level has orders or is gone");
        let before = self.levels.insert(key, state);
        assert_ne!(before.unwrap_or_default(), state, "a change changes something");
        if state.1 == 0 {
            self.levels.remove(&key);
        }
        self.touched.push(key);
    }

    /// A level's published quantity is the sum of its displayed orders.
    fn check_levels(&self) {
        for &key in &self.touched {
            let displayed = self
                .orders
                .values()
                .filter(|order| !order.hidden && (order.instrument, order.side as u8, order.price) == key);
            let sum = displayed.fold((0, 0), |(lots, count), order| (lots + order.open, count + 1));
            let (lots, count) = self.levels.get(&key).copied().unwrap_or_default();
            assert_eq!((i128::from(lots), count), sum, "level {key:?} is not the sum of its orders");
        }
    }

    /// In continuous trading no two resting orders could trade with each other.
    fn check_books(&self) {
        let mut best: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for order in self.orders.values() {
            let (bid, ask) = best.entry(order.instrument).or_insert((i64::MIN, i64::MAX));
            match order.side {
                Side::Buy => *bid = (*bid).max(order.price),
                Side::Sell => *ask = (*ask).min(order.price),
            }
        }
        for (instrument, (bid, ask)) in best {
            assert!(bid < ask, "instrument {instrument} is crossed: {bid} and {ask}");
        }
    }

    /// The levels that the events add up to, of one side, best first.
    pub(crate) fn side(&self, instrument: u32, side: Side) -> Vec<(i64, u64, u32)> {
        let all = self.levels.iter().filter(|((of, at, _), _)| *of == instrument && *at == side as u8);
        let mut levels: Vec<_> = all.map(|((_, _, price), (lots, count))| (*price, *lots, *count)).collect();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }
}
