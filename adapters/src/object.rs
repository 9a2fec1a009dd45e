//! One JSON object on one line, written field by field.

use std::fmt::{Arguments, Debug, Display, Write as _};

/// Writes the fields of an object to the end of a text.
pub(crate) struct Object<'a> {
    line: &'a mut String,
    begun: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn begin(line: &'a mut String) -> Self {
        line.push('{');
        Self { line, begun: false }
    }

    pub(crate) fn end(self) {
        self.line.push_str("}\n");
    }

    fn key(&mut self, name: &str) {
        if self.begun {
            self.line.push(',');
        }
        self.begun = true;
        self.line.push('"');
        self.line.push_str(name);
        self.line.push_str("\":");
    }

    fn raw(&mut self, arguments: Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.line.write_fmt(arguments);
    }

    pub(crate) fn number(&mut self, name: &str, value: impl Display) {
        self.key(name);
        self.raw(format_args!("{value}"));
    }

    /// The name of a closed set's member.
    pub(crate) fn name(&mut self, name: &str, value: impl Debug) {
        self.key(name);
        self.raw(format_args!("\"{value:?}\""));
    }

    /// A number as text, so that no reader rounds it.
    pub(crate) fn decimal(&mut self, name: &str, value: Option<impl Display>) {
        self.key(name);
        match value {
            Some(value) => self.raw(format_args!("\"{value}\"")),
            None => self.line.push_str("null"),
        }
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.key(name);
        self.line.push_str(if value { "true" } else { "false" });
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.line.push('"');
        for character in value.chars() {
            match character {
                '"' | '\\' => {
                    self.line.push('\\');
                    self.line.push(character);
                }
                ' '..='~' => self.line.push(character),
                other => self.raw(format_args!("\\u{:04x}", u32::from(other).min(0xFFFD))),
            }
        }
        self.line.push('"');
    }

    pub(crate) fn names(&mut self, name: &str, values: impl Iterator<Item = &'static str>) {
        self.key(name);
        self.line.push('[');
        for (place, value) in values.enumerate() {
            self.raw(format_args!("{}\"{value}\"", if place == 0 { "" } else { "," }));
        }
        self.line.push(']');
    }
}
