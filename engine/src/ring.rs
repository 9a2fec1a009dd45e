//! What the stages share beside the rings themselves.

use crate::command::CommandSlot;
use crate::number::Sequence;
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicU64, Ordering};

/// The highest sequence that may leave the venue. One writer (the journaler), any number of readers.
///
/// Padded: the journaler's core writes it while egress reads it in a loop, and a neighbour on the same
/// cache line would slow both.
#[derive(Debug)]
pub struct CommitPoint(CachePadded<AtomicU64>);

impl CommitPoint {
    /// A commit point at `sequence`.
    #[must_use]
    pub const fn new(sequence: Sequence) -> Self {
        Self(CachePadded::new(AtomicU64::new(sequence.0)))
    }

    /// The highest sequence that may leave.
    #[must_use]
    pub fn get(&self) -> Sequence {
        Sequence(self.0.load(Ordering::Acquire))
    }

    /// Moves the commit point up to `sequence`.
    pub fn advance(&self, sequence: Sequence) {
        debug_assert!(sequence >= self.get(), "a commit point never goes back");
        self.0.store(sequence.0, Ordering::Release);
    }
}

/// The input ring has no room: try again once its readers have moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingFull;

/// The writing end of the input ring.
pub trait Publish {
    /// Puts one command into the ring and tells its sequence.
    ///
    /// # Errors
    /// The ring is full; the command was not taken.
    fn try_publish(&mut self, command: &CommandSlot) -> Result<Sequence, RingFull>;
}
