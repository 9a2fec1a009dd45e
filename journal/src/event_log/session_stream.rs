//! A session's numbered reports, from any of its present day on.

use super::{Address, EventLogError, EventLogReader, SessionIndex};
use engine::event::{Event, EventKind, EventRecord};
use engine::number::{ReportNumber, SessionId};
use std::path::Path;

const FIRST: ReportNumber = ReportNumber(1);

/// A numbered report, with the detail that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionReport {
    /// The OrderDetail directly before the report.
    pub detail: Option<EventRecord>,
    /// The report.
    pub report: EventRecord,
}

/// Reads the reports of one session in the order of their numbers, while the log grows.
#[derive(Debug)]
pub struct SessionStream {
    reader: EventLogReader,
    session: SessionId,
    /// The number that comes next.
    next_report: ReportNumber,
    since: Address,
    detail: Option<EventRecord>,
    at_end: bool,
}

impl SessionStream {
    /// The reports of `session` in its present day, from number `report` (at least 1) on. `since` is the
    /// address of the SessionDay that began that day, or [`Address::START`] where it is not known: see
    /// [`SessionIndex::find`]. Refresh the index before.
    ///
    /// # Errors
    /// The log cannot be read, or what is asked for was removed from it.
    pub fn open(
        folder: &Path,
        index: &SessionIndex,
        session: SessionId,
        report: ReportNumber,
        since: Address,
    ) -> Result<Self, EventLogError> {
        let mut reader = EventLogReader::open(folder)?;
        match index.find(session, report, since) {
            Some(position) => reader.seek_position(position)?,
            None if since == Address::START => reader.seek(since),
            None => reader.seek_stored(since)?,
        }
        Ok(Self { reader, session, next_report: report.max(FIRST), since, detail: None, at_end: false })
    }

    /// The number of the report that [`Self::next`] yields next.
    #[must_use]
    pub const fn next_report(&self) -> ReportNumber {
        self.next_report
    }

    /// Whether [`Self::next`] yielded `None` because the log has no more yet, not because its budget was
    /// used up.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// The next report; after the SessionDay that ends the day, the first of the new day. `None` while it is not there yet. Reads at most `events_max` events, so that a
    /// stage that serves many sessions stays fair: `None` may also mean that this budget is used up.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn next(&mut self, events_max: usize) -> Result<Option<SessionReport>, EventLogError> {
        self.at_end = false;
        for _ in 0..events_max {
            let Some(event) = self.reader.next()? else {
                self.at_end = true;
                return Ok(None);
            };
            let detail = self.detail.take();
            if event.kind() == EventKind::OrderDetail as u8 {
                self.detail = Some(event);
            } else if event.session() == self.session
                && event.report() == self.next_report
                && Address::of(&event) >= self.since
            {
                self.next_report = if ends_day(&event) { FIRST } else { ReportNumber(event.report().0 + 1) };
                let belongs = |detail: &EventRecord| {
                    detail.sequence() == event.sequence() && detail.ordinal() + 1 == event.ordinal()
                };
                return Ok(Some(SessionReport { detail: detail.filter(belongs), report: event }));
            }
        }
        Ok(None)
    }
}

fn ends_day(event: &EventRecord) -> bool {
    event.kind() == EventKind::SessionDay as u8
        && matches!(event.view(), Ok(Event::Session(session)) if session.begins == 0)
}
