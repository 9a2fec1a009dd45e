//! The doors: bytes of the outside world to commands, events to bytes.

pub mod client;
pub mod directory;
pub mod doors;
pub mod itch;
mod limits;
pub mod metrics;
pub mod ouch;
pub mod password;
pub mod soup;
pub mod web;
pub mod wire;

pub use password::password_hash;
