//! `rotunda-perf`: runs the measurements of `docs/benchmarks.md`.

mod cli;

use clap::Parser;
use cli::{
    Cli, Command, CountArgs, CrowdArgs, FeedArgs, GateArgs, LadderArgs, LoadArgs, MatcherArgs,
    MatcherCurveArgs, PlaceArgs, ReadersArgs, RestartArgs, TargetArgs, VenueArgs, VenueCurveArgs,
};
use perf::crowd::{self, CrowdRun};
use perf::disk;
use perf::echo::EchoServer;
use perf::gate::{self, Broken, Check, Good};
use perf::histogram::median;
use perf::ladder::{self, Ladder};
use perf::load::{self, Load, Pace, Target};
use perf::matcher::{self, Subject};
use perf::matcher_curve;
use perf::production::Mode;
use perf::readers::{self, Readers};
use perf::restart::{self, Restart};
use perf::server::Layout;
use perf::venue::{Comparison, Pairs, demo_sessions};
use perf::venue_curve::{LatencyCurve, ThroughputCurve};
use perf::workload::{Flow, Workload};
use perf::{count, feed, machine};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};
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
        Command::MatcherCurve(args) => run_matcher_curve(args),
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
        Command::Restart(args) => run_restart(args),
        Command::VenueCurve(args) => run_venue_curve(args),
        Command::Feed(args) => run_feed(args),
        Command::Gate(args) => run_gate(args),
    }
}

fn run_matcher(args: &MatcherArgs) -> Outcome {
    machine::pin(args.flows.core)?;
    let mut results = Vec::new();
    for name in &args.flows.flows {
        let workload = Workload::draw(name.flow(), args.flows.seed, args.commands);
        let mut comparison = matcher::compare(&workload, &[Mode::Bare, Mode::Full], args.runs)?;
        matcher::add_latencies(&mut comparison, &workload);
        println!("{comparison}");
        results.push(comparison.json());
    }
    keep(args.out.as_deref(), &json!({ "matcher": results }))
}

fn run_matcher_curve(args: &MatcherCurveArgs) -> Outcome {
    machine::pin(args.core)?;
    let mut points = Vec::new();
    for size in matcher_curve::SIZES.into_iter().filter(|&size| size <= args.live_orders_max) {
        let point = matcher_curve::point(size, args.seed, args.commands, args.runs)?;
        println!("{point}");
        points.push(point);
    }
    let stored: Vec<Value> = points.iter().map(matcher_curve::Point::json).collect();
    keep(args.out.as_deref(), &json!({ "matcher_curve": stored }))?;
    if let Some(file) = &args.out {
        std::fs::write(file.with_extension("svg"), matcher_curve::svg(&points))?;
    }
    Ok(())
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
        for (subject, word) in [
            (Subject::Floor, "floor"),
            (Subject::Engine(Mode::Bare), "bare"),
            (Subject::Engine(Mode::Full), "full"),
        ] {
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

/// The program `rotunda` that was named, or the one beside this program.
fn venue_program(named: Option<&Path>) -> Result<PathBuf, Box<dyn Error>> {
    let venue = match named {
        Some(named) => named.to_owned(),
        None => std::env::current_exe()?.with_file_name("rotunda"),
    };
    if !venue.is_file() {
        return Err(format!("{}: no such program; build it or name it with --venue", venue.display()).into());
    }
    Ok(venue)
}

fn run_restart(args: &RestartArgs) -> Outcome {
    let program = venue_program(args.venue.as_deref())?;
    let folder = args.folder.join(format!("restart-{}", std::process::id()));
    let (commands, steps, seed) = (args.commands, args.steps, args.seed);
    let restart = Restart { program: &program, folder, commands, steps, seed };
    let steps = restart::measure(&restart, &mut |step| println!("{step}"))?;
    let rows: Vec<Value> = steps.iter().map(restart::Step::json).collect();
    keep(args.out.as_deref(), &json!({ "restart": rows }))
}

fn comparison(place: &PlaceArgs) -> Result<Comparison, Box<dyn Error>> {
    let echo = std::env::current_exe()?;
    let venue = venue_program(place.venue.as_deref())?;
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
    let once = Comparison { pairs: 1, ..comparison.clone() };
    let mut all: Vec<Value> = Vec::new();
    let mut tell = |pairs: Pairs| {
        println!("{pairs}");
        all.push(pairs.json());
        pairs
    };
    tell(comparison.one_in_flight(false, Layout::Inline)?);
    tell(comparison.one_in_flight(true, Layout::Inline)?);
    let closed = tell(comparison.sixteen_sessions(args.place.in_flight, Layout::Inline)?);
    let offered = [args.orders_per_second, closed.orders_per_second() / 2.0];
    for orders_per_second in offered {
        tell(once.sixteen_sessions_open(orders_per_second * closed.commands_per_order(), args.seconds)?);
    }
    for layout in [Layout::Compact, Layout::Dedicated] {
        tell(once.one_in_flight(false, layout)?);
        tell(once.sixteen_sessions(args.place.in_flight, layout)?);
    }
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

fn run_venue_curve(args: &VenueCurveArgs) -> Outcome {
    let comparison = Comparison { many_commands: args.many, ..comparison(&args.place)? };
    let throughput = ThroughputCurve::measure(&comparison, args.place.in_flight)?;
    for (echo, venue) in &throughput.0 {
        println!("  echo   {echo}\n  venue  {venue}");
    }
    let most = throughput.0.last().map_or(0.0, |(_, venue)| venue.commands_per_second());
    let latency = LatencyCurve::measure(&comparison, most, args.seconds)?;
    for run in &latency.0 {
        println!("  venue  {run}");
    }
    std::fs::create_dir_all(&args.pictures)?;
    for (name, picture) in [("latency.svg", latency.svg()), ("throughput.svg", throughput.svg())] {
        let path = args.pictures.join(name);
        std::fs::write(&path, picture)?;
        println!("drawn in {}", path.display());
    }
    let result = json!({ "throughput": throughput.json(), "latency": latency.json() });
    keep(args.place.out.as_deref(), &result)
}

fn run_feed(args: &FeedArgs) -> Outcome {
    machine::pin(args.place.client_core)?;
    let comparison = Comparison { many_commands: args.many, ..comparison(&args.place)? };
    let replays = feed::replays(&comparison, args.times)?;
    replays.iter().for_each(|replay| println!("feed from message 1: {replay}"));
    let middle = median(replays.iter().map(|replay| replay.per_second()).collect());
    println!("the middle one: {middle:.0} messages/s");
    let all: Vec<Value> = replays.iter().map(|replay| replay.json()).collect();
    keep(args.place.out.as_deref(), &json!({ "messages_per_s": middle.round(), "feed": all }))
}

fn run_gate(args: &GateArgs) -> Outcome {
    machine::pin(args.place.client_core)?;
    let mut checks = Vec::new();
    let mut tell = |what: &str, ratio, bound, good| {
        let check = Check { what: what.to_owned(), ratio, bound, good };
        println!("{check}");
        checks.push(check);
    };
    let flows = [
        (Flow::A, 2_000_000, [gate::BARE_SMALL_MAX, gate::FULL_SMALL_MAX]),
        (Flow::B, 1_000_000, [gate::BARE_LARGE_MAX, gate::FULL_LARGE_MAX]),
    ];
    for (flow, commands, bounds) in flows {
        let workload = Workload::draw(flow, args.place.seed, commands);
        let result = matcher::compare(&workload, &[Mode::Bare, Mode::Full], 1)?;
        println!("{result}");
        for (measured, bound) in result.production.iter().zip(bounds) {
            let what = format!("matcher {} / floor, flow {}", measured.mode.name(), flow.name);
            tell(&what, measured.ratio(), bound, Good::AtMost);
        }
    }
    if !args.matcher_only {
        let comparison = Comparison { pairs: 3, ..comparison(&args.place)? };
        let not_durable = comparison.one_in_flight(false, Layout::Inline)?;
        println!("{not_durable}");
        tell("not durable p50 / echo", not_durable.latency_ratio(), gate::NOT_DURABLE_P50_MAX, Good::AtMost);
        let durable = Comparison { pairs: 1, ..comparison.clone() }.one_in_flight(true, Layout::Inline)?;
        println!("{durable}");
        let many = comparison.sixteen_sessions(args.place.in_flight, Layout::Inline)?;
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
