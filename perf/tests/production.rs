//! The ratio means something only if the floor and the matcher do the same work: the same reports, in
//! the same order, with the same quantities and levels.

#![allow(clippy::unwrap_used)] // helpers of tests fail by panicking

use engine::command::CommandSlot;
use engine::event::{Event, EventKind, EventRecord};
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::Sequence;
use perf::floor::{Floor, Report, ReportKind, ReportSink};
use perf::production::{Mode, opening, slot};
use perf::workload::{Flow, PlainCommand, Workload};
use std::collections::BTreeMap;

/// Kind, order, ticks, quantity, remaining, lots and orders at the level.
type Told = (ReportKind, u32, i64, u64, u64, u64, u32);

#[derive(Default)]
struct Collected(Vec<Told>);

impl ReportSink for Collected {
    fn report(&mut self, report: &Report) {
        let Report { kind, id, price, quantity, remaining, level_quantity, level_orders, .. } = *report;
        let price = i64::from(price);
        let (quantity, remaining, level) = (quantity.into(), remaining.into(), level_quantity.into());
        self.0.push((kind, id, price, quantity, remaining, level, level_orders));
    }
}

fn told(record: &EventRecord, ids: &BTreeMap<(u32, u32), u32>) -> Told {
    let (header, order) = match record.view().unwrap() {
        Event::Accepted(event) => (event.header, event.order),
        Event::Report(event) => (event.header, event.order),
        other => panic!("a flow yields no {other:?}"),
    };
    let taker = header.flags.contains(engine::event::Flags::TAKER);
    let kind = match header.kind {
        EventKind::Accepted => ReportKind::Accepted,
        EventKind::Cancelled => ReportKind::Cancelled,
        EventKind::Executed if taker => ReportKind::Took,
        EventKind::Executed => ReportKind::Made,
        other => panic!("a flow yields no {other:?}"),
    };
    // Production tells a level with the maker's report only; the floor with both.
    let level = if kind == ReportKind::Took { (0, 0) } else { (order.level_quantity.0, order.level_orders) };
    let id = ids[&(header.session.0, order.user_ref.0)];
    (kind, id, order.price.0, order.quantity.0, order.remaining.0, level.0, level.1)
}

fn check(flow: Flow, commands: u32, (mode, batch_size): (Mode, usize)) {
    let workload = Workload::draw(flow, 11, commands);
    let mut floor = Floor::new(flow.instruments, flow.orders_live_max(), workload.ids_max());
    let limits = Limits { live_orders: flow.orders_live_max(), ..Limits::default() };
    let mut engine = Engine::new(&limits);
    let mut sequence = Sequence(0);
    for command in &opening(flow.instruments, mode) {
        sequence = sequence.next();
        engine.apply(sequence, command, &mut Vec::new());
    }
    let (mut expected, mut events) = (Collected::default(), Vec::new());
    let commands: Vec<PlainCommand> = workload.preload.iter().chain(&workload.commands).copied().collect();
    let ids: BTreeMap<(u32, u32), u32> =
        commands.iter().map(|command| (mode.owner(command), command.id)).collect();
    for batch in commands.chunks(batch_size) {
        let slots: Vec<CommandSlot> = batch.iter().map(|command| slot(command, mode)).collect();
        batch.iter().for_each(|command| floor.apply(command, &mut expected));
        engine.apply_all(sequence.next(), &slots.iter().collect::<Vec<_>>(), &mut events);
        sequence.0 += batch.len() as u64;
        for report in &mut expected.0 {
            if report.0 == ReportKind::Took {
                (report.5, report.6) = (0, 0);
            }
        }
        let found: Vec<Told> = events.iter().map(|event| told(event, &ids)).collect();
        assert_eq!(found, expected.0, "up to command {sequence}: {batch:?}");
        expected.0.clear();
        events.clear();
    }
}

#[test]
fn floor_and_matcher_report_the_same_on_flow_a() {
    check(Flow::A, 100_000, (Mode::Bare, 1));
    check(Flow::A, 100_000, (Mode::Full, 1));
}

#[test]
fn floor_and_matcher_report_the_same_on_flow_b() {
    // 40 thousand live orders: enough for the matcher to look ahead in its batch.
    for mode in [Mode::Bare, Mode::Full] {
        check(Flow { orders_per_side: 200, ..Flow::B }, 100_000, (mode, 64));
    }
}
