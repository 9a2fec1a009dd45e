//! Reading the log, while it grows.

use super::block::{Chain, KIND_SEAL};
use super::block_file::{BlockFile, Next};
use super::{Address, Damage, EventLogError, Position, files};
use engine::event::EventRecord;
use engine::number::Sequence;
use engine::packed;
use std::path::{Path, PathBuf};

/// Reads events in order, from any address on, at its own pace. Independent of the writer: in the same
/// process or another one, and as many as there are readers.
#[derive(Debug)]
pub struct EventLogReader {
    folder: PathBuf,
    /// Events below are not delivered.
    from: Address,
    file: Option<BlockFile>,
    /// Another file followed when this one was opened: it must be complete.
    file_is_closed: bool,
    /// The present block.
    block: PresentBlock,
    /// What the next block must go on from; `None` after a jump.
    chain: Option<Chain>,
}

#[derive(Clone, Copy, Debug, Default)]
struct PresentBlock {
    offset: u64,
    /// Events of it that were read.
    read: u32,
    /// Events in it.
    count: u32,
    /// Bytes of its packed events that were read.
    bytes: usize,
    /// The event read last, of it or before it.
    last: Address,
    /// Its last event.
    end: Address,
}

impl EventLogReader {
    /// A reader of the log in `folder`, before its first event. The folder may still be empty.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn open(folder: &Path) -> Result<Self, EventLogError> {
        files::list(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            from: Address::START,
            file: None,
            file_is_closed: false,
            block: PresentBlock::default(),
            chain: None,
        })
    }

    /// Goes to the first event at or above `from`, which need not exist yet.
    pub fn seek(&mut self, from: Address) {
        self.from = from;
        self.file = None;
        self.block = PresentBlock::default();
        self.chain = None;
    }

    /// As [`Self::seek`], for a reader that must not miss an event: what is asked for must still be there.
    /// [`Address::START`] asks for the log's very first command.
    ///
    /// # Errors
    /// The file of `from` was removed, or the folder cannot be listed.
    pub fn seek_stored(&mut self, from: Address) -> Result<(), EventLogError> {
        let begin = from.max(Address { sequence: Sequence(1), ordinal: 0 });
        if let Some(first) = self.first()?.filter(|&first| first > begin) {
            return Err(EventLogError::Removed { file: first });
        }
        self.seek(from);
        Ok(())
    }

    /// Goes to an event by where it is stored, as [`Self::position`] told.
    ///
    /// # Errors
    /// The file is gone or cannot be opened.
    pub fn seek_position(&mut self, position: Position) -> Result<(), EventLogError> {
        self.seek(position.file);
        let files = files::list(&self.folder)?;
        if files.binary_search(&position.file).is_err() {
            return Err(EventLogError::Removed { file: position.file });
        }
        self.open_file(position.file, &files)?;
        if let Some(file) = &mut self.file {
            file.seek(u64::from(position.offset));
        }
        for _ in 0..position.event {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Where the next event is stored; `None` before the first file exists.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let file = self.file.as_ref()?;
        let (offset, event) = if self.block.read < self.block.count {
            (self.block.offset, self.block.read)
        } else {
            (file.offset(), 0)
        };
        Some(Position { file: file.first, offset: u32::try_from(offset).ok()?, event })
    }

    /// The address that the oldest file begins with: what lies below was removed or never written.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn first(&self) -> Result<Option<Address>, EventLogError> {
        Ok(files::list(&self.folder)?.first().copied())
    }

    /// The next event; `None` while it is not there yet.
    ///
    /// # Errors
    /// A file cannot be read, or its bytes are not what was written.
    #[allow(clippy::should_implement_trait, reason = "None is not the end: the log grows")]
    pub fn next(&mut self) -> Result<Option<EventRecord>, EventLogError> {
        loop {
            while self.block.read < self.block.count {
                let event = self.unpack()?;
                if Address::of(&event) >= self.from {
                    return Ok(Some(event));
                }
            }
            if !self.next_block()? {
                return Ok(None);
            }
        }
    }

    fn unpack(&mut self) -> Result<EventRecord, EventLogError> {
        let file = self.file.as_ref().expect("a block is read from an open file");
        let (packed, block) = (file.packed(), &mut self.block);
        if let Ok((words, size)) = packed::decode(&packed[block.bytes..]) {
            let event = EventRecord::from_words(words);
            let address = Address::of(&event);
            let rises = address > block.last;
            block.read += 1;
            block.bytes += size;
            block.last = address;
            // What the checksum covers was written so: only a fault of the writer can break this.
            let ends = (block.read == block.count) == (address == block.end && block.bytes == packed.len());
            if rises && ends {
                return Ok(event);
            }
        }
        Err(self.damaged(self.block.offset, Damage::Events))
    }

    /// Goes to the next block that may hold an event at or above `from`; `false` if it is not there yet.
    fn next_block(&mut self) -> Result<bool, EventLogError> {
        while self.open_if_closed()? {
            let Some(file) = &mut self.file else { return Ok(false) };
            let from = self.from;
            while self.chain.is_none_or(|chain| chain.last < from) && file.pass_below(from)? {
                self.chain = None;
            }
            let offset = file.offset();
            match file.next()? {
                Next::Block(header) => {
                    if self.chain.is_some_and(|chain| chain != header.before()) {
                        return Err(self.damaged(offset, Damage::Chain));
                    }
                    self.chain = Some(header.after());
                    let (last, end) = (header.before().last, header.last());
                    self.block = PresentBlock { offset, read: 0, count: header.count, bytes: 0, last, end };
                    if header.kind != KIND_SEAL {
                        return Ok(true);
                    }
                    if !self.open_next_file(offset)? {
                        return Ok(false);
                    }
                }
                Next::End | Next::Torn if self.file_is_closed => {
                    return Err(self.damaged(offset, Damage::Unsealed));
                }
                Next::Bad { damage, at_end } if self.file_is_closed || !at_end => {
                    return Err(self.damaged(offset, damage));
                }
                Next::End | Next::Torn | Next::Bad { .. } => {
                    if offset == 0 {
                        self.close_file();
                    }
                    return Ok(false);
                }
            }
        }
        Ok(false)
    }

    /// Opens the file that holds `from` unless one is open; `false` where there is none yet.
    fn open_if_closed(&mut self) -> Result<bool, EventLogError> {
        if self.file.is_none() {
            let files = files::list(&self.folder)?;
            let below = files.partition_point(|&first| first <= self.from);
            if let Some(&first) = files.get(below.saturating_sub(1)) {
                self.open_file(first, &files)?;
            }
        }
        Ok(self.file.is_some())
    }

    /// Forgets a file that holds nothing yet: a writer that finds it so when it starts makes another
    /// one in its place, or none.
    fn close_file(&mut self) {
        if let Some(chain) = self.chain.take() {
            self.from = self.from.max(chain.last.after());
        }
        self.file = None;
    }

    fn open_file(&mut self, first: Address, files: &[Address]) -> Result<(), EventLogError> {
        self.file = Some(BlockFile::open(&self.folder, first)?);
        self.file_is_closed = files.last() > Some(&first);
        Ok(())
    }

    /// From the closing block at `offset` to the file that follows; `false` if there is none yet.
    fn open_next_file(&mut self, offset: u64) -> Result<bool, EventLogError> {
        let files = files::list(&self.folder)?;
        let present = self.file.as_ref().map(|file| file.first);
        let following = files.partition_point(|&first| Some(first) <= present);
        match files.get(following) {
            Some(&first) => {
                self.open_file(first, &files)?;
                Ok(true)
            }
            None => {
                if let Some(file) = &mut self.file {
                    file.seek(offset);
                }
                Ok(false)
            }
        }
    }

    fn damaged(&self, offset: u64, damage: Damage) -> EventLogError {
        let first = self.file.as_ref().map_or(Address::START, |file| file.first);
        EventLogError::Damaged { path: files::events_path(&self.folder, first), offset, damage }
    }
}
