//! The way most orders go: plain limit orders that rest without trading. It gives what `enter.rs`
//! gives, without looking at what such an order cannot have.

use super::Engine;
use super::emit::{Emitter, Replaced};
use super::enter::Incoming;
use crate::command::OrderCommand;
use crate::event::{EventKind, EventSink};
use crate::orders::{Terms, Traits};
use crate::terms::Phase;

impl Engine {
    /// Whether a new order passes every check by its plainness and goes into the book without trading.
    /// Most orders do; the others lose the few nanoseconds that this took.
    #[inline(always)]
    pub(super) fn rests_at_once(&self, command: &OrderCommand, session: usize) -> bool {
        let session = &self.sessions[session];
        let Some(instrument) = self.instrument(command.instrument.0) else { return false };
        let (listing, book) = (&instrument.listing, &instrument.book);
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
        let opposite = book.ladder(command.side.opposite());
        let ladder = book.ladder(command.side);
        passes && opposite.best_key() > opposite.key(price) && ladder.has_room(&self.pool, ladder.key(price))
    }

    /// The way most orders go: `place`, without what they need not look at.
    #[inline(always)]
    pub(super) fn rest_at_once<S: EventSink>(
        &mut self,
        command: &OrderCommand,
        session: usize,
        out: &mut Emitter<'_, S>,
    ) {
        let order = self.orders.take();
        let session = &mut self.sessions[session];
        session.live_orders += 1;
        let report = session.report();
        let book = command.instrument.0 as usize - 1;
        let listing = &self.instruments[book].listing;
        let firm: u32 = bytemuck::cast(command.firm);
        let compact = !listing.has_fees() & (firm == 0) & (command.group == 0);
        self.next_order += 1;
        let incoming = Incoming {
            id: self.next_order,
            session: command.session.0,
            user_ref: command.user_ref.0,
            account: session.account,
            book,
            side: command.side,
            price: command.price.0,
            worth: command.price.0,
            open: command.quantity.0,
            executed: 0,
            traits: Traits(command.side as u16)
                .with_if(Traits::CHARGED, listing.has_fees())
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
        let level = self.store(order, &incoming);
        let line = incoming.line(EventKind::Accepted, report, level);
        out.terms(&line, &incoming.terms, Replaced::default());
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
