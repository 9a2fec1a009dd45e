//! The order book of one instrument.

use crate::number::Price;
use crate::terms::Side;
use crate::view::{LevelView, OrderView};
use std::marker::PhantomData;

/// The book of one instrument, to read.
#[derive(Clone, Copy)]
pub struct BookView<'a>(PhantomData<&'a ()>);

impl<'a> BookView<'a> {
    /// The levels of a side, best first.
    pub fn levels(self, _side: Side) -> impl Iterator<Item = LevelView> + 'a {
        std::iter::empty()
    }

    /// The orders of a level, in priority order: displayed by time, then hidden by time.
    pub fn orders(self, _side: Side, _price: Price) -> impl Iterator<Item = OrderView> + 'a {
        std::iter::empty()
    }
}
