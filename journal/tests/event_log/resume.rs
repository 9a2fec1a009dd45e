//! Recovery compares what it makes with what is stored, and appends what is missing.

use crate::{market, options, read, temporary, write};
use engine::event::EventRecord;
use engine::number::Sequence;
use journal::event_log::{Address, EventLogError, EventLogWriter, Regenerated, Resume, remove_files_below};
use std::path::Path;

fn resume(folder: &Path, from: Address) -> Resume {
    let (writer, tail) = EventLogWriter::open(&options(folder)).expect("opens");
    Resume::new(folder, writer, &tail, from).expect("begins")
}

fn all(resume: &mut Resume, events: &[EventRecord]) -> Result<usize, EventLogError> {
    let mut same = 0;
    for event in events {
        same += usize::from(resume.event(event)? == Regenerated::Same);
    }
    Ok(same)
}

#[test]
fn the_same_events_are_compared_and_the_rest_is_appended() {
    let folder = temporary();
    let events = market::events(3_000);
    for (stored, snapshot) in [(0, 0), (700, 0), (1_400, 900), (3_000, 2_999)] {
        let before = read(folder.path()).expect("reads").len();
        write(&options(folder.path()), &events[before..stored.max(before)]);
        let held = stored.max(before);
        let from = Address { sequence: events[snapshot].sequence(), ordinal: 0 };
        let first = events.partition_point(|event| Address::of(event) < from);
        let mut resume = resume(folder.path(), from);
        let until = (held + 200).min(3_000);
        assert_eq!(all(&mut resume, &events[first..until]).expect("the same"), held - first);
        resume.finish().expect("ends").close().expect("closes");
        assert!(read(folder.path()).expect("reads") == events[..until]);
    }
}

#[test]
fn another_event_stops_the_node_and_is_named() {
    let events = market::events(1_000);
    let folder = temporary();
    write(&options(folder.path()), &events);
    let mut changed = *events[500].words();
    changed[7] ^= 1;
    let mut diverging = events.clone();
    diverging[500] = EventRecord::from_words(changed);
    let error = all(&mut resume(folder.path(), Address::START), &diverging).expect_err("it is another event");
    let named = Address::of(&events[500]);
    assert!(matches!(error, EventLogError::Diverged { address, .. } if address == named), "{error}");

    let mut missing = events.clone();
    missing.remove(500);
    let error = all(&mut resume(folder.path(), Address::START), &missing).expect_err("one is missing");
    assert!(matches!(error, EventLogError::Diverged { address, .. } if address == named), "{error}");
}

#[test]
fn a_log_that_is_ahead_of_its_journal_is_refused() {
    let events = market::events(1_000);
    let folder = temporary();
    write(&options(folder.path()), &events);
    let mut short = resume(folder.path(), Address::START);
    all(&mut short, &events[..990]).expect("the same");
    let error = short.finish().expect_err("ten are missing");
    let named = Address::of(&events[990]);
    assert!(matches!(error, EventLogError::Ahead { first, .. } if first == named), "{error}");

    let mut leaping = resume(folder.path(), Address::START);
    all(&mut leaping, &events[..990]).expect("the same");
    let mut words = *events[999].words();
    words[0] = Sequence(events[999].sequence().0 + 9).0;
    assert!(matches!(leaping.event(&EventRecord::from_words(words)), Err(EventLogError::Ahead { .. })));
}

#[test]
fn removed_files_are_not_missed() {
    let folder = temporary();
    let events = market::events(3_000);
    write(&options(folder.path()), &events[..2_900]);
    remove_files_below(folder.path(), Address::of(&events[2_000])).expect("removes");
    let left = read(folder.path()).expect("reads").len();
    let mut resume = resume(folder.path(), Address::START);
    assert_eq!(resume.event(&events[0]).expect("passes"), Regenerated::Removed);
    assert_eq!(all(&mut resume, &events[1..]).expect("the same"), left);
    resume.finish().expect("ends").close().expect("closes");
    assert!(read(folder.path()).expect("reads") == events[2_900 - left..]);
}
