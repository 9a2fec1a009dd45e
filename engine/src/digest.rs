//! Hashes that replicas compare: over events while they run, over the full state in snapshots.
//!
//! Not for secrecy: they find a machine, build or disk that computed something else. Word pairs are
//! multiplied into 128 bits and folded, each pair with keys of its own, so that the eight products of a
//! record do not wait for each other; one further fold chains the records.

use crate::event::EventRecord;

/// Odd, with random bits (the digits of pi), one for each word of a record.
const KEYS: [u64; 16] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7345,
    0xa409_3822_299f_31d1,
    0x082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377,
    0xbe54_66cf_34e9_0c6d,
    0xc0ac_29b7_c97c_50dd,
    0x3f84_d5b5_b547_0917,
    0x9216_d5d9_8979_fb1b,
    0xd131_0ba6_98df_b5ad,
    0x2ffd_72db_d01a_dfb7,
    0xb8e1_afed_6a26_7e97,
    0xba7c_9045_f12c_7f99,
    0x24a1_9947_b391_6cf7,
    0x0801_f2e2_858e_fc17,
    0x6369_20d8_7157_4e69,
];

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The hash after `record`, where `hash` was the one before it.
#[must_use]
#[inline(always)]
pub fn chain(hash: u64, record: &EventRecord) -> u64 {
    let words = record.words();
    let pair = |at: usize| fold(words[at] ^ KEYS[at], words[at + 1] ^ KEYS[at + 1]);
    // Written out: as a loop it would keep the record from living in registers.
    let (one, other) = (pair(0).wrapping_add(pair(2)), pair(4).wrapping_add(pair(6)));
    let (third, last) = (pair(8).wrapping_add(pair(10)), pair(12).wrapping_add(pair(14)));
    let sum = one.wrapping_add(other).wrapping_add(third.wrapping_add(last));
    fold(hash ^ sum, KEYS[0]).wrapping_add(sum)
}

/// The hash of any bytes.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = fold(bytes.len() as u64 ^ KEYS[0], KEYS[1]);
    for chunk in bytes.chunks(16) {
        let mut padded = [0; 16];
        padded[..chunk.len()].copy_from_slice(chunk);
        let block = u128::from_le_bytes(padded);
        hash = fold(block as u64 ^ KEYS[2] ^ hash, (block >> 64) as u64 ^ KEYS[3]).wrapping_add(hash);
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
    }

    #[test]
    fn bytes_hash_with_their_length() {
        assert_ne!(hash_bytes(&[]), hash_bytes(&[0]));
        assert_ne!(hash_bytes(&[0; 16]), hash_bytes(&[0; 17]));
    }
}
