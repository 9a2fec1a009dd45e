//! `rotunda-perf`: runs the measurements of `docs/benchmarks.md`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use perf::matcher::{self, Subject};
use perf::workload::{Flow, Workload};
use perf::{count, machine};
use serde_json::{Value, json};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures the venue and what it is compared with.
#[derive(Parser)]
#[command(name = "rotunda-perf", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The matcher against the floor.
    Matcher(MatcherArgs),
    /// Instructions a command of floor and matcher, by valgrind.
    Count(CountArgs),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FlowName {
    /// One instrument, 2,000 live orders.
    A,
    /// A hundred instruments, a million live orders.
    B,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SubjectName {
    /// The floor.
    Floor,
    /// Production.
    Engine,
}

#[derive(Args)]
struct FlowArgs {
    /// Flows to run.
    #[arg(long = "flow", value_enum, default_values = ["a", "b"])]
    flows: Vec<FlowName>,
    /// Seed of the flows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

#[derive(Args)]
struct MatcherArgs {
    #[command(flatten)]
    flows: FlowArgs,
    /// Commands in each run.
    #[arg(long, default_value_t = 5_000_000)]
    commands: u32,
    /// Runs of each, in turn.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Stores the result here, as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct CountArgs {
    #[command(flatten)]
    flows: FlowArgs,
    /// Commands counted.
    #[arg(long, default_value_t = 200_000)]
    commands: u32,
    /// Folder for the profiles.
    #[arg(long, default_value = "target")]
    profiles: PathBuf,
    /// Runs this one alone and counts nothing: what valgrind is given to run.
    #[arg(long, value_enum)]
    inside: Option<SubjectName>,
}

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rotunda-perf: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Outcome {
    match command {
        Command::Matcher(args) => run_matcher(args),
        Command::Count(args) => run_count(args),
    }
}

impl FlowName {
    const fn flow(self) -> Flow {
        match self {
            Self::A => Flow::A,
            Self::B => Flow::B,
        }
    }

    const fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

fn run_matcher(args: &MatcherArgs) -> Outcome {
    machine::pin(args.flows.core)?;
    let mut results = Vec::new();
    for name in &args.flows.flows {
        let workload = Workload::draw(name.flow(), args.flows.seed, args.commands);
        let comparison = matcher::compare(&workload, args.runs)?;
        println!("{comparison}");
        results.push(comparison.json());
    }
    keep(args.out.as_ref(), &json!({ "matcher": results }))
}

fn run_count(args: &CountArgs) -> Outcome {
    if let Some(subject) = args.inside {
        let subject = match subject {
            SubjectName::Floor => Subject::Floor,
            SubjectName::Engine => Subject::Engine,
        };
        for name in &args.flows.flows {
            matcher::run_once(&Workload::draw(name.flow(), args.flows.seed, args.commands), subject);
        }
        return Ok(());
    }
    for name in &args.flows.flows {
        for (subject, word) in [(Subject::Floor, "floor"), (Subject::Engine, "engine")] {
            let letter = name.letter();
            let arguments = ["count", "--inside", word, "--flow", letter, "--seed"]
                .map(str::to_owned)
                .into_iter()
                .chain([args.flows.seed.to_string(), "--commands".to_owned(), args.commands.to_string()])
                .collect::<Vec<_>>();
            let profile = args.profiles.join(format!("callgrind.{word}.{letter}"));
            let counted = count::instructions(subject, &arguments, &profile)?;
            let each = counted as f64 / f64::from(args.commands);
            println!("flow {letter} {word:7} {each:7.1} instructions a command   ({})", profile.display());
        }
    }
    Ok(())
}

fn keep(path: Option<&PathBuf>, result: &Value) -> Outcome {
    if let Some(path) = path {
        machine::store(path, result)?;
        println!("stored in {}", path.display());
    }
    Ok(())
}
