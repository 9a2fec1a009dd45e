//! Direct, durable writes by io_uring.
//!
//! The one module of this crate with unsafe code: the kernel reads buffers that it is only given the
//! address of.
#![allow(unsafe_code)]

use super::{Completion, PAGE_SIZE, Page, Write};
use crate::error::{Action, JournalError};
use io_uring::{IoUring, opcode, types};
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Each write is durable when it completes.
const DSYNC: i32 = rustix::io::ReadWriteFlags::DSYNC.bits().cast_signed();

/// How long a ring that goes waits for its writes.
const DROP_WAIT: Duration = Duration::from_secs(1);

/// A write that the kernel may be reading from.
struct Flight {
    write: Write,
    file: Arc<File>,
    path: Arc<PathBuf>,
}

/// The ring and the writes that are under way.
pub(super) struct Uring {
    ring: IoUring,
    /// A write's place here is its `user_data`. Never dropped while the kernel may read a buffer.
    flights: ManuallyDrop<Vec<Option<Flight>>>,
    /// Pushed, but not yet taken by the kernel.
    unsubmitted: usize,
}

impl Uring {
    /// A ring for as many writes.
    pub(super) fn new(writes_in_flight: usize) -> io::Result<Self> {
        let entries = u32::try_from(writes_in_flight.next_power_of_two()).map_err(io::Error::other)?;
        let flights = std::iter::repeat_with(|| None).take(writes_in_flight).collect();
        Ok(Self { ring: IoUring::new(entries)?, flights: ManuallyDrop::new(flights), unsubmitted: 0 })
    }

    /// Whether kernel and file system take such writes, by writing one page to `file` at byte 0.
    pub(super) fn probe(&mut self, file: File, path: &Path) -> Result<(), JournalError> {
        let write = Write { number: 0, generation: 0, page: 0, pages: 1, buffer: vec![Page::ZERO] };
        self.submit(write, &Arc::new(file), &Arc::new(path.to_owned()))?;
        let refused = |source| JournalError::Io { action: Action::SetUp, file: path.to_owned(), source };
        self.ring.submit_and_wait(1).map_err(refused)?;
        let completion = self.reap()?.ok_or_else(|| refused(io::ErrorKind::TimedOut.into()))?;
        completion.result
    }

    pub(super) fn submit(
        &mut self,
        write: Write,
        file: &Arc<File>,
        path: &Arc<PathBuf>,
    ) -> Result<(), JournalError> {
        let slot = self.flights.iter().position(Option::is_none).ok_or(JournalError::Ended)?;
        let flight = Flight { write, file: Arc::clone(file), path: Arc::clone(path) };
        let bytes: &[u8] = bytemuck::cast_slice(&flight.write.buffer[..flight.write.pages]);
        let length = u32::try_from(bytes.len()).map_err(|_| JournalError::Ended)?;
        let entry = opcode::Write::new(types::Fd(flight.file.as_raw_fd()), bytes.as_ptr(), length)
            .offset(offset(&flight.write))
            .rw_flags(DSYNC)
            .build()
            .user_data(slot as u64);
        // SAFETY: the entry's address and descriptor must stay valid until its completion is reaped. Both
        // belong to `flight`, which is put into `flights` here, is taken out in `reap` only when its
        // completion has come, and is leaked, not dropped, when the ring goes first. A `Vec`'s heap memory
        // stays where it is when the `Vec` is moved, and nobody writes to it while it is in `flights`.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        pushed.map_err(|_| JournalError::Ended)?;
        self.flights[slot] = Some(flight);
        self.unsubmitted += 1;
        self.enter(path)
    }

    pub(super) fn reap(&mut self) -> Result<Option<Completion>, JournalError> {
        if self.unsubmitted > 0 {
            let path = self.flights.iter().flatten().next().map(|flight| Arc::clone(&flight.path));
            self.enter(&path.unwrap_or_default())?;
        }
        let Some(event) = self.ring.completion().next() else { return Ok(None) };
        let slot = usize::try_from(event.user_data()).unwrap_or(usize::MAX);
        let flight = self.flights.get_mut(slot).and_then(Option::take).ok_or(JournalError::Ended)?;
        let result = outcome(event.result(), &flight);
        Ok(Some(Completion { number: flight.write.number, buffer: flight.write.buffer, result }))
    }

    /// Hands what was pushed to the kernel. An interrupted call took nothing and is made again at the next
    /// poll: no write has been tried then.
    fn enter(&mut self, path: &Path) -> Result<(), JournalError> {
        match self.ring.submit() {
            Ok(taken) => {
                self.unsubmitted -= taken.min(self.unsubmitted);
                Ok(())
            }
            Err(source) if source.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(source) => Err(JournalError::Io { action: Action::Write, file: path.to_owned(), source }),
        }
    }
}

fn offset(write: &Write) -> u64 {
    u64::from(write.page) * PAGE_SIZE as u64
}

fn outcome(result: i32, flight: &Flight) -> Result<(), JournalError> {
    let expected = (flight.write.pages * PAGE_SIZE) as u64;
    match u64::try_from(result) {
        Ok(written) if written == expected => Ok(()),
        Ok(written) => Err(JournalError::ShortWrite {
            file: flight.path.to_path_buf(),
            offset: offset(&flight.write),
            expected,
            written,
        }),
        Err(_) => Err(JournalError::Io {
            action: Action::Write,
            file: flight.path.to_path_buf(),
            source: io::Error::from_raw_os_error(-result),
        }),
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        let deadline = Instant::now() + DROP_WAIT;
        while self.flights.iter().any(Option::is_some) && Instant::now() < deadline {
            if !matches!(self.reap(), Ok(Some(_))) {
                std::thread::yield_now();
            }
        }
        // Writes still under way keep their buffers for ever: a dead disk must not hang the exit.
        if self.flights.iter().all(Option::is_none) {
            // SAFETY: `flights` is dropped here only, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.flights) };
        }
    }
}
