//! Reservations, fees and settlement.

use super::{Instrument, Order, Twin};
use engine::terms::{AccountMode, Side};

/// A fee rate counts hundredths of a basis point: millionths.
const RATE_SCALE: i128 = 1_000_000;

/// Rounded towards what the account pays: up when charged, down when given.
pub(crate) fn rounded_up(numerator: i128, denominator: i128) -> i128 {
    numerator.div_euclid(denominator) + i128::from(numerator.rem_euclid(denominator) != 0)
}

/// What an order holds for its open lots: of the base currency to sell, of the quote currency to buy. The
/// fee part is what the fees of its whole life would come to, less what was charged: a reservation that
/// rounded anew after each fill could ask for more than was reserved at first.
pub(crate) fn reservation(instrument: &Instrument, order: &Order) -> i128 {
    match order.side {
        Side::Sell => order.open * instrument.lot_units,
        Side::Buy => {
            let notional = order.worth * order.open * instrument.unit;
            let rate = order.maker_fee.max(order.taker_fee);
            let fees = rounded_up(order.fee_exact + notional * rate, RATE_SCALE) - order.fee_charged;
            notional + if rate > 0 { fees.max(0) } else { 0 }
        }
    }
}

impl Twin {
    fn in_ledger(&self, account: u32) -> bool {
        self.account(account).is_some_and(|account| account.mode == AccountMode::Ledger)
    }

    fn held_currency(&self, order: &Order) -> u16 {
        let instrument = self.instrument(order.instrument).expect("it trades");
        if order.side == Side::Buy { instrument.quote } else { instrument.base }
    }

    /// Makes the order hold what its open lots need.
    pub(crate) fn hold(&mut self, order: &mut Order) {
        let instrument = self.instrument(order.instrument).expect("it trades");
        let needed = reservation(instrument, order);
        self.hold_exactly(order, needed);
    }

    /// Gives back all that the order holds.
    pub(crate) fn release(&mut self, order: &mut Order) {
        self.hold_exactly(order, 0);
    }

    fn hold_exactly(&mut self, order: &mut Order, needed: i128) {
        if !self.in_ledger(order.account) {
            return;
        }
        let currency = self.held_currency(order);
        let balance = self.balances.entry((order.account, currency)).or_default();
        balance.available -= needed - order.held;
        balance.reserved += needed - order.held;
        order.held = needed;
    }

    fn move_money(&mut self, account: u32, currency: u16, amount: i128) {
        self.balances.entry((account, currency)).or_default().available += amount;
    }

    /// One side of a trade: what it is charged. Its open lots are already less. The venue's account 0
    /// clears what a ledger account trades with an external one.
    pub(crate) fn settle(&mut self, order: &mut Order, lots: i128, price: i128, takes: bool) -> i128 {
        let instrument = self.instrument(order.instrument).expect("it trades");
        let (base, quote) = (instrument.base, instrument.quote);
        let notional = price * lots * instrument.unit;
        let units = lots * instrument.lot_units;
        order.fee_exact += notional * if takes { order.taker_fee } else { order.maker_fee };
        let fee = rounded_up(order.fee_exact, RATE_SCALE) - order.fee_charged;
        order.fee_charged += fee;
        let ledger = self.in_ledger(order.account);
        let party = if ledger { order.account } else { 0 };
        let (paid, received) = if order.side == Side::Buy { (notional, units) } else { (units, notional) };
        let (gives, gets) = if order.side == Side::Buy { (quote, base) } else { (base, quote) };
        self.release(order);
        self.move_money(party, gives, -paid);
        self.move_money(party, gets, received);
        if ledger {
            self.move_money(party, quote, -fee);
            self.move_money(0, quote, fee);
        }
        self.hold(order);
        fee
    }
}
