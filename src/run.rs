//! `rotunda run`: opens the venue and trades until SIGTERM.

use crate::admin::SOCKET_NAME;
use crate::admin::desk::{Desk, JOBS_MAX};
use crate::admin::server::AdminServer;
use crate::cli::RunOptions;
use crate::clock::Clock;
use crate::config::{self, Configuration, DayBegins, Idle, Layout, SessionSeed, Venue};
use crate::data_folder::{self, DataFolder};
use crate::demo::Participants;
use crate::disk_room::DiskWatch;
use crate::endpoints::Endpoints;
use crate::failure::Failure;
use crate::gather::Gather;
use crate::idle::IdleStrategy;
use crate::knowledge::Knowledge;
use crate::output;
use crate::pipeline::{self, Rim};
use crate::recovery::{self, Recovered};
use crate::seeding::{self, Known};
use crate::snapshots::keeper::Keeper;
use crate::stages::egress::EgressStage;
use crate::stages::gate::{Gate, Watch};
use crate::stages::journaler::JournalerStage;
use crate::stages::matcher::{Matched, MatcherStage};
use crate::stages::outlet::Outlet;
use crate::stages::rings::Rings;
use crate::timers::Timers;
use adapters::open_json_lines;
use adapters::{Stage, StageOptions};
use engine::command::{CommandKind, CommandSlot, SessionCommand};
use engine::number::{Sequence, Timestamp};
use engine::ring::CommitPoint;
use journal::event_log::{EventLogWriter, SyncedPoint};
use net::doors::{DoorLimits, DoorOptions, Doors};
use net::metrics::Metrics;
use net::web::views::MarketViews;
use net::web::{WebDoor, WebLimits, WebOptions, WebThread};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// File descriptors beside connections: files, sockets, pollers.
const OTHER_DESCRIPTORS: u64 = 64;

/// Opens the venue, trades until SIGTERM or Ctrl-C, and closes it.
pub(crate) fn run(options: &RunOptions) -> Result<(), Failure> {
    start_log();
    let participants =
        if options.no_demo { config::Participants::None } else { config::Participants::AsConfigured };
    let configuration =
        Configuration::load_with(options.config.as_deref(), participants).map_err(Failure::usage)?;
    let data = options.data.clone().unwrap_or_else(|| configuration.venue.data.clone());
    check_descriptors(&configuration)?;
    let folder = DataFolder::take(&data)?;
    let doors = Doors::bind(door_options(&configuration, &data))?;
    let web =
        configuration.web.enabled.then(|| WebDoor::bind(web_options(&configuration, &data))).transpose()?;
    let disk = DiskWatch::new(folder.path(), &configuration.disk)?;
    let recovered = recovery::recover(&configuration, &folder)?;
    let (last, known) = (recovered.engine.last_sequence(), &recovered.knowledge.known);
    if last.0 > 0 && !known.is_half_seeded(last) {
        for difference in seeding::differences(&configuration.seed, known) {
            tracing::warn!("{difference}");
        }
    }
    // Until here a signal just ends the process: nothing is open, and a start can be broken off anywhere.
    let stop = pipeline::stop_on_signals()?;
    venue(&configuration, &folder, Parts { doors, web, disk, recovered, stop })
}

struct Parts {
    doors: Doors,
    web: Option<WebDoor>,
    disk: DiskWatch,
    recovered: Recovered,
    stop: Arc<AtomicBool>,
}

/// Wires the stages, opens, and runs until the stop flag.
fn venue(configuration: &Configuration, folder: &DataFolder, parts: Parts) -> Result<(), Failure> {
    let Parts { mut doors, web, disk, recovered, stop } = parts;
    let Recovered { engine, journal, event_log, knowledge, view, web: views } = recovered;
    let Knowledge { doors: learned, times, known, last_event, .. } = knowledge;
    doors.resume(learned);
    let timers = Timers::new(day_begins_ns(&configuration.venue), times);
    let last = engine.last_sequence();
    let commands = opening(configuration, last, &known)?;
    let clock = Clock::new(engine.clock());
    let rings = Rings::new(configuration.rings.input, configuration.rings.output, last);
    let commit = Arc::new(CommitPoint::new(last));
    let matched = Matched::default();
    let durable = configuration.venue.durable;
    let metrics = Arc::new(Metrics::new());
    metrics.pipeline.input_slots.set(configuration.rings.input as u64);
    metrics.pipeline.output_slots.set(configuration.rings.output as u64);
    let told = || Arc::clone(&metrics);
    let mut matcher = MatcherStage::new(engine, rings.to_matcher, rings.output, Arc::clone(&matched), told());
    let journaler =
        JournalerStage::new(journal, rings.to_journaler, last, Arc::clone(&commit), durable, told());
    let egress = EgressStage::new(rings.to_egress, commit, matched);
    let (jobs, waiting) = crossbeam_channel::bounded(JOBS_MAX);
    let data = folder.path();
    let events = data_folder::event_log(data);
    let admin = AdminServer::bind(data, &events, view, jobs, doors.waker())?;
    let desk = Desk::new(waiting, last_event);
    let room = disk.room();
    let keeper = keeper(configuration, data, event_log.synced_point(), (disk, Arc::clone(&stop)));
    let gate = Gate {
        doors,
        desk,
        timers,
        input: rings.input,
        clock,
        gather: Gather::default(),
        disk: Arc::clone(&room),
        metrics: told(),
        watch: Watch::default(),
    };
    let mut rim = Rim { gate, journaler, outlet: Outlet { egress, event_log, metrics: told() } };
    pipeline::open(&mut rim, &mut matcher, &commands)?;
    let web_address = web.as_ref().map(WebDoor::address);
    let web = web.map(|door| open_web(door, views, &rim.outlet.event_log, &metrics)).transpose()?;

    std::thread::Builder::new().name("rotunda-admin".into()).spawn(move || admin.serve())?;
    let demo = configuration.demo.enabled;
    let fresh = last.0 == 0 || known.is_half_seeded(last);
    let login =
        configuration.seed.sessions.iter().find(|seed| fresh || known.session(seed.name.as_str()).is_some());
    let addresses = Endpoints {
        ouch: rim.gate.doors.addresses().ouch,
        itch: rim.gate.doors.addresses().itch,
        web: web_address,
        admin: data.join(SOCKET_NAME),
    };
    // Before anybody is told that the venue is open: a cursor that is damaged ends the start.
    let beside = Beside::start(configuration, data, &rim.gate.doors, demo)?;
    announce(configuration, folder, &addresses, login, demo)?;
    keeper.start()?;
    metrics.set_ready(true);
    let result = run_layout(configuration, rim, matcher, &stop);
    metrics.set_ready(false);
    beside.stop();
    if let Some(web) = web {
        web.stop();
    }
    match room.out() {
        Some(why) => result.and(Err(Failure::new(why))),
        None => result,
    }
}

fn keeper(
    configuration: &Configuration,
    data: &Path,
    synced: SyncedPoint,
    (disk, stop): (DiskWatch, Arc<AtomicBool>),
) -> Keeper {
    let retention = &configuration.retention;
    Keeper {
        data: data.to_owned(),
        journal_bytes: retention.journal_mib << 20,
        event_log_bytes_max: retention.event_log_mib_max << 20,
        adapters: configuration.adapters.json_lines.iter().map(|sink| sink.name.clone()).collect(),
        synced,
        disk,
        stop,
    }
}

/// Opens the web door on what recovery told of the market; the log calls it when it grows.
fn open_web(
    door: WebDoor,
    views: MarketViews,
    event_log: &EventLogWriter,
    metrics: &Arc<Metrics>,
) -> Result<WebThread, Failure> {
    let waker = door.waker();
    event_log.on_written(move || {
        // A call that fails costs the door at most a second.
        let _ = waker.wake();
    });
    Ok(door.start(views, event_log.last(), Arc::clone(metrics))?)
}

fn run_layout(
    configuration: &Configuration,
    rim: Rim,
    matcher: MatcherStage,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let venue = &configuration.venue;
    let strategy = match venue.idle {
        Idle::Park => IdleStrategy::Park,
        Idle::Yield => IdleStrategy::Yield,
        Idle::Spin => IdleStrategy::Spin,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let layout = match venue.layout {
        Layout::Auto if cores < 3 => Layout::Inline,
        Layout::Auto => Layout::Compact,
        named => named,
    };
    pipeline::pin(venue.cores.first().copied());
    match layout {
        Layout::Inline => pipeline::run_inline(rim, matcher, strategy, stop),
        Layout::Compact | Layout::Auto => {
            pipeline::run_compact(rim, matcher, strategy, venue.cores.get(1).copied(), stop)
        }
        Layout::Dedicated => {
            let released = configuration.rings.output;
            pipeline::run_dedicated(rim, matcher, strategy, &venue.cores, released, stop)
        }
    }
}

/// What the log gets before any door opens: the seed in an empty folder, what is missing of it where the
/// first start was cut, else that no session is connected.
fn opening(
    configuration: &Configuration,
    last: Sequence,
    known: &Known,
) -> Result<Vec<CommandSlot>, seeding::SeedError> {
    let now = Clock::new(Timestamp(0)).now(Instant::now());
    if last.0 > 0 && !known.is_half_seeded(last) {
        let down = SessionCommand::blank(CommandKind::AllSessionsDown, Timestamp(0));
        return Ok(vec![CommandSlot::new(&down)]);
    }
    let mut commands = seeding::commands(&configuration.seed, configuration.venue.zone, now)?;
    if last.0 > 0 {
        known.check_seed(&commands, last)?;
        tracing::warn!(
            done = last.0,
            of = commands.len(),
            "the first start was cut while it seeded; it goes on"
        );
        commands.drain(..usize::try_from(last.0).unwrap_or(usize::MAX).min(commands.len()));
    }
    Ok(commands)
}

fn announce(
    configuration: &Configuration,
    folder: &DataFolder,
    addresses: &Endpoints,
    login: Option<&SessionSeed>,
    demo: bool,
) -> Result<(), Failure> {
    addresses.write(folder.path())?;
    if !configuration.venue.durable {
        tracing::warn!("venue.durable is false: acknowledged orders can be lost with a power cut");
    }
    if configuration.venue.insecure {
        tracing::warn!(
            "venue.insecure is true: passwords and orders travel unencrypted; keep the network to yourself"
        );
    }
    let folder = folder.path().display();
    let login = login.map_or_else(String::new, |session| {
        format!("  demo login             user {}, password {}\n", session.name, session.password)
    });
    let watch = configuration.seed.instruments.first().map_or_else(String::new, |instrument| {
        format!("  watch it trade         rotunda watch {} --data {folder}\n", instrument.symbol)
    });
    let web =
        addresses.web.map_or_else(String::new, |web| format!("  web page and streams   http://{web}/\n"));
    let participants = if demo { "simulated makers and takers" } else { "none of ours" };
    output::print(&format!(
        "Rotunda is open.\n  \
           OUCH 5.0 order entry   {}\n  \
           ITCH 5.0 market data   {}\n\
         {web}  \
           operators              rotunda admin --data {folder}\n\
         {login}{watch}  \
           participants           {participants}\n",
        addresses.ouch, addresses.itch,
    ))
}

/// Threads beside the pipeline: simulated participants and adapters.
struct Beside {
    participants: Option<Participants>,
    adapters: Vec<Stage>,
}

impl Beside {
    fn start(configuration: &Configuration, data: &Path, doors: &Doors, demo: bool) -> Result<Self, Failure> {
        let cursors = data_folder::cursors(data);
        std::fs::create_dir_all(&cursors)?;
        let mut adapters = Vec::new();
        for sink in &configuration.adapters.json_lines {
            let cursor = cursors.join(&sink.name);
            let options = StageOptions::new(&sink.name, data_folder::event_log(data), cursor);
            adapters.push(Stage::start(options, open_json_lines(&sink.path))?);
        }
        let seed = &configuration.seed;
        let participants = demo
            .then(|| Participants::start(&configuration.demo, seed, doors.addresses().ouch))
            .transpose()?;
        Ok(Self { participants, adapters })
    }

    fn stop(self) {
        if let Some(participants) = self.participants {
            participants.stop();
        }
        for adapter in self.adapters {
            if let Err(error) = adapter.stop() {
                tracing::error!(%error, "an adapter had stopped; it goes on from its cursor at the next start");
            }
        }
    }
}

fn door_options(configuration: &Configuration, data: &Path) -> DoorOptions {
    let doors = &configuration.doors;
    DoorOptions {
        ouch: doors.ouch,
        itch: doors.itch,
        event_log: data_folder::event_log(data),
        limits: DoorLimits {
            connections_max: doors.connections_max,
            connections_per_address_max: doors.connections_per_address_max,
            log_in_max: Duration::from_secs(doors.log_in_s_max),
            silence_max: Duration::from_secs(doors.silence_s_max),
            heartbeat: Duration::from_secs(doors.heartbeat_s),
            failed_log_ins_max: doors.failed_log_ins_max,
            packets_s_max: doors.packets_s_max,
            packets_s_log_out: doors.packets_s_log_out,
            bytes_s_log_out: doors.mib_s_log_out << 20,
            breaches_max: doors.breaches_max,
            output_bytes_max: doors.output_buffer_kib_max << 10,
        },
    }
}

fn web_options(configuration: &Configuration, data: &Path) -> WebOptions {
    let web = &configuration.web;
    WebOptions {
        address: web.address,
        event_log: data_folder::event_log(data),
        limits: WebLimits {
            connections_max: web.connections_max,
            streams_max: web.streams_max,
            messages_per_second_max: web.messages_per_second_max,
            request_max: Duration::from_secs(web.request_s_max),
            idle_max: Duration::from_secs(web.idle_s_max),
            ping: Duration::from_secs(web.ping_s),
            silence_max: Duration::from_secs(web.silence_s_max),
            output_bytes_max: web.output_buffer_kib_max << 10,
        },
    }
}

/// Nanoseconds after midnight UTC at which a day begins; negative in zones ahead of UTC.
fn day_begins_ns(venue: &Venue) -> Option<i64> {
    match venue.day_begins {
        DayBegins::Manual => None,
        DayBegins::At { minute } => {
            Some((i64::from(minute) - i64::from(venue.zone.minutes)) * 60_000_000_000)
        }
    }
}

fn check_descriptors(configuration: &Configuration) -> Result<(), Failure> {
    let Configuration { doors, web, .. } = configuration;
    let web_max = if web.enabled { web.connections_max } else { 0 };
    let needed = (doors.connections_max + web_max) as u64 + OTHER_DESCRIPTORS;
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limits.maximum, maximum: limits.maximum };
    if limits.current.is_some_and(|current| current < needed) {
        let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised);
    }
    let available = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if available.is_some_and(|available| available < needed) {
        return Err(Failure::new(format!(
            "doors.connections_max = {} and web.connections_max = {web_max} need {needed} file descriptors, the limit is {}; lower them, or raise the limit (ulimit -n, LimitNOFILE=)",
            doors.connections_max,
            available.unwrap_or(0)
        )));
    }
    Ok(())
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A second start within one process (tests) keeps the first log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // They would be told with `eprintln!`, which aborts: a venue must not end because its log's disk is full.
        .log_internal_errors(false)
        .try_init();
}
