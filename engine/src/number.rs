//! The numbers of the market. Nothing here is a bare integer outside this crate: a price cannot be
//! added to a quantity, nor an account mistaken for a session.

use bytemuck::{Pod, Zeroable};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Place of a command in the venue's one total order. The first command is 1; 0 is "before all".
    Sequence(u64)
);
number!(
    /// Nanoseconds since 1970-01-01T00:00:00 UTC.
    Timestamp(u64)
);
number!(
    /// A count of the instrument's ticks. May be negative where the instrument allows it.
    Price(i64)
);
number!(
    /// A count of the instrument's lots.
    Quantity(u64)
);
number!(
    /// A count of a currency's minor units (its smallest accounted part).
    Money(i64)
);
number!(
    /// A listed instrument. 0 names none.
    InstrumentId(u32)
);
number!(
    /// An account: who owns balances and orders. 0 names none, or the session's own account.
    AccountId(u32)
);
number!(
    /// A client session: who numbers commands and receives reports. 0 names none (the venue itself).
    SessionId(u32)
);
number!(
    /// A currency, asset or contract unit of the ledger. 0 names none.
    CurrencyId(u16)
);
number!(
    /// An order's public reference. Rises through the life of the venue, never reused; 0 names none.
    OrderId(u64)
);
number!(
    /// A trade's public number, the same for both sides; rises, never reused; 0 names none.
    MatchNumber(u64)
);
number!(
    /// The number a client gives to an order. Strictly rising within a session's day; 0 names none.
    UserRef(u32)
);
number!(
    /// Place of a report in its session's day, from 1. 0 marks an event that is not numbered.
    ReportNumber(u32)
);

impl Sequence {
    /// The sequence that follows this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Timestamp {
    /// Nanoseconds in a day.
    pub const DAY_NS: u64 = 86_400_000_000_000;

    /// Nanoseconds since the last midnight UTC, as the wire protocols carry time.
    #[must_use]
    pub const fn since_midnight_ns(self) -> u64 {
        self.0 % Self::DAY_NS
    }
}

/// Fixed text: ASCII, left-justified, padded with zero bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// Empty text.
    pub const EMPTY: Self = Self([0; N]);

    /// Text of at most `N` printable ASCII characters, or `None`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Self::from_ascii(text.as_bytes())
    }

    /// Text of at most `N` printable ASCII bytes (space to tilde), or `None`.
    #[must_use]
    pub fn from_ascii(text: &[u8]) -> Option<Self> {
        let printable = text.iter().all(|byte| (b' '..=b'~').contains(byte));
        if text.len() > N || !printable {
            return None;
        }
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self(bytes))
    }

    /// The characters, without the padding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let length = self.0.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        &self.0[..length]
    }

    /// The characters as a string; empty when they are not ASCII (they always are behind a door).
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> std::fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl<const N: usize> std::fmt::Display for Text<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_what_fits_and_refuses_the_rest() {
        assert_eq!(Text::<8>::new("BTCUSD").map(|t| t.to_string()), Some("BTCUSD".to_owned()));
        assert_eq!(Text::<4>::new("BTCUSD"), None);
        assert_eq!(Text::<8>::new("BTC\u{7}"), None);
    }
}
