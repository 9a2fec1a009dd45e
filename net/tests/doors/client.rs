//! A client that reads packets byte by byte and shares no code with the crate's own.

use crate::venue::Venue;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    bytes: Vec<u8>,
    pub(crate) closed: bool,
    /// Heartbeats that [`take_heartbeats`](Self::take_heartbeats) has seen.
    pub(crate) heartbeats: usize,
}

/// Type and payload.
pub(crate) type Packet = (u8, Vec<u8>);

pub(crate) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 1).expect("tests send less than 64 KiB");
    [&length.to_be_bytes()[..], &[kind], payload].concat()
}

pub(crate) fn login(name: &str, password: &str, session: &str, sequence: u64) -> Vec<u8> {
    frame(b'L', format!("{name:6}{password:10}{session:>10}{sequence:>20}").as_bytes())
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the door listens");
        stream.set_nonblocking(true).expect("can be set");
        stream.set_nodelay(true).expect("can be set");
        Self { stream, bytes: Vec::new(), closed: false, heartbeats: 0 }
    }

    /// Connected to the OUCH door and logged in, with the login's answer taken.
    pub(crate) fn trader(venue: &mut Venue, name: &str, sequence: u64) -> Self {
        let mut client = Self::connect(venue.doors.addresses().ouch);
        client.send(&login(name, name, "", sequence));
        let (kind, _) = client.packet(venue);
        assert_eq!(kind, b'A');
        client
    }

    /// The same at the ITCH door.
    pub(crate) fn reader(venue: &mut Venue, sequence: u64) -> Self {
        let mut client = Self::connect(venue.doors.addresses().itch);
        client.send(&login("itch01", "itch01", "", sequence));
        let (kind, _) = client.packet(venue);
        assert_eq!(kind, b'A');
        client
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the socket takes what tests send");
    }

    pub(crate) fn message(&mut self, message: &[u8]) {
        self.send(&frame(b'U', message));
    }

    /// Reads what is there.
    pub(crate) fn fill(&mut self) {
        let mut chunk = [0; 65536];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return self.closed = true,
                Ok(count) => self.bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.closed = true,
            }
        }
    }

    fn take(&mut self) -> Option<Packet> {
        let size = 2 + usize::from(u16::from_be_bytes([*self.bytes.first()?, *self.bytes.get(1)?]));
        if self.bytes.len() < size {
            return None;
        }
        let packet: Vec<u8> = self.bytes.drain(..size).collect();
        Some((packet[2], packet[3..].to_vec()))
    }

    /// Reads what is there, and tells how many heartbeats came by now.
    pub(crate) fn take_heartbeats(&mut self) -> usize {
        self.fill();
        self.heartbeats += std::iter::from_fn(|| self.take()).filter(|packet| packet.0 == b'H').count();
        self.heartbeats
    }

    /// The next packet that is no heartbeat.
    pub(crate) fn packet(&mut self, venue: &mut Venue) -> Packet {
        let mut found = None;
        venue.pump_until(|_| {
            self.fill();
            while found.is_none() {
                match self.take() {
                    Some((b'H', _)) => {}
                    Some(packet) => found = Some(packet),
                    None => break,
                }
            }
            found.is_some() || self.closed
        });
        found.expect("closed before a packet came")
    }

    /// The payloads of the next `count` sequenced packets.
    pub(crate) fn messages(&mut self, venue: &mut Venue, count: usize) -> Vec<Vec<u8>> {
        let sequenced = |(kind, payload): Packet| {
            assert_eq!(char::from(kind), 'S', "{:?}", String::from_utf8_lossy(&payload));
            payload
        };
        (0..count).map(|_| sequenced(self.packet(venue))).collect()
    }

    /// All packets until the venue closes the connection.
    pub(crate) fn until_closed(&mut self, venue: &mut Venue) -> Vec<Packet> {
        let mut packets = Vec::new();
        venue.pump_until(|_| {
            self.fill();
            packets.extend(std::iter::from_fn(|| self.take()).filter(|packet| packet.0 != b'H'));
            self.closed
        });
        packets
    }

    /// Rounds in which nothing may come.
    pub(crate) fn nothing(&mut self, venue: &mut Venue) {
        for _ in 0..20 {
            venue.pump();
            self.fill();
        }
        let packet = std::iter::from_fn(|| self.take()).find(|packet| packet.0 != b'H');
        assert!(!self.closed && packet.is_none(), "nothing was expected: {packet:?}");
    }
}

/// `O` with what matters in tests.
pub(crate) fn enter(user_ref: u32, side: u8, quantity: u32, symbol: &[u8; 8], price: u64) -> Vec<u8> {
    enter_with(user_ref, (side, quantity), (symbol, price), b"0YPNN", b"", b"")
}

pub(crate) fn enter_with(
    user_ref: u32,
    (side, quantity): (u8, u32),
    (symbol, price): (&[u8; 8], u64),
    letters: &[u8; 5],
    id: &[u8],
    options: &[u8],
) -> Vec<u8> {
    let mut padded = [b' '; 14];
    padded[..id.len()].copy_from_slice(id);
    let length = u16::try_from(options.len()).expect("short");
    [
        b"O",
        &user_ref.to_be_bytes()[..],
        &[side],
        &quantity.to_be_bytes(),
        symbol,
        &price.to_be_bytes(),
        letters,
        &padded,
        &length.to_be_bytes(),
        options,
    ]
    .concat()
}

pub(crate) fn cancel(user_ref: u32, quantity: u32) -> Vec<u8> {
    [b"X", &user_ref.to_be_bytes()[..], &quantity.to_be_bytes()].concat()
}

pub(crate) fn replace(original: u32, user_ref: u32, quantity: u32, price: u64) -> Vec<u8> {
    let head = [original.to_be_bytes(), user_ref.to_be_bytes(), quantity.to_be_bytes()].concat();
    [b"U", &head[..], &price.to_be_bytes(), b"0YN              \0\0"].concat()
}
