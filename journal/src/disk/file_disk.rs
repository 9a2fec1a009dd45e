use super::blocking::Blocking;
use super::prepare::{Preparer, sync_folder};
use super::segment_files::{open_direct, refused, segment_path};
use super::{Completion, Disk, PAGE_SIZE, Page, Segment, SegmentFiles, Segments, Write};
use crate::error::{Action, JournalError};
use crate::options::{Backend, JournalOptions};
use rustix::fs::FlockOperation;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use super::uring::Uring;

/// Segments that are kept open for writing. Writes in flight span at most two.
const OPEN_LIMIT: usize = 4;
/// How long a start waits for the last writes of a process that was killed.
const CLAIM_WAIT: Duration = Duration::from_secs(5);
/// Pause between two tries to claim a segment.
const CLAIM_PAUSE: Duration = Duration::from_millis(1);
/// A tail is overwritten in pieces of this size.
const ERASE_PAGES: usize = (1 << 20) / PAGE_SIZE;
/// Written once to see whether direct writes work here.
const PROBE: &str = "probe.tmp";

enum Writes {
    #[cfg(target_os = "linux")]
    Uring(Box<Uring>),
    Blocking(Blocking),
}

/// A segment that is open for writing. Its lock lives as long as any write to it: the kernel keeps the open
/// file, and so the lock, until the last write of a killed process has ended.
struct Claimed {
    generation: u64,
    file: Arc<File>,
    path: Arc<PathBuf>,
}

/// Segments as files of a folder.
pub struct FileDisk {
    folder: PathBuf,
    files: SegmentFiles,
    claimed: Vec<Claimed>,
    writes: Writes,
    preparer: Preparer,
}

impl FileDisk {
    /// The segments in the folder of `options`; makes the folder where it is missing.
    ///
    /// # Errors
    /// The folder cannot be used, or io_uring was asked for and is refused.
    pub fn open(options: &JournalOptions) -> Result<Self, JournalError> {
        let folder = &options.folder;
        make_folder(folder).map_err(refused(Action::MakeFolder, folder))?;
        Ok(Self {
            folder: folder.clone(),
            files: SegmentFiles::new(folder),
            claimed: Vec::with_capacity(OPEN_LIMIT),
            writes: Writes::open(options)?,
            preparer: Preparer::new(folder).map_err(refused(Action::Prepare, folder))?,
        })
    }

    /// How writes reach this disk: never [`Backend::Auto`].
    #[must_use]
    pub fn backend(&self) -> Backend {
        match &self.writes {
            #[cfg(target_os = "linux")]
            Writes::Uring(_) => Backend::IoUring,
            Writes::Blocking(_) => Backend::Blocking,
        }
    }

    fn claimed(&mut self, generation: u64) -> Result<usize, JournalError> {
        if let Some(found) = self.claimed.iter().position(|claimed| claimed.generation == generation) {
            return Ok(found);
        }
        if self.claimed.len() == OPEN_LIMIT {
            self.claimed.remove(0);
        }
        let path = segment_path(&self.folder, generation);
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = match self.backend() {
            Backend::Blocking => options.open(&path),
            Backend::IoUring | Backend::Auto => open_direct(&options, &path),
        };
        let file = file.map_err(refused(Action::Open, &path))?;
        lock(&file).map_err(refused(Action::Open, &path))?;
        self.claimed.push(Claimed { generation, file: Arc::new(file), path: Arc::new(path) });
        Ok(self.claimed.len() - 1)
    }
}

impl Writes {
    fn open(options: &JournalOptions) -> Result<Self, JournalError> {
        let set_up = refused(Action::SetUp, &options.folder);
        match options.backend {
            Backend::Blocking => {}
            #[cfg(target_os = "linux")]
            Backend::IoUring => return Self::uring(options),
            #[cfg(target_os = "linux")]
            Backend::Auto => {
                if let Ok(writes) = Self::uring(options) {
                    return Ok(writes);
                }
            }
            #[cfg(not(target_os = "linux"))]
            Backend::IoUring => return Err(set_up(io::ErrorKind::Unsupported.into())),
            #[cfg(not(target_os = "linux"))]
            Backend::Auto => {}
        }
        Blocking::new(options.writes_in_flight).map(Self::Blocking).map_err(set_up)
    }

    #[cfg(target_os = "linux")]
    fn uring(options: &JournalOptions) -> Result<Self, JournalError> {
        let path = options.folder.join(PROBE);
        let mut uring = Uring::new(options.writes_in_flight).map_err(refused(Action::SetUp, &path))?;
        let probe = open_direct(OpenOptions::new().write(true).create(true).truncate(true), &path);
        let written = probe.map_err(refused(Action::SetUp, &path)).and_then(|file| uring.probe(file, &path));
        // The file is of no use whatever the outcome; one that cannot be removed harms nothing.
        let _ = std::fs::remove_file(&path);
        written.map(|()| Self::Uring(Box::new(uring)))
    }
}

impl Segments for FileDisk {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        self.files.list()
    }

    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        self.files.read(generation, page, into)
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.files.path(generation)
    }
}

impl Disk for FileDisk {
    fn claim(&mut self, generation: u64) -> Result<(), JournalError> {
        self.claimed(generation).map(|_| ())
    }

    fn sync(&mut self, generation: u64) -> Result<(), JournalError> {
        let claimed = self.claimed(generation)?;
        let claimed = &self.claimed[claimed];
        claimed.file.sync_all().map_err(refused(Action::Sync, &claimed.path))?;
        sync_folder(&self.folder).map_err(refused(Action::Sync, &self.folder))
    }

    fn erase(&mut self, generation: u64, page: u32, pages: u32) -> Result<(), JournalError> {
        let claimed = self.claimed(generation)?;
        let claimed = &self.claimed[claimed];
        let zeros = vec![Page::ZERO; ERASE_PAGES.min(pages as usize)];
        for begin in (0..pages as usize).step_by(ERASE_PAGES) {
            let piece = &zeros[..ERASE_PAGES.min(pages as usize - begin)];
            let offset = (u64::from(page) + begin as u64) * PAGE_SIZE as u64;
            claimed
                .file
                .write_all_at(bytemuck::cast_slice(piece), offset)
                .map_err(refused(Action::Cut, &claimed.path))?;
        }
        claimed.file.sync_data().map_err(refused(Action::Cut, &claimed.path))
    }

    fn prepare(&mut self, segment: Segment, haste: bool) -> Result<(), JournalError> {
        self.preparer.start(segment, haste)
    }

    fn prepared(&mut self) -> Result<Option<Segment>, JournalError> {
        self.preparer.finished()
    }

    fn submit(&mut self, write: Write) -> Result<(), JournalError> {
        let claimed = self.claimed(write.generation)?;
        let Claimed { file, path, .. } = &self.claimed[claimed];
        match &mut self.writes {
            #[cfg(target_os = "linux")]
            Writes::Uring(uring) => uring.submit(write, file, path),
            Writes::Blocking(blocking) => blocking.submit(write, file, path),
        }
    }

    fn reap(&mut self) -> Result<Option<Completion>, JournalError> {
        match &mut self.writes {
            #[cfg(target_os = "linux")]
            Writes::Uring(uring) => uring.reap(),
            Writes::Blocking(blocking) => blocking.reap(),
        }
    }
}

fn lock(file: &File) -> io::Result<()> {
    let deadline = Instant::now() + CLAIM_WAIT;
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) if Instant::now() < deadline => {
                std::thread::sleep(CLAIM_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes the folder and those above it, and their names durable.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    std::fs::create_dir_all(folder)?;
    for made in missing {
        match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent)?,
            _ => sync_folder(Path::new("."))?,
        }
    }
    Ok(())
}
