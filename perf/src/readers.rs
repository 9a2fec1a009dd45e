//! Many WebSocket readers of one market: the venue against a plain broadcaster in its place.
//!
//! The broadcaster is what a WebSocket library invites to: a thread that sends each message to each client.
//! It decodes nothing, keeps nothing and knows its message beforehand; the venue takes an order, matches it,
//! writes its log, follows the log and encodes the trade. Latency is from sending to each reader's reading.

use crate::histogram::{Percentiles, latency_histogram, median, rounded};
use crate::server::{Cores, Layout, Server, VenueStart};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use net::client::{Client, Credentials};
use net::ouch::inbound::EnterOrder;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket};

/// Messages before those that count.
const WARM_UP: usize = 20;
/// Between two messages: a thousand readers are served in less.
const PAUSE: Duration = Duration::from_millis(20);
/// What has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(30);
const EVENTS_MAX: usize = 1_024;
const READ_SIZE: usize = 64 * 1_024;
/// Price of the trades, ten-thousandths.
const PRICE: u64 = 1_000_000_000;
/// The size of the venue's own message.
const MESSAGE: &str = r#"{"e":"trade","E":1795696440000,"s":"BTCUSD","t":100,"p":"100000","q":"0.00000001","T":1795696440000,"m":false,"M":true}"#;

/// What is compared.
#[derive(Clone, Debug)]
pub struct Readers {
    /// The program `rotunda`.
    pub venue: PathBuf,
    /// This program, which is the broadcaster too.
    pub broadcaster: PathBuf,
    /// Folder for the venue's data.
    pub folder: PathBuf,
    /// Cores.
    pub cores: Cores,
    /// WebSocket clients.
    pub readers: usize,
    /// Messages that count.
    pub messages: usize,
    /// Pairs of runs.
    pub pairs: usize,
}

/// Latencies of both, pair by pair.
#[derive(Clone, Debug)]
pub struct ReadersResult {
    readers: usize,
    messages: usize,
    /// Venue and broadcaster.
    pairs: Vec<[Percentiles; 2]>,
}

impl ReadersResult {
    /// The venue's p99 over the broadcaster's: the middle one of the pairs.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        median(self.pairs.iter().map(|[venue, plain]| venue.p99_ns as f64 / plain.p99_ns as f64).collect())
    }

    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        let pairs: Vec<Value> = self
            .pairs
            .iter()
            .map(|[venue, plain]| json!({ "venue": venue.json(), "broadcaster": plain.json() }))
            .collect();
        json!({
            "readers": self.readers,
            "messages": self.messages,
            "p99_ratio": rounded(self.ratio(), 2),
            "pairs": pairs,
        })
    }
}

impl fmt::Display for ReadersResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} WebSocket readers, {} trades", self.readers, self.messages)?;
        for [venue, plain] in &self.pairs {
            writeln!(f, "  broadcaster {plain}\n  venue       {venue}")?;
        }
        write!(f, "  p99 {:.2} × broadcaster", self.ratio())
    }
}

impl Readers {
    /// Runs the pairs.
    ///
    /// # Errors
    /// A server does not start, or a message does not come.
    pub fn run(&self) -> Result<ReadersResult, Box<dyn Error>> {
        raise_descriptors(self.readers)?;
        let mut pairs = Vec::new();
        for _ in 0..self.pairs.max(1) {
            let plain = {
                let server = Server::broadcaster(&self.broadcaster, self.cores)?;
                let mut feed = std::net::TcpStream::connect(server.address)?;
                feed.set_nodelay(true)?;
                let web = server.web.ok_or("the broadcaster names no second address")?;
                self.measure(web, "/", &mut || Ok(feed.write_all(&[1])?))?
            };
            let venue = {
                let folder = self.folder.join(format!("readers-{}", std::process::id()));
                let start = VenueStart {
                    program: &self.venue,
                    folder,
                    durable: false,
                    layout: Layout::Inline,
                    instruments: 1,
                };
                let server = Server::venue_with_web(&start, self.cores)?;
                let web = server.web.ok_or("the venue has no web door")?;
                let mut taker = market(server.address, WARM_UP + self.messages)?;
                let mut number = 0;
                self.measure(web, "/ws/btcusd@trade", &mut || {
                    number += 1;
                    taker.enter(&order(number, b'B', 1), &[])?;
                    taker.flush()?;
                    while taker.receive(Some(Duration::ZERO))?.is_some() {}
                    Ok(())
                })?
            };
            pairs.push([venue, plain]);
        }
        Ok(ReadersResult { readers: self.readers, messages: self.messages, pairs })
    }

    /// Sends message after message and reads each on every connection.
    fn measure(
        &self,
        address: SocketAddr,
        path: &str,
        send: &mut dyn FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<Percentiles, Box<dyn Error>> {
        let mut poll = Poll::new()?;
        let mut readers = Vec::with_capacity(self.readers);
        for index in 0..self.readers {
            let mut stream = TcpStream::from_std(open(address, path)?);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            readers.push(Reader { stream, partial: Vec::new(), received: 0 });
        }
        let mut histogram = latency_histogram();
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut buffer = vec![0; READ_SIZE];
        let mut sent: Vec<Instant> = Vec::new();
        let (mut missing, mut due) = (self.readers * (WARM_UP + self.messages), Instant::now() + PAUSE);
        while missing > 0 {
            let now = Instant::now();
            if sent.len() < WARM_UP + self.messages && now >= due {
                sent.push(now);
                send()?;
                due += PAUSE;
            }
            if sent.last().is_some_and(|last| last.elapsed() > PATIENCE) {
                return Err(format!("{missing} messages did not come within {PATIENCE:?}").into());
            }
            poll.poll(&mut events, Some(due.saturating_duration_since(Instant::now()).min(PAUSE)))?;
            for event in &events {
                let reader = &mut readers[event.token().0];
                reader.read(&mut buffer, &mut |number| {
                    missing = missing.saturating_sub(1);
                    if number >= WARM_UP {
                        let latency = sent.get(number).map_or(Duration::ZERO, Instant::elapsed);
                        histogram
                            .saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
                    }
                })?;
            }
        }
        Ok(Percentiles::of(&histogram))
    }
}

/// A WebSocket connection that only counts texts.
struct Reader {
    stream: TcpStream,
    partial: Vec<u8>,
    received: usize,
}

impl Reader {
    fn read(&mut self, buffer: &mut [u8], take: &mut dyn FnMut(usize)) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.partial.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            let mut at = 0;
            while let Some((is_text, size)) = frame(&self.partial[at..]) {
                at += size;
                if is_text {
                    take(self.received);
                    self.received += 1;
                }
            }
            self.partial.drain(..at);
        }
    }
}

/// Whether the first frame is a text, and its size; `None` while it is not there whole.
fn frame(bytes: &[u8]) -> Option<(bool, usize)> {
    let [first, length, rest @ ..] = bytes else { return None };
    let size = match length {
        126 => 4 + (usize::from(*rest.first()?) << 8) + usize::from(*rest.get(1)?),
        127 => return None,
        length => 2 + usize::from(*length),
    };
    (bytes.len() >= size).then_some((*first == 0x81, size))
}

/// A WebSocket connection after its handshake.
fn open(address: SocketAddr, path: &str) -> io::Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(address)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: perf\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn order(user_ref: u32, side: u8, quantity: u32) -> EnterOrder {
    EnterOrder {
        user_ref,
        side,
        quantity,
        symbol: *b"BTCUSD  ",
        price: PRICE,
        time_in_force: if side == b'B' { b'3' } else { b'0' },
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: [b' '; 14],
    }
}

/// One session offers all that another will take; the one that takes.
fn market(address: SocketAddr, trades: usize) -> Result<Client, Box<dyn Error>> {
    let log_in = |name: &str| Client::connect(address, &Credentials::from_now(name, name));
    let mut maker = log_in("demo01")?;
    maker.enter(&order(1, b'S', u32::try_from(trades)?), &[])?;
    maker.receive(Some(PATIENCE))?.ok_or("the venue does not answer")?;
    maker.log_out()?;
    Ok(log_in("demo02")?)
}

fn raise_descriptors(readers: usize) -> Result<(), Box<dyn Error>> {
    let (needed, limits) = (readers as u64 + 64, getrlimit(Resource::Nofile));
    if limits.current.is_some_and(|current| current < needed) {
        setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, maximum: limits.maximum })
            .map_err(|error| format!("{needed} file descriptors are needed: {error}; raise ulimit -n"))?;
    }
    Ok(())
}

/// Serves as the broadcaster: each byte on the first address is a message to all clients of the second.
/// Prints both, and ends with the first connection.
///
/// # Errors
/// The system gives no sockets.
pub fn broadcast() -> io::Result<()> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (feed, web) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
    println!("{} {}", feed.local_addr()?, web.local_addr()?);
    let (arrived, arrivals) = mpsc::channel::<WebSocket<std::net::TcpStream>>();
    std::thread::spawn(move || {
        for stream in web.incoming().flatten() {
            // Without delay, as the venue's.
            _ = stream.set_nodelay(true);
            if let Ok(client) = tungstenite::accept(stream)
                && arrived.send(client).is_err()
            {
                return;
            }
        }
    });
    let (mut feed, _) = feed.accept()?;
    let mut clients = Vec::new();
    let mut bytes = [0; 64];
    loop {
        let count = feed.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        clients.extend(arrivals.try_iter());
        for _ in 0..count {
            let message = Message::text(MESSAGE);
            clients.retain_mut(|client| client.send(message.clone()).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_whole() {
        assert_eq!(frame(&[0x81, 3, 1, 2]), None);
        assert_eq!(frame(&[0x81, 3, 1, 2, 3, 9]), Some((true, 5)));
        assert_eq!(frame(&[0x89, 0]), Some((false, 2)));
        let mut long = vec![0x81, 126, 1, 0];
        long.extend([7; 256]);
        assert_eq!(frame(&long), Some((true, 260)));
        assert_eq!(frame(&long[..259]), None);
    }
}
