//! JSON lines into a file, a named pipe or the standard output.

use crate::sink::{Batch, Sink, SinkError};
use engine::number::Sequence;
use journal::event_log::Address;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::pipe::PIPE_BUF;
use serde::Deserialize;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest line that a file may end with: far above what an event takes.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// How long a pipe's reader is waited for before the stage may look at its other duties.
const PIPE_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// The sink for `path`: `-` is the standard output, a named pipe is written as such, all else is a file.
#[must_use]
pub fn open_json_lines(path: &Path) -> Box<dyn Sink> {
    let is_pipe = std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    if path == Path::new("-") || is_pipe {
        Box::new(JsonLinesPipe::new(path))
    } else {
        Box::new(JsonLinesFile::new(path))
    }
}

/// A file that holds each event once: it is cut behind its last whole line and continued from there.
#[derive(Debug)]
pub struct JsonLinesFile {
    path: PathBuf,
    open: Option<File>,
    /// Bytes of whole batches in it.
    size: u64,
}

impl JsonLinesFile {
    /// A sink into the file at `path`, which is made if missing.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None, size: 0 }
    }

    fn try_resume(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(2 * LINE_BYTES_MAX);
        let mut tail = vec![0; (length - from) as usize];
        file.read_exact_at(&mut tail, from)?;
        let end = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let torn = tail.split_off(end);
        if from > 0 && end == 0 {
            // One endless line: nothing that we wrote. Leave it as it is.
            return Ok(Some(torn));
        }
        if !torn.is_empty() {
            file.set_len(length - torn.len() as u64)?;
        }
        self.size = length - torn.len() as u64;
        self.open = Some(file);
        tail.pop();
        let line = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        Ok((self.size > 0).then(|| tail.split_off(line)))
    }
}

/// What every line begins with.
#[derive(Deserialize)]
struct LineAddress {
    sequence: u64,
    ordinal: u32,
}

impl Sink for JsonLinesFile {
    fn resume(&mut self) -> Result<Option<Address>, SinkError> {
        self.open = None;
        let last = self.try_resume().map_err(|source| SinkError::io("open", &self.path, source))?;
        let Some(line) = last else { return Ok(None) };
        match serde_json::from_slice::<LineAddress>(&line) {
            Ok(line) => Ok(Some(Address { sequence: Sequence(line.sequence), ordinal: line.ordinal })),
            Err(_) => Err(SinkError::Foreign { path: self.path.clone() }),
        }
    }

    fn deliver(&mut self, batch: &Batch<'_>) -> Result<(), SinkError> {
        let gone = || SinkError::io("write", &self.path, ErrorKind::NotConnected.into());
        let file = self.open.as_mut().ok_or_else(gone)?;
        let written = file.write_all(batch.lines.as_bytes());
        if let Err(source) = written {
            // The batch comes again whole: what was written of it must not stay.
            let cut = file.set_len(self.size);
            return Err(SinkError::io("write", &self.path, cut.err().unwrap_or(source)));
        }
        self.size += batch.lines.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        match &self.open {
            Some(file) => file
                .sync_data()
                .map_err(|source| SinkError::Unsynced { path: self.path.clone(), source: Arc::new(source) }),
            None => Ok(()),
        }
    }
}

/// A pipe. It acknowledges nothing: a reader that dies takes with it what it had left in the pipe (64 KiB
/// on Linux), and the batch on its way comes again whole to the next one. Who must not miss an event reads
/// a file.
#[derive(Debug)]
pub struct JsonLinesPipe {
    path: PathBuf,
    open: Option<OwnedFd>,
    /// Bytes of the batch in hand that have gone into the pipe.
    written: usize,
}

impl JsonLinesPipe {
    /// A sink into the named pipe at `path`, or the standard output if that is `-`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None, written: 0 }
    }

    fn try_open(&self) -> std::io::Result<OwnedFd> {
        if self.path == Path::new("-") {
            return std::io::stdout().as_fd().try_clone_to_owned();
        }
        // Without NONBLOCK this would wait for a reader, and no stop could end the wait.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::open(&self.path, flags, rustix::fs::Mode::empty())?)
    }

    fn busy(&self) -> SinkError {
        SinkError::Busy { path: self.path.clone() }
    }

    fn broken(&mut self, source: std::io::Error) -> SinkError {
        self.open = None;
        self.written = 0;
        SinkError::io("write", &self.path, source)
    }
}

impl Sink for JsonLinesPipe {
    fn resume(&mut self) -> Result<Option<Address>, SinkError> {
        Ok(None)
    }

    fn deliver(&mut self, batch: &Batch<'_>) -> Result<(), SinkError> {
        if self.open.is_none() {
            let opened = self.try_open();
            self.open = Some(opened.map_err(|source| match source.raw_os_error() {
                Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => self.busy(),
                _ => SinkError::io("open", &self.path, source),
            })?);
        }
        let bytes = batch.lines.as_bytes();
        while self.written < bytes.len() {
            let Some(pipe) = &self.open else { return Err(self.busy()) };
            let mut ready = [PollFd::new(pipe, PollFlags::OUT)];
            match poll(&mut ready, Some(&PIPE_WAIT)) {
                Ok(0) => return Err(self.busy()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(self.broken(error.into())),
            }
            // No more than a pipe takes whole once it says that it has room: a larger write would block.
            let chunk = &bytes[self.written..bytes.len().min(self.written + PIPE_BUF)];
            match rustix::io::write(pipe, chunk) {
                Ok(written) => self.written += written,
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(self.broken(error.into())),
            }
        }
        self.written = 0;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
