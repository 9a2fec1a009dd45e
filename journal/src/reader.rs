use crate::disk::{PAGE_SIZE, Page, Segment, SegmentFiles, Segments};
use crate::error::JournalError;
use crate::record::{Entries, FORMAT_VERSION, Malformed, RecordHeader};
use crate::tail::{self, Torn};
use crate::window::Window;
use engine::command::CommandSlot;
use engine::number::Sequence;
use std::path::Path;

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The segment's generation, which names its file.
    pub segment: u64,
    /// Bytes from the segment's begin.
    pub offset: u64,
}

/// A point between two records, and what the record behind it has to fit to: where a reader can begin that
/// knows what came before, from a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownPoint {
    /// Generation of the segment that the record before ends in.
    pub segment: u64,
    /// Where it ends, in units of 4 KiB. The next record is there, or where the next segment begins.
    pub page: u32,
    /// Checksum of the record before.
    pub previous_crc: u32,
    /// Index of the next entry.
    pub index: u64,
    /// Sequence of the next command.
    pub sequence: Sequence,
    /// Term of the record before.
    pub term: u64,
    /// Highest index that the record before vouches for.
    pub vouched: u64,
}

impl KnownPoint {
    /// Before the first record.
    pub const START: Self =
        Self { segment: 1, page: 0, previous_crc: 0, index: 1, sequence: Sequence(1), term: 0, vouched: 0 };
}

/// One record of a journal.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Where it begins.
    pub position: Position,
    /// Its header.
    pub header: RecordHeader,
    pages: &'a [Page],
}

impl Record<'_> {
    /// Its entries.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        self.header.entries(self.pages)
    }

    /// Hands every command to `each`, in order.
    ///
    /// # Errors
    /// The record says what cannot be.
    pub fn for_each_command(&self, each: &mut dyn FnMut(Sequence, &CommandSlot)) -> Result<(), Malformed> {
        let mut entries = self.entries();
        while let Some(entry) = entries.next_entry()? {
            entry.for_each(&mut *each)?;
        }
        Ok(())
    }
}

/// What lies behind the last record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where the next record goes.
    pub end: Position,
    /// Bytes of writes that were torn; 0 after a clean end.
    pub bytes_torn: u64,
    pub(crate) torn: Vec<Torn>,
}

/// What the next record has to fit to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Cluster and node; where nobody said, the first record says.
    pub(crate) owner: Option<(u64, u64)>,
    pub(crate) index: u64,
    pub(crate) sequence: Sequence,
    pub(crate) term: u64,
    pub(crate) previous_crc: u32,
    /// Highest index that a record read so far vouches for.
    pub(crate) vouched: u64,
}

/// A place in the list of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index in the list.
    pub(crate) segment: usize,
    pub(crate) page: u32,
}

/// Reads a journal from its begin, or from a known point, without changing it. It may be read while its venue
/// runs.
pub struct JournalReader<S: Segments = SegmentFiles> {
    pub(crate) segments: S,
    pub(crate) list: Vec<Segment>,
    pub(crate) place: Place,
    pub(crate) expected: Expected,
    pub(crate) window: Window,
    bytes_before: u64,
    bytes_total: u64,
    tail: Option<Tail>,
}

impl JournalReader {
    /// A reader of the journal in `folder`.
    ///
    /// # Errors
    /// The folder cannot be read, or a segment is missing or has no size that one can have.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Self::open_at(folder, KnownPoint::START)
    }

    /// A reader of the journal in `folder` from `known` on. What lies before may be missing.
    ///
    /// # Errors
    /// As [`JournalReader::open`].
    pub fn open_at(folder: &Path, known: KnownPoint) -> Result<Self, JournalError> {
        Self::on_at(SegmentFiles::new(folder), None, known)
    }
}

impl<S: Segments> JournalReader<S> {
    /// A reader of the journal on `segments`, which belongs to this cluster and node.
    ///
    /// # Errors
    /// As [`JournalReader::open`].
    pub fn on(segments: S, owner: Option<(u64, u64)>) -> Result<Self, JournalError> {
        Self::on_at(segments, owner, KnownPoint::START)
    }

    /// As [`JournalReader::on`], from `known` on.
    ///
    /// # Errors
    /// As [`JournalReader::open`].
    pub fn on_at(
        mut segments: S,
        owner: Option<(u64, u64)>,
        known: KnownPoint,
    ) -> Result<Self, JournalError> {
        let mut list = segments.list()?;
        list.retain(|segment| segment.generation >= known.segment);
        if list.is_empty() && known != KnownPoint::START {
            return Err(JournalError::MissingSegment { file: segments.path(known.segment) });
        }
        for (segment, generation) in list.iter().zip(known.segment..) {
            if segment.generation != generation {
                return Err(JournalError::MissingSegment { file: segments.path(generation) });
            }
            let pages = segment.bytes / PAGE_SIZE as u64;
            if !segment.bytes.is_multiple_of(PAGE_SIZE as u64) || pages == 0 || pages > u32::MAX.into() {
                let file = segments.path(generation);
                return Err(JournalError::SegmentSize { file, found: segment.bytes, expected: None });
            }
        }
        if let Some(first) = list.first().filter(|first| bytes(known.page) > first.bytes) {
            let (file, expected) = (segments.path(first.generation), Some(bytes(known.page)));
            return Err(JournalError::SegmentSize { file, found: first.bytes, expected });
        }
        let expected = Expected {
            owner,
            index: known.index,
            sequence: known.sequence,
            term: known.term,
            previous_crc: known.previous_crc,
            vouched: known.vouched,
        };
        let place = Place { segment: 0, page: known.page };
        let bytes_total = list.iter().map(|segment| segment.bytes).sum();
        let window = Window::default();
        Ok(Self { segments, list, place, expected, window, bytes_before: 0, bytes_total, tail: None })
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// The disk cannot be read, or the journal is damaged where it was durable.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        let Some((place, header)) = self.advance()? else { return Ok(None) };
        let pages = self.window.read(&mut self.segments, &self.list, place, header.pages())?;
        let position = position(&self.list, place);
        Ok(Some(Record { position, header, pages }))
    }

    /// The point behind the record that was read last.
    #[must_use]
    pub fn point(&self) -> KnownPoint {
        let Expected { index, sequence, term, previous_crc, vouched, .. } = self.expected;
        let segment = self.list.get(self.place.segment).map_or(1, |segment| segment.generation);
        KnownPoint { segment, page: self.place.page, previous_crc, index, sequence, term, vouched }
    }

    /// What lies behind the last record, once [`Self::next_record`] has returned `None`.
    #[must_use]
    pub fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// Bytes read so far, and bytes there are.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let read = self.bytes_before + bytes(self.place.page);
        (if self.tail.is_some() { self.bytes_total } else { read }, self.bytes_total)
    }

    /// The error that a record's fault is.
    pub(crate) fn malformed(&self, position: Position, fault: Malformed) -> JournalError {
        let file = self.segments.path(position.segment);
        JournalError::Malformed { file, offset: position.offset, fault }
    }

    pub(crate) fn into_segments(self) -> S {
        self.segments
    }

    /// Finds the next record and steps over it.
    fn advance(&mut self) -> Result<Option<(Place, RecordHeader)>, JournalError> {
        loop {
            if self.tail.is_some() || self.list.is_empty() {
                return Ok(None);
            }
            if let Some((place, header)) = self.find()? {
                self.step(place, &header)?;
                return Ok(Some((place, header)));
            }
            let rest = tail::scan(&mut self.segments, &self.list, self.place, &mut self.window)?;
            let Some(damage) = rest.damage.filter(|damage| damage.vouched >= self.expected.index) else {
                self.check_sizes()?;
                let bytes_torn = rest.torn.iter().map(|torn| bytes(torn.pages)).sum();
                self.tail = Some(Tail { end: position(&self.list, self.place), bytes_torn, torn: rest.torn });
                return Ok(None);
            };
            // A running venue may have written the missing record between the two looks.
            self.window.forget();
            if self.find()?.is_none() {
                return Err(JournalError::Damaged {
                    file: self.segments.path(self.list[damage.segment].generation),
                    from: bytes(damage.from),
                    to: bytes(damage.to),
                    index: self.expected.index,
                    vouched: damage.vouched,
                });
            }
        }
    }

    /// Behind the last record: a segment that begins with a header of its own tells its size even where the
    /// record is not whole, for a header lies in one sector. A torn write never shortens a file.
    fn check_sizes(&mut self) -> Result<(), JournalError> {
        for number in self.place.segment..self.list.len() {
            let Segment { generation, bytes: found } = self.list[number];
            let begin = Place { segment: number, page: 0 };
            let page = &self.window.read(&mut self.segments, &self.list, begin, 1)?[0];
            let Some(header) = RecordHeader::sniff(page) else { continue };
            let expected = bytes(header.segment_pages);
            if header.generation == generation && header.page == 0 && expected != found {
                let file = self.segments.path(generation);
                return Err(JournalError::SegmentSize { file, found, expected: Some(expected) });
            }
        }
        Ok(())
    }

    /// The record that follows: here, or at the begin of the next segment where this one was full.
    fn find(&mut self) -> Result<Option<(Place, RecordHeader)>, JournalError> {
        let here = self.place;
        if let Some(header) = self.look(here)? {
            return Ok(Some((here, header)));
        }
        let next = Place { segment: here.segment + 1, page: 0 };
        if here.page == 0 || next.segment == self.list.len() {
            return Ok(None);
        }
        Ok(self.look(next)?.map(|header| (next, header)))
    }

    /// The record at `place`, if it is valid: of this generation, whole, chained to the one before.
    fn look(&mut self, place: Place) -> Result<Option<RecordHeader>, JournalError> {
        let Some(header) = tail::intact(&mut self.segments, &self.list, place, &mut self.window)? else {
            return Ok(None);
        };
        let file = || self.segments.path(self.list[place.segment].generation);
        let found = self.list[place.segment].bytes;
        if header.version != FORMAT_VERSION {
            return Err(JournalError::Version {
                file: file(),
                offset: bytes(place.page),
                version: header.version,
            });
        }
        let owner = (header.cluster, header.node);
        if let Some(expected) = self.expected.owner.filter(|&expected| expected != owner) {
            return Err(JournalError::Owner { file: file(), found: owner, expected });
        }
        if bytes(header.segment_pages) != found {
            let expected = Some(bytes(header.segment_pages));
            return Err(JournalError::SegmentSize { file: file(), found, expected });
        }
        if header.previous_crc != self.expected.previous_crc {
            return Ok(None);
        }
        let follows = header.first_index == self.expected.index
            && header.first_sequence == self.expected.sequence
            && header.term >= self.expected.term
            && header.durable >= self.expected.vouched
            && header.durable < header.first_index;
        if !follows || header.flags != 0 {
            let index = header.first_index;
            let fault = if follows { Malformed::Flags(header.flags) } else { Malformed::Order { index } };
            return Err(self.malformed(position(&self.list, place), fault));
        }
        Ok(Some(header))
    }

    /// Checks the entries, and expects what follows them.
    fn step(&mut self, place: Place, header: &RecordHeader) -> Result<(), JournalError> {
        let pages = self.window.read(&mut self.segments, &self.list, place, header.pages())?;
        let mut entries = header.entries(pages);
        let mut sequence = header.first_sequence.0;
        let fault = loop {
            match entries.next_entry() {
                Ok(Some(entry)) => sequence += u64::from(entry.header.commands),
                Ok(None) => break None,
                Err(fault) => break Some(fault),
            }
        };
        if let Some(fault) = fault {
            return Err(self.malformed(position(&self.list, place), fault));
        }
        self.expected = Expected {
            owner: Some((header.cluster, header.node)),
            index: header.first_index + u64::from(header.entries),
            sequence: Sequence(sequence),
            term: header.term,
            previous_crc: header.crc,
            vouched: header.durable,
        };
        if place.segment != self.place.segment {
            self.bytes_before += self.list[self.place.segment].bytes;
        }
        self.place = Place { segment: place.segment, page: place.page + header.pages() };
        Ok(())
    }
}

pub(crate) fn bytes(pages: u32) -> u64 {
    u64::from(pages) * PAGE_SIZE as u64
}

fn position(list: &[Segment], place: Place) -> Position {
    Position { segment: list[place.segment].generation, offset: bytes(place.page) }
}
