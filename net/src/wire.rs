//! Fixed layouts of big-endian fields: what OUCH and ITCH messages are made of.
//!
//! [`message!`] turns a table of offsets, names and types, as the specifications print them, into a
//! struct with `encode` and `decode`. That the offsets follow one another and end at the stated length
//! is checked when the crate is compiled.

/// A field of a message.
pub(crate) trait Field: Sized {
    /// Bytes on the wire.
    const SIZE: usize;
    /// Reads the first `SIZE` bytes.
    fn get(bytes: &[u8]) -> Self;
    /// Writes the first `SIZE` bytes.
    fn put(self, bytes: &mut [u8]);
}

macro_rules! big_endian {
    ($($number:ty),*) => {$(
        impl Field for $number {
            const SIZE: usize = size_of::<$number>();

            fn get(bytes: &[u8]) -> Self {
                let mut field = [0; size_of::<$number>()];
                field.copy_from_slice(&bytes[..Self::SIZE]);
                <$number>::from_be_bytes(field)
            }

            fn put(self, bytes: &mut [u8]) {
                bytes[..Self::SIZE].copy_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}

big_endian!(u8, u16, u32, u64, i32);

impl<const N: usize> Field for [u8; N] {
    const SIZE: usize = N;

    fn get(bytes: &[u8]) -> Self {
        let mut field = [0; N];
        field.copy_from_slice(&bytes[..N]);
        field
    }

    fn put(self, bytes: &mut [u8]) {
        bytes[..N].copy_from_slice(&self);
    }
}

/// Nanoseconds since midnight in 48 bits, as ITCH writes them. Higher bits are cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanoseconds48(pub u64);

impl Field for Nanoseconds48 {
    const SIZE: usize = 6;

    fn get(bytes: &[u8]) -> Self {
        let mut field = [0; 8];
        field[2..].copy_from_slice(&bytes[..6]);
        Self(u64::from_be_bytes(field))
    }

    fn put(self, bytes: &mut [u8]) {
        bytes[..6].copy_from_slice(&self.0.to_be_bytes()[2..]);
    }
}

/// `text` left-justified and padded with spaces; what does not fit is cut off.
#[must_use]
pub fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut field = [b' '; N];
    let length = text.len().min(N);
    field[..length].copy_from_slice(&text[..length]);
    field
}

/// `field` without the spaces around it.
#[must_use]
pub fn trimmed(field: &[u8]) -> &[u8] {
    let start = field.iter().position(|&byte| byte != b' ').unwrap_or(field.len());
    let end = field.iter().rposition(|&byte| byte != b' ').map_or(start, |last| last + 1);
    &field[start..end]
}

macro_rules! message {
    ($(#[$doc:meta])* $name:ident = $tag:literal, $size:literal {
        $($offset:literal $field:ident : $type:ty = $field_doc:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = $field_doc] pub $field: $type,)*
        }

        impl $name {
            /// The type byte that it begins with.
            pub const TYPE: u8 = $tag;
            /// Its length in bytes, the type byte included, an appendage not.
            pub const SIZE: usize = $size;

            /// Its bytes.
            #[must_use]
            #[inline]
            pub fn to_bytes(&self) -> [u8; $size] {
                let mut bytes = [0; $size];
                bytes[0] = Self::TYPE;
                $(crate::wire::Field::put(self.$field, &mut bytes[$offset..]);)*
                bytes
            }

            /// Appends its bytes.
            #[inline]
            pub fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_bytes());
            }

            /// Reads it from bytes of its length whose first is its type.
            #[inline]
            fn read(bytes: &[u8; $size]) -> Self {
                let _ = bytes;
                Self { $($field: <$type as crate::wire::Field>::get(&bytes[$offset..]),)* }
            }
        }

        const _: () = {
            let end = 1;
            $(
                assert!(end == $offset);
                let end = $offset + <$type as crate::wire::Field>::SIZE;
            )*
            assert!(end == $size);
        };
    };
}
pub(crate) use message;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_six_bytes() {
        let mut bytes = [0; 6];
        Nanoseconds48(0x0102_0304_0506).put(&mut bytes);
        assert_eq!(bytes, [1, 2, 3, 4, 5, 6]);
        assert_eq!(Nanoseconds48::get(&bytes), Nanoseconds48(0x0102_0304_0506));
    }

    #[test]
    fn padding_is_trimmed_on_both_sides() {
        assert_eq!(trimmed(b"  ab c "), b"ab c");
        assert_eq!(trimmed(b"    "), b"");
        assert_eq!(padded::<4>(b"ab"), *b"ab  ");
        assert_eq!(padded::<1>(b"ab"), *b"a");
    }
}
