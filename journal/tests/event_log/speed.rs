//! How fast the log is written and read. Run by hand:
//! `cargo test --release -p rotunda-journal --test event_log -- --ignored --nocapture speed`

use crate::{append, market, temporary};
use journal::event_log::{EventLogOptions, EventLogReader, EventLogWriter, SessionIndex};
use std::time::Instant;

const EVENTS: usize = 4_000_000;

#[test]
#[ignore = "a measurement, not a test"]
fn speed() {
    let folder = temporary();
    let events = market::events(EVENTS);
    let options = EventLogOptions::new(folder.path().to_owned());
    let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
    let rate = |what: &str, start: Instant| {
        println!("{what}: {:.2} M events/s", EVENTS as f64 / start.elapsed().as_secs_f64() / 1e6);
    };
    let start = Instant::now();
    append(&mut writer, &events);
    rate("append", start);
    writer.close().expect("closes");
    rate("append and close", start);

    let start = Instant::now();
    let mut reader = EventLogReader::open(folder.path()).expect("opens");
    let mut read = 0;
    while reader.next().expect("reads").is_some() {
        read += 1;
    }
    assert_eq!(read, EVENTS);
    rate("read", start);

    let start = Instant::now();
    drop(EventLogWriter::open(&options).expect("opens"));
    println!("open: {:?}", start.elapsed());
    let start = Instant::now();
    let index = SessionIndex::open(folder.path()).expect("opens");
    println!("index of {} entries: {:?}", index.len(), start.elapsed());
}
