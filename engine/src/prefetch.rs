//! Asks the processor for a cache line that will be needed soon.
//!
//! The one unsafe module of this crate. Measured: where the books are larger than the cache, a matcher
//! waits for memory most of the time, and it knows from the ring what it will touch next.
#![allow(unsafe_code)]

/// Fetches the line where `place` begins; nothing is read or written, and nothing depends on it.
#[inline(always)]
pub(crate) fn fetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch takes any address without fault, and this one is of a live reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
