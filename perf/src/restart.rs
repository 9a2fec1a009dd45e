//! How long a start takes, against the length of the log, with and without a snapshot.
//!
//! Commands of flow A go straight into the journal of a closed venue, on the first instrument and session of the
//! default seed. A start makes their events; a second one is measured: it has only to read, carry out and
//! compare. Then `rotunda snapshot`, and a third one is measured.

use crate::production;
use crate::workload::{Flow, Generator};
use engine::command::{CommandKind, CommandSlot, SessionCommand};
use engine::number::SessionId;
use journal::{Journal, JournalError, JournalOptions, stored_segments};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A start that takes longer has failed.
const OPEN_MAX: Duration = Duration::from_secs(3_600);
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Commands given to the journal at once.
const BATCH: usize = 1_024;
/// No snapshot but the one that is asked for, and no thresholds.
const SETTINGS: &str = "[doors]\nouch = \"127.0.0.1:0\"\nitch = \"127.0.0.1:0\"\n\n[web]\nenabled = false\n\n[demo]\nenabled = false\n\n\
    [retention]\njournal_mib = 16_777_216\nevent_log_mib_max = 16_777_216\n\n\
    [disk]\nrefuse_percent = 0\nstop_percent = 0\n";

/// Why there is no result.
#[derive(Debug)]
pub enum RestartError {
    /// A file or program.
    Io(PathBuf, io::Error),
    /// The journal cannot be written.
    Journal(JournalError),
    /// The venue, or its snapshot, ended with an error; its words are in this file.
    Failed(PathBuf),
}

impl fmt::Display for RestartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Journal(error) => error.fmt(f),
            Self::Failed(log) => write!(f, "the venue failed: read {}", log.display()),
        }
    }
}

impl std::error::Error for RestartError {}

impl From<JournalError> for RestartError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Restart<'a> {
    /// The program `rotunda`.
    pub program: &'a Path,
    /// Folder for its data, made and removed.
    pub folder: PathBuf,
    /// Commands in the journal at the last step.
    pub commands: u32,
    /// Lengths of the journal at which starts are measured.
    pub steps: u32,
    /// Seed of the flow.
    pub seed: u64,
}

/// One length of the journal.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Commands of the flow in it.
    pub commands: u32,
    /// Its segments, in bytes.
    pub journal_bytes: u64,
    /// The snapshot, in bytes.
    pub snapshot_bytes: u64,
    /// From the start of the process to open doors, from the first command on.
    pub without: Duration,
    /// The same from the snapshot on.
    pub with: Duration,
    /// How long making the snapshot took.
    pub made_in: Duration,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>11} commands: {:>8.2} s without a snapshot, {:>6.2} s with one of {} MiB, made in {:.2} s",
            self.commands,
            self.without.as_secs_f64(),
            self.with.as_secs_f64(),
            self.snapshot_bytes >> 20,
            self.made_in.as_secs_f64()
        )
    }
}

impl Step {
    /// As a row of a stored result.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "commands": self.commands, "journal_bytes": self.journal_bytes, "snapshot_bytes": self.snapshot_bytes,
            "seconds_without_snapshot": self.without.as_secs_f64(),
            "seconds_with_snapshot": self.with.as_secs_f64(), "seconds_to_make": self.made_in.as_secs_f64(),
        })
    }
}

/// Measures all steps; each is told as it is done.
///
/// # Errors
/// A venue does not open, a snapshot is not made, or the disk refuses.
pub fn measure(options: &Restart<'_>, tell: &mut dyn FnMut(&Step)) -> Result<Vec<Step>, RestartError> {
    let venue = Venue::new(options)?;
    venue.start()?.1.stop();
    let flow = Flow { instruments: 1, ..Flow::A };
    let mut generator = Generator::new(flow, options.seed, options.commands);
    let mut drawn = 0;
    let mut steps = Vec::new();
    for step in 1..=options.steps {
        let commands =
            u32::try_from(u64::from(options.commands) * u64::from(step) / u64::from(options.steps))
                .unwrap_or(u32::MAX);
        let total = flow.preload_count().saturating_add(commands);
        venue.extend(&mut generator, total - drawn, u64::from(step))?;
        drawn = total;
        steps.push(venue.measure(commands)?);
        steps.iter().next_back().into_iter().for_each(&mut *tell);
    }
    fs::remove_dir_all(&options.folder).map_err(|error| RestartError::Io(options.folder.clone(), error))?;
    Ok(steps)
}

struct Venue<'a> {
    program: &'a Path,
    data: PathBuf,
    configuration: PathBuf,
    log: PathBuf,
}

struct Running(Child);

impl Running {
    /// Asks it to end and waits.
    fn stop(mut self) {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process(pid, Signal::TERM);
        }
        _ = self.0.wait();
    }
}

impl<'a> Venue<'a> {
    fn new(options: &Restart<'a>) -> Result<Self, RestartError> {
        let folder = &options.folder;
        let failed = |error| RestartError::Io(folder.clone(), error);
        _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(failed)?;
        let configuration = folder.join("perf.toml");
        fs::write(&configuration, SETTINGS).map_err(failed)?;
        Ok(Self {
            program: options.program,
            data: folder.join("data"),
            configuration,
            log: folder.join("log"),
        })
    }

    fn command(&self, name: &str) -> Result<Command, RestartError> {
        let log = fs::File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| RestartError::Io(self.log.clone(), error))?;
        let mut command = Command::new(self.program);
        command.arg(name).arg("--data").arg(&self.data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(command)
    }

    /// Starts the venue; how long it took until its doors were open.
    fn start(&self) -> Result<(Duration, Running), RestartError> {
        let endpoints = self.data.join("endpoints.json");
        let mut command = self.command("run")?;
        command.arg("--config").arg(&self.configuration);
        let begun = Instant::now();
        let mut child = command.spawn().map_err(|error| RestartError::Io(self.program.to_owned(), error))?;
        while begun.elapsed() < OPEN_MAX && matches!(child.try_wait(), Ok(None)) {
            if endpoints.exists() {
                return Ok((begun.elapsed(), Running(child)));
            }
            thread::sleep(LOOK_AGAIN);
        }
        _ = child.kill();
        _ = child.wait();
        Err(RestartError::Failed(self.log.clone()))
    }

    /// Appends commands to the journal of the closed venue.
    fn extend(&self, generator: &mut Generator, count: u32, login: u64) -> Result<(), RestartError> {
        let options = JournalOptions::new(self.data.join("journal"));
        let (mut journal, _) = journal::open(&options, &mut |_, _| {}, &mut |_| {})?;
        append(&mut journal, &[log_in(login)])?;
        let mut batch = Vec::with_capacity(BATCH);
        for _ in 0..count {
            batch.push(production::slot(&generator.draw(), production::Mode::Bare));
            if batch.len() == BATCH {
                append(&mut journal, &batch)?;
                batch.clear();
            }
        }
        append(&mut journal, &batch)?;
        Ok(journal.close()?)
    }

    fn measure(&self, commands: u32) -> Result<Step, RestartError> {
        let snapshots = self.data.join("snapshots");
        _ = fs::remove_dir_all(&snapshots);
        self.start()?.1.stop();
        let (without, running) = self.start()?;
        running.stop();
        let begun = Instant::now();
        let made = self.command("snapshot")?.status();
        if !made.map_err(|error| RestartError::Io(self.program.to_owned(), error))?.success() {
            return Err(RestartError::Failed(self.log.clone()));
        }
        let made_in = begun.elapsed();
        let (with, running) = self.start()?;
        running.stop();
        let bytes = |path: &Path| -> u64 {
            let files = fs::read_dir(path).into_iter().flatten().flatten();
            files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
        };
        let segments = stored_segments(&self.data.join("journal"))?;
        let journal_bytes = segments.iter().map(|segment| segment.bytes).sum();
        Ok(Step { commands, journal_bytes, snapshot_bytes: bytes(&snapshots), without, with, made_in })
    }
}

fn log_in(connection: u64) -> CommandSlot {
    let mut login = SessionCommand::blank(CommandKind::LogIn, production::TIME);
    login.session = SessionId(1);
    login.connection = connection;
    CommandSlot::new(&login)
}

/// Appends all of `commands`, as room comes.
fn append(journal: &mut Journal, commands: &[CommandSlot]) -> Result<(), JournalError> {
    let mut rest = commands;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(journal.room()));
        if !now.is_empty() {
            journal.append(journal.appended().next(), now.iter());
        }
        journal.poll(Instant::now())?;
        rest = later;
    }
    Ok(())
}
