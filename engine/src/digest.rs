//! Hashes that replicas compare: over events while they run, over the full state in snapshots.
//!
//! Not for secrecy: they find a machine, build or disk that computed something else. The sixteen words
//! of a record are rotated into four lanes, so that equal changes in two words do not meet; two products
//! of 128 bits are folded over the lanes and one more chains the records. A product for each pair of
//! words would be stronger against nobody in particular, and was measured to cost a quarter of the matcher.

use crate::event::EventRecord;

/// Random bits: the digits of pi.
const KEYS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89];

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The hash after `record`, where `hash` was the one before it.
#[must_use]
#[inline(always)]
pub fn chain(hash: u64, record: &EventRecord) -> u64 {
    let w = record.words();
    // Written out: as a loop it would keep the record from living in registers.
    let lane = |at: usize| {
        let left = w[at].wrapping_add(w[at + 4].rotate_left(13));
        left ^ w[at + 8].rotate_left(29).wrapping_add(w[at + 12].rotate_left(47))
    };
    let even = fold(lane(0) ^ KEYS[0], lane(1) ^ KEYS[1]);
    let odd = fold(lane(2) ^ KEYS[2], lane(3) ^ KEYS[3]);
    let sum = even.wrapping_add(odd);
    fold(hash ^ sum, KEYS[0]).wrapping_add(sum)
}

/// The hash of any bytes.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = fold(bytes.len() as u64 ^ KEYS[0], KEYS[1]);
    for chunk in bytes.chunks(16) {
        let mut padded = [0; 16];
        padded[..chunk.len()].copy_from_slice(chunk);
        let [left, right]: [u64; 2] = bytemuck::cast(padded);
        hash = fold(left ^ KEYS[2] ^ hash, right ^ KEYS[3]).wrapping_add(hash);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_the_order_of_records_count() {
        let plain = EventRecord::from_words([7; 16]);
        let base = chain(chain(0, &plain), &EventRecord::EMPTY);
        assert_ne!(base, chain(chain(0, &EventRecord::EMPTY), &plain));
        for word in 0..16 {
            let mut words = [7; 16];
            words[word] ^= 1 << (word * 4);
            assert_ne!(chain(0, &plain), chain(0, &EventRecord::from_words(words)), "word {word}");
        }
        for (one, other) in (0..16).flat_map(|one| (0..one).map(move |other| (one, other))) {
            let mut words: [u64; 16] = std::array::from_fn(|at| at as u64 * 1000);
            let before = chain(0, &EventRecord::from_words(words));
            words.swap(one, other);
            assert_ne!(before, chain(0, &EventRecord::from_words(words)), "swapped {one} and {other}");
        }
    }

    #[test]
    fn bytes_hash_with_their_length() {
        assert_ne!(hash_bytes(&[]), hash_bytes(&[0]));
        assert_ne!(hash_bytes(&[0; 16]), hash_bytes(&[0; 17]));
    }
}
