//! The checks of a new order or a replacement, in their order.

use super::money::reservation;
use super::{Instrument, Order, Twin};
use engine::command::OrderCommand;
use engine::reason::Reject;
use engine::terms::{AccountMode, Conditions, OrderType, Phase, Side, TimeInForce};

impl Instrument {
    /// The lowest limit of an order.
    pub(crate) fn price_min(&self) -> i128 {
        if self.signed_prices { -self.price_max } else { 1 }
    }

    /// Whether an order may have this limit.
    pub(crate) fn takes_price(&self, price: i128) -> bool {
        price >= self.price_min() && price <= self.price_max
    }

    /// The bands that hold now, as the highest price of a buy or the lowest of a sell.
    pub(crate) fn band(&self, side: Side) -> Option<i128> {
        let edge = |center: i128, band: i128| if side == Side::Buy { center + band } else { center - band };
        let mut edges = Vec::new();
        if self.static_band > 0 && self.reference != 0 {
            edges.push(edge(self.reference, self.static_band));
        }
        if let Some(last) = self.last_trade.filter(|_| self.dynamic_band > 0) {
            edges.push(edge(last, self.dynamic_band));
        }
        if side == Side::Buy { edges.into_iter().min() } else { edges.into_iter().max() }
    }

    pub(crate) fn beyond_band(&self, side: Side, price: i128) -> bool {
        self.band(side).is_some_and(|band| if side == Side::Buy { price > band } else { price < band })
    }
}

impl Twin {
    /// The first check that fails; what the door found takes its place among them.
    pub(crate) fn refusal(
        &self,
        command: &OrderCommand,
        account: u32,
        in_rate: bool,
        original: Option<&Order>,
    ) -> Option<Reject> {
        let found = self
            .parties_refused(command, account, original)
            .or_else(|| self.terms_refused(command, original))
            .or_else(|| self.numbers_refused(command, original))
            .or_else(|| (!in_rate).then_some(Reject::Rate))
            .or_else(|| (!is_done_here(command)).then_some(Reject::Unsupported))
            .or_else(|| self.credit_refused(command, original))
            .or_else(|| self.room_refused(command, original));
        let door = Some(command.door_reject).filter(|reason| *reason != Reject::None);
        [found, door].into_iter().flatten().min()
    }

    fn parties_refused(
        &self,
        command: &OrderCommand,
        account: u32,
        original: Option<&Order>,
    ) -> Option<Reject> {
        let session = self.session(command.session.0)?;
        if !session.trades() {
            return Some(Reject::Session);
        }
        let holds =
            |order: &Order| order.session == session.number && order.entered.user_ref == command.user_ref;
        if self.orders.iter().any(holds) {
            return Some(Reject::DuplicateNumber);
        }
        let of_original = original.map(|original| original.instrument);
        let named = command.instrument.0;
        let number = if named == 0 { of_original.unwrap_or(0) } else { named };
        let Some(instrument) =
            self.instrument(number).filter(|_| of_original.is_none_or(|other| other == number))
        else {
            return Some(Reject::UnknownInstrument);
        };
        if command.revision != 0 && command.revision != instrument.revision {
            return Some(Reject::InstrumentChanged);
        }
        let takes = |mode| !(instrument.signed_prices && mode == AccountMode::Ledger);
        let opened = self.account(account).is_some_and(|one| one.enabled && takes(one.mode));
        if !opened || account != session.account {
            return Some(Reject::Account);
        }
        match instrument.phase {
            Phase::Continuous => None,
            Phase::Halted | Phase::Suspended => Some(Reject::Halted),
            Phase::Delisted => Some(Reject::UnknownInstrument),
            _ => Some(Reject::Phase),
        }
    }

    /// Type, time in force and conditions; minimum quantity and peak.
    fn terms_refused(&self, command: &OrderCommand, original: Option<&Order>) -> Option<Reject> {
        let has = |condition| command.conditions.contains(condition);
        let immediate = is_immediate(command);
        let post_only = has(Conditions::POST_ONLY) || has(Conditions::POST_ONLY_SLIDE);
        let market = command.order_type == OrderType::Market;
        let stop =
            [OrderType::Stop, OrderType::StopLimit, OrderType::TrailingStop].contains(&command.order_type);
        let peg = [OrderType::PegPrimary, OrderType::PegMidpoint].contains(&command.order_type);
        let dated = command.time_in_force == TimeInForce::GoodTillDate;
        let meaningless = [
            command.conditions.0 > Conditions::ALL.0,
            has(Conditions::POST_ONLY) && has(Conditions::POST_ONLY_SLIDE),
            post_only && (immediate || command.order_type != OrderType::Limit || for_auction(command)),
            has(Conditions::HIDDEN) && has(Conditions::ATTRIBUTABLE),
            has(Conditions::HIDDEN) && market,
            command.trigger != 0 && !stop && !peg,
            has(Conditions::REJECT_IF_TRIGGERED) && !stop,
            has(Conditions::KEEP_ON_INVALID) && original.is_none(),
            has(Conditions::AS_MODIFY),
            dated && command.expires.0 <= self.clock,
            !dated && command.expires.0 != 0,
        ];
        if meaningless.contains(&true) {
            return Some(Reject::Combination);
        }
        let (floor, quantity) = (command.floor.0, command.quantity.0);
        match command.time_in_force {
            TimeInForce::ImmediateOrCancel => (floor > quantity).then_some(Reject::MinimumQuantity),
            TimeInForce::FillOrKill => (floor > 0).then_some(Reject::MinimumQuantity),
            _ => (floor > 0 && floor >= quantity).then_some(Reject::Peak),
        }
    }

    fn numbers_refused(&self, command: &OrderCommand, original: Option<&Order>) -> Option<Reject> {
        let order = self.drawn_up(command, original);
        let instrument = self.instrument(order.instrument)?;
        let done_here = is_done_here(command);
        let price_fits =
            if order.is_market() { order.price == 0 } else { instrument.takes_price(order.price) };
        if done_here && !price_fits {
            return Some(Reject::Price);
        }
        let total = i128::from(command.quantity.0);
        if total == 0 || order.open <= 0 {
            return Some(Reject::Quantity);
        }
        if total > instrument.quantity_max {
            return Some(Reject::QuantityLimit);
        }
        if !done_here {
            return None;
        }
        let value = self.worth(&order) * total * instrument.unit;
        if instrument.value_max > 0 && value.abs() > instrument.value_max {
            return Some(Reject::ValueLimit);
        }
        let beyond = !order.is_market() && instrument.beyond_band(order.side, order.price);
        beyond.then_some(Reject::PriceBand)
    }

    /// The price that an order's value is counted with.
    fn worth(&self, order: &Order) -> i128 {
        if order.is_market() {
            self.protection_price(order.instrument, order.side).unwrap_or(0)
        } else {
            order.price
        }
    }

    fn credit_refused(&self, command: &OrderCommand, original: Option<&Order>) -> Option<Reject> {
        let mut order = self.drawn_up(command, original);
        order.worth = self.worth(&order);
        if self.account(order.account)?.mode == AccountMode::External {
            return None;
        }
        let instrument = self.instrument(order.instrument)?;
        let currency = if order.side == Side::Buy { instrument.quote } else { instrument.base };
        let balance = self.balances.get(&(order.account, currency)).copied().unwrap_or_default();
        let freed = original.map_or(0, |original| original.held);
        (reservation(instrument, &order) > balance.available + freed).then_some(Reject::Credit)
    }

    fn room_refused(&self, command: &OrderCommand, original: Option<&Order>) -> Option<Reject> {
        let full = self.orders.len() >= self.limits.live_orders as usize;
        let may_rest = self.drawn_up(command, original).may_rest();
        (full && may_rest && original.is_none()).then_some(Reject::OrderLimit)
    }
}

fn is_immediate(command: &OrderCommand) -> bool {
    [TimeInForce::ImmediateOrCancel, TimeInForce::FillOrKill].contains(&command.time_in_force)
}

fn for_auction(command: &OrderCommand) -> bool {
    [TimeInForce::AtTheOpening, TimeInForce::AtTheClose, TimeInForce::GoodForAuction]
        .contains(&command.time_in_force)
}

/// Whether this version of the rules carries out such an order.
fn is_done_here(command: &OrderCommand) -> bool {
    [OrderType::Limit, OrderType::Market].contains(&command.order_type)
        && !for_auction(command)
        && !command.conditions.contains(Conditions::ALL_OR_NONE)
        && (command.floor.0 == 0 || is_immediate(command))
        && command.list == 0
        && command.list_role == 0
}
