//! The doors: bytes of the outside world to commands, events to bytes.

pub mod client;
pub mod ouch;
pub mod soup;
pub mod wire;
