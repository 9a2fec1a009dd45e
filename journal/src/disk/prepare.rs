//! Makes segments ahead of their use, on a thread of its own.

use super::segment_files::{open_direct, refused, segment_path};
use super::{PAGE_SIZE, Page, Segment};
use crate::error::{Action, JournalError};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A segment has this name until it is whole; what a crash leaves of it is overwritten.
const UNFINISHED: &str = "next.preparing";
/// Zeros are written in pieces of this size.
const PIECE_PAGES: usize = (1 << 20) / PAGE_SIZE;
/// Rest after each piece, so that making a segment does not fill the disk's queue while orders wait.
const PIECE_REST: Duration = Duration::from_millis(2);

struct Order {
    segment: Segment,
    haste: bool,
}

/// The thread that makes segments.
pub(super) struct Preparer {
    orders: Option<Sender<Order>>,
    done: Receiver<Result<Segment, JournalError>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Preparer {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let (orders, taken) = bounded::<Order>(1);
        let (finished, done) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let folder = folder.to_owned();
        let thread = std::thread::Builder::new().name("journal-prepare".to_owned()).spawn(move || {
            while let Ok(order) = taken.recv() {
                let Some(result) = prepare(&folder, &order, &stopped).transpose() else { return };
                if finished.send(result).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders: Some(orders), done, stop, thread: Some(thread) })
    }

    pub(super) fn start(&mut self, segment: Segment, haste: bool) -> Result<(), JournalError> {
        let sent =
            self.orders.as_ref().is_some_and(|orders| orders.try_send(Order { segment, haste }).is_ok());
        if sent { Ok(()) } else { Err(JournalError::Ended) }
    }

    pub(super) fn finished(&mut self) -> Result<Option<Segment>, JournalError> {
        match self.done.try_recv() {
            Ok(result) => result.map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(JournalError::Ended),
        }
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has aborted the process in release; in a test its message is enough.
            let _ = thread.join();
        }
    }
}

/// Makes the segment durable under its name; `None` when it was told to stop.
fn prepare(folder: &Path, order: &Order, stop: &AtomicBool) -> Result<Option<Segment>, JournalError> {
    let unfinished = folder.join(UNFINISHED);
    let path = segment_path(folder, order.segment.generation);
    let made = fill(&unfinished, order, stop).and_then(|whole| {
        if whole {
            if path.exists() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(&unfinished, &path)?;
            sync_folder(folder)?;
        }
        Ok(whole)
    });
    if !matches!(made, Ok(true)) {
        // Gives the space back on a full disk; where that fails too, the next start overwrites the file.
        let _ = std::fs::remove_file(&unfinished);
    }
    let whole = made.map_err(refused(Action::Prepare, &path))?;
    Ok(whole.then_some(order.segment))
}

/// Writes zeros, not only reserves: a later write then changes no metadata, and the disk is found full now.
fn fill(path: &Path, order: &Order, stop: &AtomicBool) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = open_direct(&options, path).or_else(|_| options.open(path))?;
    reserve(&file, order.segment.bytes)?;
    let zeros = vec![Page::ZERO; PIECE_PAGES];
    let zeros: &[u8] = bytemuck::cast_slice(&zeros);
    let mut left = order.segment.bytes;
    while left > 0 {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(&zeros[..piece])?;
        left -= piece as u64;
        if !order.haste && left > 0 {
            std::thread::sleep(PIECE_REST);
        }
    }
    file.sync_all()?;
    Ok(true)
}

/// Takes the space at once and in one piece where the file system can.
#[cfg(target_os = "linux")]
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _bytes: u64) -> io::Result<()> {
    Ok(())
}

/// Makes names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
