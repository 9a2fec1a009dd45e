//! From sockets to the ring: readiness, accepting, reading, packets.

use super::connection::{Connection, Door, Pace, Stage};
use super::{CONNECTIONS, Doors, ITCH_LISTENER, OUCH_LISTENER, WAKER, orders};
use crate::limits::{ACCEPTS_PER_POLL, OUTSIDE_TURNS_PER_POLL, TURNS_PER_POLL};
use crate::ouch::inbound::{self, Inbound};
use crate::soup::{self, Packet};
use engine::command::{CommandKind, CommandSlot};
use engine::number::SessionId;
use engine::ring::Publish;
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::collections::btree_map::Entry;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Why the packets of a connection are not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The rest is not a whole packet.
    Incomplete,
    /// The ring has no room; the packet is still there.
    RingFull,
    /// The packet was taken; nothing more is, before the engine answers.
    Waits,
    /// The packet was taken, and the connection reads a stream now.
    LoggedIn,
    /// The connection is being closed.
    Closed,
}

/// What became of a connection's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// All was read.
    Done,
    /// There may be more to read.
    More,
    /// The ring has no room.
    RingFull,
    /// The client is gone.
    Gone,
}

impl Doors {
    /// Takes readiness from the kernel, waiting for it at most `timeout`.
    pub(super) fn collect(&mut self, timeout: Duration) -> io::Result<()> {
        let mut events = std::mem::replace(&mut self.events, mio::Events::with_capacity(0));
        let polled = self.poller.poll(&mut events, Some(timeout));
        for event in &events {
            match event.token() {
                OUCH_LISTENER => self.accepting[0] = true,
                ITCH_LISTENER => self.accepting[1] = true,
                WAKER => {}
                Token(token) => self.note(token - CONNECTIONS, event),
            }
        }
        self.events = events;
        match polled {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn note(&mut self, slot: usize, event: &mio::event::Event) {
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else { return };
        if event.is_writable() {
            connection.outbound.unblock();
            if !connection.outbound.is_empty() {
                self.mark_dirty(slot);
            }
        }
        let Some(connection) = self.connections[slot].as_mut() else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            connection.read_closed |= event.is_read_closed() || event.is_error();
            self.mark_ready(slot);
        }
    }

    pub(super) fn accept(&mut self) -> usize {
        let mut accepted = 0;
        for (index, door) in [Door::Ouch, Door::Itch].into_iter().enumerate() {
            for _ in 0..ACCEPTS_PER_POLL {
                if !self.accepting[index] {
                    break;
                }
                match self.listener(door).accept() {
                    Ok((socket, address)) => {
                        accepted += 1;
                        self.admit(socket, door, address.ip());
                    }
                    Err(error)
                        if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                    Err(error) => {
                        // Out of descriptors: the listener is asked again when another client comes.
                        if error.kind() != ErrorKind::WouldBlock {
                            tracing::warn!(%error, "cannot accept a connection");
                        }
                        self.accepting[index] = false;
                    }
                }
            }
        }
        accepted
    }

    fn admit(&mut self, mut socket: TcpStream, door: Door, address: IpAddr) {
        let from_here = self.origins.get(&origin(address)).copied().unwrap_or(0);
        if from_here as usize >= self.limits.connections_per_address_max {
            return turn_away(&mut socket, b"this address has as many connections as it may have");
        }
        if self.connections() >= self.limits.connections_max && !self.make_room() {
            return turn_away(&mut socket, b"the venue has as many connections as it takes");
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Token(slot + CONNECTIONS);
        let set_up = socket
            .set_nodelay(true)
            .and_then(|()| self.poller.registry().register(&mut socket, token, interest));
        if set_up.is_err() {
            self.free.push(slot);
            return;
        }
        self.connection_last += 1;
        let connection = Connection::new(socket, self.connection_last, door, address, self.now.0);
        self.connections[slot] = Some(connection);
        *self.origins.entry(origin(address)).or_insert(0) += 1;
        if self.strangers.len() >= 2 * self.limits.connections_max {
            let connections = &self.connections;
            self.strangers.retain(|&(slot, id)| is_stranger(connections, slot, id));
        }
        self.strangers.push_back((slot, self.connection_last));
    }

    /// Drops the connection that has waited longest without a log-in; whether there was one.
    fn make_room(&mut self) -> bool {
        while let Some((slot, id)) = self.strangers.pop_front() {
            if !is_stranger(&self.connections, slot, id) {
                continue;
            }
            if let Some(connection) = self.connections[slot].as_mut() {
                turn_away(&mut connection.socket, b"no login yet, and others wait for the place");
            }
            self.remove(slot, CommandKind::SessionLost);
            return true;
        }
        false
    }

    pub(super) fn forget_origin(&mut self, address: IpAddr) {
        if let Entry::Occupied(mut count) = self.origins.entry(origin(address)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// One turn for each connection that has something to read, until the ring is full: those with a stream
    /// first, then a few of the others.
    pub(super) fn read(&mut self, ring: &mut impl Publish) -> usize {
        let mut work = 0;
        self.stalled = false;
        let inside = self.ready.len().min(TURNS_PER_POLL);
        let outside = self.ready_outside.len().min(OUTSIDE_TURNS_PER_POLL);
        for turn in 0..inside + outside {
            let queue = if turn < inside { &mut self.ready } else { &mut self.ready_outside };
            let Some(slot) = queue.pop_front() else { continue };
            match self.turn(slot, ring, &mut work) {
                Turn::Done => {}
                Turn::More => self.mark_ready(slot),
                Turn::Gone => self.remove(slot, CommandKind::SessionLost),
                Turn::RingFull => {
                    if let Some(connection) = self.connections[slot].as_mut() {
                        connection.queued = true;
                        // It is not the client that is silent.
                        connection.received_ns = self.now.0;
                    }
                    self.queue_of(slot).push_front(slot);
                    self.stalled = true;
                    break;
                }
            }
        }
        work
    }

    fn turn(&mut self, slot: usize, ring: &mut impl Publish, work: &mut usize) -> Turn {
        let Some(mut connection) = self.connections[slot].take() else { return Turn::Done };
        connection.queued = false;
        let turn = if connection.is_closing() {
            discard(&mut connection, &mut self.scratch)
        } else {
            self.read_connection(slot, &mut connection, ring, work)
        };
        let flush = !connection.outbound.is_empty() || connection.is_closing();
        let catches_up = connection.stream_mut().is_some_and(|stream| stream.catch_up.is_some());
        self.connections[slot] = Some(connection);
        if flush {
            self.mark_dirty(slot);
        }
        if catches_up {
            self.mark_catching_up(slot);
        }
        turn
    }

    fn read_connection(
        &mut self,
        slot: usize,
        connection: &mut Connection,
        ring: &mut impl Publish,
        work: &mut usize,
    ) -> Turn {
        if matches!(connection.stage, Stage::Pending { .. }) {
            return Turn::Done;
        }
        if !connection.inbound.is_empty() {
            let stop = self.work_on_rest(slot, connection, ring, work);
            if stop != Stop::Incomplete {
                return turn_after(stop, connection);
            }
        }
        if !connection.readable {
            return Turn::Done;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = connection.socket.read(&mut scratch);
        let turn = match read {
            Ok(0) => Turn::Gone,
            Ok(count) => {
                *work += 1;
                connection.received_ns = self.now.0;
                // Fewer bytes than asked for: the socket is empty, and more bytes are another readiness.
                connection.readable = count == scratch.len() || connection.read_closed;
                let stop = self.work_on(slot, connection, &scratch[..count], ring, work);
                turn_after(stop, connection)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                connection.readable = false;
                Turn::Done
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Turn::More,
            Err(_) => Turn::Gone,
        };
        self.scratch = scratch;
        turn
    }

    /// Works on bytes that were just read, after those that were left.
    fn work_on(
        &mut self,
        slot: usize,
        connection: &mut Connection,
        bytes: &[u8],
        ring: &mut impl Publish,
        work: &mut usize,
    ) -> Stop {
        if !connection.inbound.is_empty() {
            connection.inbound.extend_from_slice(bytes);
            return self.work_on_rest(slot, connection, ring, work);
        }
        let (taken, stop) = self.packets(slot, connection, bytes, ring, work);
        if stop != Stop::Closed {
            connection.inbound.extend_from_slice(&bytes[taken..]);
        }
        stop
    }

    fn work_on_rest(
        &mut self,
        slot: usize,
        connection: &mut Connection,
        ring: &mut impl Publish,
        work: &mut usize,
    ) -> Stop {
        let mut rest = std::mem::take(&mut connection.inbound);
        let (taken, stop) = self.packets(slot, connection, &rest, ring, work);
        if stop != Stop::Closed {
            rest.drain(..taken);
            connection.inbound = rest;
        }
        stop
    }

    /// Works on whole packets: how many bytes they took, and why it stopped.
    fn packets(
        &mut self,
        slot: usize,
        connection: &mut Connection,
        bytes: &[u8],
        ring: &mut impl Publish,
        work: &mut usize,
    ) -> (usize, Stop) {
        let mut taken = 0;
        loop {
            let (packet, size) = match soup::decode(&bytes[taken..]) {
                Ok(Some(found)) => found,
                Ok(None) => return (taken, Stop::Incomplete),
                Err(error) => return (taken, self.refuse(slot, connection, &error.to_string())),
            };
            let pace = connection.meter.packet(size, self.now.0, &self.limits);
            let stop = match (&connection.stage, packet) {
                _ if pace == Pace::FarAbove => {
                    Some(self.refuse(slot, connection, "more packets or bytes in a second than may be sent"))
                }
                (Stage::Stream(stream), Packet::Unsequenced(message)) => match stream.session {
                    Some(session) => self.order(slot, connection, (session, message, pace), ring),
                    None => Some(self.refuse(slot, connection, "this door takes no messages")),
                },
                (_, Packet::ClientHeartbeat | Packet::Debug(_)) => None,
                (Stage::LogIn, Packet::Login(login)) => match self.log_in(slot, connection, &login, ring) {
                    Stop::LoggedIn => None,
                    other => Some(other),
                },
                (_, Packet::Logout) => Some(self.log_out(slot, connection)),
                (Stage::LogIn, _) => Some(self.refuse(slot, connection, "a login comes first")),
                _ => Some(self.refuse(slot, connection, "no packet of a client in a session")),
            };
            match stop {
                None => {}
                Some(Stop::RingFull) => {
                    connection.meter.put_back(size);
                    return (taken, Stop::RingFull);
                }
                Some(stop) => return (taken + size, stop),
            }
            *work += 1;
            taken += size;
        }
    }

    #[inline]
    fn order(
        &mut self,
        slot: usize,
        connection: &mut Connection,
        (session, message, pace): (SessionId, &[u8], Pace),
        ring: &mut impl Publish,
    ) -> Option<Stop> {
        let message = match inbound::decode(message) {
            Ok(message) => message,
            Err(error) => return Some(self.refuse(slot, connection, &error.to_string())),
        };
        if matches!(message, Inbound::Query) && connection.meter.query() {
            return Some(self.refuse(slot, connection, "more account queries in a second than may be sent"));
        }
        let mut command =
            orders::command(&message, session, self.now, &self.directory, &mut self.open_orders);
        if pace == Pace::Above {
            orders::refuse_for_rate(&mut command);
        }
        if self.refuses_new_orders {
            orders::refuse_for_disk(&mut command);
        }
        match ring.try_publish(&CommandSlot::new(&command)) {
            Ok(_) => None,
            Err(engine::ring::RingFull) => {
                if matches!(message, Inbound::Query) {
                    connection.meter.put_back_query();
                }
                Some(Stop::RingFull)
            }
        }
    }

    /// Says why and closes. `connection` is out of its slot meanwhile.
    fn refuse(&mut self, slot: usize, connection: &mut Connection, why: &str) -> Stop {
        tracing::debug!(address = %connection.address, why, "connection closed");
        self.unlink_taken(slot, connection, CommandKind::SessionLost);
        connection.close_with(Some(Packet::Debug(why.as_bytes())), self.now.0);
        Stop::Closed
    }

    fn log_out(&mut self, slot: usize, connection: &mut Connection) -> Stop {
        self.unlink_taken(slot, connection, CommandKind::LogOut);
        connection.close_with(None, self.now.0);
        Stop::Closed
    }
}

/// What connections are counted by: an address, or of IPv6 the /64 that one client has.
pub(super) const fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

fn is_stranger(connections: &[Option<Connection>], slot: usize, id: u64) -> bool {
    let connection = connections[slot].as_ref().filter(|connection| connection.id == id);
    connection.is_some_and(|connection| matches!(connection.stage, Stage::LogIn))
}

/// Says why, as far as the socket takes it at once: the client sees the close in any case.
fn turn_away(socket: &mut TcpStream, why: &[u8]) {
    let mut text = Vec::new();
    Packet::Debug(why).encode(&mut text);
    let _ = socket.write(&text);
}

const fn turn_after(stop: Stop, connection: &Connection) -> Turn {
    match stop {
        Stop::Incomplete if connection.readable => Turn::More,
        Stop::RingFull => Turn::RingFull,
        Stop::Closed if connection.readable => Turn::More,
        Stop::Incomplete | Stop::Waits | Stop::LoggedIn | Stop::Closed => Turn::Done,
    }
}

/// Reads what a connection that is being closed still sends, so that its last word is not lost to a reset.
fn discard(connection: &mut Connection, scratch: &mut [u8]) -> Turn {
    match connection.socket.read(scratch) {
        Ok(0) => {
            connection.ended = true;
            connection.readable = false;
            Turn::Done
        }
        Ok(_) => Turn::More,
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            connection.readable = false;
            Turn::Done
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Turn::More,
        Err(_) => Turn::Gone,
    }
}
