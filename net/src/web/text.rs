//! Numbers and strings as JSON has them, appended to a text.

/// Longest decimal: 39 digits of an i128, point, sign and leading zeros.
const DECIMAL_BYTES_MAX: usize = 300;

/// Appends `mantissa` / 10^`digits`, with all its digits.
pub(crate) fn decimal(out: &mut String, mantissa: i128, digits: u8) {
    let mut bytes = [b'0'; DECIMAL_BYTES_MAX];
    let digits = usize::from(digits);
    let mut at = DECIMAL_BYTES_MAX;
    let mut written = 0;
    let mut put = |byte: u8| {
        if digits > 0 && written == digits {
            at -= 1;
            bytes[at] = b'.';
        }
        at -= 1;
        bytes[at] = byte;
        written += 1;
    };
    let mut wide = mantissa.unsigned_abs();
    while wide > u128::from(u64::MAX) {
        put(b'0' + (wide % 10) as u8);
        wide /= 10;
    }
    let mut narrow = wide as u64;
    while narrow > 0 {
        put(b'0' + (narrow % 10) as u8);
        narrow /= 10;
    }
    while written <= digits {
        if digits > 0 && written == digits {
            at -= 1;
            bytes[at] = b'.';
        }
        at -= 1;
        bytes[at] = b'0';
        written += 1;
    }
    if mantissa < 0 {
        at -= 1;
        bytes[at] = b'-';
    }
    out.push_str(std::str::from_utf8(&bytes[at..]).unwrap_or("0"));
}

/// Appends a whole number.
pub(crate) fn number(out: &mut String, number: u64) {
    decimal(out, i128::from(number), 0);
}

/// Appends a string in quotes, escaped.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                out.push_str("\\u00");
                out.push(if character < '\u{10}' { '0' } else { '1' });
                out.push(char::from_digit(u32::from(character) % 16, 16).unwrap_or('0'));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::decimal::Decimal;

    #[test]
    fn numbers_are_those_of_the_engine() {
        let mantissas = [
            0,
            1,
            -1,
            5,
            10,
            -100,
            68_000,
            i128::from(u64::MAX),
            i128::from(u64::MAX) + 1,
            i128::MIN,
            i128::MAX,
        ];
        for mantissa in mantissas {
            for digits in [0, 1, 2, 8, 18] {
                let mut out = String::new();
                decimal(&mut out, mantissa, digits);
                assert_eq!(out, Decimal { mantissa, digits }.to_string());
            }
        }
    }

    #[test]
    fn strings_are_escaped() {
        let mut out = String::new();
        string(&mut out, "a\"b\\c\n\u{1f}é");
        assert_eq!(out, "\"a\\\"b\\\\c\\u000a\\u001fé\"");
    }
}
