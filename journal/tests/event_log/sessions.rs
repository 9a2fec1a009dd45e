//! The index of sessions: kept equals rebuilt, and finds every report of the present day.

use crate::{append, files, market, options, temporary, write};
use engine::event::{EventKind, EventRecord, Flags, Header};
use engine::number::{ReportNumber, SessionId};
use journal::event_log::{
    Address, EventLogError, EventLogWriter, INDEX_EVERY, SessionIndex, SessionReport, SessionStream,
};
use std::fs;
use std::path::Path;

/// The numbered reports of `session` since its day began, and the address of the first.
fn present_day(events: &[EventRecord], session: SessionId) -> (Vec<SessionReport>, Address) {
    let mut reports = Vec::new();
    for (place, event) in events.iter().enumerate() {
        if event.session() != session || event.report() == ReportNumber(0) {
            continue;
        }
        if event.report() == ReportNumber(1) {
            reports.clear();
        }
        let flags = bytemuck::checked::from_bytes::<Header>(&bytemuck::bytes_of(event)[..48]).flags;
        let detail = flags.contains(Flags::DETAIL).then(|| events[place - 1]);
        reports.push(SessionReport { detail, report: *event });
    }
    let since = reports.first().map_or(Address::START, |first| Address::of(&first.report));
    (reports, since)
}

fn check_all(folder: &Path, events: &[EventRecord], index: &SessionIndex) {
    for session in (1..=market::SESSIONS).map(SessionId) {
        let (expected, since) = present_day(events, session);
        assert!(expected.len() > 3 * INDEX_EVERY as usize, "the test needs more than a few entries");
        for from in (0..expected.len()).step_by(29) {
            let number = expected[from].report.report();
            for since in [since, Address::START] {
                let mut stream = SessionStream::open(folder, index, session, number, since).expect("opens");
                for report in &expected[from..] {
                    let found = stream.next(usize::MAX).expect("reads");
                    assert!(found.as_ref() == Some(report), "{session}: report {}", report.report.report());
                }
                assert!(stream.next(usize::MAX).expect("reads").is_none());
            }
        }
    }
}

#[test]
fn every_report_of_the_day_is_found_with_its_detail() {
    let folder = temporary();
    let events = market::events(11_000);
    write(&options(folder.path()), &events);
    let index = SessionIndex::open(folder.path()).expect("opens");
    check_all(folder.path(), &events, &index);
    let day = events.iter().rfind(|event| event.kind() == EventKind::DayStarted as u8).expect("a day began");
    assert_eq!(index.day_started().map(|(address, _)| address), Some(Address::of(day)));
}

#[test]
fn an_index_that_is_refreshed_is_as_good_as_a_new_one() {
    let folder = temporary();
    let options = options(folder.path());
    let events = market::events(11_000);
    let mut index = SessionIndex::open(folder.path()).expect("opens");
    let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
    for part in events.chunks(97) {
        append(&mut writer, part);
        writer.flush();
        index.refresh().expect("refreshes");
    }
    writer.close().expect("closes");
    index.refresh().expect("refreshes");
    check_all(folder.path(), &events, &index);
    assert_eq!(index.len(), SessionIndex::open(folder.path()).expect("opens").len());
}

#[test]
fn a_rebuilt_index_equals_the_one_that_was_kept() {
    let folder = temporary();
    let options = options(folder.path());
    write(&options, &market::events(3_000));
    let kept: Vec<_> =
        files(folder.path(), "index").into_iter().map(|path| (fs::read(&path), path)).collect();
    assert!(kept.len() > 4);
    for (place, (bytes, path)) in kept.iter().enumerate() {
        let bytes = bytes.as_ref().expect("reads");
        match place % 4 {
            0 => fs::remove_file(path).expect("removes"),
            1 => fs::write(path, &bytes[..bytes.len() - 32]).expect("writes"),
            2 => fs::write(path, [&bytes[..], b"tail"].concat()).expect("writes"),
            _ => {
                let mut damaged = bytes.clone();
                damaged[20] ^= 4;
                fs::write(path, damaged).expect("writes");
            }
        }
    }
    let (_, tail) = EventLogWriter::open(&options).expect("opens");
    assert_eq!(tail.indexes_rebuilt, kept.len());
    for (bytes, path) in &kept {
        assert_eq!(&fs::read(path).expect("reads"), bytes.as_ref().expect("was read"), "{}", path.display());
    }
}

#[test]
fn a_damaged_index_is_named_while_nobody_writes() {
    let folder = temporary();
    write(&options(folder.path()), &market::events(3_000));
    let path = files(folder.path(), "index")[1].clone();
    let mut bytes = fs::read(&path).expect("reads");
    bytes[36] ^= 1;
    fs::write(&path, bytes).expect("writes");
    match SessionIndex::open(folder.path()) {
        Err(EventLogError::Index { path: named, offset: 32 }) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_index_that_lags_does_not_answer_with_yesterday() {
    let folder = temporary();
    let events = market::events(11_000);
    let day =
        events.iter().rposition(|event| event.kind() == EventKind::DayStarted as u8).expect("a day began");
    write(&options(folder.path()), &events[..day]);
    let index = SessionIndex::open(folder.path()).expect("opens");
    write(&options(folder.path()), &events[day..]);
    let (expected, since) = present_day(&events, SessionId(2));
    assert!(index.find(SessionId(2), ReportNumber(5), since).is_none());
    let mut stream =
        SessionStream::open(folder.path(), &index, SessionId(2), ReportNumber(5), since).expect("opens");
    assert!(stream.next(usize::MAX).expect("reads") == Some(expected[4]));
}

#[test]
fn a_stream_goes_on_into_the_next_day_and_keeps_to_its_budget() {
    let folder = temporary();
    let options = options(folder.path());
    let events = market::events(11_000);
    let day =
        events.iter().rposition(|event| event.kind() == EventKind::DayStarted as u8).expect("a day began");
    write(&options, &events[..day - 10]);
    let index = SessionIndex::open(folder.path()).expect("opens");
    let mut stream =
        SessionStream::open(folder.path(), &index, SessionId(3), ReportNumber(1), Address::START)
            .expect("opens");
    write(&options, &events[day - 10..]);
    let mut numbers = Vec::new();
    let mut asked = 0;
    while asked * 10 < 2 * events.len() {
        asked += 1;
        numbers.extend(stream.next(10).expect("reads").map(|found| found.report.report().0));
    }
    let restart = numbers.iter().rposition(|&number| number == 1).expect("a new day");
    assert!(restart > 100 && numbers[..restart].iter().copied().eq(1..=restart as u32));
    assert!(numbers[restart..].iter().copied().eq(1..=(numbers.len() - restart) as u32));
    assert_eq!(numbers.len() - restart, present_day(&events, SessionId(3)).0.len());
}
