//! Records and entries as bytes. `docs/journal.md` has the tables.

use crate::disk::{PAGE_SIZE, Page};
use bytemuck::{Pod, Zeroable};
use engine::command::CommandSlot;
use engine::number::Sequence;
use engine::packed::{self, PackedError};

/// Size of a record's header, in bytes.
pub const HEADER_SIZE: usize = 128;
/// Size of an entry's header, in bytes.
pub const ENTRY_HEADER_SIZE: usize = 40;
/// Largest record of the format, in bytes.
pub const RECORD_BYTES_LIMIT: usize = 8 << 20;
/// Version of the format that is written.
pub const FORMAT_VERSION: u16 = 1;

const MAGIC: [u8; 4] = *b"RTNJ";
/// The checksum covers the record from here on.
const CHECKED_FROM: usize = 8;

/// The first bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RecordHeader {
    /// `RTNJ`.
    pub magic: [u8; 4],
    /// CRC32C of all that follows: header, payload and padding up to the next 4 KiB.
    pub crc: u32,
    /// Version of the format.
    pub version: u16,
    /// Zero.
    pub flags: u16,
    /// Bytes of the entries behind the header.
    pub payload_bytes: u32,
    /// The cluster that the journal belongs to.
    pub cluster: u64,
    /// The node that wrote it.
    pub node: u64,
    /// Generation of the segment: new at each use of the file.
    pub generation: u64,
    /// Where the record begins in its segment, in units of 4 KiB.
    pub page: u32,
    /// Size of the segment, in units of 4 KiB.
    pub segment_pages: u32,
    /// The node's term.
    pub term: u64,
    /// The node that it voted for in that term; 0 for none.
    pub vote: u64,
    /// Highest index that was known as committed.
    pub commit: u64,
    /// Highest index that was durable on this disk when the record was written: what it vouches for.
    pub durable: u64,
    /// Index of the first entry; without entries that of the next to come.
    pub first_index: u64,
    /// Sequence of the first command; without commands that of the next to come.
    pub first_sequence: Sequence,
    /// Number of entries.
    pub entries: u32,
    /// Checksum of the record before; 0 in the journal's first.
    pub previous_crc: u32,
    /// Zero.
    pub reserved: [u64; 3],
}

/// What an entry is. The number is stored; it is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EntryKind {
    /// Commands.
    Commands = 1,
    /// A new term begins; no commands.
    TermStart = 2,
}

/// The first bytes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct EntryHeader {
    /// Place in the log, from 1.
    pub index: u64,
    /// The term that it was made in.
    pub term: u64,
    /// Sequence of its first command; without commands that of the next to come.
    pub first_sequence: Sequence,
    /// Number of commands.
    pub commands: u32,
    /// Bytes of the commands in packed form, behind this header.
    pub bytes: u32,
    /// Version of the market rules that its commands are applied with.
    pub rules: u16,
    /// An [`EntryKind`].
    pub kind: u8,
    /// Zero.
    pub reserved: [u8; 5],
}

const _: () = {
    assert!(size_of::<RecordHeader>() == HEADER_SIZE);
    assert!(size_of::<EntryHeader>() == ENTRY_HEADER_SIZE);
    assert!(std::mem::offset_of!(RecordHeader, crc) == 4);
    assert!(std::mem::offset_of!(RecordHeader, version) == CHECKED_FROM);
    assert!(std::mem::offset_of!(RecordHeader, payload_bytes) == 12);
    assert!(std::mem::offset_of!(RecordHeader, cluster) == 16);
    assert!(std::mem::offset_of!(RecordHeader, generation) == 32);
    assert!(std::mem::offset_of!(RecordHeader, page) == 40);
    assert!(std::mem::offset_of!(RecordHeader, term) == 48);
    assert!(std::mem::offset_of!(RecordHeader, durable) == 72);
    assert!(std::mem::offset_of!(RecordHeader, first_index) == 80);
    assert!(std::mem::offset_of!(RecordHeader, entries) == 96);
    assert!(std::mem::offset_of!(RecordHeader, previous_crc) == 100);
    assert!(std::mem::offset_of!(EntryHeader, first_sequence) == 16);
    assert!(std::mem::offset_of!(EntryHeader, bytes) == 28);
    assert!(std::mem::offset_of!(EntryHeader, kind) == 34);
    assert!(HEADER_SIZE < PAGE_SIZE);
};

/// Why a record whose checksum is right cannot be used: it was written by another version, or by a fault
/// in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The entries do not add up to what the header says.
    Entries,
    /// An entry's index, term or first sequence does not follow.
    Order {
        /// The entry's index.
        index: u64,
    },
    /// Flags that this version does not know.
    Flags(u16),
    /// An entry of a kind that this version does not know.
    Kind {
        /// The kind byte.
        kind: u8,
    },
    /// A command is in no packed form.
    Command(PackedError),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entries => f.write_str("its entries do not add up to what its header says"),
            Self::Order { index } => write!(f, "entry {index} does not follow the one before it"),
            Self::Flags(flags) => write!(f, "this version knows no flags {flags:#x}"),
            Self::Kind { kind } => write!(f, "this version knows no entry of kind {kind}"),
            Self::Command(error) => write!(f, "a command cannot be read: {error}"),
        }
    }
}

/// Pages that `bytes` take.
pub(crate) const fn pages_for(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_SIZE)
}

impl RecordHeader {
    /// Bytes of the record with its padding.
    #[must_use]
    pub const fn record_bytes(&self) -> usize {
        pages_for(HEADER_SIZE + self.payload_bytes as usize) * PAGE_SIZE
    }

    /// Pages of the record with its padding.
    pub(crate) const fn pages(&self) -> u32 {
        (self.record_bytes() / PAGE_SIZE) as u32
    }

    /// Writes header, `payload` and padding into `pages`; returns the pages used and the checksum.
    pub(crate) fn encode(mut self, payload: &[u8], pages: &mut [Page]) -> (usize, u32) {
        debug_assert!(HEADER_SIZE + payload.len() <= RECORD_BYTES_LIMIT);
        let used = pages_for(HEADER_SIZE + payload.len());
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut pages[..used]);
        let end = HEADER_SIZE + payload.len();
        self.magic = MAGIC;
        self.version = FORMAT_VERSION;
        self.payload_bytes = payload.len() as u32;
        bytes[HEADER_SIZE..end].copy_from_slice(payload);
        bytes[end..].fill(0);
        bytes[..HEADER_SIZE].copy_from_slice(bytemuck::bytes_of(&self));
        self.crc = crc32c::crc32c(&bytes[CHECKED_FROM..]);
        bytes[..HEADER_SIZE].copy_from_slice(bytemuck::bytes_of(&self));
        (used, self.crc)
    }

    /// The header that `page` begins with, if it can be one; nothing is said about the rest yet.
    pub(crate) fn sniff(page: &Page) -> Option<Self> {
        let header: Self = bytemuck::pod_read_unaligned(&page.0[..HEADER_SIZE]);
        let fits = HEADER_SIZE + header.payload_bytes as usize <= RECORD_BYTES_LIMIT;
        (header.magic == MAGIC && fits).then_some(header)
    }

    /// Whether `record`, all [`Self::record_bytes`] of it, has the checksum of this header.
    pub(crate) fn is_intact(&self, record: &[Page]) -> bool {
        let bytes: &[u8] = bytemuck::cast_slice(record);
        crc32c::crc32c(&bytes[CHECKED_FROM..]) == self.crc
    }

    /// The entries of this header's `record`, an intact one.
    pub(crate) fn entries<'a>(&self, record: &'a [Page]) -> Entries<'a> {
        let bytes: &[u8] = bytemuck::cast_slice(record);
        Entries {
            payload: &bytes[HEADER_SIZE..HEADER_SIZE + self.payload_bytes as usize],
            left: self.entries,
            next_index: self.first_index,
            next_sequence: self.first_sequence,
            term: self.term,
        }
    }
}

impl EntryHeader {
    /// The header of an entry of `kind`.
    pub(crate) fn new(kind: EntryKind, index: u64, term: u64, first_sequence: Sequence, rules: u16) -> Self {
        Self { index, term, first_sequence, commands: 0, bytes: 0, rules, kind: kind as u8, reserved: [0; 5] }
    }
}

/// The entries of a record, in order.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    payload: &'a [u8],
    left: u32,
    next_index: u64,
    next_sequence: Sequence,
    term: u64,
}

/// One entry of a record.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its header.
    pub header: EntryHeader,
    /// What it is.
    pub kind: EntryKind,
    bytes: &'a [u8],
}

impl<'a> Entries<'a> {
    /// The next entry.
    ///
    /// # Errors
    /// The entries are not those that the record's header announces.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'a>>, Malformed> {
        if self.left == 0 {
            return if self.payload.is_empty() { Ok(None) } else { Err(Malformed::Entries) };
        }
        let (head, rest) = self.payload.split_at_checked(ENTRY_HEADER_SIZE).ok_or(Malformed::Entries)?;
        let header: EntryHeader = bytemuck::pod_read_unaligned(head);
        let (bytes, rest) = rest.split_at_checked(header.bytes as usize).ok_or(Malformed::Entries)?;
        let kind = match header.kind {
            1 => EntryKind::Commands,
            2 => EntryKind::TermStart,
            kind => return Err(Malformed::Kind { kind }),
        };
        let follows = header.index == self.next_index && header.first_sequence == self.next_sequence;
        if !follows || header.term > self.term {
            return Err(Malformed::Order { index: header.index });
        }
        if (kind == EntryKind::Commands) != (header.commands > 0) {
            return Err(Malformed::Entries);
        }
        self.payload = rest;
        self.left -= 1;
        self.next_index += 1;
        self.next_sequence = Sequence(self.next_sequence.0 + u64::from(header.commands));
        Ok(Some(Entry { header, kind, bytes }))
    }
}

impl Entry<'_> {
    /// Hands every command to `each`, in order.
    ///
    /// # Errors
    /// The bytes are not those of as many commands as the header announces.
    pub fn for_each(&self, mut each: impl FnMut(Sequence, &CommandSlot)) -> Result<(), Malformed> {
        let mut bytes = self.bytes;
        for number in 0..u64::from(self.header.commands) {
            let (words, size) = packed::decode(bytes).map_err(Malformed::Command)?;
            bytes = &bytes[size..];
            each(Sequence(self.header.first_sequence.0 + number), &CommandSlot::from_words(words));
        }
        if bytes.is_empty() { Ok(()) } else { Err(Malformed::Entries) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::command::{CommandKind, OrderCommand};
    use engine::number::Timestamp;

    fn record(payload: &[u8], pages: &mut [Page]) -> RecordHeader {
        let header = RecordHeader { entries: 1, first_index: 5, term: 2, ..RecordHeader::zeroed() };
        let header = RecordHeader { first_sequence: Sequence(9), ..header };
        header.encode(payload, pages);
        RecordHeader::sniff(&pages[0]).expect("it was just written")
    }

    fn entry(commands: u32, bytes: &[u8]) -> Vec<u8> {
        let mut header = EntryHeader::new(EntryKind::Commands, 5, 2, Sequence(9), 1);
        (header.commands, header.bytes) = (commands, bytes.len() as u32);
        [bytemuck::bytes_of(&header), bytes].concat()
    }

    #[test]
    fn padding_is_zero_even_in_a_used_buffer() {
        let mut pages = [Page([0xEE; PAGE_SIZE]); 2];
        let header = record(&entry(1, &[0, 0]), &mut pages);
        let end = HEADER_SIZE + ENTRY_HEADER_SIZE + 2;
        assert!(header.is_intact(&pages[..1]));
        assert!(pages[0].0[end..].iter().all(|&byte| byte == 0));
        assert_eq!(pages[1].0[0], 0xEE, "the next page is not touched");
    }

    #[test]
    fn commands_survive() {
        let slot = CommandSlot::new(&OrderCommand::blank(CommandKind::Enter, Timestamp(7)));
        let mut bytes = Vec::new();
        packed::encode(slot.words(), &mut bytes);
        packed::encode(slot.words(), &mut bytes);
        let mut pages = [Page::ZERO];
        let header = record(&entry(2, &bytes), &mut pages);
        let mut entries = header.entries(&pages);
        let found = entries.next_entry().unwrap().unwrap();
        let mut sequences = Vec::new();
        found
            .for_each(|sequence, command| {
                assert_eq!(command.words(), slot.words());
                sequences.push(sequence.0);
            })
            .unwrap();
        assert_eq!(sequences, [9, 10]);
        assert!(entries.next_entry().unwrap().is_none());
    }

    #[test]
    fn what_does_not_add_up_is_malformed() {
        let read = |payload: &[u8]| {
            let mut pages = [Page::ZERO];
            let header = record(payload, &mut pages);
            let mut entries = header.entries(&pages);
            while let Some(entry) = entries.next_entry()? {
                entry.for_each(|_, _| {})?;
            }
            Ok(())
        };
        assert_eq!(read(&entry(1, &[0, 0])), Ok(()));
        assert_eq!(
            read(&entry(2, &[0, 0])).map_err(|error| matches!(error, Malformed::Command(_))),
            Err(true)
        );
        assert_eq!(read(&entry(1, &[0, 0, 0])), Err(Malformed::Entries));
        assert_eq!(read(&entry(0, &[])), Err(Malformed::Entries));
        assert_eq!(read(&entry(1, &[0, 0])[..20]), Err(Malformed::Entries));
        assert_eq!(read(&[entry(1, &[0, 0]), vec![0]].concat()), Err(Malformed::Entries));
        let mut other = entry(1, &[0, 0]);
        other[34] = 99;
        assert_eq!(read(&other), Err(Malformed::Kind { kind: 99 }));
        let mut other = entry(1, &[0, 0]);
        other[0] = 6;
        assert_eq!(read(&other), Err(Malformed::Order { index: 6 }));
    }
}
