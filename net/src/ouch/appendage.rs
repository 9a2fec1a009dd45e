//! The optional appendage: elements of a length byte (which counts tag and value), a tag and a value.

use crate::wire::Field;

/// The elements of a message as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appendage<'a>(pub &'a [u8]);

/// Bytes in an appendage that are no element this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendageError {
    /// A tag that Appendix B does not name.
    UnknownTag(u8),
    /// The length does not fit the tag, or runs past the end.
    Length {
        /// Tag of the element, 0 where it has none.
        tag: u8,
        /// The length that was stated.
        length: u8,
    },
}

impl std::fmt::Display for AppendageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownTag(tag) => write!(f, "option tag {tag} is none of OUCH 5.0"),
            Self::Length { tag, length } => write!(f, "option tag {tag}: length {length} does not fit"),
        }
    }
}

impl std::error::Error for AppendageError {}

macro_rules! elements {
    ($($tag:literal $name:ident($type:ty) $doc:literal,)*) => {
        /// One option of an order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Element {
            $(#[doc = $doc] $name($type),)*
        }

        impl Element {
            /// Its tag in Appendix B.
            #[must_use]
            pub const fn tag(&self) -> u8 {
                match self {
                    $(Self::$name(_) => $tag,)*
                }
            }

            /// Its bytes on the wire, length and tag included.
            #[must_use]
            pub const fn size(&self) -> usize {
                2 + match self {
                    $(Self::$name(_) => <$type as Field>::SIZE,)*
                }
            }

            /// Appends it.
            pub fn encode(&self, out: &mut Vec<u8>) {
                match *self {
                    $(Self::$name(value) => {
                        const SIZE: usize = <$type as Field>::SIZE;
                        let mut bytes = [0; SIZE + 2];
                        bytes[0] = SIZE as u8 + 1;
                        bytes[1] = $tag;
                        value.put(&mut bytes[2..]);
                        out.extend_from_slice(&bytes);
                    })*
                }
            }

            fn read(tag: u8, value: &[u8]) -> Result<Self, AppendageError> {
                let wrong = AppendageError::Length { tag, length: value.len() as u8 + 1 };
                match tag {
                    $($tag if value.len() == <$type as Field>::SIZE => Ok(Self::$name(Field::get(value))),)*
                    $($tag => Err(wrong),)*
                    unknown => Err(AppendageError::UnknownTag(unknown)),
                }
            }
        }
    };
}

elements! {
    1 SecondaryOrderReference(u64) "Order reference used in market data; outbound.",
    2 Firm([u8; 4]) "Firm that the order is entered for.",
    3 MinQuantity(u32) "Least quantity that an immediate order must get.",
    4 CustomerType(u8) "`R` retail, `N` not.",
    5 MaxFloor(u32) "Displayed part of the order.",
    6 PriceType(u8) "`L` limit, `R` primary peg, `M` midpoint peg, others not here.",
    7 PegOffset(i32) "Offset of a peg, four decimals.",
    9 DiscretionPrice(u64) "Discretion price, four decimals.",
    10 DiscretionPriceType(u8) "As `PriceType`.",
    11 DiscretionPegOffset(i32) "Offset of a discretionary peg, four decimals.",
    12 PostOnly(u8) "`P` post-only, `N` not.",
    13 RandomReserves(u32) "Random part of a reserve.",
    14 Route([u8; 4]) "Where to route.",
    15 ExpireTime(u32) "Seconds to live, below 86,400.",
    16 TradeNow(u8) "`Y` or `N`.",
    17 HandleInstruction(u8) "Handling instruction of auctions.",
    18 BboWeight(u8) "Weight of the touch; outbound.",
    22 DisplayQuantity(u32) "New displayed quantity; outbound, in `R`.",
    23 DisplayPrice(u64) "New displayed price, four decimals; outbound, in `R`.",
    24 GroupId(u16) "Group within the firm.",
    25 SharesLocated(u8) "`Y` or `N`.",
}

impl<'a> Appendage<'a> {
    /// The elements in order. After an error there are no more.
    pub fn elements(self) -> impl Iterator<Item = Result<Element, AppendageError>> + 'a {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&length, after) = rest.split_first()?;
            rest = &[];
            let Some((body, next)) = after.split_at_checked(usize::from(length)) else {
                return Some(Err(AppendageError::Length {
                    tag: after.first().copied().unwrap_or(0),
                    length,
                }));
            };
            let Some((&tag, value)) = body.split_first() else {
                return Some(Err(AppendageError::Length { tag: 0, length }));
            };
            let element = Element::read(tag, value);
            if element.is_ok() {
                rest = next;
            }
            Some(element)
        })
    }
}

/// Appends the length of the appendage and its elements.
pub(super) fn encode(elements: &[Element], out: &mut Vec<u8>) {
    let length: usize = elements.iter().map(Element::size).sum();
    out.extend_from_slice(&(length as u16).to_be_bytes());
    for element in elements {
        element.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<Element, AppendageError>> {
        Appendage(bytes).elements().collect()
    }

    #[test]
    fn elements_have_the_bytes_of_the_table() {
        let elements =
            [Element::MinQuantity(300), Element::PostOnly(b'P'), Element::PegOffset(-2), Element::GroupId(7)];
        let mut out = Vec::new();
        encode(&elements, &mut out);
        let bytes = [
            0, 19, // length of the appendage
            5, 3, 0, 0, 1, 44, // MinQty
            2, 12, b'P', // PostOnly
            5, 7, 0xFF, 0xFF, 0xFF, 0xFE, // PegOffset
            3, 24, 0, 7, // GroupID
        ];
        assert_eq!(out, bytes);
        assert_eq!(read(&bytes[2..]), elements.map(Ok));
    }

    #[test]
    fn what_is_no_element_ends_the_list() {
        let good = Ok(Element::PostOnly(b'N'));
        assert_eq!(read(&[2, 12, b'N', 2, 8, 0]), [good, Err(AppendageError::UnknownTag(8))]);
        assert_eq!(read(&[3, 12, b'N', 0, 9]), [Err(AppendageError::Length { tag: 12, length: 3 })]);
        assert_eq!(read(&[9, 12, b'N']), [Err(AppendageError::Length { tag: 12, length: 9 })]);
        assert_eq!(read(&[0, 1]), [Err(AppendageError::Length { tag: 0, length: 0 })]);
        assert_eq!(read(&[4]), [Err(AppendageError::Length { tag: 0, length: 4 })]);
    }
}
