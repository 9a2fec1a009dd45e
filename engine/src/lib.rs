//! The market as a pure function: commands in, events out.
//!
//! ```text
//!   CommandSlot ─> matcher::Engine::apply ─> EventRecord …
//!                       │
//!      checks ──────────┤  the lowest numbered reject tells why
//!      enter, walk ─────┤  place in the book, trade, self-trade prevention
//!      resting ─────────┤  cancel, reduce, expiry
//!      session, day ────┤  who is there, which day it is
//!      operator, … ─────┘  listings, accounts, money, mass cancel, kill
//!
//!   sessions   accounts   instruments ── book ── levels (64-way trees of prices)
//!                                          │
//!                  index (session, number) ┴─> orders (slab) <── timers
//! ```
//!
//! **Principles.** One thread, one command at a time. No clock, float, allocation once warm, lock,
//! system call or order that depends on a hash. Whatever a command contains is at worst a numbered
//! reject; a broken invariant ends the process, naming the command. Memory is reserved at start by
//! [`limits::Limits`], and reaching one is a reject. The same commands give the same events and the same
//! state bytes on any machine; two hashes prove it.
//!
//! **Where time goes.** An order is one cache line; what few orders have lies elsewhere. A level's
//! neighbours are its neighbours in memory. Events are made of words that go from registers to the sink.
//! What an operator sets is worked out once, so that a plain order passes its checks in a few compares.
//!
//! **What it deliberately does not do.** It reads no socket, disk or clock, knows no protocol, and keeps
//! no history: a report that left is gone, and who needs it again reads the event log. It does not look
//! up orders by their public number, because clients name them by their own. Stops, icebergs, pegs,
//! all-or-none, lists and auctions have their fields in commands and events, and are refused as
//! `Unsupported` until they are built.

#![deny(clippy::float_arithmetic)]

mod accounts;
pub mod book;
pub mod command;
pub mod decimal;
pub mod digest;
pub mod event;
mod fatal;
pub mod fields;
mod index;
mod instruments;
mod levels;
pub mod limits;
pub mod matcher;
mod memory;
pub mod number;
mod orders;
pub mod packed;
mod plain;
pub mod reason;
pub mod ring;
mod sessions;
pub mod state;
pub mod terms;
mod timers;
pub mod view;
