//! What lies behind the last valid record: nothing, a torn write, or damage.

use crate::disk::{PAGE_SIZE, Page, Segment, Segments};
use crate::error::JournalError;
use crate::reader::Place;
use crate::record::RecordHeader;
use crate::window::Window;

/// Pages behind the end that are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Torn {
    pub(crate) generation: u64,
    pub(crate) page: u32,
    pub(crate) pages: u32,
}

/// What a later record tells about the missing one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Damage {
    /// Index of the damaged segment in the list.
    pub(crate) segment: usize,
    /// First damaged page.
    pub(crate) from: u32,
    /// The page behind the damage.
    pub(crate) to: u32,
    /// Highest index that a later record vouches for.
    pub(crate) vouched: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Rest {
    pub(crate) torn: Vec<Torn>,
    pub(crate) damage: Option<Damage>,
}

/// The record at `place`, if one that was written there, into this use of the segment, is whole.
pub(crate) fn intact<S: Segments>(
    segments: &mut S,
    list: &[Segment],
    place: Place,
    window: &mut Window,
) -> Result<Option<RecordHeader>, JournalError> {
    let segment = list[place.segment];
    let left = pages_of(segment) - place.page;
    if left == 0 {
        return Ok(None);
    }
    let Some(header) = RecordHeader::sniff(&window.read(segments, list, place, 1)?[0]) else {
        return Ok(None);
    };
    let here = header.generation == segment.generation && header.page == place.page;
    if !here || header.pages() > left {
        return Ok(None);
    }
    let record = window.read(segments, list, place, header.pages())?;
    Ok(header.is_intact(record).then_some(header))
}

/// Looks at all that lies behind `end`, in its segment and in later ones.
pub(crate) fn scan<S: Segments>(
    segments: &mut S,
    list: &[Segment],
    end: Place,
    window: &mut Window,
) -> Result<Rest, JournalError> {
    let mut torn = Vec::new();
    let mut first: Option<Place> = None;
    let mut vouched = None;
    for (number, &segment) in list.iter().enumerate().skip(end.segment) {
        let begin = if number == end.segment { end.page } else { 0 };
        let mut place = Place { segment: number, page: begin };
        let mut dirty_end = begin;
        while place.page < pages_of(segment) {
            if let Some(header) = intact(segments, list, place, window)? {
                first = first.or(Some(place));
                vouched = vouched.max(Some(header.durable));
                place.page += header.pages();
                dirty_end = place.page;
                continue;
            }
            let page: &Page = &window.read(segments, list, place, 1)?[0];
            place.page += 1;
            if !page.is_zero() {
                dirty_end = place.page;
            }
        }
        if dirty_end > begin {
            torn.push(Torn { generation: segment.generation, page: begin, pages: dirty_end - begin });
        }
    }
    let damage = vouched.zip(first).map(|(vouched, first)| locate(list, end, first, &torn, vouched));
    Ok(Rest { torn, damage })
}

/// Where the missing record was: behind `end`, or at the begin of the next segment, where nothing but zeros
/// lies behind `end` and the next segment does not begin with a whole record.
fn locate(list: &[Segment], end: Place, first: Place, torn: &[Torn], vouched: u64) -> Damage {
    let here = torn.iter().any(|torn| torn.generation == list[end.segment].generation);
    let next = Place { segment: end.segment + 1, page: 0 };
    let from = if here || first == next { end } else { next };
    let to = if first.segment == from.segment { first.page } else { pages_of(list[from.segment]) };
    Damage { segment: from.segment, from: from.page, to, vouched }
}

fn pages_of(segment: Segment) -> u32 {
    (segment.bytes / PAGE_SIZE as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::simulated::SimulatedDisk;
    use crate::{JournalOptions, open_on};

    #[test]
    fn a_record_counts_only_where_and_in_the_use_of_the_file_that_it_was_written_for() {
        let mut disk = SimulatedDisk::new(1);
        let mut options = JournalOptions::new("simulated".into());
        (options.segment_bytes, options.record_bytes_max) = (64 << 10, 8 << 10);
        let (journal, _) = open_on(&mut disk, &options, &mut |_, _| {}, &mut |_| {}).unwrap();
        journal.close().unwrap();
        let list =
            vec![Segment { generation: 1, bytes: 64 << 10 }, Segment { generation: 9, bytes: 64 << 10 }];
        let first = disk.bytes_mut(1).unwrap()[..PAGE_SIZE].to_vec();
        disk.bytes_mut(1).unwrap()[9 * PAGE_SIZE..10 * PAGE_SIZE].copy_from_slice(&first);
        let copy = disk.bytes_mut(1).unwrap().to_vec();
        disk.add_segment(9, &copy);
        let mut is_intact = |segment, page| {
            intact(&mut disk, &list, Place { segment, page }, &mut Window::default()).unwrap().is_some()
        };
        assert!(is_intact(0, 0), "where it was written");
        assert!(!is_intact(0, 9), "another place");
        assert!(!is_intact(1, 0), "another use of the file");
    }
}
