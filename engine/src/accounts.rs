//! Accounts and what they hold: the spot ledger.
//!
//! Money rests in i64 minor units wherever a command can name it; sums that trades build up rest in
//! i128, because a fill that has happened cannot be refused and must not wrap.

use crate::number::{AccountId, Text};
use crate::terms::{AccountMode, Side};
use crate::view::AccountView;

/// A fee rate is in hundredths of a basis point: millionths.
const RATE_ONE: i128 = 1_000_000;

/// An account.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    /// Who owns it: its owner group, or itself; the two are told apart by the 33rd bit.
    pub(crate) owner: u64,
    pub(crate) mode: AccountMode,
    pub(crate) enabled: bool,
    pub(crate) owner_group: u32,
    pub(crate) name: Text<16>,
}

impl Account {
    pub(crate) const fn owner(account: u32, owner_group: u32) -> u64 {
        if owner_group == 0 { account as u64 } else { 1 << 32 | owner_group as u64 }
    }

    pub(crate) const fn view(&self, account: AccountId) -> AccountView {
        AccountView {
            account,
            name: self.name,
            mode: self.mode,
            owner_group: self.owner_group,
            enabled: self.enabled,
        }
    }
}

/// What an account holds of one currency, in minor units.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) available: i128,
    pub(crate) reserved: i128,
}

/// What a fill takes from or gives to one side, besides base and quote.
#[derive(Clone, Copy)]
pub(crate) struct Charge {
    /// Hundredths of a basis point; negative for a rebate.
    pub(crate) rate: i32,
    /// What rounding has charged above the exact fees so far, in millionths of a minor unit.
    pub(crate) residue: u32,
}

impl Charge {
    /// The fee of a trade, so that the order's fees are its exact sum rounded up.
    #[inline]
    pub(crate) fn fee(&mut self, notional: i64) -> i64 {
        let exact = i128::from(self.rate) * i128::from(notional) - i128::from(self.residue);
        let fee = ceil(exact);
        self.residue = (fee * RATE_ONE - exact) as u32;
        fee as i64
    }
}

/// Nearly always of 64 bits, which divide in a few nanoseconds where 128 take ten times as long.
#[inline(always)]
const fn ceil(millionths: i128) -> i128 {
    let narrow = millionths as i64;
    if narrow as i128 == millionths && narrow != i64::MIN {
        return -((-narrow).div_euclid(RATE_ONE as i64) as i128);
    }
    -(-millionths).div_euclid(RATE_ONE)
}

/// What an order of a ledger account must hold: lots of base to sell, or value and fee in quote to buy.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    pub(crate) side: Side,
    /// Value of the rest at the order's own limit.
    pub(crate) notional: i128,
    /// The rest in minor units of the base currency.
    pub(crate) base: i128,
    pub(crate) rate_max: i32,
    pub(crate) residue: u32,
}

impl Need {
    /// Minor units of the side's currency; `None` where 64 bits do not hold them.
    pub(crate) fn amount(&self) -> Option<i64> {
        let amount = match self.side {
            Side::Sell => self.base,
            Side::Buy if self.rate_max > 0 => {
                let exact = self.notional * i128::from(self.rate_max) - i128::from(self.residue);
                self.notional + ceil(exact).max(0)
            }
            Side::Buy => self.notional,
        };
        i64::try_from(amount).ok()
    }
}

/// All accounts and balances.
pub(crate) struct Accounts {
    /// By number less one.
    pub(crate) list: Vec<Account>,
    /// A row of `currencies` for each account, the venue's own (0) first.
    balances: Vec<Balance>,
    currencies: usize,
}

impl Accounts {
    pub(crate) fn new(accounts_max: u32, currencies_max: u16) -> Self {
        let currencies = usize::from(currencies_max);
        let mut balances = Vec::with_capacity((accounts_max as usize + 1) * currencies);
        balances.resize(currencies, Balance::default());
        Self { list: Vec::with_capacity(accounts_max as usize), balances, currencies }
    }

    pub(crate) fn push(&mut self, account: Account) {
        self.list.push(account);
        self.balances.resize(self.balances.len() + self.currencies, Balance::default());
    }

    /// The account of this number.
    #[inline(always)]
    pub(crate) fn get(&self, account: u32) -> Option<&Account> {
        self.list.get((account as usize).wrapping_sub(1))
    }

    pub(crate) fn is_ledger(&self, account: u32) -> bool {
        self.get(account).is_some_and(|account| account.mode == AccountMode::Ledger)
    }

    pub(crate) fn get_mut(&mut self, account: u32) -> Option<&mut Account> {
        self.list.get_mut((account as usize).wrapping_sub(1))
    }

    /// What an account (0: the venue) holds of a currency; both exist.
    #[inline]
    pub(crate) fn balance(&self, account: u32, currency: u16) -> &Balance {
        &self.balances[account as usize * self.currencies + usize::from(currency) - 1]
    }

    #[inline]
    pub(crate) fn balance_mut(&mut self, account: u32, currency: u16) -> &mut Balance {
        &mut self.balances[account as usize * self.currencies + usize::from(currency) - 1]
    }

    /// All balances that are not zero: account, currency, balance.
    pub(crate) fn balances(&self) -> impl Iterator<Item = (u32, u16, Balance)> + '_ {
        self.balances.iter().enumerate().filter(|(_, balance)| **balance != Balance::default()).map(
            |(place, &balance)| {
                ((place / self.currencies) as u32, (place % self.currencies) as u16 + 1, balance)
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_round_once_over_an_orders_life() {
        let mut charge = Charge { rate: 333, residue: 0 };
        let charged: i64 = (0..1000).map(|_| charge.fee(7)).sum();
        assert_eq!(charged, (333i64 * 7 * 1000 + 999_999) / 1_000_000);
        let mut rebate = Charge { rate: -333, residue: 0 };
        let given: i64 = (0..1000).map(|_| rebate.fee(7)).sum();
        assert_eq!(given, -(333 * 7 * 1000 / 1_000_000));
    }

    #[test]
    fn no_split_of_an_order_outgrows_its_reservation() {
        for rate in [1, 250_000, 333_333, 999_999] {
            let mut charge = Charge { rate, residue: 0 };
            let need = |rest: i128, residue: u32| {
                let need = Need { side: Side::Buy, notional: rest, base: 0, rate_max: rate, residue };
                need.amount().expect("small numbers")
            };
            let mut held = need(40, 0);
            for rest in (0..40).rev() {
                let fee = charge.fee(1);
                let after = need(rest, charge.residue);
                assert!(held - after > fee, "rate {rate}, rest {rest}");
                held = after;
            }
            assert_eq!(held, 0);
        }
    }
}
