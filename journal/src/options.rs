use crate::disk::PAGE_SIZE;
use crate::reader::KnownPoint;
use crate::record::{HEADER_SIZE, RECORD_BYTES_LIMIT};
use std::path::PathBuf;
use std::time::Duration;

/// Most writes that may be under way at once.
pub const WRITES_IN_FLIGHT_LIMIT: usize = 16;

/// How writes reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Backend {
    /// io_uring with direct writes; blocking where the system or the file system refuses either.
    #[default]
    Auto,
    /// io_uring with direct writes, or an error.
    IoUring,
    /// A thread with plain writes and `fdatasync`.
    Blocking,
}

/// What a journal is opened with.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// The folder of the segments; made where it is missing.
    pub folder: PathBuf,
    /// Size of new segments, in bytes: a multiple of 4 KiB that holds all records in flight, so that
    /// these never span more than two segments.
    pub segment_bytes: u64,
    /// Writes that may be under way at once: 1 to [`WRITES_IN_FLIGHT_LIMIT`].
    pub writes_in_flight: usize,
    /// Largest record, in bytes: a multiple of 4 KiB, at most [`RECORD_BYTES_LIMIT`].
    pub record_bytes_max: usize,
    /// How writes reach the disk.
    pub backend: Backend,
    /// The cluster that the journal belongs to; never 0.
    pub cluster: u64,
    /// The node that writes it; never 0.
    pub node: u64,
    /// Version of the market rules that new entries carry.
    pub rules: u16,
    /// Time without commands after which an empty record vouches for what is durable.
    pub vouch_after: Duration,
    /// Where reading begins: behind what a snapshot covers.
    pub known: KnownPoint,
}

/// What is wrong with the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsFault {
    /// Segments are not a multiple of 4 KiB, or too small for the records in flight.
    SegmentBytes,
    /// Segments that are there are too small for the records in flight.
    SegmentsThere,
    /// No writes, or more than [`WRITES_IN_FLIGHT_LIMIT`].
    WritesInFlight,
    /// Records are not a multiple of 4 KiB, or above [`RECORD_BYTES_LIMIT`].
    RecordBytes,
    /// Cluster or node is 0.
    Owner,
}

impl std::fmt::Display for OptionsFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SegmentBytes => write!(
                f,
                "segment_bytes must be a multiple of {PAGE_SIZE}, below 16 TiB and at least \
                 record_bytes_max x writes_in_flight"
            ),
            Self::SegmentsThere => f.write_str(
                "record_bytes_max x writes_in_flight must not exceed the segments that the journal has; lower them",
            ),
            Self::WritesInFlight => write!(f, "writes_in_flight must be 1 to {WRITES_IN_FLIGHT_LIMIT}"),
            Self::RecordBytes => {
                write!(f, "record_bytes_max must be a multiple of {PAGE_SIZE}, at most {RECORD_BYTES_LIMIT}")
            }
            Self::Owner => write!(f, "cluster and node must not be 0"),
        }
    }
}

impl JournalOptions {
    /// The defaults, in `folder`: segments of 256 MiB, four writes in flight, records up to 256 KiB.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            segment_bytes: 256 << 20,
            writes_in_flight: 4,
            record_bytes_max: 256 << 10,
            backend: Backend::Auto,
            cluster: 1,
            node: 1,
            rules: 1,
            vouch_after: Duration::from_millis(10),
            known: KnownPoint::START,
        }
    }

    /// Whether a journal can be run with these.
    ///
    /// # Errors
    /// The first option that cannot.
    pub fn check(&self) -> Result<(), OptionsFault> {
        let page = PAGE_SIZE as u64;
        let record = self.record_bytes_max;
        if !record.is_multiple_of(PAGE_SIZE) || record <= HEADER_SIZE || record > RECORD_BYTES_LIMIT {
            return Err(OptionsFault::RecordBytes);
        }
        if !(1..=WRITES_IN_FLIGHT_LIMIT).contains(&self.writes_in_flight) {
            return Err(OptionsFault::WritesInFlight);
        }
        let pages = self.segment_bytes / page;
        let holds_flights = self.segment_bytes >= (record * self.writes_in_flight) as u64;
        if !self.segment_bytes.is_multiple_of(page) || !holds_flights || pages > u32::MAX.into() {
            return Err(OptionsFault::SegmentBytes);
        }
        if self.cluster == 0 || self.node == 0 {
            return Err(OptionsFault::Owner);
        }
        Ok(())
    }
}
