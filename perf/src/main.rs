//! `rotunda-perf`: runs the measurements of `docs/benchmarks.md`.

mod cli;

use clap::Parser;
use cli::{
    Cli, Command, CountArgs, CrowdArgs, GateArgs, LadderArgs, LoadArgs, MatcherArgs, PlaceArgs, ReadersArgs,
    TargetArgs, VenueArgs,
};
use perf::crowd::{self, CrowdRun};
use perf::disk;
use perf::echo::EchoServer;
use perf::gate::{self, Broken, Check, Good};
use perf::ladder::{self, Ladder};
use perf::load::{self, Load, Pace, Target};
use perf::matcher::{self, Subject};
use perf::readers::{self, Readers};
use perf::venue::{Comparison, demo_sessions};
use perf::workload::{Flow, Workload};
use perf::{count, machine};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

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
        Command::Echo(args) => run_echo(args.core),
        Command::Disk(args) => {
            println!("4 KiB direct synchronous writes: {}", disk::write_latency(&args.folder, args.writes)?);
            Ok(())
        }
        Command::Load(args) => run_load(args),
        Command::Ladder(args) => run_ladder(args),
        Command::Venue(args) => run_venue(args),
        Command::Readers(args) => run_readers(args),
        Command::Broadcast(args) => run_broadcast(args.core),
        Command::Crowd(args) => run_crowd(args),
        Command::Gate(args) => run_gate(args),
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
    keep(args.out.as_deref(), &json!({ "matcher": results }))
}

fn run_count(args: &CountArgs) -> Outcome {
    if let Some(subject) = args.inside {
        for name in &args.flows.flows {
            let workload = Workload::draw(name.flow(), args.flows.seed, args.commands);
            matcher::run_once(&workload, subject.subject());
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

/// Prints where it listens and serves. Ends with its parent, so that nothing is left spinning.
fn run_echo(core: usize) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    machine::pin(core)?;
    let mut server = EchoServer::open()?;
    println!("{}", server.address()?);
    Ok(server.serve(|| false)?)
}

fn target(args: &TargetArgs) -> Target {
    if args.echo {
        return Target::Echo { sessions: args.sessions };
    }
    match demo_sessions(args.sessions) {
        Target::Venue { logins, .. } => Target::Venue { logins, symbols: args.symbols.clone() },
        echo @ Target::Echo { .. } => echo,
    }
}

fn run_load(args: &LoadArgs) -> Outcome {
    machine::pin(args.target.core)?;
    let load = Load {
        address: args.target.address,
        target: target(&args.target),
        pace: args.pace(),
        commands: args.commands,
        seed: args.target.seed,
    };
    let result = load::run(&load)?;
    println!("{result}");
    println!(
        "every command answered: {} orders accepted, {} rejected; {} cancelled, {} filled before their cancel came; \
         {} executions",
        result.accepted, result.rejected, result.cancelled, result.overtaken, result.executions
    );
    keep(args.target.out.as_deref(), &json!({ "load": result.json() }))
}

fn run_ladder(args: &LadderArgs) -> Outcome {
    machine::pin(args.target.core)?;
    let load = Load {
        address: args.target.address,
        target: target(&args.target),
        pace: Pace::Poisson(args.first),
        commands: 0,
        seed: args.target.seed,
    };
    let ladder = Ladder { first_per_second: args.first, p99_ns_max: args.p99_us_max * 1_000 };
    let mut rungs = Vec::new();
    let highest = ladder::climb(ladder, &load, |rung, held| {
        println!("{} {rung}", if held { "held  " } else { "broken" });
        rungs.push(rung.json());
    })?;
    match &highest {
        Some(rung) => println!(
            "sustained: {:.0} commands/s, {:.0} orders/s",
            rung.commands_per_second(),
            rung.orders_per_second()
        ),
        None => println!("not even the first rung held"),
    }
    keep(args.target.out.as_deref(), &json!({ "rungs": rungs, "sustained": highest.map(|rung| rung.json()) }))
}

fn comparison(place: &PlaceArgs) -> Result<Comparison, Box<dyn Error>> {
    let echo = std::env::current_exe()?;
    let beside = echo.with_file_name("rotunda");
    let venue = place.venue.clone().unwrap_or(beside);
    if !venue.is_file() {
        return Err(format!("{}: no such program; build it or name it with --venue", venue.display()).into());
    }
    std::fs::create_dir_all(&place.folder)?;
    Ok(Comparison {
        venue,
        echo,
        folder: place.folder.clone(),
        cores: place.cores(),
        pairs: 1,
        seed: place.seed,
        single_commands: 20_000,
        durable_commands: 1_500,
        many_commands: 300_000,
        disk_writes: 500,
    })
}

fn run_venue(args: &VenueArgs) -> Outcome {
    let comparison = Comparison {
        pairs: args.pairs,
        single_commands: args.single,
        durable_commands: args.durable,
        many_commands: args.many,
        disk_writes: 2_000,
        ..comparison(&args.place)?
    };
    let not_durable = comparison.one_in_flight(false)?;
    println!("{not_durable}");
    let durable = comparison.one_in_flight(true)?;
    println!("{durable}");
    let closed = comparison.sixteen_sessions(args.place.in_flight)?;
    println!("{closed}");
    let open = comparison.sixteen_sessions_open(args.orders_per_second * closed.commands_per_order())?;
    println!("{open}");
    let all: Vec<Value> = [not_durable, durable, closed, open].iter().map(|pairs| pairs.json()).collect();
    keep(args.place.out.as_deref(), &json!({ "venue": all }))
}

fn run_broadcast(core: usize) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    machine::pin(core)?;
    Ok(readers::broadcast()?)
}

/// Readers in the places of `comparison`.
fn web_readers(comparison: &Comparison, readers: usize, messages: usize, pairs: usize) -> Readers {
    Readers {
        venue: comparison.venue.clone(),
        broadcaster: comparison.echo.clone(),
        folder: comparison.folder.clone(),
        cores: comparison.cores,
        readers,
        messages,
        pairs,
    }
}

fn run_readers(args: &ReadersArgs) -> Outcome {
    machine::pin(args.place.client_core)?;
    let result = web_readers(&comparison(&args.place)?, args.readers, args.messages, args.pairs).run()?;
    println!("{result}");
    keep(args.place.out.as_deref(), &json!({ "readers": result.json() }))
}

/// A thousand beside four honest sessions, in the places of `comparison`.
fn crowd_run(comparison: &Comparison) -> CrowdRun {
    CrowdRun {
        venue: comparison.venue.clone(),
        folder: comparison.folder.clone(),
        cores: comparison.cores,
        connections: 1_000,
        sessions: 4,
        per_second: 20_000.0,
        seconds: 10,
        pairs: 5,
        seed: comparison.seed,
    }
}

fn run_crowd(args: &CrowdArgs) -> Outcome {
    machine::pin(args.place.client_core)?;
    let run = CrowdRun {
        connections: args.connections,
        sessions: args.sessions,
        per_second: args.rate,
        seconds: args.seconds,
        pairs: args.pairs,
        ..crowd_run(&comparison(&args.place)?)
    };
    let result = crowd::run(&run)?;
    println!("{result}");
    keep(args.place.out.as_deref(), &json!({ "crowd": result.json() }))
}

fn run_gate(args: &GateArgs) -> Outcome {
    machine::pin(args.place.client_core)?;
    let mut checks = Vec::new();
    let mut tell = |what: &str, ratio, bound, good| {
        let check = Check { what: what.to_owned(), ratio, bound, good };
        println!("{check}");
        checks.push(check);
    };
    for (flow, commands, bound) in
        [(Flow::A, 2_000_000, gate::MATCHER_SMALL_MAX), (Flow::B, 1_000_000, gate::MATCHER_LARGE_MAX)]
    {
        let result = matcher::compare(&Workload::draw(flow, args.place.seed, commands), 3)?;
        println!("{result}");
        tell(&format!("matcher / floor, flow {}", flow.name), result.ratio(), bound, Good::AtMost);
    }
    if !args.matcher_only {
        let comparison = Comparison { pairs: 3, ..comparison(&args.place)? };
        let not_durable = comparison.one_in_flight(false)?;
        println!("{not_durable}");
        tell("not durable p50 / echo", not_durable.latency_ratio(), gate::NOT_DURABLE_P50_MAX, Good::AtMost);
        let durable = Comparison { pairs: 1, ..comparison.clone() }.one_in_flight(true)?;
        println!("{durable}");
        let many = comparison.sixteen_sessions(args.place.in_flight)?;
        println!("{many}");
        tell("durable throughput / echo", many.throughput_ratio(), gate::THROUGHPUT_MIN, Good::AtLeast);
        let readers = web_readers(&comparison, 100, 100, 3).run()?;
        println!("{readers}");
        tell("readers p99 / broadcaster", readers.ratio(), gate::READERS_P99_MAX, Good::AtMost);
        let crowd = crowd::run(&CrowdRun { seconds: 2, pairs: 2, ..crowd_run(&comparison) })?;
        println!("{crowd}");
        tell("p99 beside a crowd / alone", crowd.p99_ratio(), gate::CROWD_P99_MAX, Good::AtMost);
        tell("KiB an idle connection", crowd.bytes_per_idle / 1_024.0, gate::CROWD_KIB_MAX, Good::AtMost);
    }
    let broken = checks.iter().filter(|check| !check.holds()).count();
    let stored: Vec<Value> = checks
        .iter()
        .map(|check| json!({ "what": check.what, "ratio": check.ratio, "bound": check.bound, "holds": check.holds() }))
        .collect();
    keep(args.place.out.as_deref(), &json!({ "gate": stored }))?;
    if broken == 0 { Ok(()) } else { Err(Box::new(Broken(broken))) }
}

fn keep(path: Option<&Path>, result: &Value) -> Outcome {
    if let Some(path) = path {
        machine::store(path, result)?;
        println!("stored in {}", path.display());
    }
    Ok(())
}
