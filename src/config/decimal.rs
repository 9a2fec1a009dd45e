//! Exact decimal numbers as the configuration writes them.

use serde::Deserialize;

/// Most digits after the point: what 64 bits can carry of any number above 9.
pub(crate) const DIGITS_MAX: u8 = 18;

/// A decimal number: `mantissa` divided by ten to the power of `digits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Decimal {
    pub(crate) mantissa: i64,
    pub(crate) digits: u8,
}

/// A text is no decimal number that fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotDecimal(String);

impl std::fmt::Display for NotDecimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = &self.0;
        write!(f, "\"{text}\" is no decimal number: write digits, with a point if need be, such as \"0.05\"")
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
        let refuse = || NotDecimal(text.to_owned());
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let well_formed = !digits.is_empty()
            && digits.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit())
            && (!part.is_empty() || !text.contains('.'))
            && part.len() <= usize::from(DIGITS_MAX);
        if !well_formed {
            return Err(refuse());
        }
        let mantissa = format!("{whole}{part}").parse().map_err(|_| refuse())?;
        let digits = u8::try_from(part.len()).map_err(|_| refuse())?;
        Ok(Self { mantissa, digits })
    }
}

impl Decimal {
    /// How many units of ten to the power of minus `digits` this is; `None` if not a whole number of
    /// them, or beyond 64 bits.
    pub(crate) fn in_units_of_digits(self, digits: u8) -> Option<i64> {
        self.in_units_of(Self { mantissa: 1, digits })
    }

    /// How many times `unit` this is; `None` if not a whole number of times, or beyond 64 bits.
    pub(crate) fn in_units_of(self, unit: Self) -> Option<i64> {
        let dividend = i128::from(self.mantissa).checked_mul(ten_to(unit.digits)?)?;
        let divisor = i128::from(unit.mantissa).checked_mul(ten_to(self.digits)?)?;
        if divisor == 0 || dividend % divisor != 0 {
            return None;
        }
        i64::try_from(dividend / divisor).ok()
    }

    /// This times `other`, with the digits of both; `None` beyond 64 bits or 18 digits.
    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits + other.digits;
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        (digits <= 2 * DIGITS_MAX).then_some(Self { mantissa, digits })
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let size = self.mantissa.unsigned_abs();
        let places = usize::from(self.digits);
        let text = format!("{size:0width$}", width = places + 1);
        let (whole, part) = text.split_at(text.len() - places);
        if part.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{part}") }
    }
}

fn ten_to(digits: u8) -> Option<i128> {
    10i128.checked_pow(u32::from(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn text_comes_back_as_it_went() {
        for text in ["0", "1", "0.05", "-0.5", "-12.340", "9223372036854775807", "0.000000000000000001"] {
            assert_eq!(decimal(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in
            ["", ".", "1.", ".5", "1e3", "+1", "--1", "1_000", "9223372036854775808", "0.0000000000000000001"]
        {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    #[test]
    fn units_are_whole_or_refused() {
        assert_eq!(decimal("84.50").in_units_of(decimal("0.01")), Some(8450));
        assert_eq!(decimal("1").in_units_of(decimal("0.00000001")), Some(100_000_000));
        assert_eq!(decimal("0.015").in_units_of(decimal("0.01")), None);
        assert_eq!(decimal("1").in_units_of(decimal("0")), None);
        assert_eq!(
            decimal("1").times(decimal("0.00000001")).and_then(|unit| unit.in_units_of_digits(8)),
            Some(1)
        );
    }
}
