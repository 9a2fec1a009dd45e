//! The floor must do the work it is a floor for: it agrees with a book written for reading.

#![allow(clippy::unwrap_used)] // helpers of tests fail by panicking

use perf::floor::{Floor, Report, ReportKind, ReportSink};
use perf::workload::{Flow, Kind, PlainCommand, Workload};
use std::collections::{BTreeMap, VecDeque};

/// What a report tells, without sequence and trade number.
type Told = (ReportKind, u32, i32, u32, u32, u32, u32);

#[derive(Default)]
struct Collected(Vec<Told>);

impl ReportSink for Collected {
    fn report(&mut self, report: &Report) {
        let Report { kind, id, price, quantity, remaining, level_quantity, level_orders, .. } = *report;
        self.0.push((kind, id, price, quantity, remaining, level_quantity, level_orders));
    }
}

/// Orders by instrument, side and price, each level first come first.
#[derive(Default)]
struct Plain {
    levels: BTreeMap<(u16, u8, i32), VecDeque<(u32, u32)>>,
    places: BTreeMap<u32, (u16, u8, i32)>,
    told: Vec<Told>,
}

impl Plain {
    fn level(&self, key: (u16, u8, i32)) -> (u32, u32) {
        self.levels
            .get(&key)
            .map_or((0, 0), |level| (level.iter().map(|order| order.1).sum(), level.len() as u32))
    }

    fn best(&self, instrument: u16, side: u8) -> Option<i32> {
        let mut prices = self.levels.range((instrument, side, i32::MIN)..=(instrument, side, i32::MAX));
        let found = if side == 0 { prices.next_back() } else { prices.next() };
        found.map(|(&(_, _, price), _)| price)
    }

    fn apply(&mut self, command: &PlainCommand) {
        let &PlainCommand { id, price, quantity, instrument, side, kind } = command;
        match kind {
            Kind::Add => {
                let key = (instrument, side, price);
                self.levels.entry(key).or_default().push_back((id, quantity));
                self.places.insert(id, key);
                let (total, orders) = self.level(key);
                self.told.push((ReportKind::Accepted, id, price, quantity, quantity, total, orders));
            }
            Kind::Cancel => {
                let key = self.places[&id];
                let level = self.levels.get_mut(&key).unwrap();
                let place = level.iter().position(|order| order.0 == id).unwrap();
                let (_, left) = level.remove(place).unwrap();
                if level.is_empty() {
                    self.levels.remove(&key);
                }
                let (total, orders) = self.level(key);
                self.told.push((ReportKind::Cancelled, id, key.2, left, 0, total, orders));
            }
            Kind::Take => self.take(command),
        }
    }

    fn take(&mut self, command: &PlainCommand) {
        let &PlainCommand { id, price: limit, quantity, instrument, side, .. } = command;
        self.told.push((ReportKind::Accepted, id, limit, quantity, quantity, 0, 0));
        let mut open = quantity;
        while open > 0 {
            let Some(price) = self.best(instrument, side ^ 1) else { break };
            if (side == 0 && price > limit) || (side == 1 && price < limit) {
                break;
            }
            let key = (instrument, side ^ 1, price);
            let level = self.levels.get_mut(&key).unwrap();
            let maker = level.front_mut().unwrap();
            let filled = open.min(maker.1);
            maker.1 -= filled;
            open -= filled;
            let (maker_id, maker_left) = *maker;
            if maker_left == 0 {
                level.pop_front();
            }
            if level.is_empty() {
                self.levels.remove(&key);
            }
            let (total, orders) = self.level(key);
            self.told.push((ReportKind::Made, maker_id, price, filled, maker_left, total, orders));
            self.told.push((ReportKind::Took, id, price, filled, open, total, orders));
        }
    }
}

fn check(flow: Flow, commands: u32) {
    let workload = Workload::draw(flow, 42, commands);
    let mut floor = Floor::new(flow.instruments, flow.orders_live_max(), workload.ids_max());
    let mut collected = Collected::default();
    let mut plain = Plain::default();
    for command in workload.preload.iter().chain(&workload.commands) {
        floor.apply(command, &mut collected);
        plain.apply(command);
        assert_eq!(collected.0, plain.told, "after {command:?}");
        collected.0.clear();
        plain.told.clear();
    }
}

#[test]
fn it_agrees_with_a_plain_book_on_flow_a() {
    check(Flow { orders_per_side: 100, ..Flow::A }, 60_000);
}

#[test]
fn it_agrees_with_a_plain_book_on_flow_b() {
    check(Flow { instruments: 5, orders_per_side: 300, ..Flow::B }, 60_000);
}

#[test]
fn immediate_orders_are_filled_whole() {
    let flow = Flow { orders_per_side: 50, ..Flow::A };
    let workload = Workload::draw(flow, 3, 50_000);
    let mut floor = Floor::new(flow.instruments, flow.orders_live_max(), workload.ids_max());
    let mut collected = Collected::default();
    for command in workload.preload.iter().chain(&workload.commands) {
        collected.0.clear();
        floor.apply(command, &mut collected);
        if command.kind == Kind::Take {
            assert!(matches!(collected.0.last(), Some((ReportKind::Took, _, _, _, 0, _, _))), "{command:?}");
        }
    }
}
