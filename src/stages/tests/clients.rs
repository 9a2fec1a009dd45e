//! Clients, and what each of them knows: the judge's own log.

use engine::command::{CommandKind, CommandSlot, OrderCommand};
use engine::event::{Event, EventKind, EventRecord};
use engine::number::{InstrumentId, Price, Quantity, SessionId, Timestamp, UserRef};
use engine::terms::{Side, TimeInForce};
use journal::disk::simulated::SimulatedDisk;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Orders that may be without an answer.
const UNANSWERED_MAX: usize = 24;
/// Answered orders that are sent again after a restart.
const RESENT: usize = 4;
/// Prices are near this, so that they meet.
const MIDDLE: i64 = 68_000;

/// One session's client. It outlives its venue.
pub(super) struct Client {
    pub(super) session: SessionId,
    next_ref: u32,
    /// Every order that was ever sent.
    sent: BTreeMap<u32, CommandSlot>,
    /// Every numbered report, in order.
    told: Vec<EventRecord>,
    answered: BTreeSet<u32>,
    /// On its way to the venue, in order.
    pub(super) wire: VecDeque<CommandSlot>,
    /// On its way from the venue, in order.
    pub(super) inbox: VecDeque<EventRecord>,
}

impl Client {
    pub(super) fn new(session: SessionId) -> Self {
        Self {
            session,
            next_ref: 1,
            sent: BTreeMap::new(),
            told: Vec::new(),
            answered: BTreeSet::new(),
            wire: VecDeque::new(),
            inbox: VecDeque::new(),
        }
    }

    pub(super) fn told(&self) -> usize {
        self.told.len()
    }

    /// The highest number that has an answer.
    pub(super) fn last_answered(&self) -> u32 {
        self.answered.last().copied().unwrap_or(0)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered.len() == self.sent.len()
    }

    /// Sends a few messages: orders about the middle, and cancels of what may rest.
    pub(super) fn think(&mut self, chance: &mut SimulatedDisk, time: Timestamp) {
        for _ in 0..=chance.below(6) {
            if self.sent.len() - self.answered.len() >= UNANSWERED_MAX {
                return;
            }
            let mut command = OrderCommand::blank(CommandKind::Enter, time);
            command.session = self.session;
            command.instrument = InstrumentId(1);
            if self.next_ref > 4 && chance.below(4) == 0 {
                command.kind = CommandKind::Cancel;
                command.target = UserRef(self.next_ref - 1 - chance.below(4) as u32);
                self.wire.push_back(CommandSlot::new(&command));
                continue;
            }
            command.side = if chance.below(2) == 0 { Side::Buy } else { Side::Sell };
            command.time_in_force =
                if chance.below(5) == 0 { TimeInForce::ImmediateOrCancel } else { TimeInForce::Day };
            command.price = Price(MIDDLE - 5 + chance.below(11) as i64);
            command.quantity = Quantity(1 + chance.below(50));
            command.user_ref = UserRef(self.next_ref);
            let slot = CommandSlot::new(&command);
            self.sent.insert(self.next_ref, slot);
            self.next_ref += 1;
            self.wire.push_back(slot);
        }
    }

    /// Hears one numbered report.
    pub(super) fn hear(&mut self, report: &EventRecord) -> Result<(), String> {
        let session = self.session;
        let number = report.report().0 as usize;
        if number != self.told.len() + 1 {
            return Err(format!(
                "session {session} was told {} reports, then number {number}",
                self.told.len()
            ));
        }
        self.told.push(*report);
        let user_ref = match report.view() {
            Ok(Event::Accepted(event)) if event.header.kind == EventKind::Accepted => event.order.user_ref.0,
            Ok(Event::Report(event)) if event.header.kind == EventKind::Rejected => event.order.user_ref.0,
            _ => return Ok(()),
        };
        if !self.sent.contains_key(&user_ref) {
            return Err(format!("session {session}: order {user_ref} was never sent"));
        }
        if self.answered.insert(user_ref) {
            Ok(())
        } else {
            Err(format!("session {session}: order {user_ref} twice"))
        }
    }

    /// The connection is gone: what is under way to the venue is lost, what left it is heard.
    pub(super) fn disconnect(&mut self) -> Result<(), String> {
        self.wire.clear();
        while let Some(report) = self.inbox.pop_front() {
            self.hear(&report)?;
        }
        Ok(())
    }

    /// Logs in at a venue whose log makes these events: what was told must be there, the same; what was missed is
    /// heard; what has no answer is sent again, and some of what has one. How many orders were sent again.
    pub(super) fn resume(&mut self, made: &[EventRecord]) -> Result<usize, String> {
        let session = self.session;
        let stream: Vec<&EventRecord> =
            made.iter().filter(|event| event.session() == session && event.report().0 > 0).collect();
        if stream.len() < self.told.len() {
            return Err(format!(
                "session {session}: told {} reports, {} are left",
                self.told.len(),
                stream.len()
            ));
        }
        if let Some(number) = self.told.iter().zip(&stream).position(|(told, made)| told != *made) {
            return Err(format!("session {session}: report {} was told otherwise", number + 1));
        }
        for report in &stream[self.told.len()..] {
            self.hear(report)?;
        }
        let known: Vec<u32> = self.answered.iter().rev().take(RESENT).rev().copied().collect();
        let missing = self.sent.keys().filter(|user_ref| !self.answered.contains(user_ref)).copied();
        let again: Vec<u32> = known.into_iter().chain(missing).collect();
        self.wire.extend(again.iter().map(|user_ref| self.sent[user_ref]));
        Ok(again.len())
    }
}
