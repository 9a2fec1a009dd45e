//! The data folder: where everything is, and the lock that keeps it to one venue.

use crate::config::EngineLimits;
use crate::endpoints::Endpoints;
use crate::failure::Failure;
use engine::limits::Limits;
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

/// Name of the event log's folder.
pub(crate) const EVENT_LOG: &str = "events";
/// Name of the file that holds the limits.
const LIMITS: &str = "limits.json";
/// Name of the file that is locked.
const LOCK: &str = "lock";

/// The limits that this folder's journal was made with; `None` in a new one. They are part of what a command
/// yields (reaching one is a reject), so they stay with the journal.
///
/// # Errors
/// The file is there and cannot be read.
pub(crate) fn limits(data: &Path) -> Result<Option<Limits>, Failure> {
    let path = limits_file(data);
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| Failure::new(format!("{}: {error}", path.display())))?,
    };
    let limits: EngineLimits = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::new(format!("{}: {error}; restore the file from a copy of the folder", path.display()))
    })?;
    Ok(Some(limits.limits()))
}

/// Where the limits are.
pub(crate) fn limits_file(data: &Path) -> PathBuf {
    data.join(LIMITS)
}

/// Where the journal is.
pub(crate) fn journal(data: &Path) -> PathBuf {
    data.join("journal")
}

/// Where the event log is.
pub(crate) fn event_log(data: &Path) -> PathBuf {
    data.join(EVENT_LOG)
}

/// Where the snapshots are.
pub(crate) fn snapshots(data: &Path) -> PathBuf {
    data.join("snapshots")
}

/// Where the adapters' cursors are.
pub(crate) fn cursors(data: &Path) -> PathBuf {
    data.join("cursors")
}

/// Whether a venue runs on this folder now.
pub(crate) fn is_held(data: &Path) -> bool {
    File::open(data.join(LOCK)).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
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
            .open(path.join(LOCK))
            .map_err(|error| told("cannot be written", error))?;
        lock(&file).map_err(|_| {
            let holder = std::fs::read_to_string(path.join(LOCK)).unwrap_or_default();
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

    /// The journal's folder is made before the limits are kept: where they are without it, it was taken away,
    /// and a new market in its place would give the same numbers to other orders. An empty one can also be what
    /// a first start left that was broken off.
    fn check_journal(&self) -> Result<(), Failure> {
        let folder = journal(&self.path);
        match std::fs::read_dir(&folder) {
            Ok(mut files) => {
                if files.next().is_none() {
                    tracing::warn!(
                        folder = %folder.display(),
                        "limits.json is here and the journal is empty: a new market begins. That is right only if no \
                         start ever got further; otherwise stop, and put the journal back from a copy"
                    );
                }
                Ok(())
            }
            Err(error) => Err(Failure::new(format!(
                "{}: {error}: the journal is gone, and with it the market that limits.json was made for. Put it back \
                 from a copy of the folder; to begin a new market, name an empty data folder with --data",
                folder.display()
            ))),
        }
    }

    /// The limits that the engine must have here: those the journal began with, else `configured`, which
    /// are kept from now on. A difference is told: the log wins.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub(crate) fn keep_limits(&self, configured: &EngineLimits) -> Result<Limits, Failure> {
        if let Some(kept) = limits(&self.path)? {
            self.check_journal()?;
            if kept != configured.limits() {
                tracing::warn!(
                    ?kept,
                    "[engine] differs from the limits that this folder was made with; the folder's hold. Start on an \
                     empty folder to have others"
                );
            }
            return Ok(kept);
        }
        let path = limits_file(&self.path);
        if std::fs::read_dir(journal(&self.path)).is_ok_and(|mut files| files.next().is_some()) {
            return Err(Failure::new(format!(
                "{}: missing, and the journal beside it was made with limits that only this file knows; restore it \
                 from a copy of the folder. The limits configured now would be: {}",
                path.display(),
                serde_json::to_string(configured)?
            )));
        }
        let half = self.path.join("limits.json.new");
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(journal(&self.path))?;
            File::open(&self.path)?.sync_all()?;
            let mut file = File::create(&half)?;
            writeln!(file, "{}", serde_json::to_string(configured)?)?;
            file.sync_all()?;
            std::fs::rename(&half, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|error| Failure::new(format!("{}: cannot be written: {error}", path.display())))?;
        Ok(configured.limits())
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

    #[test]
    fn a_folder_keeps_the_limits_it_was_made_with() {
        let path = std::env::temp_dir().join(format!("rotunda-limits-{}", std::process::id()));
        let folder = DataFolder::take(&path).expect("a fresh folder");
        assert_eq!(limits(&path).expect("readable"), None);
        let mut configured = crate::config::Configuration::load(None).expect("the defaults").engine;
        let first = folder.keep_limits(&configured).expect("kept");
        configured.orders_max += 1;
        assert_eq!(folder.keep_limits(&configured).expect("kept"), first);
        assert_eq!(limits(&path).expect("readable"), Some(first));
        std::fs::remove_dir(journal(&path)).expect("made with the limits");
        let refused = folder.keep_limits(&configured).expect_err("a market without its journal").to_string();
        assert!(refused.contains("the journal is gone") && refused.contains("--data"), "{refused}");
        std::fs::remove_file(limits_file(&path)).expect("it was kept");
        std::fs::create_dir_all(journal(&path).join("anything")).expect("our own folder");
        assert!(folder.keep_limits(&configured).is_err(), "a journal without its limits");
        std::fs::remove_dir_all(path).expect("our own folder");
    }
}
