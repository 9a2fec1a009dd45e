//! A book, order by order, as people and scripts are shown it, and its CRC32.
//!
//! The checksum is that of lines `B|S order price quantity` (price in ticks, quantity in lots), one for
//! each displayed order, each ended by a newline: bids best first, then offers best first, each level in
//! priority. Anyone who builds a book from the feed can make the same lines.

use crate::failure::Failure;
use engine::decimal::Decimal;
use engine::matcher::Engine;
use engine::number::InstrumentId;
use engine::terms::Side;
use engine::view::InstrumentView;
use serde_json::{Value, json};
use std::fmt::Write;

/// A displayed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) order: u64,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) quantity: u64,
}

/// One instrument's displayed orders.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    instrument: InstrumentView,
    /// Bids best first, then offers best first, each level in priority.
    pub(crate) orders: Vec<Shown>,
}

/// The instrument with this symbol.
///
/// # Errors
/// There is none.
pub(crate) fn instrument(engine: &Engine, symbol: &str) -> Result<InstrumentView, Failure> {
    engine.instruments().find(|listed| listed.symbol.as_str() == symbol).ok_or_else(|| {
        let symbols: Vec<String> = engine.instruments().map(|listed| listed.symbol.to_string()).collect();
        Failure::new(format!("no instrument {symbol:?} at that point; listed are: {}", symbols.join(", ")))
    })
}

/// The book of the instrument with this symbol.
///
/// # Errors
/// There is no such instrument.
pub(crate) fn listed(engine: &Engine, symbol: &str) -> Result<Listed, Failure> {
    let instrument = instrument(engine, symbol)?;
    Ok(Listed { orders: shown(engine, instrument.instrument), instrument })
}

/// The displayed orders of an instrument.
pub(crate) fn shown(engine: &Engine, instrument: InstrumentId) -> Vec<Shown> {
    let Some(book) = engine.book(instrument) else { return Vec::new() };
    let mut orders = Vec::new();
    for side in [Side::Buy, Side::Sell] {
        for level in book.levels(side) {
            let displayed = book.orders(side, level.price).filter(|order| order.displayed.0 > 0);
            orders.extend(displayed.map(|order| Shown {
                order: order.order.0,
                side,
                price: order.price.0,
                quantity: order.displayed.0,
            }));
        }
    }
    orders
}

impl Listed {
    /// A book of these orders, in any order of sides and prices but each level in priority.
    pub(crate) fn new(instrument: InstrumentView, mut orders: Vec<Shown>) -> Self {
        // Stable: within a level priority stays.
        orders.sort_by_key(|shown| match shown.side {
            Side::Buy => (0, -i128::from(shown.price)),
            Side::Sell => (1, i128::from(shown.price)),
        });
        Self { instrument, orders }
    }

    pub(crate) fn crc32(&self) -> String {
        let mut lines = String::new();
        for Shown { order, side, price, quantity } in &self.orders {
            let letter = if *side == Side::Buy { 'B' } else { 'S' };
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{letter} {order} {price} {quantity}");
        }
        format!("{:08x}", crc32fast::hash(lines.as_bytes()))
    }

    pub(crate) fn json(&self) -> Value {
        let orders: Vec<Value> = self.orders.iter().map(|shown| self.order_json(shown)).collect();
        json!({"symbol": self.instrument.symbol.as_str(), "crc32": self.crc32(), "orders": orders})
    }

    fn order_json(&self, shown: &Shown) -> Value {
        json!({"side": format!("{:?}", shown.side), "order": shown.order, "price_ticks": shown.price,
            "price": self.price(shown.price), "quantity_lots": shown.quantity,
            "quantity": self.quantity(shown.quantity)})
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} ({} displayed orders)\n", self.instrument.symbol, self.orders.len());
        for shown in &self.orders {
            let side = if shown.side == Side::Buy { "buy " } else { "sell" };
            let (price, quantity) = (self.price(shown.price), self.quantity(shown.quantity));
            let _ = writeln!(text, "{side} {price:>16} {quantity:>20}  order {}", shown.order);
        }
        let _ = writeln!(text, "crc32 {}", self.crc32());
        text
    }

    fn price(&self, ticks: i64) -> String {
        let mantissa = i128::from(ticks) * i128::from(self.instrument.tick);
        Decimal { mantissa, digits: self.instrument.tick_digits }.to_string()
    }

    fn quantity(&self, lots: u64) -> String {
        let mantissa = i128::from(lots) * i128::from(self.instrument.lot);
        Decimal { mantissa, digits: self.instrument.lot_digits }.to_string()
    }
}
