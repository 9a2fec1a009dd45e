//! Streams against readers that are quick, slow or gone, and a book kept by the plainest means.

use super::super::streams::StreamKey;
use super::super::views::MarketViews;
use super::super::views::tests::{START_NS, Taken, level, listing, taken};
use super::{Hub, Outlet, Shared};
use engine::event::{EventRecord, Flags};
use engine::terms::Side;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const NOW_MS: u64 = START_NS / 1_000_000;

/// What each connection was given.
#[derive(Default)]
struct Inboxes {
    bytes: BTreeMap<usize, Vec<u8>>,
    pieces: Vec<Shared>,
    behind: BTreeSet<usize>,
    cut: BTreeSet<usize>,
}

impl Outlet for Inboxes {
    fn offer(&mut self, connection: usize, bytes: &Shared, can_wait: bool) -> bool {
        if can_wait && self.behind.contains(&connection) {
            return false;
        }
        self.bytes.entry(connection).or_default().extend_from_slice(bytes);
        self.pieces.push(Shared::clone(bytes));
        true
    }

    fn cut(&mut self, connection: usize) {
        self.cut.insert(connection);
    }
}

impl Inboxes {
    /// The messages that a connection got since it was asked last.
    fn take(&mut self, connection: usize) -> Vec<Value> {
        let bytes = self.bytes.remove(&connection).unwrap_or_default();
        let mut rest = bytes.as_slice();
        let mut messages = Vec::new();
        while let [0x81, short, ..] = rest {
            let (head, length) = match short {
                126 => (4, usize::from(rest[2]) << 8 | usize::from(rest[3])),
                127 => panic!("no update is so long"),
                length => (2, usize::from(*length)),
            };
            messages.push(serde_json::from_slice(&rest[head..head + length]).expect("JSON"));
            rest = &rest[head + length..];
        }
        assert!(rest.is_empty());
        messages
    }
}

struct Room {
    views: MarketViews,
    hub: Hub,
    inboxes: Inboxes,
    sequence: u64,
    change: u64,
    /// By side, price in ticks: lots.
    book: BTreeMap<(u8, i64), u64>,
}

impl Room {
    fn new() -> Self {
        let mut views = MarketViews::new();
        views.learn(&listing(1, 1));
        let (hub, inboxes, book) = (Hub::default(), Inboxes::default(), BTreeMap::new());
        Self { views, hub, inboxes, sequence: 1, change: 0, book }
    }

    fn subscribe(&mut self, connection: usize, name: &str, is_combined: bool) {
        let key = StreamKey::parse(&self.views, name).expect("a stream");
        assert!(self.hub.subscribe(&self.views, key, connection, is_combined));
    }

    fn learn(&mut self, event: &EventRecord) {
        let change = self.views.learn(event);
        self.hub.learn(&self.views, &change, NOW_MS);
    }

    fn set(&mut self, side: Side, price: i64, quantity: u64) {
        self.sequence += 1;
        self.change += 1;
        self.book.insert((side as u8, price), quantity);
        self.book.retain(|_, quantity| *quantity > 0);
        self.learn(&level(self.sequence, side, price, quantity, self.change));
    }

    fn trade(&mut self, number: u64, price: i64) {
        let time_ns = START_NS + number;
        let taken =
            taken(&Taken { sequence: 10 + number, time_ns, number, price, quantity: 3, flags: Flags::FINAL });
        self.learn(&taken);
    }

    fn turn(&mut self) {
        self.hub.end_turn(&self.views, &mut self.inboxes);
    }

    fn tick(&mut self) {
        self.turn();
        self.hub.tick(&self.views, NOW_MS, &mut self.inboxes);
    }
}

/// A reader's own book, in the words of the messages.
#[derive(Default)]
struct Copy {
    levels: BTreeMap<(u8, i64), String>,
    last: u64,
}

impl Copy {
    /// Applies depth updates, which must go on from each other.
    fn apply(&mut self, updates: &[Value]) {
        for update in updates {
            assert_eq!(update["U"].as_u64(), Some(self.last + 1), "a hole: {update}");
            self.last = update["u"].as_u64().expect("u");
            for (side, name) in [(0, "b"), (1, "a")] {
                for row in update[name].as_array().expect("levels") {
                    let price: f64 = row[0].as_str().expect("a price").parse().expect("a number");
                    let quantity = row[1].as_str().expect("a quantity");
                    let key = (side, (price * 2.0) as i64);
                    if quantity == "0.000" {
                        self.levels.remove(&key);
                    } else {
                        self.levels.insert(key, quantity.to_owned());
                    }
                }
            }
            assert_eq!(update["c"].as_u64(), Some(self.checksum().into()), "after {update}");
        }
    }

    fn checksum(&self) -> u32 {
        let text = |(key, quantity): (&(u8, i64), &String)| format!("{:.1}:{quantity}", key.1 as f64 / 2.0);
        let bids = self.levels.iter().filter(|(key, _)| key.0 == 0).rev().take(10);
        let asks = self.levels.iter().filter(|(key, _)| key.0 == 1).take(10);
        crc32fast::hash(bids.chain(asks).map(text).collect::<Vec<_>>().join(",").as_bytes())
    }

    fn check(&self, room: &Room) {
        let of_room: BTreeMap<_, _> = room
            .book
            .iter()
            .map(|(key, lots)| (*key, format!("{}.{:03}", lots / 1000, lots % 1000)))
            .collect();
        assert_eq!((&self.levels, self.last), (&of_room, room.change));
    }
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^ (mixed >> 27)
}

#[test]
fn books_are_whole_however_slow_their_readers_are() {
    let mut room = Room::new();
    // 1 and 2 read at two paces, 3 is behind at random, 4 too at the slow pace and with names.
    for (connection, name) in [(1, "@100ms"), (2, ""), (3, "@100ms"), (4, "")] {
        room.subscribe(connection, &format!("btcusd@depth{name}"), connection == 4);
    }
    let mut copies: [Copy; 5] = Default::default();
    let mut state = 7;
    for tick in 0..400 {
        for _ in 0..random(&mut state) % 40 {
            let side = if random(&mut state).is_multiple_of(2) { Side::Buy } else { Side::Sell };
            let price = 100 + (random(&mut state) % 60) as i64 + if side == Side::Sell { 60 } else { 0 };
            let quantity = random(&mut state) % 3 * 700;
            room.set(side, price, quantity);
            if random(&mut state).is_multiple_of(8) {
                room.turn();
            }
        }
        for connection in [3, 4] {
            let turns = random(&mut state).is_multiple_of(10);
            if turns && !room.inboxes.behind.insert(connection) {
                room.inboxes.behind.remove(&connection);
            }
        }
        if tick == 399 {
            room.inboxes.behind.clear();
        }
        room.tick();
        for (connection, copy) in copies.iter_mut().enumerate().skip(1) {
            let mut updates = room.inboxes.take(connection);
            if connection == 4 {
                updates = updates.into_iter().map(|mut update| update["data"].take()).collect();
            }
            copy.apply(&updates);
        }
    }
    assert!(room.inboxes.cut.is_empty());
    for copy in &copies[1..] {
        copy.check(&room);
    }
}

#[test]
fn a_reader_too_far_behind_is_cut() {
    let mut room = Room::new();
    room.subscribe(1, "btcusd@depth@100ms", false);
    room.inboxes.behind.insert(1);
    for change in 0..200 {
        room.set(Side::Buy, 10 + change % 50, 5);
        room.tick();
    }
    assert!(room.inboxes.cut.contains(&1) && room.inboxes.take(1).is_empty());
}

#[test]
fn one_encoding_serves_all_readers() {
    let mut room = Room::new();
    for connection in 0..5 {
        room.subscribe(connection, "btcusd@trade", connection > 2);
    }
    for number in 1..=3 {
        room.trade(number, 100);
    }
    room.turn();
    let plain = room.inboxes.take(0);
    assert_eq!(plain.iter().map(|told| told["t"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert_eq!(plain[0]["p"], "50.0");
    let named = room.inboxes.take(4);
    assert_eq!((&named[2]["stream"], &named[2]["data"]), (&"btcusd@trade".into(), &plain[2]));
    let mut pieces: Vec<_> = room.inboxes.pieces.iter().map(|piece| piece.as_ptr()).collect();
    pieces.sort_unstable();
    pieces.dedup();
    assert_eq!(pieces.len(), 2, "one with names and one without, for three trades and five readers");
}

#[test]
fn states_are_told_at_once_and_when_they_change() {
    let mut room = Room::new();
    room.set(Side::Buy, 10, 1000);
    room.trade(1, 100);
    for (connection, name) in
        [(1, "bookTicker"), (2, "depth5"), (3, "kline_1m"), (4, "ticker"), (5, "aggTrade")]
    {
        room.subscribe(connection, &format!("btcusd@{name}"), false);
    }
    room.subscribe(6, "!miniTicker@arr", false);
    room.tick();
    assert_eq!(room.inboxes.take(1)[0]["b"], "5.0");
    assert_eq!(room.inboxes.take(2)[0]["bids"][0][1], "1.000");
    assert_eq!(room.inboxes.take(3)[0]["k"]["c"], "50.0");
    assert_eq!(room.inboxes.take(4)[0]["c"], "50.0");
    for _ in 0..30 {
        room.tick();
    }
    let all = room.inboxes.take(6);
    assert_eq!((all.len(), &all[0][0]["s"]), (1, &"BTCUSD".into()));
    for connection in 1..=5 {
        assert!(
            room.inboxes.take(connection).len() <= 1,
            "{connection}: nothing changed, beyond the first state"
        );
    }
    room.inboxes.behind.insert(1);
    room.set(Side::Buy, 11, 1000);
    room.set(Side::Sell, 30, 1000);
    room.turn();
    room.set(Side::Buy, 12, 1000);
    room.trade(2, 101);
    room.tick();
    assert!(room.inboxes.take(1).is_empty());
    assert_eq!(room.inboxes.take(5)[0]["a"], 2);
    room.inboxes.behind.clear();
    room.tick();
    let told = room.inboxes.take(1);
    assert_eq!((told.len(), &told[0]["b"], &told[0]["a"]), (1, &"6.0".into(), &"15.0".into()));
}

#[test]
fn streams_without_readers_are_gone() {
    let mut room = Room::new();
    for connection in 0..3 {
        room.subscribe(connection, "btcusd@bookTicker", false);
        room.subscribe(connection, "btcusd@depth", connection == 1);
    }
    room.set(Side::Buy, 10, 5);
    for connection in 0..3 {
        for name in ["btcusd@bookTicker", "btcusd@depth", "btcusd@trade"] {
            let key = StreamKey::parse(&room.views, name).expect("a stream");
            room.hub.unsubscribe(key, connection);
        }
    }
    assert_eq!((room.hub.readers(), room.hub.by_key.len()), (0, 0));
    room.tick();
    room.subscribe(7, "btcusd@depth", false);
    room.set(Side::Buy, 11, 5);
    for _ in 0..10 {
        room.tick();
    }
    assert_eq!(room.inboxes.take(7)[0]["U"], 2);
}
