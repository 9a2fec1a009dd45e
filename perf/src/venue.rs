//! The venue against an echo server in its place and against one disk write, all in one run.
//!
//! Servers take turns on the server's core, the client stays on its own. Ratios are taken within a pair
//! of neighbouring runs, so that a slow minute of the machine hits both; the median pair counts.

use crate::disk;
use crate::histogram::{Percentiles, median, rounded};
use crate::load::{self, Load, LoadResult, Pace, Target};
use crate::server::{Cores, Layout, Server, ServerError, VenueStart, symbol};
use serde_json::{Value, json};
use std::error::Error;
use std::path::PathBuf;

/// Sessions of the default configuration, whose passwords are their names.
pub const SESSIONS_MAX: usize = 16;
/// The instrument of the default configuration that has a tick of 1 and no bands.
pub const SYMBOL: &str = "BTCUSD";
/// Instruments of the runs with sixteen sessions.
pub const INSTRUMENTS: usize = 16;

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

    /// The same of their 99th percentiles.
    #[must_use]
    pub fn tail_ratio(&self) -> f64 {
        let disk_ns = self.disk.map_or(0, |disk| disk.p99_ns);
        self.venue.latency.p99_ns as f64 / (self.echo.latency.p99_ns + disk_ns) as f64
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
            "p99_ratio": rounded(self.tail_ratio(), 2),
            "throughput_ratio": rounded(self.throughput_ratio(), 3),
        })
    }
}

/// Pairs of one kind.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// What they are.
    pub title: String,
    /// In the order they were run.
    pub pairs: Vec<Pair>,
}

impl Pairs {
    /// The middle one of the pairs' latency ratios.
    #[must_use]
    pub fn latency_ratio(&self) -> f64 {
        median(self.pairs.iter().map(Pair::latency_ratio).collect())
    }

    /// The middle one of the pairs' ratios of 99th percentiles.
    #[must_use]
    pub fn tail_ratio(&self) -> f64 {
        median(self.pairs.iter().map(Pair::tail_ratio).collect())
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
            "p99_ratio": rounded(self.tail_ratio(), 2),
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
            "  p50 {:.2} × {beside}, p99 {:.2} ×, throughput {:.3} × echo, {:.0} orders/s",
            self.latency_ratio(),
            self.tail_ratio(),
            self.throughput_ratio(),
            self.orders_per_second()
        )
    }
}

/// What one kind of run offers, and to which venue.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Sessions, at most [`SESSIONS_MAX`]; several trade [`INSTRUMENTS`] instruments, one trades one.
    pub sessions: usize,
    /// How fast.
    pub pace: Pace,
    /// Commands measured.
    pub commands: u32,
    /// Whether acknowledgements wait for the disk.
    pub durable: bool,
    /// Which stages of the venue share a thread.
    pub layout: Layout,
}

impl Offer {
    const fn instruments(&self) -> usize {
        if self.sessions > 1 { INSTRUMENTS } else { 1 }
    }
}

impl Comparison {
    /// One order in flight, `durable` or not.
    ///
    /// # Errors
    /// A server does not start, a run fails, or the disk cannot be measured.
    pub fn one_in_flight(&self, durable: bool, layout: Layout) -> Result<Pairs, Box<dyn Error>> {
        let commands = if durable { self.durable_commands } else { self.single_commands };
        let not = if durable { "" } else { "not " };
        let title = format!("one order in flight, {not}durable, {}", layout.word());
        self.pairs(title, Offer { sessions: 1, pace: Pace::InFlight(1), commands, durable, layout })
    }

    /// Sixteen sessions, durable, `in_flight` commands in each unanswered: the most it can do.
    ///
    /// # Errors
    /// As [`one_in_flight`](Self::one_in_flight).
    pub fn sixteen_sessions(&self, in_flight: u32, layout: Layout) -> Result<Pairs, Box<dyn Error>> {
        let (sessions, commands) = (SESSIONS_MAX, self.many_commands);
        let pace = Pace::InFlight(in_flight * SESSIONS_MAX as u32);
        let title = format!("sixteen sessions, durable, closed, {}", layout.word());
        self.pairs(title, Offer { sessions, pace, commands, durable: true, layout })
    }

    /// Sixteen sessions, durable, commands due at random moments, this many a second for so many seconds.
    ///
    /// # Errors
    /// As [`one_in_flight`](Self::one_in_flight).
    pub fn sixteen_sessions_open(&self, per_second: f64, seconds: f64) -> Result<Pairs, Box<dyn Error>> {
        let (sessions, pace) = (SESSIONS_MAX, Pace::Poisson(per_second));
        let commands = (per_second * seconds) as u32;
        let title = format!("sixteen sessions, durable, open loop, {:.0} commands/s", per_second);
        self.pairs(title, Offer { sessions, pace, commands, durable: true, layout: Layout::Inline })
    }

    fn pairs(&self, title: String, offer: Offer) -> Result<Pairs, Box<dyn Error>> {
        let mut pairs = Vec::with_capacity(self.pairs);
        for _ in 0..self.pairs.max(1) {
            let echo = self.echo(offer)?;
            let venue = self.venue(offer)?;
            let disk =
                if offer.durable { Some(disk::write_latency(&self.folder, self.disk_writes)?) } else { None };
            pairs.push(Pair { echo, venue, disk });
        }
        Ok(Pairs { title, pairs })
    }

    /// One run against an echo server: what the client alone reaches.
    ///
    /// # Errors
    /// The server does not start, or the run fails.
    pub fn echo(&self, offer: Offer) -> Result<LoadResult, Box<dyn Error>> {
        let server = Server::echo(&self.echo, self.cores)?;
        Ok(load::run(&self.load(&server, Target::Echo { sessions: offer.sessions }, offer))?)
    }

    /// One run against a new venue.
    ///
    /// # Errors
    /// The venue does not start, or the run fails.
    pub fn venue(&self, offer: Offer) -> Result<LoadResult, Box<dyn Error>> {
        let server = self.start(offer)?;
        Ok(load::run(&self.load(&server, sessions_of(offer), offer))?)
    }

    pub(crate) fn start(&self, offer: Offer) -> Result<Server, ServerError> {
        let folder = self.folder.join(format!("venue-{}", std::process::id()));
        let Offer { durable, layout, .. } = offer;
        let start =
            VenueStart { program: &self.venue, folder, durable, layout, instruments: offer.instruments() };
        Server::venue(&start, self.cores)
    }

    pub(crate) fn load(&self, server: &Server, target: Target, offer: Offer) -> Load {
        let Offer { pace, commands, .. } = offer;
        Load { address: server.address, target, pace, commands, seed: self.seed }
    }
}

pub(crate) fn sessions_of(offer: Offer) -> Target {
    match (demo_sessions(offer.sessions), offer.instruments()) {
        (Target::Venue { logins, .. }, count) if count > 1 => {
            Target::Venue { logins, symbols: (0..count).map(symbol).collect() }
        }
        (target, _) => target,
    }
}

/// The first `count` demo sessions on the instrument of tick 1.
#[must_use]
pub fn demo_sessions(count: usize) -> Target {
    let name = |number: usize| format!("demo{number:02}");
    let logins = (1..=count.min(SESSIONS_MAX)).map(|number| (name(number), name(number))).collect();
    Target::Venue { logins, symbols: vec![SYMBOL.to_owned()] }
}
