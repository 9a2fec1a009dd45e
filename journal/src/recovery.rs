//! Opening a journal: read what is durable, cut what is torn, refuse what is damaged, go on behind it.

use crate::disk::{Disk, FileDisk, PAGE_SIZE, Segment};
use crate::error::JournalError;
use crate::options::{JournalOptions, OptionsFault};
use crate::reader::{Expected, JournalReader, Tail};
use crate::writer::{Journal, PREPARE_WAIT_MAX, Start};
use engine::command::CommandSlot;
use engine::number::Sequence;
use std::collections::VecDeque;
use std::time::Instant;

/// Segments, from the last one back, in which a killed process may have had writes under way: those in
/// flight span two (`JournalOptions::check`), and one may have been made ahead.
const UNSETTLED_SEGMENTS: usize = 3;

/// What a start found in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Sequence of the last durable command; 0 for none.
    pub last: Sequence,
    /// Index of the last durable entry before this start; 0 for none.
    pub entries: u64,
    /// The term that this start begins.
    pub term: u64,
    /// Bytes of a torn tail that were overwritten; 0 after a clean end.
    pub bytes_cut: u64,
}

/// How far opening has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes to read.
    pub bytes_total: u64,
}

/// A journal that was read to its end, and in which nothing was changed yet.
pub struct Opening<D: Disk = FileDisk> {
    disk: D,
    options: JournalOptions,
    segments: Vec<Segment>,
    expected: Expected,
    tail: Option<Tail>,
}

/// Reads the journal: every durable command from the options' known point on goes to `apply`, in order.
///
/// # Errors
/// The journal cannot be read, or is damaged where it was durable.
pub fn read(
    options: &JournalOptions,
    apply: &mut dyn FnMut(Sequence, &CommandSlot),
    progress: &mut dyn FnMut(Progress),
) -> Result<Opening, JournalError> {
    options.check().map_err(JournalError::Options)?;
    read_on(FileDisk::open(options)?, options, apply, progress)
}

/// As [`read`], on a disk of the caller's; the folder and the backend of the options are not used.
///
/// # Errors
/// As [`read`].
pub fn read_on<D: Disk>(
    mut disk: D,
    options: &JournalOptions,
    apply: &mut dyn FnMut(Sequence, &CommandSlot),
    progress: &mut dyn FnMut(Progress),
) -> Result<Opening<D>, JournalError> {
    options.check().map_err(JournalError::Options)?;
    let segments = disk.list()?;
    let unsettled = &segments[segments.len().saturating_sub(UNSETTLED_SEGMENTS)..];
    // No write of an earlier process can land any more, and what is read below is durable, not only in
    // caches: before the next record vouches for it, and before anybody hears of it.
    for segment in unsettled {
        disk.claim(segment.generation)?;
        disk.sync(segment.generation)?;
    }
    let mut reader = JournalReader::on_at(disk, Some((options.cluster, options.node)), options.known)?;
    read_all(&mut reader, apply, progress)?;
    // Only now: a segment that was cut is damage, not a setting.
    let needed = (options.writes_in_flight * options.record_bytes_max) as u64;
    if unsettled.iter().any(|segment| segment.bytes < needed) {
        return Err(JournalError::Options(OptionsFault::SegmentsThere));
    }
    let (expected, tail) = (reader.expected, reader.tail().cloned());
    Ok(Opening { disk: reader.into_segments(), options: options.clone(), segments, expected, tail })
}

impl<D: Disk> Opening<D> {
    /// What was found. Nothing of `bytes_cut` is cut yet.
    #[must_use]
    pub fn found(&self) -> Recovered {
        let expected = &self.expected;
        Recovered {
            last: Sequence(expected.sequence.0 - 1),
            entries: expected.index - 1,
            term: expected.term + 1,
            bytes_cut: self.tail.as_ref().map_or(0, |tail| tail.bytes_torn),
        }
    }

    /// Cuts what is torn and stands behind what was read, in a new term.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn go_on(self) -> Result<Journal<D>, JournalError> {
        let Self { mut disk, options, segments, expected, tail } = self;
        let start = match &tail {
            None => first_segment(&mut disk, &options)?,
            Some(tail) => {
                cut(&mut disk, tail)?;
                resume(&segments, tail)
            }
        };
        let mut journal = Journal::new(disk, &options, start.after(&expected));
        journal.begin_term()?;
        Ok(journal)
    }
}

/// Opens the journal: every durable command goes to `apply` in order; the journal then stands behind them,
/// in a new term.
///
/// # Errors
/// The journal cannot be read or written, or is damaged where it was durable; it is unchanged then.
pub fn open(
    options: &JournalOptions,
    apply: &mut dyn FnMut(Sequence, &CommandSlot),
    progress: &mut dyn FnMut(Progress),
) -> Result<(Journal, Recovered), JournalError> {
    let opening = read(options, apply, progress)?;
    let found = opening.found();
    Ok((opening.go_on()?, found))
}

/// As [`open`], on a disk of the caller's; the folder and the backend of the options are not used.
///
/// # Errors
/// As [`open`].
pub fn open_on<D: Disk>(
    disk: D,
    options: &JournalOptions,
    apply: &mut dyn FnMut(Sequence, &CommandSlot),
    progress: &mut dyn FnMut(Progress),
) -> Result<(Journal<D>, Recovered), JournalError> {
    let opening = read_on(disk, options, apply, progress)?;
    let found = opening.found();
    Ok((opening.go_on()?, found))
}

fn read_all<D: Disk>(
    reader: &mut JournalReader<D>,
    apply: &mut dyn FnMut(Sequence, &CommandSlot),
    progress: &mut dyn FnMut(Progress),
) -> Result<(), JournalError> {
    while let Some(record) = reader.next_record()? {
        let position = record.position;
        record.for_each_command(apply).map_err(|fault| reader.malformed(position, fault))?;
        let (bytes, bytes_total) = reader.bytes();
        progress(Progress { bytes, bytes_total });
    }
    let (bytes, bytes_total) = reader.bytes();
    progress(Progress { bytes, bytes_total });
    Ok(())
}

/// Overwrites what is torn, so that no later start can take a record of it for one of its own.
///
/// From the last segment back: should the power fail on the way, what is left is still behind the end, and
/// the next start finds and cuts it again.
fn cut<D: Disk>(disk: &mut D, tail: &Tail) -> Result<(), JournalError> {
    for torn in tail.torn.iter().rev() {
        disk.erase(torn.generation, torn.page, torn.pages)?;
    }
    Ok(())
}

/// Where a journal goes on, before the log's own numbers are known.
struct Standing {
    segment: Segment,
    page: u32,
    ready: VecDeque<Segment>,
}

impl Standing {
    fn after(self, expected: &Expected) -> Start {
        Start {
            segment: self.segment,
            page: self.page,
            ready: self.ready,
            term: expected.term + 1,
            next_index: expected.index,
            next_sequence: expected.sequence,
            previous_crc: expected.previous_crc,
        }
    }
}

fn first_segment<D: Disk>(disk: &mut D, options: &JournalOptions) -> Result<Standing, JournalError> {
    disk.prepare(Segment { generation: 1, bytes: options.segment_bytes }, true)?;
    let deadline = Instant::now() + PREPARE_WAIT_MAX;
    loop {
        if let Some(segment) = disk.prepared()? {
            disk.claim(segment.generation)?;
            return Ok(Standing { segment, page: 0, ready: VecDeque::new() });
        }
        if Instant::now() > deadline {
            return Err(JournalError::Stalled);
        }
        std::thread::yield_now();
    }
}

fn resume(segments: &[Segment], tail: &Tail) -> Standing {
    let generation = tail.end.segment;
    let here = segments.iter().position(|segment| segment.generation == generation).unwrap_or_default();
    let ready = segments[here..].iter().skip(1).copied().collect();
    Standing { segment: segments[here], page: (tail.end.offset / PAGE_SIZE as u64) as u32, ready }
}
