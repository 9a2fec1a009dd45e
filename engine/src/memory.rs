//! What the processor and the system are told about memory: which line will be needed soon, and which
//! tables are so large that small pages cost more than they save.
//!
//! The one unsafe module of this crate. Measured: where the books are larger than the cache, a matcher
//! waits for memory most of the time, it knows from the ring what it will touch next, and each line lies on
//! another page (docs/decisions/0008).
#![allow(unsafe_code)]

use bytemuck::Zeroable;

/// Tables from this size on are put on large pages where the system has any.
const LARGE_BYTES_MIN: usize = 4 << 20;
/// A large page, or a whole number of them.
const LARGE_PAGE: usize = 2 << 20;

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

/// An empty table with room for `count`, on large pages where it is large.
pub(crate) fn reserve<T>(count: usize) -> Vec<T> {
    let table = Vec::with_capacity(count);
    advise(table.as_ptr(), count);
    table
}

/// A table of `count` zeroed entries, on large pages where it is large; touched when used.
pub(crate) fn zeroed<T: Zeroable>(count: usize) -> Box<[T]> {
    let table = bytemuck::zeroed_slice_box(count);
    advise(table.as_ptr(), count);
    table
}

/// Asks for large pages under `count` entries. A refusal costs speed, nothing else.
fn advise<T>(start: *const T, count: usize) {
    let bytes = count * size_of::<T>();
    if bytes < LARGE_BYTES_MIN {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{Advice, madvise};
        let skipped = start.addr().next_multiple_of(LARGE_PAGE) - start.addr();
        let whole = (bytes - skipped) / LARGE_PAGE * LARGE_PAGE;
        // SAFETY: the pages lie within one live allocation, and this advice changes no byte of them.
        let advised =
            unsafe { madvise(start.cast_mut().byte_add(skipped).cast(), whole, Advice::LinuxHugepage) };
        let _ = advised;
    }
}
