//! New orders and replacements: from the checks to the book.

use super::Engine;
use super::checks::Request;
use super::emit::{Emitter, Line, Replaced, Tail};
use super::money::Holder;
use crate::book::LevelState;
use crate::command::OrderCommand;
use crate::event::{EventKind, EventSink, Flags};
use crate::levels::{LevelRef, NONE};
use crate::number::Text;
use crate::orders::{Agreed, Details, HotOrder, Terms, Traits};
use crate::reason::{CancelReason, Reject};
use crate::terms::{Conditions, OrderType, Side, TimeInForce};

/// An accepted order on its way through the book.
pub(super) struct Incoming {
    pub(super) id: u64,
    pub(super) session: u32,
    pub(super) user_ref: u32,
    pub(super) account: u32,
    /// The instrument's place.
    pub(super) book: usize,
    pub(super) side: Side,
    /// As reported: its limit, 0 for a market order.
    pub(super) price: i64,
    /// What a reservation counts with: its limit or protection price.
    pub(super) worth: i64,
    pub(super) open: u64,
    pub(super) executed: u64,
    pub(super) traits: Traits,
    pub(super) terms: Terms,
    pub(super) kind: EventKind,
    pub(super) replaced: Replaced,
}

/// What a replacement takes over from the order it replaces.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    pub(super) kind: EventKind,
    /// Lots executed and prevented so far.
    pub(super) used: u64,
    pub(super) executed: u64,
    pub(super) prevented: u64,
    pub(super) reservation: i64,
    pub(super) residue: u32,
    /// Firm and capacity, which are the original's.
    pub(super) echoed: Option<(Text<4>, u8)>,
    pub(super) replaced: Replaced,
}

impl Chain {
    /// A new order has no past.
    const NEW: Self = Self {
        kind: EventKind::Accepted,
        used: 0,
        executed: 0,
        prevented: 0,
        reservation: 0,
        residue: 0,
        echoed: None,
        replaced: Replaced { order: 0, user_ref: 0, displayed: 0 },
    };
}

impl Incoming {
    pub(super) const fn holder(&self, open: u64) -> Holder {
        Holder { account: self.account, book: self.book, side: self.side, price: self.worth, open }
    }

    /// Its record, but for its place in the book.
    #[inline(always)]
    pub(super) const fn hot(&self) -> HotOrder {
        HotOrder {
            open: self.open,
            price: self.price,
            id: self.id,
            executed: self.executed,
            next: NONE,
            prev: NONE,
            session: self.session,
            user_ref: self.user_ref,
            account: self.account,
            level: LevelRef::NONE,
            book: self.book as u16,
            traits: self.traits,
            agreed: Agreed::NONE,
        }
    }

    /// A line about this order.
    #[inline(always)]
    pub(super) fn line(&self, kind: EventKind, report: u32, level: LevelState) -> Line {
        Line {
            kind,
            side: self.side,
            reason: 0,
            flags: if self.traits.has(Traits::HIDDEN) { Flags::HIDDEN } else { Flags::NONE },
            session: self.session,
            report,
            instrument: self.book as u32 + 1,
            account: self.account,
            order: self.id,
            user_ref: self.user_ref,
            price: self.price,
            quantity: self.open,
            remaining: self.open,
            level,
        }
    }
}

impl Engine {
    /// Enter.
    #[inline(always)]
    pub(super) fn enter<S: EventSink>(&mut self, command: &OrderCommand, out: &mut Emitter<'_, S>) {
        let number = command.session.0;
        let now = self.clock.0;
        let Some(session) = self.sessions.get_mut((number as usize).wrapping_sub(1)) else {
            return self.reject_unknown(command, out);
        };
        if command.user_ref.0 <= session.last_user_ref {
            return;
        }
        session.last_user_ref = command.user_ref.0;
        let in_rate = session.orders.take(session.burst, now);
        self.enter_checked(command, in_rate, out);
    }

    /// Enter, with every check.
    #[inline(never)]
    pub(super) fn enter_checked<S: EventSink>(
        &mut self,
        command: &OrderCommand,
        in_rate: bool,
        out: &mut Emitter<'_, S>,
    ) {
        let session = command.session.0 as usize - 1;
        let own = self.sessions[session].account;
        let request = Request {
            command,
            session,
            side: command.side,
            account: if command.account.0 == 0 { own } else { command.account.0 },
            instrument: command.instrument.0,
            in_rate,
            original: None,
        };
        match self.check(request) {
            Reject::None => self.place(request, Chain::NEW, out),
            reject => self.reject(request, reject, out),
        }
    }

    /// Whether an order at this price would trade.
    #[inline(always)]
    fn meets(&self, book: usize, side: Side, price: i64) -> bool {
        let opposite = self.instruments[book].book.ladder(side.opposite());
        opposite.best_key() <= opposite.key(price)
    }

    /// Puts an order into its queue, its record into the place `order`, and its number into the index.
    #[inline(always)]
    pub(super) fn store(&mut self, order: u32, incoming: &Incoming) -> LevelState {
        let mut hot = incoming.hot();
        let book = &mut self.instruments[incoming.book].book;
        let (at, last, level) = book.append(&mut self.pool, &mut self.orders, (order, &hot));
        hot.level = at;
        hot.prev = last;
        self.orders.put(order, hot, incoming.terms);
        self.index.insert(incoming.session, incoming.user_ref, order);
        level
    }

    /// The order that a request which passed its checks describes.
    #[inline]
    fn incoming(&mut self, request: Request<'_>, chain: Chain) -> Incoming {
        let command = request.command;
        let session = &self.sessions[request.session];
        let listing = &self.instruments[request.instrument as usize - 1].listing;
        let ledger = session.ledger;
        let self_trade = session.self_trade(command.self_trade);
        let traits = Traits(request.side as u16)
            .with_if(Traits::HIDDEN, command.conditions.contains(Conditions::HIDDEN))
            .with_if(Traits::LEDGER, ledger)
            .with_if(Traits::CHARGED, ledger || listing.has_fees())
            .with_if(Traits::DETAILED, command.has_details());
        let (firm, capacity) = chain.echoed.unwrap_or((command.firm, command.capacity));
        let terms = Terms {
            prevented: chain.prevented,
            reservation: chain.reservation,
            maker_rate: listing.maker_fee,
            taker_rate: listing.taker_fee,
            residue: chain.residue,
            timer: NONE,
            firm,
            conditions: command.conditions,
            group: command.group,
            order_type: command.order_type,
            time_in_force: command.time_in_force,
            self_trade,
            capacity,
            list_role: command.list_role,
            door: command.door,
        };
        self.next_order += 1;
        Incoming {
            id: self.next_order,
            session: command.session.0,
            user_ref: command.user_ref.0,
            account: request.account,
            book: request.instrument as usize - 1,
            side: request.side,
            price: command.price.0,
            worth: command.price.0,
            open: command.quantity.0 - chain.used,
            executed: chain.executed,
            traits,
            terms,
            kind: chain.kind,
            replaced: chain.replaced,
        }
    }

    /// Accepts an order, lets it trade, and leaves what remains in the book or ends it.
    #[inline(never)]
    pub(super) fn place<S: EventSink>(
        &mut self,
        request: Request<'_>,
        chain: Chain,
        out: &mut Emitter<'_, S>,
    ) {
        let command = request.command;
        let incoming = &mut self.incoming(request, chain);
        if command.may_rest() && !self.meets(incoming.book, incoming.side, incoming.price) {
            return self.rest(incoming, command, incoming.kind, out);
        }
        let (limit, reason) = self.limit(incoming, command);
        if command.conditions.contains(Conditions::POST_ONLY_SLIDE) && self.slide(incoming) {
            return self.rest(incoming, command, incoming.kind, out);
        }
        if incoming.traits.has(Traits::LEDGER) {
            self.hold_incoming(incoming, incoming.open);
        }
        self.accept(incoming, command, out);
        let post_only = Conditions::POST_ONLY.with(Conditions::POST_ONLY_SLIDE);
        if command.conditions.0 & post_only.0 != 0 {
            return self.end(incoming, CancelReason::PostOnly, out);
        }
        let least = command.least(incoming.open);
        if least > 0 && limit.map_or(0, |limit| self.executable(incoming, limit, least)) < least {
            return self.end(incoming, CancelReason::NotFilled, out);
        }
        if let Some(limit) = limit {
            self.walk(incoming, limit, out);
        }
        if incoming.open == 0 {
            return;
        }
        if command.may_rest() {
            self.rest(incoming, command, EventKind::Rested, out);
        } else {
            self.end(incoming, reason, out);
        }
    }

    /// Puts what remains into the book and reports it as `kind`.
    #[inline(never)]
    fn rest<S: EventSink>(
        &mut self,
        incoming: &mut Incoming,
        command: &OrderCommand,
        kind: EventKind,
        out: &mut Emitter<'_, S>,
    ) {
        if incoming.traits.has(Traits::LEDGER) {
            self.hold_incoming(incoming, incoming.open);
        }
        let detailed = incoming.traits.has(Traits::DETAILED);
        let order = self.orders.take();
        if detailed {
            self.orders.put_details(order, details(command));
        }
        let level = self.store(order, incoming);
        if command.time_in_force == TimeInForce::GoodTillDate {
            self.set_timer(order, command.expires.0);
        }
        let session = &mut self.sessions[incoming.session as usize - 1];
        session.live_orders += 1;
        if kind == EventKind::Rested {
            // No report: the session has had Accepted.
            return out.terms(&incoming.line(kind, 0, level), &incoming.terms, Replaced::default());
        }
        let report = session.report();
        let mut line = incoming.line(kind, report, level);
        if detailed {
            self.detail(incoming, command, out);
            line.flags = line.flags.with(Flags::DETAIL);
        }
        out.terms(&line, &incoming.terms, incoming.replaced);
    }

    /// How far an order may trade (`None`: nothing is opposite), and why its rest ends there.
    fn limit(&self, incoming: &mut Incoming, command: &OrderCommand) -> (Option<i64>, CancelReason) {
        if command.order_type != OrderType::Market {
            return (Some(incoming.price), CancelReason::Immediate);
        }
        let protection = self.protection(incoming.book, incoming.side);
        incoming.worth = protection.unwrap_or(0);
        let Some(protection) = protection else { return (None, CancelReason::Collar) };
        let instrument = &self.instruments[incoming.book];
        let last = instrument.book.last_trade().map(|price| price.0);
        match instrument.listing.band(incoming.side, last) {
            Some(band) if crate::instruments::nearer(incoming.side, band, protection) != protection => {
                (Some(band), CancelReason::Band)
            }
            _ => (Some(protection), CancelReason::Collar),
        }
    }

    /// Moves a post-only order one tick behind what it would trade with; `false` where it has no price there.
    fn slide(&self, incoming: &mut Incoming) -> bool {
        let instrument = &self.instruments[incoming.book];
        let Some(touch) = instrument.book.ladder(incoming.side.opposite()).best_price() else { return true };
        let price = match incoming.side {
            Side::Buy => touch.0 - 1,
            Side::Sell => touch.0 + 1,
        };
        let listing = &instrument.listing;
        let ladder = instrument.book.ladder(incoming.side);
        let allowed = (listing.price_min()..=listing.price_max).contains(&price);
        if !allowed || !ladder.has_room(&self.pool, ladder.key(price)) {
            return false;
        }
        incoming.price = price;
        incoming.worth = price;
        true
    }

    fn hold_incoming(&mut self, incoming: &mut Incoming, open: u64) {
        let mut terms = incoming.terms;
        self.hold(&incoming.holder(open), &mut terms);
        incoming.terms = terms;
    }

    /// Accepted or Replaced, of an order that does not rest at once.
    fn accept<S: EventSink>(
        &mut self,
        incoming: &Incoming,
        command: &OrderCommand,
        out: &mut Emitter<'_, S>,
    ) {
        let detailed = incoming.traits.has(Traits::DETAILED);
        if detailed {
            self.detail(incoming, command, out);
        }
        let report = self.sessions[incoming.session as usize - 1].report();
        let mut line = incoming.line(incoming.kind, report, LevelState::default());
        if detailed {
            line.flags = line.flags.with(Flags::DETAIL);
        }
        out.terms(&line, &incoming.terms, incoming.replaced);
    }

    #[inline(never)]
    fn detail<S: EventSink>(&self, incoming: &Incoming, command: &OrderCommand, out: &mut Emitter<'_, S>) {
        let line = incoming.line(EventKind::OrderDetail, 0, LevelState::default());
        out.detail(&line, &details(command), &incoming.terms);
    }

    /// Cancels what remains of an order that does not rest.
    fn end<S: EventSink>(&mut self, incoming: &mut Incoming, reason: CancelReason, out: &mut Emitter<'_, S>) {
        if incoming.traits.has(Traits::LEDGER) {
            self.hold_incoming(incoming, 0);
        }
        let report = self.sessions[incoming.session as usize - 1].report();
        let mut line = incoming.line(EventKind::Cancelled, report, LevelState::default());
        line.reason = reason as u8;
        line.flags = line.flags.with(Flags::FINAL);
        line.remaining = 0;
        incoming.open = 0;
        out.report(&line, Tail { executed: incoming.executed, ..Tail::default() });
    }

    /// Rejected, numbered.
    #[cold]
    #[inline(never)]
    pub(super) fn reject<S: EventSink>(
        &mut self,
        request: Request<'_>,
        reject: Reject,
        out: &mut Emitter<'_, S>,
    ) {
        let report = self.sessions[request.session].report();
        rejected(request.command, reject, (request.account, report), out);
    }

    /// Rejected, of a session that does not exist and so numbers nothing.
    #[cold]
    pub(super) fn reject_unknown<S: EventSink>(&self, command: &OrderCommand, out: &mut Emitter<'_, S>) {
        rejected(command, Reject::Session, (command.account.0, 0), out);
    }
}

fn rejected<S: EventSink>(
    command: &OrderCommand,
    reject: Reject,
    (account, report): (u32, u32),
    out: &mut Emitter<'_, S>,
) {
    let mut line = Line {
        side: command.side,
        reason: reject as u8,
        session: command.session.0,
        report,
        instrument: command.instrument.0,
        account,
        user_ref: command.user_ref.0,
        price: command.price.0,
        quantity: command.quantity.0,
        ..Line::blank(EventKind::Rejected)
    };
    if command.conditions.contains(Conditions::HIDDEN) {
        line.flags = Flags::HIDDEN;
    }
    if command.has_details() {
        let terms = Terms { list_role: command.list_role, door: command.door, ..Terms::EMPTY };
        out.detail(&line, &details(command), &terms);
        line.flags = line.flags.with(Flags::DETAIL);
    }
    out.report(&line, Tail::default());
}

impl OrderCommand {
    /// Lots that it must execute at once to trade at all.
    const fn least(&self, open: u64) -> u64 {
        match self.time_in_force {
            TimeInForce::FillOrKill => open,
            TimeInForce::ImmediateOrCancel => self.floor.0,
            TimeInForce::Day
            | TimeInForce::GoodTillCancelled
            | TimeInForce::GoodTillDate
            | TimeInForce::AtTheOpening
            | TimeInForce::AtTheClose
            | TimeInForce::GoodForAuction => 0,
        }
    }
}

#[inline(never)]
const fn details(command: &OrderCommand) -> Details {
    Details {
        client_id: command.client_id,
        list: command.list,
        trigger: command.trigger,
        expires: command.expires,
        floor: command.floor.0,
    }
}
