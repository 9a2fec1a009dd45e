//! What a browser or a script may send, and stored views, from any bytes at all.

#[path = "../../../tests/fuzz/harness.rs"]
mod harness;

use super::http::{self, Parsed};
use super::limits::REQUEST_BYTES_MAX;
use super::rest;
use super::streams::{Message, StreamKey, Wish};
use super::views::MarketViews;
use super::views::tests::{START_NS, Taken, level, listing, taken};
use engine::event::Flags;
use engine::terms::Side;
use harness::fuzz;
use serde_json::Value;

const NOW_MS: u64 = START_NS / 1_000_000 + 3 * 60_000;
/// Of an answer about one market with a handful of levels and trades.
const ANSWER_BYTES_MAX: usize = 64 << 10;

fn views() -> MarketViews {
    let mut views = MarketViews::new();
    views.learn(&listing(1, 1));
    views.learn(&level(2, Side::Buy, 199, 1500, 1));
    views.learn(&level(3, Side::Sell, 201, 20, 2));
    for (number, minute) in [(1, 0), (2, 2)] {
        let time_ns = START_NS + minute * 60_000_000_000;
        let (price, quantity, flags) = (200 + number as i64, 2000, Flags::FINAL);
        views.learn(&taken(&Taken { sequence: 3 + number, time_ns, number, price, quantity, flags }));
    }
    views
}

fn examples(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn fuzz_http() {
    let requests = [
        "GET / HTTP/1.1\r\nHost: venue\r\n\r\n",
        "HEAD /api/v3/ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "OPTIONS /api/v3/time HTTP/1.1\r\nOrigin: null\r\n\r\n",
        "GET /api/v3/depth?symbol=BTCUSD&limit=5 HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /api/v3/klines?symbol=btcusd&interval=1m&startTime=1795696440000&endTime=1795696500000 HTTP/1.1\r\n\r\n",
        "GET /api/v3/aggTrades?symbol=BTCUSD&fromId=1 HTTP/1.1\r\n\r\n",
        "GET /api/v3/exchangeInfo?symbols=%5B%22BTCUSD%22%5D HTTP/1.1\r\n\r\n",
        "GET /api/v3/ticker/24hr?type=MINI HTTP/1.1\r\n\r\n",
        "GET /ws/btcusd@trade HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ];
    let views = views();
    let views = std::panic::AssertUnwindSafe(&views);
    fuzz("http", examples(&requests), move |bytes| {
        let Parsed::Whole(request, length) = http::parse(bytes) else { return false };
        assert!(length <= bytes.len() && length <= REQUEST_BYTES_MAX);
        assert_eq!(
            http::parse(&bytes[..length]),
            Parsed::Whole(request, length),
            "what follows is another's"
        );
        assert!(!matches!(http::parse(&bytes[..length - 1]), Parsed::Whole(..)), "nor is it shorter");
        for (name, value) in http::parameters(request.query) {
            assert!(name.len() + value.len() <= request.query.len());
        }
        let body = match rest::answer(&views, request.path, request.query, NOW_MS) {
            Ok(body) => body,
            Err(error) => error.body(),
        };
        assert!(body.len() <= ANSWER_BYTES_MAX, "{} bytes", body.len());
        assert!(serde_json::from_str::<Value>(&body).is_ok(), "no JSON: {body}");
        true
    });
}

#[test]
fn fuzz_websocket_message() {
    let messages = [
        r#"{"method":"SUBSCRIBE","params":["btcusd@depth@100ms","!ticker@arr"],"id":1}"#,
        r#"{"method":"UNSUBSCRIBE","params":["btcusd@kline_1M"],"id":"a"}"#,
        r#"{"method":"LIST_SUBSCRIPTIONS","id":-3.5}"#,
        r#"{"method":"SET_PROPERTY","params":["combined",true],"id":null}"#,
        r#"{"method":"GET_PROPERTY","params":["combined"]}"#,
    ];
    let views = views();
    let views = std::panic::AssertUnwindSafe(&views);
    fuzz("websocket_message", examples(&messages), move |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let message = Message::parse(&text);
        if let Ok(Wish::Subscribe(names) | Wish::Unsubscribe(names)) = &message.wish {
            for name in names {
                let Some(key) = StreamKey::parse(&views, name) else { continue };
                assert_eq!(StreamKey::parse(&views, &key.name(&views)), Some(key), "{name}");
            }
        }
        let mut answer = String::new();
        message.answer(&mut answer, message.wish.as_ref().map(|_| "null"));
        assert!(answer.len() <= 6 * text.len() + 300, "an answer is bounded by its message: {answer}");
        assert!(serde_json::from_str::<Value>(&answer).is_ok(), "no JSON: {answer}");
        message.wish.is_ok()
    });
}

#[test]
fn fuzz_stored_views() {
    let mut stored = Vec::new();
    views().encode(&mut stored);
    let mut empty = Vec::new();
    MarketViews::new().encode(&mut empty);
    fuzz("stored_views", vec![stored, empty], |bytes| {
        let Ok(views) = MarketViews::decode(bytes) else { return false };
        let mut again = Vec::new();
        views.encode(&mut again);
        assert_eq!(again, bytes, "what is taken is written the same");
        true
    });
}
