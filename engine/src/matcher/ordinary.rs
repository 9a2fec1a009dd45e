//! The way most commands go: plain limit orders that rest without trading, and plain cancels. It gives
//! what `enter.rs` and `resting.rs` give, without looking at what such an order cannot have, and goes from
//! the words of the command to the words of the event.

use super::Engine;
use super::emit::Emitter;
use crate::accounts::{Accounts, Need};
use crate::book::Links;
use crate::command::CommandSlot;
use crate::event::{EventKind, EventRecord, EventSink, Flags};
use crate::fatal::broken;
use crate::instruments::{Instrument, Listing};
use crate::levels::{LevelRef, NONE};
use crate::number::{Price, Text};
use crate::orders::{Agreed, HotOrder, Terms, Traits};
use crate::plain::{PlainCancel, PlainEnter};
use crate::reason::CancelReason;
use crate::sessions::Session;
use crate::terms::{Phase, Side};

/// Word 2 of the event, but for the side.
const ACCEPTED: u64 = EventKind::Accepted as u64 | (Flags::LEVEL.0 as u64) << 24;
const CANCELLED: u64 = EventKind::Cancelled as u64
    | (CancelReason::User as u64) << 16
    | ((Flags::LEVEL.0 | Flags::FINAL.0) as u64) << 24;

impl Engine {
    /// Enter, of a plain order. Most pass every check by their plainness, do not trade, and rest here at
    /// once; the others lose the few nanoseconds that the look took.
    #[inline(always)]
    pub(super) fn enter_plain<S: EventSink>(
        &mut self,
        command: PlainEnter<'_>,
        slot: &CommandSlot,
        out: &mut Emitter<'_, S>,
    ) {
        let place = (command.session() as usize).wrapping_sub(1);
        let Some(session) = self.sessions.get_mut(place) else { return self.step_rarer(slot, out) };
        if command.user_ref() <= session.last_user_ref {
            return;
        }
        session.last_user_ref = command.user_ref();
        let in_rate = session.orders.take(session.burst, self.clock.0);
        if !in_rate || !self.rest_at_once(command, place, out) {
            self.enter_after_all(slot, in_rate, out);
        }
    }

    /// Puts a plain order that passes and does not trade into the book, and says whether it did.
    #[inline(always)]
    fn rest_at_once<S: EventSink>(
        &mut self,
        command: PlainEnter<'_>,
        place: usize,
        out: &mut Emitter<'_, S>,
    ) -> bool {
        let session = &mut self.sessions[place];
        let book = (command.instrument() as usize).wrapping_sub(1);
        let Some(Instrument { listing, book: levels }) = self.instruments.get_mut(book) else { return false };
        let (side, price, lots) = (command.side(), command.price(), command.quantity());
        let passes = session.ordinary
            & (command.user_ref() > session.carried_user_ref)
            & ((command.account() == 0) | (command.account() == session.account))
            & ((command.revision() == 0) | (command.revision() == listing.revision))
            & ((price as u64).wrapping_sub(1) < listing.ordinary_max)
            & (lots.wrapping_sub(1) < listing.quantity_max);
        let opposite = levels.ladder(side.opposite());
        if !passes || opposite.best_key() <= opposite.key(price) {
            return false;
        }
        let limited = listing.bounded | session.ledger;
        let last_trade = levels.last_trade();
        if limited && !within_limits(command, session, listing, (last_trade, &self.accounts)) {
            return false;
        }
        let ladder = &mut levels.ladders[side as usize];
        let key = ladder.key(price);
        let Some(order) = self.orders.try_take() else { return false };
        let Some(leaf) = ladder.leaf_for(&mut self.pool, key) else {
            self.orders.remove(order);
            return false;
        };
        session.live_orders += 1;
        let report = session.report();
        self.next_order += 1;
        let id = self.next_order;
        let (level, prev, shown) =
            levels.append_displayed(&mut self.pool, &mut self.orders, (order, side), (leaf, key, lots));
        let agreed = command.agreed(session.self_trade);
        let account = session.account;
        let traits = traits_of(command, session, listing);
        let links = (level, prev);
        *self.orders.hot_mut(order) = hot_order(command, id, account, (links, traits, agreed));
        if !traits.has(Traits::COMPACT) {
            let reservation =
                if session.ledger { reserve(command, listing, account, &mut self.accounts) } else { 0 };
            self.orders.put_terms(order, plain_terms(command, agreed, listing, reservation));
        }
        self.index.insert(command.session(), command.user_ref(), order);
        out.only(EventRecord::from_words([
            out.sequence.0,
            out.time,
            ACCEPTED | (side as u64) << 8,
            u64::from(command.session()) | u64::from(report) << 32,
            u64::from(command.instrument()) | u64::from(account) << 32,
            id,
            u64::from(command.user_ref()) | u64::from(shown.orders) << 32,
            price as u64,
            lots,
            lots,
            shown.quantity,
            shown.change,
            agreed.event_word() | u64::from(command.group()) << 48,
            u64::from(command.firm()) << 32,
            0,
            0,
        ]));
        true
    }

    /// A plain order that trades, or that some check refuses.
    #[inline(never)]
    fn enter_after_all<S: EventSink>(&mut self, slot: &CommandSlot, in_rate: bool, out: &mut Emitter<'_, S>) {
        let Some(command) = slot.order() else { broken(out.sequence, "a plain order that is none") };
        out.ordinal = 0;
        self.enter_checked(command, in_rate, out);
    }

    /// Cancel, of a displayed order that is in no timer; says whether it was one.
    #[inline(always)]
    pub(super) fn cancel_plain<S: EventSink>(
        &mut self,
        command: PlainCancel<'_>,
        out: &mut Emitter<'_, S>,
    ) -> bool {
        let number = command.session();
        let Some(session) = self.sessions.get_mut((number as usize).wrapping_sub(1)) else { return false };
        let Some((place, handle)) = self.index.place(number, command.target()) else { return false };
        let hot = self.orders.hot(handle);
        let rare = Traits::HIDDEN.with(Traits::TIMED);
        // A bucket without a token stays so: the second look at it, by the one who refuses, finds the same.
        if hot.traits.has(rare) || !session.trades() || !session.cancels.take(session.burst, self.clock.0) {
            return false;
        }
        let report = session.report();
        session.live_orders -= 1;
        if hot.traits.has(Traits::LEDGER) {
            self.release(handle);
        }
        let hot = self.orders.hot(handle);
        let (side, links) = (hot.side(), Links::of(hot));
        let book = &mut self.instruments[usize::from(hot.book)].book;
        let level = book.unlink_displayed(&mut self.pool, &mut self.orders, side, links);
        self.index.remove(place);
        let hot = self.orders.hot(handle);
        out.only(EventRecord::from_words([
            out.sequence.0,
            out.time,
            CANCELLED | (side as u64) << 8,
            u64::from(number) | u64::from(report) << 32,
            (u64::from(hot.book) + 1) | u64::from(hot.account) << 32,
            hot.id,
            u64::from(command.target()) | u64::from(level.orders) << 32,
            hot.price as u64,
            links.open,
            0,
            level.quantity,
            level.change,
            0,
            0,
            0,
            hot.executed,
        ]));
        self.orders.remove(handle);
        true
    }

    /// Works out again for whom and for what an order may pass its checks by its plainness. After
    /// every command of an operator.
    pub(crate) fn find_ordinary(&mut self) {
        for session in &mut self.sessions {
            let open = self.accounts.get(session.account).is_some_and(|account| account.enabled);
            session.ordinary = session.trades() && open;
        }
        for instrument in &mut self.instruments {
            let listing = &mut instrument.listing;
            let ordinary = listing.phase == Phase::Continuous && !listing.signed_prices;
            listing.bounded = listing.is_bounded();
            listing.ordinary_max = if ordinary { listing.price_max.unsigned_abs() } else { 0 };
        }
    }
}

#[inline(always)]
fn traits_of(command: PlainEnter<'_>, session: &Session, listing: &Listing) -> Traits {
    let charged = listing.has_fees() | session.ledger;
    let compact = !charged & (command.firm() == 0) & (command.group() == 0);
    Traits(command.side() as u16)
        .with_if(Traits::LEDGER, session.ledger)
        .with_if(Traits::CHARGED, charged)
        .with_if(Traits::COMPACT, compact)
}

/// The order's line: the terms that fit into it, and its place.
#[inline(always)]
fn hot_order(
    command: PlainEnter<'_>,
    id: u64,
    account: u32,
    ((level, prev), traits, agreed): ((LevelRef, u32), Traits, Agreed),
) -> HotOrder {
    HotOrder {
        open: command.quantity(),
        price: command.price(),
        id,
        executed: 0,
        next: NONE,
        prev,
        session: command.session(),
        user_ref: command.user_ref(),
        account,
        level,
        book: (command.instrument() - 1) as u16,
        traits,
        agreed,
    }
}

/// Value, bands and credit, of an order whose price and size are within those of its listing: no product
/// here outgrows 64 bits, as `Listing::fits` made sure.
#[inline(never)]
fn within_limits(
    command: PlainEnter<'_>,
    session: &Session,
    listing: &Listing,
    (last_trade, accounts): (Option<Price>, &Accounts),
) -> bool {
    let (side, price) = (command.side(), command.price());
    let value = price * command.quantity() as i64 * listing.unit;
    let banded = listing.bounded
        && listing.band(side, last_trade.map(|last| last.0)).is_some_and(|band| match side {
            Side::Buy => price > band,
            Side::Sell => price < band,
        });
    if banded || (listing.value_max != 0 && value > listing.value_max) {
        return false;
    }
    if !session.ledger {
        return true;
    }
    let available = accounts.balance(session.account, listing.held(side).0).available;
    need(command, listing).is_some_and(|amount| i128::from(amount) <= available)
}

/// What a plain order must hold.
#[inline(always)]
fn need(command: PlainEnter<'_>, listing: &Listing) -> Option<i64> {
    let lots = command.quantity();
    let need = Need {
        side: command.side(),
        notional: listing.notional(command.price(), lots),
        base: i128::from(lots) * i128::from(listing.lot_units),
        rate_max: listing.maker_fee.max(listing.taker_fee),
        residue: 0,
    };
    need.amount()
}

/// Takes what a plain order must hold, which `within_limits` found there.
#[inline(always)]
fn reserve(command: PlainEnter<'_>, listing: &Listing, account: u32, accounts: &mut Accounts) -> i64 {
    let amount = need(command, listing).unwrap_or(0);
    let balance = accounts.balance_mut(account, listing.held(command.side()).0);
    balance.available -= i128::from(amount);
    balance.reserved += i128::from(amount);
    amount
}

/// What does not fit into the line of a plain order.
#[inline(always)]
fn plain_terms(command: PlainEnter<'_>, agreed: Agreed, listing: &Listing, reservation: i64) -> Terms {
    let firm: Text<4> = bytemuck::cast(command.firm());
    Terms {
        reservation,
        maker_rate: listing.maker_fee,
        taker_rate: listing.taker_fee,
        firm,
        group: command.group(),
        time_in_force: agreed.time_in_force(),
        self_trade: agreed.self_trade(),
        capacity: agreed.capacity(),
        door: agreed.door(),
        ..Terms::EMPTY
    }
}
