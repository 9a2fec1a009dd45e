//! A valid order meets the book.

use super::events::{Gone, Told};
use super::{Order, Twin};
use engine::event::{EventKind, Flags};
use engine::reason::CancelReason;
use engine::terms::{Conditions, SelfTrade, Side, TimeInForce};

impl Twin {
    /// Accepts an order, lets it trade, and lets the rest rest or go.
    pub(crate) fn admit(&mut self, mut order: Order, gone: Option<&Gone>) {
        let ends = self.set_reach(&mut order);
        let meets = self.touch_within(&order);
        let dies = self.post_only(&mut order, meets);
        let short = self.can_execute(&order) < least(&order);
        self.hold(&mut order);
        let rests = dies.is_none() && order.may_rest() && self.touch_within(&order).is_none();
        if rests {
            self.orders.push(order.clone());
        }
        self.tell_admitted(&order, rests, gone);
        if rests {
            return;
        }
        if dies.is_some() || short {
            return self.drop_rest(order, dies.unwrap_or(CancelReason::NotFilled));
        }
        self.walk(&mut order);
        if order.open == 0 {
            return;
        }
        if !order.may_rest() {
            return self.drop_rest(order, ends);
        }
        self.orders.push(order.clone());
        let told = Told { level: !order.hidden(), ..Told::default() };
        self.tell_agreed(EventKind::Rested, &order, told, None);
    }

    fn tell_admitted(&mut self, order: &Order, rests: bool, gone: Option<&Gone>) {
        let kind = if gone.is_some() { EventKind::Replaced } else { EventKind::Accepted };
        let flags = self.tell_order_detail(order);
        let told = Told { flags, level: rests && !order.hidden(), ..Told::default() };
        self.tell_agreed(kind, order, told, gone);
    }

    /// Cancels what is left of an order that does not rest.
    fn drop_rest(&mut self, mut order: Order, reason: CancelReason) {
        self.release(&mut order);
        self.tell_cancelled(&mut order, reason, Flags::NONE, false);
    }

    /// How far the order may trade, and why its rest ends there.
    fn set_reach(&self, order: &mut Order) -> CancelReason {
        if !order.is_market() {
            order.reach = Some(order.price);
            return CancelReason::Immediate;
        }
        let protection = self.protection_price(order.instrument, order.side);
        order.worth = protection.unwrap_or(0);
        order.reach = protection;
        let instrument = self.instrument(order.instrument).expect("checked");
        let beyond = protection.is_some_and(|price| instrument.beyond_band(order.side, price));
        if beyond {
            order.reach = instrument.band(order.side);
        }
        if beyond { CancelReason::Band } else { CancelReason::Collar }
    }

    /// The touch opposite, seen or hidden, and the collar beyond it; `None` where nothing is opposite.
    pub(crate) fn protection_price(&self, number: u32, side: Side) -> Option<i128> {
        let instrument = self.instrument(number).expect("checked");
        let touch = self.side(number, side.opposite()).first()?.price;
        let price = if side == Side::Buy { touch + instrument.collar } else { touch - instrument.collar };
        Some(price.max(instrument.price_min()).min(instrument.price_max.max(touch)))
    }

    fn touch_within(&self, order: &Order) -> Option<i128> {
        let touch = self.side(order.instrument, order.side.opposite()).first()?.price;
        order.reaches(touch).then_some(touch)
    }

    /// What becomes of a post-only order that meets `touch`.
    fn post_only(&self, order: &mut Order, touch: Option<i128>) -> Option<CancelReason> {
        let touch = touch?;
        if order.has(Conditions::POST_ONLY) {
            return Some(CancelReason::PostOnly);
        }
        if !order.has(Conditions::POST_ONLY_SLIDE) {
            return None;
        }
        let price = if order.side == Side::Buy { touch - 1 } else { touch + 1 };
        if !self.instrument(order.instrument).expect("checked").takes_price(price) {
            return Some(CancelReason::PostOnly);
        }
        (order.price, order.worth, order.reach) = (price, price, Some(price));
        None
    }

    /// How many lots a walk through the book would execute.
    fn can_execute(&self, order: &Order) -> i128 {
        let (mut open, mut executed) = (order.open, 0);
        for maker in self.side(order.instrument, order.side.opposite()) {
            if !order.reaches(maker.price) {
                break;
            }
            let lots = open.min(maker.open);
            if order.self_trade == SelfTrade::None || !self.same_owner(order, maker) {
                open -= lots;
                executed += lots;
                continue;
            }
            match order.self_trade {
                SelfTrade::CancelOldest => {}
                SelfTrade::Decrement => open -= lots,
                _ => open = 0,
            }
        }
        executed
    }

    fn same_owner(&self, one: &Order, other: &Order) -> bool {
        let owner = |number: u32| {
            let group = self.account(number).map_or(0, |account| account.owner_group);
            if group == 0 { (0, number) } else { (1, group) }
        };
        owner(one.account) == owner(other.account)
    }

    /// Trades with one resting order after the other, best first.
    fn walk(&mut self, taker: &mut Order) {
        while taker.open > 0 {
            let Some(maker) =
                self.side(taker.instrument, taker.side.opposite()).first().map(|maker| (*maker).clone())
            else {
                return;
            };
            if !taker.reaches(maker.price) {
                return;
            }
            if taker.self_trade != SelfTrade::None && self.same_owner(taker, &maker) {
                self.prevent(taker, maker);
            } else {
                self.trade(taker, maker);
            }
        }
    }

    fn trade(&mut self, taker: &mut Order, mut maker: Order) {
        let lots = taker.open.min(maker.open);
        let price = maker.price;
        self.matches_ever += 1;
        let owners = if self.same_owner(taker, &maker) { Flags::SELF_TRADE } else { Flags::NONE };
        self.instruments
            .iter_mut()
            .find(|one| one.number == taker.instrument)
            .expect("it trades")
            .last_trade = Some(price);
        let mut fees = [0, 0];
        for (order, fee, takes) in [(&mut maker, 0, false), (&mut *taker, 1, true)] {
            order.open -= lots;
            order.executed += lots;
            fees[fee] = self.settle(order, lots, price, takes);
        }
        self.keep_or_drop(&maker);
        let told = |flags, level, counterparty, fee| Told {
            flags,
            level,
            price,
            quantity: lots,
            match_number: self.matches_ever,
            counterparty,
            fee,
            ..Told::default()
        };
        let of_maker = told(owners, !maker.hidden(), taker.id, fees[0]);
        let of_taker = told(owners.with(Flags::TAKER), false, maker.id, fees[1]);
        self.tell(EventKind::Executed, &maker, of_maker);
        self.tell(EventKind::Executed, taker, of_taker);
    }

    fn keep_or_drop(&mut self, maker: &Order) {
        if maker.open > 0 {
            self.put_back(maker);
        } else {
            self.orders.retain(|order| order.id != maker.id);
        }
    }

    /// Self-trade prevention in the place of a trade.
    fn prevent(&mut self, taker: &mut Order, mut maker: Order) {
        let would_trade = taker.open.min(maker.open);
        let (of_maker, of_taker) = match taker.self_trade {
            SelfTrade::CancelNewest => (0, taker.open),
            SelfTrade::CancelOldest => (maker.open, 0),
            SelfTrade::CancelBoth => (maker.open, taker.open),
            SelfTrade::Decrement => (would_trade, would_trade),
            SelfTrade::SessionDefault | SelfTrade::None => unreachable!("they trade"),
        };
        let (maker_id, taker_id, price) = (maker.id, taker.id, maker.price);
        let told = |quantity, counterparty, flags, level| Told {
            reason: CancelReason::SelfTrade as u8,
            flags,
            level,
            price,
            quantity,
            counterparty,
            fee: would_trade,
            ..Told::default()
        };
        if of_maker > 0 {
            maker.open -= of_maker;
            maker.prevented += of_maker;
            self.hold(&mut maker);
            self.keep_or_drop(&maker);
            let told = told(of_maker, taker_id, Flags::NONE, !maker.hidden());
            self.tell(EventKind::Prevented, &maker, told);
        }
        if of_taker > 0 {
            taker.open -= of_taker;
            taker.prevented += of_taker;
            self.hold(taker);
            self.tell(EventKind::Prevented, taker, told(of_taker, maker_id, Flags::TAKER, false));
        }
    }
}

/// What an order must be able to execute at once.
fn least(order: &Order) -> i128 {
    match order.entered.time_in_force {
        TimeInForce::FillOrKill => order.open,
        TimeInForce::ImmediateOrCancel => order.entered.floor.0.into(),
        _ => 0,
    }
}
