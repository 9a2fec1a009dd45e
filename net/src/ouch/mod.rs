//! OUCH 5.0: the messages, byte by byte. What they mean at this venue is `docs/protocols.md`.
//!
//! Prices are unsigned with four decimals, times nanoseconds since midnight, text left-justified and
//! padded with spaces. Fields that are one letter are kept as that letter: what a letter means, and
//! whether the venue takes it, the doors decide.

pub mod appendage;
pub mod inbound;
pub mod outbound;

/// The price that marks a market order: 214,748.3647, and nothing else.
pub const MARKET_PRICE: u64 = 0x7FFF_FFFF;

/// Bytes that are no message of OUCH 5.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OuchError {
    /// No bytes at all.
    Empty,
    /// No such message type in this direction.
    UnknownType(u8),
    /// The length does not fit the type, or the appendage's stated length.
    Length {
        /// Type byte.
        message: u8,
        /// Bytes that it should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// A client order id with a character that is not printable ASCII.
    ClientOrderId,
}

impl std::fmt::Display for OuchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => write!(f, "empty message"),
            Self::UnknownType(byte) => write!(f, "message type 0x{byte:02X} is none of OUCH 5.0 this way"),
            Self::Length { message, expected, found } => {
                write!(f, "message {}: {found} bytes, expected {expected}", char::from(*message))
            }
            Self::ClientOrderId => write!(f, "ClOrdID: printable ASCII padded with spaces expected"),
        }
    }
}

impl std::error::Error for OuchError {}

/// The first `N` bytes and the appendage after them, whose stated length must be that of the rest.
fn split_appendage<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], appendage::Appendage<'_>), OuchError> {
    let wrong = |expected| OuchError::Length { message: bytes[0], expected, found: bytes.len() };
    let Some((fixed, rest)) = bytes.split_first_chunk::<N>() else { return Err(wrong(N + 2)) };
    let Some((length, elements)) = rest.split_first_chunk::<2>() else { return Err(wrong(N + 2)) };
    let length = usize::from(u16::from_be_bytes(*length));
    if elements.len() != length {
        return Err(wrong(N + 2 + length));
    }
    Ok((fixed, appendage::Appendage(elements)))
}

/// All of `bytes`, which must be `N` long.
fn whole<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], OuchError> {
    let found = bytes.len();
    bytes.try_into().map_err(|_| OuchError::Length { message: bytes[0], expected: N, found })
}
