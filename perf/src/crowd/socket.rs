//! Sockets from a chosen address of this machine, so that what one part of the crowd does is not counted
//! against the other, or against the honest.

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{Error, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

/// Connects from `source`, and never waits for the socket afterwards.
pub(super) fn connect_from(source: Ipv4Addr, to: SocketAddr) -> Result<TcpStream> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::from((source, 0)))?;
    connect(&socket, &to)?;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Raises the soft limit of open files to `needed`, if it is lower.
pub(super) fn allow_open_files(needed: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        return Err(Error::other(format!("{needed} open files are needed: raise the limit (ulimit -n)")));
    }
    limit.current = Some(needed);
    Ok(setrlimit(Resource::Nofile, limit)?)
}
