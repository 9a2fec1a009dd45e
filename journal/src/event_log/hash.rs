//! The running hash that chains the events of a log.

/// Odd, with well-spread bits: the golden ratio in 64 bits.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash over all events since the log began: equal at an address in two logs if, but for chance, every
/// event up to it is equal. It does not depend on where blocks or files are cut.
///
/// For each event the mask of its words that are not zero, then those words, are folded in by
/// `h = (rotate_left(h, 29) ^ word) * 0x9E3779B97F4A7C15`, starting at 0. Not meant against an attacker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningHash(pub u64);

impl RunningHash {
    /// The hash after the event with these words.
    #[must_use]
    pub fn fold(self, words: &[u64; 16]) -> Self {
        let step = |hash: u64, word: u64| (hash.rotate_left(29) ^ word).wrapping_mul(MULTIPLIER);
        let mut mask = 0;
        for (index, &word) in words.iter().enumerate() {
            mask |= u64::from(word != 0) << index;
        }
        Self(words.iter().filter(|&&word| word != 0).fold(step(self.0, mask), |hash, &word| step(hash, word)))
    }
}
