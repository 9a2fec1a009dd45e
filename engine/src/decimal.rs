//! Decimal text for people and doors, without floats: a price of 12,345 ticks of 0.05 is "617.25".

/// A decimal number: `mantissa` / 10^`digits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The number without its point.
    pub mantissa: i128,
    /// Digits after the point, at most [`DIGITS_MAX`].
    pub digits: u8,
}

/// Most digits after the point.
pub const DIGITS_MAX: u8 = 18;

/// Why a text is no decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Something other than digits, one point and a leading sign.
    Syntax,
    /// More than [`DIGITS_MAX`] digits after the point, or more than 30 in all.
    Size,
    /// Not a whole number of the steps asked for.
    Step,
}

impl std::fmt::Display for DecimalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a decimal number (write it like 0.05, without exponent or separators)",
            Self::Size => "too many digits (at most 18 after the point, 30 in all)",
            Self::Step => "not a whole number of its smallest step",
        })
    }
}

impl std::error::Error for DecimalError {}

impl Decimal {
    /// Reads `-12.50`, `3`, `0.00000001`. Trailing zeros count as digits.
    ///
    /// # Errors
    /// The text is no decimal number of this size.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let point_alone = body.contains('.') && fraction.is_empty();
        if whole.is_empty() || point_alone {
            return Err(DecimalError::Syntax);
        }
        if fraction.len() > usize::from(DIGITS_MAX) || whole.len() + fraction.len() > 30 {
            return Err(DecimalError::Size);
        }
        let mut mantissa = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return Err(DecimalError::Syntax);
            }
            mantissa = mantissa * 10 + i128::from(byte - b'0');
        }
        let digits = u8::try_from(fraction.len()).map_err(|_| DecimalError::Size)?;
        Ok(Self { mantissa: if negative { -mantissa } else { mantissa }, digits })
    }

    /// The same number with trailing zeros after the point taken off.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        while self.digits > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.digits -= 1;
        }
        self
    }

    /// How many steps of `step` / 10^`step_digits` the number is: a price in ticks, a quantity in lots.
    ///
    /// # Errors
    /// [`DecimalError::Step`] where it is not a whole number of them, [`DecimalError::Size`] on overflow.
    pub fn in_steps(self, step: u64, step_digits: u8) -> Result<i128, DecimalError> {
        let scale = |power: u8| 10i128.checked_pow(u32::from(power)).ok_or(DecimalError::Size);
        let number = self.mantissa.checked_mul(scale(step_digits)?).ok_or(DecimalError::Size)?;
        let divisor = i128::from(step).checked_mul(scale(self.digits)?).ok_or(DecimalError::Size)?;
        if divisor == 0 || number % divisor != 0 {
            return Err(DecimalError::Step);
        }
        Ok(number / divisor)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let magnitude = self.mantissa.unsigned_abs();
        let Some(scale) = 10u128.checked_pow(u32::from(self.digits)) else { return Err(std::fmt::Error) };
        let whole = magnitude / scale;
        if self.digits == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{:0width$}", magnitude % scale, width = usize::from(self.digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_the_same() {
        for text in ["0", "-1", "0.05", "12.50", "68000", "0.00000001", "-0.5"] {
            assert_eq!(Decimal::parse(text).map(|d| d.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "1.", ".5", "1e3", "1,000", "--1", "0x1", " 1"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Syntax), "{text}");
        }
        assert_eq!(Decimal::parse("0.0000000000000000001"), Err(DecimalError::Size));
    }

    #[test]
    fn steps_are_whole_or_refused() {
        let price = Decimal { mantissa: 61_725, digits: 2 };
        assert_eq!(price.in_steps(5, 2), Ok(12_345));
        assert_eq!(price.in_steps(1, 0), Err(DecimalError::Step));
        assert_eq!(Decimal { mantissa: 3, digits: 0 }.in_steps(1, 8), Ok(300_000_000));
    }
}
