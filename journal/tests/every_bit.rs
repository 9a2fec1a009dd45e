//! Every bit and every length of a journal. What a damaged journal may do is exact: give back the same
//! commands; or be refused with an error that names a file; or end earlier, at a torn end that is told and
//! takes nothing that a record vouches for. Anything else is damage that was silently accepted.

mod common;

use common::{append, by_hand, command, options, record, reopen};
use journal::disk::simulated::SimulatedDisk;
use journal::disk::{PAGE_SIZE, Page, Segment, Segments};
use journal::{JournalError, JournalOptions, JournalReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Flips taken by a thread at a time.
const PIECE: u64 = 4096;

/// A journal in memory, and one defect of it.
#[derive(Clone, Copy)]
struct Defective<'a> {
    whole: &'a [Vec<Page>],
    defect: Defect,
}

#[derive(Clone, Copy, Debug)]
enum Defect {
    None,
    /// Bit `bit` of the segment with this place in the list.
    Flip {
        segment: usize,
        bit: u64,
    },
    /// That segment ends after so many bytes.
    Cut {
        segment: usize,
        bytes: u64,
    },
}

impl Segments for Defective<'_> {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        let segment = |(number, pages): (usize, &Vec<Page>)| {
            let whole = (pages.len() * PAGE_SIZE) as u64;
            let bytes = match self.defect {
                Defect::Cut { segment, bytes } if segment == number => bytes,
                Defect::None | Defect::Flip { .. } | Defect::Cut { .. } => whole,
            };
            Segment { generation: number as u64 + 1, bytes }
        };
        Ok(self.whole.iter().enumerate().map(segment).collect())
    }

    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        let (number, begin) = (generation as usize - 1, page as usize);
        into.copy_from_slice(&self.whole[number][begin..begin + into.len()]);
        if let Defect::Flip { segment, bit } = self.defect
            && segment == number
        {
            let (place, at) = ((bit / 8) as usize / PAGE_SIZE, (bit / 8) as usize % PAGE_SIZE);
            if let Some(page) = place.checked_sub(begin).and_then(|place| into.get_mut(place)) {
                page.0[at] ^= 1 << (bit % 8);
            }
        }
        Ok(())
    }

    fn path(&self, generation: u64) -> PathBuf {
        PathBuf::from(format!("{generation:010}.journal"))
    }
}

/// A journal of `segments` segments that was killed while it wrote, as it lies on the disk.
struct Journal {
    whole: Vec<Vec<Page>>,
    options: JournalOptions,
    commands: u64,
    /// Commands that a later record vouches for.
    vouched: u64,
    bytes_torn: u64,
}

/// What became of a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Same,
    Refused,
    Torn,
}

impl Journal {
    fn killed(segments: usize, segment_bytes: u64, record_bytes_max: usize) -> Self {
        let options = JournalOptions {
            segment_bytes,
            record_bytes_max,
            vouch_after: Duration::ZERO,
            ..options(Path::new("simulated"))
        };
        let mut disk = SimulatedDisk::new(4);
        disk.limit_segments(segments);
        let (mut journal, _) = reopen(&mut disk, &options).expect("an empty disk opens");
        let mut batch = 0;
        loop {
            batch = (batch + 7) % 61;
            append(&mut journal, batch);
            if journal.poll(Instant::now()).is_err() {
                break;
            }
        }
        drop(journal);
        disk.cut_power();
        let whole: Vec<Vec<Page>> = (1..=segments as u64)
            .map(|generation| {
                let bytes = disk.bytes_mut(generation).expect("so many segments were made");
                bytes.as_chunks::<PAGE_SIZE>().0.iter().map(|&page| Page(page)).collect()
            })
            .collect();
        let mut journal = Self { whole, options, commands: 0, vouched: 0, bytes_torn: 0 };
        let (mut ends, mut durable) = (vec![0], 0);
        let mut reader = journal.reader(Defect::None).expect("it is whole");
        while let Some(record) = reader.next_record().expect("it is whole") {
            durable = record.header.durable;
            let mut entries = record.entries();
            while let Some(entry) = entries.next_entry().expect("it is whole") {
                ends.push(entry.header.first_sequence.0 + u64::from(entry.header.commands) - 1);
            }
        }
        let bytes_torn = reader.tail().expect("all was read").bytes_torn;
        journal.bytes_torn = bytes_torn;
        journal.commands = *ends.last().expect("one is there from the begin");
        journal.vouched = ends[usize::try_from(durable).expect("few entries")];
        assert!(journal.vouched < journal.commands, "the last commands are durable and not vouched for");
        journal
    }

    fn bytes(&self) -> u64 {
        self.whole.iter().map(|pages| (pages.len() * PAGE_SIZE) as u64).sum()
    }

    fn reader(&self, defect: Defect) -> Result<JournalReader<Defective<'_>>, JournalError> {
        let owner = Some((self.options.cluster, self.options.node));
        JournalReader::on(Defective { whole: &self.whole, defect }, owner)
    }

    /// Reads as a start does, and judges.
    fn check(&self, defect: Defect) -> Outcome {
        let read = || {
            // Most defects are refused; only where the journal can be read to its end do the commands count.
            let mut reader = self.reader(defect)?;
            while reader.next_record()?.is_some() {}
            let mut reader = self.reader(defect)?;
            let mut last = 0;
            while let Some(record) = reader.next_record()? {
                let each = &mut |sequence: engine::number::Sequence, found: &engine::command::CommandSlot| {
                    last += 1;
                    assert_eq!(sequence.0, last, "{defect:?}: commands come in order");
                    assert_eq!(found.words(), command(last).words(), "{defect:?}: silently another command");
                };
                record.for_each_command(each).expect("a checksum that is right covers what was written");
            }
            Ok((last, reader.tail().expect("all was read").bytes_torn))
        };
        let (last, bytes_torn) = match read() {
            Ok(read) => read,
            Err(error) => {
                let error: JournalError = error;
                assert!(error.to_string().contains(".journal"), "{defect:?}: no file is named: {error}");
                return Outcome::Refused;
            }
        };
        if last == self.commands {
            return Outcome::Same;
        }
        assert!(last < self.commands, "{defect:?}: {last} commands where {} were written", self.commands);
        assert!(
            last >= self.vouched,
            "{defect:?}: silently cut to {last}, {} were vouched for",
            self.vouched
        );
        assert!(bytes_torn > self.bytes_torn, "{defect:?}: cut to {last} without a report");
        Outcome::Torn
    }

    /// Bit `bit` of all segments behind each other.
    fn flip(&self, bit: u64) -> Defect {
        let segment_bits = self.options.segment_bytes * 8;
        Defect::Flip { segment: (bit / segment_bits) as usize, bit: bit % segment_bits }
    }
}

/// Outcomes counted: same, refused, torn.
#[derive(Default)]
struct Tally([AtomicU64; 3]);

impl Tally {
    fn add(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize].load(Ordering::Relaxed)
    }

    fn record(&self, test: &str, journal: &Journal, began: Instant) {
        let [same, refused, torn] =
            [Outcome::Same, Outcome::Refused, Outcome::Torn].map(|outcome| self.get(outcome));
        let numbers = [
            ("journal_bytes", journal.bytes()),
            ("defects", same + refused + torn),
            ("refused", refused),
            ("torn_end_told", torn),
            ("same_commands", same),
            ("silently_accepted", 0),
        ];
        record(test, &numbers, began);
    }
}

fn mebibyte() -> Journal {
    Journal::killed(8, 128 << 10, 8 << 10)
}

#[test]
fn no_flipped_bit_of_a_mebibyte_is_silently_accepted() {
    let began = Instant::now();
    let journal = mebibyte();
    assert_eq!(journal.bytes(), 1 << 20);
    let tally = Tally::default();
    if by_hand() {
        let next = AtomicU64::new(0);
        let bits = journal.bytes() * 8;
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    loop {
                        let begin = next.fetch_add(PIECE, Ordering::Relaxed);
                        if begin >= bits {
                            return;
                        }
                        (begin..bits.min(begin + PIECE))
                            .for_each(|bit| tally.add(journal.check(journal.flip(bit))));
                    }
                });
            }
        });
    } else {
        let mut random = SimulatedDisk::new(11);
        (0..2_000).for_each(|_| tally.add(journal.check(journal.flip(random.below(journal.bytes() * 8)))));
    }
    assert!(tally.get(Outcome::Refused) > tally.get(Outcome::Same) && tally.get(Outcome::Torn) > 0);
    tally.record("bit_flips", &journal, began);
}

#[test]
fn every_flipped_bit_of_a_header_is_refused() {
    let journal = mebibyte();
    // The second record: vouched for, and others follow.
    for bit in 0..128 * 8 {
        let defect = journal.flip(PAGE_SIZE as u64 * 8 + bit);
        assert_eq!(journal.check(defect), Outcome::Refused, "{defect:?}");
    }
}

#[test]
fn a_journal_cut_at_any_byte_is_refused() {
    let began = Instant::now();
    let journal = if by_hand() { mebibyte() } else { Journal::killed(4, 16 << 10, 4 << 10) };
    let tally = Tally::default();
    let check = |journal: &Journal, step: usize| {
        for segment in 0..journal.whole.len() {
            for bytes in (0..journal.options.segment_bytes).step_by(step) {
                let outcome = journal.check(Defect::Cut { segment, bytes });
                assert_eq!(outcome, Outcome::Refused, "segment {segment} cut to {bytes} bytes");
                tally.add(outcome);
            }
        }
    };
    check(&journal, 1);
    if !by_hand() {
        // Records of several pages, which a cut at a whole page can end in.
        check(&mebibyte(), PAGE_SIZE);
    }
    tally.record("truncation", &journal, began);
}

#[test]
#[should_panic(expected = "silently cut")]
fn the_judge_sees_what_was_silently_accepted() {
    let mut journal = mebibyte();
    // A command that nobody reads back: a reader that passed over damage would leave such a gap.
    journal.commands += 1;
    journal.vouched = journal.commands;
    journal.check(Defect::None);
}
