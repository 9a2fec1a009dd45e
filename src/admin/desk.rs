//! The operator's place among the stages: takes jobs from the admin thread, puts their commands into
//! the input ring, and hands back the events that answer them once these are released.

use crossbeam_channel::{Receiver, Sender};
use engine::command::CommandSlot;
use engine::event::{EventKind, EventRecord};
use engine::number::{Sequence, Timestamp};
use engine::ring::Publish;
use journal::event_log::Address;

/// Jobs that may wait; the admin thread waits beyond that.
pub(crate) const JOBS_MAX: usize = 16;
/// Events kept for one answer, the first ones; what comes beyond is in the event log.
pub(crate) const ANSWER_EVENTS_MAX: usize = 10_000;

/// Commands of one request and where its answer goes.
pub(crate) struct Job {
    /// The commands, in order; stamped when they are published. None: only `Answer::seen` is asked for.
    pub(crate) commands: Vec<CommandSlot>,
    /// Takes the answer; a dropped receiver is no fault.
    pub(crate) answer: Sender<Answer>,
}

/// The events of one job.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Those that are not about single orders; at most [`ANSWER_EVENTS_MAX`], in order.
    pub(crate) events: Vec<EventRecord>,
    /// The last event that was released by then: what a view must have read to be no older.
    pub(crate) seen: Address,
}

struct Running {
    job: Job,
    published: usize,
    first: Sequence,
    last: Sequence,
    answer: Answer,
}

pub(crate) struct Desk {
    jobs: Receiver<Job>,
    running: Option<Running>,
    seen: Address,
}

impl Desk {
    /// A desk in a venue whose log ends with `seen`.
    pub(crate) const fn new(jobs: Receiver<Job>, seen: Address) -> Self {
        Self { jobs, running: None, seen }
    }

    /// Publishes what the running job still has to say, or begins the next one.
    pub(crate) fn poll(&mut self, ring: &mut impl Publish, time: Timestamp) -> usize {
        if self.running.is_none() {
            let Ok(job) = self.jobs.try_recv() else { return 0 };
            let none = Sequence(u64::MAX);
            let answer = Answer::default();
            self.running = Some(Running { job, published: 0, first: none, last: Sequence(0), answer });
        }
        let Some(running) = &mut self.running else { return 0 };
        let mut work = 0;
        for slot in &running.job.commands[running.published..] {
            let Ok(sequence) = ring.try_publish(&slot.at(time)) else { break };
            running.first = running.first.min(sequence);
            running.last = sequence;
            running.published += 1;
            work += 1;
        }
        work
    }

    /// Looks at a released event.
    pub(crate) fn release(&mut self, event: &EventRecord) {
        self.seen = Address::of(event);
        let Some(running) = &mut self.running else { return };
        let of_job = (running.first..=running.last).contains(&event.sequence());
        if of_job && !is_of_order(event) && running.answer.events.len() < ANSWER_EVENTS_MAX {
            running.answer.events.push(*event);
        }
    }

    /// All events up to `released` have been seen: answers the job if that includes its last command.
    pub(crate) fn settle(&mut self, released: Sequence) {
        let done = self
            .running
            .take_if(|running| running.published == running.job.commands.len() && running.last <= released);
        if let Some(done) = done {
            let _ = done.job.answer.try_send(Answer { seen: self.seen, ..done.answer });
        }
    }
}

/// Whether an event is about one order: of these there may be as many as there are orders.
fn is_of_order(event: &EventRecord) -> bool {
    event.kind() < EventKind::SessionDay as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use engine::ring::RingFull;

    struct Ring {
        last: Sequence,
        room: usize,
    }

    impl Publish for Ring {
        fn try_publish(&mut self, _: &CommandSlot) -> Result<Sequence, RingFull> {
            if self.room == 0 {
                return Err(RingFull);
            }
            self.room -= 1;
            self.last = self.last.next();
            Ok(self.last)
        }
    }

    fn event(sequence: u64) -> EventRecord {
        let mut words = [0; 16];
        words[0] = sequence;
        words[2] = EventKind::Instrument as u64;
        EventRecord::from_words(words)
    }

    #[test]
    fn a_job_is_answered_with_its_own_events_once_all_are_out() {
        let (jobs, waiting) = bounded(JOBS_MAX);
        let (answer, answered) = bounded(1);
        let mut desk = Desk::new(waiting, Address::START);
        let mut ring = Ring { last: Sequence(10), room: 1 };
        jobs.send(Job { commands: vec![CommandSlot::EMPTY; 2], answer })
            .expect("the desk holds the other end");
        assert_eq!(desk.poll(&mut ring, Timestamp(1)), 1);
        desk.release(&event(10));
        desk.release(&event(11));
        desk.settle(Sequence(11));
        assert!(answered.try_recv().is_err(), "half of it is not in the ring yet");
        ring.room = 1;
        assert_eq!(desk.poll(&mut ring, Timestamp(1)), 1);
        desk.release(&event(12));
        desk.settle(Sequence(11));
        assert!(answered.try_recv().is_err(), "its last command is not out yet");
        desk.settle(Sequence(12));
        let sequences: Vec<u64> = answered
            .try_recv()
            .map(|a| a.events.iter().map(|e| e.sequence().0).collect())
            .unwrap_or_default();
        assert_eq!(sequences, [11, 12]);
    }

    #[test]
    fn a_job_without_commands_tells_what_has_been_released() {
        let (jobs, waiting) = bounded(JOBS_MAX);
        let (answer, answered) = bounded(1);
        let mut desk = Desk::new(waiting, Address::START);
        let mut ring = Ring { last: Sequence(7), room: 0 };
        desk.release(&event(7));
        jobs.send(Job { commands: Vec::new(), answer }).expect("the desk holds the other end");
        desk.poll(&mut ring, Timestamp(1));
        desk.settle(Sequence(7));
        assert_eq!(answered.try_recv().map(|a| a.seen), Ok(Address { sequence: Sequence(7), ordinal: 0 }));
    }
}
