//! The web door: market data as a page, a script or a trading library reads it, in the Binance Spot dialect.
//!
//! ```text
//! event log -> views (levels, trades, candles) -> one encoding an update -> every reader of the stream
//!                                              -> REST answers, /metrics, the page at /
//! ```
//!
//! A reader of the log on a thread of its own: it is never in the way of the matcher, shows nothing that was
//! not committed, and lags alone. Values are made into values (`views`, `http`, `rest`, `streams`, `updates`,
//! `hub`); sockets are in `connection` and `clients`, the thread and its clocks in `door`.

mod clients;
mod connection;
mod diffs;
mod door;
mod frame;
mod http;
mod hub;
mod json;
mod limits;
mod page;
mod rest;
mod streams;
#[cfg(test)]
mod tests;
mod text;
mod updates;
pub mod views;

pub use door::{WebDoor, WebError, WebOptions, WebThread};
pub use limits::WebLimits;
