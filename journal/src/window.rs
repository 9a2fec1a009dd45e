use crate::disk::{PAGE_SIZE, Page, Segment, Segments};
use crate::error::JournalError;
use crate::reader::Place;

/// Pages that are read ahead: a disk is fastest with long reads.
const READ_PAGES: usize = (1 << 20) / PAGE_SIZE;

/// A part of a segment in memory.
#[derive(Default)]
pub(crate) struct Window {
    pages: Vec<Page>,
    /// Where `pages` begins; `None` when nothing is in memory.
    begin: Option<Place>,
}

impl Window {
    /// `count` pages from `place` on; all of them must be within the segment.
    pub(crate) fn read<'a, S: Segments>(
        &'a mut self,
        segments: &mut S,
        list: &[Segment],
        place: Place,
        count: u32,
    ) -> Result<&'a [Page], JournalError> {
        let count = count as usize;
        let held = self.begin.filter(|begin| begin.segment == place.segment && begin.page <= place.page);
        let skip = held.map_or(usize::MAX, |begin| (place.page - begin.page) as usize);
        if skip.saturating_add(count) <= self.pages.len() {
            return Ok(&self.pages[skip..skip + count]);
        }
        let segment = list[place.segment];
        let left = (segment.bytes / PAGE_SIZE as u64) as usize - place.page as usize;
        self.begin = None;
        self.pages.resize(left.min(READ_PAGES).max(count), Page::ZERO);
        segments.read(segment.generation, place.page, &mut self.pages)?;
        self.begin = Some(place);
        Ok(&self.pages[..count])
    }

    /// Reads from the disk again next time.
    pub(crate) fn forget(&mut self) {
        self.begin = None;
    }
}
