//! What orders hold of their accounts, and how fills settle.

use super::Engine;
use super::emit::Emitter;
use super::enter::Incoming;
use crate::accounts::{Charge, Need};
use crate::event::EventSink;
use crate::fatal::broken;
use crate::orders::{HotOrder, Terms, Traits};
use crate::terms::Side;

/// Fees of one trade.
#[derive(Clone, Copy, Default)]
pub(super) struct Fees {
    pub(super) maker: i64,
    pub(super) taker: i64,
}

/// One side of a fill.
#[derive(Clone, Copy)]
struct Party {
    account: u32,
    ledger: bool,
    fee: i64,
}

impl Engine {
    /// Makes an order of a ledger account hold what `open` lots at `price` need, no more and no less.
    pub(super) fn hold(&mut self, owner: &Holder, terms: &mut Terms) {
        let listing = &self.instruments[owner.book].listing;
        let need = Need {
            side: owner.side,
            notional: listing.notional(owner.price, owner.open),
            base: i128::from(owner.open) * i128::from(listing.lot_units),
            rate_max: terms.maker_rate.max(terms.taker_rate),
            residue: terms.residue,
        };
        let currency = listing.held(owner.side);
        let Some(amount) = need.amount() else { broken(self.sequence, "a reservation outgrew 64 bits") };
        let change = i128::from(amount) - i128::from(terms.reservation);
        terms.reservation = amount;
        let balance = self.accounts.balance_mut(owner.account, currency.0);
        balance.available -= change;
        balance.reserved += change;
        if balance.reserved < 0 || (change > 0 && balance.available < 0) {
            broken(self.sequence, "a reservation without cover");
        }
    }

    /// The resting order holds what its open lots need.
    pub(super) fn hold_resting(&mut self, order: u32) {
        let hot = *self.orders.hot(order);
        let mut terms = self.orders.terms(order);
        self.hold(&Holder::of(&hot, hot.open), &mut terms);
        *self.orders.terms_mut(order) = terms;
    }

    /// The resting order holds nothing any more.
    pub(super) fn release(&mut self, order: u32) {
        let freed = i128::from(std::mem::take(&mut self.orders.terms_mut(order).reservation));
        let hot = self.orders.hot(order);
        let currency = self.instruments[usize::from(hot.book)].listing.held(hot.side());
        let balance = self.accounts.balance_mut(hot.account, currency.0);
        balance.available += freed;
        balance.reserved -= freed;
        if balance.reserved < 0 {
            broken(self.sequence, "a reservation without cover");
        }
    }

    /// Fees and settlement of a fill of `lots` between the resting order and the incoming one. Both
    /// already have their new open quantities; `maker` is the resting order as it is now.
    #[inline(never)]
    pub(super) fn settle<S: EventSink>(
        &mut self,
        taker: &mut Incoming,
        handle: u32,
        lots: u64,
        out: &Emitter<'_, S>,
    ) -> Fees {
        let hot = *self.orders.hot(handle);
        let mut terms = self.orders.terms(handle);
        let notional = self.instruments[taker.book].listing.notional(hot.price, lots);
        let Ok(notional) = i64::try_from(notional) else { broken(out.sequence, "a trade outgrew 64 bits") };
        let mut maker_charge = Charge { rate: terms.maker_rate, residue: terms.residue };
        let mut taker_charge = Charge { rate: taker.terms.taker_rate, residue: taker.terms.residue };
        let fees = Fees { maker: maker_charge.fee(notional), taker: taker_charge.fee(notional) };
        terms.residue = maker_charge.residue;
        taker.terms.residue = taker_charge.residue;
        let maker_ledger = hot.traits.has(Traits::LEDGER);
        let taker_ledger = taker.traits.has(Traits::LEDGER);
        if maker_ledger || taker_ledger {
            let maker = Party { account: hot.account, ledger: maker_ledger, fee: fees.maker };
            let other = Party { account: taker.account, ledger: taker_ledger, fee: fees.taker };
            let (buyer, seller) = match taker.side {
                Side::Buy => (other, maker),
                Side::Sell => (maker, other),
            };
            self.transfer(taker.book, buyer, seller, i128::from(notional), lots);
            if maker_ledger {
                self.hold(&Holder::of(&hot, hot.open), &mut terms);
            }
            if taker_ledger {
                let mut own = taker.terms;
                self.hold(&taker.holder(taker.open), &mut own);
                taker.terms = own;
            }
            self.covered(taker.book, buyer, seller);
        }
        *self.orders.terms_mut(handle) = terms;
        fees
    }

    /// Moves base and quote. What a ledger account trades with an external one is cleared by account 0.
    fn transfer(&mut self, book: usize, buyer: Party, seller: Party, notional: i128, lots: u64) {
        let listing = &self.instruments[book].listing;
        let (base, quote) = (listing.base.0, listing.quote.0);
        let units = i128::from(lots) * i128::from(listing.lot_units);
        let payer = if buyer.ledger { buyer.account } else { 0 };
        let payee = if seller.ledger { seller.account } else { 0 };
        let fee = |party: Party| if party.ledger { i128::from(party.fee) } else { 0 };
        self.accounts.balance_mut(payer, quote).available -= notional + fee(buyer);
        self.accounts.balance_mut(payer, base).available += units;
        self.accounts.balance_mut(payee, quote).available += notional - fee(seller);
        self.accounts.balance_mut(payee, base).available -= units;
        self.accounts.balance_mut(0, quote).available += fee(buyer) + fee(seller);
    }

    /// After a fill and its releases, no party spends what it has not.
    fn covered(&self, book: usize, buyer: Party, seller: Party) {
        let listing = &self.instruments[book].listing;
        for party in [buyer, seller] {
            if !party.ledger {
                continue;
            }
            for currency in [listing.base.0, listing.quote.0] {
                if self.accounts.balance(party.account, currency).available < 0 {
                    broken(self.sequence, "a fill took more than its account had");
                }
            }
        }
    }
}

/// An order, as far as its reservation goes.
pub(super) struct Holder {
    pub(super) account: u32,
    pub(super) book: usize,
    pub(super) side: Side,
    pub(super) price: i64,
    pub(super) open: u64,
}

impl Holder {
    pub(super) const fn of(hot: &HotOrder, open: u64) -> Self {
        Self { account: hot.account, book: hot.book as usize, side: hot.side(), price: hot.price, open }
    }
}
