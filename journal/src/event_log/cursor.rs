//! How far a reader has come, kept on disk.

use super::{Address, EventLogError, files};
use bytemuck::{Pod, Zeroable};
use engine::number::Sequence;
use std::path::{Path, PathBuf};

/// "RCUR" in a hex dump.
const MAGIC: u32 = 0x5255_4352;
const VERSION: u16 = 1;

/// As in the table of docs/event-log.md.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Stored {
    magic: u32,
    version: u16,
    reserved: u16,
    sequence: u64,
    ordinal: u32,
    checksum: u32,
}

const _: () = assert!(size_of::<Stored>() == 24);

/// The last event that a reader has done with, in a small file that is replaced whole.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    done: Address,
}

impl Cursor {
    /// The cursor in the file at `path`; without a file, [`Address::START`].
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn open(path: &Path) -> Result<Self, EventLogError> {
        let done = match std::fs::read(path) {
            Ok(bytes) => decode(&bytes).ok_or_else(|| EventLogError::Cursor { path: path.to_owned() })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Address::START,
            Err(source) => return Err(EventLogError::io("read", path, source)),
        };
        Ok(Self { path: path.to_owned(), done })
    }

    /// The last event done with; [`Address::START`] if none. The reader goes on at [`Address::after`].
    #[must_use]
    pub const fn done(&self) -> Address {
        self.done
    }

    /// Stores that everything up to and including `done` is done with. Durable when it returns: it takes
    /// two syncs, so do it once a batch or once a second.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn store(&mut self, done: Address) -> Result<(), EventLogError> {
        files::replace(&self.path, &encode(done))?;
        self.done = done;
        Ok(())
    }
}

fn encode(done: Address) -> [u8; size_of::<Stored>()] {
    let mut stored = Stored {
        magic: MAGIC,
        version: VERSION,
        reserved: 0,
        sequence: done.sequence.0,
        ordinal: done.ordinal,
        checksum: 0,
    };
    stored.checksum = checksum(&stored);
    bytemuck::cast(stored)
}

fn decode(bytes: &[u8]) -> Option<Address> {
    let stored: Stored = bytemuck::try_pod_read_unaligned(bytes).ok()?;
    let sound = stored.magic == MAGIC && stored.version == VERSION && stored.checksum == checksum(&stored);
    sound.then_some(Address { sequence: Sequence(stored.sequence), ordinal: stored.ordinal })
}

fn checksum(stored: &Stored) -> u32 {
    crc32c::crc32c(&bytemuck::bytes_of(stored)[..size_of::<Stored>() - 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_damaged_byte_and_every_length_is_noticed() {
        let address = Address { sequence: Sequence(77), ordinal: 3 };
        let bytes = encode(address);
        assert_eq!(decode(&bytes), Some(address));
        for at in 0..bytes.len() {
            let mut damaged = bytes;
            damaged[at] ^= 0x10;
            assert_eq!(decode(&damaged), None, "byte {at}");
            assert_eq!(decode(&bytes[..at]), None, "length {at}");
        }
    }
}
