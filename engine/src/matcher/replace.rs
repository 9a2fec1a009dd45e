//! Replace: a new order in the place of a resting one.

use super::Engine;
use super::checks::{Original, Request};
use super::emit::{Emitter, Replaced};
use super::enter::Chain;
use crate::command::OrderCommand;
use crate::event::{EventKind, EventSink, Flags};
use crate::levels::NONE;
use crate::orders::{HotOrder, Terms};
use crate::reason::{CancelReason, Reject};
use crate::terms::Conditions;

impl Engine {
    /// Replace.
    #[inline(never)]
    pub(super) fn replace<S: EventSink>(&mut self, command: &OrderCommand, out: &mut Emitter<'_, S>) {
        let number = command.session.0;
        let now = self.clock.0;
        let Some(session) = self.sessions.get_mut((number as usize).wrapping_sub(1)) else {
            return self.reject_unknown(command, out);
        };
        let handle = self.index.find(number, command.target.0);
        if handle == NONE {
            return self.not_resting(command, Reject::NotResting, out);
        }
        if command.user_ref.0 <= session.last_user_ref {
            return;
        }
        let in_rate = session.orders.take(session.burst, now);
        let original = *self.orders.hot(handle);
        let terms = self.orders.terms(handle);
        let request = Request {
            command,
            session: number as usize - 1,
            side: original.side(),
            account: original.account,
            instrument: u32::from(original.book) + 1,
            in_rate,
            original: Some(Original {
                handle,
                used: original.executed + terms.prevented,
                reservation: terms.reservation,
                residue: terms.residue,
            }),
        };
        let reject = self.check(request);
        if reject == Reject::None {
            self.sessions[request.session].last_user_ref = command.user_ref.0;
            return self.exchange(request, &original, &terms, out);
        }
        if command.conditions.contains(Conditions::KEEP_ON_INVALID) {
            self.sessions[request.session].last_user_ref = command.user_ref.0;
            self.reject(request, reject, out);
        } else {
            self.cancel(handle, CancelReason::InvalidReplace, Flags::NONE, out);
        }
    }

    /// Takes the original out and puts its replacement in.
    fn exchange<S: EventSink>(
        &mut self,
        request: Request<'_>,
        gone: &HotOrder,
        terms: &Terms,
        out: &mut Emitter<'_, S>,
    ) {
        let Some(original) = request.original else { return };
        let chain = Chain {
            kind: EventKind::Replaced,
            used: original.used,
            executed: gone.executed,
            prevented: terms.prevented,
            reservation: terms.reservation,
            residue: terms.residue,
            echoed: Some((terms.firm, terms.capacity)),
            replaced: Replaced { order: gone.id, user_ref: gone.user_ref, displayed: gone.displayed() },
        };
        let level = self.take_out(original.handle);
        if level.change != 0 {
            out.level(request.side, request.instrument, gone.price, level);
        }
        self.place(request, chain, out);
    }
}
