//! The web door on a real event log, over real sockets.

mod requests;
mod room;
mod streams;
