//! What the doors know of the past.

use super::market_data::FeedIndex;
use super::open_orders::OpenOrders;
use crate::directory::Directory;
use crate::itch::feed::FeedDay;
use engine::event::EventRecord;
use engine::fields::{FieldError, Reader, Writer};

/// All that doors have to know of events before their start: instruments, sessions and their numbers, open
/// orders, and where the day's feed stands. It depends on nothing but the events.
#[derive(Debug)]
pub struct Knowledge {
    pub(super) directory: Directory,
    pub(super) open_orders: OpenOrders,
    pub(super) feed: FeedIndex,
}

impl Default for Knowledge {
    fn default() -> Self {
        let directory = Directory::new();
        Self { feed: FeedIndex::new(&directory), directory, open_orders: OpenOrders::new() }
    }
}

impl Knowledge {
    /// Takes in the next event.
    pub fn learn(&mut self, record: &EventRecord) {
        let Ok(event) = record.view() else { return };
        self.directory.learn_event(record, &event);
        self.feed.learn(record, &event, &self.directory);
        self.open_orders.learn(&event);
    }

    /// Instruments and sessions.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Where the numbers of the feed's day stand.
    #[must_use]
    pub const fn feed_day(&self) -> FeedDay {
        self.feed.day
    }

    /// Appends what is known: equal histories give equal bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut out = Writer(out);
        self.directory.encode(&mut out);
        self.open_orders.encode(&mut out);
        self.feed.encode(&mut out);
    }

    /// Takes up what [`Self::encode`] appended.
    ///
    /// # Errors
    /// The bytes are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut reader = Reader::new(bytes);
        let directory = Directory::decode(&mut reader)?;
        let open_orders = OpenOrders::decode(&mut reader)?;
        let feed = FeedIndex::decode(&mut reader)?;
        reader.finish()?;
        Ok(Self { directory, open_orders, feed })
    }
}
