//! The one log: commands on disk before anything is acknowledged, and the events that follow from them.
//!
//! ```text
//!  input ring                          matcher, egress
//!      |                                      |
//!      v  append, poll                        v  events of committed commands
//!  Journal --- record ---> Disk           event_log --- blocks ---> files
//!      |       (chained,   io_uring |         |         (buffered,
//!      |        in flight)  thread  |         |          derived)
//!      v                 simulated          readers with cursors of their own
//!  durable(): the commit point
//!
//!  at a start:  Disk --> JournalReader --> open(): apply every command, cut a torn tail, refuse damage
//! ```
//!
//! **Principles.** The journal is the truth, the event log can be made again from it. Durable is the longest
//! prefix of finished writes, never more. The first error is the last: nothing is tried again, and a new start
//! finds out what the disk holds. A torn write is cut and told; damage below what a later record vouches for is
//! refused with file, bytes and remedy; nothing is passed over in silence. No stage waits: [`Journal::append`]
//! and [`Journal::poll`] return at once, and once warm they do not allocate. The disk is a seam
//! ([`disk::Disk`]): io_uring, a thread, or a simulated disk that cuts the power by a seed.
//!
//! **Not here.** What a command means (it is sixteen words here, in the packed form of the engine). Agreement
//! with other nodes: the log has terms and indexes for it, the protocol is a later room. What a snapshot holds,
//! and when one is made: here is its file ([`snapshot`]), and the removal of what it covers. A lock of the data
//! folder: the binary has one (a segment's own lock only waits for writes of a process that was killed).
//!
//! Every byte, and the rules of a start: `docs/journal.md`; of the event log: `docs/event-log.md`.

pub mod disk;
mod error;
pub mod event_log;
mod options;
mod reader;
pub mod record;
mod recovery;
mod retention;
pub mod snapshot;
mod tail;
mod window;
mod writer;

pub use error::{Action, JournalError};
pub use options::{Backend, JournalOptions, OptionsFault, WRITES_IN_FLIGHT_LIMIT};
pub use reader::{JournalReader, KnownPoint, Position, Record, Tail};
pub use recovery::{Opening, Progress, Recovered, open, open_on, read, read_on};
pub use retention::{first_segment, remove_segments_below, stored_segments};
pub use writer::{DISK_WAIT_MAX, Journal};
