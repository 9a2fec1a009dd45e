//! The ladder and the tape as lines of text, side by side.

use super::market::{Level, Market, Taker, Trade};
use engine::decimal::Decimal;
use std::fmt::Write;

/// Cells of the longest quantity bar.
const BAR_CELLS: u64 = 16;
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

/// How it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Levels on each side.
    pub(super) levels: usize,
    /// With colours.
    pub(super) colours: bool,
    /// Size of a lot; where it is not known quantities are counts of lots.
    pub(super) lot: Option<Decimal>,
}

impl Style {
    fn quantity(self, lots: u64) -> String {
        match self.lot {
            None => lots.to_string(),
            Some(Decimal { mantissa, digits }) => {
                Decimal { mantissa: mantissa.saturating_mul(i128::from(lots)), digits }.to_string()
            }
        }
    }
}

/// The whole picture.
pub(super) fn draw(symbol: &str, market: &Market, style: Style) -> String {
    let asks: Vec<_> = market.asks().take(style.levels).collect();
    let bids: Vec<_> = market.bids().take(style.levels).collect();
    let largest = asks.iter().chain(&bids).map(|(_, level)| level.lots).max().unwrap_or(1).max(1);
    let ladder = Ladder { largest, style };
    let mut lines: Vec<String> =
        asks.iter().rev().map(|(price, level)| ladder.line(*price, *level, RED)).collect();
    lines.push(spread(asks.first(), bids.first()));
    lines.extend(bids.iter().map(|(price, level)| ladder.line(*price, *level, GREEN)));

    let mut picture = format!("{symbol}  {}  {}\n\n", market.state(), clock(market.time_ns()));
    let unit = if style.lot.is_some() { "quantity" } else { "lots" };
    let _ = writeln!(picture, "{:>12} {unit:>18} {:>6}  {:<16}   trades", "price", "orders", "");
    let mut tape = market.tape();
    for line in lines {
        let trade = tape.next().map(|trade| trade_line(trade, style)).unwrap_or_default();
        let _ = writeln!(picture, "{line}   {trade}");
    }
    picture
}

struct Ladder {
    largest: u64,
    style: Style,
}

impl Ladder {
    fn line(&self, price: u32, level: Level, colour: &str) -> String {
        let cells = (level.lots * BAR_CELLS).div_ceil(self.largest).min(BAR_CELLS) as usize;
        let bar = format!("{:<16}", "▇".repeat(cells));
        let (colour, plain) = if self.style.colours { (colour, PLAIN) } else { ("", "") };
        format!(
            "{colour}{:>12}{plain} {:>18} {:>6}  {colour}{bar}{plain}",
            text(price),
            self.style.quantity(level.lots),
            level.orders
        )
    }
}

fn spread(ask: Option<&(u32, Level)>, bid: Option<&(u32, Level)>) -> String {
    let words = match (ask, bid) {
        (Some((ask, _)), Some((bid, _))) => format!("spread {}", text(ask.saturating_sub(*bid))),
        (None, Some(_)) => "no asks".to_owned(),
        (Some(_), None) => "no bids".to_owned(),
        (None, None) => "the book is empty".to_owned(),
    };
    format!("{words:>12} {:>18} {:>6}  {:16}", "", "", "")
}

fn trade_line(trade: &Trade, style: Style) -> String {
    let (colour, word) = match trade.taker {
        Taker::Buyer => (GREEN, "bought"),
        Taker::Seller => (RED, "sold"),
    };
    let (colour, plain) = if style.colours { (colour, PLAIN) } else { ("", "") };
    let quantity = style.quantity(u64::from(trade.lots));
    format!("{} {colour}{word:<6}{plain} {quantity} at {}", clock(trade.time_ns), text(trade.price))
}

/// A price of four decimals, without the zeros at its end.
fn text(price: u32) -> String {
    Decimal { mantissa: i128::from(price), digits: 4 }.trimmed().to_string()
}

fn clock(time_ns: u64) -> String {
    let milliseconds = time_ns / 1_000_000;
    let seconds = milliseconds / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::itch::{AddOrder, Message, StockDirectory};
    use net::wire::Nanoseconds48;

    #[test]
    fn the_ladder_shows_asks_above_bids() {
        let mut market = Market::new(*b"RAIN    ");
        let mut directory = [0; StockDirectory::SIZE];
        directory[0] = StockDirectory::TYPE;
        directory[2] = 3;
        directory[11..19].copy_from_slice(b"RAIN    ");
        market.learn(&net::itch::decode(&directory).expect("a directory message"));
        for (reference, side, price) in [(1, b'B', 4200), (2, b'S', 4350)] {
            market.learn(&Message::AddOrder(AddOrder {
                locate: 3,
                tracking: 0,
                timestamp: Nanoseconds48(3_723_004_000_000),
                order_reference: reference,
                side,
                shares: 100,
                stock: *b"RAIN    ",
                price,
            }));
        }
        let lots = draw("RAIN", &market, Style { levels: 5, colours: false, lot: None });
        assert!(lots.contains("        0.42                100      1"), "{lots}");
        let lot = Decimal::parse("0.05").ok();
        let picture = draw("RAIN", &market, Style { levels: 5, colours: false, lot });
        let lines: Vec<&str> = picture.lines().collect();
        assert!(lines[0].ends_with("01:02:03.004"), "{picture}");
        assert!(lines[3].starts_with("       0.435"), "{picture}");
        assert!(lines[4].contains("spread 0.015"), "{picture}");
        assert!(lines[5].starts_with("        0.42               5.00      1"), "{picture}");
    }
}
