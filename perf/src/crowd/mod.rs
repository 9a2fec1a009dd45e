//! A crowd beside those who trade: idle, slow, silent and hostile connections by the thousand, and what the
//! honest sessions notice of them.
//!
//! Windows without and with the crowd take turns on one venue, so that a slow minute of the machine hits
//! both. The crowd lives on the client's core, at the lowest priority and at a stated pace: what it
//! costs there is not the venue's doing.

mod people;
mod shares;
mod socket;

pub use people::Counts;
pub use shares::Shares;

use crate::histogram::{median, rounded};
use crate::load::{self, Load, LoadResult, Pace};
use crate::server::{Cores, Layout, Server, VenueStart};
use crate::venue::demo_sessions;
use people::{Crowd, Doors};
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The venue's heartbeats give buffers back, and sockets that were opened together settle.
const SETTLE: Duration = Duration::from_millis(2_500);

/// What is measured.
#[derive(Clone, Debug)]
pub struct CrowdRun {
    /// The program `rotunda`.
    pub venue: PathBuf,
    /// Folder for the venue's data.
    pub folder: PathBuf,
    /// Cores.
    pub cores: Cores,
    /// People in the crowd.
    pub connections: usize,
    /// Honest sessions.
    pub sessions: usize,
    /// Commands a second that the honest sessions offer, in open loop.
    pub per_second: f64,
    /// Seconds of a window.
    pub seconds: u32,
    /// Pairs of windows.
    pub pairs: usize,
    /// Seed.
    pub seed: u64,
}

/// A window without the crowd and its neighbour with it.
#[derive(Clone, Debug)]
pub struct Windows {
    /// Without.
    pub alone: LoadResult,
    /// With.
    pub beside: LoadResult,
    /// What the crowd did meanwhile.
    pub counts: Counts,
}

/// What a run found.
#[derive(Clone, Debug)]
pub struct CrowdResult {
    /// Who was there.
    pub shares: Shares,
    /// In the order they were run.
    pub windows: Vec<Windows>,
    /// Resident bytes of the venue for each idle connection, logged in: everything but the kernel's.
    pub bytes_per_idle: f64,
}

impl CrowdResult {
    /// The middle one of the pairs' ratios of the 99th percentiles, with the crowd over without.
    #[must_use]
    pub fn p99_ratio(&self) -> f64 {
        let ratio = |pair: &Windows| pair.beside.latency.p99_ns as f64 / pair.alone.latency.p99_ns as f64;
        median(self.windows.iter().map(ratio).collect())
    }

    /// The same of the medians.
    #[must_use]
    pub fn p50_ratio(&self) -> f64 {
        let ratio = |pair: &Windows| pair.beside.latency.p50_ns as f64 / pair.alone.latency.p50_ns as f64;
        median(self.windows.iter().map(ratio).collect())
    }

    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        let windows = self.windows.iter().map(|pair| {
            json!({ "alone": pair.alone.json(), "beside": pair.beside.json(), "crowd": pair.counts.json() })
        });
        json!({
            "crowd": self.shares.json(),
            "p50_ratio": rounded(self.p50_ratio(), 2),
            "p99_ratio": rounded(self.p99_ratio(), 2),
            "bytes_per_idle_connection": self.bytes_per_idle.round(),
            "windows": windows.collect::<Vec<_>>(),
        })
    }
}

impl std::fmt::Display for CrowdResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.shares)?;
        for pair in &self.windows {
            writeln!(f, "  alone   {}", pair.alone)?;
            writeln!(f, "  beside  {}", pair.beside)?;
            writeln!(f, "          {}", pair.counts)?;
        }
        write!(
            f,
            "  beside the crowd: p50 × {:.2}, p99 × {:.2}; {:.0} bytes for an idle connection",
            self.p50_ratio(),
            self.p99_ratio(),
            self.bytes_per_idle
        )
    }
}

/// Runs the windows.
///
/// # Errors
/// The venue does not start, an honest session is not served, or the crowd cannot connect.
pub fn run(run: &CrowdRun) -> Result<CrowdResult, Box<dyn Error>> {
    let shares = Shares::of(run.connections);
    socket::allow_open_files(run.connections as u64 + 256)?;
    let folder = run.folder.join(format!("crowd-{}", std::process::id()));
    let start =
        VenueStart { program: &run.venue, folder, durable: false, layout: Layout::Inline, instruments: 1 };
    let server = Server::open_venue(&start, &shares.settings(run.cores.server), run.cores)?;
    let itch = server.itch().ok_or("a venue tells where its feed is")?;
    let doors = Doors { ouch: server.address, itch };
    let pace = Pace::Poisson(run.per_second);
    let commands = (run.per_second * f64::from(run.seconds)) as u32;
    let target = demo_sessions(run.sessions);
    let load = Load { address: server.address, target, pace, commands, seed: run.seed };
    let mut result = CrowdResult { shares, windows: Vec::new(), bytes_per_idle: f64::NAN };
    // The first run of a process touches its memory for the first time.
    load::run(&Load { commands: commands / 4, ..load.clone() })?;
    for pair in 0..run.pairs.max(1) {
        let alone = load::run(&load)?;
        std::thread::sleep(SETTLE);
        let empty = resident_bytes(server.process())?;
        let mut crowd = Crowd::new(doors, shares);
        crowd.gather_idle()?;
        std::thread::sleep(SETTLE);
        if pair == 0 {
            let full = resident_bytes(server.process())?;
            result.bytes_per_idle = full.saturating_sub(empty) as f64 / shares.idle as f64;
        }
        crowd.gather_others()?;
        let (beside, counts) = beside(&load, crowd)?;
        result.windows.push(Windows { alone, beside, counts });
        std::thread::sleep(SETTLE);
    }
    Ok(result)
}

/// A window with the crowd: it lives while the load runs, and is gone afterwards.
fn beside(load: &Load, mut crowd: Crowd) -> Result<(LoadResult, Counts), Box<dyn Error>> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let people = scope.spawn(|| crowd.live(&stop));
        let result = load::run(load);
        stop.store(true, Ordering::Relaxed);
        let counts = people.join().map_err(|_| "the crowd's thread failed")??;
        Ok((result?, counts))
    })
}

/// Counted page by page: what `statm` tells can be off by some hundred pages.
fn resident_bytes(process: u32) -> Result<u64, Box<dyn Error>> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let row = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).ok_or("smaps_rollup names no Rss")?;
    let kib: u64 = row.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1_024)
}
