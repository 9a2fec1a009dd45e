//! The matcher against its twin: random commands, every event compared in all its fields, and what must
//! always be true judged after every command.
//!
//! `ROTUNDA_TWIN_COMMANDS` sets how many (default 1,000,000; 10,000,000 with
//! `ROTUNDA_TESTS=full`), `ROTUNDA_TWIN_SEED` the first seed; runs of
//! [`RUN_COMMANDS`] commands have the seeds that follow. A failure prints the seed of its run; where the engine
//! aborted, a file named by the seed is left in `target/tmp`.

mod audit;
mod model;
mod stream;

use audit::Audit;
use engine::command::{CommandKind, CommandSlot};
use engine::digest;
use engine::event::{EventKind, EventRecord};
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::{InstrumentId, Sequence};
use engine::reason::{CancelReason, Reject};
use engine::terms::Side;
use model::Twin;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use stream::Stream;

/// Commands of one run; each begins with an empty market.
const RUN_COMMANDS: u64 = 20_000;

/// Whole books, balances and sessions are compared after so many commands.
const LOOK_EVERY: u64 = 500;
/// The engine is encoded, decoded and goes on after so many commands.
const REOPEN_EVERY: u64 = 2_500;

/// From so many commands on, every reason and kind of event must have come.
const ENOUGH_COMMANDS: u64 = 500_000;

/// Small, so that all of them are reached, but that on level blocks, which is no rule of the market. How
/// many orders may rest is the stream's to say.
const LIMITS: Limits = Limits {
    live_orders: 0,
    level_blocks: 1 << 14,
    instruments: 6,
    accounts: 9,
    sessions: 10,
    currencies: 4,
};

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.replace('_', "").parse().expect("a number"))
}

#[test]
fn the_matcher_agrees_with_its_twin() {
    let full = std::env::var("ROTUNDA_TESTS").is_ok_and(|size| size == "full");
    let commands = from_environment("ROTUNDA_TWIN_COMMANDS", if full { 10_000_000 } else { 1_000_000 });
    let first = from_environment("ROTUNDA_TWIN_SEED", 1);
    let runs = commands.div_ceil(RUN_COMMANDS);
    let next = AtomicU64::new(0);
    let tally = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs {
                return;
            }
            let count = RUN_COMMANDS.min(commands - run * RUN_COMMANDS);
            let note = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("twin-seed-{}", first + run));
            std::fs::write(&note, "").expect("the note can be written");
            for (what, often) in Run::new(first + run).finish(count) {
                *tally.lock().expect("no panic holds it").entry(what).or_insert(0) += often;
            }
            std::fs::remove_file(&note).expect("the note is there");
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    if commands >= ENOUGH_COMMANDS {
        check_that_all_was_seen(&tally.into_inner().expect("no panic held it"));
    }
}

/// A stream that never reaches a rule proves nothing about it.
fn check_that_all_was_seen(tally: &BTreeMap<(u8, u8), u64>) {
    let seen = |kind: EventKind, reason: u8| tally.contains_key(&(kind as u8, reason));
    let never = [Reject::Disk, Reject::LevelLimit, Reject::ConditionLimit, Reject::NotResting];
    let of_orders = (Reject::Session as u8..=Reject::Unsupported as u8)
        .filter(|reason| !never.iter().any(|other| *other as u8 == *reason));
    for reason in of_orders {
        assert!(seen(EventKind::Rejected, reason), "no order was rejected for reason {reason}");
    }
    for reason in Reject::Unsupported as u8..=Reject::Date as u8 {
        assert!(seen(EventKind::OperatorRejected, reason), "no operator was refused for reason {reason}");
    }
    for reason in CancelReason::User as u8..=CancelReason::InvalidReplace as u8 {
        let kind =
            if reason == CancelReason::SelfTrade as u8 { EventKind::Prevented } else { EventKind::Cancelled };
        assert!(seen(kind, reason), "no order lost anything for reason {reason}");
    }
    let plain = [
        EventKind::OrderDetail,
        EventKind::Accepted,
        EventKind::Replaced,
        EventKind::Rested,
        EventKind::Reduced,
        EventKind::Executed,
        EventKind::QueryAnswer,
        EventKind::Carried,
        EventKind::SessionState,
        EventKind::Balance,
        EventKind::MassCancelled,
        EventKind::RulesSet,
        EventKind::Level,
    ];
    for kind in plain {
        assert!(seen(kind, 0), "no {kind:?}");
    }
}

/// The limit on level blocks is about memory, not about the market, so the twin knows nothing of it: it only
/// gives the stream something to aim at.
#[test]
fn what_is_always_true_holds_at_the_limit_of_levels() {
    let mut audit_tally = BTreeMap::new();
    for seed in 1..=8 {
        let mut run = Run::new(seed);
        run.limits.level_blocks = 9;
        run.engine = Engine::new(&run.limits);
        for at in 1..=RUN_COMMANDS / 2 {
            run.sequence = Sequence(at);
            let command = run.stream.next(&run.twin);
            let mut said = Vec::new();
            run.engine.apply(run.sequence, &command, &mut said);
            run.twin.apply(run.sequence, &command);
            run.audit.read(run.sequence, &said);
            run.check_money();
            if at.is_multiple_of(REOPEN_EVERY) {
                run.reopen();
            }
        }
        audit_tally.append(&mut run.audit.tally);
    }
    let full = (EventKind::Rejected as u8, Reject::LevelLimit as u8);
    assert!(audit_tally.contains_key(&full), "the limit was never reached");
}

/// One market, twice.
struct Run {
    seed: u64,
    stream: Stream,
    twin: Twin,
    engine: Engine,
    audit: Audit,
    sequence: Sequence,
    /// The running hash over all that was said.
    hash: u64,
    limits: Limits,
    commands: Vec<CommandSlot>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let stream = Stream::new(seed);
        let limits = Limits { live_orders: stream.orders_max(), ..LIMITS };
        Self {
            seed,
            stream,
            twin: Twin::new(limits),
            engine: Engine::new(&limits),
            audit: Audit::default(),
            sequence: Sequence(0),
            hash: 0,
            limits,
            commands: Vec::new(),
        }
    }

    /// Gives so many commands; how often each kind of event came with each reason.
    fn finish(mut self, commands: u64) -> BTreeMap<(u8, u8), u64> {
        for _ in 0..commands {
            self.sequence = self.sequence.next();
            let command = self.stream.next(&self.twin);
            self.commands.push(command);
            let mut said = Vec::new();
            self.engine.apply(self.sequence, &command, &mut said);
            let expected = self.twin.apply(self.sequence, &command);
            let judged = catch_unwind(AssertUnwindSafe(|| self.judge(&command, &expected, &said)));
            if judged.is_err() {
                self.fail(&command, &expected, &said);
            }
        }
        self.compare_state();
        self.compare_with_one_that_was_never_reopened();
        self.audit.tally
    }

    fn judge(&mut self, command: &CommandSlot, expected: &[EventRecord], said: &[EventRecord]) {
        assert!(expected == said, "the twin says otherwise");
        self.hash = said.iter().fold(self.hash, digest::chain);
        assert_eq!(self.engine.event_hash(), self.hash, "the running hash misses an event");
        assert!(said.len() <= Engine::events_max(&self.limits), "more events than there can be");
        self.audit.read(self.sequence, said);
        self.check_money();
        if self.sequence.0.is_multiple_of(LOOK_EVERY) || command.kind() == CommandKind::NewDay as u8 {
            self.compare_state();
        }
        if self.sequence.0.is_multiple_of(REOPEN_EVERY) {
            self.reopen();
        }
    }

    /// What every account holds is what came less what left; none is overdrawn but the venue's own, which
    /// clears what ledger accounts trade with external ones.
    fn check_money(&self) {
        let mut sums: BTreeMap<u16, i128> = BTreeMap::new();
        for balance in self.engine.balances() {
            let solvent = balance.account.0 == 0 || (balance.available >= 0 && balance.reserved >= 0);
            assert!(solvent, "overdrawn: {balance:?}");
            *sums.entry(balance.currency.0).or_default() += balance.available + balance.reserved;
        }
        sums.retain(|_, sum| *sum != 0);
        let mut deposited = self.audit.deposited.clone();
        deposited.retain(|_, sum| *sum != 0);
        assert_eq!(sums, deposited, "money came or went by itself");
    }

    /// Books, balances and sessions as the engine shows them offline.
    fn compare_state(&self) {
        for instrument in &self.twin.instruments {
            let book = self.engine.book(InstrumentId(instrument.number)).expect("listed");
            for side in [Side::Buy, Side::Sell] {
                let orders: Vec<(i128, u64, u64, bool)> = book
                    .levels(side)
                    .flat_map(|level| book.orders(side, level.price))
                    .map(|order| (order.price.0.into(), order.order.0, order.open.0, order.displayed.0 == 0))
                    .collect();
                let expected: Vec<_> = self.twin.side(instrument.number, side);
                let expected: Vec<(i128, u64, u64, bool)> =
                    expected.iter().map(|one| (one.price, one.id, one.open as u64, one.hidden())).collect();
                assert_eq!(orders, expected, "the book of {} differs", instrument.symbol);
                let shown = book.levels(side).filter(|level| level.displayed_orders > 0);
                let shown: Vec<_> =
                    shown.map(|level| (level.price.0, level.displayed.0, level.displayed_orders)).collect();
                assert_eq!(shown, self.audit.side(instrument.number, side), "events and book differ");
            }
        }
        let balances = self
            .engine
            .balances()
            .map(|one| ((one.account.0, one.currency.0), (one.available, one.reserved)));
        let expected = self.twin.balances.iter().map(|(key, one)| (*key, (one.available, one.reserved)));
        let expected: BTreeMap<_, _> = expected.filter(|(_, balance)| *balance != (0, 0)).collect();
        assert_eq!(balances.collect::<BTreeMap<_, _>>(), expected, "balances differ");
        let sessions = self.engine.sessions();
        let sessions =
            sessions.map(|one| (one.session.0, one.connection, one.next_report.0, one.last_user_ref.0));
        let expected = self.twin.sessions.iter();
        let expected = expected.map(|one| (one.number, one.connection, one.next_report, one.last_user_ref));
        assert!(sessions.eq(expected), "sessions differ");
    }

    /// Goes on with the engine that the encoded state gives.
    fn reopen(&mut self) {
        let mut bytes = Vec::new();
        self.engine.encode_state(&mut bytes);
        let reopened = Engine::decode_state(&bytes, &self.limits).expect("what was encoded can be decoded");
        let mut again = Vec::new();
        reopened.encode_state(&mut again);
        assert!(bytes == again, "the state's bytes are canonical");
        assert_eq!(reopened.state_hash(), self.engine.state_hash());
        assert_eq!(reopened.event_hash(), self.engine.event_hash());
        self.engine = reopened;
    }

    /// The same commands from the beginning give the same events and the same state.
    fn compare_with_one_that_was_never_reopened(&self) {
        let mut engine = Engine::new(&self.limits);
        let mut said = Vec::new();
        for (at, command) in (1..).zip(&self.commands) {
            said.clear();
            engine.apply(Sequence(at), command, &mut said);
        }
        assert_eq!(engine.event_hash(), self.engine.event_hash(), "seed {}", self.seed);
        assert_eq!(engine.state_hash(), self.engine.state_hash(), "seed {}", self.seed);
    }

    fn fail(&self, command: &CommandSlot, expected: &[EventRecord], said: &[EventRecord]) -> ! {
        let mut text = format!("seed {}, sequence {}: {:?}\n", self.seed, self.sequence, command.view());
        let list = |text: &mut String, whose: &str, events: &[EventRecord]| {
            writeln!(text, "{whose}:").expect("memory");
            events.iter().for_each(|event| writeln!(text, "  {:?}", event.view()).expect("memory"));
        };
        list(&mut text, "the twin", expected);
        list(&mut text, "the engine", said);
        let (seed, commands) = (self.seed, self.sequence);
        panic!("{text}again: ROTUNDA_TWIN_SEED={seed} ROTUNDA_TWIN_COMMANDS={commands}");
    }
}
