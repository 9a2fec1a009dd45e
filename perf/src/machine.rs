//! Where a measurement was made: no figure is worth anything without it.

use crate::clock::utc_now;
use core_affinity::CoreId;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Cores that a Linux affinity mask can name; the crate below panics beyond them.
const CORES_MAX: usize = 1_024;

/// A core that was asked for and is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchCore {
    /// What was asked for.
    pub core: usize,
}

impl std::fmt::Display for NoSuchCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "core {} cannot be used here: choose one that `taskset -p $$` allows", self.core)
    }
}

impl std::error::Error for NoSuchCore {}

/// Keeps this thread, and processes that it starts from now on, on one core.
///
/// # Errors
/// There is no such core, or it is not ours to use.
pub fn pin(core: usize) -> Result<(), NoSuchCore> {
    let pinned = core < CORES_MAX && core_affinity::set_for_current(CoreId { id: core });
    if pinned { Ok(()) } else { Err(NoSuchCore { core }) }
}

/// Lets this thread, and processes that it starts from now on, use two cores.
///
/// # Errors
/// One of them is not there, or not ours to use.
pub fn pin_to_either(one: usize, other: usize) -> Result<(), NoSuchCore> {
    let mut cores = CpuSet::new();
    for core in [one, other] {
        if core >= CpuSet::MAX_CPU {
            return Err(NoSuchCore { core });
        }
        cores.set(core);
    }
    sched_setaffinity(None, &cores).map_err(|_| NoSuchCore { core: one.max(other) })
}

/// What every stored result begins with: machine, commit, date and the command that made it.
#[must_use]
pub fn describe() -> Value {
    // Not available_parallelism: it counts the cores that a pinned thread may use.
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    json!({
        "cpu": field_of("/proc/cpuinfo", "model name"),
        "cores": cores,
        "kernel": read_trimmed("/proc/sys/kernel/osrelease"),
        "commit": commit(),
        "date": utc_now(),
        "command": command_line(),
    })
}

/// Writes a result beside the machine it was made on.
///
/// # Errors
/// The file cannot be written.
pub fn store(path: &Path, result: &Value) -> std::io::Result<()> {
    let document = json!({ "machine": describe(), "result": result });
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(&document)?;
    fs::write(path, text + "\n")
}

/// The program by its bare name: a result says nothing of folders on the machine it was made on.
fn command_line() -> String {
    let mut words: Vec<String> = std::env::args().collect();
    if let Some(program) = words.first_mut() {
        "rotunda-perf".clone_into(program);
    }
    words.join(" ")
}

fn read_trimmed(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn field_of(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_once(':'))
        .map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

fn commit() -> String {
    let output = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_beyond_all_is_refused() {
        assert_eq!(pin(100_000), Err(NoSuchCore { core: 100_000 }));
    }
}
