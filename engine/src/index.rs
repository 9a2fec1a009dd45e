//! From a session's number of an order to the order.
//!
//! Eight consecutive numbers of a session share a group: one cache line with their orders side by side.
//! Eight consecutive groups lie side by side in one open-addressing table for the venue; only such a run
//! is hashed, so that a client that counts up finds its orders as in an array. A group that has lost its
//! last order is taken out by shifting later ones back: no tombstones, so the table never ages. At most
//! two thirds full, and that only where every number stands alone.

use crate::levels::NONE;
use crate::memory::{fetch, zeroed};
use bytemuck::{Pod, Zeroable};

/// Numbers of one session that share a group.
const GROUP_BITS: u32 = 3;
const GROUP: usize = 1 << GROUP_BITS;
/// Groups that share a hash.
const RUN_BITS: u32 = 3;

/// One cache line. Where it is free, all but its key is stale.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Group {
    orders: [u32; GROUP],
    /// Session and the high bits of its numbers; 0 where it is free.
    key: u64,
    live: u32,
    reserved: [u32; 5],
}

/// The session over the high bits of the numbers. No session is 0, so no key is.
#[inline(always)]
const fn key_of(session: u32, user_ref: u32) -> u64 {
    ((session as u64) << 32 | user_ref as u64) >> GROUP_BITS
}

/// Where an order's entry lies, until the next change of the table.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    group: usize,
    within: usize,
}

/// All resting orders by (session, user number).
pub(crate) struct Index {
    groups: Box<[Group]>,
    mask: usize,
    shift: u32,
}

impl Index {
    /// A table for this many orders. Its pages are touched when first used.
    pub(crate) fn new(orders_max: u32) -> Self {
        let orders = orders_max.max(32) as usize;
        let places = (orders + orders / 2).next_power_of_two();
        Self {
            groups: zeroed(places),
            mask: places - 1,
            shift: u64::BITS - places.trailing_zeros() + RUN_BITS,
        }
    }

    #[inline(always)]
    const fn home(&self, key: u64) -> usize {
        let mixed = (key >> RUN_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        ((mixed as usize) << RUN_BITS) | (key as usize % (1 << RUN_BITS))
    }

    /// The place of a group, or the free one where it would go.
    #[inline(always)]
    fn group(&self, key: u64) -> usize {
        let mut place = self.home(key);
        loop {
            let found = self.groups[place].key;
            if found == key || found == 0 {
                return place;
            }
            place = (place + 1) & self.mask;
        }
    }

    /// The place of this number's order, and the order. The session exists.
    #[inline(always)]
    pub(crate) fn place(&self, session: u32, user_ref: u32) -> Option<(Place, u32)> {
        let key = key_of(session, user_ref);
        let place = Place { group: self.group(key), within: user_ref as usize % GROUP };
        let group = &self.groups[place.group];
        let order = group.orders[place.within];
        if group.key != key || order == NONE { None } else { Some((place, order)) }
    }

    /// Asks for the line of this number.
    #[inline(always)]
    pub(crate) fn fetch(&self, session: u32, user_ref: u32) {
        fetch(&self.groups[self.home(key_of(session, user_ref))]);
    }

    /// The order that this number's first group names: where it stands, if nothing pushed it elsewhere.
    #[inline(always)]
    pub(crate) fn guess(&self, session: u32, user_ref: u32) -> u32 {
        self.groups[self.home(key_of(session, user_ref))].orders[user_ref as usize % GROUP]
    }

    /// The order of this number, or `NONE`.
    #[inline]
    pub(crate) fn find(&self, session: u32, user_ref: u32) -> u32 {
        if session == 0 {
            return NONE;
        }
        self.place(session, user_ref).map_or(NONE, |(_, order)| order)
    }

    /// Adds an order whose number is not in the table.
    #[inline(always)]
    pub(crate) fn insert(&mut self, session: u32, user_ref: u32, order: u32) {
        let key = key_of(session, user_ref);
        let place = self.group(key);
        let group = &mut self.groups[place];
        if group.key != key {
            *group = Group { orders: [NONE; GROUP], key, live: 0, reserved: [0; 5] };
        }
        group.live += 1;
        group.orders[user_ref as usize % GROUP] = order;
    }

    /// Takes out what is at a place that `place` just told.
    #[inline(always)]
    pub(crate) fn remove(&mut self, place: Place) {
        let group = &mut self.groups[place.group];
        group.orders[place.within] = NONE;
        group.live -= 1;
        if group.live == 0 {
            self.close(place.group);
        }
    }

    /// Shifts later groups back over one that has become free.
    #[inline(never)]
    fn close(&mut self, place: usize) {
        let (mut hole, mut next) = (place, (place + 1) & self.mask);
        while self.groups[next].key != 0 {
            let home = self.home(self.groups[next].key);
            if next.wrapping_sub(home) & self.mask >= next.wrapping_sub(hole) & self.mask {
                self.groups[hole] = self.groups[next];
                hole = next;
            }
            next = (next + 1) & self.mask;
        }
        self.groups[hole].key = 0;
    }
}

const _: () = assert!(size_of::<Group>() == 64);

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
