//! The last 24 hours of an instrument.

use super::candles::Candle;
use super::interval::Interval;
use super::market::Market;
use engine::number::{MatchNumber, Price, Quantity};

/// The window of a ticker.
const DAY_MS: u64 = 86_400_000;

/// What was traded in the last 24 hours, in whole minutes. Without trades the prices are the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticker {
    /// Beginning of the window, ms since 1970 UTC.
    pub open_ms: u64,
    /// End of the window.
    pub close_ms: u64,
    /// Last price before the window, or its first.
    pub previous_close: Price,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub last: Price,
    /// Lots of the last trade.
    pub last_quantity: Quantity,
    /// Lots.
    pub volume: u128,
    /// Ticks times lots.
    pub notional: i128,
    /// Trades.
    pub count: u64,
    /// Number of the first trade.
    pub first_trade: MatchNumber,
    /// Number of the last trade.
    pub last_trade: MatchNumber,
}

impl Ticker {
    /// The ticker of `market` at `now_ms`.
    #[must_use]
    pub fn of(market: &Market, now_ms: u64) -> Self {
        let minutes = market.candles.of(Interval::MINUTE);
        let since = Interval::MINUTE.open_ms(now_ms.saturating_sub(DAY_MS)) + 1;
        let below = minutes.partition_point(|candle| candle.open_ms < since);
        let before = below.checked_sub(1).and_then(|last| minutes.get(last)).map(|candle| candle.close);
        let last = market.tape.trades().next_back();
        let price = last.map_or(Price(0), |trade| trade.price);
        let window = minutes.range(below..);
        let first = window.clone().next().copied().unwrap_or(Candle::flat(now_ms, price));
        let mut ticker = Self {
            open_ms: now_ms.saturating_sub(DAY_MS),
            close_ms: now_ms,
            previous_close: before.unwrap_or(first.open),
            open: first.open,
            high: first.high,
            low: first.low,
            last: price,
            last_quantity: last.map_or(Quantity(0), |trade| trade.quantity),
            volume: 0,
            notional: 0,
            count: 0,
            first_trade: first.first,
            last_trade: first.last,
        };
        for candle in window {
            ticker.high = ticker.high.max(candle.high);
            ticker.low = ticker.low.min(candle.low);
            ticker.volume = ticker.volume.saturating_add(candle.volume);
            ticker.notional = ticker.notional.saturating_add(candle.notional);
            ticker.count = ticker.count.saturating_add(candle.count);
            ticker.last_trade = candle.last;
        }
        ticker
    }
}
