//! The disk as the journal sees it: a seam with real files behind it, or a simulated disk.
//!
//! A disk holds segments, each named by its generation. Reading needs [`Segments`] only, so that a reader
//! cannot write; [`Disk`] adds what the journal's writing end and recovery need.

mod blocking;
mod file_disk;
mod prepare;
mod segment_files;
pub mod simulated;
#[cfg(target_os = "linux")]
mod uring;

pub use file_disk::FileDisk;
pub use segment_files::SegmentFiles;

use crate::error::JournalError;
use bytemuck::{Pod, Zeroable};
use std::path::PathBuf;

/// Unit of all reads and writes, in bytes: what direct writes ask for, and the atom of the format.
pub const PAGE_SIZE: usize = 4096;

/// One aligned page.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(4096))]
pub struct Page(pub [u8; PAGE_SIZE]);

impl Page {
    /// All zeros.
    pub const ZERO: Self = Self([0; PAGE_SIZE]);

    /// Nothing was ever written here, or it was overwritten with zeros.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        bytemuck::cast_ref::<_, [u64; PAGE_SIZE / 8]>(self).iter().all(|&word| word == 0)
    }
}

/// A segment that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its generation, which names it.
    pub generation: u64,
    /// Its size in bytes, as found.
    pub bytes: u64,
}

/// One write: pages to their place in a segment. The disk owns the buffer until the write has finished.
#[derive(Clone)]
pub struct Write {
    /// Counts writes, from 0; a completion names it.
    pub number: u64,
    /// The segment.
    pub generation: u64,
    /// The first page's place in the segment.
    pub page: u32,
    /// Pages of `buffer` that are written, from its begin.
    pub pages: usize,
    /// What is written.
    pub buffer: Vec<Page>,
}

/// A write that has finished: durable, or failed for good.
pub struct Completion {
    /// Which.
    pub number: u64,
    /// Its buffer, for reuse.
    pub buffer: Vec<Page>,
    /// How it ended.
    pub result: Result<(), JournalError>,
}

/// Segments that can be read.
pub trait Segments {
    /// What is there, by rising generation.
    ///
    /// # Errors
    /// The disk cannot tell.
    fn list(&mut self) -> Result<Vec<Segment>, JournalError>;

    /// Reads whole pages of a segment, all of which are within it.
    ///
    /// # Errors
    /// The disk cannot read them.
    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError>;

    /// The segment's name in messages.
    fn path(&self, generation: u64) -> PathBuf;
}

/// Segments that can be written.
pub trait Disk: Segments {
    /// Makes sure that nobody else, and no write of an earlier process, can change the segment any more.
    ///
    /// # Errors
    /// The segment cannot be opened for writing, or another holds it.
    fn claim(&mut self, generation: u64) -> Result<(), JournalError>;

    /// Makes durable what a reader of the segment sees.
    ///
    /// # Errors
    /// The disk cannot.
    fn sync(&mut self, generation: u64) -> Result<(), JournalError>;

    /// Overwrites pages with zeros, durably.
    ///
    /// # Errors
    /// The disk cannot.
    fn erase(&mut self, generation: u64, page: u32, pages: u32) -> Result<(), JournalError>;

    /// Begins to make a segment of `bytes` zeros in the background; in haste when the journal waits for it.
    /// One at a time: only after [`Self::prepared`] has named the one before.
    ///
    /// # Errors
    /// The disk cannot.
    fn prepare(&mut self, segment: Segment, haste: bool) -> Result<(), JournalError>;

    /// The segment that was being prepared, once it is durable under its name.
    ///
    /// # Errors
    /// It could not be made.
    fn prepared(&mut self) -> Result<Option<Segment>, JournalError>;

    /// Starts a write. Never waits.
    ///
    /// # Errors
    /// The disk cannot start it.
    fn submit(&mut self, write: Write) -> Result<(), JournalError>;

    /// A write that has finished since, in any order. Never waits.
    ///
    /// # Errors
    /// The disk can no longer tell.
    fn reap(&mut self) -> Result<Option<Completion>, JournalError>;
}

/// A disk can be lent: whoever lends it has it back when the journal is gone, as after a crash.
impl<S: Segments> Segments for &mut S {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        (**self).list()
    }

    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        (**self).read(generation, page, into)
    }

    fn path(&self, generation: u64) -> PathBuf {
        (**self).path(generation)
    }
}

impl<D: Disk> Disk for &mut D {
    fn claim(&mut self, generation: u64) -> Result<(), JournalError> {
        (**self).claim(generation)
    }

    fn sync(&mut self, generation: u64) -> Result<(), JournalError> {
        (**self).sync(generation)
    }

    fn erase(&mut self, generation: u64, page: u32, pages: u32) -> Result<(), JournalError> {
        (**self).erase(generation, page, pages)
    }

    fn prepare(&mut self, segment: Segment, haste: bool) -> Result<(), JournalError> {
        (**self).prepare(segment, haste)
    }

    fn prepared(&mut self) -> Result<Option<Segment>, JournalError> {
        (**self).prepared()
    }

    fn submit(&mut self, write: Write) -> Result<(), JournalError> {
        (**self).submit(write)
    }

    fn reap(&mut self) -> Result<Option<Completion>, JournalError> {
        (**self).reap()
    }
}
