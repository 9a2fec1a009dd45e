use super::{PAGE_SIZE, Page, Segment, Segments};
use crate::error::{Action, JournalError};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".journal";

/// The segments of a folder, to be read.
#[derive(Debug)]
pub struct SegmentFiles {
    folder: PathBuf,
    reading: Option<(u64, File)>,
}

/// The file of a segment.
pub(super) fn segment_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("{generation:010}{SUFFIX}"))
}

/// An error of the system, with what was tried.
pub(super) fn refused(action: Action, file: &Path) -> impl FnOnce(io::Error) -> JournalError {
    move |source| JournalError::Io { action, file: file.to_owned(), source }
}

/// Opens a file for direct reads or writes, past the page cache.
#[cfg(target_os = "linux")]
pub(super) fn open_direct(options: &OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    options.clone().custom_flags(rustix::fs::OFlags::DIRECT.bits().cast_signed()).open(path)
}

/// Elsewhere there are no direct writes of this kind.
#[cfg(not(target_os = "linux"))]
pub(super) fn open_direct(_options: &OpenOptions, _path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

impl SegmentFiles {
    /// The segments in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), reading: None }
    }

    /// The file for reading. Direct where possible: what the page cache holds after a failed sync of an
    /// earlier process need not be what the disk holds.
    fn file(&mut self, generation: u64) -> Result<&File, JournalError> {
        let file = match self.reading.take() {
            Some((open, file)) if open == generation => file,
            _ => {
                let path = segment_path(&self.folder, generation);
                open_direct(OpenOptions::new().read(true), &path)
                    .or_else(|_| File::open(&path))
                    .map_err(refused(Action::Open, &path))?
            }
        };
        Ok(&self.reading.insert((generation, file)).1)
    }
}

impl Segments for SegmentFiles {
    fn list(&mut self) -> Result<Vec<Segment>, JournalError> {
        let read = || -> io::Result<Vec<Segment>> {
            let mut segments = Vec::new();
            for entry in std::fs::read_dir(&self.folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
                if let Some(generation) = number.and_then(|number| number.parse().ok()) {
                    segments.push(Segment { generation, bytes: entry.metadata()?.len() });
                }
            }
            segments.sort_unstable_by_key(|segment| segment.generation);
            Ok(segments)
        };
        read().map_err(refused(Action::List, &self.folder))
    }

    fn read(&mut self, generation: u64, page: u32, into: &mut [Page]) -> Result<(), JournalError> {
        let path = self.path(generation);
        let offset = u64::from(page) * PAGE_SIZE as u64;
        self.file(generation)?
            .read_exact_at(bytemuck::cast_slice_mut(into), offset)
            .map_err(refused(Action::Read, &path))
    }

    fn path(&self, generation: u64) -> PathBuf {
        segment_path(&self.folder, generation)
    }
}
