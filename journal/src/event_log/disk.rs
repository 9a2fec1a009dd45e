//! The writer thread: blocks in, bytes on disk out.

use super::block::{Chain, HEADER_SIZE, Header, walk};
use super::index::Stored;
use super::scan::LastFile;
use super::{Address, EventLogError, EventLogOptions, files};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use crossbeam_utils::atomic::AtomicCell;
use engine::event::EventRecord;
use engine::packed;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Whom the writer thread calls.
pub(super) type Listener = Box<dyn Fn() + Send + Sync>;

/// What the writer thread tells: it is the only one to change it.
#[derive(Default)]
pub(super) struct Progress {
    /// The last event that readers can see.
    pub(super) written: AtomicCell<Address>,
    /// The last event that survives a power cut.
    pub(super) synced: AtomicCell<Address>,
    /// Why the thread has ended.
    pub(super) failure: OnceLock<EventLogError>,
    /// Called after each block.
    pub(super) listener: OnceLock<Listener>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").field("written", &self.written.load()).finish_non_exhaustive()
    }
}

/// How bytes reach the log's files: the seam for a disk that fails or forgets.
pub trait EventDisk: Send + 'static {
    /// Appends all of `bytes` to `file`, which has this path.
    ///
    /// # Errors
    /// The disk cannot; a part may have been written.
    fn append(&mut self, file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable what was appended to `file`, which has this path.
    ///
    /// # Errors
    /// The disk cannot.
    fn sync(&mut self, file: &File, path: &Path) -> io::Result<()>;
}

/// The operating system's files as they are.
#[derive(Debug)]
pub(super) struct SystemDisk;

impl EventDisk for SystemDisk {
    fn append(&mut self, file: &mut File, _path: &Path, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&mut self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_data()
    }
}

pub(super) struct Disk<W: EventDisk> {
    disk: W,
    folder: PathBuf,
    file_bytes_max: u64,
    sync_every: Duration,
    chain: Chain,
    open: Option<OpenFile>,
    /// Entries of the block in hand; kept so as not to allocate for each.
    entries: Vec<Stored>,
    /// When the oldest write that is not synced was made.
    unsynced_since: Option<Instant>,
    progress: Arc<Progress>,
}

struct OpenFile {
    events: File,
    events_path: PathBuf,
    index: File,
    index_path: PathBuf,
    size: u64,
    index_entries: u32,
}

impl OpenFile {
    fn open(
        folder: &std::path::Path,
        first: Address,
        size: u64,
        index_entries: u32,
    ) -> Result<Self, EventLogError> {
        let append = |path: &PathBuf| {
            let file = OpenOptions::new().append(true).create(true).open(path);
            file.map_err(|source| EventLogError::io("open", path, source))
        };
        let (events_path, index_path) = (files::events_path(folder, first), files::index_path(folder, first));
        // The index first: a reader that finds the file of events opens its index.
        let index = append(&index_path)?;
        if index_entries == 0 {
            // A power cut, or a hand, can leave an index whose file of events is gone: its entries are of no use.
            index.set_len(0).map_err(|source| EventLogError::io("cut", &index_path, source))?;
        }
        let events = append(&events_path)?;
        Ok(Self { events, events_path, index, index_path, size, index_entries })
    }

    fn write_index(&mut self, disk: &mut impl EventDisk, entries: &[Stored]) -> Result<(), EventLogError> {
        self.index_entries += u32::try_from(entries.len()).expect("a block has fewer events than bytes");
        if entries.is_empty() {
            return Ok(());
        }
        disk.append(&mut self.index, &self.index_path, bytemuck::cast_slice(entries))
            .map_err(|source| EventLogError::io("write", &self.index_path, source))
    }

    fn write(&mut self, disk: &mut impl EventDisk, block: &[u8]) -> Result<(), EventLogError> {
        self.size += block.len() as u64;
        disk.append(&mut self.events, &self.events_path, block)
            .map_err(|source| EventLogError::io("write", &self.events_path, source))
    }

    fn sync(&mut self, disk: &mut impl EventDisk) -> Result<(), EventLogError> {
        for (file, path) in [(&self.index, &self.index_path), (&self.events, &self.events_path)] {
            disk.sync(file, path).map_err(|source| EventLogError::io("sync", path, source))?;
        }
        Ok(())
    }
}

impl<W: EventDisk> Disk<W> {
    pub(super) fn new(
        disk: W,
        options: &EventLogOptions,
        chain: Chain,
        last: Option<LastFile>,
        progress: Arc<Progress>,
    ) -> Result<Self, EventLogError> {
        let open = match last {
            Some(last) => {
                Some(OpenFile::open(&options.folder, last.first, u64::from(last.size), last.index_entries)?)
            }
            None => None,
        };
        progress.written.store(chain.last);
        Ok(Self {
            disk,
            folder: options.folder.clone(),
            file_bytes_max: u64::from(options.file_bytes_max),
            sync_every: Duration::from_nanos(options.sync_ns_max),
            chain,
            open,
            entries: Vec::new(),
            unsynced_since: Some(Instant::now()),
            progress,
        })
    }

    /// Writes blocks until no more can come, then syncs. Buffers go back through `free`, whose bound is
    /// the number of buffers.
    pub(super) fn run(mut self, full: &Receiver<Vec<u8>>, free: &Sender<Vec<u8>>) {
        if let Err(error) = self.write_all(full, free) {
            // The first failure is the one to tell; the thread ends with it.
            let _ = self.progress.failure.set(error);
        }
    }

    fn write_all(&mut self, full: &Receiver<Vec<u8>>, free: &Sender<Vec<u8>>) -> Result<(), EventLogError> {
        loop {
            let block = match self.unsynced_since {
                None => full.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => full.recv_deadline(since + self.sync_every),
            };
            match block {
                Ok(mut block) => {
                    self.write_block(&mut block)?;
                    block.truncate(HEADER_SIZE);
                    // The writer may have been dropped in between; its buffer is then of no use.
                    let _ = free.try_send(block);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.sync(),
            }
            if self.unsynced_since.is_some_and(|since| since.elapsed() >= self.sync_every) {
                self.sync()?;
            }
        }
    }

    fn write_block(&mut self, block: &mut [u8]) -> Result<(), EventLogError> {
        let packed = &block[HEADER_SIZE..];
        let (words, _) = packed::decode(packed).expect("the writer packed at least one event");
        let first = Address::of(&EventRecord::from_words(words));
        if let Some(open) = &self.open
            && open.size + (block.len() + HEADER_SIZE) as u64 > self.file_bytes_max
        {
            self.complete_file()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let mut open = OpenFile::open(&self.folder, first, 0, 0)?;
                open.write_index(&mut self.disk, &[Stored::head()])?;
                files::sync_folder(&self.folder)?;
                none.insert(open)
            }
        };
        let offset = u32::try_from(open.size).expect("file_bytes_max is at most 1 GiB");
        self.entries.clear();
        let entries = &mut self.entries;
        let after = walk(packed, self.chain, |event| entries.extend(Stored::of(event, offset)))
            .expect("the writer packed these events in rising order");
        let length = u32::try_from(packed.len()).expect("block_bytes_max is at most 4 MiB");
        Header::new(&self.chain, &after, first, length).seal(block);
        open.write_index(&mut self.disk, &self.entries)?;
        open.write(&mut self.disk, block)?;
        self.chain = after;
        self.progress.written.store(after.last);
        if let Some(listener) = self.progress.listener.get() {
            listener();
        }
        self.unsynced_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Closes the open file: from now on it never changes.
    fn complete_file(&mut self) -> Result<(), EventLogError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let mut block = [0; HEADER_SIZE];
        Header::new(&self.chain, &self.chain, self.chain.last, 0).seal(&mut block);
        let entries = open.index_entries;
        open.write_index(&mut self.disk, &[Stored::seal(entries)])?;
        open.write(&mut self.disk, &block)?;
        open.sync(&mut self.disk)
    }

    fn sync(&mut self) -> Result<(), EventLogError> {
        if let Some(open) = &mut self.open {
            open.sync(&mut self.disk)?;
        }
        self.progress.synced.store(self.chain.last);
        self.unsynced_since = None;
        Ok(())
    }
}
