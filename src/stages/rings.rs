//! The rings and their ends. The types follow from the shape: one writer each, two readers on the
//! input ring (matcher and journaler, side by side), one on the output ring (egress). Where egress has a thread of
//! its own, a third ring carries what is committed from there to the gate.

use disruptor::{
    BusySpin, EventPoller, MultiConsumerBarrier, Producer, SingleConsumerBarrier, SingleProducer,
    SingleProducerBarrier, build_single_producer,
};
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::number::Sequence;
use engine::ring::{Publish, RingFull};

/// A reader of the input ring.
pub(crate) type CommandPoller = EventPoller<CommandSlot, SingleProducerBarrier>;
/// The reader of a ring of events.
pub(crate) type EventRecordPoller = EventPoller<EventRecord, SingleProducerBarrier>;

/// The writing end of the input ring; knows the sequence of each command, which the ring does not.
pub(crate) struct InputRing {
    producer: SingleProducer<CommandSlot, MultiConsumerBarrier>,
    last: Sequence,
}

/// The writing end of a ring of events.
pub(crate) struct OutputRing(SingleProducer<EventRecord, SingleConsumerBarrier>);

/// All ends of both rings.
pub(crate) struct Rings {
    pub(crate) input: InputRing,
    pub(crate) to_matcher: CommandPoller,
    pub(crate) to_journaler: CommandPoller,
    pub(crate) output: OutputRing,
    pub(crate) to_egress: EventRecordPoller,
}

impl Rings {
    /// Rings of these sizes (powers of two, at least 64); the next command is the one after `last`.
    pub(crate) fn new(input_slots: usize, output_slots: usize, last: Sequence) -> Self {
        let builder = build_single_producer(input_slots, || CommandSlot::EMPTY, BusySpin);
        let (to_matcher, builder) = builder.new_event_poller();
        let (to_journaler, builder) = builder.new_event_poller();
        let input = InputRing { producer: builder.build(), last };
        let (output, to_egress) = event_ring(output_slots);
        Self { input, to_matcher, to_journaler, output, to_egress }
    }
}

/// A ring of events with one writer and one reader; its size is a power of two, at least 64.
pub(crate) fn event_ring(slots: usize) -> (OutputRing, EventRecordPoller) {
    let builder = build_single_producer(slots, || EventRecord::EMPTY, BusySpin);
    let (reader, builder) = builder.new_event_poller();
    (OutputRing(builder.build()), reader)
}

impl InputRing {
    /// The last command that was published, in this run or before it.
    pub(crate) const fn last(&self) -> Sequence {
        self.last
    }
}

impl Publish for InputRing {
    fn try_publish(&mut self, command: &CommandSlot) -> Result<Sequence, RingFull> {
        self.producer.try_publish(|slot| *slot = *command).map_err(|_| RingFull)?;
        self.last = self.last.next();
        Ok(self.last)
    }
}

impl OutputRing {
    /// Publishes as many of `events` as there is room for, in order, and tells how many.
    pub(crate) fn publish(&mut self, events: &[EventRecord]) -> usize {
        let mut count = events.len();
        while count > 0 {
            let fill = self.0.try_batch_publish(count, |slots| {
                slots.zip(events).for_each(|(slot, event)| *slot = *event);
            });
            match fill {
                Ok(_) => break,
                Err(missing) => count = count.saturating_sub(usize::try_from(missing.0).unwrap_or(count)),
            }
        }
        count
    }
}
