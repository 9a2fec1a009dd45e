//! One instrument's book, order by order, at any command or at any message of the feed.

use super::Stop;
use crate::book_text::{self, Listed, Shown};
use crate::cli::Source;
use crate::failure::Failure;
use crate::output;
use crate::rebuild::{Moment, Reach, rebuild};
use engine::event::{AcceptedEvent, Event, EventKind, EventRecord, Flags, ReportEvent};
use engine::matcher::Engine;
use engine::number::{InstrumentId, Sequence};
use net::directory::Directory;
use net::itch::feed::FeedDay;
use std::ops::ControlFlow;

/// Prints the book: now, after a command, or after a message of the feed's last day.
pub(super) fn run(
    source: &Source,
    symbol: &str,
    itch_sequence: Option<u64>,
    sequence: Option<u64>,
) -> Result<(), Stop> {
    let book = match itch_sequence {
        Some(number) => at_message(source, symbol, number)?,
        None => at_command(source, symbol, sequence)?,
    };
    if source.json {
        output::print_line(&book.json())?
    } else {
        output::print(&book.text())?
    }
    Ok(())
}

fn at_command(source: &Source, symbol: &str, last: Option<u64>) -> Result<Listed, Failure> {
    let reach = Reach::To(Sequence(last.unwrap_or(u64::MAX)));
    let engine = rebuild(&source.data, reach, &mut |moment| match moment {
        Moment::Before { sequence, .. } if last.is_some_and(|last| sequence.0 > last) => {
            ControlFlow::Break(())
        }
        Moment::Begins { .. } | Moment::Before { .. } | Moment::After { .. } => ControlFlow::Continue(()),
    })?;
    if let Some(last) = last.filter(|&last| last > engine.last_sequence().0) {
        let end = engine.last_sequence();
        return Err(Failure::new(format!(
            "the journal ends with command {end}: --sequence {last} is beyond it"
        )));
    }
    book_text::listed(&engine, symbol)
}

/// The feed's message `number` may stand in the midst of a command: then the book before the command is
/// taken on by the command's events up to that message.
fn at_message(source: &Source, symbol: &str, number: u64) -> Result<Listed, Failure> {
    let place = find(source, number)?;
    let mut orders = Vec::new();
    let before = Sequence(place.sequence.0 - 1);
    let engine = rebuild(&source.data, Reach::To(before), &mut |moment| {
        match moment {
            Moment::Before { sequence: next, .. } if next > place.sequence => return ControlFlow::Break(()),
            Moment::Before { sequence, engine, .. } if sequence == place.sequence => {
                orders = watched(engine, symbol).map_or_else(Vec::new, |id| book_text::shown(engine, id));
            }
            Moment::After { sequence, engine, events } if sequence == place.sequence => {
                if let Some(id) = watched(engine, symbol) {
                    events[..place.events].iter().for_each(|event| follow(&mut orders, event, id));
                }
            }
            Moment::Begins { .. } | Moment::Before { .. } | Moment::After { .. } => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(Listed::new(book_text::instrument(&engine, symbol)?, orders))
}

fn watched(engine: &Engine, symbol: &str) -> Option<InstrumentId> {
    book_text::instrument(engine, symbol).ok().map(|listed| listed.instrument)
}

/// Where a message of the feed comes from: a command, and how many of its events lead up to it.
#[derive(Clone, Copy)]
struct Place {
    sequence: Sequence,
    events: usize,
}

/// Finds a message of the feed's last day.
fn find(source: &Source, number: u64) -> Result<Place, Failure> {
    let mut directory = Directory::new();
    let mut day = FeedDay::new(&directory);
    let mut found = None;
    let mut first = 1;
    rebuild(&source.data, Reach::Back, &mut |moment| {
        let (sequence, events) = match moment {
            Moment::After { sequence, events, .. } => (sequence, events),
            Moment::Begins { market, .. } => {
                directory = market.knowledge.doors.directory().clone();
                day = market.knowledge.doors.feed_day();
                first = day.next;
                return ControlFlow::Continue(());
            }
            Moment::Before { .. } => return ControlFlow::Continue(()),
        };
        for (index, event) in events.iter().enumerate() {
            if event.kind() == EventKind::DayStarted as u8 {
                found = None;
                first = 1;
            }
            directory.learn(event);
            day.apply(event, &directory, |told, _| {
                if told == number {
                    found = Some(Place { sequence, events: index + 1 });
                }
            });
        }
        ControlFlow::Continue(())
    })?;
    found.ok_or_else(|| {
        let last = day.next - 1;
        Failure::new(format!(
            "of the feed of day {} messages {first} to {last} can be shown, not {number}",
            day.name
        ))
    })
}

/// Takes displayed orders on by one event.
fn follow(orders: &mut Vec<Shown>, record: &EventRecord, instrument: InstrumentId) {
    match record.view() {
        Ok(Event::Accepted(event)) if event.header.instrument == instrument => add(orders, event),
        Ok(Event::Report(event)) if event.header.instrument == instrument => take(orders, event),
        _ => {}
    }
}

fn add(orders: &mut Vec<Shown>, event: &AcceptedEvent) {
    let header = &event.header;
    if header.kind == EventKind::Replaced {
        orders.retain(|shown| shown.order != event.replaced.0);
    }
    if header.flags.contains(Flags::LEVEL) {
        orders.push(Shown {
            order: header.order.0,
            side: header.side,
            price: event.order.price.0,
            quantity: event.order.quantity.0,
        });
    }
}

fn take(orders: &mut Vec<Shown>, event: &ReportEvent) {
    if !event.header.flags.contains(Flags::LEVEL) {
        return;
    }
    if let Some(at) = orders.iter().position(|shown| shown.order == event.header.order.0) {
        orders[at].quantity -= event.order.quantity.0.min(orders[at].quantity);
        if orders[at].quantity == 0 {
            orders.remove(at);
        }
    }
}
