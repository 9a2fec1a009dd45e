//! Sessions, and the numbered reports of one of them.

use super::Stop;
use crate::cli::Source;
use crate::data_folder;
use crate::failure::Failure;
use crate::rebuild::{self, Reach, rebuild};
use crate::snapshots;
use crate::table::table;
use adapters::{Instruments, render_line};
use engine::event::{Event, EventRecord};
use engine::number::{Sequence, SessionId, Text};
use journal::event_log::EventLogReader;
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

/// Prints the sessions as the journal leaves them.
pub(super) fn run(source: &Source) -> Result<(), Stop> {
    let engine = rebuild(&source.data, Reach::To(Sequence(u64::MAX)), &mut |_| ControlFlow::Continue(()))?;
    let rows: Vec<Value> = engine
        .sessions()
        .map(|session| {
            json!({"session": session.session.0, "name": session.name.as_str(),
                "role": format!("{:?}", session.role), "account": session.account.0, "enabled": session.enabled,
                "connected": session.connection != 0, "next_report": session.next_report.0,
                "last_user_ref": session.last_user_ref.0, "live_orders": session.live_orders,
                "day": session.day.as_str()})
        })
        .collect();
    let mut out = BufWriter::new(std::io::stdout().lock());
    if source.json {
        rows.iter().try_for_each(|row| writeln!(out, "{row}"))?;
    } else {
        out.write_all(table(&rows).as_bytes())?;
    }
    Ok(out.flush()?)
}

/// Prints the numbered reports of a session's day, with their details.
pub(super) fn stream(source: &Source, name: &str, from: u32, day: Option<&str>) -> Result<(), Stop> {
    let wanted = Text::<8>::new(name);
    let mut reader = rebuild::events(&source.data)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut lines = Lines::default();
    let mut session = added_before(source, name, &reader)?;
    let mut days: Vec<String> = Vec::new();
    while let Some(record) = reader.next().map_err(Failure::from)? {
        lines.instruments.observe(&record);
        match record.view() {
            Ok(Event::SessionAdded(added)) if Some(added.name) == wanted => {
                session = Some(added.header.session)
            }
            Ok(Event::Session(event)) if Some(event.header.session) == session && event.begins == 1 => {
                lines.begin_day(day);
                days.push(event.day.to_string());
            }
            _ => {}
        }
        let in_day = day.is_none_or(|day| days.last().is_some_and(|last| last == day));
        if in_day {
            lines.take(&record, session, from);
        }
    }
    if session.is_none() {
        return Err(
            Failure::new(format!("no session {name:?}; `rotunda inspect sessions` lists them")).into()
        );
    }
    if let Some(day) = day.filter(|day| !days.iter().any(|known| known == day)) {
        let known = days.join(", ");
        return Err(Failure::new(format!("session {name} has no day {day:?}; its days are: {known}")).into());
    }
    out.write_all(lines.text.as_bytes())?;
    Ok(out.flush()?)
}

/// The session of this name, where the event that made it may have been removed from the event log.
fn added_before(source: &Source, name: &str, log: &EventLogReader) -> Result<Option<SessionId>, Failure> {
    if log.first()?.is_none_or(|first| first.sequence <= Sequence(1)) {
        return Ok(None);
    }
    let limits = data_folder::limits(&source.data)?.unwrap_or_default();
    let loaded = snapshots::newest(&source.data, &limits, |_| true)?;
    let known = loaded.as_ref().and_then(|loaded| loaded.market.knowledge.known.session(name));
    Ok(known.map(|added| added.header.session))
}

/// The lines of the day in hand: without a day asked for, the last one stands at the end.
#[derive(Default)]
struct Lines {
    instruments: Instruments,
    detail: Option<EventRecord>,
    text: String,
}

impl Lines {
    fn begin_day(&mut self, wanted: Option<&str>) {
        if wanted.is_none() {
            self.text.clear();
        }
    }

    fn take(&mut self, record: &EventRecord, session: Option<SessionId>, from: u32) {
        if matches!(record.view(), Ok(Event::Detail(_))) {
            self.detail = Some(*record);
            return;
        }
        let detail = self.detail.take();
        if Some(record.session()) != session || record.report().0 < from.max(1) {
            return;
        }
        if let Some(detail) = detail {
            render_line(&detail, &self.instruments, &mut self.text);
        }
        render_line(record, &self.instruments, &mut self.text);
    }
}
