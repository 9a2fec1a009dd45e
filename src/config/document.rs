//! TOML text with its places: the reader's file laid over the defaults, and where in it a key stands.

use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

/// A fault in a configuration text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Line in the text, from 1; `None` where the text leaves the key out.
    pub(crate) line: Option<usize>,
    /// The key, as `table.key` or `table.list[0].key`; empty for the text as a whole.
    pub(crate) key: String,
    /// What is wrong, and what to write instead.
    pub(crate) message: String,
}

/// Reads `text` laid over `defaults`: tables key by key, everything else whole.
///
/// # Errors
/// `text` is no TOML, has an unknown key, or a value of a wrong type. `defaults` is taken to be right.
pub(crate) fn read_over<T: DeserializeOwned>(defaults: &str, text: &str) -> Result<T, Fault> {
    let parsed = parse(text)?;
    let mut merged = parse(defaults)?;
    overlay(merged.get_mut(), parsed.clone().into_inner());
    T::deserialize(Deserializer::from(merged)).map_err(|error| Fault {
        line: error.span().map(|span| line_at(text, span.start)),
        key: error.span().map(|span| key_at(parsed.get_ref(), &span)).unwrap_or_default(),
        message: error.message().to_owned(),
    })
}

/// The line on which `text` sets `key`, or begins the list entry that leaves it out.
pub(crate) fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut entry = None;
    let mut found = None;
    for name in key.split('.') {
        let (name, index) = split_index(name);
        let Some((key, value)) = table.and_then(|table| table.get_key_value(name)) else { return entry };
        found = Some(line_at(text, key.span().start));
        let mut value = value;
        if let Some(index) = index {
            value = value.get_ref().as_array()?.get(index)?;
            entry = Some(line_at(text, value.span().start));
            found = entry;
        }
        table = value.get_ref().as_table();
    }
    found
}

fn split_index(name: &str) -> (&str, Option<usize>) {
    match name.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse().ok()),
        None => (name, None),
    }
}

fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, Fault> {
    DeTable::parse(text).map_err(|error| Fault {
        line: error.span().map(|span| line_at(text, span.start)),
        key: String::new(),
        message: error.message().to_owned(),
    })
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

fn overlay<'a>(base: &mut DeTable<'a>, over: DeTable<'a>) {
    for (key, value) in over {
        if let Some(DeValue::Table(inner)) = base.get_mut::<str>(key.get_ref()).map(Spanned::get_mut)
            && value.get_ref().is_table()
        {
            if let DeValue::Table(value) = value.into_inner() {
                overlay(inner, value);
            }
            continue;
        }
        // The key goes too: an error is to point into the reader's text.
        base.remove::<str>(key.get_ref());
        base.insert(key, value);
    }
}

/// The innermost key whose name or value covers `span`.
fn key_at(table: &DeTable<'_>, span: &Range<usize>) -> String {
    for (key, value) in table {
        let name = key.get_ref();
        let inner = match value.get_ref() {
            DeValue::Table(inner) => key_at(inner, span),
            DeValue::Array(items) => index_at(items, span),
            _ => String::new(),
        };
        if !inner.is_empty() {
            let point = if inner.starts_with('[') { "" } else { "." };
            return format!("{name}{point}{inner}");
        }
        if covers(&key.span(), span) || covers(&value.span(), span) {
            return name.to_string();
        }
    }
    String::new()
}

fn index_at(items: &DeArray<'_>, span: &Range<usize>) -> String {
    for (index, item) in items.iter().enumerate() {
        let inner = match item.get_ref() {
            DeValue::Table(inner) => key_at(inner, span),
            _ => String::new(),
        };
        if !inner.is_empty() {
            return format!("[{index}].{inner}");
        }
        if covers(&item.span(), span) {
            return format!("[{index}]");
        }
    }
    String::new()
}

fn covers(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.start < outer.end
}
