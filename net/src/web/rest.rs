//! `/api/v3`: questions to the views, and their answers as JSON.

use super::http;
use super::json::{Object, array};
use super::text;
use super::updates::{self, ms};
use super::views::{Candle, Interval, Market, MarketViews, Ticker};
use engine::number::{CurrencyId, Price};
use engine::terms::{Phase, Side};
use std::borrow::Cow;

const DEPTH_DEFAULT: usize = 100;
const DEPTH_MAX: usize = 5000;
const LIST_DEFAULT: usize = 500;
const LIST_MAX: usize = 1000;
/// `avgPrice` looks back so far.
const AVERAGE_MINUTES: u64 = 5;

/// Why a question has no answer, in Binance's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// No such path.
    Path,
    /// A parameter that must be there is not.
    Missing(&'static str),
    /// A parameter is not what it must be.
    Illegal(&'static str),
    /// No such symbol.
    Symbol,
    /// No such interval.
    Interval,
    /// Parameters that exclude each other.
    Combination,
}

impl ApiError {
    /// Status and reason phrase.
    pub(crate) const fn status(self) -> &'static str {
        if matches!(self, Self::Path) { "404 Not Found" } else { "400 Bad Request" }
    }

    /// `{"code":…,"msg":…}`
    pub(crate) fn body(self) -> String {
        let (code, message) = match self {
            Self::Path => (-1020, "This operation is not supported: no such path here.".into()),
            Self::Missing(name) => {
                (-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
            }
            Self::Illegal(name) => {
                (-1100, format!("Illegal characters or value found in parameter '{name}'."))
            }
            Self::Symbol => (-1121, "Invalid symbol.".to_owned()),
            Self::Interval => (-1120, "Invalid interval.".to_owned()),
            Self::Combination => (-1128, "Combination of optional parameters invalid.".to_owned()),
        };
        let mut body = String::new();
        Object::new(&mut body).raw("code", &code.to_string()).string("msg", &message).end();
        body
    }
}

/// The answer to `path` with `query` at `now_ms`.
pub(crate) fn answer(views: &MarketViews, path: &str, query: &str, now_ms: u64) -> Result<String, ApiError> {
    let query = Query { pairs: http::parameters(query).collect() };
    let name = path.strip_prefix("/api/v3/").ok_or(ApiError::Path)?;
    let mut out = String::with_capacity(1024);
    let to = &mut out;
    match name {
        "ping" => to.push_str("{}"),
        "time" => Object::new(to).number("serverTime", now_ms).end(),
        "exchangeInfo" => exchange_info(to, views, &query, now_ms)?,
        "depth" => depth(to, query.market(views)?, &query)?,
        "trades" => trades(to, query.market(views)?, &query, false)?,
        "historicalTrades" => trades(to, query.market(views)?, &query, true)?,
        "aggTrades" => aggregates(to, query.market(views)?, &query)?,
        "klines" | "uiKlines" => klines(to, query.market(views)?, &query, now_ms)?,
        "avgPrice" => average_price(to, query.market(views)?, now_ms),
        "ticker/24hr" => {
            let is_mini = match query.get("type") {
                None | Some("FULL") => false,
                Some("MINI") => true,
                Some(_) => return Err(ApiError::Illegal("type")),
            };
            each(to, views, &query, |out, market| day(out, market, now_ms, is_mini))?;
        }
        "ticker/price" => each(to, views, &query, |out, market| {
            let last = market.tape.trades().next_back().map_or(Price(0), |trade| trade.price);
            symbol(out, market).price("price", &market.terms, last).end();
        })?,
        "ticker/bookTicker" => each(to, views, &query, |out, market| {
            let [bid, ask] = updates::touch(&market.book);
            symbol(out, market)
                .price("bidPrice", &market.terms, bid.0)
                .quantity("bidQty", &market.terms, bid.1)
                .price("askPrice", &market.terms, ask.0)
                .quantity("askQty", &market.terms, ask.1)
                .end();
        })?,
        _ => return Err(ApiError::Path),
    }
    Ok(out)
}

/// Parameters as they came.
struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl Query<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_ref())
    }

    fn number(&self, name: &'static str) -> Result<Option<u64>, ApiError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        self.get(name)
            .map(|text| text.parse().ok().filter(|_| digits(text)).ok_or(ApiError::Illegal(name)))
            .transpose()
    }

    /// At least 1; more than `max` is `max`.
    fn limit(&self, default: usize, max: usize) -> Result<usize, ApiError> {
        match self.number("limit")? {
            None => Ok(default),
            Some(0) => Err(ApiError::Illegal("limit")),
            Some(limit) => Ok(usize::try_from(limit).unwrap_or(max).min(max)),
        }
    }

    fn market<'v>(&self, views: &'v MarketViews) -> Result<&'v Market, ApiError> {
        let symbol = self.get("symbol").filter(|symbol| !symbol.is_empty());
        views.market_of(symbol.ok_or(ApiError::Missing("symbol"))?).ok_or(ApiError::Symbol)
    }

    /// The markets that `symbols` names, in its order; `None` where it is not there.
    fn markets<'v>(&self, views: &'v MarketViews) -> Result<Option<Vec<&'v Market>>, ApiError> {
        let Some(list) = self.get("symbols") else { return Ok(None) };
        if self.get("symbol").is_some() {
            return Err(ApiError::Combination);
        }
        let names: Vec<String> = serde_json::from_str(list).map_err(|_| ApiError::Illegal("symbols"))?;
        let found = names.iter().map(|name| views.market_of(name).ok_or(ApiError::Symbol));
        found.collect::<Result<Vec<_>, _>>().map(Some)
    }
}

/// An object for `symbol`, an array for `symbols` or for all.
fn each(
    out: &mut String,
    views: &MarketViews,
    query: &Query<'_>,
    mut write: impl FnMut(&mut String, &Market),
) -> Result<(), ApiError> {
    match query.markets(views)? {
        Some(markets) => array(out, markets, write),
        None if query.get("symbol").is_some() => write(out, query.market(views)?),
        None => array(out, listed(views), write),
    }
    Ok(())
}

fn listed(views: &MarketViews) -> impl Iterator<Item = &Market> {
    views.markets().filter(|market| market.phase != Phase::Delisted)
}

fn symbol<'a>(out: &'a mut String, market: &Market) -> Object<'a> {
    let mut object = Object::new(out);
    object.string("symbol", market.symbol.as_str());
    object
}

fn exchange_info(
    out: &mut String,
    views: &MarketViews,
    query: &Query<'_>,
    now_ms: u64,
) -> Result<(), ApiError> {
    let markets = match query.markets(views)? {
        Some(markets) => markets,
        None if query.get("symbol").is_some() => vec![query.market(views)?],
        None => listed(views).collect(),
    };
    let mut object = Object::new(out);
    object.string("timezone", "UTC").number("serverTime", now_ms);
    object.raw("rateLimits", "[]").raw("exchangeFilters", "[]");
    array(object.field("symbols"), markets, |out, market| listing(out, views, market));
    object.end();
    Ok(())
}

fn listing(out: &mut String, views: &MarketViews, market: &Market) {
    let terms = &market.terms;
    let name = |id: CurrencyId| views.currency(id).map_or("", |currency| currency.name.as_str());
    let digits = |id: CurrencyId| views.currency(id).map_or(8, |currency| u64::from(currency.digits));
    let (base, quote) = (digits(terms.base), digits(terms.quote));
    let mut object = symbol(out, market);
    object
        .string("status", status(market.phase))
        .string("baseAsset", name(terms.base))
        .number("baseAssetPrecision", base)
        .string("quoteAsset", name(terms.quote))
        .number("quotePrecision", quote)
        .number("quoteAssetPrecision", quote)
        .number("baseCommissionPrecision", base)
        .number("quoteCommissionPrecision", quote)
        .raw("orderTypes", r#"["LIMIT","LIMIT_MAKER","MARKET"]"#)
        .flag("icebergAllowed", false)
        .flag("ocoAllowed", false)
        .flag("otoAllowed", false)
        .flag("quoteOrderQtyMarketAllowed", false)
        .flag("allowTrailingStop", false)
        .flag("cancelReplaceAllowed", true)
        .flag("amendAllowed", true)
        .flag("isSpotTradingAllowed", true)
        .flag("isMarginTradingAllowed", false);
    let filters = object.field("filters");
    filters.push('[');
    let least = if terms.signed_prices { Price(-terms.price_max.0) } else { Price(1) };
    Object::new(filters)
        .string("filterType", "PRICE_FILTER")
        .price("minPrice", terms, least)
        .price("maxPrice", terms, terms.price_max)
        .price("tickSize", terms, Price(1))
        .end();
    filters.push(',');
    Object::new(filters)
        .string("filterType", "LOT_SIZE")
        .volume("minQty", terms, 1)
        .quantity("maxQty", terms, terms.quantity_max)
        .volume("stepSize", terms, 1)
        .end();
    filters.push(']');
    object
        .raw("permissions", "[]")
        .raw("permissionSets", r#"[["SPOT"]]"#)
        .string("defaultSelfTradePreventionMode", "NONE")
        .raw(
            "allowedSelfTradePreventionModes",
            r#"["NONE","EXPIRE_TAKER","EXPIRE_MAKER","EXPIRE_BOTH","DECREMENT"]"#,
        )
        .end();
}

const fn status(phase: Phase) -> &'static str {
    match phase {
        Phase::Continuous => "TRADING",
        Phase::PreOpen => "PRE_TRADING",
        Phase::OpeningAuction | Phase::VolatilityAuction | Phase::ClosingAuction => "AUCTION_MATCH",
        Phase::Closed => "END_OF_DAY",
        Phase::Halted => "HALT",
        Phase::Suspended | Phase::Delisted => "BREAK",
    }
}

fn depth(out: &mut String, market: &Market, query: &Query<'_>) -> Result<(), ApiError> {
    updates::partial(out, market, query.limit(DEPTH_DEFAULT, DEPTH_MAX)?);
    Ok(())
}

fn trades(out: &mut String, market: &Market, query: &Query<'_>, is_historical: bool) -> Result<(), ApiError> {
    let limit = query.limit(LIST_DEFAULT, LIST_MAX)?;
    let from = if is_historical { query.number("fromId")? } else { None };
    let kept = market.tape.trades();
    let skipped = match from {
        Some(from) => market.tape.trades().take_while(|trade| trade.number.0 < from).count(),
        None => kept.len().saturating_sub(limit),
    };
    array(out, kept.skip(skipped).take(limit), |out, trade| {
        let notional = i128::from(trade.price.0) * i128::from(trade.quantity.0);
        Object::new(out)
            .number("id", trade.number.0)
            .price("price", &market.terms, trade.price)
            .quantity("qty", &market.terms, trade.quantity)
            .notional("quoteQty", &market.terms, notional)
            .number("time", ms(trade.time))
            .flag("isBuyerMaker", trade.taker == Side::Sell)
            .flag("isBestMatch", true)
            .end();
    });
    Ok(())
}

fn aggregates(out: &mut String, market: &Market, query: &Query<'_>) -> Result<(), ApiError> {
    let limit = query.limit(LIST_DEFAULT, LIST_MAX)?;
    let (start, end) = (query.number("startTime")?, query.number("endTime")?);
    let from = query.number("fromId")?;
    if from.is_some() && (start.is_some() || end.is_some()) {
        return Err(ApiError::Combination);
    }
    let within: Vec<_> = market
        .tape
        .aggregates()
        .filter(|trade| from.is_none_or(|from| trade.number >= from))
        .filter(|trade| start.is_none_or(|start| ms(trade.time) >= start))
        .filter(|trade| end.is_none_or(|end| ms(trade.time) <= end))
        .collect();
    // From a beginning the first ones, otherwise the last.
    let skipped = if from.is_some() || start.is_some() { 0 } else { within.len().saturating_sub(limit) };
    array(out, within.into_iter().skip(skipped).take(limit), |out, trade| {
        Object::new(out)
            .number("a", trade.number)
            .price("p", &market.terms, trade.price)
            .quantity("q", &market.terms, trade.quantity)
            .number("f", trade.first.0)
            .number("l", trade.last.0)
            .number("T", ms(trade.time))
            .flag("m", trade.taker == Side::Sell)
            .flag("M", true)
            .end();
    });
    Ok(())
}

fn klines(out: &mut String, market: &Market, query: &Query<'_>, now_ms: u64) -> Result<(), ApiError> {
    let name = query.get("interval").ok_or(ApiError::Missing("interval"))?;
    let interval = Interval::parse(name).ok_or(ApiError::Interval)?;
    let limit = query.limit(LIST_DEFAULT, LIST_MAX)?;
    let (start, end) = (query.number("startTime")?, query.number("endTime")?);
    if query.get("timeZone").is_some_and(|zone| !matches!(zone, "0" | "+0" | "0:00" | "+00:00" | "00:00")) {
        return Err(ApiError::Illegal("timeZone"));
    }
    let candles = drawn(market, interval, start, end.unwrap_or(now_ms).min(now_ms), limit);
    array(out, candles, |out, candle| {
        let terms = &market.terms;
        out.push('[');
        text::number(out, candle.open_ms);
        for price in [candle.open, candle.high, candle.low, candle.close] {
            out.push_str(",\"");
            terms.price(out, price);
            out.push('"');
        }
        out.push_str(",\"");
        terms.volume(out, candle.volume);
        out.push_str("\",");
        text::number(out, interval.end_ms(candle.open_ms) - 1);
        out.push_str(",\"");
        terms.notional(out, candle.notional);
        out.push_str("\",");
        text::number(out, candle.count);
        out.push_str(",\"");
        terms.volume(out, candle.bought_volume);
        out.push_str("\",\"");
        terms.notional(out, candle.bought_notional);
        out.push_str("\",\"0\"]");
    });
    Ok(())
}

/// Candles one after another, those without trades too: `limit` from `start` on, or up to `end_ms`.
fn drawn(market: &Market, interval: Interval, start: Option<u64>, end_ms: u64, limit: usize) -> Vec<Candle> {
    let Some(oldest) = market.candles.of(interval).front().map(|candle| candle.open_ms) else {
        return Vec::new();
    };
    if start.is_some_and(|start| start > end_ms) {
        return Vec::new();
    }
    let mut open_ms = match start {
        Some(start) if start <= oldest => oldest,
        Some(start) if interval.open_ms(start) == start => start,
        Some(start) => interval.end_ms(interval.open_ms(start)),
        None => {
            let mut open_ms = interval.open_ms(end_ms);
            for _ in 1..limit {
                if open_ms <= oldest {
                    break;
                }
                open_ms = interval.open_ms(open_ms - 1);
            }
            open_ms.max(oldest)
        }
    };
    let mut candles = Vec::new();
    while open_ms <= end_ms && candles.len() < limit {
        candles.extend(market.candles.at(interval, open_ms));
        open_ms = interval.end_ms(open_ms);
    }
    candles
}

fn average_price(out: &mut String, market: &Market, now_ms: u64) {
    let minutes = market.candles.of(Interval::MINUTE);
    let since = now_ms.saturating_sub(AVERAGE_MINUTES * 60_000);
    let (mut notional, mut volume) = (0_i128, 0_u128);
    for candle in minutes.iter().rev().take_while(|candle| candle.open_ms > since) {
        notional = notional.saturating_add(candle.notional);
        volume = volume.saturating_add(candle.volume);
    }
    let last = market.tape.trades().next_back();
    let average = updates::average(notional, volume, last.map_or(Price(0), |trade| trade.price));
    let terms = &market.terms;
    Object::new(out)
        .number("mins", AVERAGE_MINUTES)
        .decimal("price", average.saturating_mul(i128::from(terms.tick)), terms.tick_digits + 8)
        .number("closeTime", last.map_or(now_ms, |trade| ms(trade.time)))
        .end();
}

fn day(out: &mut String, market: &Market, now_ms: u64, is_mini: bool) {
    let day = Ticker::of(market, now_ms);
    let terms = &market.terms;
    let mut object = symbol(out, market);
    if !is_mini {
        let [bid, ask] = updates::touch(&market.book);
        let average = updates::average(day.notional, day.volume, day.last);
        object
            .price("priceChange", terms, Price(day.last.0.saturating_sub(day.open.0)))
            .decimal("priceChangePercent", updates::change_percent(&day), 3)
            .decimal(
                "weightedAvgPrice",
                average.saturating_mul(i128::from(terms.tick)),
                terms.tick_digits + 8,
            )
            .price("prevClosePrice", terms, day.previous_close)
            .quantity("lastQty", terms, day.last_quantity)
            .price("bidPrice", terms, bid.0)
            .quantity("bidQty", terms, bid.1)
            .price("askPrice", terms, ask.0)
            .quantity("askQty", terms, ask.1);
    }
    object
        .price("lastPrice", terms, day.last)
        .price("openPrice", terms, day.open)
        .price("highPrice", terms, day.high)
        .price("lowPrice", terms, day.low)
        .volume("volume", terms, day.volume)
        .notional("quoteVolume", terms, day.notional)
        .number("openTime", day.open_ms)
        .number("closeTime", day.close_ms)
        .number("firstId", day.first_trade.0)
        .number("lastId", day.last_trade.0)
        .number("count", day.count)
        .end();
}

#[cfg(test)]
mod tests {
    use super::super::views::tests::{START_NS, Taken, level, listing, taken};
    use super::*;
    use engine::event::Flags;
    use serde_json::{Value, json};

    const NOW_MS: u64 = START_NS / 1_000_000 + 3 * 60_000;

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

    #[track_caller]
    fn check(path: &str, query: &str, expected: Result<Value, ApiError>) {
        let found = answer(&views(), path, query, NOW_MS);
        let found = found.map(|text| serde_json::from_str::<Value>(&text).expect("JSON"));
        assert_eq!(found, expected, "{path}?{query}");
    }

    #[test]
    fn questions_have_their_answers() {
        check("/api/v3/ping", "", Ok(json!({})));
        check("/api/v3/time", "", Ok(json!({"serverTime": NOW_MS})));
        let checksum = crc32fast::hash(b"99.5:1.500,100.5:0.020");
        check(
            "/api/v3/depth",
            "symbol=BTCUSD&limit=5",
            Ok(
                json!({"lastUpdateId": 2, "bids": [["99.5", "1.500"]], "asks": [["100.5", "0.020"]], "c": checksum}),
            ),
        );
        check("/api/v3/ticker/price", "symbol=btcusd", Ok(json!({"symbol": "BTCUSD", "price": "101.0"})));
        check("/api/v3/ticker/price", "", Ok(json!([{"symbol": "BTCUSD", "price": "101.0"}])));
        check("/api/v3/ticker/price", "symbols=%5B%5D", Ok(json!([])));
        let trade = json!([{"id": 2, "price": "101.0", "qty": "2.000", "quoteQty": "202",
            "time": NOW_MS - 60_000, "isBuyerMaker": false, "isBestMatch": true}]);
        check("/api/v3/trades", "symbol=BTCUSD&limit=1", Ok(trade.clone()));
        check("/api/v3/historicalTrades", "symbol=BTCUSD&fromId=2", Ok(trade));
        check(
            "/api/v3/avgPrice",
            "symbol=BTCUSD",
            Ok(json!({"mins": 5, "price": "100.750000000", "closeTime": NOW_MS - 60_000})),
        );
    }

    #[test]
    fn candles_are_drawn_through_gaps() {
        let ask = |query: &str| {
            let found = answer(&views(), "/api/v3/klines", query, NOW_MS).expect("an answer");
            let rows: Vec<Vec<Value>> = serde_json::from_str(&found).expect("JSON");
            rows.iter()
                .map(|row| (row[0].as_u64().expect("ms") - START_NS / 1_000_000) / 60_000)
                .collect::<Vec<_>>()
        };
        assert_eq!(ask("symbol=BTCUSD&interval=1m"), [0, 1, 2, 3]);
        assert_eq!(ask("symbol=BTCUSD&interval=1m&limit=2"), [2, 3]);
        let start = START_NS / 1_000_000 + 60_000;
        assert_eq!(ask(&format!("symbol=BTCUSD&interval=1m&limit=2&startTime={start}")), [1, 2]);
        assert_eq!(ask(&format!("symbol=BTCUSD&interval=1m&endTime={start}")), [0, 1]);
        assert_eq!(ask("symbol=BTCUSD&interval=1m&startTime=99999999999999999"), [0; 0]);
    }

    #[test]
    fn what_is_wrong_is_told_in_numbers() {
        check("/api/v3/order", "", Err(ApiError::Path));
        check("/api/v3/depth", "", Err(ApiError::Missing("symbol")));
        check("/api/v3/depth", "symbol=NONE", Err(ApiError::Symbol));
        check("/api/v3/depth", "symbol=BTCUSD&limit=-1", Err(ApiError::Illegal("limit")));
        check("/api/v3/depth", "symbol=BTCUSD&limit=0", Err(ApiError::Illegal("limit")));
        check("/api/v3/klines", "symbol=BTCUSD&interval=7m", Err(ApiError::Interval));
        check("/api/v3/klines", "symbol=BTCUSD", Err(ApiError::Missing("interval")));
        check("/api/v3/aggTrades", "symbol=BTCUSD&fromId=1&startTime=1", Err(ApiError::Combination));
        check("/api/v3/ticker/24hr", "symbol=BTCUSD&symbols=[]", Err(ApiError::Combination));
        assert_eq!(ApiError::Symbol.body(), r#"{"code":-1121,"msg":"Invalid symbol."}"#);
    }
}
