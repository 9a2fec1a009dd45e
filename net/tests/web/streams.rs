//! WebSocket: a book through subscriptions, and clients that are no good.

use super::requests::get;
use super::room::{PATIENCE, Room, await_that};
use engine::terms::Side;
use net::web::WebLimits;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tungstenite::{Error, Message, WebSocket};

type Client = WebSocket<TcpStream>;

fn connect(room: &Room, path: &str) -> Client {
    let (client, _) = tungstenite::client(format!("ws://x{path}"), room.connect()).expect("a WebSocket");
    client
}

/// The next text, as JSON.
fn next(client: &mut Client) -> Value {
    loop {
        if let Message::Text(text) = client.read().expect("a message") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

fn ask(client: &mut Client, request: &Value) -> Value {
    client.send(Message::text(request.to_string())).expect("sent");
    loop {
        let told = next(client);
        if told.get("id").is_some() {
            return told;
        }
    }
}

/// The code with which the door closes; reads all that comes before.
fn closed(client: &mut Client) -> Option<u16> {
    loop {
        match client.read() {
            Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

fn lots(text: &Value) -> u64 {
    let text = text.as_str().expect("text");
    text.replace('.', "").parse().expect("a number")
}

/// A book kept by the rules of the protocol: a snapshot, then updates without a hole.
struct Copy {
    levels: BTreeMap<(u8, i64), u64>,
    last: u64,
    is_begun: bool,
}

impl Copy {
    fn of(snapshot: &Value) -> Self {
        let mut copy = Self {
            levels: BTreeMap::new(),
            last: snapshot["lastUpdateId"].as_u64().expect("id"),
            is_begun: false,
        };
        copy.set(0, &snapshot["bids"]);
        copy.set(1, &snapshot["asks"]);
        copy
    }

    fn set(&mut self, side: u8, rows: &Value) {
        for row in rows.as_array().expect("levels") {
            let key = (side, lots(&row[0]) as i64 / 5);
            match lots(&row[1]) {
                0 => self.levels.remove(&key),
                quantity => self.levels.insert(key, quantity),
            };
        }
    }

    fn apply(&mut self, update: &Value) {
        let [first, last] = ["U", "u"].map(|name| update[name].as_u64().expect("a number"));
        if last <= self.last {
            return;
        }
        assert!(first == self.last + 1 || (!self.is_begun && first <= self.last), "a hole before {update}");
        (self.last, self.is_begun) = (last, true);
        self.set(0, &update["b"]);
        self.set(1, &update["a"]);
    }
}

fn change(room: &mut Room, number: u64) {
    let side = if number.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let price = 100 + (number * 7 % 50) as i64 + if side == Side::Sell { 50 } else { 0 };
    room.set(side, price, number * 13 % 4 * 500);
}

#[test]
fn a_book_from_updates_and_a_snapshot_is_the_venues_through_a_restart() {
    let mut room = Room::new(WebLimits::default());
    let mut number = 0;
    let mut go_on = |room: &mut Room, count: u64| {
        for _ in 0..count {
            change(room, number);
            number += 1;
            if number.is_multiple_of(50) {
                room.flush();
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    };
    go_on(&mut room, 500);
    for _ in 0..2 {
        room.settle();
        let mut client = connect(&room, "/ws");
        let subscribe = json!({"method": "SUBSCRIBE", "params": ["btcusd@depth@100ms"], "id": 1});
        assert_eq!(ask(&mut client, &subscribe), json!({"result": null, "id": 1}));
        go_on(&mut room, 700);
        let mut copy = Copy::of(&get(&room, "/api/v3/depth?symbol=BTCUSD&limit=5000"));
        go_on(&mut room, 1300);
        room.settle();
        while copy.last < room.change {
            copy.apply(&next(&mut client));
        }
        assert_eq!(copy.levels, room.book);
        room.reopen();
        let depth = get(&room, "/api/v3/depth?symbol=BTCUSD&limit=5000");
        assert_eq!(
            (Copy::of(&depth).levels, depth["lastUpdateId"].as_u64()),
            (copy.levels, Some(room.change))
        );
    }
}

#[test]
fn trades_come_one_by_one_and_candles_follow() {
    let mut room = Room::new(WebLimits::default());
    room.settle();
    let mut client =
        connect(&room, "/stream?streams=btcusd@trade/btcusd@aggTrade/btcusd@kline_1m/btcusd@bookTicker");
    let listed = ask(&mut client, &json!({"method": "LIST_SUBSCRIPTIONS", "id": "l"}));
    assert_eq!(listed["result"].as_array().map(Vec::len), Some(4));
    for price in 100..110 {
        room.trade(price);
    }
    room.set(Side::Buy, 99, 1);
    room.flush();
    let mut seen = BTreeMap::<String, Vec<Value>>::new();
    while ["trade", "aggTrade"]
        .iter()
        .any(|name| seen.get(&format!("btcusd@{name}")).map_or(0, Vec::len) < 10)
        || !seen.contains_key("btcusd@kline_1m")
        || !seen.contains_key("btcusd@bookTicker")
    {
        let told = next(&mut client);
        let stream = told["stream"].as_str().expect("a name").to_owned();
        seen.entry(stream).or_default().push(told["data"].clone());
    }
    let numbers: Vec<_> = seen["btcusd@trade"].iter().map(|trade| trade["t"].as_u64().expect("t")).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    assert_eq!(
        (&seen["btcusd@aggTrade"][9]["p"], &seen["btcusd@trade"][9]["q"]),
        (&"54.5".into(), &"0.002".into())
    );
}

#[test]
fn clients_that_are_no_good_are_told_and_closed() {
    let mut room = Room::new(WebLimits { streams_max: 2, ..WebLimits::default() });
    room.settle();
    let subscribe = |names: &[&str]| json!({"method": "SUBSCRIBE", "params": names, "id": 1});
    let mut client = connect(&room, "/ws/btcusd@trade");
    assert_eq!(ask(&mut client, &subscribe(&["nosuch@trade"]))["error"]["code"], 2);
    assert_eq!(ask(&mut client, &subscribe(&["btcusd@depth5", "btcusd@depth10"]))["error"]["code"], 4);
    assert_eq!(ask(&mut client, &json!({"id": 5}))["error"]["code"], 2);
    for _ in 0..20 {
        let _ = client.send(Message::text("{}"));
    }
    assert_eq!(closed(&mut client), Some(1008), "too many messages");
    let mut client = connect(&room, "/ws/0");
    let _ = client.send(Message::binary(vec![1]));
    assert_eq!(closed(&mut client), Some(1007));
    let mut client = connect(&room, "/ws");
    let _ = client.send(Message::text(" ".repeat(5000)));
    assert_eq!(closed(&mut client), Some(1009));
    for path in ["/ws/nosuch@trade", "/wsx", "/ws%C3%A9", "/api/v3/ping"] {
        let refused = tungstenite::client(format!("ws://x{path}"), room.connect());
        assert!(refused.is_err(), "{path}");
    }
    let mut client = connect(&room, "/ws");
    client.send(Message::Ping(vec![7; 3].into())).expect("sent");
    assert_eq!(client.read().expect("a pong"), Message::Pong(vec![7; 3].into()));
    client.close(None).expect("closing");
    assert!(matches!(client.read(), Ok(Message::Close(_)) | Err(Error::ConnectionClosed)));
    await_that("all are gone", || room.metrics.web.connections.get() == 0);
    assert_eq!((room.metrics.web.websockets.get(), room.metrics.web.readers.get()), (0, 0));
}

#[test]
fn a_client_that_says_nothing_is_dropped_and_one_that_answers_is_not() {
    let limits = WebLimits {
        ping: Duration::from_millis(200),
        silence_max: Duration::from_secs(6),
        messages_per_second_max: 1,
        ..WebLimits::default()
    };
    let room = Room::new(limits);
    let _deaf = connect(&room, "/ws");
    let mut client = connect(&room, "/ws");
    client.get_mut().set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let begun = Instant::now();
    while room.metrics.web.websockets.get() != 1 {
        assert!(begun.elapsed() < PATIENCE);
        // Reading answers pings: five a second, none of which is a message of its own.
        let _ = client.read();
    }
    client.get_mut().set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert!(client.read().expect("it goes on").is_ping());
}

#[test]
fn a_reader_of_trades_that_does_not_read_is_cut_and_others_lose_nothing() {
    let mut room = Room::new(WebLimits { output_bytes_max: 128 << 10, ..WebLimits::default() });
    room.settle();
    let _deaf = connect(&room, "/ws/btcusd@trade");
    let mut client = connect(&room, "/ws/btcusd@aggTrade");
    let metrics = Arc::clone(&room.metrics);
    let progress = Arc::new(AtomicU64::new(0));
    let told_so_far = Arc::clone(&progress);
    let reader = std::thread::spawn(move || {
        let mut last = 0;
        loop {
            let told = next(&mut client);
            assert_eq!(told["a"].as_u64(), Some(last + 1));
            last += 1;
            told_so_far.store(last, Ordering::Relaxed);
            if told["p"] == "0.5" {
                return last;
            }
        }
    });
    // What the kernel holds for one socket is a few MiB; a trade is about 120 bytes.
    let begun = Instant::now();
    let mut said = 0;
    while metrics.web.cut.get() == 0 {
        assert!(begun.elapsed() < PATIENCE, "never cut");
        for _ in 0..500 {
            room.trade(100);
            said += 1;
        }
        room.flush();
        await_that("the quick one has them", || progress.load(Ordering::Relaxed) == said);
    }
    room.trade(1);
    room.flush();
    assert_eq!(reader.join().expect("the reader has all"), said + 1);
}
