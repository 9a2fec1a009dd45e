//! Exact decimal numbers as the configuration writes them: text, read by the engine's own reader.

use engine::decimal::Decimal as Number;
use serde::Deserialize;

/// A decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Decimal(Number);

/// A text is no decimal number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotDecimal {
    text: String,
    error: engine::decimal::DecimalError,
}

impl std::fmt::Display for NotDecimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\": {}", self.text, self.error)
    }
}

impl std::error::Error for NotDecimal {}

impl TryFrom<String> for Decimal {
    type Error = NotDecimal;

    fn try_from(text: String) -> Result<Self, NotDecimal> {
        text.parse()
    }
}

impl std::str::FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let number = Number::parse(text).map_err(|error| NotDecimal { text: text.to_owned(), error })?;
        Ok(Self(number))
    }
}

impl Decimal {
    /// Zero.
    pub(crate) const ZERO: Self = Self(Number { mantissa: 0, digits: 0 });

    /// How many units of ten to the power of minus `digits` this is; `None` if not a whole number of
    /// them, or beyond 64 bits.
    pub(crate) fn in_units_of_digits(self, digits: u8) -> Option<i64> {
        let steps = self.0.in_steps(1, digits).ok()?;
        i64::try_from(steps).ok()
    }

    /// How many times `unit` this is; `None` if not a whole number of times, or beyond 64 bits.
    pub(crate) fn in_units_of(self, unit: Self) -> Option<i64> {
        let steps = self.0.in_steps(u64::try_from(unit.0.mantissa).ok()?, unit.0.digits).ok()?;
        i64::try_from(steps).ok()
    }

    /// This times `other`; `None` beyond 128 bits.
    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let mantissa = self.0.mantissa.checked_mul(other.0.mantissa)?;
        Some(Self(Number { mantissa, digits: self.0.digits + other.0.digits }))
    }

    /// The digits without their point, if above 0 and within 64 bits; and how many come after the point.
    pub(crate) fn step(self) -> Option<(u64, u8)> {
        let mantissa = u64::try_from(self.0.mantissa).ok().filter(|&mantissa| mantissa > 0)?;
        Some((mantissa, self.0.digits))
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Self::ZERO
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn units_are_whole_or_refused() {
        assert_eq!(decimal("84.50").in_units_of(decimal("0.01")), Some(8450));
        assert_eq!(decimal("1").in_units_of(decimal("0.00000001")), Some(100_000_000));
        assert_eq!(decimal("0.015").in_units_of(decimal("0.01")), None);
        assert_eq!(decimal("1").in_units_of(decimal("0")), None);
        assert_eq!(decimal("1").in_units_of(decimal("-1")), None);
        assert_eq!(
            decimal("1").times(decimal("0.00000001")).and_then(|unit| unit.in_units_of_digits(8)),
            Some(1)
        );
    }
}
