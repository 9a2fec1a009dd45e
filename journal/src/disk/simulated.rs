//! A disk in memory that loses what was not durable: for tests and for the simulated venue.
//!
//! A write becomes durable at the moment its completion is reaped, in a random order among those under way.
//! A power cut leaves of each write under way a random set of sectors. All of it is a function of the seed.

use super::{Completion, Disk, PAGE_SIZE, Page, Segment, Segments, Write};
use crate::error::{Action, JournalError};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// What a disk writes as a whole, in bytes.
const SECTOR_SIZE: usize = 512;

/// What goes wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk reports an error; nothing is written.
    InputOutput,
    /// The disk is full; nothing is written.
    Full,
    /// Half of the write is taken.
    Short,
    /// The disk reports success, but forgets the write at the next power cut: a lying sync.
    Lie,
}

/// A disk in memory.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    durable: BTreeMap<u64, Vec<Page>>,
    /// New segments hold the bytes of the one before instead of zeros.
    recycling: bool,
    /// Segments that fit onto the disk.
    segments_max: Option<usize>,
    /// Changes that are still made before the power fails.
    changes_left: Option<u64>,
    /// Writes under way, each with its number over the disk's life.
    flights: Vec<(u64, Write)>,
    /// Segment being prepared, and polls until it is there.
    preparing: Option<(Segment, u32)>,
    random: u64,
    writes: u64,
    faults: BTreeMap<u64, Fault>,
}

impl SimulatedDisk {
    /// An empty disk whose every chance follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: seed, ..Self::default() }
    }

    /// From now on write `number`, counted from 0 over the disk's life, suffers `fault`.
    pub fn inject(&mut self, number: u64, fault: Fault) {
        self.faults.insert(number, fault);
    }

    /// From now on new segments keep the bytes of an older one, as recycled files do.
    pub fn recycle(&mut self) {
        self.recycling = true;
    }

    /// From now on so many segments fit onto the disk.
    pub fn limit_segments(&mut self, segments_max: usize) {
        self.segments_max = Some(segments_max);
    }

    /// The power fails in the midst of the change (a write or an erasure) after `changes` more; everything is
    /// refused then until [`Self::cut_power`].
    pub fn fail_power_after(&mut self, changes: u64) {
        self.changes_left = Some(changes);
    }

    /// Writes that were submitted so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// The power fails: of each write under way, some sectors are there and others are not.
    pub fn cut_power(&mut self) {
        for (_, write) in std::mem::take(&mut self.flights) {
            self.tear(write.generation, write.page, &write.buffer[..write.pages]);
        }
        self.preparing = None;
        self.changes_left = None;
    }

    /// All, nothing, or a random half of the sectors reach the disk.
    fn tear(&mut self, generation: u64, page: u32, pages: &[Page]) {
        let whole = self.below(4) == 0;
        let nothing = self.below(4) == 0;
        for sector in 0..pages.len() * (PAGE_SIZE / SECTOR_SIZE) {
            if !whole && (nothing || self.below(2) == 0) {
                continue;
            }
            let (place, at) = (sector * SECTOR_SIZE / PAGE_SIZE, sector * SECTOR_SIZE % PAGE_SIZE);
            let segment = self.durable.get_mut(&generation);
            if let Some(to) = segment.and_then(|segment| segment.get_mut(page as usize + place)) {
                to.0[at..at + SECTOR_SIZE].copy_from_slice(&pages[place].0[at..at + SECTOR_SIZE]);
            }
        }
    }

    /// Counts a change; false when the power fails in it.
    fn has_power(&mut self) -> bool {
        match &mut self.changes_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// The bytes of a segment, for planting damage.
    pub fn bytes_mut(&mut self, generation: u64) -> Option<&mut [u8]> {
        self.durable.get_mut(&generation).map(|pages| bytemuck::cast_slice_mut(pages))
    }

    /// Puts a segment with these bytes there; what is beyond whole pages is left out.
    pub fn add_segment(&mut self, generation: u64, bytes: &[u8]) {
        let (pages, _) = bytes.as_chunks::<PAGE_SIZE>();
        self.durable.insert(generation, pages.iter().map(|&page| Page(page)).collect());
    }

    /// A number below `bound`, from the seed (SplitMix64).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(bound)) >> 64) as u64
    }

    fn refused(&self, action: Action, generation: u64, kind: io::ErrorKind) -> JournalError {
        JournalError::Io { action, file: self.path(generation), source: kind.into() }
    }

    fn pages(&mut self, generation: u64, page: u32, pages: usize) -> Result<&mut [Page], JournalError> {
        let missing = self.refused(Action::Read, generation, io::ErrorKind::NotFound);
        let begin = page as usize;
        let segment =
            self.durable.get_mut(&generation).and_then(|segment| segment.get_mut(begin..begin + pages));
        segment.ok_or(missing)
    }
}

impl Segments for SimulatedDisk {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        let segment = |(&generation, pages): (&u64, &Vec<Page>)| Segment {
            generation,
            bytes: (pages.len() * PAGE_SIZE) as u64,
        };
        Ok(self.durable.iter().map(segment).collect())
    }

    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        into.copy_from_slice(self.pages(generation, page, into.len())?);
        Ok(())
    }

    fn path(&self, generation: u64) -> PathBuf {
        PathBuf::from(format!("simulated/{generation:010}.journal"))
    }
}

impl Disk for SimulatedDisk {
    fn claim(&mut self, generation: u64) -> Result<(), JournalError> {
        self.pages(generation, 0, 0).map(|_| ())
    }

    fn sync(&mut self, generation: u64) -> Result<(), JournalError> {
        self.pages(generation, 0, 0).map(|_| ())
    }

    fn erase(&mut self, generation: u64, page: u32, pages: u32) -> Result<(), JournalError> {
        if !self.has_power() {
            self.tear(generation, page, &vec![Page::ZERO; pages as usize]);
            return Err(self.refused(Action::Cut, generation, io::ErrorKind::Other));
        }
        self.pages(generation, page, pages as usize)?.fill(Page::ZERO);
        Ok(())
    }

    fn prepare(&mut self, segment: Segment, haste: bool) -> Result<(), JournalError> {
        let polls = if haste { 0 } else { self.below(64) as u32 };
        if self.durable.contains_key(&segment.generation) {
            return Err(self.refused(Action::Prepare, segment.generation, io::ErrorKind::AlreadyExists));
        }
        self.preparing = Some((segment, polls));
        Ok(())
    }

    fn prepared(&mut self) -> Result<Option<Segment>, JournalError> {
        match self.preparing.take() {
            Some((segment, 0)) => {
                if self.segments_max.is_some_and(|limit| self.durable.len() >= limit) {
                    return Err(self.refused(
                        Action::Prepare,
                        segment.generation,
                        io::ErrorKind::StorageFull,
                    ));
                }
                let mut pages = vec![Page::ZERO; (segment.bytes / PAGE_SIZE as u64) as usize];
                if let Some(old) = self.durable.get(&(segment.generation - 1)).filter(|_| self.recycling) {
                    pages.copy_from_slice(old);
                }
                self.durable.insert(segment.generation, pages);
                Ok(Some(segment))
            }
            Some((segment, polls)) => {
                self.preparing = Some((segment, polls - 1));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn submit(&mut self, write: Write) -> Result<(), JournalError> {
        self.pages(write.generation, write.page, write.pages)?;
        if !self.has_power() {
            return Err(self.refused(Action::Write, write.generation, io::ErrorKind::Other));
        }
        self.flights.push((self.writes, write));
        self.writes += 1;
        Ok(())
    }

    fn reap(&mut self) -> Result<Option<Completion>, JournalError> {
        if self.flights.is_empty() || self.below(3) == 0 {
            return Ok(None);
        }
        let chosen = self.below(self.flights.len() as u64) as usize;
        let (number, write) = self.flights.swap_remove(chosen);
        let written = (write.pages * PAGE_SIZE) as u64;
        let fault = self.faults.remove(&number);
        let taken = match fault {
            None => write.pages,
            Some(Fault::Short) => write.pages / 2,
            Some(Fault::InputOutput | Fault::Full | Fault::Lie) => 0,
        };
        let result = match fault {
            None | Some(Fault::Lie) => Ok(()),
            Some(Fault::InputOutput) => {
                Err(self.refused(Action::Write, write.generation, io::ErrorKind::Other))
            }
            Some(Fault::Full) => {
                Err(self.refused(Action::Write, write.generation, io::ErrorKind::StorageFull))
            }
            Some(Fault::Short) => Err(JournalError::ShortWrite {
                file: self.path(write.generation),
                offset: u64::from(write.page) * PAGE_SIZE as u64,
                expected: written,
                written: (taken * PAGE_SIZE) as u64,
            }),
        };
        self.pages(write.generation, write.page, taken)?.copy_from_slice(&write.buffer[..taken]);
        Ok(Some(Completion { number: write.number, buffer: write.buffer, result }))
    }
}
