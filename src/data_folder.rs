//! The data folder: where everything is, and the lock that keeps it to one venue.

use crate::endpoints::Endpoints;
use crate::failure::Failure;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A data folder that this process holds.
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Held for its lock, which the system releases when the process ends, however it ends.
    _lock: File,
}

/// Where the journal is.
pub(crate) fn journal(data: &Path) -> PathBuf {
    data.join("journal")
}

/// Where the event log is.
pub(crate) fn event_log(data: &Path) -> PathBuf {
    data.join("events")
}

/// Where the adapters' cursors are.
pub(crate) fn cursors(data: &Path) -> PathBuf {
    data.join("cursors")
}

/// How long a folder's holder may take to die: a killed process keeps its lock until its memory is freed.
const HOLDER_EXIT_MAX: Duration = Duration::from_secs(2);

fn lock(file: &File) -> rustix::io::Result<()> {
    let deadline = Instant::now() + HOLDER_EXIT_MAX;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

impl DataFolder {
    /// Makes the folder where it is missing, and takes it.
    ///
    /// # Errors
    /// It cannot be made or written, or another venue holds it.
    pub(crate) fn take(path: &Path) -> Result<Self, Failure> {
        let told = |what: &str, error: std::io::Error| {
            Failure::new(format!(
                "data folder {}: {what}: {error}; name a folder that this user can write with --data",
                path.display()
            ))
        };
        std::fs::create_dir_all(path).map_err(|error| told("cannot be made", error))?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join("lock"))
            .map_err(|error| told("cannot be written", error))?;
        lock(&file).map_err(|_| {
            let holder = std::fs::read_to_string(path.join("lock")).unwrap_or_default();
            Failure::new(format!(
                "data folder {} is in use by another venue (process {}); stop that one, or name another folder with --data",
                path.display(),
                holder.trim()
            ))
        })?;
        file.set_len(0).map_err(|error| told("cannot be written", error))?;
        writeln!(&file, "{}", std::process::id()).map_err(|error| told("cannot be written", error))?;
        Endpoints::remove(path).map_err(|error| told("cannot be written", error))?;
        Ok(Self { path: path.to_owned(), _lock: file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // Whoever finds the file all the same learns from the closed ports.
        let _ = Endpoints::remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder() {
        let path = std::env::temp_dir().join(format!("rotunda-folder-{}", std::process::id()));
        let first = DataFolder::take(&path).expect("a fresh folder");
        let refused = DataFolder::take(&path).map(|_| ()).expect_err("it is held").to_string();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        assert!(DataFolder::take(&path).is_ok(), "free again");
        std::fs::remove_dir_all(path).expect("our own folder");
    }
}
