//! The matcher against the floor, alternating in one process: what is compared is a ratio.

use crate::clock::thread_cpu_ns;
use crate::floor::{Floor, ReportRing};
use crate::histogram::{Percentiles, latency_histogram, median, rounded};
use crate::production::{Bare, slot};
use crate::workload::Workload;
use engine::command::CommandSlot;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Instant;

/// What one matcher needs.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Nanoseconds of processor time a command, one for each run.
    pub runs_ns: Vec<f64>,
    /// Each command alone, with the timer's own time (about 20 ns) inside.
    pub latency: Percentiles,
}

/// Floor and production on one flow.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The flow's letter.
    pub flow: &'static str,
    /// Commands measured in each run.
    pub commands: usize,
    /// The floor.
    pub floor: Cost,
    /// Production, bare.
    pub engine: Cost,
}

/// The two did not do the same work, so their times mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnequalWork {
    /// Reports that the floor wrote.
    pub floor: usize,
    /// Events that the matcher emitted.
    pub engine: usize,
}

impl std::fmt::Display for UnequalWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the floor wrote {} reports and the matcher {} on one flow: run the tests of rotunda-perf, \
             which show the first that differs",
            self.floor, self.engine
        )
    }
}

impl std::error::Error for UnequalWork {}

impl Cost {
    /// The middle of the runs.
    #[must_use]
    pub fn median_ns(&self) -> f64 {
        median(self.runs_ns.clone())
    }

    fn json(&self) -> Value {
        json!({
            "median_ns": rounded(self.median_ns(), 1),
            "runs_ns": self.runs_ns.iter().map(|&run| rounded(run, 1)).collect::<Vec<_>>(),
            "latency": self.latency.json(),
        })
    }
}

impl Comparison {
    /// How much more production costs than the floor.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.engine.median_ns() / self.floor.median_ns()
    }

    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "flow": self.flow,
            "commands": self.commands,
            "floor": self.floor.json(),
            "engine": self.engine.json(),
            "ratio": rounded(self.ratio(), 2),
        })
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, cost) in [("floor", &self.floor), ("matcher", &self.engine)] {
            let Percentiles { p50_ns, p99_ns, p999_ns, .. } = cost.latency;
            writeln!(
                f,
                "flow {} {name:8} {:6.1} ns a command   p50/p99/p99.9 {p50_ns}/{p99_ns}/{p999_ns} ns",
                self.flow,
                cost.median_ns()
            )?;
        }
        write!(f, "flow {} ratio    {:6.2}", self.flow, self.ratio())
    }
}

/// Runs floor and matcher in turn `runs` times, then each once more with a timer around every command.
///
/// # Errors
/// The matcher did not write as many reports as the floor.
pub fn compare(workload: &Workload, runs: usize) -> Result<Comparison, UnequalWork> {
    let slots: Vec<CommandSlot> = workload.commands.iter().map(slot).collect();
    let mut floor_ns = Vec::with_capacity(runs);
    let mut engine_ns = Vec::with_capacity(runs);
    for _ in 0..runs.max(1) {
        let (floor, floor_reports) = floor_run(workload);
        let (engine, engine_reports) = engine_run(workload, &slots);
        if floor_reports != engine_reports {
            return Err(UnequalWork { floor: floor_reports, engine: engine_reports });
        }
        floor_ns.push(floor);
        engine_ns.push(engine);
    }
    Ok(Comparison {
        flow: workload.flow.name,
        commands: slots.len(),
        floor: Cost { runs_ns: floor_ns, latency: floor_latency(workload) },
        engine: Cost { runs_ns: engine_ns, latency: engine_latency(workload, &slots) },
    })
}

fn floor_run(workload: &Workload) -> (f64, usize) {
    let (mut floor, mut ring) = filled_floor(workload);
    let filled = ring.written();
    let before = thread_cpu_ns();
    apply_all_to_floor(&mut floor, &mut ring, workload);
    let spent = thread_cpu_ns() - before;
    (spent as f64 / workload.commands.len() as f64, ring.written() - filled)
}

fn engine_run(workload: &Workload, slots: &[CommandSlot]) -> (f64, usize) {
    let mut bare = Bare::filled(workload);
    let filled = bare.ring.written();
    let before = thread_cpu_ns();
    apply_all_to_engine(&mut bare, slots);
    let spent = thread_cpu_ns() - before;
    (spent as f64 / slots.len() as f64, bare.ring.written() - filled)
}

/// The floor's part that is timed. Never inlined, so that callgrind can be told to count only this.
#[inline(never)]
fn apply_all_to_floor(floor: &mut Floor, ring: &mut ReportRing, workload: &Workload) {
    for command in &workload.commands {
        floor.apply(command, ring);
    }
    black_box(ring.last());
}

/// The matcher's part that is timed. Never inlined, for the same reason.
#[inline(never)]
fn apply_all_to_engine(bare: &mut Bare, slots: &[CommandSlot]) {
    bare.apply_all(slots);
    black_box(bare.ring.last());
}

/// Runs one matcher once, for a profiler to watch. Reads no clock: rustix looks for the vDSO, which
/// valgrind hides, and dies.
pub fn run_once(workload: &Workload, subject: Subject) {
    match subject {
        Subject::Floor => {
            let (mut floor, mut ring) = filled_floor(workload);
            apply_all_to_floor(&mut floor, &mut ring, workload);
        }
        Subject::Engine => {
            let slots: Vec<CommandSlot> = workload.commands.iter().map(slot).collect();
            apply_all_to_engine(&mut Bare::filled(workload), &slots);
        }
    }
}

/// What a profiler watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The floor.
    Floor,
    /// Production, bare.
    Engine,
}

impl Subject {
    /// The function that holds all the counted work.
    #[must_use]
    pub const fn counted_function(self) -> &'static str {
        match self {
            Self::Floor => "apply_all_to_floor",
            Self::Engine => "apply_all_to_engine",
        }
    }
}

fn filled_floor(workload: &Workload) -> (Floor, ReportRing) {
    let flow = workload.flow;
    let mut floor = Floor::new(flow.instruments, flow.orders_live_max(), workload.ids_max());
    let mut ring = ReportRing::new();
    for command in &workload.preload {
        floor.apply(command, &mut ring);
    }
    (floor, ring)
}

fn floor_latency(workload: &Workload) -> Percentiles {
    let (mut floor, mut ring) = filled_floor(workload);
    let mut histogram = latency_histogram();
    for command in &workload.commands {
        let begun = Instant::now();
        floor.apply(command, &mut ring);
        histogram.saturating_record(begun.elapsed().as_nanos() as u64);
    }
    Percentiles::of(&histogram)
}

fn engine_latency(workload: &Workload, slots: &[CommandSlot]) -> Percentiles {
    let mut bare = Bare::filled(workload);
    let mut histogram = latency_histogram();
    for command in slots {
        let begun = Instant::now();
        bare.apply(command);
        histogram.saturating_record(begun.elapsed().as_nanos() as u64);
    }
    Percentiles::of(&histogram)
}
