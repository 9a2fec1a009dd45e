//! Looking ahead: while a command is carried out, the memory of the next ones is on its way.
//!
//! A ring hands the matcher a queue, and what an order or cancel will touch can be told without doing it.
//! Three looks at each, some commands apart, because each needs what the one before fetched: the line of
//! the index and the level that is joined; the order that is meant, or the one that will stand before; its
//! neighbours. Nothing here changes anything, and a look that was wrong (the order went meanwhile, the
//! level lies elsewhere) only fetched a line in vain.

use super::Engine;
use super::emit::Emitter;
use crate::command::CommandSlot;
use crate::event::EventSink;
use crate::fatal::broken;
use crate::levels::NONE;
use crate::memory::fetch;
use crate::number::Sequence;
use crate::plain::Glance;

/// Commands between one look and the next, and between the last look and the command.
const STEP: usize = 4;
/// Looks at each command.
const LOOKS: usize = 3;
/// Commands between the look at a slot itself and the command.
const SLOTS_AHEAD: usize = 8;
/// Live orders from which on looking pays: below, all of them lie in the cache anyway (64 bytes each).
const ORDERS_MIN: u32 = 1 << 15;
/// Orders that a second look found, kept for the third.
const FOUND: usize = 8;

const _: () = assert!(FOUND > STEP && FOUND.is_power_of_two());

impl Engine {
    /// Carries out commands in their order, the first of which has the sequence `first`. The same as
    /// [`apply`](Self::apply) one by one, and faster where the books are large: give it all that wait.
    ///
    /// Aborts the process as `apply` does.
    pub fn apply_all(&mut self, first: Sequence, slots: &[&CommandSlot], out: &mut impl EventSink) {
        if first <= self.sequence {
            broken(first, "a command came twice or out of order");
        }
        let (time, hash) = (self.clock.0, self.event_hash);
        let mut out = Emitter { sink: out, sequence: first, time, ordinal: 0, hash };
        if self.orders.live() >= ORDERS_MIN && slots.len() > 1 {
            self.apply_ahead(slots, &mut out);
        } else {
            for (turn, slot) in slots.iter().enumerate() {
                if let Some(&coming) = slots.get(turn + SLOTS_AHEAD) {
                    fetch(coming);
                    fetch(&coming.words()[8]);
                }
                self.step(slot, &mut out);
                out.sequence = out.sequence.next();
            }
        }
        self.event_hash = out.hash;
    }

    #[inline(never)]
    fn apply_ahead<S: EventSink>(&mut self, slots: &[&CommandSlot], out: &mut Emitter<'_, S>) {
        let mut found = [NONE; FOUND];
        for turn in 0..LOOKS * STEP {
            self.look(slots, turn, &mut found);
        }
        for (turn, slot) in slots.iter().enumerate() {
            if let Some(&coming) = slots.get(turn + LOOKS * STEP + SLOTS_AHEAD) {
                fetch(coming);
                fetch(&coming.words()[8]);
            }
            self.look(slots, turn + LOOKS * STEP, &mut found);
            self.step(slot, out);
            out.sequence = out.sequence.next();
        }
    }

    /// Looks at the command of this turn and the two before it that are due for a second and third look.
    #[inline(never)]
    fn look(&self, slots: &[&CommandSlot], turn: usize, found: &mut [u32; FOUND]) {
        let glance = |turn: usize| slots.get(turn).and_then(|slot| Glance::at(slot));
        if let Some(command) = glance(turn) {
            self.look_first(command);
        }
        if let Some(second) = turn.checked_sub(STEP)
            && let Some(command) = glance(second)
        {
            found[second % FOUND] = self.look_near(command);
        }
        if let Some(third) = turn.checked_sub(2 * STEP)
            && let Some(command) = glance(third)
        {
            self.look_next(command, found[third % FOUND]);
        }
    }

    /// The line of the index, and the level that an order would join.
    #[inline(always)]
    fn look_first(&self, command: Glance<'_>) {
        self.index.fetch(command.session(), command.number());
        if command.enters()
            && let Some(instrument) = self.instrument(command.instrument())
        {
            let ladder = instrument.book.ladder(command.side());
            if let Some((leaf, level)) = ladder.guess(&self.pool, ladder.key(command.price())) {
                fetch(level);
                self.pool.fetch_bitmap(leaf);
            }
        }
    }

    /// The order that is meant, or the last of the level.
    #[inline(always)]
    fn look_near(&self, command: Glance<'_>) -> u32 {
        let mut order = NONE;
        if command.enters() {
            if let Some(instrument) = self.instrument(command.instrument()) {
                let ladder = instrument.book.ladder(command.side());
                let guess = ladder.guess(&self.pool, ladder.key(command.price()));
                order = guess.map_or(NONE, |(_, level)| level.tail);
            }
        } else {
            order = self.index.guess(command.session(), command.number());
        }
        self.orders.fetch(order);
        order
    }

    /// The orders beside the one that is meant and its level, or the first that an order would trade with.
    #[inline(always)]
    fn look_next(&self, command: Glance<'_>, order: u32) {
        if !command.enters() {
            if let Some(hot) = self.orders.get(order) {
                self.orders.fetch(hot.prev);
                self.orders.fetch(hot.next);
                self.pool.fetch_level(hot.level);
            }
            return;
        }
        let Some(instrument) = self.instrument(command.instrument()) else { return };
        let opposite = instrument.book.ladder(command.side().opposite());
        if opposite.best_key() <= opposite.key(command.price()) {
            self.orders.fetch(self.pool.level(opposite.best()).first());
        }
    }
}
