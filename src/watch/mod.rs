//! `rotunda watch`: one instrument's ladder and tape, from the ITCH door alone.

mod market;
mod screen;

use crate::admin::{self, Envelope, Request};
use crate::cli::WatchOptions;
use crate::endpoints::{self, Endpoints};
use crate::failure::Failure;
use crate::output;
use engine::decimal::Decimal;
use market::Market;
use net::client::{Client, ClientError, Credentials, Received};
use net::itch;
use screen::Style;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Shortest time between two pictures on a terminal.
const REDRAW: Duration = Duration::from_millis(100);
/// Shortest time between two pictures in a file or pipe.
const REPRINT: Duration = Duration::from_secs(1);
/// Silence after which the feed has been read to its end.
const CAUGHT_UP: Duration = Duration::from_millis(250);
/// Pause before a lost connection is tried again, and how often it is.
const RETRY: Duration = Duration::from_secs(1);
const RETRIES_MAX: u32 = 30;
/// Most levels that are drawn on each side.
const LEVELS_MAX: usize = 1_000;

/// `rotunda watch`.
pub(crate) fn run(options: &WatchOptions) -> Result<(), Failure> {
    let address = match options.itch {
        Some(address) => address,
        None => Endpoints::read(&options.data)?.itch,
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let lots = Lots::new(options)?;
    let mut feed = Feed::connect(address, options, lots)?;
    let watched = watch(&mut feed, options, &stop);
    if feed.painted {
        output::print("\x1b[?25h\x1b[?1049l")?;
    }
    watched
}

/// Whether pictures are still wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    There,
    Gone,
}

fn watch(feed: &mut Feed, options: &WatchOptions, stop: &AtomicBool) -> Result<(), Failure> {
    let terminal = std::io::stdout().is_terminal() && !options.once;
    let interval = if terminal { REDRAW } else { REPRINT };
    let mut shown: Option<Instant> = None;
    let mut changed = false;
    let mut caught_up = false;
    while !stop.load(Ordering::Relaxed) {
        let wait = if caught_up { interval } else { CAUGHT_UP };
        match feed.next(wait)? {
            Some(news) => changed |= news,
            None => caught_up = true,
        }
        let due = shown.is_none_or(|last| last.elapsed() >= interval);
        caught_up |= feed.is_live();
        if !caught_up || !due || !(changed || shown.is_none()) {
            continue;
        }
        let reader = feed.paint(options, terminal)?;
        shown = Some(Instant::now());
        changed = false;
        if options.once || reader == Reader::Gone {
            break;
        }
    }
    Ok(())
}

/// The ITCH session and what it has told.
struct Feed {
    address: SocketAddr,
    credentials: Credentials,
    client: Client,
    market: Market,
    symbol: [u8; 8],
    lots: Lots,
    /// The terminal shows a picture of ours.
    painted: bool,
}

/// Where the size of a lot comes from: the feed counts lots and does not tell their size.
enum Lots {
    /// The command line.
    Given(Decimal),
    /// The operators' socket of the venue, asked again whenever the instrument's terms are told.
    Venue { listings: u64, lot: Option<Decimal> },
    /// Nowhere.
    Unknown,
}

impl Lots {
    fn new(options: &WatchOptions) -> Result<Self, Failure> {
        match &options.lot {
            Some(text) => match Decimal::parse(text) {
                Ok(lot) if lot.mantissa > 0 => Ok(Self::Given(lot)),
                _ => Err(Failure::usage(format!("--lot {text}: a decimal number above 0"))),
            },
            // The address may be that of another venue than the folder's.
            None if options.itch.is_some() => Ok(Self::Unknown),
            None => Ok(Self::Venue { listings: 0, lot: None }),
        }
    }

    /// The size now; `listings` counts how often the instrument's terms were told.
    fn size(&mut self, options: &WatchOptions, listings: u64) -> Option<Decimal> {
        match self {
            Self::Given(lot) => Some(*lot),
            Self::Unknown => None,
            Self::Venue { listings: asked, lot } => {
                if *asked != listings {
                    (*asked, *lot) = (listings, ask(options));
                }
                *lot
            }
        }
    }
}

/// The lot as the venue tells operators; `None` where it does not answer.
fn ask(options: &WatchOptions) -> Option<Decimal> {
    let envelope = Envelope { who: "watch".to_owned(), why: String::new(), request: Request::Instruments };
    let rows = admin::ask(&options.data, &envelope).ok()?.ok()?;
    let is_ours =
        |row: &&serde_json::Value| row["symbol"] == options.symbol.as_str() && row["phase"] != "Delisted";
    let lot = rows.as_array()?.iter().find(is_ours)?["lot"].as_str()?;
    Decimal::parse(lot).ok()
}

impl Feed {
    fn connect(address: SocketAddr, options: &WatchOptions, lots: Lots) -> Result<Self, Failure> {
        let symbol = crate::symbol::padded(&options.symbol).ok_or_else(|| {
            Failure::usage(format!("{}: a symbol has 1 to 8 ASCII characters", options.symbol))
        })?;
        let credentials = Credentials::from_start(&options.session, &options.password);
        let client = Client::connect(address, &credentials).map_err(|error| {
            Failure::new(format!(
                "ITCH at {address}, session {}: {error}{}",
                options.session,
                endpoints::remedy(&error)
            ))
        })?;
        Ok(Self { address, credentials, client, market: Market::new(symbol), symbol, lots, painted: false })
    }

    /// Takes in the next message; whether it changed the picture, `None` if none came within `wait`.
    fn next(&mut self, wait: Duration) -> Result<Option<bool>, Failure> {
        match self.client.receive(Some(wait)) {
            Ok(Some(Received::Message(_, bytes))) => {
                let message = itch::decode(bytes)?;
                Ok(Some(self.market.learn(&message)))
            }
            Ok(Some(Received::EndOfSession)) => {
                self.market = Market::new(self.symbol);
                self.credentials.session.clear();
                self.credentials.sequence = 1;
                self.reconnect()?;
                Ok(Some(true))
            }
            Ok(None) => Ok(None),
            Err(ClientError::Io(_) | ClientError::Closed(_)) => {
                self.credentials.session = self.client.session().to_owned();
                self.credentials.sequence = self.client.next_sequence();
                self.reconnect()?;
                Ok(Some(false))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn reconnect(&mut self) -> Result<(), Failure> {
        for _ in 0..RETRIES_MAX {
            match Client::connect(self.address, &self.credentials) {
                Ok(client) => {
                    self.client = client;
                    return Ok(());
                }
                Err(ClientError::Io(_) | ClientError::Closed(_)) => std::thread::sleep(RETRY),
                Err(error) => return Err(error.into()),
            }
        }
        let message = format!(
            "ITCH at {}: the connection was lost and could not be made again; is the venue open (`rotunda run`)?",
            self.address
        );
        Err(Failure::new(message))
    }

    /// Whether the last message is from now rather than from the day's past.
    fn is_live(&self) -> bool {
        const RECENT_NS: u64 = 500_000_000;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let since_midnight_ns = u64::try_from(now.as_nanos() % 86_400_000_000_000).unwrap_or(0);
        since_midnight_ns.saturating_sub(self.market.time_ns()) < RECENT_NS
    }

    fn paint(&mut self, options: &WatchOptions, terminal: bool) -> Result<Reader, Failure> {
        if !self.market.is_listed() {
            let symbols: Vec<&str> = self.market.symbols().collect();
            let listed = symbols.join(", ");
            return Err(Failure::new(format!("{} is not listed here; these are: {listed}", options.symbol)));
        }
        let lot = self.lots.size(options, self.market.listings());
        let style = Style { levels: options.levels.clamp(1, LEVELS_MAX), colours: terminal, lot };
        let picture = screen::draw(&options.symbol, &self.market, style);
        let mut out = std::io::stdout().lock();
        let written = if terminal {
            let enter = if self.painted { "" } else { "\x1b[?1049h\x1b[?25l" };
            let picture = picture.replace('\n', "\x1b[K\n");
            self.painted = true;
            write!(out, "{enter}\x1b[H{picture}\x1b[J")
        } else {
            writeln!(out, "{picture}")
        };
        let written = written.and_then(|()| out.flush());
        let reader = if written.is_err() { Reader::Gone } else { Reader::There };
        output::forgive(written)?;
        Ok(reader)
    }
}
