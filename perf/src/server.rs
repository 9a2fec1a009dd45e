//! Servers under test, each a process of its own on a core of its own.

use crate::machine::{NoSuchCore, pin, pin_to_either};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A venue that is not open by then has failed.
const OPEN_MAX: Duration = Duration::from_secs(30);
/// A venue that has not ended this long after SIGTERM is killed.
const CLOSE_MAX: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Why a server did not start.
#[derive(Debug)]
pub enum ServerError {
    /// A core is missing.
    Core(NoSuchCore),
    /// A program could not be started, or a file not written.
    Io(PathBuf, io::Error),
    /// It ended, or did not say where it listens.
    NotOpen(PathBuf),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(error) => error.fmt(f),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NotOpen(path) => {
                write!(f, "{} did not open: run it by hand and read what it says", path.display())
            }
        }
    }
}

impl std::error::Error for ServerError {}

impl From<NoSuchCore> for ServerError {
    fn from(error: NoSuchCore) -> Self {
        Self::Core(error)
    }
}

/// The two cores that a comparison uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Where the server runs.
    pub server: usize,
    /// Where the client runs.
    pub client: usize,
}

/// Which stages of a venue share a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All of them, on the server's core.
    Inline,
    /// Sockets and matcher a thread each, on whatever core is free: on two cores one of them is the client's.
    Compact,
    /// A thread for each of gate, matcher, journaler and outlet, placed likewise.
    Dedicated,
}

impl Layout {
    /// As the configuration has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Compact => "compact",
            Self::Dedicated => "dedicated",
        }
    }
}

/// How a venue is started.
#[derive(Clone, Debug)]
pub struct VenueStart<'a> {
    /// The program `rotunda`.
    pub program: &'a Path,
    /// Folder for its data, made and removed.
    pub folder: PathBuf,
    /// Whether acknowledgements wait for the disk.
    pub durable: bool,
    /// Which stages share a thread.
    pub layout: Layout,
    /// Instruments of tick 1, named by [`symbol`]; 1: those of the default configuration.
    pub instruments: usize,
}

/// The symbol of instrument `number`, from 0, of a venue with several.
#[must_use]
pub fn symbol(number: usize) -> String {
    format!("LOAD{:02}", number + 1)
}

/// A server that runs until this is dropped.
pub struct Server {
    /// Where it listens: a venue for orders.
    pub address: SocketAddr,
    /// Where it speaks WebSocket, if it does.
    pub web: Option<SocketAddr>,
    /// Where a venue listens for readers of its feed.
    pub feed: Option<SocketAddr>,
    child: Child,
    data: Option<PathBuf>,
}

impl Server {
    /// Starts `program echo`: this program, as an echo server.
    ///
    /// # Errors
    /// It does not start or does not say where it listens.
    pub fn echo(program: &Path, cores: Cores) -> Result<Self, ServerError> {
        Self::of_this_program(program, "echo", cores)
    }

    /// Starts `program broadcast`: this program, as a plain WebSocket broadcaster.
    ///
    /// # Errors
    /// It does not start or does not say where it listens.
    pub fn broadcaster(program: &Path, cores: Cores) -> Result<Self, ServerError> {
        Self::of_this_program(program, "broadcast", cores)
    }

    /// It prints its addresses on one line.
    fn of_this_program(program: &Path, name: &str, cores: Cores) -> Result<Self, ServerError> {
        let failed = |error| ServerError::Io(program.to_owned(), error);
        let mut command = Command::new(program);
        command.args([name, "--core", &cores.server.to_string()]).stdout(Stdio::piped());
        let mut child = start_on(&mut command, program, cores)?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
        }
        let mut addresses = line.split_whitespace().map(str::parse);
        match addresses.next() {
            Some(Ok(address)) => {
                let web = addresses.next().and_then(Result::ok);
                Ok(Self { address, web, feed: None, child, data: None })
            }
            _ => {
                end(&mut child, Duration::ZERO);
                Err(ServerError::NotOpen(program.to_owned()))
            }
        }
    }

    /// Starts `rotunda run` on an empty folder, without demo participants.
    ///
    /// # Errors
    /// It does not start or does not open its doors.
    pub fn venue(start: &VenueStart<'_>, cores: Cores) -> Result<Self, ServerError> {
        Self::open_venue(start, &settings(start, cores), cores)
    }

    /// The same with its web door open, and idle threads that sleep: the door's thread is on the same core.
    ///
    /// # Errors
    /// It does not start or does not open its doors.
    pub fn venue_with_web(start: &VenueStart<'_>, cores: Cores) -> Result<Self, ServerError> {
        let text = settings(start, cores)
            .replace("idle = \"spin\"", "idle = \"park\"")
            .replace("[web]\nenabled = false", "[web]\naddress = \"127.0.0.1:0\"");
        Self::open_venue(start, &text, cores)
    }

    /// The same with the configuration `text`.
    ///
    /// # Errors
    /// It does not start or does not open its doors.
    pub fn open_venue(start: &VenueStart<'_>, text: &str, cores: Cores) -> Result<Self, ServerError> {
        let failed = |error| ServerError::Io(start.folder.clone(), error);
        _ = fs::remove_dir_all(&start.folder);
        fs::create_dir_all(&start.folder).map_err(failed)?;
        let configuration = start.folder.join("perf.toml");
        fs::write(&configuration, text).map_err(failed)?;
        let data = start.folder.join("data");
        let log = fs::File::create(start.folder.join("log")).map_err(failed)?;
        let mut command = Command::new(start.program);
        command.arg("run").arg("--config").arg(&configuration).arg("--data").arg(&data).arg("--no-demo");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = match start.layout {
            Layout::Inline => start_on(&mut command, start.program, cores)?,
            Layout::Compact | Layout::Dedicated => start_anywhere(&mut command, start.program, cores)?,
        };
        if let Some(found) = await_endpoints(&data.join("endpoints.json"), &mut child) {
            let Endpoints { address, web, feed } = found;
            return Ok(Self { address, web, feed, child, data: Some(start.folder.clone()) });
        }
        end(&mut child, Duration::ZERO);
        Err(ServerError::NotOpen(start.program.to_owned()))
    }
}

impl Server {
    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where a venue's feed is.
    #[must_use]
    pub fn itch(&self) -> Option<SocketAddr> {
        let endpoints = fs::read(self.data.as_ref()?.join("data/endpoints.json")).ok()?;
        serde_json::from_slice::<Value>(&endpoints).ok()?["itch"].as_str()?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child, if self.data.is_some() { CLOSE_MAX } else { Duration::ZERO });
        if let Some(folder) = &self.data {
            _ = fs::remove_dir_all(folder);
        }
    }
}

fn settings(start: &VenueStart<'_>, cores: Cores) -> String {
    let place = match start.layout {
        Layout::Inline => format!("cores = [{}]\nidle = \"spin\"", cores.server),
        Layout::Compact | Layout::Dedicated => "idle = \"yield\"".to_owned(),
    };
    let mut text = format!(
        "[venue]\nlayout = \"{}\"\n{place}\ndurable = {}\n\n\
         [doors]\nouch = \"127.0.0.1:0\"\nitch = \"127.0.0.1:0\"\n\n[web]\nenabled = false\n\n[demo]\nenabled = false\n",
        start.layout.word(),
        start.durable
    );
    if start.instruments > 1 {
        for number in 0..start.instruments {
            text += &format!(
                "\n[[seed.instruments]]\nsymbol = \"{}\"\nbase = \"BTC\"\nquote = \"USD\"\ntick = \"1\"\n\
                 lot = \"0.00000001\"\nprice_max = \"429496\"\nquantity_max = \"42.94967295\"\n\
                 collar = \"429496\"\nreference = \"68000\"\nmaker_fee = \"1\"\ntaker_fee = \"2\"\n",
                symbol(number)
            );
        }
    }
    text
}

/// Starts a program whose threads all inherit the server's core, and comes back to the client's.
fn start_on(command: &mut Command, program: &Path, cores: Cores) -> Result<Child, ServerError> {
    pin(cores.server)?;
    let started = command.spawn();
    pin(cores.client)?;
    started.map_err(|error| ServerError::Io(program.to_owned(), error))
}

/// Starts a program whose threads may use both cores.
fn start_anywhere(command: &mut Command, program: &Path, cores: Cores) -> Result<Child, ServerError> {
    pin_to_either(cores.server, cores.client)?;
    let started = command.spawn();
    pin(cores.client)?;
    started.map_err(|error| ServerError::Io(program.to_owned(), error))
}

struct Endpoints {
    address: SocketAddr,
    web: Option<SocketAddr>,
    feed: Option<SocketAddr>,
}

fn await_endpoints(path: &Path, child: &mut Child) -> Option<Endpoints> {
    let begun = Instant::now();
    while begun.elapsed() < OPEN_MAX && matches!(child.try_wait(), Ok(None)) {
        let endpoints = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let address = |name: &str| endpoints.as_ref()?[name].as_str()?.parse().ok();
        if let Some(ouch) = address("ouch") {
            return Some(Endpoints { address: ouch, web: address("web"), feed: address("itch") });
        }
        thread::sleep(LOOK_AGAIN);
    }
    None
}

/// Asks a process to end, waits for at most `patience`, and kills it if it has not.
fn end(child: &mut Child, patience: Duration) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw).filter(|_| !patience.is_zero())
    {
        _ = kill_process(pid, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < patience && matches!(child.try_wait(), Ok(None)) {
            thread::sleep(LOOK_AGAIN);
        }
    }
    _ = child.kill();
    _ = child.wait();
}
