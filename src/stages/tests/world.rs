//! The world of the simulation: one heap of steps, one seed, one time.

use super::clients::Client;
use super::node::{Bug, Found, JournalDisk, Node, Places};
use crate::config::Configuration;
use crate::seeding;
use engine::command::{Command, CommandKind, CommandSlot, OrderCommand, SessionCommand};
use engine::event::EventRecord;
use engine::number::{SessionId, Timestamp, UserRef};
use journal::JournalOptions;
use journal::disk::simulated::SimulatedDisk;
use journal::event_log::simulated;
use journal::event_log::{EventLogOptions, EventLogReader, RunningHash};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: usize = 4;
/// When the world begins, in UTC.
const BEGINNING_NS: u64 = 1_800_000_000_000_000_000;
/// Longest life between two cuts.
const LIFE_NS_MAX: u64 = 3_000_000;
/// Steps in which a venue that is left alone must have answered everything.
const DRAIN_STEPS_MAX: usize = 2_000_000;

/// What can happen next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Journal,
    Match,
    LetOut,
    Think(usize),
    Deliver(usize),
    Hear(usize),
}

/// What a run met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) cuts: u64,
    pub(super) commands: u64,
    pub(super) told: u64,
    pub(super) resent: u64,
    /// Published, and cut away before anybody was told.
    pub(super) commands_lost: u64,
    pub(super) bytes_torn: u64,
    event_hash: u64,
    state_hash: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.cuts += other.cuts;
        self.commands += other.commands;
        self.told += other.told;
        self.resent += other.resent;
        self.commands_lost += other.commands_lost;
        self.bytes_torn += other.bytes_torn;
    }
}

/// The folder of the event log; gone with the world.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        Self(base.join(format!("rotunda-power-cuts-{}-{number}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) struct World {
    bug: Bug,
    /// Every chance but the disk's own.
    chance: SimulatedDisk,
    now_ns: u64,
    origin: Instant,
    steps: BTreeMap<(u64, u64), Step>,
    steps_made: u64,
    clients: Vec<Client>,
    /// Every event that was let out, in order.
    released: Vec<EventRecord>,
    /// Of each session, the highest number of an order that reached the venue, for a planted bug.
    reached: BTreeMap<SessionId, u32>,
    places: Places,
    _folder: Folder,
    tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64, bug: Bug) -> Self {
        let folder = Folder::new();
        let mut chance = SimulatedDisk::new(seed ^ 0x5EED);
        let vouch_after = if chance.below(2) == 0 { Duration::ZERO } else { Duration::from_secs(3_600) };
        let journal = JournalOptions {
            segment_bytes: 64 << 10,
            record_bytes_max: 8 << 10,
            vouch_after,
            ..JournalOptions::new(PathBuf::from("simulated"))
        };
        // Nothing goes or is synced by real time: a run follows from its seed alone.
        let event_log = EventLogOptions {
            file_bytes_max: 48 << 10,
            block_bytes_max: 4 << 10,
            block_age_ns_max: u64::MAX,
            sync_ns_max: 3_600_000_000_000,
            queue_blocks_max: 2_048,
            ..EventLogOptions::new(folder.0.clone())
        };
        Self {
            bug,
            chance,
            now_ns: 0,
            origin: Instant::now(),
            steps: BTreeMap::new(),
            steps_made: 0,
            clients: Vec::new(),
            released: Vec::new(),
            reached: BTreeMap::new(),
            places: Places { journal, event_log },
            _folder: folder,
            tally: Tally::default(),
        }
    }

    /// So many lives, each ended by a power cut; then one that answers everything. An error is what the judge
    /// found.
    pub(super) fn run(mut self, cuts: u64) -> Result<Tally, String> {
        let seed = self.chance.below(u64::MAX);
        let mut disk = JournalDisk::new(seed, self.bug);
        if self.chance.below(2) == 0 {
            disk.disk.recycle();
        }
        let opening = self.opening();
        for cut in 0..cuts {
            self.life(&mut disk, &opening, false).map_err(|error| format!("life {cut}: {error}"))?;
            self.tally.cuts += 1;
        }
        self.life(&mut disk, &opening, true).map_err(|error| format!("the last life: {error}"))?;
        self.check_whole(&mut disk)?;
        self.tally.told = self.clients.iter().map(|client| client.told() as u64).sum();
        Ok(self.tally)
    }

    /// The market's first commands, without chance in them, and the clients' sessions.
    fn opening(&mut self) -> Vec<CommandSlot> {
        let configuration = Configuration::load(None).expect("the defaults are valid");
        let seed = &configuration.seed;
        for number in 1..=CLIENTS {
            let name = format!("demo{number:02}");
            let place = seed.sessions.iter().position(|session| session.name.as_str() == name);
            let place = place.expect("the default seed has these sessions");
            self.clients.push(Client::new(SessionId(place as u32 + 1)));
        }
        let commands = seeding::commands(seed, configuration.venue.zone, Timestamp(BEGINNING_NS));
        let mut commands = commands.expect("the default seed is valid");
        for command in &mut commands {
            if let Ok(Command::AddSession(added)) = command.view() {
                let mut added = *added;
                (added.salt, added.password_hash) = ([7; 16], [9; 32]);
                *command = CommandSlot::new(&added);
            }
        }
        commands
    }

    fn after(&mut self, delay_ns_max: u64, step: Step) {
        let at = self.now_ns + 1 + self.chance.below(delay_ns_max);
        self.steps_made += 1;
        self.steps.insert((at, self.steps_made), step);
    }

    /// One life of the venue: start, judge, load, and the power cut; the last one ends in good order instead.
    fn life(&mut self, disk: &mut JournalDisk, opening: &[CommandSlot], last: bool) -> Result<(), String> {
        let folder = self.places.event_log.folder.clone();
        if self.chance.below(4) == 0 {
            // The power may fail in the midst of a start too.
            disk.disk.fail_power_after(self.chance.below(4));
            let (event_disk, mut survivors) = simulated::disk(&folder, &[]);
            drop(Node::start(disk, (event_disk, &mut survivors), &self.places).ok());
            disk.cut_power();
            self.cut_events(&mut survivors)?;
        }
        let (event_disk, mut survivors) = simulated::disk(&folder, &[]);
        let (mut node, found) = Node::start(disk, (event_disk, &mut survivors), &self.places)?;
        self.judge(&found)?;
        let fresh = found.commands == 0;
        let down = CommandSlot::new(&SessionCommand::blank(CommandKind::AllSessionsDown, Timestamp(0)));
        let first = if fresh { opening.to_vec() } else { vec![down] };
        self.steps.clear();
        self.begin_stages();
        self.live(&mut node, first, last)?;
        let published = node.input.last().0;
        if last {
            return node.close();
        }
        drop(node);
        disk.cut_power();
        self.cut_events(&mut survivors)?;
        self.clients.iter_mut().try_for_each(Client::disconnect)?;
        self.tally.commands = published;
        Ok(())
    }

    fn begin_stages(&mut self) {
        for step in [Step::Journal, Step::Match, Step::LetOut] {
            self.after(1_000, step);
        }
        for client in 0..CLIENTS {
            for step in [Step::Think(client), Step::Deliver(client), Step::Hear(client)] {
                self.after(20_000, step);
            }
        }
    }

    fn cut_events(&mut self, survivors: &mut simulated::Survivors) -> Result<(), String> {
        let chance = &mut self.chance;
        survivors.cut_power(&mut |bound| chance.below(bound)).map_err(|error| error.to_string())
    }

    /// What the journal made must begin with all that was let out, and go on for each client where it stood.
    fn judge(&mut self, found: &Found) -> Result<(), String> {
        let same = self.released.iter().zip(&found.events).take_while(|(out, made)| out == made).count();
        if same < self.released.len() {
            return Err(format!(
                "{} events were let out, the journal makes {same} of them again",
                self.released.len()
            ));
        }
        let hash = found.events.iter().fold(RunningHash::default(), |hash, event| hash.fold(event));
        if hash.0 != found.event_hash {
            return Err("the engine's hash is not that of its events".to_owned());
        }
        self.tally.commands_lost += self.tally.commands.saturating_sub(found.commands);
        self.tally.bytes_torn += found.bytes_cut;
        self.tally.event_hash = found.event_hash;
        self.tally.state_hash = found.state_hash;
        // What a start brings back counts as let out: it is committed, and readers see it.
        self.released.clone_from(&found.events);
        for client in &mut self.clients {
            self.tally.resent += client.resume(&found.events)? as u64;
            self.reached.insert(client.session, client.last_answered());
        }
        Ok(())
    }

    fn live(&mut self, node: &mut Node<'_>, mut first: Vec<CommandSlot>, last: bool) -> Result<(), String> {
        first.reverse();
        let mut cut_at = self.now_ns + 1 + self.chance.below(LIFE_NS_MAX);
        // A first start that is cut off leaves a part of the seed; the next one names what is missing, and an
        // operator adds it. Here nobody would: the first life begins when its market is whole.
        let mut opens = first.len() > 1;
        for _ in 0..DRAIN_STEPS_MAX {
            let Some(((at, _), step)) = self.steps.pop_first() else { break };
            if opens {
                opens = !(first.is_empty() && node.is_drained());
                cut_at = cut_at.max(at + 1);
            }
            if !last && at > cut_at {
                self.now_ns = cut_at;
                return Ok(());
            }
            self.now_ns = at;
            let time = Timestamp(BEGINNING_NS + self.now_ns);
            while let Some(command) = first.last()
                && node.publish(&command.at(time))
            {
                first.pop();
            }
            self.step(node, step, first.is_empty(), last)?;
            let quiet = |client: &Client| client.wire.is_empty() && client.inbox.is_empty();
            if last && first.is_empty() && self.clients.iter().all(quiet) && node.is_drained() {
                return Ok(());
            }
        }
        Err("a venue that was left alone did not come to an end".to_owned())
    }

    fn step(&mut self, node: &mut Node<'_>, step: Step, is_open: bool, last: bool) -> Result<(), String> {
        let time = Timestamp(BEGINNING_NS + self.now_ns);
        let delay_ns_max = match step {
            Step::Journal => {
                node.journal(self.origin + Duration::from_nanos(self.now_ns))?;
                5_000
            }
            Step::Match => {
                node.matcher.poll();
                // Its thread loses its core at times.
                if self.chance.below(20) == 0 { 200_000 } else { 5_000 }
            }
            Step::LetOut => {
                let flush = self.chance.below(3) == 0;
                let Self { clients, released, .. } = self;
                node.let_out(flush, &mut |event| {
                    released.push(*event);
                    let heard =
                        |client: &&mut Client| client.session == event.session() && event.report().0 > 0;
                    if let Some(client) = clients.iter_mut().find(heard) {
                        client.inbox.push_back(*event);
                    }
                })?;
                8_000
            }
            Step::Think(client) => {
                if !last && is_open {
                    self.clients[client].think(&mut self.chance, time);
                }
                60_000
            }
            Step::Deliver(client) => {
                if is_open {
                    self.deliver(node, client, time);
                }
                10_000
            }
            Step::Hear(client) => {
                if let Some(report) = self.clients[client].inbox.pop_front() {
                    self.clients[client].hear(&report)?;
                }
                3_000
            }
        };
        self.after(delay_ns_max, step);
        Ok(())
    }

    /// What is next on a client's wire reaches the venue, in order; a full ring leaves it there.
    fn deliver(&mut self, node: &mut Node<'_>, client: usize, time: Timestamp) {
        let client = &mut self.clients[client];
        for _ in 0..=self.chance.below(8) {
            let Some(&command) = client.wire.front() else { return };
            let mut command = command.at(time);
            if self.bug == Bug::NoDeduplication
                && let Ok(Command::Order(order)) = command.view()
                && order.kind == CommandKind::Enter
            {
                let reached = self.reached.entry(client.session).or_default();
                *reached = (*reached + 1).max(order.user_ref.0);
                command = CommandSlot::new(&OrderCommand { user_ref: UserRef(*reached), ..*order });
            }
            if !node.publish(&command) {
                return;
            }
            client.wire.pop_front();
        }
    }

    /// The end: everything was answered, and the logs, read once more, hold exactly what was let out.
    fn check_whole(&mut self, disk: &mut JournalDisk) -> Result<(), String> {
        if let Some(client) = self.clients.iter().find(|client| !client.is_answered()) {
            return Err(format!("session {}: an order was never answered", client.session));
        }
        let mut reader =
            EventLogReader::open(&self.places.event_log.folder).map_err(|error| error.to_string())?;
        let mut stored = 0;
        while let Some(event) = reader.next().map_err(|error| error.to_string())? {
            if self.released.get(stored) != Some(&event) {
                return Err(format!("event {stored} of the event log was not let out"));
            }
            stored += 1;
        }
        if stored != self.released.len() {
            return Err(format!(
                "{} events were let out, {stored} are in the event log",
                self.released.len()
            ));
        }
        let (event_disk, mut survivors) = simulated::disk(&self.places.event_log.folder, &[]);
        let (node, found) = Node::start(disk, (event_disk, &mut survivors), &self.places)?;
        drop(node);
        self.tally.commands = found.commands;
        self.judge(&found)
    }
}
