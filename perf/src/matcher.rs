//! The matcher against the floor, alternating in one process: what is compared is a ratio.

use crate::clock::thread_cpu_ns;
use crate::floor::{Floor, ReportRing};
use crate::workload::Workload;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Instant;

/// Longest latency that is told apart, in nanoseconds.
const LATENCY_NS_MAX: u64 = 1_000_000_000;

/// Time of one command, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Percentiles {
    /// Half of them are faster.
    pub p50: u64,
    /// 99 of 100 are faster.
    pub p99: u64,
    /// 999 of 1,000 are faster.
    pub p999: u64,
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.50), p99: at(0.99), p999: at(0.999) }
    }

    fn json(self) -> Value {
        json!({ "p50_ns": self.p50, "p99_ns": self.p99, "p99_9_ns": self.p999 })
    }
}

pub(crate) fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("the bounds are a valid range")
}

/// The floor with its books filled.
#[must_use]
pub fn filled_floor(workload: &Workload) -> (Floor, ReportRing) {
    let flow = workload.flow;
    let mut floor = Floor::new(flow.instruments, flow.orders_live_max(), workload.ids_max());
    let mut ring = ReportRing::new();
    for command in &workload.preload {
        floor.apply(command, &mut ring);
    }
    (floor, ring)
}

/// Nanoseconds of processor time a command on the floor.
#[must_use]
pub fn floor_ns(workload: &Workload) -> f64 {
    let (mut floor, mut ring) = filled_floor(workload);
    let before = thread_cpu_ns();
    for command in &workload.commands {
        floor.apply(command, &mut ring);
    }
    black_box(ring.last());
    (thread_cpu_ns() - before) as f64 / workload.commands.len() as f64
}

/// Time of each command on the floor, with the timer's own time inside.
#[must_use]
pub fn floor_latency(workload: &Workload) -> Percentiles {
    let (mut floor, mut ring) = filled_floor(workload);
    let mut histogram = latency_histogram();
    for command in &workload.commands {
        let begun = Instant::now();
        floor.apply(command, &mut ring);
        histogram.saturating_record(begun.elapsed().as_nanos() as u64);
    }
    Percentiles::of(&histogram)
}

/// The middle of several measurements.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
