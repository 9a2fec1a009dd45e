//! Symbols as OUCH and ITCH carry them.

/// The symbol padded with spaces; `None` if it has not 1 to 8 ASCII characters.
pub(crate) fn padded(symbol: &str) -> Option<[u8; 8]> {
    let mut padded = [b' '; 8];
    let fits = (1..=8).contains(&symbol.len()) && symbol.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| {
        padded[..symbol.len()].copy_from_slice(symbol.as_bytes());
        padded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_padded_or_refused() {
        assert_eq!(padded("RAIN"), Some(*b"RAIN    "));
        assert_eq!(padded("TOOLONGER"), None);
        assert_eq!(padded(""), None);
        assert_eq!(padded("A B"), None);
    }
}
