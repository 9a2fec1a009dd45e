//! The floor: the simplest matcher that is fast and does the same work as production.
//!
//! A ladder of levels and a bitmap a side, a slab of 32-byte orders, an index by dense id, one command
//! at a time, 64-byte reports. It knows limit orders, immediate orders and cancels, and nothing else:
//! no accounts, sessions, checks or phases. What production costs above it is the price of the rules.

use crate::workload::{Kind, PlainCommand};

/// Levels in the ladder of one side. Two words deep: one summary word over 64 words of 64 bits.
pub const LADDER_LEVELS: u32 = 4_096;
/// Price of the ladder's first level, in ticks: both flows open at its middle.
pub const LADDER_BASE: i32 = 100_000 - LADDER_LEVELS as i32 / 2;
/// Reports in the ring that is overwritten.
pub const RING_REPORTS: usize = 4_096;

const LADDER_BITS: u32 = LADDER_LEVELS.trailing_zeros();
const NONE: u32 = u32::MAX;

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ReportKind {
    /// An order was accepted.
    Accepted = 0,
    /// An order was cancelled.
    Cancelled = 1,
    /// The resting side of a fill.
    Made = 2,
    /// The incoming side of a fill.
    Took = 3,
}

/// One report: 64 bytes, as a reader of the floor's ring would get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Report {
    /// The command that caused it.
    pub sequence: u64,
    /// The order that rests or rested; of a taker's report the incoming one.
    pub id: u32,
    /// Fills: the order opposite.
    pub counterparty: u32,
    /// Ticks.
    pub price: i32,
    /// Instrument, from 0.
    pub instrument: u16,
    /// 0 buy, 1 sell.
    pub side: u8,
    /// What happened.
    pub kind: ReportKind,
    /// Lots accepted, cancelled or filled.
    pub quantity: u32,
    /// Lots of this order still open.
    pub remaining: u32,
    /// Lots at the level, after it.
    pub level_quantity: u32,
    /// Orders at the level, after it.
    pub level_orders: u32,
    /// Fills: number of the trade.
    pub trade: u64,
    /// Zero.
    pub reserved: [u64; 2],
}

/// Who takes the reports.
pub trait ReportSink {
    /// Takes one report.
    fn report(&mut self, report: &Report);
}

/// A ring of reports that nobody reads.
pub struct ReportRing {
    slots: Box<[Report; RING_REPORTS]>,
    next: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Order {
    previous: u32,
    next: u32,
    quantity: u32,
    id: u32,
    level: u32,
}

#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Level {
    head: u32,
    tail: u32,
    quantity: u32,
    orders: u32,
}

#[derive(Clone)]
struct Bitmap {
    summary: u64,
    words: [u64; LADDER_LEVELS as usize / 64],
}

/// Books of all instruments.
pub struct Floor {
    orders: Vec<Order>,
    free: u32,
    index: Vec<u32>,
    levels: Vec<Level>,
    bitmaps: Vec<Bitmap>,
    sequence: u64,
    trades: u64,
}

impl ReportRing {
    /// An empty ring.
    #[must_use]
    pub fn new() -> Self {
        Self { slots: Box::new([Report::BLANK; RING_REPORTS]), next: 0 }
    }

    /// The report written last: tells a compiler that the ring matters.
    #[must_use]
    pub fn last(&self) -> &Report {
        &self.slots[self.next.wrapping_sub(1) % RING_REPORTS]
    }

    /// Reports written so far.
    #[must_use]
    pub const fn written(&self) -> usize {
        self.next
    }
}

impl Default for ReportRing {
    fn default() -> Self {
        Self::new()
    }
}

impl ReportSink for ReportRing {
    #[inline]
    fn report(&mut self, report: &Report) {
        self.slots[self.next % RING_REPORTS] = *report;
        self.next = self.next.wrapping_add(1);
    }
}

impl Report {
    const BLANK: Self = Self {
        sequence: 0,
        id: 0,
        counterparty: 0,
        price: 0,
        instrument: 0,
        side: 0,
        kind: ReportKind::Accepted,
        quantity: 0,
        remaining: 0,
        level_quantity: 0,
        level_orders: 0,
        trade: 0,
        reserved: [0; 2],
    };
}

impl Bitmap {
    const EMPTY: Self = Self { summary: 0, words: [0; LADDER_LEVELS as usize / 64] };

    fn set(&mut self, place: u32) {
        self.summary |= 1 << (place >> 6);
        self.words[word(place)] |= 1 << (place & 63);
    }

    fn clear(&mut self, place: u32) {
        let word = &mut self.words[word(place)];
        *word &= !(1 << (place & 63));
        if *word == 0 {
            self.summary &= !(1 << (place >> 6));
        }
    }

    fn highest(&self) -> Option<u32> {
        let top = self.summary.checked_ilog2()?;
        Some((top << 6) | (63 - self.words[top as usize & 63].leading_zeros()))
    }

    fn lowest(&self) -> Option<u32> {
        if self.summary == 0 {
            return None;
        }
        let bottom = self.summary.trailing_zeros();
        Some((bottom << 6) | self.words[bottom as usize & 63].trailing_zeros())
    }
}

const fn word(place: u32) -> usize {
    (place >> 6) as usize & 63
}

const fn book(instrument: u16, side: u8) -> usize {
    (instrument as usize) << 1 | side as usize
}

const fn price_at(level: u32) -> i32 {
    LADDER_BASE + (level & (LADDER_LEVELS - 1)) as i32
}

impl Floor {
    /// Empty books with room for this many live orders, and ids up to this many.
    #[must_use]
    pub fn new(instruments: u16, orders_live_max: u32, ids_max: u32) -> Self {
        let books = usize::from(instruments) * 2;
        let blank = Order { previous: NONE, next: NONE, quantity: 0, id: 0, level: 0 };
        let mut orders = vec![blank; orders_live_max as usize];
        for (place, order) in orders.iter_mut().enumerate() {
            order.next = place as u32 + 1;
        }
        if let Some(last) = orders.last_mut() {
            last.next = NONE;
        }
        let level = Level { head: NONE, tail: NONE, quantity: 0, orders: 0 };
        Self {
            orders,
            free: 0,
            index: vec![NONE; ids_max as usize + 1],
            levels: vec![level; books << LADDER_BITS],
            bitmaps: vec![Bitmap::EMPTY; books],
            sequence: 0,
            trades: 0,
        }
    }

    /// The best price of a side, or `None`.
    #[must_use]
    pub fn touch(&self, instrument: u16, side: u8) -> Option<i32> {
        let place = self.best(book(instrument, side), side)?;
        Some(LADDER_BASE + place as i32)
    }

    /// Lots that rest on a side at this price.
    #[must_use]
    pub fn quantity_at(&self, instrument: u16, side: u8, price: i32) -> u32 {
        let place = price - LADDER_BASE;
        if !(0..LADDER_LEVELS as i32).contains(&place) {
            return 0;
        }
        self.levels[book(instrument, side) << LADDER_BITS | place as usize].quantity
    }

    /// Does one command.
    ///
    /// # Panics
    /// The command names a price outside the ladder, an order that does not rest, or more live orders
    /// than there is room for: the generator makes none of these.
    #[inline]
    pub fn apply(&mut self, command: &PlainCommand, sink: &mut impl ReportSink) {
        self.sequence += 1;
        match command.kind {
            Kind::Add => self.add(command, sink),
            Kind::Take => self.take(command, sink),
            Kind::Cancel => self.cancel(command, sink),
        }
    }

    fn best(&self, book: usize, side: u8) -> Option<u32> {
        let bitmap = &self.bitmaps[book];
        if side == 0 { bitmap.highest() } else { bitmap.lowest() }
    }

    fn add(&mut self, command: &PlainCommand, sink: &mut impl ReportSink) {
        let place = (command.price - LADDER_BASE) as u32;
        assert!(place < LADDER_LEVELS, "price {} is outside the ladder", command.price);
        let book = book(command.instrument, command.side);
        let at = (book as u32) << LADDER_BITS | place;

        let slot = self.free;
        let level = &mut self.levels[at as usize];
        let order = &mut self.orders[slot as usize];
        self.free = order.next;
        let previous = level.tail;
        *order = Order { previous, next: NONE, quantity: command.quantity, id: command.id, level: at };
        level.tail = slot;
        level.quantity += command.quantity;
        level.orders += 1;
        if previous == NONE {
            level.head = slot;
            self.bitmaps[book].set(place);
        } else {
            self.orders[previous as usize].next = slot;
        }
        self.index[command.id as usize] = slot;
        sink.report(&Report {
            sequence: self.sequence,
            id: command.id,
            price: command.price,
            instrument: command.instrument,
            side: command.side,
            kind: ReportKind::Accepted,
            quantity: command.quantity,
            remaining: command.quantity,
            level_quantity: level.quantity,
            level_orders: level.orders,
            ..Report::BLANK
        });
    }

    fn cancel(&mut self, command: &PlainCommand, sink: &mut impl ReportSink) {
        let slot = self.index[command.id as usize];
        let order = self.orders[slot as usize];
        let level = &mut self.levels[order.level as usize];
        level.quantity -= order.quantity;
        level.orders -= 1;
        if order.previous == NONE {
            level.head = order.next;
        } else {
            self.orders[order.previous as usize].next = order.next;
        }
        if order.next == NONE {
            level.tail = order.previous;
        } else {
            self.orders[order.next as usize].previous = order.previous;
        }
        let side_and_instrument = order.level >> LADDER_BITS;
        if level.orders == 0 {
            self.bitmaps[side_and_instrument as usize].clear(order.level & (LADDER_LEVELS - 1));
        }
        sink.report(&Report {
            sequence: self.sequence,
            id: command.id,
            price: price_at(order.level),
            instrument: (side_and_instrument >> 1) as u16,
            side: (side_and_instrument & 1) as u8,
            kind: ReportKind::Cancelled,
            quantity: order.quantity,
            level_quantity: level.quantity,
            level_orders: level.orders,
            ..Report::BLANK
        });
        self.orders[slot as usize].next = self.free;
        self.free = slot;
    }

    fn take(&mut self, command: &PlainCommand, sink: &mut impl ReportSink) {
        let mut remaining = command.quantity;
        sink.report(&Report {
            sequence: self.sequence,
            id: command.id,
            price: command.price,
            instrument: command.instrument,
            side: command.side,
            kind: ReportKind::Accepted,
            quantity: remaining,
            remaining,
            ..Report::BLANK
        });
        let opposite = command.side ^ 1;
        let book = book(command.instrument, opposite);
        while remaining > 0 {
            let Some(place) = self.best(book, opposite) else { break };
            let price = LADDER_BASE + place as i32;
            let through = if command.side == 0 { price > command.price } else { price < command.price };
            if through {
                break;
            }
            remaining = self.fill_level(command, book, place, remaining, sink);
        }
    }

    /// Fills against one level, first come first; gives what remains of the incoming order.
    fn fill_level(
        &mut self,
        command: &PlainCommand,
        book: usize,
        place: u32,
        mut remaining: u32,
        sink: &mut impl ReportSink,
    ) -> u32 {
        let level = &mut self.levels[book << LADDER_BITS | place as usize];
        while remaining > 0 && level.orders > 0 {
            let slot = level.head;
            let maker = &mut self.orders[slot as usize];
            let filled = remaining.min(maker.quantity);
            remaining -= filled;
            maker.quantity -= filled;
            level.quantity -= filled;
            self.trades += 1;
            if maker.quantity == 0 {
                level.orders -= 1;
                level.head = maker.next;
                maker.next = self.free;
                self.free = slot;
            }
            let made = Report {
                sequence: self.sequence,
                id: maker.id,
                counterparty: command.id,
                price: LADDER_BASE + place as i32,
                instrument: command.instrument,
                side: command.side ^ 1,
                kind: ReportKind::Made,
                quantity: filled,
                remaining: maker.quantity,
                level_quantity: level.quantity,
                level_orders: level.orders,
                trade: self.trades,
                reserved: [0; 2],
            };
            sink.report(&made);
            sink.report(&Report {
                id: command.id,
                counterparty: made.id,
                side: command.side,
                kind: ReportKind::Took,
                remaining,
                ..made
            });
        }
        if level.orders == 0 {
            level.tail = NONE;
            self.bitmaps[book].clear(place);
        } else if self.orders[level.head as usize].previous != NONE {
            self.orders[level.head as usize].previous = NONE;
        }
        remaining
    }
}
