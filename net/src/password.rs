//! Session passwords: compared as salted hashes, in constant time.

use sha2::{Digest, Sha256};

/// SHA-256 of the salt and the password without surrounding spaces, in upper case (SoupBinTCP passwords
/// are case-insensitive and at most 10 characters).
#[must_use]
pub fn password_hash(salt: &[u8; 16], password: &[u8]) -> [u8; 32] {
    let upper = crate::wire::trimmed(password).to_ascii_uppercase();
    Sha256::new().chain_update(salt).chain_update(upper).finalize().into()
}

/// Whether `password` is the one that `hash` was made of. Takes the same time wherever they differ.
pub(crate) fn matches(salt: &[u8; 16], hash: &[u8; 32], password: &[u8]) -> bool {
    let found = password_hash(salt, password);
    let difference = found.iter().zip(hash).fold(0, |sum, (left, right)| sum | (left ^ right));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_padding_do_not_matter_but_the_salt_does() {
        let salt = [7; 16];
        let hash = password_hash(&salt, b"Secret");
        assert!(matches(&salt, &hash, b"  sECRET  "));
        assert!(!matches(&salt, &hash, b"secret1"));
        assert!(!matches(&[8; 16], &hash, b"secret"));
        // printf '\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7SECRET' | sha256sum
        let expected = "9cef836f7dcf5d0bf880ee2b3ea308c1774109263b9ab0fa656bb0ca81e679f9";
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}
