//! The commands that time itself gives: a tick while an order waits for its expiry, and the new day.

use crate::time;
use engine::command::{CommandKind, CommandSlot, SessionCommand};
use engine::event::{Event, EventKind, EventRecord};
use engine::fields::{FieldError, Reader, Writer};
use engine::number::Timestamp;
use engine::ring::Publish;

/// How often a tick is given while a good-till-date order may wait: expiry is this exact when no other
/// command comes.
const TICK_NS: u64 = 1_000_000_000;

/// What events tell of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    date: u32,
    /// The latest expiry that any order was entered with.
    expiry_last: Timestamp,
}

impl Times {
    /// Looks at an event.
    pub(crate) fn learn(&mut self, record: &EventRecord) {
        let kind = record.kind();
        if kind != EventKind::OrderDetail as u8 && kind != EventKind::DayStarted as u8 {
            return;
        }
        match record.view() {
            Ok(Event::Detail(event)) => self.expiry_last = self.expiry_last.max(event.detail.expires),
            Ok(Event::Setting(event)) => self.date = event.date,
            _ => {}
        }
    }

    pub(crate) fn encode(&self, out: &mut Writer<'_>) {
        out.put(self.date);
        out.put(self.expiry_last);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, FieldError> {
        Ok(Self { date: reader.get()?, expiry_last: reader.get()? })
    }
}

/// What time has to do next.
pub(crate) struct Timers {
    /// Nanoseconds after midnight UTC at which a day begins that has that midnight's date; `None`: the
    /// operator's command only.
    day_begins_ns: Option<i64>,
    times: Times,
    ticked: Timestamp,
    /// The date of the day that was asked for and is on its way.
    asked: u32,
}

impl Timers {
    pub(crate) const fn new(day_begins_ns: Option<i64>, times: Times) -> Self {
        Self { day_begins_ns, times, ticked: Timestamp(0), asked: 0 }
    }

    /// Looks at a released event.
    pub(crate) fn learn(&mut self, record: &EventRecord) {
        self.times.learn(record);
    }

    /// Publishes what is due.
    pub(crate) fn poll(&mut self, ring: &mut impl Publish, now: Timestamp) -> usize {
        let mut work = 0;
        if let Some(date) = self.day_due(now) {
            let mut command = SessionCommand::blank(CommandKind::NewDay, now);
            command.date = date;
            if ring.try_publish(&CommandSlot::new(&command)).is_ok() {
                self.asked = date;
                work += 1;
            }
        }
        let waits = self.times.expiry_last.0.saturating_add(TICK_NS) > self.ticked.0;
        if waits && now.0.saturating_sub(self.ticked.0) >= TICK_NS && self.times.expiry_last.0 != 0 {
            let tick = SessionCommand::blank(CommandKind::Tick, now);
            if ring.try_publish(&CommandSlot::new(&tick)).is_ok() {
                self.ticked = now;
                work += 1;
            }
        }
        work
    }

    fn day_due(&self, now: Timestamp) -> Option<u32> {
        let date = time::date(Timestamp(now.0.saturating_add_signed(-self.day_begins_ns?)), 0);
        // Date 0: the venue has no day yet, its seed brings the first.
        (self.times.date != 0 && date > self.times.date.max(self.asked)).then_some(date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::event::{DetailEvent, SettingEvent};
    use engine::number::Sequence;
    use engine::ring::RingFull;

    #[derive(Default)]
    struct Kinds(Vec<u8>);

    impl Publish for Kinds {
        fn try_publish(&mut self, command: &CommandSlot) -> Result<Sequence, RingFull> {
            self.0.push(command.kind());
            Ok(Sequence(self.0.len() as u64))
        }
    }

    fn event<E: engine::event::EventBody>(kind: EventKind, change: impl FnOnce(&mut E)) -> EventRecord {
        let mut words = [0u64; 16];
        words[2] = u64::from(kind as u8);
        // Causes are enums without a zero.
        words[6] = u64::from(CommandKind::NewDay as u8) * u64::from(kind == EventKind::DayStarted);
        let mut body: E = *bytemuck::checked::from_bytes(bytemuck::bytes_of(&words));
        change(&mut body);
        EventRecord::new(&body)
    }

    #[test]
    fn ticks_come_each_second_until_the_last_expiry_has_passed() {
        let mut timers = Timers::new(None, Times::default());
        let mut ring = Kinds::default();
        let second = |n: u64| Timestamp(1_000_000_000 * n);
        assert_eq!(timers.poll(&mut ring, second(100)), 0);
        timers.learn(&event::<DetailEvent>(EventKind::OrderDetail, |e| e.detail.expires = second(102)));
        let ticks: Vec<usize> = (100..110).map(|n| timers.poll(&mut ring, second(n))).collect();
        assert_eq!(ticks, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_day_that_was_missed_begins_once() {
        let mut timers = Timers::new(Some(3_600_000_000_000), Times::default());
        let mut ring = Kinds::default();
        let morning = Timestamp(20_781 * Timestamp::DAY_NS + 7_200_000_000_000);
        assert_eq!(timers.poll(&mut ring, morning), 0, "no day without a first one");
        timers.learn(&event::<SettingEvent>(EventKind::DayStarted, |e| e.date = 20_261_120));
        assert_eq!(timers.poll(&mut ring, Timestamp(20_777 * Timestamp::DAY_NS + 1)), 0, "before the hour");
        assert_eq!(timers.poll(&mut ring, morning), 1);
        assert_eq!(timers.poll(&mut ring, morning), 0, "asked for already");
        assert_eq!(ring.0, [CommandKind::NewDay as u8]);
    }
}
