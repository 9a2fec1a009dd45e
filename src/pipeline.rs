//! The pipeline: the picture of docs/architecture.md as code.
//!
//! ```text
//! doors ─┐                 ┌─> journaler ──> commit point ─┐
//! desk  ─┼─> input ring ───┤                               ├─> egress ─> event log, doors, desk
//! timers ┘                 └─> matcher ───> output ring ───┘
//! ```
//!
//! The rim is every stage but the matcher. `inline` polls both on one thread; `compact` gives the matcher
//! a thread of its own.

use crate::admin::desk::Desk;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::gather::Gather;
use crate::idle::{Idle, IdleStrategy, Rest};
use crate::stages::egress::{BEYOND_LIMIT_MAX, EgressStage};
use crate::stages::journaler::JournalerStage;
use crate::stages::matcher::MatcherStage;
use crate::stages::rings::InputRing;
use crate::timers::Timers;
use engine::command::CommandSlot;
use engine::ring::Publish;
use journal::event_log::EventLogWriter;
use net::doors::Doors;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Events released before the sockets are looked at again.
const RELEASE_MAX: usize = 4096;
/// Longest sleep: heartbeats, silence and signals are noticed this late.
const PARK_MAX: Duration = Duration::from_millis(100);
/// Cores that the system's affinity masks can name.
const CORES_MAX: usize = 1024;
/// Longest drain at the end; the rest of the five seconds that a stop may take is for closing files.
const DRAIN_MAX: Duration = Duration::from_secs(4);

/// Every stage but the matcher, in the order in which a command meets them.
pub(crate) struct Rim {
    pub(crate) doors: Doors,
    pub(crate) desk: Desk,
    pub(crate) timers: Timers,
    pub(crate) input: InputRing,
    pub(crate) journaler: JournalerStage,
    pub(crate) egress: EgressStage,
    pub(crate) event_log: EventLogWriter,
    pub(crate) clock: Clock,
    pub(crate) gather: Gather,
}

impl Rim {
    /// Commands come in: from sockets unless these gather, operators and time. What the sockets are owed goes
    /// out first. Sleeps at most `timeout` for the first command.
    fn take_in(&mut self, now: Instant, timeout: Duration) -> Result<usize, Failure> {
        let time = self.clock.now(now);
        let mut work = 0;
        if self.gather.is_over(now) {
            let before = self.input.last();
            work += self.doors.flush(time);
            work += self.doors.poll(&mut self.input, time, Some(timeout))?;
            self.gather.looked(self.input.last().0 - before.0, now);
        }
        work += self.desk.poll(&mut self.input, time);
        work += self.timers.poll(&mut self.input, time);
        Ok(work)
    }

    /// Commands reach the disk.
    fn journal(&mut self, now: Instant) -> Result<usize, Failure> {
        Ok(self.journaler.poll(now)?)
    }

    /// Committed events go out.
    fn let_out(&mut self) -> Result<usize, Failure> {
        let mut work = 0;
        // Without room in the event log nothing is released; the rings fill and push back on the sockets.
        let room = self.event_log.room().saturating_sub(BEYOND_LIMIT_MAX).min(RELEASE_MAX);
        if room > 0 {
            let Self { egress, event_log, doors, desk, timers, .. } = self;
            work += egress.poll(room, &mut |event| {
                event_log.append(event);
                doors.release(event);
                desk.release(event);
                timers.learn(event);
            });
            self.desk.settle(self.egress.released());
        }
        work += self.event_log.poll();
        if let Some(failure) = self.event_log.failure() {
            return Err(failure.clone().into());
        }
        Ok(work)
    }

    /// Everything that was published is durable and out.
    pub(crate) fn is_drained(&self) -> bool {
        let last = self.input.last();
        self.egress.released() >= last && self.journaler.durable() >= last
    }

    /// Sleeps until a socket, an operator or the matcher calls, unless something is under way.
    fn park(&mut self, now: Instant) -> Result<(), Failure> {
        self.event_log.flush();
        if self.journaler.is_quiet() && self.is_drained() {
            self.take_in(now, PARK_MAX)?;
        } else {
            std::thread::yield_now();
        }
        Ok(())
    }

    fn close(mut self, drained: bool) -> Result<(), Failure> {
        let time = self.clock.now(Instant::now());
        self.doors.close(time);
        self.event_log.close()?;
        self.journaler.close()?;
        if drained {
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
        let time = rim.clock.now(now);
        while published < commands.len() && rim.input.try_publish(&commands[published].at(time)).is_ok() {
            published += 1;
        }
        let work = rim.journal(now)? + matcher.poll() + rim.let_out()?;
        if work == 0 {
            std::thread::yield_now();
        }
    }
    rim.event_log.flush();
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
        let mut work = rim.take_in(now, Duration::ZERO)?;
        work += rim.journal(now)?;
        work += matcher.poll();
        work += rim.let_out()?;
        if let Some(drained) = drain.ended(stop, &mut rim, now) {
            return rim.close(drained);
        }
        if idle.after(work, now) == Rest::Park {
            rim.park(now)?;
        }
    }
}

/// Tells a sleeping thread that there is work.
#[derive(Default)]
struct Bell {
    sleeps: AtomicBool,
}

impl Bell {
    /// Call with `true`, look for work once more, then sleep.
    fn set(&self, sleeps: bool) {
        self.sleeps.store(sleeps, Ordering::SeqCst);
    }

    /// Whether the other side sleeps or is about to; call after the work was made visible.
    fn is_needed(&self) -> bool {
        std::sync::atomic::fence(Ordering::SeqCst);
        self.sleeps.load(Ordering::SeqCst)
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
    let waker = rim.doors.waker();
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
                    matcher_bell.set(true);
                    if !matcher.has_work() {
                        std::thread::park_timeout(PARK_MAX);
                    }
                    matcher_bell.set(false);
                }
            }
        })?;
        let result = run_rim(&mut rim, strategy, stop, &rim_bell, || {
            if matcher_bell.is_needed() {
                engine.thread().unpark();
            }
        });
        done.store(true, Ordering::Release);
        engine.thread().unpark();
        result
    })
    .and_then(|drained| rim.close(drained))
}

fn run_rim(
    rim: &mut Rim,
    strategy: IdleStrategy,
    stop: &AtomicBool,
    bell: &Bell,
    call_matcher: impl Fn(),
) -> Result<bool, Failure> {
    let mut idle = Idle::new(strategy);
    let mut drain = Drain::default();
    loop {
        let now = Instant::now();
        let mut work = rim.take_in(now, Duration::ZERO)?;
        if work > 0 {
            call_matcher();
        }
        work += rim.journal(now)?;
        work += rim.let_out()?;
        if let Some(drained) = drain.ended(stop, rim, now) {
            return Ok(drained);
        }
        if idle.after(work, now) == Rest::Park {
            bell.set(true);
            rim.park(now)?;
            bell.set(false);
            call_matcher();
        }
    }
}

/// The end of a run: from the first sight of the stop flag until all is out, or too long has passed.
#[derive(Default)]
struct Drain {
    since: Option<Instant>,
}

impl Drain {
    /// `None`: go on. `Some(true)`: all is out. `Some(false)`: time is up.
    fn ended(&mut self, stop: &AtomicBool, rim: &mut Rim, now: Instant) -> Option<bool> {
        if !stop.load(Ordering::Acquire) {
            return None;
        }
        let since = *self.since.get_or_insert_with(|| {
            rim.doors.stop_reading();
            now
        });
        if rim.is_drained() {
            return Some(true);
        }
        (now.duration_since(since) > DRAIN_MAX).then_some(false)
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
