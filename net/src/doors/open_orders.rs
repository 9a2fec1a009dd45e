//! The instruments of open orders, by session and user number.
//!
//! OUCH's `U` names no instrument, and without one its price cannot be converted. The entry is made when
//! the order comes in (a `U` may follow before the order is accepted) and removed when the order ends.
//! It is a hint: the engine checks that the instrument is the order's.

use engine::event::{Event, EventKind, Flags};
use engine::fields::{FieldError, Reader, Writer};
use engine::number::{InstrumentId, SessionId, UserRef};
use engine::reason::Reject;
use std::collections::VecDeque;

/// Numbers of replacements that are on their way. The number of one that fails is not used up, and no
/// event tells it: beyond the bound the oldest is forgotten.
const TENTATIVE_MAX: usize = 4096;
/// Most live orders that a venue can be set to hold.
const ORDERS_MAX: usize = 1 << 26;
/// Multiplier of the hash: 2^64 over the golden ratio, which spreads rising numbers evenly.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// Places of a new table.
const SLOTS_MIN: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Session and user number; 0 is free (sessions begin at 1).
    key: u64,
    instrument: u32,
    tentative: bool,
}

/// Open addressing, at most half full; it holds at most the venue's live orders and what is on its way.
#[derive(Debug)]
pub(crate) struct OpenOrders {
    slots: Vec<Slot>,
    count: usize,
    tentative: VecDeque<u64>,
}

fn key(session: SessionId, user_ref: UserRef) -> u64 {
    u64::from(session.0) << 32 | u64::from(user_ref.0)
}

impl OpenOrders {
    pub(crate) fn new() -> Self {
        Self { slots: vec![Slot::default(); SLOTS_MIN], count: 0, tentative: VecDeque::new() }
    }

    /// The instrument of an order.
    #[inline]
    pub(crate) fn get(&self, session: SessionId, user_ref: UserRef) -> Option<InstrumentId> {
        let key = key(session, user_ref);
        let slot = self.slots[self.find(key)];
        (slot.key == key).then_some(InstrumentId(slot.instrument))
    }

    /// An order that came in or was accepted.
    #[inline]
    pub(crate) fn insert(&mut self, session: SessionId, user_ref: UserRef, instrument: InstrumentId) {
        self.put(Slot { key: key(session, user_ref), instrument: instrument.0, tentative: false });
    }

    /// A replacement that came in.
    pub(crate) fn insert_tentative(
        &mut self,
        session: SessionId,
        user_ref: UserRef,
        instrument: InstrumentId,
    ) {
        let key = key(session, user_ref);
        if self.slots[self.find(key)].key == key {
            return;
        }
        if self.tentative.len() == TENTATIVE_MAX
            && let Some(oldest) = self.tentative.pop_front()
        {
            let at = self.find(oldest);
            if self.slots[at].tentative {
                self.free(at);
            }
        }
        self.tentative.push_back(key);
        self.put(Slot { key, instrument: instrument.0, tentative: true });
    }

    /// An order that ended or was refused.
    #[inline]
    pub(crate) fn remove(&mut self, session: SessionId, user_ref: UserRef) {
        let key = key(session, user_ref);
        let at = self.find(key);
        if self.slots[at].key == key {
            self.free(at);
        }
    }

    /// Follows an order's life in released events.
    #[inline]
    pub(crate) fn learn(&mut self, event: &Event<'_>) {
        match event {
            Event::Accepted(event) if event.header.kind != EventKind::Rested => {
                let header = &event.header;
                self.insert(header.session, event.order.user_ref, header.instrument);
                if header.kind == EventKind::Replaced {
                    self.remove(header.session, event.replaced_ref);
                }
            }
            Event::Report(event) => {
                let header = &event.header;
                // The number may be that of a carried order, which lives.
                let refused =
                    header.kind == EventKind::Rejected && header.reject() != Reject::DuplicateNumber;
                if refused || header.flags.contains(Flags::FINAL) {
                    self.remove(header.session, event.order.user_ref);
                }
            }
            Event::Accepted(_)
            | Event::Detail(_)
            | Event::Session(_)
            | Event::SessionAdded(_)
            | Event::Instrument(_)
            | Event::Setting(_)
            | Event::Named(_)
            | Event::Balance(_)
            | Event::Note(_)
            | Event::Level(_) => {}
        }
    }

    /// Appends the orders by session and number: what is on its way is not in it.
    pub(crate) fn encode(&self, out: &mut Writer<'_>) {
        let known = |slot: &&Slot| slot.key != 0 && !slot.tentative;
        let mut orders: Vec<(u64, u32)> =
            self.slots.iter().filter(known).map(|slot| (slot.key, slot.instrument)).collect();
        orders.sort_unstable();
        out.count(orders.len());
        for (key, instrument) in orders {
            out.put(key);
            out.put(instrument);
        }
    }

    /// Takes up what [`Self::encode`] appended.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, FieldError> {
        let mut orders = Self::new();
        for _ in 0..reader.count(ORDERS_MAX, "open orders")? {
            let slot = Slot { key: reader.get()?, instrument: reader.get()?, tentative: false };
            reader.ensure(slot.key >> 32 != 0, "session of an open order")?;
            orders.put(slot);
        }
        Ok(orders)
    }

    #[inline]
    fn put(&mut self, slot: Slot) {
        let at = self.find(slot.key);
        if self.slots[at].key == 0 {
            self.count += 1;
        }
        self.slots[at] = slot;
        if self.count * 2 > self.slots.len() {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let larger = vec![Slot::default(); self.slots.len() * 2];
        for slot in std::mem::replace(&mut self.slots, larger) {
            if slot.key != 0 {
                let at = self.find(slot.key);
                self.slots[at] = slot;
            }
        }
    }

    /// Frees a place and moves back those that had been pushed behind it.
    fn free(&mut self, at: usize) {
        let mask = self.slots.len() - 1;
        let mut hole = at;
        let mut next = (at + 1) & mask;
        while self.slots[next].key != 0 {
            let home = self.home(self.slots[next].key);
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(hole) & mask {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[hole] = Slot::default();
        self.count -= 1;
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> 32) as usize & (self.slots.len() - 1)
    }

    /// Where `key` is, or the free place where it would be.
    #[inline]
    fn find(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = self.home(key);
        while self.slots[at].key != 0 && self.slots[at].key != key {
            at = (at + 1) & mask;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn agrees_with_a_plain_map(steps in proptest::collection::vec((0u8..3, 1u32..4, 1u32..200), 0..600)) {
            let mut orders = OpenOrders::new();
            let mut plain = HashMap::new();
            for (step, (action, session, user_ref)) in steps.into_iter().enumerate() {
                let (name, instrument) = ((session, user_ref), InstrumentId(step as u32));
                let (session, user_ref) = (SessionId(session), UserRef(user_ref));
                match action {
                    0 => { orders.insert(session, user_ref, instrument); plain.insert(name, instrument); }
                    1 => { orders.remove(session, user_ref); plain.remove(&name); }
                    _ => {
                        orders.insert_tentative(session, user_ref, instrument);
                        plain.entry(name).or_insert(instrument);
                    }
                }
                prop_assert_eq!(orders.count, plain.len());
                prop_assert_eq!(orders.get(session, user_ref), plain.get(&name).copied());
            }
            for ((session, user_ref), instrument) in plain {
                prop_assert_eq!(orders.get(SessionId(session), UserRef(user_ref)), Some(instrument));
            }
        }
    }

    #[test]
    fn replacements_that_fail_are_forgotten_at_the_bound() {
        let mut orders = OpenOrders::new();
        let session = SessionId(1);
        for number in 1..=3 * TENTATIVE_MAX as u32 {
            orders.insert_tentative(session, UserRef(number), InstrumentId(9));
        }
        assert_eq!(orders.count, TENTATIVE_MAX);
        assert_eq!(orders.get(session, UserRef(1)), None);
    }
}
