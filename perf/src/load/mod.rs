//! The load client: one process, one thread, one clock, any number of sessions.
//!
//! A command has a moment at which it is due, whatever the venue does; its latency is counted from that
//! moment to its answer. A venue that stalls is thus charged for every command that should have been
//! sent meanwhile (no coordinated omission). Nothing here sleeps.

mod echo_orders;
mod link;
mod ouch_orders;
mod pace;
mod tally;

pub use pace::Pace;
pub use tally::LoadResult;

use crate::workload::{Flow, Generator, PlainCommand};
use echo_orders::EchoOrders;
use link::{Link, UNSENT_SIZE_MAX};
use mio::{Events, Interest, Poll, Token};
use net::client::{Client, ClientError, Credentials};
use net::ouch::OuchError;
use net::ouch::outbound::Outbound;
use net::soup::SoupError;
use ouch_orders::OuchOrders;
use pace::Schedule;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tally::Tally;

/// Commands that may be unanswered. At the bound none is sent until an answer comes; its moment has
/// passed all the same, so that the wait shows in its latency.
const UNANSWERED_MAX: u32 = 1 << 17;
/// Commands in flight while books are filled and emptied around a run.
const FILLING_IN_FLIGHT: u32 = 256;
/// Without any answer for this long, a run has failed.
const SILENCE_MAX: Duration = Duration::from_secs(10);
const EVENTS_MAX: usize = 256;

/// Who answers.
#[derive(Clone, Debug)]
pub enum Target {
    /// A venue, by its OUCH door.
    Venue {
        /// Name and password of each session.
        logins: Vec<(String, String)>,
        /// Instruments with a tick of 1, at most 8 characters each.
        symbols: Vec<String>,
    },
    /// An echo server.
    Echo {
        /// Connections.
        sessions: usize,
    },
}

/// One run of the load client.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where the other side listens.
    pub address: SocketAddr,
    /// Who it is.
    pub target: Target,
    /// How fast commands are offered.
    pub pace: Pace,
    /// Commands measured, after the books are filled.
    pub commands: u32,
    /// Seed of the flow and of its moments.
    pub seed: u64,
}

/// Why a run has no result.
#[derive(Debug)]
pub enum LoadError {
    /// A socket failed, or the other side closed it.
    Io(io::Error),
    /// A session could not log in.
    LogIn(ClientError),
    /// The venue did not tell a session's next number.
    NoNumber,
    /// The venue sent bytes that are no packet.
    Soup(SoupError),
    /// The venue sent a packet that is no message.
    Ouch(OuchError),
    /// The venue said why it will close a session.
    Refused {
        /// Which session, from 0.
        session: usize,
        /// Its words.
        text: String,
    },
    /// An answer came to nothing that was asked.
    Unasked {
        /// Which session, from 0.
        session: usize,
    },
    /// Commands were never answered.
    Unanswered {
        /// How many.
        commands: u32,
    },
    /// A symbol has more than 8 characters or there are none.
    Symbols,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "connection to the other side: {error}"),
            Self::LogIn(error) => write!(f, "log-in: {error}"),
            Self::NoNumber => write!(f, "the venue did not answer an account query"),
            Self::Soup(error) => write!(f, "the venue sent no SoupBinTCP: {error}"),
            Self::Ouch(error) => write!(f, "the venue sent no OUCH: {error}"),
            Self::Refused { session, text } => write!(f, "session {session} was told: {text}"),
            Self::Unasked { session } => {
                write!(f, "session {session} got an answer to nothing it had asked: is it used elsewhere?")
            }
            Self::Unanswered { commands } => write!(
                f,
                "{commands} commands had no answer after {} s of silence: they are lost, or the venue hangs",
                SILENCE_MAX.as_secs()
            ),
            Self::Symbols => write!(f, "give one or more instruments of 1 to 8 characters"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Turns commands into bytes and answers into a tally.
trait Counterpart {
    /// Queues one command; false where it has become pointless.
    fn say(&mut self, command: &PlainCommand, due_ns: u64, links: &mut [Link]) -> bool;

    /// Takes the whole answers at the start of `bytes` and tells how many bytes they were.
    fn hear(
        &mut self,
        session: usize,
        bytes: &[u8],
        now_ns: u64,
        tally: &mut Tally,
    ) -> Result<usize, LoadError>;

    /// A cancel of an order that is still open, until there is none.
    fn leftover(&mut self) -> Option<PlainCommand>;
}

/// Runs the load: fills the books, measures, cancels what is left.
///
/// # Errors
/// The other side cannot be reached, sends what it may not, or leaves a command without answer.
pub fn run(load: &Load) -> Result<LoadResult, LoadError> {
    match &load.target {
        Target::Venue { logins, symbols } => {
            let symbols: Vec<[u8; 8]> = symbols.iter().map(|text| padded(text)).collect::<Result<_, _>>()?;
            let (streams, first_refs) = log_in(load.address, logins)?;
            let flow = Flow { instruments: symbols.len() as u16, ..Flow::A };
            let orders = OuchOrders::new(&symbols, first_refs, flow.preload_count() + load.commands);
            measure(load, flow, streams, orders)
        }
        Target::Echo { sessions } => {
            let streams: Vec<TcpStream> =
                (0..*sessions).map(|_| TcpStream::connect(load.address)).collect::<Result<_, _>>()?;
            measure(load, Flow::A, streams, EchoOrders::new(*sessions))
        }
    }
}

fn padded(symbol: &str) -> Result<[u8; 8], LoadError> {
    if symbol.is_empty() || symbol.len() > 8 {
        Err(LoadError::Symbols)
    } else {
        Ok(net::wire::padded(symbol.as_bytes()))
    }
}

/// Logs in each session and asks for its next user number.
fn log_in(address: SocketAddr, logins: &[(String, String)]) -> Result<(Vec<TcpStream>, Vec<u32>), LoadError> {
    let mut streams = Vec::with_capacity(logins.len());
    let mut first_refs = Vec::with_capacity(logins.len());
    for (name, password) in logins {
        let mut client =
            Client::connect(address, &Credentials::from_now(name, password)).map_err(LoadError::LogIn)?;
        client.query().map_err(LoadError::LogIn)?;
        let next = loop {
            match client.receive_ouch(Some(SILENCE_MAX)).map_err(LoadError::LogIn)? {
                Some((_, Outbound::QueryResponse(answer))) => break answer.next_user_ref,
                Some(_) => {}
                None => return Err(LoadError::NoNumber),
            }
        };
        streams.push(client.stream().try_clone()?);
        first_refs.push(next);
    }
    Ok((streams, first_refs))
}

fn measure(
    load: &Load,
    flow: Flow,
    streams: Vec<TcpStream>,
    counterpart: impl Counterpart,
) -> Result<LoadResult, LoadError> {
    let sessions = streams.len();
    if sessions == 0 || flow.instruments == 0 {
        return Err(LoadError::Symbols);
    }
    let mut generator = Generator::new(flow, load.seed, load.commands);
    let mut client = Loader::new(streams, counterpart)?;
    let filling = Pace::InFlight(FILLING_IN_FLIGHT);
    client.offer(filling, load.seed, flow.preload_count(), || Some(generator.draw()))?;

    client.tally = Tally::new();
    let begun_ns = client.now_ns();
    client.offer(load.pace, load.seed, load.commands, || Some(generator.draw()))?;
    let result = LoadResult::of(&client.tally, load.pace, sessions, client.now_ns() - begun_ns);

    client.empty(filling)?;
    Ok(result)
}

struct Loader<C> {
    counterpart: C,
    links: Vec<Link>,
    poll: Poll,
    events: Events,
    epoch: Instant,
    tally: Tally,
}

impl<C: Counterpart> Loader<C> {
    fn new(streams: Vec<TcpStream>, counterpart: C) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut links = Vec::with_capacity(streams.len());
        for (place, stream) in streams.into_iter().enumerate() {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = mio::net::TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(place), both)?;
            links.push(Link::new(stream));
        }
        let (events, tally) = (Events::with_capacity(EVENTS_MAX), Tally::new());
        Ok(Self { counterpart, links, poll, events, epoch: Instant::now(), tally })
    }

    fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Offers up to `count` commands from `draw` and waits for every answer.
    fn offer(
        &mut self,
        pace: Pace,
        seed: u64,
        count: u32,
        mut draw: impl FnMut() -> Option<PlainCommand>,
    ) -> Result<(), LoadError> {
        let mut schedule = Schedule::new(pace, seed, self.now_ns());
        let mut left = count;
        let mut heard_ns = self.now_ns();
        while left > 0 || self.tally.unanswered > 0 {
            let now_ns = self.now_ns();
            while left > 0 && self.has_room() {
                let Some(due_ns) = schedule.take_due(now_ns, self.tally.unanswered) else { break };
                let Some(command) = draw() else {
                    left = 0;
                    break;
                };
                left -= 1;
                if self.counterpart.say(&command, due_ns, &mut self.links) {
                    self.tally.unanswered += 1;
                }
            }
            for link in &mut self.links {
                if !link.unsent.is_empty() {
                    link.flush()?;
                }
            }
            if self.hear()? || self.tally.unanswered == 0 {
                heard_ns = now_ns;
            } else if now_ns.saturating_sub(heard_ns) > SILENCE_MAX.as_nanos() as u64 {
                return Err(LoadError::Unanswered { commands: self.tally.unanswered });
            }
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.tally.unanswered < UNANSWERED_MAX
            && self.links.iter().all(|link| link.unsent.len() < UNSENT_SIZE_MAX)
    }

    /// Reads all that is there; whether anything was.
    fn hear(&mut self) -> Result<bool, LoadError> {
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        let mut heard = false;
        for event in self.events.iter().filter(|event| event.is_readable()) {
            let session = event.token().0;
            let link = &mut self.links[session];
            loop {
                let more = link.read()?;
                let now_ns = self.epoch.elapsed().as_nanos() as u64;
                let taken = self.counterpart.hear(session, link.received(), now_ns, &mut self.tally)?;
                link.take(taken);
                heard |= taken > 0;
                if !more {
                    break;
                }
            }
        }
        if !heard {
            // The kernel completes disk writes on a thread of either core: one that never yields would
            // keep it, and so the venue's answer, waiting for a whole time slice.
            std::thread::yield_now();
        }
        Ok(heard)
    }

    /// Cancels what is still open, so that the next run finds empty books.
    fn empty(&mut self, pace: Pace) -> Result<(), LoadError> {
        let mut leftovers = Vec::new();
        while let Some(cancel) = self.counterpart.leftover() {
            leftovers.push(cancel);
        }
        let mut leftovers = leftovers.into_iter();
        self.offer(pace, 0, leftovers.len() as u32, || leftovers.next())
    }
}
