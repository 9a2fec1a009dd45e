//! One client: its socket, what was read and not worked on, what waits to be written.

use super::frame;
use super::hub::Shared;
use super::limits::{BUFFERS_PER_WRITE, REQUEST_BYTES_MAX};
use super::streams::StreamKey;
use mio::net::TcpStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

/// Own memory of an idle HTTP connection; a WebSocket adds its reader's buffer of 4 KiB and about 500 bytes.
const _: () = assert!(size_of::<Connection>() <= 192);

/// The other side is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// What a connection speaks.
#[derive(Debug)]
pub(crate) enum Stage {
    Http,
    /// Boxed: an idle HTTP connection is to stay small.
    WebSocket(Box<Listener>),
    /// The rest is written, nothing is read.
    Closing {
        since_ms: u64,
    },
}

/// A WebSocket client.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) context: WebSocketContext,
    /// Its updates come with the name of their stream.
    pub(crate) is_combined: bool,
    pub(crate) streams: Vec<StreamKey>,
    /// The second that messages are counted in, and how many came.
    pub(crate) window_ms: u64,
    pub(crate) messages: u32,
    pub(crate) pinged_ms: u64,
    /// When something came.
    pub(crate) heard_ms: u64,
    /// Pings of ours that are not answered: their answers are no messages of the client's own.
    pub(crate) pongs_owed: u32,
}

impl Listener {
    /// `rest` is what came with the request and belongs to the WebSocket.
    pub(crate) fn new(rest: Vec<u8>, is_combined: bool, now_ms: u64) -> Box<Self> {
        let config = WebSocketConfig::default()
            .read_buffer_size(REQUEST_BYTES_MAX)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * REQUEST_BYTES_MAX)
            .max_message_size(Some(REQUEST_BYTES_MAX))
            .max_frame_size(Some(REQUEST_BYTES_MAX));
        Box::new(Self {
            context: WebSocketContext::from_partially_read(rest, Role::Server, Some(config)),
            is_combined,
            streams: Vec::new(),
            window_ms: now_ms,
            messages: 0,
            pinged_ms: now_ms,
            heard_ms: now_ms,
            pongs_owed: 0,
        })
    }

    /// Counts a message of the client's own; `false` above `max` in a second.
    pub(crate) fn count(&mut self, now_ms: u64, max: u32) -> bool {
        if now_ms.saturating_sub(self.window_ms) >= 1000 {
            (self.window_ms, self.messages) = (now_ms, 0);
        }
        self.messages += 1;
        self.messages <= max
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    pub(crate) stage: Stage,
    /// Part of a request, or requests that wait for their turn.
    pub(crate) inbound: Vec<u8>,
    pub(crate) outbound: Outbound,
    /// The socket may have bytes.
    pub(crate) is_readable: bool,
    /// It waits in the list of connections that have something to do.
    pub(crate) is_queued: bool,
    /// It waits in the list of connections to be written.
    pub(crate) is_dirty: bool,
    /// The client has closed its side.
    pub(crate) has_ended: bool,
    /// Waiting bytes that are an answer to a request: counted for all together.
    pub(crate) answer_bytes: usize,
    /// When the first byte of an unfinished request came.
    pub(crate) request_ms: Option<u64>,
    /// When something came, or something that waited was taken.
    pub(crate) active_ms: u64,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream, now_ms: u64) -> Self {
        Self {
            socket,
            stage: Stage::Http,
            inbound: Vec::new(),
            outbound: Outbound::default(),
            is_readable: true,
            is_queued: false,
            is_dirty: false,
            has_ended: false,
            answer_bytes: 0,
            request_ms: None,
            active_ms: now_ms,
        }
    }

    /// The socket and where a WebSocket's own frames go.
    pub(crate) fn websocket(&mut self) -> Option<(&mut Listener, Pipe<'_>)> {
        let Stage::WebSocket(listener) = &mut self.stage else { return None };
        Some((listener, Pipe { socket: &mut self.socket, outbound: &mut self.outbound }))
    }

    /// Reads what fits into the rest of a request. `Ok(false)`: nothing is there now.
    pub(crate) fn read_request(&mut self, scratch: &mut [u8]) -> Result<bool, Gone> {
        let room = REQUEST_BYTES_MAX - self.inbound.len().min(REQUEST_BYTES_MAX);
        loop {
            match self.socket.read(&mut scratch[..room]) {
                Ok(0) => {
                    self.is_readable = false;
                    self.has_ended = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.inbound.extend_from_slice(&scratch[..count]);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_readable = false;
                    return Ok(false);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
    }

    /// Sends a WebSocket client a last word and reads no more.
    pub(crate) fn close_websocket(&mut self, code: u16, reason: &str, now_ms: u64) {
        let mut bytes = Vec::new();
        frame::close(&mut bytes, code, reason);
        self.outbound.forget_whole();
        self.outbound.push(bytes.into());
        self.close(now_ms);
    }

    /// Writes what waits, then ends.
    pub(crate) fn close(&mut self, now_ms: u64) {
        if !matches!(self.stage, Stage::Closing { .. }) {
            self.stage = Stage::Closing { since_ms: now_ms };
        }
        self.inbound = Vec::new();
    }

    /// Writes what waits: how many bytes went. A connection that is being closed ends with its last byte.
    pub(crate) fn flush(&mut self, now_ms: u64) -> Result<usize, Gone> {
        let count = self.outbound.write(&mut self.socket)?;
        if count > 0 {
            self.active_ms = now_ms;
        }
        if self.outbound.is_empty() && matches!(self.stage, Stage::Closing { .. }) && !self.outbound.finished
        {
            self.outbound.finished = true;
            self.socket.shutdown(Shutdown::Write).map_err(|_| Gone)?;
        }
        Ok(count)
    }
}

/// Bytes that wait for a socket, many of them shared with other connections.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    chunks: VecDeque<Shared>,
    /// Bytes of the first chunk that went.
    sent: usize,
    waiting: usize,
    is_blocked: bool,
    /// The writing side was shut down.
    pub(crate) finished: bool,
}

impl Outbound {
    pub(crate) fn push(&mut self, bytes: Shared) {
        self.waiting += bytes.len();
        self.chunks.push_back(bytes);
    }

    /// Bytes that wait.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(crate) const fn unblock(&mut self) {
        self.is_blocked = false;
    }

    /// Forgets what was not begun: a client that is cut would have to read it before it learns that it is.
    fn forget_whole(&mut self) {
        self.chunks.truncate(usize::from(self.sent > 0));
        self.waiting = self.chunks.iter().map(|chunk| chunk.len()).sum::<usize>() - self.sent;
    }

    fn write(&mut self, socket: &mut TcpStream) -> Result<usize, Gone> {
        let before = self.waiting;
        while !self.is_blocked && self.waiting > 0 {
            let mut slices = [IoSlice::new(&[]); BUFFERS_PER_WRITE];
            let mut count = 0;
            for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                *slice = IoSlice::new(if count == 0 { &chunk[self.sent..] } else { chunk });
                count += 1;
            }
            match socket.write_vectored(&slices[..count]) {
                Ok(0) => return Err(Gone),
                Ok(written) => self.take(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_blocked = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
        Ok(before - self.waiting)
    }

    fn take(&mut self, written: usize) {
        self.waiting -= written;
        self.sent += written;
        while let Some(first) = self.chunks.front()
            && self.sent >= first.len()
        {
            self.sent -= first.len();
            self.chunks.pop_front();
        }
        if self.chunks.is_empty() {
            self.chunks = VecDeque::new();
        }
    }
}

/// What tungstenite reads from and writes to: its few own frames go where the shared ones wait.
pub(crate) struct Pipe<'a> {
    socket: &'a mut TcpStream,
    outbound: &'a mut Outbound,
}

impl Read for Pipe<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.socket.read(out)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbound.push(bytes.into());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
