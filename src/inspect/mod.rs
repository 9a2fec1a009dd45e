//! `rotunda inspect`: looks into a data folder, for people and as JSON, without changing it.

mod book;
mod command;
mod events;
mod journal;
mod retention;
mod sessions;

use crate::cli::{Inspect, InspectArguments};
use crate::failure::Failure;

/// Looks at what was asked for.
pub(crate) fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let done = match &arguments.what {
        Inspect::Journal { source, range } => journal::run(source, *range),
        Inspect::EventLog { source, range } => events::run(source, *range),
        Inspect::Book { source, symbol, itch_sequence, sequence } => {
            book::run(source, symbol, *itch_sequence, *sequence)
        }
        Inspect::Retention { source } => retention::run(source),
        Inspect::Sessions { source } => sessions::run(source),
        Inspect::SessionStream { source, session, from, day } => {
            sessions::stream(source, session, *from, day.as_deref())
        }
    };
    match done {
        // Whoever read the output has seen enough (`| head`).
        Err(Stop::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Output(error)) => Err(Failure::new(format!("cannot write the output: {error}"))),
        Err(Stop::Failure(failure)) => Err(failure),
        Ok(()) => Ok(()),
    }
}

/// Why a look ended early.
enum Stop {
    /// The output takes no more.
    Output(std::io::Error),
    /// What was to be looked at is not there or damaged.
    Failure(Failure),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
