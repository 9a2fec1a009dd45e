//! A plain echo server on one thread: the least that a socket server can do for a message.
//!
//! For every 50 bytes (an OUCH order in its Soup packet) it answers 67 (an acceptance in its packet),
//! reads and writes in batches, and polls without sleeping. It decodes nothing.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Bytes of a request: an OUCH order of 47 in a Soup packet.
pub const REQUEST_SIZE: usize = 50;
/// Bytes of an answer: an acceptance of 64 in a Soup packet.
pub const ANSWER_SIZE: usize = 67;

/// Connections at a time; the next one is closed at once.
const CONNECTIONS_MAX: usize = 64;
/// Bytes read at once.
const READ_SIZE: usize = 64 * 1_024;
/// Answers that may wait for a slow client before its requests are no longer read.
const PENDING_SIZE_MAX: usize = 4 * 1_024 * 1_024;
const EVENTS_MAX: usize = 128;
const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// A request that has come in part.
    partial: usize,
    answers: Vec<u8>,
}

/// An echo server that is open and not yet running.
pub struct EchoServer {
    poll: Poll,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    buffer: Vec<u8>,
}

impl EchoServer {
    /// Opens a port on the loopback.
    ///
    /// # Errors
    /// The system gives no socket.
    pub fn open() -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let connections = (0..CONNECTIONS_MAX).map(|_| None).collect();
        Ok(Self { poll, listener, connections, buffer: vec![0; READ_SIZE] })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` says so; it is asked whenever nothing is ready.
    ///
    /// # Errors
    /// The poller failed; a connection that fails is only closed.
    pub fn serve(&mut self, mut stop: impl FnMut() -> bool) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            self.poll.poll(&mut events, Some(Duration::ZERO))?;
            if events.is_empty() && stop() {
                return Ok(());
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(place) => self.answer(place),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let Some(place) = self.connections.iter().position(Option::is_none) else { continue };
            stream.set_nodelay(true)?;
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(place), both)?;
            self.connections[place] = Some(Connection { stream, partial: 0, answers: Vec::new() });
        }
    }

    fn answer(&mut self, place: usize) {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        if connection.exchange(&mut self.buffer).is_err() {
            self.connections[place] = None;
        }
    }
}

impl Connection {
    fn exchange(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            self.flush()?;
            if self.answers.len() > PENDING_SIZE_MAX {
                return Ok(());
            }
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    let whole = (self.partial + count) / REQUEST_SIZE;
                    self.partial = (self.partial + count) % REQUEST_SIZE;
                    self.answers.resize(self.answers.len() + whole * ANSWER_SIZE, 0);
                    // A short read has emptied the socket: asking again would only cost a system call.
                    if count < buffer.len() {
                        return self.flush();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        while written < self.answers.len() {
            match self.stream.write(&self.answers[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.answers.drain(..written);
        Ok(())
    }
}
