//! The packed form of a command or an event: how the journal and the event log store sixteen words.
//!
//! A `u16` presence mask, little-endian: bit `i` says that word `i` is not zero and follows. Then those
//! words in order, little-endian. Each sixteen words have exactly one packed form (a word that is present
//! and zero is refused), so that equal records are equal bytes and a checksum over them means something.

/// Words of a command slot or an event record.
const WORDS: usize = 16;
/// Bytes of the presence mask.
const MASK_SIZE: usize = 2;
/// Bytes of a word.
const WORD_SIZE: usize = 8;

/// Largest packed form, in bytes: the mask and all sixteen words.
pub const PACKED_SIZE_MAX: usize = MASK_SIZE + WORDS * WORD_SIZE;

/// The bytes are no packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedError {
    /// The bytes end before the words that the mask announces.
    Truncated {
        /// Bytes that the form takes, as far as it could be read.
        needed: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// A word that the mask announces is zero: not the one form that these words have.
    ZeroWord {
        /// Which word, from 0.
        word: usize,
    },
}

impl std::fmt::Display for PackedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated { needed, found } => {
                write!(f, "a packed record of {needed} bytes ends after {found}: the file was cut here")
            }
            Self::ZeroWord { word } => {
                write!(
                    f,
                    "word {word} of a packed record is present and zero: the bytes were not written by us"
                )
            }
        }
    }
}

impl std::error::Error for PackedError {}

/// Appends the packed form of `words` to `out`: at most [`PACKED_SIZE_MAX`] bytes, so that a buffer with
/// that much room is not reallocated.
pub fn encode(words: &[u64; WORDS], out: &mut Vec<u8>) {
    let mut buffer = [0; PACKED_SIZE_MAX];
    let mut mask = 0u16;
    let mut size = MASK_SIZE;
    for (index, &word) in words.iter().enumerate() {
        if word != 0 {
            mask |= 1 << index;
            buffer[size..size + WORD_SIZE].copy_from_slice(&word.to_le_bytes());
            size += WORD_SIZE;
        }
    }
    buffer[..MASK_SIZE].copy_from_slice(&mask.to_le_bytes());
    out.extend_from_slice(&buffer[..size]);
}

/// The words that `bytes` begin with, and how many bytes they took.
///
/// # Errors
/// The bytes end too early, or are not the one form that these words have.
pub fn decode(bytes: &[u8]) -> Result<([u64; WORDS], usize), PackedError> {
    let truncated = |needed| PackedError::Truncated { needed, found: bytes.len() };
    let (mask, rest) = bytes.split_first_chunk::<MASK_SIZE>().ok_or(truncated(MASK_SIZE))?;
    let mask = u16::from_le_bytes(*mask);
    let size = MASK_SIZE + mask.count_ones() as usize * WORD_SIZE;
    let (mut present, _) =
        rest.split_at_checked(size - MASK_SIZE).ok_or(truncated(size))?.0.as_chunks::<WORD_SIZE>();
    let mut words = [0; WORDS];
    for (index, word) in words.iter_mut().enumerate() {
        if mask & (1 << index) == 0 {
            continue;
        }
        if let Some((first, others)) = present.split_first() {
            *word = u64::from_le_bytes(*first);
            present = others;
        }
        if *word == 0 {
            return Err(PackedError::ZeroWord { word: index });
        }
    }
    Ok((words, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{CommandKind, CommandSlot, OrderCommand};
    use crate::number::{AccountId, InstrumentId, Price, Quantity, SessionId, Text, Timestamp, UserRef};
    use proptest::prelude::*;

    fn packed(words: &[u64; WORDS]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(words, &mut bytes);
        bytes
    }

    #[test]
    fn a_plain_order_takes_at_most_64_bytes() {
        let mut order = OrderCommand::blank(CommandKind::Enter, Timestamp(1_800_000_000_000_000_000));
        order.instrument = InstrumentId(1);
        order.account = AccountId(7);
        order.session = SessionId(3);
        order.user_ref = UserRef(99);
        order.price = Price(64_000);
        order.quantity = Quantity(100);
        order.firm = Text::new("FIRM").unwrap_or_default();
        order.door = 1;
        order.revision = 1;
        let size = packed(CommandSlot::new(&order).words()).len();
        assert!(size <= 64, "{size} bytes");
    }

    #[test]
    fn the_bytes_are_those_of_the_page() {
        let mut words = [0; WORDS];
        words[0] = 0x0102;
        words[9] = u64::MAX;
        let mut expected = vec![0x01, 0x02, 0x02, 0x01, 0, 0, 0, 0, 0, 0];
        expected.extend([0xFF; 8]);
        assert_eq!(packed(&words), expected);
        assert_eq!(packed(&[0; WORDS]), [0, 0]);
        assert_eq!(packed(&[1; WORDS]).len(), PACKED_SIZE_MAX);
    }

    #[test]
    fn cut_and_second_forms_are_refused() {
        assert_eq!(decode(&[1]), Err(PackedError::Truncated { needed: 2, found: 1 }));
        assert_eq!(decode(&[3, 0, 1]), Err(PackedError::Truncated { needed: 18, found: 3 }));
        let zero = [4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(decode(&zero), Err(PackedError::ZeroWord { word: 2 }));
    }

    proptest! {
        #[test]
        fn words_survive(words in proptest::array::uniform16(prop_oneof![Just(0u64), any::<u64>()]),
                         tail in proptest::collection::vec(any::<u8>(), 0..9)) {
            let mut bytes = packed(&words);
            let size = bytes.len();
            bytes.extend(tail);
            prop_assert_eq!(decode(&bytes), Ok((words, size)));
            for cut in 0..size {
                prop_assert!(decode(&bytes[..cut]).is_err());
            }
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..140)) {
            if let Ok((words, size)) = decode(&bytes) {
                prop_assert_eq!(packed(&words), &bytes[..size]);
            }
        }
    }
}
