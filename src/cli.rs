//! The command line. Names and defaults here are what scripts rely on.

use crate::admin::AdminArguments;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `--version`: the program's version and those of what it reads and writes.
const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (journal format 1, event log format 1, market rules 1)");

/// An exchange core: one total order of events, durable before it is acknowledged.
#[derive(Debug, Parser)]
#[command(name = "rotunda", version = VERSION, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Without a command: `run`, with the embedded defaults.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open the venue and trade until SIGTERM or Ctrl-C.
    Run(RunOptions),
    /// Read a configuration and say what is wrong with it.
    Check(CheckOptions),
    /// Print the whole default configuration, commented.
    Config,
    /// Give a running venue an operator's command.
    Admin(AdminArguments),
    /// Rebuild the market from a journal and compare hashes.
    Replay(ReplayOptions),
    /// Make a snapshot, from which the next start goes on.
    Snapshot(SnapshotOptions),
    /// Copy a data folder, of a running venue too, and prove the copy.
    Backup(BackupOptions),
    /// Look into a data folder: journal, event log, books, sessions.
    Inspect(InspectArguments),
    /// Show one instrument's ladder and trades in the terminal.
    Watch(WatchOptions),
    /// Send recorded orders through the OUCH door.
    Flow(FlowOptions),
}

impl Default for Command {
    fn default() -> Self {
        Self::Run(RunOptions::default())
    }
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RunOptions {
    /// Configuration file; what it leaves out keeps its default (see `rotunda config`).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder, in place of the configuration's.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Open without the simulated participants.
    #[arg(long)]
    pub(crate) no_demo: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CheckOptions {
    /// Configuration file; the embedded defaults when left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayOptions {
    /// Data folder to read. Nothing in it is changed; the venue may be running.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Stop after this command.
    #[arg(long, value_name = "N", conflicts_with = "to_time")]
    pub(crate) to_sequence: Option<u64>,
    /// Stop before the first command after this time: RFC 3339, or nanoseconds since 1970.
    #[arg(long, value_name = "TIME")]
    pub(crate) to_time: Option<String>,
    /// Print the book of this instrument as it then is.
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) book: Option<String>,
    /// One JSON object in place of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SnapshotOptions {
    /// Data folder. Only a file in its `snapshots` is added; the venue may be running.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) data: PathBuf,
    /// One JSON object in place of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct BackupOptions {
    /// Data folder to copy. Nothing in it is changed; the venue may be running.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Where the copy goes: a folder that is empty or not there yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// One JSON object in place of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    #[command(subcommand)]
    pub(crate) what: Inspect,
}

/// What every `inspect` command takes.
#[derive(Args, Debug)]
pub(crate) struct Source {
    /// Data folder to read. Nothing in it is changed; the venue may be running.
    #[arg(long, value_name = "DIR", default_value = "data", global = true)]
    pub(crate) data: PathBuf,
    /// JSON lines in place of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inspect {
    /// Commands in the journal, one a line.
    Journal {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        range: Range,
    },
    /// Events in the event log, one a line.
    EventLog {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        range: Range,
    },
    /// One instrument's book, order by order, and its CRC32.
    Book {
        #[command(flatten)]
        source: Source,
        /// The instrument.
        #[arg(long, value_name = "SYMBOL")]
        symbol: String,
        /// As it is after this ITCH message of the day.
        #[arg(long, value_name = "N", conflicts_with = "sequence")]
        itch_sequence: Option<u64>,
        /// As it is after this command.
        #[arg(long, value_name = "N")]
        sequence: Option<u64>,
    },
    /// Snapshots, journal and event log: what is kept, and who holds it.
    Retention {
        #[command(flatten)]
        source: Source,
    },
    /// The sessions, and where each one's stream of reports stands.
    Sessions {
        #[command(flatten)]
        source: Source,
    },
    /// The numbered reports of one session's day.
    SessionStream {
        #[command(flatten)]
        source: Source,
        /// The session's log-in name.
        #[arg(long, value_name = "NAME")]
        session: String,
        /// The first report to print.
        #[arg(long, value_name = "N", default_value_t = 1)]
        from: u32,
        /// A day other than the present one, `YYMMDD` and two digits.
        #[arg(long, value_name = "DAY")]
        day: Option<String>,
    },
}

/// A part of the log, by command sequence.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Range {
    /// The first sequence to print.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) from: u64,
    /// The last sequence to print.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
    /// A summary only, no lines.
    #[arg(long)]
    pub(crate) summary: bool,
}

#[derive(Args, Debug)]
pub(crate) struct WatchOptions {
    /// The instrument.
    pub(crate) symbol: String,
    /// ITCH door; read from DIR/endpoints.json when left out.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) itch: Option<SocketAddr>,
    /// Data folder of the venue, for its addresses.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Session that logs in.
    #[arg(long, value_name = "NAME", default_value = "watch")]
    pub(crate) session: String,
    /// Its password.
    #[arg(long, value_name = "PASSWORD", default_value = "watch", env = "ROTUNDA_PASSWORD")]
    pub(crate) password: String,
    /// The instrument's lot, for quantities in its own units. When left out the venue in DIR is asked, as
    /// an operator; where that is not possible quantities are counts of lots.
    #[arg(long, value_name = "SIZE")]
    pub(crate) lot: Option<String>,
    /// Price levels shown on each side.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) levels: usize,
    /// Print the present book once and end.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Speed {
    /// At the times of the record.
    Recorded,
    /// As fast as the door takes them.
    Full,
}

#[derive(Args, Debug)]
pub(crate) struct FlowOptions {
    /// The recorded events and trades (CSV); told apart by their columns.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// OUCH door; read from DIR/endpoints.json when left out.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ouch: Option<SocketAddr>,
    /// Data folder of the venue, for its addresses.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Session that logs in; its account must be external, its self-trade prevention none.
    #[arg(long, value_name = "NAME", default_value = "demo01")]
    pub(crate) session: String,
    /// Its password.
    #[arg(long, value_name = "PASSWORD", default_value = "demo01", env = "ROTUNDA_PASSWORD")]
    pub(crate) password: String,
    /// The instrument to trade.
    #[arg(long, value_name = "SYMBOL", default_value = "BTCUSD")]
    pub(crate) symbol: String,
    /// The instrument's lot.
    #[arg(long, value_name = "SIZE", default_value = "0.00000001")]
    pub(crate) lot: String,
    /// How fast.
    #[arg(long, value_enum, default_value_t = Speed::Full)]
    pub(crate) speed: Speed,
    /// Write the trades here: buyer, seller, price, quantity (CSV, or JSON lines for `.jsonl`).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The summary as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_command_is_run_on_defaults() {
        let arguments = Arguments::parse_from(["rotunda"]);
        assert!(matches!(
            arguments.command.unwrap_or_default(),
            Command::Run(RunOptions { config: None, data: None, no_demo: false })
        ));
    }
}
