//! The layout `dedicated`: a thread, and on real hardware a core, for each of gate, matcher, journaler and outlet.
//!
//! ```text
//! gate ──> input ring ─┬─> matcher ──> output ring ──> outlet ──> released ring ──> gate
//!                      └─> journaler ──> commit point ──^
//! ```

use super::{Bell, Drain, Ended, PARK_MAX, Rim, pin};
use crate::failure::Failure;
use crate::idle::{Idle, IdleStrategy, Rest};
use crate::stages::gate::Gate;
use crate::stages::journaler::JournalerStage;
use crate::stages::matcher::MatcherStage;
use crate::stages::outlet::{EVENTS_PER_POLL_MAX, Outlet};
use crate::stages::rings::{EventRecordPoller, OutputRing, event_ring};
use crossbeam_utils::CachePadded;
use engine::event::EventRecord;
use engine::number::Sequence;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle, Thread};
use std::time::{Duration, Instant};

/// Events that the gate passes on before it looks at the sockets again.
const PASS_ON_MAX: usize = 4096;
/// Events taken from the released ring at a time.
const BATCH_MAX: u64 = 256;

/// One stage's thread as the others see it.
#[derive(Default)]
struct Seat {
    bell: Bell,
    thread: OnceLock<Thread>,
}

impl Seat {
    fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            self.bell.ring(thread);
        }
    }
}

/// What the threads share beside the rings.
struct Floor {
    matcher: Seat,
    journaler: Seat,
    outlet: Seat,
    gate: Bell,
    gate_waker: std::sync::Arc<mio::Waker>,
    /// All events up to this sequence are in the released ring. Padded: the gate polls it.
    released: CachePadded<AtomicU64>,
    /// The stages end: all is out, or one of them failed.
    done: AtomicBool,
}

impl Floor {
    fn ring_gate(&self) {
        if self.gate.is_needed() {
            // A failed wake costs at most one PARK_MAX.
            let _ = self.gate_waker.wake();
        }
    }

    fn end(&self) {
        self.done.store(true, Ordering::Release);
        for seat in [&self.matcher, &self.journaler, &self.outlet] {
            if let Some(thread) = seat.thread.get() {
                thread.unpark();
            }
        }
    }
}

/// Runs gate (here), matcher, journaler and outlet each on a thread of its own until `stop`; then drains and closes.
/// `cores` are for gate, matcher, journaler and outlet, in this order; one that is not given is not pinned.
///
/// # Errors
/// A disk or a listener failed, or a thread could not start: the process must end.
pub(crate) fn run_dedicated(
    rim: Rim,
    mut matcher: MatcherStage,
    strategy: IdleStrategy,
    cores: &[usize],
    released_slots: usize,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let Rim { mut gate, mut journaler, mut outlet } = rim;
    let (ring, released) = event_ring(released_slots);
    let floor = Floor {
        matcher: Seat::default(),
        journaler: Seat::default(),
        outlet: Seat::default(),
        gate: Bell::default(),
        gate_waker: gate.waker(),
        released: CachePadded::new(AtomicU64::new(outlet.released().0)),
        done: AtomicBool::new(false),
    };
    let mut way = Way { ring, waiting: Vec::with_capacity(EVENTS_PER_POLL_MAX), sent: 0 };
    let end = std::thread::scope(|scope| {
        let core = |place: usize| cores.get(place).copied();
        let threads = [
            stage(scope, ("rotunda-engine", core(1)), &floor.matcher, {
                let (floor, matcher) = (&floor, &mut matcher);
                move || run_matcher(matcher, floor, strategy)
            }),
            stage(scope, ("rotunda-journal", core(2)), &floor.journaler, {
                let (floor, journaler) = (&floor, &mut journaler);
                move || run_journaler(journaler, floor, strategy)
            }),
            stage(scope, ("rotunda-egress", core(3)), &floor.outlet, {
                let (floor, outlet, way) = (&floor, &mut outlet, &mut way);
                move || run_outlet(outlet, way, floor, strategy)
            }),
        ];
        let result = match threads.iter().find_map(|thread| thread.as_ref().err()) {
            Some(error) => Err(Failure::new(format!("a thread of the pipeline cannot start: {error}"))),
            None => run_gate(&mut gate, released, &floor, strategy, stop),
        };
        floor.end();
        let mut failure = None;
        for thread in threads.into_iter().flatten() {
            // A panic has aborted the process.
            if let Ok(Err(error)) = thread.join() {
                failure.get_or_insert(error);
            }
        }
        failure.map_or(result, Err)
    })?;
    Rim { gate, journaler, outlet }.close(end)
}

type Joined<'scope> = std::io::Result<ScopedJoinHandle<'scope, Result<(), Failure>>>;

/// Starts a stage's thread. However it ends, the others end too.
fn stage<'scope>(
    scope: &'scope Scope<'scope, '_>,
    (name, core): (&str, Option<usize>),
    seat: &'scope Seat,
    run: impl FnOnce() -> Result<(), Failure> + Send + 'scope,
) -> Joined<'scope> {
    Builder::new().name(name.into()).spawn_scoped(scope, move || {
        // Set by its own thread alone.
        let _ = seat.thread.set(std::thread::current());
        pin(core);
        run()
    })
}

fn run_matcher(matcher: &mut MatcherStage, floor: &Floor, strategy: IdleStrategy) -> Result<(), Failure> {
    let mut idle = Idle::new(strategy);
    while !floor.done.load(Ordering::Acquire) {
        let work = matcher.poll();
        if work > 0 {
            floor.outlet.ring();
        }
        if idle.after(work, Instant::now()) == Rest::Park {
            floor.matcher.bell.sleep(PARK_MAX, || matcher.has_work());
        }
    }
    Ok(())
}

fn run_journaler(
    journaler: &mut JournalerStage,
    floor: &Floor,
    strategy: IdleStrategy,
) -> Result<(), Failure> {
    let mut idle = Idle::new(strategy);
    while !floor.done.load(Ordering::Acquire) {
        let now = Instant::now();
        let work = journaler.poll(now).inspect_err(|_| fail(floor))?;
        if work > 0 {
            floor.outlet.ring();
        }
        if idle.after(work, now) == Rest::Park {
            if journaler.is_quiet() {
                floor.journaler.bell.sleep(PARK_MAX, || !journaler.is_quiet());
            } else {
                std::thread::yield_now();
            }
        }
    }
    Ok(())
}

/// A stage that failed ends the gate's run, which ends the others.
fn fail(floor: &Floor) {
    floor.done.store(true, Ordering::Release);
    floor.ring_gate();
}

/// The way from the outlet to the gate: events that had no room in the ring yet wait here, at most those of one poll.
struct Way {
    ring: OutputRing,
    waiting: Vec<EventRecord>,
    sent: usize,
}

impl Way {
    /// Moves waiting events into the ring; true when none is left.
    fn drain(&mut self) -> bool {
        self.sent += self.ring.publish(&self.waiting[self.sent..]);
        if self.sent < self.waiting.len() {
            return false;
        }
        self.waiting.clear();
        self.sent = 0;
        true
    }
}

fn run_outlet(
    outlet: &mut Outlet,
    way: &mut Way,
    floor: &Floor,
    strategy: IdleStrategy,
) -> Result<(), Failure> {
    let mut idle = Idle::new(strategy);
    while !floor.done.load(Ordering::Acquire) {
        let mut work = 0;
        if way.drain() {
            let (waiting, before) = (&mut way.waiting, outlet.released());
            work = outlet.poll(&mut |event| waiting.push(*event)).inspect_err(|_| fail(floor))?;
            // A command without events is work too: somebody may wait for its end.
            work += usize::from(outlet.released() > before);
            if way.drain() {
                floor.released.store(outlet.released().0, Ordering::Release);
            }
        }
        if work > 0 {
            floor.ring_gate();
        }
        if idle.after(work, Instant::now()) == Rest::Park {
            outlet.event_log.flush();
            if way.waiting.is_empty() {
                floor.outlet.bell.sleep(PARK_MAX, || outlet.egress.has_work());
            } else {
                std::thread::yield_now();
            }
        }
    }
    Ok(())
}

fn run_gate(
    gate: &mut Gate,
    mut events: EventRecordPoller,
    floor: &Floor,
    strategy: IdleStrategy,
    stop: &AtomicBool,
) -> Result<Ended, Failure> {
    let mut idle = Idle::new(strategy);
    let mut drain = Drain::default();
    let mut passed_on = Sequence(floor.released.load(Ordering::Acquire));
    loop {
        let now = Instant::now();
        let published = gate.published();
        let mut work = gate.take_in(now, Duration::ZERO)?;
        if gate.published() > published {
            floor.matcher.ring();
            floor.journaler.ring();
        }
        work += pass_on(gate, &mut events, floor, &mut passed_on);
        gate.settle(passed_on);
        if drain.begins(stop, now) {
            gate.doors.stop_reading();
        }
        if let Some(end) = drain.ended(now, || passed_on >= gate.published()) {
            return Ok(end);
        }
        if floor.done.load(Ordering::Acquire) {
            // A stage failed, and tells why itself.
            return Ok(Ended { drained: false, close_by: now });
        }
        if idle.after(work, now) == Rest::Park {
            floor.gate.set();
            let more = events.has_available() || floor.released.load(Ordering::Acquire) > passed_on.0;
            gate.take_in(now, if more { Duration::ZERO } else { PARK_MAX })?;
            floor.gate.clear();
            floor.matcher.ring();
            floor.journaler.ring();
        }
    }
}

/// Passes events of the released ring on; once it is empty, all up to what was released before is out.
fn pass_on(
    gate: &mut Gate,
    events: &mut EventRecordPoller,
    floor: &Floor,
    passed_on: &mut Sequence,
) -> usize {
    let released = Sequence(floor.released.load(Ordering::Acquire));
    let mut count = 0;
    while count < PASS_ON_MAX {
        let Ok(mut batch) = events.take(BATCH_MAX) else {
            *passed_on = released;
            break;
        };
        for event in &mut batch {
            gate.release(event);
            count += 1;
        }
    }
    count
}
