//! The market as a pure function: commands in, events out.

pub mod command;
pub mod decimal;
pub mod event;
pub mod number;
pub mod packed;
pub mod reason;
pub mod ring;
pub mod terms;
