//! The pipeline: the picture of docs/architecture.md as code.
//!
//! ```text
//! doors ─┐                 ┌─> journaler ──> commit point ─┐
//! desk  ─┼─> input ring ───┤                               ├─> egress ─> event log, doors, desk
//! timers ┘                 └─> matcher ───> output ring ───┘
//! ```
//!
//! Doors, desk and timers are the gate; egress and the event log are the outlet. `inline` polls all on one thread;
//! `compact` gives the matcher a thread of its own, `dedicated` gives one to each of gate, matcher, journaler and
//! outlet.

mod bell;
mod dedicated;

use crate::failure::Failure;
use crate::idle::{Idle, IdleStrategy, Rest};
use crate::stages::gate::Gate;
use crate::stages::journaler::JournalerStage;
use crate::stages::matcher::MatcherStage;
use crate::stages::outlet::Outlet;
use bell::Bell;
pub(crate) use dedicated::run_dedicated;
use engine::command::CommandSlot;
use engine::ring::Publish;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest sleep: heartbeats, silence and signals are noticed this late.
const PARK_MAX: Duration = Duration::from_millis(100);
/// Cores that the system's affinity masks can name.
const CORES_MAX: usize = 1024;
/// From the first sight of the stop flag: until then what is under way may drain, and until then files may be closed.
/// The rest of the five seconds that a stop may take is for the process to end.
const DRAIN_MAX: Duration = Duration::from_secs(3);
const CLOSE_MAX: Duration = Duration::from_secs(4);

/// Every stage but the matcher, in the order in which a command meets them.
pub(crate) struct Rim {
    pub(crate) gate: Gate,
    pub(crate) journaler: JournalerStage,
    pub(crate) outlet: Outlet,
}

impl Rim {
    /// Committed events go out; the sockets get theirs when they are looked at next.
    fn let_out(&mut self) -> Result<usize, Failure> {
        let Self { gate, outlet, .. } = self;
        let work = outlet.poll(&mut |event| gate.release(event))?;
        gate.settle(outlet.released());
        Ok(work)
    }

    /// Everything that was published is durable and out.
    pub(crate) fn is_drained(&self) -> bool {
        let last = self.gate.published();
        self.outlet.released() >= last && self.journaler.durable() >= last
    }

    /// Sleeps until a socket, an operator or the matcher calls, unless something is under way.
    fn park(&mut self, now: Instant) -> Result<(), Failure> {
        self.outlet.event_log.flush();
        if self.journaler.is_quiet() && self.is_drained() {
            self.gate.take_in(now, PARK_MAX)?;
        } else {
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Closes the sockets, then the files: the journal first, which is the truth; what the event log lacks is made
    /// again. The first fault is told, after both.
    fn close(self, end: Ended) -> Result<(), Failure> {
        self.gate.close();
        let journal = self.journaler.close_by(end.close_by);
        let event_log = self.outlet.event_log.close_by(end.close_by);
        journal?;
        event_log?;
        if end.drained {
            return Ok(());
        }
        Err(Failure::new(
            "the venue could not drain in time; every acknowledged order is in the journal, the next start goes on from there",
        ))
    }
}

/// Puts `commands` into the log and waits until they are out, before any door is looked at.
///
/// # Errors
/// The disk failed: the process must end.
pub(crate) fn open(
    rim: &mut Rim,
    matcher: &mut MatcherStage,
    commands: &[CommandSlot],
) -> Result<(), Failure> {
    let mut published = 0;
    while published < commands.len() || !rim.is_drained() {
        let now = Instant::now();
        let time = rim.gate.clock.now(now);
        while published < commands.len() && rim.gate.input.try_publish(&commands[published].at(time)).is_ok()
        {
            published += 1;
        }
        let work = rim.journaler.poll(now)? + matcher.poll() + rim.let_out()?;
        if work == 0 {
            std::thread::yield_now();
        }
    }
    rim.outlet.event_log.flush();
    Ok(())
}

/// Runs everything on this thread until `stop`, then drains and closes.
///
/// # Errors
/// A disk or a listener failed: the process must end.
pub(crate) fn run_inline(
    mut rim: Rim,
    mut matcher: MatcherStage,
    strategy: IdleStrategy,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut idle = Idle::new(strategy);
    let mut drain = Drain::default();
    loop {
        let now = Instant::now();
        let mut work = rim.gate.take_in(now, Duration::ZERO)?;
        work += rim.journaler.poll(now)?;
        work += matcher.poll();
        work += rim.let_out()?;
        if drain.begins(stop, now) {
            rim.gate.doors.stop_reading();
        }
        if let Some(end) = drain.ended(now, || rim.is_drained()) {
            return rim.close(end);
        }
        if idle.after(work, now) == Rest::Park {
            rim.park(now)?;
        }
    }
}

/// Runs the matcher on a thread of its own, the rest on this one, until `stop`; then drains and closes.
///
/// # Errors
/// A disk or a listener failed, or the matcher's thread could not start: the process must end.
pub(crate) fn run_compact(
    mut rim: Rim,
    mut matcher: MatcherStage,
    strategy: IdleStrategy,
    matcher_core: Option<usize>,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let done = AtomicBool::new(false);
    let (rim_bell, matcher_bell) = (Bell::default(), Bell::default());
    let waker = rim.gate.waker();
    std::thread::scope(|scope| {
        let engine = std::thread::Builder::new().name("rotunda-engine".into()).spawn_scoped(scope, || {
            pin(matcher_core);
            let mut idle = Idle::new(strategy);
            while !done.load(Ordering::Acquire) {
                let work = matcher.poll();
                if work > 0 && rim_bell.is_needed() {
                    // A failed wake costs at most one PARK_MAX.
                    let _ = waker.wake();
                }
                if idle.after(work, Instant::now()) == Rest::Park {
                    matcher_bell.sleep(PARK_MAX, || matcher.has_work());
                }
            }
        })?;
        let result = run_rim(&mut rim, strategy, stop, &rim_bell, || matcher_bell.ring(engine.thread()));
        done.store(true, Ordering::Release);
        engine.thread().unpark();
        result
    })
    .and_then(|end| rim.close(end))
}

fn run_rim(
    rim: &mut Rim,
    strategy: IdleStrategy,
    stop: &AtomicBool,
    bell: &Bell,
    call_matcher: impl Fn(),
) -> Result<Ended, Failure> {
    let mut idle = Idle::new(strategy);
    let mut drain = Drain::default();
    loop {
        let now = Instant::now();
        let mut work = rim.gate.take_in(now, Duration::ZERO)?;
        if work > 0 {
            call_matcher();
        }
        work += rim.journaler.poll(now)?;
        work += rim.let_out()?;
        if drain.begins(stop, now) {
            rim.gate.doors.stop_reading();
        }
        if let Some(end) = drain.ended(now, || rim.is_drained()) {
            return Ok(end);
        }
        if idle.after(work, now) == Rest::Park {
            bell.set();
            rim.park(now)?;
            bell.clear();
            call_matcher();
        }
    }
}

/// The end of a run: from the first sight of the stop flag until all is out, or too long has passed.
#[derive(Default)]
struct Drain {
    since: Option<Instant>,
}

/// How a run ended.
struct Ended {
    /// All is out; else time was up.
    drained: bool,
    /// Until then files may be closed.
    close_by: Instant,
}

impl Drain {
    /// True once, when the stop flag is first seen.
    fn begins(&mut self, stop: &AtomicBool, now: Instant) -> bool {
        if self.since.is_some() || !stop.load(Ordering::Acquire) {
            return false;
        }
        self.since = Some(now);
        true
    }

    /// `None`: go on.
    fn ended(&self, now: Instant, is_drained: impl FnOnce() -> bool) -> Option<Ended> {
        let since = self.since?;
        let drained = is_drained();
        let over = drained || now.duration_since(since) > DRAIN_MAX;
        over.then_some(Ended { drained, close_by: since + CLOSE_MAX })
    }
}

/// Pins the calling thread, where a core is given; a core that is not there is told, not fatal.
pub(crate) fn pin(core: Option<usize>) {
    let Some(id) = core else { return };
    if id >= CORES_MAX || !core_affinity::set_for_current(core_affinity::CoreId { id }) {
        tracing::warn!(
            core = id,
            "this thread could not be pinned to that core; it runs where the system puts it"
        );
    }
}

/// A flag that SIGTERM and SIGINT set.
///
/// # Errors
/// The system refused the handlers.
pub(crate) fn stop_on_signals() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
