//! The way most orders go: plain limit orders that rest without trading. It gives what `enter.rs`
//! gives, without looking at what such an order cannot have.

use super::Engine;
use super::emit::{Emitter, Replaced};
use super::enter::Incoming;
use crate::command::OrderCommand;
use crate::event::{EventKind, EventSink};
use crate::instruments::Instrument;
use crate::orders::{Terms, Traits};
use crate::terms::Phase;

impl Engine {
    /// Puts a new order into the book that passes every check by its plainness and does not trade, and
    /// says whether it did. Most orders do; the others lose the few nanoseconds that the look took.
    #[inline(always)]
    pub(super) fn rest_at_once<S: EventSink>(
        &mut self,
        command: &OrderCommand,
        session: usize,
        out: &mut Emitter<'_, S>,
    ) -> bool {
        let session = &mut self.sessions[session];
        let book = (command.instrument.0 as usize).wrapping_sub(1);
        let Some(Instrument { listing, book: levels }) = self.instruments.get_mut(book) else { return false };
        let price = command.price.0;
        let passes = session.ordinary
            & command.is_ordinary()
            & (command.user_ref.0 > session.carried_user_ref)
            & ((command.account.0 == 0) | (command.account.0 == session.account))
            & ((command.revision == 0) | (command.revision == listing.revision))
            & (price > 0)
            & (price <= listing.ordinary_max)
            & (command.quantity.0.wrapping_sub(1) < listing.quantity_max)
            & !self.orders.is_full();
        let opposite = levels.ladder(command.side.opposite());
        let ladder = levels.ladder(command.side);
        let rests = passes && opposite.best_key() > opposite.key(price);
        if !rests || !ladder.has_room(&self.pool, ladder.key(price)) {
            return false;
        }
        session.live_orders += 1;
        let report = session.report();
        let firm: u32 = bytemuck::cast(command.firm);
        let charged = listing.has_fees();
        let compact = !charged & (firm == 0) & (command.group == 0);
        self.next_order += 1;
        let incoming = Incoming {
            id: self.next_order,
            session: command.session.0,
            user_ref: command.user_ref.0,
            account: session.account,
            book,
            side: command.side,
            price,
            worth: price,
            open: command.quantity.0,
            executed: 0,
            traits: Traits(command.side as u16)
                .with_if(Traits::CHARGED, charged)
                .with_if(Traits::COMPACT, compact),
            terms: Terms {
                maker_rate: listing.maker_fee,
                taker_rate: listing.taker_fee,
                firm: command.firm,
                group: command.group,
                time_in_force: command.time_in_force,
                self_trade: session.self_trade(command.self_trade),
                capacity: command.capacity,
                door: command.door,
                ..Terms::EMPTY
            },
            kind: EventKind::Accepted,
            replaced: Replaced::default(),
        };
        let order = self.orders.take();
        let mut hot = incoming.hot();
        let (at, last, level) = levels.append(&mut self.pool, &mut self.orders, (order, &hot));
        (hot.level, hot.prev) = (at, last);
        self.orders.put(order, hot, incoming.terms);
        self.index.insert(incoming.session, incoming.user_ref, order);
        let line = incoming.line(EventKind::Accepted, report, level);
        out.terms(&line, &incoming.terms, Replaced::default());
        true
    }

    /// Works out again for whom and for what an order may pass its checks by its plainness. After
    /// every command of an operator.
    pub(crate) fn find_ordinary(&mut self) {
        for session in &mut self.sessions {
            let open = self.accounts.get(session.account).is_some_and(|account| account.enabled);
            session.ordinary = session.trades() && open && !session.ledger;
        }
        for instrument in &mut self.instruments {
            let listing = &mut instrument.listing;
            let ordinary =
                listing.phase == Phase::Continuous && !listing.is_bounded() && !listing.signed_prices;
            listing.ordinary_max = if ordinary { listing.price_max } else { 0 };
        }
    }
}
