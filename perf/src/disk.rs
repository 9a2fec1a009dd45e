//! One 4 KiB direct synchronous write: the least that durability can cost on a disk.

use crate::histogram::{Percentiles, latency_histogram};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pwrite};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Bytes of a write: a journal record of a few commands.
const PAGE_SIZE: usize = 4_096;
/// Pages in the file, written in advance: a growing file also writes its metadata.
const PAGES: u64 = 4_096;
/// Pages written at once in advance.
const CHUNK_PAGES: u64 = 256;

#[repr(C, align(4096))]
struct Aligned([u8; PAGE_SIZE * CHUNK_PAGES as usize]);

/// The disk could not be measured.
#[derive(Debug)]
pub struct DiskError {
    path: PathBuf,
    error: Errno,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "direct synchronous writes to {}: {}; choose a folder on a disk (a tmpfs has none)",
            self.path.display(),
            self.error
        )
    }
}

impl std::error::Error for DiskError {}

/// Time of each of `count` writes of 4 KiB to a file in `folder`, one after another.
///
/// # Errors
/// The folder's file system takes no direct writes, is full, or cannot be written.
pub fn write_latency(folder: &Path, count: usize) -> Result<Percentiles, DiskError> {
    let path = folder.join("disk-probe");
    let measured = measure(&path, count).map_err(|error| DiskError { path: path.clone(), error });
    _ = std::fs::remove_file(&path);
    measured
}

fn measure(path: &Path, count: usize) -> Result<Percentiles, Errno> {
    let mut page = Box::new(Aligned([0x5A; PAGE_SIZE * CHUNK_PAGES as usize]));
    let created = OFlags::CREATE | OFlags::TRUNC | OFlags::RDWR;
    let file = open(path, created | OFlags::DIRECT | OFlags::DSYNC, Mode::RUSR | Mode::WUSR)?;
    for chunk in 0..PAGES / CHUNK_PAGES {
        write_whole(&file, &page.0, chunk * page.0.len() as u64)?;
    }
    let mut histogram = latency_histogram();
    for turn in 0..count as u64 {
        page.0[0] = turn as u8;
        let begun = Instant::now();
        write_whole(&file, &page.0[..PAGE_SIZE], turn % PAGES * PAGE_SIZE as u64)?;
        histogram.saturating_record(begun.elapsed().as_nanos() as u64);
    }
    Ok(Percentiles::of(&histogram))
}

fn write_whole(file: impl std::os::fd::AsFd, bytes: &[u8], offset: u64) -> Result<(), Errno> {
    if pwrite(file, bytes, offset)? == bytes.len() { Ok(()) } else { Err(Errno::IO) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_named() {
        let error = write_latency(Path::new("/nonexistent"), 1).err().map(|error| error.to_string());
        assert!(error.is_some_and(|text| text.contains("/nonexistent")));
    }
}
