//! Names of streams, and the messages by which clients choose them.

use super::text;
use super::views::{Interval, MarketViews};
use engine::number::InstrumentId;
use serde_json::Value;

/// How often a stream of levels goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// Every 100 ms.
    Fast,
    /// Every second.
    Slow,
}

/// What a stream tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    Diff(Pace),
    /// The best so many levels.
    Partial(u8, Pace),
    Trade,
    Aggregate,
    BookTicker,
    Kline(Interval),
    Ticker,
    MiniTicker,
}

/// A stream: of one market, or of all for the tickers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamKey {
    pub(crate) market: Option<InstrumentId>,
    pub(crate) topic: Topic,
}

impl StreamKey {
    /// The stream of this name; the symbol in any case.
    pub(crate) fn parse(views: &MarketViews, name: &str) -> Option<Self> {
        let (symbol, topic) = name.split_once('@')?;
        let all = match (symbol, topic) {
            ("!ticker", "arr") => Some(Topic::Ticker),
            ("!miniTicker", "arr") => Some(Topic::MiniTicker),
            _ => None,
        };
        if let Some(topic) = all {
            return Some(Self { market: None, topic });
        }
        let topic = parse_topic(topic)?;
        Some(Self { market: Some(views.market_of(symbol)?.id), topic })
    }

    /// Its name, with the symbol in small letters.
    pub(crate) fn name(self, views: &MarketViews) -> String {
        let Some(market) = self.market else {
            return if self.topic == Topic::Ticker { "!ticker@arr" } else { "!miniTicker@arr" }.to_owned();
        };
        let symbol =
            views.market(market).map_or(String::new(), |market| market.symbol.as_str().to_lowercase());
        let suffix = |pace| if pace == Pace::Fast { "@100ms" } else { "" };
        match self.topic {
            Topic::Diff(pace) => format!("{symbol}@depth{}", suffix(pace)),
            Topic::Partial(levels, pace) => format!("{symbol}@depth{levels}{}", suffix(pace)),
            Topic::Trade => format!("{symbol}@trade"),
            Topic::Aggregate => format!("{symbol}@aggTrade"),
            Topic::BookTicker => format!("{symbol}@bookTicker"),
            Topic::Kline(interval) => format!("{symbol}@kline_{}", interval.name()),
            Topic::Ticker => format!("{symbol}@ticker"),
            Topic::MiniTicker => format!("{symbol}@miniTicker"),
        }
    }
}

fn parse_topic(text: &str) -> Option<Topic> {
    if let Some(interval) = text.strip_prefix("kline_") {
        return Interval::parse(interval).map(Topic::Kline);
    }
    if let Some(depth) = text.strip_prefix("depth") {
        let (levels, pace) = match depth.split_once('@') {
            None => (depth, Pace::Slow),
            Some((levels, "1000ms")) => (levels, Pace::Slow),
            Some((levels, "100ms")) => (levels, Pace::Fast),
            Some(_) => return None,
        };
        return match levels {
            "" => Some(Topic::Diff(pace)),
            "5" => Some(Topic::Partial(5, pace)),
            "10" => Some(Topic::Partial(10, pace)),
            "20" => Some(Topic::Partial(20, pace)),
            _ => None,
        };
    }
    match text {
        "trade" => Some(Topic::Trade),
        "aggTrade" => Some(Topic::Aggregate),
        "bookTicker" => Some(Topic::BookTicker),
        "ticker" => Some(Topic::Ticker),
        "miniTicker" => Some(Topic::MiniTicker),
        _ => None,
    }
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
    List,
    /// Whether updates come with the name of their stream.
    Combined(bool),
    IsCombined,
}

/// A message of a client: its number as JSON, and its wish or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) wish: Result<Wish, StreamError>,
}

/// Why a message is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamError {
    /// Not an object of JSON.
    Json,
    /// `method` is none of those that are known.
    Method,
    /// `params` do not fit the method.
    Parameters,
    /// `id` is no integer, string or null.
    Id,
    /// No such stream.
    Unknown(String),
    /// More streams than a connection may follow, or than there is room for.
    TooMany,
}

impl StreamError {
    /// Code and sentence.
    fn told(&self) -> (u8, String) {
        match self {
            Self::Json => (3, "Invalid JSON: an object with method, params and id is expected".to_owned()),
            Self::Method => (
                2,
                "Invalid request: method is one of SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY, \
                 GET_PROPERTY"
                    .to_owned(),
            ),
            Self::Parameters => (2, "Invalid request: params do not fit the method".to_owned()),
            Self::Id => (2, "Invalid request: id is an integer, a string or null".to_owned()),
            Self::Unknown(name) => (2, format!("Invalid request: no stream {name}")),
            Self::TooMany => (4, "Too many streams: at most as [web] streams_max says a connection".to_owned()),
        }
    }
}

impl Message {
    /// Reads a message.
    pub(crate) fn parse(text: &str) -> Self {
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else {
            return Self { id: "null".to_owned(), wish: Err(StreamError::Json) };
        };
        let id = match object.get("id") {
            None | Some(Value::Null) => "null".to_owned(),
            Some(id @ (Value::String(_) | Value::Number(_))) => id.to_string(),
            Some(_) => return Self { id: "null".to_owned(), wish: Err(StreamError::Id) },
        };
        Self { id, wish: wish(object.get("method"), object.get("params")) }
    }

    /// Appends the answer to it; `result` is JSON.
    pub(crate) fn answer(&self, out: &mut String, result: Result<&str, &StreamError>) {
        match result {
            Ok(result) => {
                out.push_str("{\"result\":");
                out.push_str(result);
            }
            Err(error) => {
                let (code, message) = error.told();
                out.push_str("{\"error\":{\"code\":");
                text::number(out, code.into());
                out.push_str(",\"msg\":");
                text::string(out, &message);
                out.push('}');
            }
        }
        out.push_str(",\"id\":");
        out.push_str(&self.id);
        out.push('}');
    }
}

fn wish(method: Option<&Value>, params: Option<&Value>) -> Result<Wish, StreamError> {
    let names = || -> Result<Vec<String>, StreamError> {
        let list = params.and_then(Value::as_array).ok_or(StreamError::Parameters)?;
        list.iter().map(|name| name.as_str().map(str::to_owned).ok_or(StreamError::Parameters)).collect()
    };
    let property = |index: usize| params.and_then(|params| params.get(index));
    let is_combined = || property(0).and_then(Value::as_str) == Some("combined");
    match method.and_then(Value::as_str) {
        Some("SUBSCRIBE") => names().map(Wish::Subscribe),
        Some("UNSUBSCRIBE") => names().map(Wish::Unsubscribe),
        Some("LIST_SUBSCRIPTIONS") => Ok(Wish::List),
        Some("SET_PROPERTY") if is_combined() => {
            property(1).and_then(Value::as_bool).map(Wish::Combined).ok_or(StreamError::Parameters)
        }
        Some("GET_PROPERTY") if is_combined() => Ok(Wish::IsCombined),
        Some("SET_PROPERTY" | "GET_PROPERTY") => Err(StreamError::Parameters),
        _ => Err(StreamError::Method),
    }
}

#[cfg(test)]
mod tests {
    use super::super::views::tests::listing;
    use super::*;

    fn views() -> MarketViews {
        let mut views = MarketViews::new();
        views.learn(&listing(1, 1));
        views
    }

    #[test]
    fn names_are_read_and_written() {
        let names = "btcusd@depth btcusd@depth@100ms btcusd@depth5 btcusd@depth20@100ms btcusd@trade btcusd@aggTrade \
            btcusd@bookTicker btcusd@kline_1m btcusd@kline_1M btcusd@ticker btcusd@miniTicker !ticker@arr !miniTicker@arr";
        for name in names.split_whitespace() {
            assert_eq!(StreamKey::parse(&views(), name).map(|key| key.name(&views())).as_deref(), Some(name));
        }
        assert!(StreamKey::parse(&views(), "BTCUSD@depth10@1000ms").is_some());
        for name in "btcusd btcusd@ btcusd@depth7 btcusd@depth@5ms btcusd@kline_9m none@trade !x@arr @trade"
            .split_whitespace()
        {
            assert_eq!(StreamKey::parse(&views(), name), None, "{name}");
        }
    }

    #[track_caller]
    fn check(text: &str, id: &str, wish: Result<Wish, StreamError>) {
        assert_eq!(Message::parse(text), Message { id: id.to_owned(), wish }, "{text}");
    }

    #[test]
    fn messages_say_what_is_wished() {
        let names = || vec!["a@trade".to_owned()];
        check(r#"{"method":"SUBSCRIBE","params":["a@trade"],"id":1}"#, "1", Ok(Wish::Subscribe(names())));
        check(
            r#"{"method":"UNSUBSCRIBE","params":["a@trade"],"id":"x"}"#,
            "\"x\"",
            Ok(Wish::Unsubscribe(names())),
        );
        check(r#"{"method":"LIST_SUBSCRIPTIONS","id":null}"#, "null", Ok(Wish::List));
        check(r#"{"method":"SET_PROPERTY","params":["combined",true]}"#, "null", Ok(Wish::Combined(true)));
        check(r#"{"method":"GET_PROPERTY","params":["combined"],"id":5}"#, "5", Ok(Wish::IsCombined));
    }

    #[test]
    fn what_is_no_wish_is_refused() {
        check("hello", "null", Err(StreamError::Json));
        check("[]", "null", Err(StreamError::Json));
        check(&"[".repeat(4000), "null", Err(StreamError::Json));
        check(r#"{"id":1}"#, "1", Err(StreamError::Method));
        check(r#"{"method":"BUY","id":1}"#, "1", Err(StreamError::Method));
        check(r#"{"method":"SUBSCRIBE","id":1}"#, "1", Err(StreamError::Parameters));
        check(r#"{"method":"SUBSCRIBE","params":[1],"id":1}"#, "1", Err(StreamError::Parameters));
        check(r#"{"method":"SUBSCRIBE","params":["a"],"id":[1]}"#, "null", Err(StreamError::Id));
        let mut out = String::new();
        Message::parse("{\"id\":7}").answer(&mut out, Err(&StreamError::Unknown("\"".to_owned())));
        assert_eq!(out, r#"{"error":{"code":2,"msg":"Invalid request: no stream \""},"id":7}"#);
    }
}
