//! One row of a menu: set properties only, raw bytes. Knows neither menus nor the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::span;

/// Set properties by name. Names that begin with an underscore are the router's own memory and never printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "BTreeMap<String, Stored>", from = "BTreeMap<String, Stored>")]
pub(super) struct Row(BTreeMap<String, Vec<u8>>);

impl Row {
    /// The raw value of a property, or `None` when it is unset.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Sets a property.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Unsets a property.
    pub(super) fn unset(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The value as text; empty when unset.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }

    /// The value as a number; 0 when unset.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// The value as seconds; 0 when unset or `none`.
    pub(super) fn seconds(&self, name: &str) -> u64 {
        span::read(&self.text(name)).unwrap_or(0)
    }

    /// True when the value is `true`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name) == Some(b"true")
    }

    /// Adds to a number.
    pub(super) fn count(&mut self, name: &str, more: u64) {
        let sum = self.number(name).saturating_add(more);
        self.put(name, sum.to_string());
    }

    /// Adds to a span.
    pub(super) fn lengthen(&mut self, name: &str, seconds: u64) {
        let sum = self.seconds(name).saturating_add(seconds);
        self.put(name, span::write(sum));
    }
}

/// A value in JSON: text where it is UTF-8, else its bytes in hex, so that nothing is lost.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Raw { hex: String },
}

impl From<Row> for BTreeMap<String, Stored> {
    fn from(row: Row) -> Self {
        let stored = |value: Vec<u8>| match String::from_utf8(value) {
            Ok(text) => Stored::Text(text),
            Err(raw) => Stored::Raw { hex: hex::encode(raw.as_bytes()) },
        };
        row.0.into_iter().map(|(name, value)| (name, stored(value))).collect()
    }
}

impl From<BTreeMap<String, Stored>> for Row {
    fn from(stored: BTreeMap<String, Stored>) -> Self {
        let value = |stored| match stored {
            Stored::Text(text) => text.into_bytes(),
            Stored::Raw { hex } => hex::decode(hex).unwrap_or_default(),
        };
        Self(stored.into_iter().map(|(name, stored)| (name, value(stored))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_latin_1_value_survives_json() {
        let mut row = Row::default();
        row.put("comment", b"caf\xE9".to_vec());
        row.put("name", "254712345678");
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(json, r#"{"comment":{"hex":"636166e9"},"name":"254712345678"}"#);
        assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row);
    }
}
