//! The running hash that chains the events of a log.

use engine::digest;
use engine::event::EventRecord;

/// A hash over all events since the venue began: the matcher's own
/// ([`engine::matcher::Engine::event_hash`]), so that a log, its replicas and a replay can be compared at
/// any address. It does not depend on where blocks or files are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningHash(pub u64);

impl RunningHash {
    /// The hash after `event`.
    #[must_use]
    pub fn fold(self, event: &EventRecord) -> Self {
        Self(digest::chain(self.0, event))
    }
}
