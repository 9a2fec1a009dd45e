//! Where committed events go beyond the venue's own doors.
//!
//! ```text
//! event log --(reader at its own cursor)--> Stage --(batch)--> Sink: JSON lines; later Kafka, Postgres, …
//!                                             |
//!                                  back-off, status, cursor
//! ```
//!
//! Each stage has a thread, a cursor and a sink of its own: a dead pipe or a full disk lags alone, and
//! catches up later from the log. Delivery is at least once; each line names its event's address
//! (`sequence`, `ordinal`), and the file sink begins behind its own last line, so that a file holds each
//! event once.
//!
//! It does not decide how long the log is kept, and never slows the venue down.

mod instruments;
mod json_lines;
mod object;
mod render;
mod sink;
mod stage;

pub use instruments::{Instruments, Scale};
pub use json_lines::{JsonLinesFile, JsonLinesPipe, open_json_lines};
pub use render::{condition_names, render_line};
pub use sink::{Batch, Sink, SinkError};
pub use stage::{Stage, StageError, StageOptions, StageStatus};
