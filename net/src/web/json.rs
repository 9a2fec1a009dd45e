//! A small writer of JSON objects: fields in order, commas where they belong.

use super::text;
use super::views::Terms;
use engine::number::{Price, Quantity};

/// An object that is being written.
pub(crate) struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn new(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    /// Begins a field; its value is written by the caller.
    pub(crate) fn field(&mut self, name: &str) -> &mut String {
        self.out.push_str(if self.is_empty { "\"" } else { ",\"" });
        self.is_empty = false;
        self.out.push_str(name);
        self.out.push_str("\":");
        self.out
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) -> &mut Self {
        text::number(self.field(name), value);
        self
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.field(name).push_str(if value { "true" } else { "false" });
        self
    }

    pub(crate) fn string(&mut self, name: &str, value: &str) -> &mut Self {
        text::string(self.field(name), value);
        self
    }

    /// JSON that is text already.
    pub(crate) fn raw(&mut self, name: &str, value: &str) -> &mut Self {
        self.field(name).push_str(value);
        self
    }

    pub(crate) fn price(&mut self, name: &str, terms: &Terms, price: Price) -> &mut Self {
        self.quoted(name, |out| terms.price(out, price))
    }

    pub(crate) fn quantity(&mut self, name: &str, terms: &Terms, quantity: Quantity) -> &mut Self {
        self.quoted(name, |out| terms.quantity(out, quantity))
    }

    pub(crate) fn volume(&mut self, name: &str, terms: &Terms, lots: u128) -> &mut Self {
        self.quoted(name, |out| terms.volume(out, lots))
    }

    pub(crate) fn notional(&mut self, name: &str, terms: &Terms, notional: i128) -> &mut Self {
        self.quoted(name, |out| terms.notional(out, notional))
    }

    /// A decimal in quotes.
    pub(crate) fn decimal(&mut self, name: &str, mantissa: i128, digits: u8) -> &mut Self {
        self.quoted(name, |out| text::decimal(out, mantissa, digits))
    }

    fn quoted(&mut self, name: &str, write: impl FnOnce(&mut String)) -> &mut Self {
        let out = self.field(name);
        out.push('"');
        write(out);
        out.push('"');
        self
    }

    pub(crate) fn end(&mut self) {
        self.out.push('}');
    }
}

/// Appends `items` as an array.
pub(crate) fn array<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}
