//! The header of a block: the one place that knows its bytes.

use super::{Address, Damage, RunningHash};
use bytemuck::{Pod, Zeroable};
use engine::event::EventRecord;
use engine::number::Sequence;
use engine::packed;

/// Bytes of a block's header.
pub(super) const HEADER_SIZE: usize = size_of::<Header>();
/// Largest block in any log, header included: what a reader must be able to hold.
pub(super) const BLOCK_BYTES_LIMIT: u32 = 4 << 20;

/// "REVB" in a hex dump.
const MAGIC: u32 = 0x4256_4552;
const VERSION: u16 = 1;
/// The header's checksum covers what is behind itself in the header.
const CHECKED_FROM: usize = 8;

/// A block of events.
pub(super) const KIND_EVENTS: u16 = 0;
/// The last block of a file that is complete: no events.
pub(super) const KIND_SEAL: u16 = 1;

/// As in the table of docs/event-log.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Header {
    magic: u32,
    header_checksum: u32,
    version: u16,
    /// [`KIND_EVENTS`] or [`KIND_SEAL`].
    pub(super) kind: u16,
    /// Bytes of packed events behind the header.
    pub(super) length: u32,
    /// Events in the block.
    pub(super) count: u32,
    events_checksum: u32,
    reserved: u32,
    first_ordinal: u32,
    last_ordinal: u32,
    previous_ordinal: u32,
    first_sequence: u64,
    last_sequence: u64,
    previous_sequence: u64,
    /// Events of the log before this block, since it began.
    pub(super) events_before: u64,
    hash_before: u64,
    hash_after: u64,
}

const _: () = assert!(HEADER_SIZE == 88);

/// How far a log goes: what the next block goes on from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The last event; [`Address::START`] if there is none.
    pub(super) last: Address,
    /// Events up to it.
    pub(super) events: u64,
    /// The hash after it.
    pub(super) hash: RunningHash,
}

impl Header {
    /// The header of a block that goes on from `before` and ends at `after`. `length` is that of its
    /// packed events.
    pub(super) fn new(before: &Chain, after: &Chain, first: Address, length: u32) -> Self {
        let count = u32::try_from(after.events - before.events)
            .expect("a block holds at most 4 MiB of events of at least 2 bytes");
        Self {
            magic: MAGIC,
            header_checksum: 0,
            version: VERSION,
            kind: if count == 0 { KIND_SEAL } else { KIND_EVENTS },
            length,
            count,
            events_checksum: 0,
            reserved: 0,
            first_ordinal: first.ordinal,
            last_ordinal: after.last.ordinal,
            previous_ordinal: before.last.ordinal,
            first_sequence: first.sequence.0,
            last_sequence: after.last.sequence.0,
            previous_sequence: before.last.sequence.0,
            events_before: before.events,
            hash_before: before.hash.0,
            hash_after: after.hash.0,
        }
    }

    /// Puts the header at the front of `block`, which already holds the packed events behind it.
    pub(super) fn seal(mut self, block: &mut [u8]) {
        self.events_checksum = crc32c::crc32c(&block[HEADER_SIZE..]);
        self.header_checksum = self.header_checksum_expected();
        block[..HEADER_SIZE].copy_from_slice(bytemuck::bytes_of(&self));
    }

    /// The header that `bytes` are. Its length can be relied on: the header has a checksum of its own.
    pub(super) fn parse(bytes: &[u8; HEADER_SIZE]) -> Result<Self, Damage> {
        let header: Self = bytemuck::pod_read_unaligned(bytes);
        if header.magic != MAGIC {
            return Err(Damage::Magic);
        }
        if header.header_checksum != header.header_checksum_expected() {
            return Err(Damage::Checksum);
        }
        if header.version != VERSION {
            return Err(Damage::Version(header.version));
        }
        let sound = match header.kind {
            KIND_EVENTS => {
                header.count > 0
                    && header.first() > header.before().last
                    && header.last() >= header.first()
                    && header.length <= BLOCK_BYTES_LIMIT - HEADER_SIZE as u32
            }
            KIND_SEAL => header.count == 0 && header.length == 0,
            _ => false,
        };
        if sound && header.events_before.checked_add(u64::from(header.count)).is_some() {
            Ok(header)
        } else {
            Err(Damage::Header)
        }
    }

    fn header_checksum_expected(&self) -> u32 {
        crc32c::crc32c(&bytemuck::bytes_of(self)[CHECKED_FROM..])
    }

    /// Whether the checksum of the events is that of `packed`.
    pub(super) fn checksum_holds(&self, packed: &[u8]) -> bool {
        crc32c::crc32c(packed) == self.events_checksum
    }

    /// Bytes of the whole block.
    pub(super) const fn size(&self) -> usize {
        HEADER_SIZE + self.length as usize
    }

    /// The first event's address.
    pub(super) const fn first(&self) -> Address {
        Address { sequence: Sequence(self.first_sequence), ordinal: self.first_ordinal }
    }

    /// The last event's address.
    pub(super) const fn last(&self) -> Address {
        Address { sequence: Sequence(self.last_sequence), ordinal: self.last_ordinal }
    }

    /// What the block goes on from.
    pub(super) const fn before(&self) -> Chain {
        Chain {
            last: Address { sequence: Sequence(self.previous_sequence), ordinal: self.previous_ordinal },
            events: self.events_before,
            hash: RunningHash(self.hash_before),
        }
    }

    /// How far the log goes with this block.
    pub(super) const fn after(&self) -> Chain {
        Chain {
            last: self.last(),
            events: self.events_before + self.count as u64,
            hash: RunningHash(self.hash_after),
        }
    }
}

/// Goes through the packed events of a block, tells each to `visit`, and yields where the chain is then.
///
/// # Errors
/// The bytes are no packed events, or not in rising order.
pub(super) fn walk(
    packed: &[u8],
    mut chain: Chain,
    mut visit: impl FnMut(&EventRecord),
) -> Result<Chain, Damage> {
    let mut rest = packed;
    while !rest.is_empty() {
        let (words, size) = packed::decode(rest).map_err(|_| Damage::Events)?;
        let event = EventRecord::from_words(words);
        let address = Address::of(&event);
        if address <= chain.last {
            return Err(Damage::Events);
        }
        chain = Chain { last: address, events: chain.events + 1, hash: chain.hash.fold(&event) };
        visit(&event);
        rest = &rest[size..];
    }
    Ok(chain)
}
