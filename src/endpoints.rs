//! `DIR/endpoints.json`: the addresses that a running venue has open.

use net::client::ClientError;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Name of the file in the data folder.
const FILE_NAME: &str = "endpoints.json";

/// The addresses in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// OUCH over SoupBinTCP.
    pub(crate) ouch: SocketAddr,
    /// ITCH over SoupBinTCP.
    pub(crate) itch: SocketAddr,
    /// REST, WebSocket and the page; `None` where the web door is off.
    pub(crate) web: Option<SocketAddr>,
    /// Unix socket of `rotunda admin`.
    pub(crate) admin: PathBuf,
}

/// No addresses can be read from a data folder.
#[derive(Debug)]
pub(crate) struct NoEndpoints {
    path: PathBuf,
    error: io::Error,
}

impl std::fmt::Display for NoEndpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        write!(
            f,
            "{path}: {}: is the venue open (`rotunda run`)? Name its data folder with --data, or the door's address",
            self.error
        )
    }
}

impl std::error::Error for NoEndpoints {}

/// What to do where a door cannot be used.
pub(crate) const fn remedy(error: &ClientError) -> &'static str {
    match error {
        ClientError::Io(_) | ClientError::Closed(_) => {
            "; is the venue open (`rotunda run`)? Name its data folder with --data, or the door's address"
        }
        ClientError::Rejected(_) => "; name a session with --session and its password with --password",
        ClientError::Soup(_) | ClientError::Ouch(_) | ClientError::Unexpected(_) => {
            "; is that the address of the right door? DIR/endpoints.json has them"
        }
    }
}

impl Endpoints {
    /// Writes the file whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        let unfinished = data.join("endpoints.json.new");
        std::fs::write(&unfinished, serde_json::to_string_pretty(self)? + "\n")?;
        std::fs::rename(unfinished, data.join(FILE_NAME))
    }

    /// Takes the file away: the venue is closed.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn remove(data: &Path) -> io::Result<()> {
        match std::fs::remove_file(data.join(FILE_NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// There is none, or it is no such file.
    pub(crate) fn read(data: &Path) -> Result<Self, NoEndpoints> {
        let path = data.join(FILE_NAME);
        let read = std::fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
        read.map_err(|error| NoEndpoints { path, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = std::env::temp_dir().join(format!("rotunda-endpoints-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let endpoints = Endpoints {
            ouch: "127.0.0.1:9001".parse().expect("an address"),
            itch: "[::1]:9002".parse().expect("an address"),
            web: Some("127.0.0.1:9080".parse().expect("an address")),
            admin: folder.join("admin.sock"),
        };
        endpoints.write(&folder).expect("written");
        assert_eq!(Endpoints::read(&folder).expect("read"), endpoints);
        Endpoints::remove(&folder).expect("removed");
        let complaint = Endpoints::read(&folder).expect_err("gone").to_string();
        assert!(complaint.contains("endpoints.json") && complaint.contains("rotunda run"), "{complaint}");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
