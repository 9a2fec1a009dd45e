//! One file of events, block by block, without judging what a defect at its end means.

use super::block::{HEADER_SIZE, Header, KIND_EVENTS};
use super::{Address, Damage, EventLogError, files};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Bytes that one read asks for; the buffer grows beyond only for a larger block (4 MiB at most).
const READ_BYTES: usize = 256 << 10;

/// What comes next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A block whose checksum holds. Its packed events are in [`BlockFile::packed`].
    Block(Header),
    /// The file ends exactly here.
    End,
    /// The file ends within the block that begins here.
    Torn,
    /// Bytes that are no block.
    Bad {
        /// What is wrong.
        damage: Damage,
        /// The defect reaches to the end of the file as it is now, or is zeros from here on.
        at_end: bool,
    },
}

#[derive(Debug)]
pub(super) struct BlockFile {
    file: File,
    path: PathBuf,
    pub(super) first: Address,
    buffer: Vec<u8>,
    /// Byte offset in the file of `buffer[0]`.
    buffer_offset: u64,
    /// Where in the buffer the next block begins.
    at: usize,
    /// Where in the buffer the packed events of the present block are.
    packed: std::ops::Range<usize>,
}

impl BlockFile {
    pub(super) fn open(folder: &Path, first: Address) -> Result<Self, EventLogError> {
        let path = files::events_path(folder, first);
        let file = File::open(&path).map_err(|source| EventLogError::io("open", &path, source))?;
        Ok(Self {
            file,
            path,
            first,
            buffer: Vec::with_capacity(READ_BYTES),
            buffer_offset: 0,
            at: 0,
            packed: 0..0,
        })
    }

    /// Byte offset of the next block.
    pub(super) const fn offset(&self) -> u64 {
        self.buffer_offset + self.at as u64
    }

    /// Goes to the block at `offset`.
    pub(super) fn seek(&mut self, offset: u64) {
        self.buffer.clear();
        self.buffer_offset = offset;
        self.at = 0;
        self.packed = 0..0;
    }

    /// The packed events of the block that was read last.
    pub(super) fn packed(&self) -> &[u8] {
        &self.buffer[self.packed.clone()]
    }

    /// The next block. What is not a whole block is not passed: asked again, it is read again.
    pub(super) fn next(&mut self) -> Result<Next, EventLogError> {
        let next = self.peek()?;
        if let Next::Block(header) = next {
            let start = self.at;
            self.at += header.size();
            self.packed = start + HEADER_SIZE..self.at;
        } else {
            let offset = self.offset();
            self.seek(offset);
        }
        Ok(next)
    }

    /// Passes the next block without reading its events if all of them lie below `address`.
    pub(super) fn pass_below(&mut self, address: Address) -> Result<bool, EventLogError> {
        if !self.fill(HEADER_SIZE)? {
            return Ok(false);
        }
        let bytes = self.buffer[self.at..].first_chunk().expect("fill made room for a header");
        let Ok(header) = Header::parse(bytes) else { return Ok(false) };
        if header.kind != KIND_EVENTS || header.last() >= address {
            return Ok(false);
        }
        let behind = self.at + header.size();
        if behind <= self.buffer.len() {
            self.at = behind;
        } else {
            let offset = self.offset() + header.size() as u64;
            self.seek(offset);
        }
        Ok(true)
    }

    fn peek(&mut self) -> Result<Next, EventLogError> {
        if !self.fill(HEADER_SIZE)? {
            return Ok(if self.buffer.len() == self.at { Next::End } else { Next::Torn });
        }
        let bytes = self.buffer[self.at..].first_chunk().expect("fill made room for a header");
        let header = match Header::parse(bytes) {
            Ok(header) => header,
            Err(damage) => return Ok(Next::Bad { damage, at_end: self.only_zeros_follow()? }),
        };
        if !self.fill(header.size())? {
            return Ok(Next::Torn);
        }
        if header.checksum_holds(&self.buffer[self.at + HEADER_SIZE..self.at + header.size()]) {
            return Ok(Next::Block(header));
        }
        let at_end = !self.fill(header.size() + 1)?;
        Ok(Next::Bad { damage: Damage::Checksum, at_end })
    }

    /// Makes at least `needed` bytes available from `at` on; `false` where the file has not that many.
    fn fill(&mut self, needed: usize) -> Result<bool, EventLogError> {
        if self.buffer.len() - self.at >= needed {
            return Ok(true);
        }
        self.buffer.drain(..self.at);
        self.buffer_offset += self.at as u64;
        self.at = 0;
        self.packed = 0..0;
        while self.buffer.len() < needed {
            let held = self.buffer.len();
            self.buffer.resize(READ_BYTES.max(needed), 0);
            let read = self.file.read_at(&mut self.buffer[held..], self.buffer_offset + held as u64);
            self.buffer.truncate(held + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(false),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(self.refused(error)),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(true)
    }

    fn only_zeros_follow(&mut self) -> Result<bool, EventLogError> {
        let from = self.offset();
        let mut chunk = vec![0; READ_BYTES];
        let mut offset = from;
        loop {
            let read = self.file.read_at(&mut chunk, offset).map_err(|error| self.refused(error))?;
            if read == 0 {
                return Ok(true);
            }
            if chunk[..read].iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
            offset += read as u64;
        }
    }

    fn refused(&self, source: std::io::Error) -> EventLogError {
        EventLogError::io("read", &self.path, source)
    }
}
