//! The command line of `rotunda-perf`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use perf::load::Pace;
use perf::matcher::Subject;
use perf::production::Mode;
use perf::server::Cores;
use perf::workload::Flow;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Measures the venue and what it is compared with (docs/benchmarks.md).
#[derive(Parser)]
#[command(name = "rotunda-perf", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The matcher against the floor.
    Matcher(MatcherArgs),
    /// The same over the size of the books: 1,000 to 10 million live orders.
    MatcherCurve(MatcherCurveArgs),
    /// Instructions a command of floor and matcher, by valgrind.
    Count(CountArgs),
    /// Serves as the echo server until this program's parent ends.
    Echo(EchoArgs),
    /// One 4 KiB direct synchronous write after another.
    Disk(DiskArgs),
    /// Offers a load to a running venue.
    Load(LoadArgs),
    /// Raises the load of a running venue until it breaks.
    Ladder(LadderArgs),
    /// Starts venue and echo server in turn and compares them.
    Venue(VenueArgs),
    /// Many WebSocket readers of the venue against a plain broadcaster.
    Readers(ReadersArgs),
    /// Serves as the plain broadcaster until this program's parent ends.
    Broadcast(EchoArgs),
    /// Honest sessions alone and beside a crowd of idle, slow, silent and hostile connections, in turn.
    Crowd(CrowdArgs),
    /// How long a start takes, against the length of the log, with and without a snapshot.
    Restart(RestartArgs),
    /// Latency against load and throughput against sessions, as a result and as two pictures.
    VenueCurve(VenueCurveArgs),
    /// How fast the feed is told again to a client that asks for all of it.
    Feed(FeedArgs),
    /// A short run of all comparisons: fails when a ratio breaks its bound.
    Gate(GateArgs),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowName {
    /// One instrument, 2,000 live orders.
    A,
    /// A hundred instruments, a million live orders.
    B,
}

impl FlowName {
    pub(crate) const fn flow(self) -> Flow {
        match self {
            Self::A => Flow::A,
            Self::B => Flow::B,
        }
    }

    pub(crate) const fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SubjectName {
    /// The floor.
    Floor,
    /// Production, bare.
    Bare,
    /// Production with ledger, fees, risk limits and self-trade prevention.
    Full,
}

impl SubjectName {
    pub(crate) const fn subject(self) -> Subject {
        match self {
            Self::Floor => Subject::Floor,
            Self::Bare => Subject::Engine(Mode::Bare),
            Self::Full => Subject::Engine(Mode::Full),
        }
    }
}

#[derive(Args)]
pub(crate) struct FlowArgs {
    /// Flows to run.
    #[arg(long = "flow", value_enum, default_values = ["a", "b"])]
    pub(crate) flows: Vec<FlowName>,
    /// Seed of the flows.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Core to run on.
    #[arg(long, default_value_t = 1)]
    pub(crate) core: usize,
}

#[derive(Args)]
pub(crate) struct MatcherArgs {
    #[command(flatten)]
    pub(crate) flows: FlowArgs,
    /// Commands in each run.
    #[arg(long, default_value_t = 5_000_000)]
    pub(crate) commands: u32,
    /// Runs over the whole flow; within each, floor and matcher take turns.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: usize,
    /// Stores the result here, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct MatcherCurveArgs {
    /// Largest size that is measured, in live orders: 10 million take about 5 GiB.
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) live_orders_max: u32,
    /// Commands at each size.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) commands: u32,
    /// Runs at each size; within each, floor and matcher take turns.
    #[arg(long, default_value_t = 2)]
    pub(crate) runs: usize,
    /// Seed of the flows.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Core to run on.
    #[arg(long, default_value_t = 1)]
    pub(crate) core: usize,
    /// Stores the result here, as JSON, and the picture beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct CountArgs {
    #[command(flatten)]
    pub(crate) flows: FlowArgs,
    /// Commands counted.
    #[arg(long, default_value_t = 200_000)]
    pub(crate) commands: u32,
    /// Folder for the profiles.
    #[arg(long, value_name = "DIR", default_value = "target")]
    pub(crate) profiles: PathBuf,
    /// Runs this one alone and counts nothing: what valgrind is given to run.
    #[arg(long, value_enum)]
    pub(crate) inside: Option<SubjectName>,
}

#[derive(Args)]
pub(crate) struct EchoArgs {
    /// Core to run on.
    #[arg(long, default_value_t = 0)]
    pub(crate) core: usize,
}

#[derive(Args)]
pub(crate) struct DiskArgs {
    /// Folder on the disk to measure.
    #[arg(long, value_name = "DIR", default_value = "target")]
    pub(crate) folder: PathBuf,
    /// Writes.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) writes: usize,
}

/// Where a load goes.
#[derive(Args)]
pub(crate) struct TargetArgs {
    /// The venue's OUCH address, as in its `endpoints.json`.
    #[arg(long, default_value = "127.0.0.1:9001")]
    pub(crate) address: SocketAddr,
    /// Sessions: demo01 and on, at most 16.
    #[arg(long, default_value_t = 1)]
    pub(crate) sessions: usize,
    /// Instruments with a tick of 1.
    #[arg(long = "symbol", default_values = [perf::venue::SYMBOL])]
    pub(crate) symbols: Vec<String>,
    /// The other side is an echo server.
    #[arg(long)]
    pub(crate) echo: bool,
    /// Core of the client.
    #[arg(long, default_value_t = 1)]
    pub(crate) core: usize,
    /// Seed of the flow and of its moments.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Stores the result here, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Commands measured.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) commands: u32,
    /// Open loop: commands a second. Without it: closed, with --in-flight.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Open loop: commands that come at one moment; without it they come at random moments.
    #[arg(long, requires = "rate")]
    pub(crate) burst: Option<u32>,
    /// Closed: commands unanswered at a time.
    #[arg(long, default_value_t = 1, conflicts_with = "rate")]
    pub(crate) in_flight: u32,
}

impl LoadArgs {
    pub(crate) fn pace(&self) -> Pace {
        match (self.rate, self.burst) {
            (Some(per_second), Some(size)) => Pace::Bursts { per_second, size },
            (Some(per_second), None) => Pace::Poisson(per_second),
            (None, _) => Pace::InFlight(self.in_flight),
        }
    }
}

#[derive(Args)]
pub(crate) struct LadderArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Commands a second of the first rung.
    #[arg(long, default_value_t = 20_000.0)]
    pub(crate) first: f64,
    /// 99th percentile, in microseconds, above which a rung is broken.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) p99_us_max: u64,
}

/// How venue and echo server are compared.
#[derive(Args)]
pub(crate) struct PlaceArgs {
    /// The program `rotunda`; without it: the one beside this program.
    #[arg(long, value_name = "FILE")]
    pub(crate) venue: Option<PathBuf>,
    /// Folder on the disk that journals are written to.
    #[arg(long, value_name = "DIR", default_value = "target")]
    pub(crate) folder: PathBuf,
    /// Core of the servers.
    #[arg(long, default_value_t = 0)]
    pub(crate) server_core: usize,
    /// Core of the client.
    #[arg(long, default_value_t = 1)]
    pub(crate) client_core: usize,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Sixteen sessions: commands unanswered in each.
    #[arg(long, default_value_t = 256)]
    pub(crate) in_flight: u32,
    /// Stores the result here, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

impl PlaceArgs {
    pub(crate) const fn cores(&self) -> Cores {
        Cores { server: self.server_core, client: self.client_core }
    }
}

#[derive(Args)]
pub(crate) struct VenueArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Pairs of runs of each kind.
    #[arg(long, default_value_t = 5)]
    pub(crate) pairs: usize,
    /// Commands of a run with one in flight.
    #[arg(long, default_value_t = 50_000)]
    pub(crate) single: u32,
    /// The same where each waits for the disk.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) durable: u32,
    /// Commands of a run of sixteen sessions.
    #[arg(long, default_value_t = 2_000_000)]
    pub(crate) many: u32,
    /// Open loop: orders a second to offer to sixteen sessions.
    #[arg(long, default_value_t = 1_000_000.0)]
    pub(crate) orders_per_second: f64,
    /// Open loop: seconds.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) seconds: f64,
}

#[derive(Args)]
pub(crate) struct VenueCurveArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Commands of each run whose sessions wait for answers.
    #[arg(long, default_value_t = 2_000_000)]
    pub(crate) many: u32,
    /// Seconds of each run at a given load.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Folder for the pictures latency.svg and throughput.svg.
    #[arg(long, value_name = "DIR", default_value = "perf/results")]
    pub(crate) pictures: PathBuf,
}

#[derive(Args)]
pub(crate) struct FeedArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Commands whose feed is read.
    #[arg(long, default_value_t = 2_000_000)]
    pub(crate) many: u32,
    /// Readings, one after another; the middle one counts.
    #[arg(long, default_value_t = 5)]
    pub(crate) times: usize,
}

#[derive(Args)]
pub(crate) struct ReadersArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// WebSocket clients.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) readers: usize,
    /// Trades that each of them is told.
    #[arg(long, default_value_t = 500)]
    pub(crate) messages: usize,
    /// Pairs of runs.
    #[arg(long, default_value_t = 5)]
    pub(crate) pairs: usize,
}

#[derive(Args)]
pub(crate) struct CrowdArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Connections of the crowd.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// Honest sessions, at most 16.
    #[arg(long, default_value_t = 4)]
    pub(crate) sessions: usize,
    /// Commands a second of the honest sessions together, in open loop.
    #[arg(long, default_value_t = 20_000.0)]
    pub(crate) rate: f64,
    /// Seconds of a window.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u32,
    /// Pairs of windows, without and with the crowd.
    #[arg(long, default_value_t = 5)]
    pub(crate) pairs: usize,
}

#[derive(Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Leaves the venue out: the matcher alone.
    #[arg(long)]
    pub(crate) matcher_only: bool,
}

#[derive(Args)]
pub(crate) struct RestartArgs {
    /// The program `rotunda`; without it: the one beside this program.
    #[arg(long, value_name = "FILE")]
    pub(crate) venue: Option<PathBuf>,
    /// Folder on the disk that the data is written to.
    #[arg(long, value_name = "DIR", default_value = "target")]
    pub(crate) folder: PathBuf,
    /// Commands in the journal at the last step. A million takes about 250 MB of disk.
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) commands: u32,
    /// Lengths of the journal at which starts are measured.
    #[arg(long, default_value_t = 5)]
    pub(crate) steps: u32,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Stores the result here, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
