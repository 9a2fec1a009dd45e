//! Sessions: who numbers commands and receives numbered reports.

use crate::number::{AccountId, ReportNumber, SessionId, Text, UserRef};
use crate::terms::{Role, SelfTrade};
use crate::view::SessionView;

/// Parts that one command's token is counted in: a bucket gains `rate` of them each nanosecond.
const TOKEN: u128 = 1_000_000_000;

/// How many commands a session may still give: a token bucket in integers on the engine's clock.
#[derive(Clone, Copy)]
pub(crate) struct Bucket {
    /// Parts of tokens it holds.
    pub(crate) parts: u64,
    /// The clock when it was looked at last.
    pub(crate) at: u64,
    /// Commands a second; 0: no limit.
    pub(crate) rate: u32,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn full(rate: u32, burst: u32, now: u64) -> Self {
        Self { parts: ((u128::from(burst) + 1) * TOKEN) as u64, at: now, rate }
    }

    /// Takes a token; `false` where there is none.
    #[inline(always)]
    pub(crate) fn take(&mut self, burst: u32, now: u64) -> bool {
        self.rate == 0 || self.take_limited(burst, now)
    }

    #[inline(never)]
    fn take_limited(&mut self, burst: u32, now: u64) -> bool {
        let gained = u128::from(now - self.at) * u128::from(self.rate);
        let parts = (u128::from(self.parts) + gained).min((u128::from(burst) + 1) * TOKEN);
        self.at = now;
        let taken = parts >= TOKEN;
        self.parts = (if taken { parts - TOKEN } else { parts }) as u64;
        taken
    }
}

/// A session.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    /// The number of the last report.
    pub(crate) reports: u32,
    pub(crate) last_user_ref: u32,
    pub(crate) account: u32,
    /// Orders of it that rest.
    pub(crate) live_orders: u32,
    /// The highest number that an order carried into this day holds.
    pub(crate) carried_user_ref: u32,
    pub(crate) burst: u32,
    pub(crate) enabled: bool,
    /// Whether its account is backed by balances here; neither of the two changes.
    pub(crate) ledger: bool,
    /// Worked out: open, a trader, of an open account.
    pub(crate) ordinary: bool,
    pub(crate) role: Role,
    pub(crate) self_trade: SelfTrade,
    pub(crate) cancel_on_disconnect: bool,
    /// Enter and Replace.
    pub(crate) orders: Bucket,
    /// Cancel and Reduce.
    pub(crate) cancels: Bucket,
    /// 0: none.
    pub(crate) connection: u64,
    pub(crate) name: Text<8>,
    pub(crate) salt: [u8; 16],
    pub(crate) password_hash: [u8; 32],
}

impl Session {
    /// Whether it may enter orders.
    #[inline(always)]
    pub(crate) const fn trades(&self) -> bool {
        self.enabled && matches!(self.role, Role::Trader)
    }

    /// The self-trade prevention that is meant.
    #[inline(always)]
    pub(crate) const fn self_trade(&self, asked: SelfTrade) -> SelfTrade {
        match asked {
            SelfTrade::SessionDefault => self.self_trade,
            chosen => chosen,
        }
    }

    /// The number of the next report, which is now used.
    #[inline(always)]
    pub(crate) const fn report(&mut self) -> u32 {
        self.reports = self.reports.wrapping_add(1);
        self.reports
    }

    pub(crate) fn view(&self, session: SessionId, day: Text<10>) -> SessionView {
        SessionView {
            session,
            name: self.name,
            role: self.role,
            account: AccountId(self.account),
            enabled: self.enabled,
            connection: self.connection,
            next_report: ReportNumber(self.reports.wrapping_add(1)),
            last_user_ref: UserRef(self.last_user_ref),
            live_orders: self.live_orders,
            day,
        }
    }
}

/// The name of a session's day: `YYMMDD` and two digits.
pub(crate) fn day_name(date: u32) -> Text<10> {
    let number = u64::from(date % 1_000_000) * 100 + 1;
    let mut digits = *b"00000000";
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Text::from_ascii(&digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::full(3, 1, 1000);
        assert!(bucket.take(1, 1000) && bucket.take(1, 1000) && !bucket.take(1, 1000));
        let third = 1_000_000_000 / 3;
        assert!(!bucket.take(1, 1000 + third), "a third of a second is a part short of a token");
        assert!(bucket.take(1, 1001 + third));
        let later = 1_000_000_000_000_000_000;
        assert!(bucket.take(1, later) && bucket.take(1, later) && !bucket.take(1, later));
        assert!(Bucket::full(0, 0, 0).take(0, 5));
    }

    #[test]
    fn days_have_names() {
        assert_eq!(day_name(20_261_124).as_str(), "26112401");
        assert_eq!(day_name(0).as_str(), "00000001");
    }
}
