//! The crowd itself: one thread at the lowest priority that wakes every few milliseconds and does what is due.

use super::shares::Shares;
use super::socket::connect_from;
use net::ouch::inbound::EnterOrder;
use net::soup::{Login, Packet, frame};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where the idle, slow and silent come from, and where those who mean harm.
const CROWD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const HOSTILE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Each that is logged in and idle says so this often.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Each that is slow sends a byte this often.
const BYTE: Duration = Duration::from_secs(2);
/// Connections a second that bring garbage or a wrong password, however many places there are.
const ATTACKS_PER_SECOND: f64 = 100.0;
/// Bursts a second of each session that bursts, and the orders of each.
const BURSTS_PER_SECOND: f64 = 2.0;
const BURST_ORDERS: usize = 100;
const TICK: Duration = Duration::from_millis(2);
/// What may be done in a tick; the rest is due in the next ones.
const ACTIONS_PER_TICK: u32 = 16;
/// A log-in that is not answered by then has failed.
const LOG_IN_MAX: Duration = Duration::from_secs(30);

/// The venue's doors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doors {
    pub(super) ouch: SocketAddr,
    pub(super) itch: SocketAddr,
}

/// What the crowd did in a window.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Bytes of those who send single ones.
    pub slow_bytes: u64,
    /// Connections that brought garbage.
    pub garbage: u64,
    /// Log-ins with a wrong password.
    pub wrong_passwords: u64,
    /// Orders far above a session's rate.
    pub orders_above_rate: u64,
    /// Sessions that were logged out for that.
    pub logged_out: u64,
    /// Seconds of the window.
    pub seconds: f64,
}

impl Counts {
    pub(super) fn json(&self) -> Value {
        json!({
            "slow_bytes": self.slow_bytes,
            "garbage": self.garbage,
            "wrong_passwords": self.wrong_passwords,
            "orders_above_rate": self.orders_above_rate,
            "logged_out": self.logged_out,
            "seconds": (self.seconds * 10.0).round() / 10.0,
        })
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let each = |count: u64| count as f64 / self.seconds.max(0.1);
        write!(
            f,
            "a second: {:.0} single bytes, {:.0} connections with garbage, {:.0} wrong passwords, {:.0} orders above the rate \
             ({} log-outs)",
            each(self.slow_bytes),
            each(self.garbage),
            each(self.wrong_passwords),
            each(self.orders_above_rate),
            self.logged_out
        )
    }
}

/// Something that is done so many times a second.
struct Due {
    per_second: f64,
    done: f64,
}

impl Due {
    fn new(per_second: f64) -> Self {
        Self { per_second, done: 0.0 }
    }

    /// Whether it is due once more, `elapsed` after the start.
    fn take(&mut self, elapsed: Duration) -> bool {
        let due = self.done + 1.0 <= self.per_second * elapsed.as_secs_f64();
        self.done += f64::from(u8::from(due));
        due
    }
}

pub(super) struct Crowd {
    doors: Doors,
    shares: Shares,
    idle: Vec<TcpStream>,
    slow: Vec<TcpStream>,
    /// Held, and never read or written again.
    held: Vec<TcpStream>,
    hostile: VecDeque<TcpStream>,
    bursting: Vec<Option<TcpStream>>,
    user_ref: u32,
    beats: usize,
    bursts: usize,
    counts: Counts,
}

impl Crowd {
    pub(super) fn new(doors: Doors, shares: Shares) -> Self {
        Self {
            doors,
            shares,
            idle: Vec::new(),
            slow: Vec::new(),
            held: Vec::new(),
            hostile: VecDeque::new(),
            bursting: Vec::new(),
            user_ref: 0,
            beats: 0,
            bursts: 0,
            counts: Counts::default(),
        }
    }

    /// Those who only want to be there.
    pub(super) fn gather_idle(&mut self) -> io::Result<()> {
        self.idle = self.log_in_all(0..self.shares.idle)?;
        Ok(())
    }

    /// Everybody else.
    pub(super) fn gather_others(&mut self) -> io::Result<()> {
        self.slow = self.log_in_all(self.shares.idle..self.shares.first_bursting())?;
        for _ in 0..self.shares.silent {
            self.held.push(connect_from(CROWD, self.doors.ouch)?);
        }
        for _ in 0..self.shares.deaf {
            let mut stream = connect_from(HOSTILE, self.doors.itch)?;
            stream.write_all(&login("itch01", "itch01", 1))?;
            self.held.push(stream);
        }
        self.bursting.resize_with(self.shares.bursting, || None);
        Ok(())
    }

    fn log_in_all(&self, sessions: std::ops::Range<usize>) -> io::Result<Vec<TcpStream>> {
        let mut streams = Vec::with_capacity(sessions.len());
        for session in sessions {
            let name = Shares::session(session);
            let mut stream = connect_from(CROWD, self.doors.ouch)?;
            stream.write_all(&login(&name, &name, 0))?;
            streams.push(stream);
        }
        let deadline = Instant::now() + LOG_IN_MAX;
        for stream in &mut streams {
            await_answer(stream, deadline)?;
        }
        Ok(streams)
    }

    /// Lives until it is told to stop.
    pub(super) fn live(&mut self, stop: &AtomicBool) -> io::Result<Counts> {
        // Of this thread alone: the load client on the same core goes first.
        rustix::process::setpriority_process(None, 19)?;
        let started = Instant::now();
        let mut beats = Due::new(self.idle.len() as f64 / HEARTBEAT.as_secs_f64());
        let mut bytes = Due::new(self.slow.len() as f64 / BYTE.as_secs_f64());
        let mut attacks = Due::new(if self.shares.hostile > 0 { ATTACKS_PER_SECOND } else { 0.0 });
        let mut bursts = Due::new(self.bursting.len() as f64 * BURSTS_PER_SECOND);
        while !stop.load(Ordering::Relaxed) {
            let elapsed = started.elapsed();
            for _ in 0..ACTIONS_PER_TICK {
                let mut any = false;
                if beats.take(elapsed) {
                    any = true;
                    self.beat()?;
                }
                if bytes.take(elapsed) {
                    any = true;
                    self.send_byte()?;
                }
                if attacks.take(elapsed) {
                    any = true;
                    self.attack()?;
                }
                if bursts.take(elapsed) {
                    any = true;
                    self.burst()?;
                }
                if !any {
                    break;
                }
            }
            std::thread::sleep(TICK);
        }
        self.counts.seconds = started.elapsed().as_secs_f64();
        Ok(self.counts)
    }

    /// Those who are idle are still to be there: one that was cut is a fault of the venue's.
    fn beat(&mut self) -> io::Result<()> {
        self.beats += 1;
        let at = self.beats % self.idle.len();
        self.idle[at].write_all(&HEARTBEAT_PACKET)
    }

    /// One byte of a packet that is sent over and over.
    fn send_byte(&mut self) -> io::Result<()> {
        let (round, at) = {
            let turn = self.counts.slow_bytes as usize;
            (turn / self.slow.len(), turn % self.slow.len())
        };
        self.slow[at].write_all(&[HEARTBEAT_PACKET[round % 3]])?;
        self.counts.slow_bytes += 1;
        Ok(())
    }

    fn attack(&mut self) -> io::Result<()> {
        if self.hostile.len() >= self.shares.hostile {
            self.hostile.pop_front();
        }
        let count = self.counts.garbage + self.counts.wrong_passwords;
        let door = if count % 4 < 2 { self.doors.ouch } else { self.doors.itch };
        let mut stream = connect_from(HOSTILE, door)?;
        if count.is_multiple_of(2) {
            self.counts.garbage += 1;
            let garbage: Vec<u8> = (0..200u64).map(|at| (count * 31 + at * 7 % 251) as u8).collect();
            forgive(stream.write_all(&garbage))?;
        } else {
            self.counts.wrong_passwords += 1;
            forgive(stream.write_all(&login("demo01", "guess", 0)))?;
        }
        self.hostile.push_back(stream);
        Ok(())
    }

    /// A burst of one of the sessions that ignore their rate; one that was logged out comes again.
    fn burst(&mut self) -> io::Result<()> {
        self.bursts += 1;
        let at = self.bursts % self.bursting.len();
        let name = Shares::session(self.shares.first_bursting() + at);
        let mut stream = match self.bursting[at].take() {
            Some(stream) => stream,
            None => {
                let mut stream = connect_from(HOSTILE, self.doors.ouch)?;
                stream.write_all(&login(&name, &name, 0))?;
                stream
            }
        };
        let mut orders = Vec::new();
        for _ in 0..BURST_ORDERS {
            self.user_ref += 1;
            frame(&mut orders, b'U', |out| order(self.user_ref).encode_with(&[], out));
        }
        let mut chunk = [0; 32 << 10];
        let alive = loop {
            match stream.read(&mut chunk) {
                Ok(0) => break false,
                Ok(_) => {}
                Err(error) => break error.kind() == ErrorKind::WouldBlock,
            }
        };
        if alive && stream.write_all(&orders).is_ok() {
            self.counts.orders_above_rate += BURST_ORDERS as u64;
            self.bursting[at] = Some(stream);
        } else {
            self.counts.logged_out += 1;
        }
        Ok(())
    }
}

/// `R` of SoupBinTCP as it is sent.
const HEARTBEAT_PACKET: [u8; 3] = [0, 1, b'R'];

fn login(name: &str, password: &str, sequence: u64) -> Vec<u8> {
    let login = Login { username: name.as_bytes(), password: password.as_bytes(), session: b"", sequence };
    let mut bytes = Vec::new();
    Packet::Login(login).encode(&mut bytes);
    bytes
}

fn order(user_ref: u32) -> EnterOrder {
    EnterOrder {
        user_ref,
        side: b'B',
        quantity: 1,
        symbol: net::wire::padded(crate::venue::SYMBOL.as_bytes()),
        price: 10_000,
        time_in_force: b'3',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: [b' '; 14],
    }
}

/// Waits for the `A` of a log-in.
fn await_answer(stream: &mut TcpStream, deadline: Instant) -> io::Result<()> {
    let mut answer = [0; 64];
    loop {
        match stream.read(&mut answer) {
            Ok(count) if count > 2 && answer[2] == b'A' => return Ok(()),
            Ok(_) => return Err(io::Error::other("a session of the crowd was not let in")),
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline => {
                std::thread::yield_now();
            }
            Err(error) => return Err(error),
        }
    }
}

/// A venue may cut those who attack it whenever it likes.
fn forgive(sent: io::Result<()>) -> io::Result<()> {
    match sent {
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Ok(()),
        other => other,
    }
}
