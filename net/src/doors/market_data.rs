//! The feed as it is made: numbered, batched for the readers, and indexed for those who come late.

use crate::directory::Directory;
use crate::itch::feed::{self, FeedDay};
use crate::limits::{FEED_BATCH_BYTES, FEED_INDEX_EVERY};
use crate::soup;
use engine::event::{Event, EventRecord};
use journal::event_log::Address;

/// Where in the log a message of the present day can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FeedMark {
    /// Number of the event's first message.
    pub(super) number: u64,
    /// The event.
    pub(super) address: Address,
}

#[derive(Debug)]
pub(super) struct MarketData {
    day: FeedDay,
    /// Packets not yet handed to the readers.
    batch: Vec<u8>,
    /// Number of the first of them.
    batch_first: u64,
    /// Rising; the first is the day's first message.
    marks: Vec<FeedMark>,
}

impl MarketData {
    pub(super) fn new(directory: &Directory) -> Self {
        Self {
            day: FeedDay::new(directory),
            batch: Vec::with_capacity(2 * FEED_BATCH_BYTES),
            batch_first: 1,
            marks: vec![FeedMark { number: 1, address: Address::START }],
        }
    }

    pub(super) const fn day(&self) -> &FeedDay {
        &self.day
    }

    /// Numbers the messages of an event that nobody is told of.
    pub(super) fn learn(&mut self, record: &EventRecord, event: &Event<'_>, directory: &Directory) {
        self.begin(record, event, directory);
        feed::messages(event, directory, |_| self.day.next += 1);
        self.batch_first = self.day.next;
    }

    /// Numbers and batches the messages of an event. At the start of a day the batch must be empty.
    #[inline]
    pub(super) fn release(&mut self, record: &EventRecord, event: &Event<'_>, directory: &Directory) {
        self.begin(record, event, directory);
        feed::messages(event, directory, |message| {
            soup::frame(&mut self.batch, b'S', |out| message.encode(out));
            self.day.next += 1;
        });
    }

    #[inline]
    fn begin(&mut self, record: &EventRecord, event: &Event<'_>, directory: &Directory) {
        if feed::starts_day(event) {
            self.day = FeedDay::new(directory);
            self.batch_first = 1;
            self.marks.clear();
            self.mark(record);
        } else if self.day.next >= self.marks.last().map_or(0, |mark| mark.number) + FEED_INDEX_EVERY {
            self.mark(record);
        }
    }

    fn mark(&mut self, record: &EventRecord) {
        self.marks.push(FeedMark { number: self.day.next, address: Address::of(record) });
    }

    /// The last mark at or below message `number`.
    pub(super) fn find(&self, number: u64) -> FeedMark {
        let above = self.marks.partition_point(|mark| mark.number <= number);
        self.marks[above.saturating_sub(1)]
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= FEED_BATCH_BYTES
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// The number of the batch's first packet, and the batch. The caller hands it out and clears it.
    pub(super) fn take_batch(&mut self) -> (u64, Vec<u8>) {
        let first = std::mem::replace(&mut self.batch_first, self.day.next);
        (first, std::mem::take(&mut self.batch))
    }

    /// Gives the batch's memory back to it.
    pub(super) fn reuse(&mut self, mut batch: Vec<u8>) {
        batch.clear();
        self.batch = batch;
    }
}
