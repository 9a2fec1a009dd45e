//! A disk for the event log that refuses at a chosen moment, and what a power cut leaves of its files: for
//! tests and for the simulated venue. The files themselves are real.

use super::EventDisk;
use crate::disk::simulated::Fault;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// What a disk writes as a whole, in bytes.
const SECTOR_SIZE: usize = 512;

/// Appends to real files, but for the faults that were planted.
#[derive(Debug)]
pub struct SimulatedEventDisk {
    /// Appends and syncs so far.
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    synced: Sender<(PathBuf, u64)>,
}

/// Knows what of the log's files is durable, and cuts the power. Begin anew with each writer.
#[derive(Debug)]
pub struct Survivors {
    folder: PathBuf,
    durable: BTreeMap<PathBuf, u64>,
    synced: Receiver<(PathBuf, u64)>,
}

/// A disk for the log in `folder` whose operations (appends and syncs, counted from 0) suffer `faults`, and
/// what survives on it.
#[must_use]
pub fn disk(folder: &Path, faults: &[(u64, Fault)]) -> (SimulatedEventDisk, Survivors) {
    let (sender, synced) = unbounded();
    let disk = SimulatedEventDisk { operations: 0, faults: faults.iter().copied().collect(), synced: sender };
    (disk, Survivors { folder: folder.to_owned(), durable: BTreeMap::new(), synced })
}

impl SimulatedEventDisk {
    fn next_fault(&mut self) -> Option<Fault> {
        self.operations += 1;
        self.faults.remove(&(self.operations - 1))
    }
}

impl EventDisk for SimulatedEventDisk {
    fn append(&mut self, file: &mut File, _path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.next_fault() {
            None | Some(Fault::Lie) => file.write_all(bytes),
            Some(Fault::InputOutput) => Err(io::Error::other("planted: input/output error")),
            Some(Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Short) => {
                file.write_all(&bytes[..bytes.len() / 2])?;
                Err(io::ErrorKind::WriteZero.into())
            }
        }
    }

    fn sync(&mut self, file: &File, path: &Path) -> io::Result<()> {
        match self.next_fault() {
            None => {
                // Whoever would cut the power may be gone; then nobody asks what survives.
                let _ = self.synced.send((path.to_owned(), file.metadata()?.len()));
                Ok(())
            }
            Some(Fault::Lie) => Ok(()),
            Some(Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::InputOutput | Fault::Short) => Err(io::Error::other("planted: input/output error")),
        }
    }
}

impl Survivors {
    /// Takes all that is in the folder now for durable: what an earlier cut left, and what a start repaired.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn begin(&mut self) -> io::Result<()> {
        for path in self.files()? {
            let length = path.metadata()?.len();
            self.durable.insert(path, length);
        }
        Ok(())
    }

    /// The power fails, the writer is gone: of each file the durable part is there, of the rest some sectors,
    /// up to any length. `below` draws a number below its argument.
    ///
    /// # Errors
    /// A file cannot be changed.
    pub fn cut_power(&mut self, below: &mut dyn FnMut(u64) -> u64) -> io::Result<()> {
        self.durable.extend(self.synced.try_iter());
        for path in self.files()? {
            let file = File::options().write(true).open(&path)?;
            let length = file.metadata()?.len();
            let durable = self.durable.get(&path).copied().unwrap_or(0).min(length);
            let kept = durable + below(length - durable + 1);
            file.set_len(kept)?;
            let clean = below(2) == 0;
            for sector in (durable..kept).step_by(SECTOR_SIZE).filter(|_| !clean) {
                let lost = (kept - sector).min(SECTOR_SIZE as u64);
                if below(3) == 0 {
                    file.write_all_at(&vec![0; usize::try_from(lost).unwrap_or(SECTOR_SIZE)], sector)?;
                }
            }
        }
        Ok(())
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.folder)?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
        paths.sort();
        Ok(paths)
    }
}
