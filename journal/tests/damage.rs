//! A journal that was damaged after it was durable is never taken for whole: it gives back the same commands,
//! or says what is wrong and where, and changes nothing.

mod common;

use common::{append, options, reopen, settle, write};
use engine::number::Sequence;
use journal::disk::simulated::SimulatedDisk;
use journal::disk::{PAGE_SIZE, Page, Segment, Segments};
use journal::{JournalError, JournalOptions, JournalReader, open};
use std::path::Path;
use std::time::{Duration, Instant};

const COMMANDS: u64 = 150;

fn small(folder: &Path) -> JournalOptions {
    JournalOptions { segment_bytes: 16 << 10, record_bytes_max: 4 << 10, ..options(folder) }
}

/// A journal that was closed: all its commands are vouched for.
fn closed() -> (SimulatedDisk, JournalOptions) {
    let options = small(Path::new("simulated"));
    let mut disk = SimulatedDisk::new(1);
    let (mut journal, _) = reopen(&mut disk, &options).expect("an empty disk opens");
    write(&mut journal, COMMANDS as usize, 7).expect("no fault is planted");
    journal.close().expect("no fault is planted");
    (disk, options)
}

/// Where each record begins, and how long it is.
fn records(disk: &mut SimulatedDisk) -> Vec<(u64, usize, usize)> {
    let mut reader = JournalReader::on(disk, None).expect("the segments are there");
    let mut records = Vec::new();
    while let Some(record) = reader.next_record().expect("the journal is whole") {
        let position = record.position;
        records.push((position.segment, position.offset as usize, record.header.record_bytes()));
    }
    records
}

/// Flips one bit and opens: the same commands, with a report where a record is gone, or an error.
fn check_flip(disk: &SimulatedDisk, options: &JournalOptions, segment: u64, bit: usize, in_record: bool) {
    let mut disk = disk.clone();
    let damage = |disk: &mut SimulatedDisk| {
        disk.bytes_mut(segment).expect("the segment is there")[bit / 8] ^= 1 << (bit % 8);
    };
    damage(&mut disk);
    let before = disk.clone();
    match reopen(&mut disk, options) {
        Ok((_, recovered)) => {
            assert_eq!(recovered.last, Sequence(COMMANDS), "segment {segment} bit {bit}");
            assert!(recovered.bytes_cut > 0, "segment {segment} bit {bit} went unnoticed");
        }
        Err(error) => {
            assert!(in_record, "segment {segment} bit {bit}: {error}");
            assert!(matches!(error, JournalError::Damaged { .. }), "segment {segment} bit {bit}: {error}");
            let mut before = before;
            for there in disk.list().expect("a simulated disk lists") {
                let same = disk.bytes_mut(there.generation) == before.bytes_mut(there.generation);
                assert!(same, "a refused journal is left alone");
            }
        }
    }
}

#[test]
fn no_flipped_bit_of_a_header_is_accepted() {
    let (mut disk, options) = closed();
    let records = records(&mut disk);
    let (segment, offset, _) = records[records.len() / 2];
    for bit in 0..128 * 8 {
        check_flip(&disk, &options, segment, offset * 8 + bit, true);
    }
}

#[test]
fn no_flipped_bit_anywhere_is_accepted() {
    let (mut disk, options) = closed();
    let records = records(&mut disk);
    let segments = disk.list().unwrap();
    for _ in 0..4000 {
        let segment = segments[disk.below(segments.len() as u64) as usize];
        let bit = disk.below(segment.bytes * 8) as usize;
        let in_record = records.iter().any(|&(generation, offset, bytes)| {
            generation == segment.generation && (offset..offset + bytes).contains(&(bit / 8))
        });
        // Behind a segment's last record lies space that nobody reads once the next segment is in use.
        let behind = segments.iter().any(|next| next.generation > segment.generation)
            && records.iter().any(|&(generation, ..)| generation > segment.generation);
        if in_record || !behind {
            check_flip(&disk, &options, segment.generation, bit, in_record);
        }
    }
}

#[test]
fn the_report_names_the_damaged_bytes() {
    let (mut disk, options) = closed();
    let records = records(&mut disk);
    for (number, &(segment, offset, bytes)) in records.iter().enumerate().take(records.len() - 1) {
        let mut disk = disk.clone();
        disk.bytes_mut(segment).unwrap()[offset..offset + bytes].fill(0xA5);
        let error = reopen(&mut disk, &options).err().unwrap();
        let JournalError::Damaged { ref file, from, to, .. } = error else {
            panic!("record {number}: {error}")
        };
        assert_eq!(*file, disk.path(segment), "record {number}");
        assert_eq!(from, offset as u64, "record {number}");
        let (next_segment, next_offset, _) = records[number + 1];
        let expected = if next_segment == segment { next_offset } else { options.segment_bytes as usize };
        assert_eq!(to, expected as u64, "record {number}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = small(folder.path());
    let (mut journal, _) = open(&options, &mut |_, _| {}, &mut |_| {}).unwrap();
    write(&mut journal, COMMANDS as usize, 7).unwrap();
    journal.close().unwrap();
    let segments = journal::disk::SegmentFiles::new(folder.path()).list().unwrap();
    for segment in segments.iter().rev() {
        let path = folder.path().join(format!("{:010}.journal", segment.generation));
        let bytes = std::fs::read(&path).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let used = bytes.iter().any(|&byte| byte != 0);
        // Sizes within a page are refused before anything is read: every length of the first segment, every
        // page of the others.
        let step = if segment.generation == 1 { 1 } else { PAGE_SIZE };
        for length in (0..bytes.len()).rev().step_by(step).filter(|_| used) {
            file.set_len(length as u64).unwrap();
            let read = JournalReader::open(folder.path()).and_then(|mut reader| {
                while reader.next_record()?.is_some() {}
                Ok(())
            });
            let error = read.expect_err("a cut segment was accepted");
            let named = matches!(error, JournalError::SegmentSize { .. } | JournalError::Damaged { .. });
            assert!(named, "segment {} at {length} bytes: {error}", segment.generation);
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    reopen(journal::disk::FileDisk::open(&options).unwrap(), &options).unwrap();
}

#[test]
fn a_cut_segment_is_named_when_the_venue_starts() {
    let folder = tempfile::tempdir().unwrap();
    let options = small(folder.path());
    let (mut journal, _) = open(&options, &mut |_, _| {}, &mut |_| {}).unwrap();
    write(&mut journal, 5, 1).unwrap();
    journal.close().unwrap();
    let path = folder.path().join("0000000001.journal");
    std::fs::File::options().write(true).open(&path).unwrap().set_len(8192).unwrap();
    let error = open(&options, &mut |_, _| {}, &mut |_| {}).err().unwrap();
    assert!(matches!(&error, JournalError::SegmentSize { file, .. } if *file == path), "{error}");
}

/// A running venue's segments: one record lands between the reader's first look and its second.
struct Late {
    disk: SimulatedDisk,
    record: (u64, usize, usize),
    looks: u32,
}

impl Segments for Late {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        self.disk.list()
    }

    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        self.disk.read(generation, page, into)?;
        let (segment, offset, bytes) = self.record;
        let first = (offset / PAGE_SIZE).checked_sub(page as usize);
        if let Some(pages) = first.and_then(|first| into.get_mut(first..first + bytes / PAGE_SIZE))
            && generation == segment
        {
            self.looks += 1;
            if self.looks == 1 {
                pages.fill(Page::ZERO);
            }
        }
        Ok(())
    }

    fn path(&self, generation: u64) -> std::path::PathBuf {
        self.disk.path(generation)
    }
}

#[test]
fn a_record_that_lands_while_it_is_read_is_no_damage() {
    let (mut disk, _) = closed();
    for record in records(&mut disk) {
        let late = Late { disk: disk.clone(), record, looks: 0 };
        let mut reader = JournalReader::on(late, None).unwrap();
        let mut last = 0;
        while let Some(record) = reader.next_record().unwrap() {
            record.for_each_command(&mut |sequence, _| last = sequence.0).unwrap();
        }
        assert_eq!(last, COMMANDS, "record {record:?}");
    }
}

#[test]
fn a_missing_segment_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = small(folder.path());
    let (mut journal, _) = open(&options, &mut |_, _| {}, &mut |_| {}).unwrap();
    write(&mut journal, COMMANDS as usize, 7).unwrap();
    journal.close().unwrap();
    for generation in [1, 2] {
        let path = folder.path().join(format!("{generation:010}.journal"));
        let aside = folder.path().join("aside");
        std::fs::rename(&path, &aside).unwrap();
        let error = open(&options, &mut |_, _| {}, &mut |_| {}).err().unwrap();
        assert!(matches!(&error, JournalError::MissingSegment { file } if *file == path), "{error}");
        std::fs::rename(&aside, &path).unwrap();
    }
}

#[test]
fn a_torn_write_is_cut_and_told() {
    let options = small(Path::new("simulated"));
    let mut disk = SimulatedDisk::new(3);
    let (mut journal, _) = reopen(&mut disk, &options).unwrap();
    write(&mut journal, 20, 5).unwrap();
    journal.close().unwrap();
    let never = JournalOptions { vouch_after: Duration::MAX, ..options.clone() };
    let (mut journal, _) = reopen(&mut disk, &never).unwrap();
    append(&mut journal, 5);
    while journal.durable() < Sequence(25) {
        journal.poll(Instant::now()).unwrap();
    }
    drop(journal);
    let &(segment, offset, bytes) = records(&mut disk).last().unwrap();
    disk.bytes_mut(segment).unwrap()[offset + bytes / 2] ^= 1;
    let (mut journal, recovered) = reopen(&mut disk, &options).unwrap();
    assert_eq!((recovered.last, recovered.bytes_cut), (Sequence(20), bytes as u64));
    write(&mut journal, 30, 5).unwrap();
    drop(journal);
    let (_, recovered) = reopen(&mut disk, &options).unwrap();
    assert_eq!((recovered.last, recovered.bytes_cut), (Sequence(50), 0));
}

#[test]
fn a_later_write_that_landed_alone_is_cut_with_the_one_before_it() {
    let options = small(Path::new("simulated"));
    let mut disk = SimulatedDisk::new(4);
    let (mut journal, _) = reopen(&mut disk, &options).unwrap();
    for _ in 0..3 {
        append(&mut journal, 5);
        settle(&mut journal).unwrap();
    }
    drop(journal);
    // Records: term start, its vouch, then commands and their vouch, three times. Without the last
    // commands' first sector, the vouch behind it must not stand alone; it vouches, so it is damage.
    let records = records(&mut disk);
    let (segment, offset, _) = records[records.len() - 2];
    disk.bytes_mut(segment).unwrap()[offset..offset + 512].fill(0);
    let error = reopen(&mut disk, &options).err().unwrap();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    // The same hole where the later record does not vouch for it is a torn tail: both go.
    let (last_segment, last_offset, bytes) = records[records.len() - 1];
    disk.bytes_mut(last_segment).unwrap()[last_offset..last_offset + bytes].fill(0x5A);
    let (_, recovered) = reopen(&mut disk, &options).unwrap();
    assert_eq!(recovered.last, Sequence(10));
    assert!(recovered.bytes_cut >= bytes as u64);
    let cut = &disk.bytes_mut(last_segment).unwrap()[last_offset..last_offset + bytes];
    assert!(cut.iter().all(|&byte| byte == 0), "what was cut is gone from the disk");
}

#[test]
fn old_bytes_of_a_recycled_segment_are_not_taken_for_records() {
    let folder = tempfile::tempdir().unwrap();
    let options = small(folder.path());
    let (mut journal, _) = open(&options, &mut |_, _| {}, &mut |_| {}).unwrap();
    write(&mut journal, COMMANDS as usize, 7).unwrap();
    journal.close().unwrap();
    let name = |generation| folder.path().join(format!("{generation:010}.journal"));
    let ahead = (1..).take_while(|&generation| name(generation).exists()).last().unwrap();
    std::fs::copy(name(1), name(ahead)).unwrap();
    let disk = journal::disk::FileDisk::open(&options).unwrap();
    let (mut journal, recovered) = reopen(disk, &options).unwrap();
    assert_eq!(recovered.last, Sequence(COMMANDS));
    write(&mut journal, 100, 3).unwrap();
    journal.close().unwrap();
    let disk = journal::disk::FileDisk::open(&options).unwrap();
    let (_, recovered) = reopen(disk, &options).unwrap();
    assert_eq!(recovered.last, Sequence(COMMANDS + 100));
}

/// Nonsense with a right checksum: written by a fault, not by a torn write. It is refused, or it ends the
/// chain and is damage; it never panics, and never passes for more than the commands there are.
#[test]
fn nonsense_with_a_right_checksum_is_refused() {
    let (mut disk, options) = closed();
    let records = records(&mut disk);
    let mut refused = 0;
    for _ in 0..4000 {
        let mut disk = disk.clone();
        let (segment, offset, bytes) = records[disk.below(records.len() as u64) as usize];
        let at = offset + 8 + disk.below(200) as usize;
        let value = disk.below(256) as u8;
        let record = &mut disk.bytes_mut(segment).unwrap()[offset..offset + bytes];
        if record[at - offset] == value {
            continue;
        }
        record[at - offset] = value;
        let crc = crc32c::crc32c(&record[8..]);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        let read =
            JournalReader::on(&mut disk, Some((options.cluster, options.node))).and_then(|mut reader| {
                while let Some(record) = reader.next_record()? {
                    // The words of a command may change; that there are as many is checked by the reader.
                    let _ = record.for_each_command(&mut |_, _| {});
                }
                Ok(reader.tail().map(|tail| tail.bytes_torn))
            });
        refused += u32::from(!matches!(read, Ok(Some(0))));
    }
    assert!(refused > 3500, "{refused} were refused");
}

#[test]
fn a_later_format_and_other_flags_are_named() {
    for (at, wanted) in [(8, "format 2"), (10, "flags 0x2")] {
        let (mut disk, options) = closed();
        let record = &mut disk.bytes_mut(1).unwrap()[..PAGE_SIZE];
        record[at] = 2;
        let crc = crc32c::crc32c(&record[8..]);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        let error = reopen(&mut disk, &options).err().unwrap();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[test]
fn a_write_into_a_wrong_place_is_no_record_there() {
    let (mut disk, options) = closed();
    let records = records(&mut disk);
    let pair = records[2..].windows(3).find(|pair| pair[0].0 == pair[2].0).unwrap();
    let (from, to, next) = (pair[0], pair[1], pair[2]);
    let bytes = disk.bytes_mut(from.0).unwrap();
    bytes.copy_within(from.1..from.1 + from.2, to.1);
    let error = reopen(&mut disk, &options).err().unwrap();
    let JournalError::Damaged { from: damaged, to: intact, .. } = error else { panic!("{error}") };
    assert_eq!((damaged, intact), (to.1 as u64, next.1 as u64));
}
