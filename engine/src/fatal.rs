//! Where a broken invariant ends the process: wrong books and wrong money must not go on trading.

use crate::number::Sequence;

/// Aborts, naming the command at which `what` no longer held.
#[cold]
#[inline(never)]
pub(crate) fn broken(sequence: Sequence, what: &str) -> ! {
    eprintln!("engine: at command {sequence}: {what}; stopping. Replay the journal up to it and report both");
    std::process::abort()
}
