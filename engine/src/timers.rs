//! Good-till-date: which order ends next. A binary heap by (due, order number); each order knows its
//! place in it, so that it can leave early.

use crate::levels::NONE;
use crate::orders::Orders;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    due: u64,
    id: u64,
    order: u32,
}

/// The orders that end at a time.
pub(crate) struct Timers {
    heap: Vec<Entry>,
}

impl Timers {
    /// Room for this many.
    pub(crate) fn new(orders_max: u32) -> Self {
        Self { heap: Vec::with_capacity(orders_max as usize) }
    }

    /// The order that is due first, if its time is at or before `now`.
    #[inline(always)]
    pub(crate) fn due(&self, now: u64) -> Option<u32> {
        self.heap.first().filter(|entry| entry.due <= now).map(|entry| entry.order)
    }

    /// Adds an order, which is told its place.
    pub(crate) fn insert(&mut self, orders: &mut Orders, order: u32, due: u64) {
        self.heap.push(Entry { due, id: orders.hot(order).id, order });
        self.rise(orders, self.heap.len() - 1);
    }

    /// Takes an order out that is in.
    pub(crate) fn remove(&mut self, orders: &mut Orders, order: u32) {
        let place = orders.terms(order).timer as usize;
        orders.terms_mut(order).timer = NONE;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.rise(orders, place);
            self.sink(orders, place);
        }
    }

    fn settle(&self, orders: &mut Orders, place: usize) {
        orders.terms_mut(self.heap[place].order).timer = place as u32;
    }

    fn rise(&mut self, orders: &mut Orders, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                break;
            }
            self.heap.swap(parent, place);
            self.settle(orders, place);
            place = parent;
        }
        self.settle(orders, place);
    }

    fn sink(&mut self, orders: &mut Orders, mut place: usize) {
        loop {
            let left = 2 * place + 1;
            if left >= self.heap.len() {
                break;
            }
            let right = left + 1;
            let child =
                if right < self.heap.len() && self.heap[right] < self.heap[left] { right } else { left };
            if self.heap[place] <= self.heap[child] {
                break;
            }
            self.heap.swap(place, child);
            self.settle(orders, place);
            place = child;
        }
        self.settle(orders, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::{HotOrder, Terms};

    #[test]
    fn orders_come_due_by_time_then_by_entry() {
        let mut orders = Orders::new(64);
        let mut timers = Timers::new(64);
        let due = |n: u64| 100 + (n * 7) % 13;
        let mut handles = Vec::new();
        for id in 0..40 {
            let order = orders.take();
            orders.put(order, HotOrder { id, ..HotOrder::EMPTY }, Terms::EMPTY);
            timers.insert(&mut orders, order, due(id));
            handles.push(order);
        }
        for id in (0..40).step_by(3) {
            timers.remove(&mut orders, handles[id]);
        }
        let mut expected: Vec<_> = (0..40).filter(|id| id % 3 != 0).map(|id| (due(id), id)).collect();
        expected.sort_unstable();
        for (time, id) in expected {
            assert_eq!(timers.due(time - 1), None);
            let order = timers.due(time).expect("it is due");
            assert_eq!(orders.hot(order).id, id);
            timers.remove(&mut orders, order);
        }
        assert_eq!(timers.due(u64::MAX), None);
    }
}
