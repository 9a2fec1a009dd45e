//! The one log: commands on disk before anything is acknowledged, and the events that follow from them.

pub mod disk;
mod error;
pub mod event_log;
mod options;
mod reader;
pub mod record;
mod recovery;
mod tail;
mod window;
mod writer;

pub use error::{Action, JournalError};
pub use options::{Backend, JournalOptions, OptionsFault, WRITES_IN_FLIGHT_LIMIT};
pub use reader::{JournalReader, Position, Record, Tail};
pub use recovery::{Progress, Recovered, open, open_on};
pub use writer::{DISK_WAIT_MAX, Journal};
