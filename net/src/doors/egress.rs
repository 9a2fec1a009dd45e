//! From released events to connections: reports to their session, the feed to its readers, and the
//! event log to those who are behind.

use super::Doors;
use super::catch_up::{self, CatchUp, Slice};
use super::connection::{Connection, Stage, Stream};
use crate::limits::{CATCH_UP_EVENTS, CATCH_UPS_PER_POLL};
use crate::soup::Packet;
use engine::command::CommandKind;
use engine::event::{Event, EventKind, EventRecord};
use engine::reason::Reject;

impl Doors {
    /// Passes a report on to its session's connection.
    #[inline]
    pub(super) fn deliver(&mut self, record: &EventRecord, event: &Event<'_>) {
        match event {
            Event::Session(event) if event.cause == CommandKind::LogIn => return self.answer_log_in(event),
            Event::Detail(event) => return self.encoder.note(event),
            Event::Setting(event) => return self.close_disabled(event),
            Event::Session(_)
            | Event::Accepted(_)
            | Event::Report(_)
            | Event::SessionAdded(_)
            | Event::Instrument(_)
            | Event::Named(_)
            | Event::Balance(_)
            | Event::Note(_)
            | Event::Level(_) => {}
        }
        let report = u64::from(record.report().0);
        let session = record.session().0 as usize;
        let Some(Some(slot)) = self.by_session.get(session).copied() else { return };
        let Some(connection) = self.connections[slot].as_mut() else { return };
        let Stage::Stream(stream) = &mut connection.stage else { return };
        if report == 0 {
            return;
        }
        let breach = matches!(event, Event::Report(event) if event.header.kind == EventKind::Rejected
            && event.header.reject() == Reject::Rate)
            && connection.meter.breach(self.now.0, &self.limits);
        let day_ends = catch_up::ends_day(record);
        let bytes_max = self.limits.output_bytes_max;
        let (encoder, directory) = (&mut self.encoder, &self.directory);
        if stream.catch_up.is_none() && connection.outbound.len() < bytes_max {
            stream.next = report + 1;
            encoder.encode(event, directory, &mut connection.outbound.bytes);
            self.mark_dirty(slot);
            if day_ends {
                self.end(slot, CommandKind::LogOut, Some(Packet::EndOfSession));
            } else if breach {
                self.end_for_rate(slot);
            }
            return;
        }
        if breach {
            return self.end_for_rate(slot);
        }
        // The client takes less than it gets: from here on it is served from the log.
        let falls_behind = stream.catch_up.is_none();
        let catch_up = stream.catch_up.get_or_insert_default();
        if !catch_up.over {
            catch_up.keep((report, report + 1), bytes_max, |out| encoder.encode(event, directory, out));
            catch_up.over = day_ends;
        }
        if falls_behind {
            self.mark_catching_up(slot);
        }
        if day_ends {
            self.open_now(slot);
        }
    }

    /// Rejects have not slowed the client down.
    #[cold]
    fn end_for_rate(&mut self, slot: usize) {
        let why = b"too many orders above the session's rate: log in again and keep to it";
        self.end(slot, CommandKind::SessionLost, Some(Packet::Debug(why)));
    }

    /// Hands the batch of feed messages to the readers.
    pub(super) fn hand_out(&mut self) {
        if self.market_data.is_empty() {
            return;
        }
        let (first, batch) = self.market_data.take_batch();
        let next = self.market_data.day().next;
        let bytes_max = self.limits.output_bytes_max;
        for index in 0..self.readers.len() {
            let slot = self.readers[index];
            let Some(connection) = self.connections[slot].as_mut() else { continue };
            let Stage::Stream(stream) = &mut connection.stage else { continue };
            if stream.catch_up.is_none() && connection.outbound.len() < bytes_max {
                stream.next = next;
                connection.outbound.bytes.extend_from_slice(&batch);
                self.mark_dirty(slot);
                continue;
            }
            let falls_behind = stream.catch_up.is_none();
            let catch_up = stream.catch_up.get_or_insert_default();
            if !catch_up.over {
                catch_up.keep((first, next), bytes_max, |out| out.extend_from_slice(&batch));
            }
            if falls_behind {
                self.mark_catching_up(slot);
            }
        }
        self.market_data.reuse(batch);
    }

    /// The feed's day is over: its readers come again for the next one.
    pub(super) fn end_feed_day(&mut self) {
        self.hand_out();
        for slot in std::mem::take(&mut self.readers) {
            let Some(connection) = self.connections[slot].as_mut() else { continue };
            let Some(stream) = connection.stream_mut() else { continue };
            match &mut stream.catch_up {
                None => self.end(slot, CommandKind::LogOut, Some(Packet::EndOfSession)),
                Some(catch_up) => {
                    catch_up.over = true;
                    self.readers.push(slot);
                    self.open_now(slot);
                }
            }
        }
    }

    /// A slice of the event log for some of the connections that are behind. Tells how many got any.
    pub(super) fn catch_up(&mut self) -> usize {
        let mut work = 0;
        for _ in 0..self.catching_up.len().min(CATCH_UPS_PER_POLL) {
            let Some(slot) = self.catching_up.pop_front() else { break };
            let Some(mut connection) = self.connections[slot].take() else { continue };
            connection.catching_up = false;
            let before = connection.outbound.bytes.len();
            let outcome = self.catch_up_connection(&mut connection);
            let got = connection.outbound.bytes.len() != before;
            work += usize::from(got);
            self.connections[slot] = Some(connection);
            if !matches!(outcome, Outcome::Behind) || got {
                self.mark_dirty(slot);
            }
            match outcome {
                Outcome::Behind => self.mark_catching_up(slot),
                Outcome::Live => {}
                Outcome::DayEnded => self.end(slot, CommandKind::LogOut, Some(Packet::EndOfSession)),
                Outcome::Failed(error) => self.fail(slot, &error),
            }
        }
        work
    }

    fn catch_up_connection(&mut self, connection: &mut Connection) -> Outcome {
        let room = connection.outbound.len() < self.limits.output_bytes_max / 2;
        let Stage::Stream(stream) = &mut connection.stage else { return Outcome::Live };
        let Some(mut catch_up) = stream.catch_up.take() else { return Outcome::Live };
        if !room {
            // It cannot be live soon: what is kept would only cost memory.
            catch_up.forget();
            stream.catch_up = Some(catch_up);
            return Outcome::Behind;
        }
        let outbound = &mut connection.outbound.bytes;
        if let Some(outcome) = self.join(stream, &mut catch_up, outbound) {
            return outcome;
        }
        let slice = self
            .open(stream, &mut catch_up)
            .and_then(|()| catch_up.slice(&mut stream.next, &self.directory, CATCH_UP_EVENTS, outbound));
        match slice {
            Err(error) => return Outcome::Failed(error.to_string()),
            Ok(Slice::DayEnded) => return Outcome::DayEnded,
            Ok(Slice::More | Slice::Waits) => {}
        }
        if let Some(outcome) = self.join(stream, &mut catch_up, outbound) {
            return outcome;
        }
        stream.catch_up = Some(catch_up);
        Outcome::Behind
    }

    /// Finds the place in the log while the day that the stream belongs to is still the present one.
    fn open_now(&mut self, slot: usize) {
        let Some(mut connection) = self.connections[slot].take() else { return };
        let opened = match connection.stream_mut() {
            Some(stream) => match stream.catch_up.take() {
                Some(mut catch_up) => {
                    let opened = self.open(stream, &mut catch_up);
                    stream.catch_up = Some(catch_up);
                    opened
                }
                None => Ok(()),
            },
            None => Ok(()),
        };
        self.connections[slot] = Some(connection);
        if let Err(error) = opened {
            self.fail(slot, &error.to_string());
        }
    }

    fn fail(&mut self, slot: usize, error: &str) {
        tracing::warn!(error, "a stream cannot be resent from the event log");
        let last = Packet::Debug(b"the stream cannot be resent; log in again");
        self.end(slot, CommandKind::SessionLost, Some(last));
    }

    fn open(
        &mut self,
        stream: &Stream,
        catch_up: &mut CatchUp,
    ) -> Result<(), journal::event_log::EventLogError> {
        if catch_up.is_open() {
            return Ok(());
        }
        match stream.session {
            None => catch_up.open_feed(&self.event_log, self.market_data.find(stream.next)),
            Some(session) => {
                let since = self.directory.session(session).map(|known| known.day_since).unwrap_or_default();
                catch_up.open_reports(&self.event_log, &mut self.index, (session, stream.next, since))
            }
        }
    }

    /// Makes the stream live where it has come to what was kept, or to all that was released.
    fn join(&mut self, stream: &mut Stream, catch_up: &mut CatchUp, out: &mut Vec<u8>) -> Option<Outcome> {
        if catch_up.meets_kept(stream.next) {
            out.extend_from_slice(&catch_up.kept);
            stream.next = catch_up.kept_next;
            return Some(if catch_up.over { Outcome::DayEnded } else { Outcome::Live });
        }
        if catch_up.over || catch_up.kept_from != 0 {
            return None;
        }
        let released = match stream.session {
            None if self.market_data.is_empty() => self.market_data.day().next,
            None => return None,
            Some(session) => u64::from(self.directory.session(session)?.next_report.0),
        };
        (stream.next == released).then_some(Outcome::Live)
    }
}

/// Where a stream is after its turn with the log.
enum Outcome {
    Behind,
    Live,
    DayEnded,
    Failed(String),
}
