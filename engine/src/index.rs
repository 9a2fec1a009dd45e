//! From a session's number of an order to the order.
//!
//! One open-addressing table for the venue. Only the group of sixteen consecutive numbers is hashed;
//! the low four bits say the place within it, so that a client that counts up fills whole cache lines
//! and finds its orders as in an array. Deletion shifts entries back: no tombstones, so the table
//! never ages. At most half full.

use crate::levels::NONE;

/// Numbers of one session that share a hash.
const GROUP_BITS: u32 = 4;

#[derive(Clone, Copy)]
struct Entry {
    session: u32,
    user_ref: u32,
    order: u32,
}

const FREE: Entry = Entry { session: 0, user_ref: 0, order: NONE };

/// Where an entry lies, until the next change of the table.
#[derive(Clone, Copy)]
pub(crate) struct Place(u32);

/// All resting orders by (session, user number).
pub(crate) struct Index {
    entries: Vec<Entry>,
    mask: u32,
    shift: u32,
}

impl Index {
    /// A table for this many orders.
    pub(crate) fn new(orders_max: u32) -> Self {
        let places = (orders_max.max(32) as usize * 2).next_power_of_two();
        Self {
            entries: vec![FREE; places],
            mask: places as u32 - 1,
            shift: u64::BITS - places.trailing_zeros() + GROUP_BITS,
        }
    }

    #[inline(always)]
    const fn home(&self, session: u32, user_ref: u32) -> u32 {
        let group = ((session as u64) << (u32::BITS - GROUP_BITS)) | (user_ref >> GROUP_BITS) as u64;
        let mixed = (group ^ (group >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed >> self.shift) as u32) << GROUP_BITS | user_ref & ((1 << GROUP_BITS) - 1)
    }

    /// The place of this number's order, and the order.
    #[inline(always)]
    pub(crate) fn place(&self, session: u32, user_ref: u32) -> Option<(Place, u32)> {
        let mut place = self.home(session, user_ref);
        loop {
            let entry = &self.entries[place as usize];
            if entry.order == NONE {
                return None;
            }
            if entry.user_ref == user_ref && entry.session == session {
                return Some((Place(place), entry.order));
            }
            place = (place + 1) & self.mask;
        }
    }

    /// The order of this number, or `NONE`.
    #[inline]
    pub(crate) fn find(&self, session: u32, user_ref: u32) -> u32 {
        self.place(session, user_ref).map_or(NONE, |(_, order)| order)
    }

    /// Adds an order whose number is not in the table.
    #[inline(always)]
    pub(crate) fn insert(&mut self, session: u32, user_ref: u32, order: u32) {
        let mut place = self.home(session, user_ref);
        while self.entries[place as usize].order != NONE {
            place = (place + 1) & self.mask;
        }
        self.entries[place as usize] = Entry { session, user_ref, order };
    }

    /// Takes out what is at a place that `place` just told.
    #[inline(always)]
    pub(crate) fn remove(&mut self, place: Place) {
        let mut hole = place.0;
        let mut next = (hole + 1) & self.mask;
        loop {
            let entry = self.entries[next as usize];
            if entry.order == NONE {
                break;
            }
            let home = self.home(entry.session, entry.user_ref);
            if next.wrapping_sub(home) & self.mask >= next.wrapping_sub(hole) & self.mask {
                self.entries[hole as usize] = entry;
                hole = next;
            }
            next = (next + 1) & self.mask;
        }
        self.entries[hole as usize] = FREE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_index_is_a_map() {
        let mut index = Index::new(600);
        let mut map = BTreeMap::new();
        let mut seed = 3u64;
        for order in 0..60_000u32 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let key = ((seed % 5) as u32 + 1, (seed >> 20) as u32 % 900);
            if map.len() < 600 && !map.contains_key(&key) {
                map.insert(key, order);
                index.insert(key.0, key.1, order);
            } else {
                let found = index.place(key.0, key.1);
                assert_eq!(found.map(|(_, order)| order), map.remove(&key));
                if let Some((place, _)) = found {
                    index.remove(place);
                }
            }
            let probe = ((seed >> 40) as u32 % 5 + 1, (seed >> 45) as u32 % 900);
            assert_eq!(index.find(probe.0, probe.1), map.get(&probe).copied().unwrap_or(NONE));
        }
    }
}
