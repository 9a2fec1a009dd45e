//! HTTP: what is answered, what is refused, and what comes to an end.

use super::room::{Room, await_that};
use engine::terms::Side;
use net::web::WebLimits;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The body of the answer to one question, as JSON.
pub(crate) fn get(room: &Room, path: &str) -> Value {
    let mut socket = room.connect();
    socket.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).expect("written");
    serde_json::from_str(&answer(&mut socket).1).expect("JSON")
}

/// Head and body of the next answer.
fn answer(socket: &mut TcpStream) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(
            socket.read(&mut byte).expect("an answer"),
            1,
            "ended in: {}",
            String::from_utf8_lossy(&head)
        );
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text");
    let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; length.map_or(0, |digits| digits.parse().expect("a length"))];
    socket.read_exact(&mut body).expect("a body");
    (head, String::from_utf8(body).expect("text"))
}

/// Whether the door has ended the connection; waits for it.
fn ended(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match socket.read_to_end(&mut rest) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[track_caller]
fn check(room: &Room, request: &str, status: &str, closes: bool) {
    let mut socket = room.connect();
    socket.write_all(request.as_bytes()).expect("written");
    let (head, _) = answer(&mut socket);
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {head}");
    assert_eq!(head.contains("Connection: close"), closes, "{request:?}: {head}");
    if closes {
        assert!(ended(&mut socket), "{request:?}");
    }
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let mut room = Room::new(WebLimits::default());
    room.set(Side::Buy, 10, 1500);
    room.trade(11);
    room.settle();
    let mut socket = room.connect();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let all = [
        get("/api/v3/ping"),
        get("/api/v3/depth?symbol=BTCUSD"),
        get("/api/v3/nothing"),
        "OPTIONS / HTTP/1.1\r\n\r\n".to_owned(),
        get("/api/v3/trades?symbol=btcusd"),
    ];
    socket.write_all(all.concat().as_bytes()).expect("written");
    assert_eq!(answer(&mut socket).1, "{}");
    let depth: Value = serde_json::from_str(&answer(&mut socket).1).expect("JSON");
    assert_eq!((&depth["bids"], &depth["lastUpdateId"]), (&json!([["5.0", "1.500"]]), &json!(1)));
    let (head, body) = answer(&mut socket);
    assert!(head.starts_with("HTTP/1.1 404") && body.contains("-1020"), "{head}{body}");
    assert!(answer(&mut socket).0.contains("Access-Control-Allow-Origin: *"));
    let trades: Value = serde_json::from_str(&answer(&mut socket).1).expect("JSON");
    assert_eq!(trades[0]["price"], "5.5");
    // A request in two pieces, then what the operator looks at.
    let (first, second) = ("GET /api/v3/ti", "me HTTP/1.1\r\n\r\n");
    socket.write_all(first.as_bytes()).expect("written");
    std::thread::sleep(Duration::from_millis(20));
    socket.write_all(second.as_bytes()).expect("written");
    assert!(answer(&mut socket).1.contains("serverTime"));
    for (path, word) in [
        ("/healthz", "ok"),
        ("/readyz", "not ready"),
        ("/metrics", "rotunda_web_requests_total 9\n"),
        ("/", "<html"),
    ] {
        socket.write_all(get(path).as_bytes()).expect("written");
        let (head, body) = answer(&mut socket);
        assert!(body.contains(word), "{path}: {head}{body}");
    }
    room.metrics.set_ready(true);
    check(&room, &get("/readyz"), "200", false);
}

#[test]
fn an_answer_is_whole_however_slowly_it_is_read() {
    let mut room = Room::new(WebLimits::default());
    for price in 1..5000 {
        room.set(Side::Buy, price, 1_000);
        room.set(Side::Sell, 10_000 + price, 1_000);
    }
    room.settle();
    let mut socket = room.connect();
    let request = "GET /api/v3/depth?symbol=BTCUSD&limit=5000 HTTP/1.1\r\n\r\n";
    for _ in 0..20 {
        socket.write_all(request.as_bytes()).expect("written");
    }
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(5));
        let depth: Value = serde_json::from_str(&answer(&mut socket).1).expect("JSON");
        assert_eq!(depth["bids"].as_array().map(Vec::len), Some(4999));
    }
}

#[test]
fn what_cannot_be_answered_is_told_and_ended() {
    let room = Room::new(WebLimits::default());
    check(&room, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "200", true);
    check(&room, "\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "400", true);
    check(&room, "POST /api/v3/order HTTP/1.1\r\n\r\n", "405", true);
    check(&room, "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "413", true);
    check(&room, &format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(4096)), "431", true);
    check(&room, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n", "426", true);
    let key =
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    check(&room, &format!("GET /wsé HTTP/1.1\r\n{key}\r\n\r\n"), "404", true);
    check(&room, "GET /api/v3/depth HTTP/1.1\r\n\r\n", "400", false);
}

#[test]
fn slow_and_idle_connections_end() {
    let limits = WebLimits {
        request_max: Duration::from_millis(300),
        idle_max: Duration::from_millis(600),
        ..WebLimits::default()
    };
    let room = Room::new(limits);
    let mut slow = room.connect();
    slow.write_all(b"GET / HT").expect("written");
    assert!(answer(&mut slow).0.starts_with("HTTP/1.1 408"));
    assert!(ended(&mut slow));
    assert!(ended(&mut room.connect()), "idle");
    await_that("both are gone", || room.metrics.web.connections.get() == 0);
}

#[test]
fn one_connection_too_many_is_told_so() {
    let room = Room::new(WebLimits { connections_max: 2, ..WebLimits::default() });
    let held = [room.connect(), room.connect()];
    await_that("both are held", || room.metrics.web.connections.get() == 2);
    let mut third = room.connect();
    assert!(answer(&mut third).0.starts_with("HTTP/1.1 503"));
    assert!(ended(&mut third));
    drop(held);
    await_that("there is room again", || room.metrics.web.connections.get() == 0);
    check(&room, "GET /api/v3/ping HTTP/1.1\r\n\r\n", "200", false);
}
