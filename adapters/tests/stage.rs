//! From a real event log to sinks: every event once, in order, whatever happens on the way.

use adapters::{
    Batch, Instruments, JsonLinesFile, JsonLinesPipe, Sink, SinkError, Stage, StageError, StageOptions,
    open_json_lines, render_line,
};
use engine::command::CommandKind;
use engine::event::{
    EventKind, EventRecord, Flags, Header, InstrumentEvent, OrderFields, ReportEvent, SettingEvent,
};
use engine::number::{
    AccountId, CurrencyId, InstrumentId, MatchNumber, Money, OrderId, Price, Quantity, ReportNumber,
    Sequence, SessionId, Text, Timestamp, UserRef,
};
use engine::terms::{Matching, Phase, Side};
use journal::event_log::{Address, Cursor, EventLogOptions, EventLogWriter};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use tempfile::TempDir;

fn header(sequence: u64, kind: EventKind) -> Header {
    Header {
        sequence: Sequence(sequence),
        time: Timestamp(1_795_512_000_000_000_000 + sequence),
        kind,
        side: Side::Sell,
        reason: 0,
        flags: Flags::LEVEL.with(Flags::TAKER),
        ordinal: 0,
        session: SessionId(1),
        report: ReportNumber(sequence as u32),
        instrument: InstrumentId(1),
        account: AccountId(7),
        order: OrderId(42),
    }
}

fn listed(sequence: u64, tick: u64) -> EventRecord {
    EventRecord::new(&InstrumentEvent {
        header: header(sequence, EventKind::Instrument),
        symbol: Text::new("TINY\"").expect("short"),
        tick,
        lot: 1,
        price_max: Price(1_000_000),
        quantity_max: Quantity(1_000_000),
        unit: Money(1),
        base: CurrencyId(1),
        quote: CurrencyId(2),
        tick_digits: 2,
        lot_digits: 3,
        phase: Phase::Continuous,
        matching: Matching::PriceTime,
        maker_fee: -10,
        taker_fee: 20,
        revision: 1,
        cause: CommandKind::ListInstrument,
        signed_prices: 0,
        lot_units: 1,
    })
}

fn executed(sequence: u64) -> EventRecord {
    let order = OrderFields {
        user_ref: UserRef(3),
        level_orders: 2,
        price: Price(1_001),
        quantity: Quantity(2_500),
        remaining: Quantity(1),
        level_quantity: Quantity(77),
        level_change: 9,
    };
    EventRecord::new(&ReportEvent {
        header: header(sequence, EventKind::Executed),
        order,
        match_number: MatchNumber(5),
        counterparty: OrderId(41),
        fee: Money(-12),
        executed: Quantity(2_500),
    })
}

/// An instrument, a new day with another tick in it, and trades around it.
fn events(count: u64) -> Vec<EventRecord> {
    (1..=count)
        .map(|sequence| match sequence {
            1 => listed(1, 5),
            1_500 => {
                let mut header = header(sequence, EventKind::DayStarted);
                header.report = ReportNumber(0);
                EventRecord::new(&SettingEvent {
                    header,
                    cause: CommandKind::NewDay,
                    setting: 0,
                    filter: 0,
                    reserved: 0,
                    date: 20_261_125,
                    value: 0,
                    reserved_tail: [0; 8],
                })
            }
            1_501 => listed(sequence, 25),
            _ => executed(sequence),
        })
        .collect()
}

struct Venue {
    folder: TempDir,
}

impl Venue {
    fn new() -> Self {
        Self { folder: TempDir::new().expect("folder") }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("events")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, events: &[EventRecord]) {
        let mut options = EventLogOptions::new(self.log());
        options.file_bytes_max = 32 << 10;
        options.block_bytes_max = 8 << 10;
        let (mut writer, _) = EventLogWriter::open(&options).expect("opens");
        for event in events {
            while !writer.has_room() {
                std::thread::yield_now();
            }
            writer.append(event);
        }
        writer.close().expect("closes");
    }

    fn options(&self) -> StageOptions {
        let mut options = StageOptions::new("json-lines", self.log(), self.path("json.cursor"));
        options.batch_events_max = 100;
        options.idle = std::time::Duration::from_millis(1);
        options
    }

    /// Runs a stage until it has delivered `until`.
    fn deliver(&self, sink: Box<dyn Sink>, until: &EventRecord) {
        let stage = Stage::start(self.options(), sink).expect("starts");
        while stage.status().delivered < Address::of(until) {
            assert!(stage.status().ended.is_none(), "{:?}", stage.status());
            std::thread::yield_now();
        }
        assert_eq!(stage.stop().expect("stops"), Address::of(until));
    }
}

fn rendered(events: &[EventRecord]) -> String {
    let (mut instruments, mut lines) = (Instruments::default(), String::new());
    for event in events {
        instruments.observe(event);
        render_line(event, &instruments, &mut lines);
    }
    lines
}

#[test]
fn a_line_says_all_that_the_event_says() {
    let lines = rendered(&[listed(1, 5), executed(2)]);
    assert_eq!(
        lines.lines().nth(1),
        Some(
            "{\"sequence\":2,\"ordinal\":0,\"kind\":\"Executed\",\
             \"time\":\"2026-11-24T09:20:00.000000002Z\",\"session\":1,\"report\":2,\"account\":7,\
             \"instrument\":1,\"symbol\":\"TINY\\\"\",\"order\":42,\"flags\":[\"Level\",\"Taker\"],\
             \"user_ref\":3,\"side\":\"Sell\",\"price_ticks\":1001,\"price\":\"50.05\",\
             \"quantity_lots\":2500,\"quantity\":\"2.500\",\"remaining_lots\":1,\"remaining\":\"0.001\",\
             \"level_quantity_lots\":77,\"level_quantity\":\"0.077\",\"level_orders\":2,\"level_change\":9,\
             \"match_number\":5,\"counterparty\":41,\"fee\":-12,\"executed_lots\":2500,\"executed\":\"2.500\"}"
        )
    );
}

#[test]
fn every_kind_is_an_object_and_what_is_no_event_too() {
    for kind in 0..=40u8 {
        let mut words = *executed(9).words();
        words[2] = u64::from(kind);
        words[6..].fill(0);
        if matches!(kind, 20 | 21 | 24 | 16..=17) {
            // These name the command that caused them.
            words[6] = 11;
            words[15] = 11 << 16;
        }
        let mut line = String::new();
        render_line(&EventRecord::from_words(words), &Instruments::default(), &mut line);
        let object: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&object["sequence"], &object["ordinal"]), (&Value::from(9), &Value::from(0)));
        assert_eq!(line.matches('\n').count(), 1);
        let known = (1..=30).contains(&kind);
        assert!(known || object["kind"] == "Unknown", "{kind}: {line}");
    }
}

#[test]
fn a_file_holds_each_event_once_through_stops_and_torn_lines() {
    let venue = Venue::new();
    let events = events(3_000);
    let path = venue.path("events.json");
    venue.write(&events[..1_000]);
    venue.deliver(Box::new(JsonLinesFile::new(&path)), &events[999]);
    assert_eq!(Cursor::open(&venue.options().cursor).expect("opens").done(), Address::of(&events[999]));
    assert_eq!(fs::read_to_string(&path).expect("reads"), rendered(&events[..1_000]));

    // A crash: the cursor is behind the file, whose last line is torn.
    venue.write(&events[1_000..]);
    fs::remove_file(venue.options().cursor).expect("removes");
    let whole = rendered(&events[..2_000]);
    fs::write(&path, &whole[..whole.len() - 17]).expect("writes");
    venue.deliver(open_json_lines(&path), &events[2_999]);
    assert_eq!(fs::read_to_string(&path).expect("reads"), rendered(&events));

    // A new file is begun behind the cursor, not from the start.
    fs::rename(&path, venue.path("events.1.json")).expect("renames");
    venue.deliver(open_json_lines(&path), &events[2_999]);
    assert_eq!(fs::read_to_string(&path).expect("reads"), "");
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let venue = Venue::new();
    venue.write(&events(10));
    for content in ["my notes\n", "{\"sequence\":true}\n", &"x".repeat(300_000)] {
        let path = venue.path("notes.txt");
        fs::write(&path, content).expect("writes");
        let stage = Stage::start(venue.options(), open_json_lines(&path)).expect("starts");
        while stage.status().ended.is_none() {
            std::thread::yield_now();
        }
        assert!(matches!(stage.stop(), Err(StageError::Sink(SinkError::Foreign { .. }))));
        assert_eq!(fs::read_to_string(&path).expect("reads"), content);
    }
}

#[test]
fn a_sink_that_cannot_be_reached_lags_and_catches_up() {
    let venue = Venue::new();
    let events = events(500);
    venue.write(&events);
    let path = venue.path("not yet").join("events.json");
    let stage = Stage::start(venue.options(), open_json_lines(&path)).expect("starts");
    while stage.status().waiting.is_none() {
        std::thread::yield_now();
    }
    assert_eq!(stage.status().delivered, Address::START);
    fs::create_dir(venue.path("not yet")).expect("creates");
    while stage.status().delivered < Address::of(&events[499]) {
        std::thread::yield_now();
    }
    assert!(stage.status().waiting.is_none());
    stage.stop().expect("stops");
    assert_eq!(fs::read_to_string(&path).expect("reads"), rendered(&events));
}

/// Fails every second time, sometimes after taking the batch.
struct Moody {
    taken: Sender<Vec<EventRecord>>,
    calls: u32,
}

impl Sink for Moody {
    fn resume(&mut self) -> Result<Option<Address>, SinkError> {
        Ok(None)
    }

    fn deliver(&mut self, batch: &Batch<'_>) -> Result<(), SinkError> {
        self.calls += 1;
        assert_eq!(batch.lines.lines().count(), batch.events.len());
        if self.calls % 4 != 1 {
            self.taken.send(batch.events.to_vec()).expect("the test listens");
        }
        if self.calls.is_multiple_of(2) { Ok(()) } else { Err(SinkError::Busy { path: "moody".into() }) }
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn what_was_not_acknowledged_comes_again_and_nothing_is_missing() {
    let venue = Venue::new();
    let events = events(600);
    venue.write(&events);
    let (taken, batches) = channel();
    venue.deliver(Box::new(Moody { taken, calls: 0 }), &events[599]);
    let mut next = 0;
    let mut repeated = 0;
    for batch in batches {
        let first = events.iter().position(|event| *event == batch[0]).expect("one of ours");
        assert!(first <= next, "a gap before {first}");
        assert!(batch == events[first..first + batch.len()]);
        repeated += usize::from(first < next);
        next = first + batch.len();
    }
    assert_eq!(next, 600);
    assert!(repeated > 0, "the test wants to see a batch twice");
}

fn make_pipe(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(status.success());
}

#[test]
fn a_pipe_waits_for_a_reader_and_begins_again_with_a_whole_batch() {
    let venue = Venue::new();
    let events = events(3_000);
    venue.write(&events);
    let path = venue.path("pipe");
    make_pipe(&path);
    let stage = Stage::start(venue.options(), Box::new(JsonLinesPipe::new(&path))).expect("starts");
    while stage.status().waiting.is_none() {
        std::thread::yield_now();
    }
    let read_some = |lines: usize| {
        let pipe = BufReader::new(fs::File::open(&path).expect("opens"));
        let lines: Vec<_> = pipe.lines().take(lines).collect::<Result<_, _>>().expect("reads");
        let sequence =
            |line: &String| serde_json::from_str::<Value>(line).expect("JSON")["sequence"].as_u64();
        lines.iter().map(|line| sequence(line).expect("a number")).collect::<Vec<_>>()
    };
    let first = read_some(1_000);
    assert!(first.iter().copied().eq(1..=1_000));
    // The reader is gone, and with it what it had left in the pipe: a pipe acknowledges nothing. The
    // batch that was on its way comes again whole.
    let second = read_some(300);
    assert_eq!((second[0] - 1) % 100, 0, "begins with a batch");
    assert!(second.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    let stopped = std::time::Instant::now();
    stage.stop().expect("stops although nobody reads");
    assert!(stopped.elapsed() < std::time::Duration::from_secs(5));
}
