//! One connection of the load client: a socket that never blocks, and its two buffers.

use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};

/// Bytes that may wait to be sent. At the bound no further command is made; its moment has passed all
/// the same, so that the wait shows in its latency.
pub(super) const UNSENT_SIZE_MAX: usize = 1 << 20;
/// Bytes that may be read before they are taken apart: larger than any packet.
const READ_SIZE: usize = 256 * 1_024;

pub(super) struct Link {
    pub(super) stream: TcpStream,
    pub(super) unsent: Vec<u8>,
    inbound: Vec<u8>,
    filled: usize,
}

impl Link {
    pub(super) fn new(stream: TcpStream) -> Self {
        let unsent = Vec::with_capacity(UNSENT_SIZE_MAX);
        Self { stream, unsent, inbound: vec![0; READ_SIZE], filled: 0 }
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent.drain(..sent);
        Ok(())
    }

    /// Reads once. Whether the socket may hold more.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        match self.stream.read(&mut self.inbound[self.filled..]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.filled += count;
                Ok(self.filled == self.inbound.len())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Bytes that were read and not yet taken.
    pub(super) fn received(&self) -> &[u8] {
        &self.inbound[..self.filled]
    }

    /// Forgets the first `count` of them.
    pub(super) fn take(&mut self, count: usize) {
        self.inbound.copy_within(count..self.filled, 0);
        self.filled -= count;
    }
}
