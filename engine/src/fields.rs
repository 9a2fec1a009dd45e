//! Fields of stored state, one after the other: little-endian, fixed width, no padding.
//!
//! What is written last for years and is read by people in a hurry: so there is one way to write a field and
//! one to read it back, and reading looks at every value before it is used.

use bytemuck::{AnyBitPattern, CheckedBitPattern, NoUninit, bytes_of};

/// Appends fields to a buffer.
pub struct Writer<'a>(pub &'a mut Vec<u8>);

impl Writer<'_> {
    /// A value as its bytes.
    pub fn put<T: NoUninit>(&mut self, value: T) {
        self.0.extend_from_slice(bytes_of(&value));
    }

    /// One byte, 0 or 1.
    pub fn flag(&mut self, flag: bool) {
        self.put(u8::from(flag));
    }

    /// How many follow, in 32 bits: every count is bounded by a limit of that size.
    pub fn count(&mut self, count: usize) {
        self.put(count as u32);
    }
}

/// Bytes are not the fields that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// They end before the field does.
    Truncated {
        /// Offset of the byte that is missing.
        at: usize,
    },
    /// A value that the field never has.
    Value {
        /// Offset behind the value.
        at: usize,
        /// What it was to be.
        what: &'static str,
    },
    /// More than there may be.
    Limit {
        /// Of what.
        what: &'static str,
    },
    /// Bytes follow the last field.
    Trailing {
        /// Offset of the first of them.
        at: usize,
    },
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated { at } => write!(f, "the bytes end at {at}; take an older snapshot"),
            Self::Value { at, what } => {
                write!(f, "no valid {what} before byte {at}; take an older snapshot")
            }
            Self::Limit { what } => write!(f, "more {what} than there may be; raise that limit"),
            Self::Trailing { at } => write!(f, "bytes follow the end at byte {at}; take an older snapshot"),
        }
    }
}

impl std::error::Error for FieldError {}

/// Takes fields from bytes, which may be damaged.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their begin.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next value, whatever its bits.
    ///
    /// # Errors
    /// The bytes end before it does.
    pub fn get<T: AnyBitPattern>(&mut self) -> Result<T, FieldError> {
        Ok(bytemuck::pod_read_unaligned(self.take(size_of::<T>())?))
    }

    /// The next value, one of a type that has not all bit patterns.
    ///
    /// # Errors
    /// The bytes end, or hold none of them.
    pub fn checked<T: CheckedBitPattern>(&mut self, what: &'static str) -> Result<T, FieldError> {
        let bytes = self.take(size_of::<T>())?;
        bytemuck::checked::try_pod_read_unaligned(bytes).map_err(|_| self.wrong(what))
    }

    /// A number of a closed set, in one byte.
    ///
    /// # Errors
    /// As [`Self::checked`].
    pub fn choice<T: CheckedBitPattern + NoUninit>(&mut self, what: &'static str) -> Result<T, FieldError> {
        self.checked(what)
    }

    /// 0 or 1.
    ///
    /// # Errors
    /// The bytes end, or it is another value.
    pub fn flag(&mut self, what: &'static str) -> Result<bool, FieldError> {
        let byte: u8 = self.get()?;
        self.ensure(byte <= 1, what)?;
        Ok(byte == 1)
    }

    /// How many follow.
    ///
    /// # Errors
    /// The bytes end, or there would be more than `limit`.
    pub fn count(&mut self, limit: usize, what: &'static str) -> Result<u32, FieldError> {
        let count: u32 = self.get()?;
        if count as usize > limit { Err(FieldError::Limit { what }) } else { Ok(count) }
    }

    /// A fault of what was read last.
    #[must_use]
    pub const fn wrong(&self, what: &'static str) -> FieldError {
        FieldError::Value { at: self.at, what }
    }

    /// Goes on only where `holds`.
    ///
    /// # Errors
    /// It does not hold.
    pub fn ensure(&self, holds: bool, what: &'static str) -> Result<(), FieldError> {
        if holds { Ok(()) } else { Err(self.wrong(what)) }
    }

    /// Nothing is left.
    ///
    /// # Errors
    /// Something is.
    pub fn finish(&self) -> Result<(), FieldError> {
        if self.at < self.bytes.len() { Err(FieldError::Trailing { at: self.at }) } else { Ok(()) }
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8], FieldError> {
        let bytes = self.at.checked_add(size).and_then(|end| self.bytes.get(self.at..end));
        let bytes = bytes.ok_or(FieldError::Truncated { at: self.bytes.len() })?;
        self.at += size;
        Ok(bytes)
    }
}
