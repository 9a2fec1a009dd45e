//! The checks of a new order or a replacement, in the order of the numbers of [`Reject`].

use super::Engine;
use crate::accounts::Need;
use crate::command::OrderCommand;
use crate::instruments::Listing;
use crate::reason::Reject;
use crate::terms::{Conditions, OrderType, Phase, Side, TimeInForce};

/// What is asked for, with what the engine knows about it.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) command: &'a OrderCommand,
    /// The session's place; it exists.
    pub(super) session: usize,
    pub(super) side: Side,
    /// The account that is meant.
    pub(super) account: u32,
    /// The instrument that is meant.
    pub(super) instrument: u32,
    /// Whether the session's bucket had a token.
    pub(super) in_rate: bool,
    /// Replace: the order that goes.
    pub(super) original: Option<Original>,
}

/// What matters of the order that a replacement takes out.
#[derive(Clone, Copy)]
pub(super) struct Original {
    pub(super) handle: u32,
    /// Lots executed and prevented so far.
    pub(super) used: u64,
    pub(super) reservation: i64,
    pub(super) residue: u32,
}

impl Engine {
    /// The first check that fails, `None` where all hold.
    #[inline(always)]
    pub(super) fn check(&self, request: Request<'_>) -> Reject {
        let door = request.command.door_reject;
        let mut found = self.check_parties(request);
        if found.is_none() {
            found = self.check_order(request);
        }
        match found {
            Some(found) if door == Reject::None || found < door => found,
            Some(_) | None => door,
        }
    }

    /// Session to halt: who asks, for what, and when.
    #[inline(always)]
    fn check_parties(&self, request: Request<'_>) -> Option<Reject> {
        let command = request.command;
        let session = &self.sessions[request.session];
        if !session.trades() {
            return Some(Reject::Session);
        }
        let (number, user_ref) = (request.session as u32 + 1, command.user_ref.0);
        if user_ref <= session.carried_user_ref && self.index.find(number, user_ref) != crate::levels::NONE {
            return Some(Reject::DuplicateNumber);
        }
        let Some(instrument) = self.instrument(request.instrument) else {
            return Some(Reject::UnknownInstrument);
        };
        let listing = &instrument.listing;
        let named = command.instrument.0;
        if named != request.instrument && (named != 0 || request.original.is_none()) {
            return Some(Reject::UnknownInstrument);
        }
        if command.revision != 0 && command.revision != listing.revision {
            return Some(Reject::InstrumentChanged);
        }
        let open = self.accounts.get(session.account).is_some_and(|account| account.enabled);
        if !open || request.account != session.account || (listing.signed_prices && session.ledger) {
            return Some(Reject::Account);
        }
        match listing.phase {
            Phase::Continuous => None,
            Phase::Halted | Phase::Suspended => Some(Reject::Halted),
            Phase::Delisted => Some(Reject::UnknownInstrument),
            Phase::PreOpen
            | Phase::OpeningAuction
            | Phase::VolatilityAuction
            | Phase::ClosingAuction
            | Phase::Closed => Some(Reject::Phase),
        }
    }

    /// Combination to limits: the order itself. The instrument is known.
    #[inline(always)]
    fn check_order(&self, request: Request<'_>) -> Option<Reject> {
        let command = request.command;
        let listing = &self.instruments[request.instrument as usize - 1].listing;
        if !command.is_plain() {
            let combination = combination(command, self.clock.0, request.original.is_some());
            if combination.is_some() {
                return combination;
            }
        }
        let supported = command.is_supported();
        let (price, quantity) = (command.price.0, command.quantity.0);
        let market = command.order_type == OrderType::Market;
        let (low, high) = if market { (0, 0) } else { (listing.price_min(), listing.price_max) };
        if supported && (price < low || price > high) {
            return Some(Reject::Price);
        }
        if quantity == 0 || request.original.is_some_and(|original| quantity <= original.used) {
            return Some(Reject::Quantity);
        }
        if quantity > listing.quantity_max {
            return Some(Reject::QuantityLimit);
        }
        if supported && (market || listing.is_bounded()) {
            let bounds = self.check_bounds(request, listing, market);
            if bounds.is_some() {
                return bounds;
            }
        }
        if !request.in_rate {
            return Some(Reject::Rate);
        }
        if !supported {
            return Some(Reject::Unsupported);
        }
        if self.sessions[request.session].ledger && !self.has_credit(request, listing) {
            return Some(Reject::Credit);
        }
        if command.may_rest() { self.check_room(request) } else { None }
    }

    /// Value and band.
    #[inline(never)]
    fn check_bounds(&self, request: Request<'_>, listing: &Listing, market: bool) -> Option<Reject> {
        let command = request.command;
        let price = self.price_limit(request);
        let value = listing.notional(price, command.quantity.0);
        if listing.value_max != 0 && value.abs() > i128::from(listing.value_max) {
            return Some(Reject::ValueLimit);
        }
        if market {
            return None;
        }
        let last = self.instruments[request.instrument as usize - 1].book.last_trade();
        let band = listing.band(request.side, last.map(|price| price.0))?;
        let outside = match request.side {
            Side::Buy => price > band,
            Side::Sell => price < band,
        };
        outside.then_some(Reject::PriceBand)
    }

    /// The limit at which an order counts: a market order's is its protection price, or 0 where
    /// nothing is opposite.
    fn price_limit(&self, request: Request<'_>) -> i64 {
        match request.command.order_type {
            OrderType::Market => self.protection(request.instrument as usize - 1, request.side).unwrap_or(0),
            OrderType::Limit
            | OrderType::Stop
            | OrderType::StopLimit
            | OrderType::TrailingStop
            | OrderType::PegPrimary
            | OrderType::PegMidpoint => request.command.price.0,
        }
    }

    /// The worst price of a market order: the opposite touch, seen or hidden, and the collar behind it.
    pub(super) fn protection(&self, book: usize, side: Side) -> Option<i64> {
        let instrument = &self.instruments[book];
        let listing = &instrument.listing;
        let touch = instrument.book.ladder(side.opposite()).best_price()?.0;
        let price = match side {
            Side::Buy => touch.saturating_add(listing.collar),
            Side::Sell => touch.saturating_sub(listing.collar),
        };
        Some(price.clamp(listing.price_min(), listing.price_max.max(touch)))
    }

    #[inline(never)]
    fn has_credit(&self, request: Request<'_>, listing: &Listing) -> bool {
        let original = request.original;
        let open = request.command.quantity.0 - original.map_or(0, |original| original.used);
        let need = Need {
            side: request.side,
            notional: listing.notional(self.price_limit(request), open),
            base: i128::from(open) * i128::from(listing.lot_units),
            rate_max: listing.maker_fee.max(listing.taker_fee),
            residue: original.map_or(0, |original| original.residue),
        };
        let currency = listing.held(request.side);
        let held = i128::from(original.map_or(0, |original| original.reservation));
        let available = self.accounts.balance(request.account, currency.0).available + held;
        need.amount().is_some_and(|amount| i128::from(amount) <= available)
    }

    /// Whether an order that may rest would find a place and a level.
    #[inline(always)]
    fn check_room(&self, request: Request<'_>) -> Option<Reject> {
        if self.orders.is_full() && request.original.is_none() {
            return Some(Reject::OrderLimit);
        }
        let ladder = self.instruments[request.instrument as usize - 1].book.ladder(request.side);
        let room = ladder.has_room(&self.pool, ladder.key(request.command.price.0));
        (!room).then_some(Reject::LevelLimit)
    }
}

/// Combination, minimum quantity and peak.
#[inline(never)]
fn combination(command: &OrderCommand, clock: u64, replaces: bool) -> Option<Reject> {
    let conditions = command.conditions;
    let has = |condition| conditions.contains(condition);
    let (reject, slide) = (has(Conditions::POST_ONLY), has(Conditions::POST_ONLY_SLIDE));
    let (stop, peg) = match command.order_type {
        OrderType::Limit | OrderType::Market => (false, false),
        OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop => (true, false),
        OrderType::PegPrimary | OrderType::PegMidpoint => (false, true),
    };
    let dated = command.time_in_force == TimeInForce::GoodTillDate;
    let meaningless = conditions.0 & !Conditions::ALL.0 != 0
        || (reject && slide)
        || ((reject || slide) && !command.may_rest())
        || (has(Conditions::HIDDEN) && has(Conditions::ATTRIBUTABLE))
        || (has(Conditions::HIDDEN) && command.order_type == OrderType::Market)
        || (command.trigger != 0 && !stop && !peg)
        || (has(Conditions::REJECT_IF_TRIGGERED) && !stop)
        || (has(Conditions::KEEP_ON_INVALID) && !replaces)
        || has(Conditions::AS_MODIFY)
        || (dated && command.expires.0 <= clock)
        || (!dated && command.expires.0 != 0);
    if meaningless {
        return Some(Reject::Combination);
    }
    let (floor, quantity) = (command.floor.0, command.quantity.0);
    match command.time_in_force {
        TimeInForce::ImmediateOrCancel if floor > quantity => Some(Reject::MinimumQuantity),
        TimeInForce::ImmediateOrCancel => None,
        TimeInForce::FillOrKill => (floor != 0).then_some(Reject::MinimumQuantity),
        TimeInForce::Day
        | TimeInForce::GoodTillCancelled
        | TimeInForce::GoodTillDate
        | TimeInForce::AtTheOpening
        | TimeInForce::AtTheClose
        | TimeInForce::GoodForAuction => (floor != 0 && floor >= quantity).then_some(Reject::Peak),
    }
}

impl OrderCommand {
    /// Whether nothing about it can fail to combine.
    #[inline(always)]
    fn is_plain(&self) -> bool {
        self.conditions == Conditions::NONE
            && self.time_in_force != TimeInForce::GoodTillDate
            && self.trigger == 0
            && self.expires.0 == 0
            && self.floor.0 == 0
    }

    /// Whether anything of it goes into an OrderDetail.
    #[inline(always)]
    pub(super) fn has_details(&self) -> bool {
        let words: [u32; 9] = bytemuck::cast(self.client_id);
        let client = words.iter().fold(0, |all, word| all | word);
        let rest = self.trigger as u64 | self.expires.0 | self.floor.0;
        (u64::from(client) | u64::from(self.list) | rest) != 0
    }

    /// A limit order that goes into the book when it does not trade.
    #[inline(always)]
    pub(super) const fn may_rest(&self) -> bool {
        let resting = matches!(
            self.time_in_force,
            TimeInForce::Day | TimeInForce::GoodTillCancelled | TimeInForce::GoodTillDate
        );
        resting && matches!(self.order_type, OrderType::Limit)
    }

    /// Whether this version carries out such orders.
    #[inline(always)]
    fn is_supported(&self) -> bool {
        let immediate =
            matches!(self.time_in_force, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill);
        let auction = matches!(
            self.time_in_force,
            TimeInForce::AtTheOpening | TimeInForce::AtTheClose | TimeInForce::GoodForAuction
        );
        matches!(self.order_type, OrderType::Limit | OrderType::Market)
            && !auction
            && !self.conditions.contains(Conditions::ALL_OR_NONE)
            && (immediate || self.floor.0 == 0)
            && self.list == 0
            && self.list_role == 0
    }
}

impl Listing {
    /// Whether a limit order's value or price is bounded further than by the highest price and size.
    #[inline(always)]
    pub(super) const fn is_bounded(&self) -> bool {
        self.value_max != 0 || self.static_band != 0 || self.dynamic_band != 0
    }
}
