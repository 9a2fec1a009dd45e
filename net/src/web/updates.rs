//! What streams tell: each update as the JSON text that all its readers get.

use super::json::{Object, array};
use super::views::{Aggregate, Candle, Interval, Level, LevelBook, Market, Ticker, Trade};
use engine::number::{Price, Quantity, Timestamp};
use engine::terms::Side;

/// Levels a side that the checksum `c` covers.
const CHECKSUM_LEVELS: usize = 10;

pub(crate) const fn ms(time: Timestamp) -> u64 {
    time.0 / 1_000_000
}

/// CRC32 over the best ten levels of each side as `price:quantity`, bids then asks, joined by commas.
pub(crate) fn checksum(market: &Market) -> u32 {
    let mut text = String::with_capacity(CHECKSUM_LEVELS * 2 * 24);
    for side in [Side::Buy, Side::Sell] {
        for (price, level) in market.book.levels(side).take(CHECKSUM_LEVELS) {
            if !text.is_empty() {
                text.push(',');
            }
            market.terms.price(&mut text, price);
            text.push(':');
            market.terms.quantity(&mut text, level.quantity);
        }
    }
    crc32fast::hash(text.as_bytes())
}

/// `[["price","quantity"],…]`
pub(crate) fn levels(out: &mut String, market: &Market, levels: impl IntoIterator<Item = (Price, Level)>) {
    array(out, levels, |out, (price, level)| {
        out.push_str("[\"");
        market.terms.price(out, price);
        out.push_str("\",\"");
        market.terms.quantity(out, level.quantity);
        out.push_str("\"]");
    });
}

fn event<'a>(out: &'a mut String, name: &str, now_ms: u64, market: &Market) -> Object<'a> {
    let mut object = Object::new(out);
    object.string("e", name).number("E", now_ms).string("s", market.symbol.as_str());
    object
}

pub(crate) fn trade(out: &mut String, market: &Market, trade: &Trade, now_ms: u64) {
    event(out, "trade", now_ms, market)
        .number("t", trade.number.0)
        .price("p", &market.terms, trade.price)
        .quantity("q", &market.terms, trade.quantity)
        .number("T", ms(trade.time))
        .flag("m", trade.taker == Side::Sell)
        .flag("M", true)
        .end();
}

pub(crate) fn aggregate(out: &mut String, market: &Market, aggregate: &Aggregate, now_ms: u64) {
    event(out, "aggTrade", now_ms, market)
        .number("a", aggregate.number)
        .price("p", &market.terms, aggregate.price)
        .quantity("q", &market.terms, aggregate.quantity)
        .number("f", aggregate.first.0)
        .number("l", aggregate.last.0)
        .number("T", ms(aggregate.time))
        .flag("m", aggregate.taker == Side::Sell)
        .flag("M", true)
        .end();
}

/// Best bid and best ask; a side without levels is 0 and 0.
pub(crate) fn touch(book: &LevelBook) -> [(Price, Quantity); 2] {
    [Side::Buy, Side::Sell]
        .map(|side| book.best(side).map_or_else(Default::default, |(price, level)| (price, level.quantity)))
}

pub(crate) fn book_ticker(out: &mut String, market: &Market) {
    let [bid, ask] = touch(&market.book);
    Object::new(out)
        .number("u", market.book.change())
        .string("s", market.symbol.as_str())
        .price("b", &market.terms, bid.0)
        .quantity("B", &market.terms, bid.1)
        .price("a", &market.terms, ask.0)
        .quantity("A", &market.terms, ask.1)
        .number("c", checksum(market).into())
        .end();
}

/// The levels of `changed` (each once, in any order) as they are now: changes `first` to the present one.
pub(crate) fn diff(out: &mut String, market: &Market, first: u64, changed: &[(Side, Price)], now_ms: u64) {
    let mut object = event(out, "depthUpdate", now_ms, market);
    object.number("U", first).number("u", market.book.change());
    for (name, wanted) in [("b", Side::Buy), ("a", Side::Sell)] {
        let of_side = changed.iter().filter(|(side, _)| *side == wanted);
        levels(
            object.field(name),
            market,
            of_side.map(|&(side, price)| (price, market.book.level(side, price))),
        );
    }
    object.number("c", checksum(market).into()).end();
}

/// The best `count` levels a side.
pub(crate) fn partial(out: &mut String, market: &Market, count: usize) {
    let mut object = Object::new(out);
    object.number("lastUpdateId", market.book.change());
    for (name, side) in [("bids", Side::Buy), ("asks", Side::Sell)] {
        levels(object.field(name), market, market.book.levels(side).take(count));
    }
    object.number("c", checksum(market).into()).end();
}

pub(crate) fn kline(
    out: &mut String,
    market: &Market,
    interval: Interval,
    candle: &Candle,
    is_closed: bool,
    now_ms: u64,
) {
    let mut object = event(out, "kline", now_ms, market);
    let id = |number: u64| if number == 0 { "-1".to_owned() } else { number.to_string() };
    Object::new(object.field("k"))
        .number("t", candle.open_ms)
        .number("T", interval.end_ms(candle.open_ms) - 1)
        .string("s", market.symbol.as_str())
        .string("i", interval.name())
        .raw("f", &id(candle.first.0))
        .raw("L", &id(candle.last.0))
        .price("o", &market.terms, candle.open)
        .price("c", &market.terms, candle.close)
        .price("h", &market.terms, candle.high)
        .price("l", &market.terms, candle.low)
        .volume("v", &market.terms, candle.volume)
        .number("n", candle.count)
        .flag("x", is_closed)
        .notional("q", &market.terms, candle.notional)
        .volume("V", &market.terms, candle.bought_volume)
        .notional("Q", &market.terms, candle.bought_notional)
        .string("B", "0")
        .end();
    object.end();
}

/// The change of the price since the window began, in thousandths of a percent.
pub(crate) fn change_percent(ticker: &Ticker) -> i128 {
    let change = i128::from(ticker.last.0) - i128::from(ticker.open.0);
    (change * 100_000).checked_div(i128::from(ticker.open.0).abs()).unwrap_or(0)
}

/// The average price in ticks with eight more digits, weighted by lots.
pub(crate) fn average(notional: i128, volume: u128, otherwise: Price) -> i128 {
    let volume = i128::try_from(volume).unwrap_or(i128::MAX);
    let otherwise = i128::from(otherwise.0) * 100_000_000;
    notional.checked_mul(100_000_000).and_then(|sum| sum.checked_div(volume)).unwrap_or(otherwise)
}

pub(crate) fn ticker(out: &mut String, market: &Market, now_ms: u64) {
    let day = Ticker::of(market, now_ms);
    let terms = &market.terms;
    let change = Price(day.last.0.saturating_sub(day.open.0));
    let average = average(day.notional, day.volume, day.last).saturating_mul(i128::from(terms.tick));
    let [bid, ask] = touch(&market.book);
    let mut object = event(out, "24hrTicker", now_ms, market);
    object
        .price("p", terms, change)
        .decimal("P", change_percent(&day), 3)
        .decimal("w", average, terms.tick_digits + 8)
        .price("x", terms, day.previous_close)
        .price("c", terms, day.last)
        .quantity("Q", terms, day.last_quantity)
        .price("b", terms, bid.0)
        .quantity("B", terms, bid.1)
        .price("a", terms, ask.0)
        .quantity("A", terms, ask.1)
        .price("o", terms, day.open)
        .price("h", terms, day.high)
        .price("l", terms, day.low)
        .volume("v", terms, day.volume)
        .notional("q", terms, day.notional)
        .number("O", day.open_ms)
        .number("C", day.close_ms)
        .number("F", day.first_trade.0)
        .number("L", day.last_trade.0)
        .number("n", day.count)
        .end();
}

pub(crate) fn mini_ticker(out: &mut String, market: &Market, now_ms: u64) {
    let day = Ticker::of(market, now_ms);
    let terms = &market.terms;
    event(out, "24hrMiniTicker", now_ms, market)
        .price("c", terms, day.last)
        .price("o", terms, day.open)
        .price("h", terms, day.high)
        .price("l", terms, day.low)
        .volume("v", terms, day.volume)
        .notional("q", terms, day.notional)
        .end();
}
