//! Streams that come from the event log: for clients that ask for what was, and for slow ones.
//!
//! The log may lag behind what is released by what its writer has in hand. So while a stream catches up,
//! what is released is kept beside it (bounded), and once the log has come to where that begins, it is
//! appended and the stream is live again: without a gap, and nothing twice.

use super::market_data::FeedMark;
use super::reports::ReportEncoder;
use crate::directory::Directory;
use crate::itch::feed;
use crate::soup;
use engine::event::{Event, EventKind, EventRecord};
use engine::number::{ReportNumber, SessionId};
use journal::event_log::{Address, EventLogError, EventLogReader, SessionIndex, SessionStream};
use std::path::Path;

/// How a slice of the log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slice {
    /// There may be more.
    More,
    /// The log has no more yet.
    Waits,
    /// The day of the stream is over: nothing follows in it.
    DayEnded,
}

/// Where the packets come from.
#[derive(Debug)]
enum Source {
    Reports { stream: Box<SessionStream>, encoder: ReportEncoder },
    Feed { reader: EventLogReader, number: u64 },
}

#[derive(Debug, Default)]
pub(super) struct CatchUp {
    source: Option<Source>,
    /// Packets that were released meanwhile.
    pub(super) kept: Vec<u8>,
    /// Number of the first of them; 0 for none.
    pub(super) kept_from: u64,
    /// The number that follows the last of them.
    pub(super) kept_next: u64,
    /// The stream's day ended with what is released: nothing more is kept, and the stream will not be
    /// live again.
    pub(super) over: bool,
}

impl CatchUp {
    /// Forgets what was kept: the log will have it.
    pub(super) fn forget(&mut self) {
        self.kept = Vec::new();
        self.kept_from = 0;
    }

    pub(super) const fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Opens the reports of `session` from number `next` on.
    pub(super) fn open_reports(
        &mut self,
        folder: &Path,
        index: &mut Option<SessionIndex>,
        (session, next, since): (SessionId, u64, Address),
    ) -> Result<(), EventLogError> {
        let index = match index {
            Some(index) => {
                index.refresh()?;
                index
            }
            None => index.insert(SessionIndex::open(folder)?),
        };
        let report = ReportNumber(u32::try_from(next).unwrap_or(u32::MAX));
        let stream = Box::new(SessionStream::open(folder, index, session, report, since)?);
        self.source = Some(Source::Reports { stream, encoder: ReportEncoder::default() });
        Ok(())
    }

    /// Opens the feed at a mark.
    pub(super) fn open_feed(&mut self, folder: &Path, mark: FeedMark) -> Result<(), EventLogError> {
        let mut reader = EventLogReader::open(folder)?;
        // Numbers are counted from the mark on: without it they would be wrong.
        reader.seek_stored(mark.address)?;
        self.source = Some(Source::Feed { reader, number: mark.number });
        Ok(())
    }

    /// Appends packets from `next` on, at most those of `events_max` events, and none that is kept.
    pub(super) fn slice(
        &mut self,
        next: &mut u64,
        directory: &Directory,
        events_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Slice, EventLogError> {
        let end = if self.kept_from == 0 { u64::MAX } else { self.kept_from };
        match &mut self.source {
            None => Ok(Slice::Waits),
            Some(Source::Reports { stream, encoder }) => {
                reports(stream, encoder, (next, end), directory, events_max, out)
            }
            Some(Source::Feed { reader, number }) => {
                feed_slice(reader, number, (next, end), directory, events_max, out)
            }
        }
    }

    /// Keeps the packets `first..next` that `write` appends, unless they would be more than `bytes_max`:
    /// then what was kept is forgotten, and the log will have it.
    pub(super) fn keep(
        &mut self,
        (first, next): (u64, u64),
        bytes_max: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.kept.len() >= bytes_max {
            self.forget();
        }
        if self.kept_from == 0 {
            self.kept_from = first;
        }
        self.kept_next = next;
        write(&mut self.kept);
    }

    /// Whether the stream, at number `next`, has come to what was kept.
    pub(super) const fn meets_kept(&self, next: u64) -> bool {
        self.kept_from != 0 && next >= self.kept_from
    }
}

fn reports(
    stream: &mut SessionStream,
    encoder: &mut ReportEncoder,
    (next, end): (&mut u64, u64),
    directory: &Directory,
    events_max: usize,
    out: &mut Vec<u8>,
) -> Result<Slice, EventLogError> {
    // A report costs the events before it that belong to others: the budget is shared out in small parts.
    const PART: usize = 16;
    for _ in 0..events_max / PART {
        if *next >= end {
            return Ok(Slice::More);
        }
        let Some(found) = stream.next(PART)? else { continue };
        for record in found.detail.iter().chain([&found.report]) {
            if let Ok(event) = record.view() {
                encoder.encode(&event, directory, out);
            }
        }
        *next = u64::from(found.report.report().0) + 1;
        if ends_day(&found.report) {
            return Ok(Slice::DayEnded);
        }
    }
    Ok(Slice::More)
}

fn feed_slice(
    reader: &mut EventLogReader,
    number: &mut u64,
    (next, end): (&mut u64, u64),
    directory: &Directory,
    events_max: usize,
    out: &mut Vec<u8>,
) -> Result<Slice, EventLogError> {
    for _ in 0..events_max {
        if *next >= end {
            return Ok(Slice::More);
        }
        let Some(record) = reader.next()? else { return Ok(Slice::Waits) };
        let Ok(event) = record.view() else { continue };
        if feed::starts_day(&event) && *number != 1 {
            return Ok(Slice::DayEnded);
        }
        feed::messages(&event, directory, |message| {
            if *number == *next {
                soup::frame(out, b'S', |out| message.encode(out));
                *next += 1;
            }
            *number += 1;
        });
    }
    Ok(Slice::More)
}

/// Whether a report is the last of its session's day.
pub(super) fn ends_day(record: &EventRecord) -> bool {
    record.kind() == EventKind::SessionDay as u8
        && matches!(record.view(), Ok(Event::Session(session)) if session.begins == 0)
}
