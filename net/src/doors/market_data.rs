//! The feed as it is made: numbered, batched for the readers, and indexed for those who come late.

use crate::directory::Directory;
use crate::itch::feed::{self, FeedDay};
use crate::limits::{FEED_BATCH_BYTES, FEED_INDEX_EVERY};
use crate::soup;
use engine::event::{Event, EventRecord};
use engine::fields::{FieldError, Reader, Writer};
use journal::event_log::Address;

/// Most marks of a day that a snapshot may have: of far more messages than a day can hold.
const MARKS_MAX: usize = 1 << 28;

/// Where in the log a message of the present day can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FeedMark {
    /// Number of the event's first message.
    pub(super) number: u64,
    /// The event.
    pub(super) address: Address,
}

/// The numbers of the day's messages, and where in the log they are.
#[derive(Debug)]
pub(super) struct FeedIndex {
    pub(super) day: FeedDay,
    /// Rising; the first is the day's first message.
    marks: Vec<FeedMark>,
}

impl FeedIndex {
    pub(super) fn new(directory: &Directory) -> Self {
        Self { day: FeedDay::new(directory), marks: vec![FeedMark { number: 1, address: Address::START }] }
    }

    /// Numbers the messages of an event, which `directory` has learned.
    pub(super) fn learn(&mut self, record: &EventRecord, event: &Event<'_>, directory: &Directory) {
        self.begin(record, event, directory);
        feed::messages(event, directory, |_| self.day.next += 1);
    }

    /// Begins a day, or makes a mark, where one is due; tells whether a day began.
    #[inline]
    fn begin(&mut self, record: &EventRecord, event: &Event<'_>, directory: &Directory) -> bool {
        let starts = feed::starts_day(event);
        if starts {
            self.day = FeedDay::new(directory);
            self.marks.clear();
        }
        if starts || self.day.next >= self.marks.last().map_or(0, |mark| mark.number) + FEED_INDEX_EVERY {
            self.marks.push(FeedMark { number: self.day.next, address: Address::of(record) });
        }
        starts
    }

    /// The last mark at or below message `number`.
    pub(super) fn find(&self, number: u64) -> FeedMark {
        let above = self.marks.partition_point(|mark| mark.number <= number);
        self.marks[above.saturating_sub(1)]
    }

    pub(super) fn encode(&self, out: &mut Writer<'_>) {
        out.put(self.day.name);
        out.put(self.day.next);
        out.count(self.marks.len());
        for mark in &self.marks {
            out.put(mark.number);
            out.put(mark.address.sequence);
            out.put(mark.address.ordinal);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, FieldError> {
        let day = FeedDay { name: reader.get()?, next: reader.get()? };
        let mut marks: Vec<FeedMark> = Vec::new();
        for _ in 0..reader.count(MARKS_MAX, "marks of the feed")? {
            let number: u64 = reader.get()?;
            let rises = marks.last().map_or(number == 1, |last| last.number < number);
            reader.ensure(rises, "number of a message")?;
            let address = Address { sequence: reader.get()?, ordinal: reader.get()? };
            marks.push(FeedMark { number, address });
        }
        reader.ensure(!marks.is_empty() && day.next >= 1, "numbers of the feed")?;
        Ok(Self { day, marks })
    }
}

#[derive(Debug)]
pub(super) struct MarketData {
    index: FeedIndex,
    /// Packets not yet handed to the readers.
    batch: Vec<u8>,
    /// Number of the first of them.
    batch_first: u64,
}

impl MarketData {
    /// Goes on behind the messages that `index` has numbered.
    pub(super) fn new(index: FeedIndex) -> Self {
        let batch_first = index.day.next;
        Self { index, batch: Vec::with_capacity(2 * FEED_BATCH_BYTES), batch_first }
    }

    pub(super) const fn day(&self) -> &FeedDay {
        &self.index.day
    }

    /// Numbers and batches the messages of an event. At the start of a day the batch must be empty.
    #[inline]
    pub(super) fn release(&mut self, record: &EventRecord, event: &Event<'_>, directory: &Directory) {
        if self.index.begin(record, event, directory) {
            self.batch_first = 1;
        }
        feed::messages(event, directory, |message| {
            soup::frame(&mut self.batch, b'S', |out| message.encode(out));
            self.index.day.next += 1;
        });
    }

    /// The last mark at or below message `number`.
    pub(super) fn find(&self, number: u64) -> FeedMark {
        self.index.find(number)
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= FEED_BATCH_BYTES
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// The number of the batch's first packet, and the batch. The caller hands it out and clears it.
    pub(super) fn take_batch(&mut self) -> (u64, Vec<u8>) {
        let first = std::mem::replace(&mut self.batch_first, self.index.day.next);
        (first, std::mem::take(&mut self.batch))
    }

    /// Gives the batch's memory back to it.
    pub(super) fn reuse(&mut self, mut batch: Vec<u8>) {
        batch.clear();
        self.batch = batch;
    }
}
