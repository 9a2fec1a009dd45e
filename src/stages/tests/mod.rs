//! Power cuts of one node under load. The real stages (journaler, matcher, egress, event log, recovery) run
//! under one heap of steps and one seed, on disks that lose, tear and reorder what was not synced; clients send,
//! are told, and send again. The judge is their own log: nothing acknowledged is lost or doubled, and what the
//! journal makes again is what was let out. Planted bugs prove that the judge sees.

mod clients;
mod node;
mod world;

use node::Bug;
use std::time::Instant;
use world::{Tally, World};

const CUTS_A_WORLD: u64 = 10;

fn by_hand() -> bool {
    std::env::var("ROTUNDA_TESTS").is_ok_and(|size| size == "full")
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_power_cuts() {
    let began = Instant::now();
    let cuts = if by_hand() { 2_000 } else { 50 };
    let mut sum = Tally::default();
    for seed in 0..cuts / CUTS_A_WORLD {
        match World::new(seed, Bug::None).run(CUTS_A_WORLD) {
            Ok(tally) => sum.add(&tally),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(sum.cuts == cuts && sum.commands_lost > 0 && sum.bytes_torn > 0, "the cuts met work: {sum:?}");
    record(&sum, began);
}

#[test]
fn a_seed_makes_the_same_run_again() {
    let run = || World::new(7, Bug::None).run(4).expect("no bug is planted");
    assert_eq!(run(), run());
}

#[test]
fn the_judge_sees_every_planted_bug() {
    const WORLDS: u64 = 12;
    for bug in Bug::PLANTED {
        let seen = (0..WORLDS).filter(|&seed| World::new(seed, bug).run(CUTS_A_WORLD).is_err()).count();
        assert!(seen as u64 >= WORLDS / 3, "{bug:?} was seen in {seen} of {WORLDS} worlds");
    }
}

/// Printed always, and at the size by hand written to tests/results/ with machine and commit.
fn record(sum: &Tally, began: Instant) {
    let mut result = serde_json::json!({
        "test": "power_cuts", "cuts": sum.cuts, "commands": sum.commands, "told": sum.told, "resent": sum.resent,
        "commands_lost_unacknowledged": sum.commands_lost, "bytes_torn": sum.bytes_torn, "acknowledged_lost": 0,
        "seconds": (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    });
    println!("{result}");
    if !by_hand() {
        return;
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let commit = std::process::Command::new("git").args(["rev-parse", "HEAD"]).current_dir(root).output();
    result["commit"] = commit
        .map_or_else(|_| String::new(), |done| String::from_utf8_lossy(&done.stdout).trim().to_owned())
        .into();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    result["machine"] = serde_json::json!({
        "system": format!("{}-{}-{}", std::env::consts::OS, kernel.trim(), std::env::consts::ARCH),
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
    });
    let text = serde_json::to_string_pretty(&result).expect("a plain object") + "\n";
    std::fs::write(root.join("tests/results/power_cuts.json"), text).expect("the results' folder is there");
}
