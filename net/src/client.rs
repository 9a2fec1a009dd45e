//! A small blocking client of both doors: for demo participants, recorded flow, the price watcher and tests.
//!
//! It keeps what is needed to come back after a cut: the session's name and the number of the next
//! sequenced packet. Heartbeats are sent by whoever reads or writes with it, when one is due.

use crate::ouch::outbound::Outbound;
use crate::ouch::{self, OuchError, appendage::Element, inbound};
use crate::soup::{self, Login, LoginReject, Packet, SoupError};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Bytes asked from the socket at once; the buffer doubles only while one packet needs it.
const READ_SIZE: usize = 64 * 1024;
/// Bytes written together when messages are queued faster than [`Client::flush`] is called.
const WRITE_SIZE: usize = 64 * 1024;
/// The client says that it is still there after this much silence.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A login that is not answered by then has failed.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Who logs in, and from where the stream is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// At most 6 characters.
    pub username: String,
    /// At most 10 characters.
    pub password: String,
    /// The session wanted; empty for the current one.
    pub session: String,
    /// First sequenced packet wanted; 0 for only what comes next.
    pub sequence: u64,
}

impl Credentials {
    /// The current session from its first packet.
    #[must_use]
    pub fn from_start(username: &str, password: &str) -> Self {
        Self { username: username.into(), password: password.into(), session: String::new(), sequence: 1 }
    }

    /// The current session, only what comes next.
    #[must_use]
    pub fn from_now(username: &str, password: &str) -> Self {
        Self { sequence: 0, ..Self::from_start(username, password) }
    }
}

/// Why a client could not go on.
#[derive(Debug)]
pub enum ClientError {
    /// The socket failed.
    Io(io::Error),
    /// The login was rejected.
    Rejected(LoginReject),
    /// The server closed the connection; the text is its last debug packet, if any.
    Closed(String),
    /// The server sent bytes that are no packet.
    Soup(SoupError),
    /// The server sent a packet that is no message.
    Ouch(OuchError),
    /// The server sent something before it answered the login, or a client's packet.
    Unexpected(&'static str),
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "connection: {error}"),
            Self::Rejected(LoginReject::NotAuthorized) => {
                write!(f, "login rejected: name or password is wrong")
            }
            Self::Rejected(LoginReject::SessionNotAvailable) => {
                write!(f, "login rejected: no such session, or it has not got that far")
            }
            Self::Closed(text) if text.is_empty() => write!(f, "the venue closed the connection"),
            Self::Closed(text) => write!(f, "the venue closed the connection: {text}"),
            Self::Soup(error) => write!(f, "the venue sent no SoupBinTCP: {error}"),
            Self::Ouch(error) => write!(f, "the venue sent no OUCH: {error}"),
            Self::Unexpected(what) => write!(f, "the venue sent {what} where it may not"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What came from the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Sequenced packet of this number.
    Message(u64, &'a [u8]),
    /// The session has ended; log in again for the next one.
    EndOfSession,
}

/// A logged-in connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    session: String,
    next: u64,
    inbound: Vec<u8>,
    start: usize,
    end: usize,
    outbound: Vec<u8>,
    sent: Instant,
    debug: String,
}

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// The venue cannot be reached, or rejects the login.
    pub fn connect(address: SocketAddr, credentials: &Credentials) -> Result<Self, ClientError> {
        let stream = TcpStream::connect_timeout(&address, LOGIN_TIMEOUT)?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream,
            session: String::new(),
            next: 0,
            inbound: vec![0; READ_SIZE],
            start: 0,
            end: 0,
            outbound: Vec::new(),
            sent: Instant::now(),
            debug: String::new(),
        };
        let login = Login {
            username: credentials.username.as_bytes(),
            password: credentials.password.as_bytes(),
            session: credentials.session.as_bytes(),
            sequence: credentials.sequence,
        };
        Packet::Login(login).encode(&mut client.outbound);
        client.flush()?;
        client.await_login()?;
        Ok(client)
    }

    fn await_login(&mut self) -> Result<(), ClientError> {
        let deadline = Instant::now() + LOGIN_TIMEOUT;
        loop {
            while let Some((packet, size)) =
                soup::decode(&self.inbound[self.start..self.end]).map_err(ClientError::Soup)?
            {
                self.start += size;
                match packet {
                    Packet::LoginAccepted(accepted) => {
                        self.session = String::from_utf8_lossy(accepted.session).into_owned();
                        self.next = accepted.sequence;
                        return Ok(());
                    }
                    Packet::LoginRejected(reason) => return Err(ClientError::Rejected(reason)),
                    Packet::Debug(text) => self.debug = String::from_utf8_lossy(text).into_owned(),
                    Packet::ServerHeartbeat => {}
                    Packet::Sequenced(_)
                    | Packet::Unsequenced(_)
                    | Packet::EndOfSession
                    | Packet::Login(_)
                    | Packet::ClientHeartbeat
                    | Packet::Logout => {
                        return Err(ClientError::Unexpected("a packet before the login's answer"));
                    }
                }
            }
            if !self.fill(Some(deadline))? {
                return Err(ClientError::Io(ErrorKind::TimedOut.into()));
            }
        }
    }

    /// The session logged in to.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Number of the next sequenced packet: what to ask for when coming back.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.next
    }

    /// The connection itself, for a clone that another thread reads or closes.
    #[must_use]
    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Queues one message as an unsequenced packet; [`flush`](Self::flush) sends it.
    ///
    /// # Errors
    /// The queue had reached its size and the socket failed.
    pub fn queue(&mut self, message: &[u8]) -> Result<(), ClientError> {
        self.queue_with(|out| out.extend_from_slice(message))
    }

    fn queue_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), ClientError> {
        soup::frame(&mut self.outbound, b'U', write);
        if self.outbound.len() >= WRITE_SIZE { self.flush() } else { Ok(()) }
    }

    /// Queues a new order.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn enter(&mut self, order: &inbound::EnterOrder, options: &[Element]) -> Result<(), ClientError> {
        self.queue_with(|out| order.encode_with(options, out))
    }

    /// Queues a replacement.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn replace(&mut self, order: &inbound::ReplaceOrder, options: &[Element]) -> Result<(), ClientError> {
        self.queue_with(|out| order.encode_with(options, out))
    }

    /// Queues a cancel (new total 0) or a reduction to a new total.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn cancel(&mut self, user_ref: u32, quantity: u32) -> Result<(), ClientError> {
        self.queue_with(|out| inbound::CancelOrder { user_ref, quantity }.encode(out))
    }

    /// Queues a modification.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn modify(&mut self, order: &inbound::ModifyOrder) -> Result<(), ClientError> {
        self.queue_with(|out| order.encode(out))
    }

    /// Queues the question for the next user number.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn query(&mut self) -> Result<(), ClientError> {
        self.queue_with(|out| inbound::AccountQuery {}.encode(out))
    }

    /// Sends what is queued.
    ///
    /// # Errors
    /// The socket failed.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        if self.outbound.is_empty() {
            return Ok(());
        }
        self.stream.write_all(&self.outbound)?;
        self.outbound.clear();
        self.sent = Instant::now();
        Ok(())
    }

    /// Tells the venue that the client is still there, if it has not heard from it for a second.
    ///
    /// # Errors
    /// The socket failed.
    pub fn heartbeat(&mut self) -> Result<(), ClientError> {
        if self.outbound.is_empty() && self.sent.elapsed() >= HEARTBEAT {
            Packet::ClientHeartbeat.encode(&mut self.outbound);
        }
        self.flush()
    }

    /// The next message, or `None` when none came within `timeout` (forever where that is `None`).
    /// Sends what is queued and heartbeats meanwhile.
    ///
    /// # Errors
    /// The connection was closed or failed, or the venue sent what it may not.
    pub fn receive(&mut self, timeout: Option<Duration>) -> Result<Option<Received<'_>>, ClientError> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        self.flush()?;
        let (kind, payload) = loop {
            match self.step()? {
                Some(found) => break found,
                None if !self.fill(deadline)? => return Ok(None),
                None => {}
            }
        };
        if kind == b'Z' {
            return Ok(Some(Received::EndOfSession));
        }
        self.next += 1;
        Ok(Some(Received::Message(self.next - 1, &self.inbound[payload])))
    }

    /// The next message of an OUCH session with its number; `None` at the end of the session or when
    /// none came within `timeout`.
    ///
    /// # Errors
    /// As [`receive`](Self::receive); or the packet is no OUCH message.
    pub fn receive_ouch(
        &mut self,
        timeout: Option<Duration>,
    ) -> Result<Option<(u64, Outbound<'_>)>, ClientError> {
        match self.receive(timeout)? {
            Some(Received::Message(number, bytes)) => {
                let message = ouch::outbound::decode(bytes).map_err(ClientError::Ouch)?;
                Ok(Some((number, message)))
            }
            Some(Received::EndOfSession) | None => Ok(None),
        }
    }

    /// Whether a whole packet is buffered, so that [`receive`](Self::receive) would not touch the socket.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(soup::decode(&self.inbound[self.start..self.end]), Ok(Some(_)))
    }

    /// Takes buffered packets up to the next message: its type and where its payload lies.
    fn step(&mut self) -> Result<Option<(u8, std::ops::Range<usize>)>, ClientError> {
        while let Some((packet, size)) =
            soup::decode(&self.inbound[self.start..self.end]).map_err(ClientError::Soup)?
        {
            let payload = self.start + soup::HEADER_SIZE..self.start + size;
            let debug =
                if let Packet::Debug(text) = packet { Some(String::from_utf8_lossy(text)) } else { None };
            if let Some(text) = debug {
                self.debug = text.into_owned();
                self.start += size;
                continue;
            }
            self.start += size;
            match self.inbound[payload.start - 1] {
                kind @ (b'S' | b'Z') => return Ok(Some((kind, payload))),
                b'H' | b'U' => {}
                _ => return Err(ClientError::Unexpected("a login's or a client's packet")),
            }
        }
        Ok(None)
    }

    /// Reads what is there; false when nothing came before `deadline`.
    fn fill(&mut self, deadline: Option<Instant>) -> Result<bool, ClientError> {
        self.inbound.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        loop {
            self.heartbeat()?;
            let now = Instant::now();
            let wait = match deadline {
                Some(deadline) if deadline <= now => Duration::ZERO,
                Some(deadline) => (deadline - now).min(HEARTBEAT),
                None => HEARTBEAT,
            };
            let expired = wait.is_zero();
            match self.read_within(wait) {
                Ok(0) => return Err(ClientError::Closed(std::mem::take(&mut self.debug))),
                Ok(count) => {
                    self.end += count;
                    return Ok(true);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if expired {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Err(ClientError::Closed(std::mem::take(&mut self.debug)));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// One read that waits for at most `wait`; not at all where that is zero (a read timeout is rounded
    /// up to the kernel's tick).
    fn read_within(&mut self, wait: Duration) -> io::Result<usize> {
        if wait.is_zero() {
            self.stream.set_nonblocking(true)?;
            let count = self.stream.read(&mut self.inbound[self.end..]);
            self.stream.set_nonblocking(false)?;
            return count;
        }
        self.stream.set_read_timeout(Some(wait))?;
        self.stream.read(&mut self.inbound[self.end..])
    }

    /// Logs out in good order.
    ///
    /// # Errors
    /// The socket failed.
    pub fn log_out(mut self) -> Result<(), ClientError> {
        Packet::Logout.encode(&mut self.outbound);
        self.flush()
    }
}
