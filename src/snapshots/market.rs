//! A market after a command, and its bytes.

use crate::admin::view::View;
use crate::failure::Failure;
use crate::knowledge::Knowledge;
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::Sequence;
use journal::KnownPoint;
use journal::snapshot::{Mark, Snapshot};
use net::web::views::MarketViews;

const ENGINE: &str = "engine";
const DOORS: &str = "doors";
const STANDING: &str = "standing";
const OPERATORS: &str = "operators";
const WEB: &str = "web";

/// The engine, and what everybody else knows of the events so far.
pub(crate) struct Market {
    pub(crate) engine: Engine,
    pub(crate) knowledge: Knowledge,
    /// What operators see; as old as the snapshot where the market went on without it.
    pub(crate) view: View,
    /// What the web shows; as old as the view.
    pub(crate) web: MarketViews,
    events: Vec<EventRecord>,
}

impl Market {
    /// Before the first command.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            engine: Engine::new(limits),
            knowledge: Knowledge::default(),
            view: View::default(),
            web: MarketViews::new(),
            events: Vec::new(),
        }
    }

    /// Carries out a command; all that a snapshot holds follows.
    pub(crate) fn apply(&mut self, sequence: Sequence, slot: &CommandSlot) {
        self.engine.apply(sequence, slot, &mut self.events);
        for event in self.events.drain(..) {
            self.knowledge.learn(&event);
            self.view.apply(&event);
            self.web.learn(&event);
        }
    }

    /// What the snapshot of this market says of itself, and its sections.
    pub(crate) fn encode(&self, journal: KnownPoint) -> (Mark, Vec<(&'static str, Vec<u8>)>) {
        let section = |name, encode: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            encode(&mut bytes);
            (name, bytes)
        };
        let sections = vec![
            section(ENGINE, &|out| self.engine.encode_state(out)),
            section(DOORS, &|out| self.knowledge.doors.encode(out)),
            section(STANDING, &|out| self.knowledge.encode_standing(out)),
            section(OPERATORS, &|out| self.view.encode(out)),
            section(WEB, &|out| self.web.encode(out)),
        ];
        let mark = Mark {
            sequence: self.engine.last_sequence(),
            time: self.engine.clock(),
            last_event: self.knowledge.last_event,
            events: self.knowledge.events,
            event_hash: self.engine.event_hash(),
            state_hash: engine::digest::hash_bytes(&sections[0].1),
            journal,
        };
        (mark, sections)
    }

    /// The market that `snapshot` holds.
    ///
    /// # Errors
    /// A section is missing, does not hold what it should, or not what the header says.
    pub(crate) fn decode(snapshot: &Snapshot, limits: &Limits) -> Result<Self, Failure> {
        let mark = snapshot.mark();
        let named = |what: &dyn std::fmt::Display| {
            Failure::new(format!("snapshot of command {}: {what}", mark.sequence))
        };
        let section = |name| {
            let found = snapshot.section(name);
            found.ok_or_else(|| named(&format!("it has no section {name:?}: another version wrote it")))
        };
        let engine = Engine::decode_state(section(ENGINE)?, limits).map_err(|error| named(&error))?;
        let doors = net::doors::Knowledge::decode(section(DOORS)?).map_err(|error| named(&error))?;
        let standing = Knowledge::decode_standing(section(STANDING)?).map_err(|error| named(&error))?;
        let view = View::decode(section(OPERATORS)?).map_err(|error| named(&error))?;
        let web = MarketViews::decode(section(WEB)?).map_err(|error| named(&error))?;
        let same = engine.last_sequence() == mark.sequence
            && engine.event_hash() == mark.event_hash
            && engine.state_hash() == mark.state_hash;
        if !same {
            return Err(named(&"its sections are not of the state that its header names; take another one"));
        }
        let (times, known) = standing;
        let knowledge = Knowledge { doors, times, known, last_event: mark.last_event, events: mark.events };
        Ok(Self { engine, knowledge, view, web, events: Vec::new() })
    }
}
