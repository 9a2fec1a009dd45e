//! One connection: its socket, what waits on either side, and how far its stream is.

use super::catch_up::CatchUp;
use crate::limits::{DoorLimits, MINUTE_NS, QUERIES_S_MAX, SECOND_NS};
use crate::soup::{Packet, SERVER_HEARTBEAT};
use engine::number::SessionId;
use mio::net::TcpStream;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Shutdown};

/// Which protocol a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Ouch,
    Itch,
}

/// What a connection is in the middle of.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing but a login may come.
    LogIn,
    /// A LogIn command is on its way; nothing more is read before its answer.
    Pending { session: SessionId },
    /// Logged in: a session's reports, or the feed.
    Stream(Stream),
    /// What is queued is still sent, what comes is thrown away.
    Closing { since_ns: u64 },
}

/// A stream of sequenced packets.
#[derive(Debug)]
pub(super) struct Stream {
    /// Whose reports; `None` for the feed.
    pub(super) session: Option<SessionId>,
    /// The number of the packet that is queued next.
    pub(super) next: u64,
    /// Set while the stream comes from the event log.
    pub(super) catch_up: Option<Box<CatchUp>>,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    /// Number of the connection, never used twice.
    pub(super) id: u64,
    pub(super) door: Door,
    pub(super) address: IpAddr,
    /// The session that logged in to read the feed.
    pub(super) reader: Option<SessionId>,
    pub(super) stage: Stage,
    /// Bytes that were read and not yet worked on: part of a packet, or what waits for room in the ring.
    pub(super) inbound: Vec<u8>,
    pub(super) outbound: Outbound,
    /// The socket may have bytes.
    pub(super) readable: bool,
    /// The client will send no more; the end must be read even if it comes without another readiness.
    pub(super) read_closed: bool,
    /// It waits in the list of connections to be read.
    pub(super) queued: bool,
    /// It waits in the list of connections to be written.
    pub(super) dirty: bool,
    /// It waits in the list of connections that catch up.
    pub(super) catching_up: bool,
    /// The client has closed its side.
    pub(super) ended: bool,
    pub(super) opened_ns: u64,
    pub(super) received_ns: u64,
    pub(super) sent_ns: u64,
    pub(super) meter: Meter,
}

/// Memory of ours that an idle connection takes: its buffers are given back.
const _: () = assert!(size_of::<Option<Connection>>() <= 256);

/// What a connection sent in the present second, and its breaches of the rate in the present minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    second_ns: u64,
    packets: u32,
    bytes: u32,
    queries: u32,
    minute_ns: u64,
    breaches: u32,
}

/// How much a connection sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Within,
    /// Orders are rejected.
    Above,
    /// The connection is logged out.
    FarAbove,
}

impl Meter {
    /// Counts a packet of `size` bytes.
    #[inline]
    pub(super) fn packet(&mut self, size: usize, now_ns: u64, limits: &DoorLimits) -> Pace {
        if now_ns.saturating_sub(self.second_ns) >= SECOND_NS {
            (self.second_ns, self.packets, self.bytes, self.queries) = (now_ns, 0, 0, 0);
        }
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size as u32);
        if self.packets > limits.packets_s_log_out || self.bytes > limits.bytes_s_log_out {
            Pace::FarAbove
        } else if self.packets > limits.packets_s_max {
            Pace::Above
        } else {
            Pace::Within
        }
    }

    /// Takes back a packet that stays in hand because the ring is full: it is counted when it is taken.
    pub(super) const fn put_back(&mut self, size: usize) {
        self.packets = self.packets.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size as u32);
    }

    /// The same for a query.
    pub(super) const fn put_back_query(&mut self) {
        self.queries = self.queries.saturating_sub(1);
    }

    /// Counts a query, which no rate of the session covers; whether there were too many in this second.
    pub(super) const fn query(&mut self) -> bool {
        self.queries = self.queries.saturating_add(1);
        self.queries > QUERIES_S_MAX
    }

    /// Counts an order that was rejected for its rate; whether there were too many.
    pub(super) fn breach(&mut self, now_ns: u64, limits: &DoorLimits) -> bool {
        if now_ns.saturating_sub(self.minute_ns) >= MINUTE_NS {
            (self.minute_ns, self.breaches) = (now_ns, 0);
        }
        self.breaches = self.breaches.saturating_add(1);
        self.breaches > limits.breaches_max
    }
}

/// Bytes that wait for a socket.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    pub(super) bytes: Vec<u8>,
    sent: usize,
    blocked: bool,
    /// The writing side was shut down.
    finished: bool,
}

/// The other side is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

impl Connection {
    pub(super) fn new(socket: TcpStream, id: u64, door: Door, address: IpAddr, now_ns: u64) -> Self {
        Self {
            socket,
            id,
            door,
            address,
            reader: None,
            stage: Stage::LogIn,
            inbound: Vec::new(),
            outbound: Outbound::default(),
            readable: false,
            read_closed: false,
            ended: false,
            opened_ns: now_ns,
            queued: false,
            dirty: false,
            catching_up: false,
            received_ns: now_ns,
            sent_ns: now_ns,
            meter: Meter::default(),
        }
    }

    pub(super) const fn stream_mut(&mut self) -> Option<&mut Stream> {
        if let Stage::Stream(stream) = &mut self.stage { Some(stream) } else { None }
    }

    /// The session that the engine holds, or will hold, as connected by this connection.
    pub(super) const fn session(&self) -> Option<SessionId> {
        match &self.stage {
            Stage::Pending { session } => Some(*session),
            Stage::Stream(stream) => stream.session,
            Stage::LogIn | Stage::Closing { .. } => None,
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing { .. })
    }

    /// Queues a last word (if any) and sends no more after it.
    pub(super) fn close_with(&mut self, last: Option<Packet<'_>>, now_ns: u64) {
        if let Some(packet) = last {
            packet.encode(&mut self.outbound.bytes);
        }
        self.stage = Stage::Closing { since_ns: now_ns };
        self.inbound = Vec::new();
    }

    /// Writes what waits; once it is being closed and nothing waits, shuts the writing side down.
    pub(super) fn flush(&mut self, now_ns: u64) -> Result<usize, Gone> {
        let count = self.outbound.write(&mut self.socket)?;
        if count > 0 {
            self.sent_ns = now_ns;
        }
        if self.is_closing() && self.outbound.is_empty() && !self.outbound.finished {
            self.outbound.finished = true;
            self.socket.shutdown(Shutdown::Write).map_err(|_| Gone)?;
        }
        if self.ended && self.outbound.finished { Err(Gone) } else { Ok(count) }
    }

    /// Sends a heartbeat while nothing waits, and gives back the buffers, which an idle connection does not need.
    /// What the socket does not take waits.
    pub(super) fn beat(&mut self, now_ns: u64) -> Result<(), Gone> {
        self.outbound.bytes = Vec::new();
        if self.inbound.is_empty() {
            self.inbound = Vec::new();
        }
        let sent = match self.socket.write(&SERVER_HEARTBEAT) {
            Ok(sent) => sent,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(_) => return Err(Gone),
        };
        if sent > 0 {
            self.sent_ns = now_ns;
        }
        // Nearly always nothing is left.
        self.outbound.bytes.extend_from_slice(&SERVER_HEARTBEAT[sent..]);
        Ok(())
    }
}

impl Outbound {
    /// Bytes that wait.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) const fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Writes until nothing waits or the socket is full; in the common case that is one system call.
    fn write(&mut self, socket: &mut TcpStream) -> Result<usize, Gone> {
        let before = self.sent;
        while !self.blocked && self.sent < self.bytes.len() {
            match socket.write(&self.bytes[self.sent..]) {
                Ok(0) => return Err(Gone),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
        let count = self.sent - before;
        if self.is_empty() {
            self.bytes.clear();
            self.sent = 0;
        } else if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        Ok(count)
    }
}
