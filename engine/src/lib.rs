//! The market as a pure function: commands in, events out.

#![deny(clippy::float_arithmetic)]

mod accounts;
pub mod book;
pub mod command;
pub mod decimal;
pub mod digest;
pub mod event;
mod fatal;
mod index;
mod instruments;
mod levels;
pub mod limits;
pub mod matcher;
pub mod number;
mod orders;
pub mod packed;
pub mod reason;
pub mod ring;
mod sessions;
pub mod state;
pub mod terms;
mod timers;
pub mod view;
