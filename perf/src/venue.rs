//! The venue against an echo server in its place and against one disk write, all in one run.
//!
//! Servers take turns on the server's core, the client stays on its own. Ratios are taken within a pair
//! of neighbouring runs, so that a slow minute of the machine hits both; the median pair counts.

use crate::disk;
use crate::histogram::{Percentiles, median, rounded};
use crate::load::{self, Load, LoadResult, Pace, Target};
use crate::server::{Cores, Server, VenueStart};
use serde_json::{Value, json};
use std::error::Error;
use std::path::PathBuf;

/// Sessions of the default configuration, whose passwords are their names.
pub const SESSIONS_MAX: usize = 16;
/// The instrument of the default configuration that has a tick of 1 and no bands.
pub const SYMBOL: &str = "BTCUSD";

/// What is compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The program `rotunda`.
    pub venue: PathBuf,
    /// This program, which is the echo server too.
    pub echo: PathBuf,
    /// Folder on the disk that is measured.
    pub folder: PathBuf,
    /// Cores.
    pub cores: Cores,
    /// Pairs of runs.
    pub pairs: usize,
    /// Seed.
    pub seed: u64,
    /// Commands of a run with one in flight.
    pub single_commands: u32,
    /// The same where each waits for the disk.
    pub durable_commands: u32,
    /// Commands of a run with many.
    pub many_commands: u32,
    /// Disk writes beside each durable run.
    pub disk_writes: usize,
}

/// One run of the venue and its neighbours.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The echo server.
    pub echo: LoadResult,
    /// The venue.
    pub venue: LoadResult,
    /// The disk, where the venue was durable.
    pub disk: Option<Percentiles>,
}

impl Pair {
    /// The venue's median latency in that of its neighbours: echo, and a write where it was durable.
    #[must_use]
    pub fn latency_ratio(&self) -> f64 {
        let disk_ns = self.disk.map_or(0, |disk| disk.p50_ns);
        self.venue.latency.p50_ns as f64 / (self.echo.latency.p50_ns + disk_ns) as f64
    }

    /// The venue's throughput as a share of the echo server's.
    #[must_use]
    pub fn throughput_ratio(&self) -> f64 {
        self.venue.commands_per_second() / self.echo.commands_per_second()
    }

    fn json(&self) -> Value {
        json!({
            "echo": self.echo.json(),
            "venue": self.venue.json(),
            "disk_write_4_kib": self.disk.map(Percentiles::json),
            "p50_ratio": rounded(self.latency_ratio(), 2),
            "throughput_ratio": rounded(self.throughput_ratio(), 3),
        })
    }
}

/// Pairs of one kind.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// What they are.
    pub title: &'static str,
    /// In the order they were run.
    pub pairs: Vec<Pair>,
}

impl Pairs {
    /// The middle one of the pairs' latency ratios.
    #[must_use]
    pub fn latency_ratio(&self) -> f64 {
        median(self.pairs.iter().map(Pair::latency_ratio).collect())
    }

    /// The middle one of the pairs' throughput ratios.
    #[must_use]
    pub fn throughput_ratio(&self) -> f64 {
        median(self.pairs.iter().map(Pair::throughput_ratio).collect())
    }

    /// The middle one of the venue's orders accepted a second.
    #[must_use]
    pub fn orders_per_second(&self) -> f64 {
        median(self.pairs.iter().map(|pair| pair.venue.orders_per_second()).collect())
    }

    /// Commands for each order accepted.
    #[must_use]
    pub fn commands_per_order(&self) -> f64 {
        median(
            self.pairs.iter().map(|pair| pair.venue.answered as f64 / pair.venue.accepted as f64).collect(),
        )
    }

    /// As they are stored.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "what": self.title,
            "p50_ratio": rounded(self.latency_ratio(), 2),
            "throughput_ratio": rounded(self.throughput_ratio(), 3),
            "orders_per_s": self.orders_per_second().round(),
            "pairs": self.pairs.iter().map(Pair::json).collect::<Vec<_>>(),
        })
    }
}

impl std::fmt::Display for Pairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.title)?;
        for pair in &self.pairs {
            writeln!(f, "  echo   {}", pair.echo)?;
            writeln!(f, "  venue  {}", pair.venue)?;
            if let Some(disk) = pair.disk {
                writeln!(f, "  disk   4 KiB direct synchronous writes: {disk}")?;
            }
        }
        let beside = if self.pairs.iter().any(|pair| pair.disk.is_some()) { "echo + disk" } else { "echo" };
        write!(
            f,
            "  p50 {:.2} × {beside}, throughput {:.3} × echo, {:.0} orders/s",
            self.latency_ratio(),
            self.throughput_ratio(),
            self.orders_per_second()
        )
    }
}

impl Comparison {
    /// One order in flight, `durable` or not.
    ///
    /// # Errors
    /// A server does not start, a run fails, or the disk cannot be measured.
    pub fn one_in_flight(&self, durable: bool) -> Result<Pairs, Box<dyn Error>> {
        let title = if durable { "one order in flight, durable" } else { "one order in flight, not durable" };
        let commands = if durable { self.durable_commands } else { self.single_commands };
        self.pairs(title, 1, Pace::InFlight(1), commands, durable)
    }

    /// Sixteen sessions, durable, `in_flight` commands in each unanswered: the most it can do.
    ///
    /// # Errors
    /// As [`one_in_flight`](Self::one_in_flight).
    pub fn sixteen_sessions(&self, in_flight: u32) -> Result<Pairs, Box<dyn Error>> {
        let pace = Pace::InFlight(in_flight * SESSIONS_MAX as u32);
        self.pairs("sixteen sessions, durable, closed", SESSIONS_MAX, pace, self.many_commands, true)
    }

    /// Sixteen sessions, durable, commands due at random moments, this many a second.
    ///
    /// # Errors
    /// As [`one_in_flight`](Self::one_in_flight).
    pub fn sixteen_sessions_open(&self, per_second: f64) -> Result<Pairs, Box<dyn Error>> {
        let pace = Pace::Poisson(per_second);
        self.pairs("sixteen sessions, durable, open loop", SESSIONS_MAX, pace, self.many_commands, true)
    }

    fn pairs(
        &self,
        title: &'static str,
        sessions: usize,
        pace: Pace,
        commands: u32,
        durable: bool,
    ) -> Result<Pairs, Box<dyn Error>> {
        let mut pairs = Vec::with_capacity(self.pairs);
        for _ in 0..self.pairs.max(1) {
            let load = |address, target| Load { address, target, pace, commands, seed: self.seed };
            let echo = {
                let server = Server::echo(&self.echo, self.cores)?;
                load::run(&load(server.address, Target::Echo { sessions }))?
            };
            let venue = {
                let folder = self.folder.join(format!("venue-{}", std::process::id()));
                let start = VenueStart { program: &self.venue, folder, durable };
                let server = Server::venue(&start, self.cores)?;
                load::run(&load(server.address, demo_sessions(sessions)))?
            };
            let disk =
                if durable { Some(disk::write_latency(&self.folder, self.disk_writes)?) } else { None };
            pairs.push(Pair { echo, venue, disk });
        }
        Ok(Pairs { title, pairs })
    }
}

/// The first `count` demo sessions on the instrument of tick 1.
#[must_use]
pub fn demo_sessions(count: usize) -> Target {
    let name = |number: usize| format!("demo{number:02}");
    let logins = (1..=count.min(SESSIONS_MAX)).map(|number| (name(number), name(number))).collect();
    Target::Venue { logins, symbols: vec![SYMBOL.to_owned()] }
}
