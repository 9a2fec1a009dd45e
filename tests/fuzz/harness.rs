//! What the fuzz targets of all crates share, included by path: mutants of valid examples, handed to a property.
//!
//! bolero's engine on stable draws at random and learns nothing from coverage, so depth comes from the
//! examples: a mutant is one of them with up to four edits, or random bytes now and then.

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::RefUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seconds a target; without it, as in an ordinary `cargo test`, [`ITERATIONS`] mutants.
const SECONDS: &str = "ROTUNDA_FUZZ_SECONDS";
/// A file that gets a line of JSON from each target.
const REPORT: &str = "ROTUNDA_FUZZ_REPORT";
const ITERATIONS: usize = 1_000;
const EDITS_MAX: usize = 4;
/// Largest mutant, in bytes, unless its example is larger.
const MUTANT_BYTES_MAX: usize = 64 << 10;
/// What text formats and length fields are known to stumble over.
const TOKENS: [&[u8]; 16] = [
    b"\0",
    b"\n",
    b"\"",
    b"{",
    b"[",
    b"]]",
    b",",
    b"-",
    b".",
    b"e99",
    b"-1",
    b"0",
    b"4294967296",
    b"9223372036854775808",
    b"\xC3\xA9",
    b"\xFF\xFF\xFF\xFF",
];

/// Which example, how many edits, the edits (what, where, with which value), and bytes to insert.
type Plan = (u16, u8, [(u8, u16, u8); EDITS_MAX], Vec<u8>);

/// Bytes that a failure shows as text.
struct Mutant(Vec<u8>);

impl std::fmt::Debug for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Tries `property` on every example and on mutants of them. It tells whether the decoder took the bytes
/// and panics where a promise does not hold; every example must be taken.
pub(crate) fn fuzz(
    name: &'static str,
    examples: Vec<Vec<u8>>,
    property: impl Fn(&[u8]) -> bool + RefUnwindSafe,
) {
    for example in &examples {
        assert!(property(example), "{name}: a valid example was refused: {}", example.escape_ascii());
    }
    let (executions, taken) = (AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    run(name, examples, |bytes| {
        executions.fetch_add(1, Ordering::Relaxed);
        taken.fetch_add(u64::from(property(bytes)), Ordering::Relaxed);
    });
    report(name, executions.into_inner(), taken.into_inner(), started.elapsed());
}

fn run(name: &'static str, examples: Vec<Vec<u8>>, test: impl Fn(&[u8]) + RefUnwindSafe) {
    let target = bolero::check!(name = name).with_type::<Plan>();
    let target = match std::env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok()) {
        Some(seconds) => target.with_test_time(Duration::from_secs(seconds)),
        None => target.with_iterations(ITERATIONS),
    };
    target.map(move |plan| Mutant(mutant(&examples, &plan))).for_each(|mutant: &Mutant| test(&mutant.0));
}

fn mutant(examples: &[Vec<u8>], (example, edits, plan, insert): &Plan) -> Vec<u8> {
    let pick = |number: usize| examples.get(number % (examples.len() + 1)).map_or(&insert[..], Vec::as_slice);
    let mut bytes = pick(usize::from(*example)).to_vec();
    let bytes_max = MUTANT_BYTES_MAX.max(bytes.len());
    for &(kind, at, value) in plan.iter().take(1 + usize::from(*edits) % EDITS_MAX) {
        let at = usize::from(at) % (bytes.len() + 1);
        let rest = bytes.len() - at;
        match kind % 9 {
            0 if rest > 0 => bytes[at] ^= 1 << (value % 8),
            1 if rest > 0 => bytes[at] = value,
            2 => bytes.insert(at, value),
            3 => drop(bytes.drain(at..at + rest.min(1 + usize::from(value) % 8))),
            4 => bytes.truncate(at),
            5 => bytes.extend_from_within(at..),
            6 => {
                let other = pick(usize::from(value));
                let from = at.min(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => drop(bytes.splice(at..at, TOKENS[usize::from(value) % TOKENS.len()].iter().copied())),
            8 if rest > 0 => {
                let edge = [0x00, 0xFF, 0x7F, 0x80][usize::from(value) % 4];
                let end = at + rest.min(1 << (value / 4 % 4));
                bytes[at..end].fill(edge);
            }
            _ => drop(bytes.splice(at..at, insert.iter().copied())),
        }
        bytes.truncate(bytes_max);
    }
    bytes
}

fn report(name: &str, executions: u64, taken: u64, took: Duration) {
    let Some(path) = std::env::var_os(REPORT) else { return };
    let mut line = String::new();
    let seconds = took.as_secs_f64();
    let object = format!(r#"{{"target": "{name}", "executions": {executions}, "taken": {taken}"#);
    writeln!(line, r#"{object}, "seconds": {seconds:.1}}}"#).expect("a string takes all");
    let mut file = std::fs::File::options().append(true).create(true).open(path).expect("opens the report");
    file.write_all(line.as_bytes()).expect("writes the report");
}
