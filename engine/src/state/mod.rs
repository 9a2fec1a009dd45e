//! The full state as canonical bytes: equal histories give equal bytes.
//!
//! Handles, free lists, trees and tables are not in it: orders are written by instrument, bids then
//! asks, best level first, in priority order, and everything that refers to them is made anew. Whatever
//! a rule can observe (clocks of rate buckets, depth of ladders, numbers given) is in it.
//!
//! Little-endian, no padding: magic, version, then globals, currencies, accounts, balances, sessions,
//! instruments each with its orders. The order of the fields is that of `encode.rs`.

mod decode;
mod encode;

pub(crate) use decode::decode;
pub(crate) use encode::encode;

/// What a state begins with.
const MAGIC: [u8; 8] = *b"RTNDSTAT";
/// Version of the bytes; `MAGIC` and this come first in every version.
const VERSION: u32 = 1;

/// The bytes are no state that this engine can take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// They end before the state does.
    Truncated {
        /// Offset of the byte that is missing.
        at: usize,
    },
    /// They do not begin as a state does.
    Magic,
    /// They are of a version that this engine does not read.
    Version {
        /// The version found.
        found: u32,
    },
    /// A value that no state has.
    Value {
        /// Offset behind the value.
        at: usize,
        /// What it was to be.
        what: &'static str,
    },
    /// They hold more than this engine is configured for.
    Limit {
        /// Which limit.
        what: &'static str,
    },
    /// Bytes follow the end of the state.
    Trailing {
        /// Offset of the first of them.
        at: usize,
    },
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated { at } => write!(f, "the state ends at byte {at}; take an older snapshot"),
            Self::Magic => write!(f, "these bytes are no engine state; take another file"),
            Self::Version { found } => {
                write!(f, "engine state of version {found} is unknown here; use the release that wrote it")
            }
            Self::Value { at, what } => {
                write!(f, "no valid {what} in the state before byte {at}; take an older snapshot")
            }
            Self::Limit { what } => {
                write!(f, "the state holds more {what} than configured; raise that limit")
            }
            Self::Trailing { at } => write!(f, "bytes follow the state's end at byte {at}"),
        }
    }
}

impl std::error::Error for StateError {}

impl From<crate::fields::FieldError> for StateError {
    fn from(error: crate::fields::FieldError) -> Self {
        use crate::fields::FieldError;
        match error {
            FieldError::Truncated { at } => Self::Truncated { at },
            FieldError::Value { at, what } => Self::Value { at, what },
            FieldError::Limit { what } => Self::Limit { what },
            FieldError::Trailing { at } => Self::Trailing { at },
        }
    }
}
