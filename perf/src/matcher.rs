//! The matcher against the floor, alternating in one process: what is compared is a ratio.

use crate::clock::thread_cpu_ns;
use crate::floor::{Floor, ReportRing};
use crate::histogram::{Percentiles, latency_histogram, median, rounded};
use crate::production::{Mode, Production, slot};
use crate::workload::{PlainCommand, Workload};
use engine::command::CommandSlot;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Instant;

/// Commands that one is timed over before it is another's turn: long enough to fill the caches again,
/// short enough that what disturbs the machine meets both.
const SLICE: usize = 100_000;

/// What one matcher needs.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// Nanoseconds of processor time a command, one for each slice of each run.
    pub slices_ns: Vec<f64>,
    /// Each command alone, with the timer's own time (about 20 ns) inside; none where it was not asked for.
    pub latency: Option<Percentiles>,
}

/// Production, in one mode.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Bare or full.
    pub mode: Mode,
    /// What it needs.
    pub cost: Cost,
    /// How much more than the floor in the same slice, for each slice.
    pub ratios: Vec<f64>,
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
    /// Production.
    pub production: Vec<Measured>,
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
    /// The middle of the slices.
    #[must_use]
    pub fn median_ns(&self) -> f64 {
        median(self.slices_ns.clone())
    }

    fn json(&self) -> Value {
        let mut sorted = self.slices_ns.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |quarter: usize| sorted.get(sorted.len() * quarter / 4).map(|&ns| rounded(ns, 1));
        json!({
            "median_ns": rounded(self.median_ns(), 1),
            "quartiles_ns": [at(1), at(3)],
            "slices": sorted.len(),
            "latency": self.latency.map(Percentiles::json),
        })
    }
}

impl Measured {
    /// How much more production costs than the floor: the middle of the slices' ratios.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        median(self.ratios.clone())
    }
}

impl Comparison {
    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut stored = json!({ "flow": self.flow, "commands": self.commands, "floor": self.floor.json() });
        for measured in &self.production {
            let mut mode = measured.cost.json();
            mode["ratio"] = json!(rounded(measured.ratio(), 2));
            stored[measured.mode.name()] = mode;
        }
        stored
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = |f: &mut std::fmt::Formatter<'_>, name: &str, cost: &Cost| {
            write!(f, "flow {} {name:6} {:6.1} ns a command", self.flow, cost.median_ns())?;
            if let Some(Percentiles { p50_ns, p99_ns, p999_ns, .. }) = cost.latency {
                write!(f, "   p50/p99/p99.9 {p50_ns}/{p99_ns}/{p999_ns} ns")?;
            }
            Ok(())
        };
        line(f, "floor", &self.floor)?;
        for measured in &self.production {
            writeln!(f)?;
            line(f, measured.mode.name(), &measured.cost)?;
            write!(f, "   {:.2} x the floor", measured.ratio())?;
        }
        Ok(())
    }
}

/// Runs floor and production in turn, slice by slice, `runs` times over the whole flow.
///
/// # Errors
/// The matcher did not write as many reports as the floor.
pub fn compare(workload: &Workload, modes: &[Mode], runs: usize) -> Result<Comparison, UnequalWork> {
    let streams: Vec<(Mode, Vec<CommandSlot>)> =
        modes.iter().map(|&mode| (mode, slots(workload, mode))).collect();
    let mut floor_cost = Cost::default();
    let mut production: Vec<Measured> =
        modes.iter().map(|&mode| Measured { mode, cost: Cost::default(), ratios: Vec::new() }).collect();
    for _ in 0..runs.max(1) {
        let (mut floor, mut ring) = filled_floor(workload);
        let mut engines: Vec<Production> =
            modes.iter().map(|&mode| Production::filled(workload, mode)).collect();
        let filled: Vec<usize> = engines.iter().map(|engine| engine.ring.written()).collect();
        let floor_filled = ring.written();
        for start in (0..workload.commands.len()).step_by(SLICE) {
            let slice = start..workload.commands.len().min(start + SLICE);
            let each = |spent: u64| spent as f64 / slice.len() as f64;
            let floor_ns =
                each(timed(|| apply_all_to_floor(&mut floor, &mut ring, &workload.commands[slice.clone()])));
            floor_cost.slices_ns.push(floor_ns);
            for ((engine, (_, slots)), measured) in engines.iter_mut().zip(&streams).zip(&mut production) {
                let ns = each(timed(|| apply_all_to_engine(engine, &slots[slice.clone()])));
                measured.cost.slices_ns.push(ns);
                measured.ratios.push(ns / floor_ns);
            }
        }
        for (engine, filled) in engines.iter().zip(filled) {
            let (floor, engine) = (ring.written() - floor_filled, engine.ring.written() - filled);
            if floor != engine {
                return Err(UnequalWork { floor, engine });
            }
        }
    }
    Ok(Comparison {
        flow: workload.flow.name,
        commands: workload.commands.len(),
        floor: floor_cost,
        production,
    })
}

/// Runs each once more with a timer around every command.
pub fn add_latencies(comparison: &mut Comparison, workload: &Workload) {
    comparison.floor.latency = Some(floor_latency(workload));
    for measured in &mut comparison.production {
        measured.cost.latency = Some(engine_latency(workload, measured.mode));
    }
}

fn slots(workload: &Workload, mode: Mode) -> Vec<CommandSlot> {
    workload.commands.iter().map(|command| slot(command, mode)).collect()
}

fn timed(work: impl FnOnce()) -> u64 {
    let before = thread_cpu_ns();
    work();
    thread_cpu_ns() - before
}

/// The floor's part that is timed. Never inlined, so that callgrind can be told to count only this.
#[inline(never)]
fn apply_all_to_floor(floor: &mut Floor, ring: &mut ReportRing, commands: &[PlainCommand]) {
    for command in commands {
        floor.apply(command, ring);
    }
    black_box(ring.last());
}

/// The matcher's part that is timed. Never inlined, for the same reason.
#[inline(never)]
fn apply_all_to_engine(production: &mut Production, slots: &[CommandSlot]) {
    production.apply_all(slots);
    black_box(production.ring.last());
}

/// Runs one matcher once, for a profiler to watch. Reads no clock: rustix looks for the vDSO, which
/// valgrind hides, and dies.
pub fn run_once(workload: &Workload, subject: Subject) {
    match subject {
        Subject::Floor => {
            let (mut floor, mut ring) = filled_floor(workload);
            apply_all_to_floor(&mut floor, &mut ring, &workload.commands);
        }
        Subject::Engine(mode) => {
            apply_all_to_engine(&mut Production::filled(workload, mode), &slots(workload, mode));
        }
    }
}

/// What a profiler watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The floor.
    Floor,
    /// Production.
    Engine(Mode),
}

impl Subject {
    /// The function that holds all the counted work.
    #[must_use]
    pub const fn counted_function(self) -> &'static str {
        match self {
            Self::Floor => "apply_all_to_floor",
            Self::Engine(_) => "apply_all_to_engine",
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

fn engine_latency(workload: &Workload, mode: Mode) -> Percentiles {
    let mut production = Production::filled(workload, mode);
    let mut histogram = latency_histogram();
    for command in &slots(workload, mode) {
        let begun = Instant::now();
        production.apply(command);
        histogram.saturating_record(begun.elapsed().as_nanos() as u64);
    }
    Percentiles::of(&histogram)
}
