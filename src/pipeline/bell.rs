//! Tells a sleeping thread that there is work.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;
use std::time::Duration;

/// One thread's: it sleeps, any other rings.
///
/// Whoever has work made visible looks whether the thread sleeps; the thread says that it will, then looks for work
/// once more. A fence on either side orders the two, so that one of them sees the other.
#[derive(Default)]
pub(super) struct Bell {
    sleeps: AtomicBool,
}

impl Bell {
    /// The thread is about to sleep: look for work once more after this.
    pub(super) fn set(&self) {
        self.sleeps.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// The thread is awake.
    pub(super) fn clear(&self) {
        self.sleeps.store(false, Ordering::SeqCst);
    }

    /// Whether the thread sleeps or is about to; call after the work was made visible.
    pub(super) fn is_needed(&self) -> bool {
        fence(Ordering::SeqCst);
        self.sleeps.load(Ordering::SeqCst)
    }

    /// Parks the calling thread, at most `longest`, unless it has work.
    pub(super) fn sleep(&self, longest: Duration, has_work: impl FnOnce() -> bool) {
        self.set();
        if !has_work() {
            std::thread::park_timeout(longest);
        }
        self.clear();
    }

    /// Wakes `thread`, which sleeps by [`Self::sleep`], if it needs that.
    pub(super) fn ring(&self, thread: &Thread) {
        if self.is_needed() {
            thread.unpark();
        }
    }
}
