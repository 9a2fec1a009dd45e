//! What happens to orders that rest: cancel, reduce, expiry, and leaving the book.

use super::Engine;
use super::emit::{Emitter, Line, Tail};
use crate::book::LevelState;
use crate::command::{CommandKind, OrderCommand};
use crate::event::{EventKind, EventSink, Flags};
use crate::fatal::broken;
use crate::index::Place;
use crate::orders::{HotOrder, Traits};
use crate::reason::{CancelReason, Reject};
use crate::terms::Conditions;

impl Engine {
    /// The resting order that a cancel or reduce means, or why it is refused.
    #[inline(always)]
    fn meant(&mut self, command: &OrderCommand) -> Result<(Place, u32), Reject> {
        let now = self.clock.0;
        let number = command.session.0;
        let session = self.sessions.get_mut((number as usize).wrapping_sub(1)).ok_or(Reject::Session)?;
        if !session.trades() {
            return Err(Reject::Session);
        }
        if !session.cancels.take(session.burst, now) {
            return Err(Reject::Rate);
        }
        self.index.place(number, command.target.0).ok_or(Reject::NotResting)
    }

    /// Cancel.
    #[inline(always)]
    pub(super) fn cancel_order<S: EventSink>(&mut self, command: &OrderCommand, out: &mut Emitter<'_, S>) {
        match self.meant(command) {
            Ok((place, handle)) => self.cancel_at(place, handle, (CancelReason::User, Flags::NONE), out),
            Err(reject) => self.not_resting(command, reject, out),
        }
    }

    /// Reduce.
    #[inline(never)]
    pub(super) fn reduce<S: EventSink>(&mut self, command: &OrderCommand, out: &mut Emitter<'_, S>) {
        let handle = match self.meant(command) {
            Ok((_, handle)) => handle,
            Err(reject) => return self.not_resting(command, reject, out),
        };
        let hot = *self.orders.hot(handle);
        let flags = answer_flags(command);
        if flags.contains(Flags::AS_MODIFY) && command.side != hot.side() {
            return;
        }
        let used = hot.executed + self.orders.terms(handle).prevented;
        let total = command.quantity.0;
        if total <= used {
            return self.cancel(handle, CancelReason::User, flags, out);
        }
        if total >= used + hot.open {
            let mut line = self.line(handle, EventKind::Reduced, LevelState::default());
            line.flags = line.flags.with(flags);
            line.quantity = 0;
            return out.report(&line, Tail { executed: hot.executed, ..Tail::default() });
        }
        let lots = used + hot.open - total;
        let level = self.instruments[usize::from(hot.book)].book.shrink(
            &mut self.pool,
            &mut self.orders,
            (handle, lots),
        );
        if hot.traits.has(Traits::LEDGER) {
            self.hold_resting(handle);
        }
        let mut line = self.maker_line(handle, EventKind::Reduced, level);
        line.flags = line.flags.with(flags);
        line.quantity = lots;
        out.report(&line, Tail { executed: hot.executed, ..Tail::default() });
    }

    /// Query.
    #[inline(never)]
    pub(super) fn query<S: EventSink>(&mut self, command: &OrderCommand, out: &mut Emitter<'_, S>) {
        let number = command.session.0;
        let Some(session) = self.sessions.get_mut((number as usize).wrapping_sub(1)) else { return };
        let line = Line {
            session: number,
            report: session.report(),
            account: session.account,
            user_ref: session.last_user_ref.saturating_add(1),
            ..Line::blank(EventKind::QueryAnswer)
        };
        out.report(&line, Tail::default());
    }

    /// NotResting.
    #[cold]
    pub(super) fn not_resting<S: EventSink>(
        &self,
        command: &OrderCommand,
        reject: Reject,
        out: &mut Emitter<'_, S>,
    ) {
        let session = self.sessions.get((command.session.0 as usize).wrapping_sub(1));
        let line = Line {
            side: command.side,
            reason: reject as u8,
            flags: answer_flags(command),
            session: command.session.0,
            instrument: command.instrument.0,
            account: session.map_or(0, |session| session.account),
            user_ref: command.target.0,
            ..Line::blank(EventKind::NotResting)
        };
        out.report(&line, Tail::default());
    }

    /// Cancels a resting order whole.
    #[inline(never)]
    pub(super) fn cancel<S: EventSink>(
        &mut self,
        handle: u32,
        reason: CancelReason,
        flags: Flags,
        out: &mut Emitter<'_, S>,
    ) {
        let place = self.place_of(handle);
        self.cancel_at(place, handle, (reason, flags), out);
    }

    /// Cancels a resting order whose place in the index is known.
    #[inline(always)]
    fn cancel_at<S: EventSink>(
        &mut self,
        place: Place,
        handle: u32,
        (reason, flags): (CancelReason, Flags),
        out: &mut Emitter<'_, S>,
    ) {
        let hot = *self.orders.hot(handle);
        let book = &mut self.instruments[usize::from(hot.book)].book;
        let level = book.unlink(&mut self.pool, &mut self.orders, &hot);
        if hot.traits.has(Traits::LEDGER) {
            self.release(handle);
        }
        let mut line = line(&hot, EventKind::Cancelled, level);
        let session = &mut self.sessions[hot.session as usize - 1];
        line.report = session.report();
        session.live_orders -= 1;
        line.reason = reason as u8;
        line.flags = line.flags.with(flags).with(Flags::FINAL);
        line.remaining = 0;
        out.report(&line, Tail { executed: hot.executed, ..Tail::default() });
        self.forget(place, handle, hot.traits);
    }

    fn place_of(&self, handle: u32) -> Place {
        let hot = self.orders.hot(handle);
        match self.index.place(hot.session, hot.user_ref) {
            Some((place, found)) if found == handle => place,
            _ => broken(self.sequence, "a resting order was not in the index"),
        }
    }

    /// Takes an order that has left its level out of index, timers and slab.
    #[inline(always)]
    fn forget(&mut self, place: Place, handle: u32, traits: Traits) {
        self.index.remove(place);
        if traits.has(Traits::TIMED) {
            self.timers.remove(&mut self.orders, handle);
        }
        self.orders.remove(handle);
    }

    /// A line about a resting order, not numbered.
    #[inline(always)]
    pub(super) fn line(&self, handle: u32, kind: EventKind, level: LevelState) -> Line {
        line(self.orders.hot(handle), kind, level)
    }

    /// A numbered line about a resting order; `FINAL` where nothing of it is open.
    #[inline(always)]
    pub(super) fn maker_line(&mut self, handle: u32, kind: EventKind, level: LevelState) -> Line {
        let mut line = self.line(handle, kind, level);
        line.report = self.sessions[line.session as usize - 1].report();
        if line.remaining == 0 {
            line.flags = line.flags.with(Flags::FINAL);
        }
        line
    }

    /// Forgets an order that has left its level.
    #[inline(always)]
    pub(super) fn retire(&mut self, handle: u32) {
        let place = self.place_of(handle);
        let (session, traits) = (self.orders.hot(handle).session, self.orders.hot(handle).traits);
        self.sessions[session as usize - 1].live_orders -= 1;
        self.forget(place, handle, traits);
    }

    /// Takes an order out for its replacement, which keeps its reservation.
    pub(super) fn take_out(&mut self, handle: u32) -> LevelState {
        let hot = *self.orders.hot(handle);
        let book = &mut self.instruments[usize::from(hot.book)].book;
        let level = book.unlink(&mut self.pool, &mut self.orders, &hot);
        self.retire(handle);
        level
    }

    /// The order ends when the clock reaches `due`.
    pub(crate) fn set_timer(&mut self, handle: u32, due: u64) {
        let hot = self.orders.hot_mut(handle);
        hot.traits = hot.traits.with(Traits::TIMED);
        self.timers.insert(&mut self.orders, handle, due);
    }

    /// Ends every order whose time has come, by time, then entry.
    #[cold]
    pub(super) fn expire<S: EventSink>(&mut self, out: &mut Emitter<'_, S>) {
        while let Some(handle) = self.timers.due(self.clock.0) {
            self.cancel(handle, CancelReason::Expired, Flags::NONE, out);
        }
    }

    /// Cancels the orders that fit, in order of entry, and tells how many.
    pub(super) fn cancel_where<S: EventSink>(
        &mut self,
        fits: impl Fn(&Self, u32) -> bool,
        reason: CancelReason,
        out: &mut Emitter<'_, S>,
    ) -> usize {
        let mut chosen = std::mem::take(&mut self.chosen);
        chosen.clear();
        let fitting = self.orders.iter().filter(|&(handle, _)| fits(self, handle));
        chosen.extend(fitting.map(|(handle, hot)| (hot.id, handle)));
        chosen.sort_unstable();
        for &(_, handle) in &chosen {
            self.cancel(handle, reason, Flags::NONE, out);
        }
        let count = chosen.len();
        self.chosen = chosen;
        count
    }
}

#[inline(always)]
const fn line(hot: &HotOrder, kind: EventKind, level: LevelState) -> Line {
    Line {
        kind,
        side: hot.side(),
        reason: 0,
        flags: if hot.traits.has(Traits::HIDDEN) { Flags::HIDDEN } else { Flags::NONE },
        session: hot.session,
        report: 0,
        instrument: hot.book as u32 + 1,
        account: hot.account,
        order: hot.id,
        user_ref: hot.user_ref,
        price: hot.price,
        quantity: hot.open,
        remaining: hot.open,
        level,
    }
}

const fn answer_flags(command: &OrderCommand) -> Flags {
    let modify =
        command.conditions.contains(Conditions::AS_MODIFY) && matches!(command.kind, CommandKind::Reduce);
    if modify { Flags::AS_MODIFY } else { Flags::NONE }
}
