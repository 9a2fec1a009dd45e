//! All that the rim knows of events before its start. It depends on nothing but the events, so a snapshot can
//! hold it, and a start from one needs no older events.

use crate::seeding::Known;
use crate::timers::Times;
use engine::event::EventRecord;
use engine::fields::{FieldError, Reader, Writer};
use journal::event_log::Address;

/// What doors, timers and the seed's comparison have learned.
#[derive(Default)]
pub(crate) struct Knowledge {
    pub(crate) doors: net::doors::Knowledge,
    pub(crate) times: Times,
    pub(crate) known: Known,
    /// The last event.
    pub(crate) last_event: Address,
    /// How many there were.
    pub(crate) events: u64,
}

impl Knowledge {
    /// Takes in the next event.
    pub(crate) fn learn(&mut self, event: &EventRecord) {
        self.doors.learn(event);
        self.times.learn(event);
        self.known.learn(event);
        self.last_event = Address::of(event);
        self.events += 1;
    }

    /// Appends what timers and seed know; the doors have a section of their own.
    pub(crate) fn encode_standing(&self, out: &mut Vec<u8>) {
        let mut out = Writer(out);
        self.times.encode(&mut out);
        self.known.encode(&mut out);
    }

    /// Takes up what [`Self::encode_standing`] appended.
    ///
    /// # Errors
    /// The bytes are damaged.
    pub(crate) fn decode_standing(bytes: &[u8]) -> Result<(Times, Known), FieldError> {
        let mut reader = Reader::new(bytes);
        let times = Times::decode(&mut reader)?;
        let known = Known::decode(&mut reader)?;
        reader.finish()?;
        Ok((times, known))
    }
}
