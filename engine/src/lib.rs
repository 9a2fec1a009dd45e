//! The market as a pure function: commands in, events out.

pub mod book;
pub mod command;
pub mod decimal;
pub mod event;
pub mod limits;
pub mod matcher;
pub mod number;
pub mod packed;
pub mod reason;
pub mod ring;
pub mod state;
pub mod terms;
pub mod view;
