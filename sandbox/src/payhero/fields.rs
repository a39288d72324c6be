//! Reading the fields of a request body as strictly as PayHero documents them; a fault is a sentence for its 400 answer.

use serde_json::{Map, Value};

/// A request body.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// A JSON object, or a sentence saying that it is none.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err("request body must be a JSON object".to_owned()),
            Err(fault) => Err(format!("invalid request body: {fault}")),
        }
    }

    /// A string, or nothing where the field is absent or null.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{name} must be a string")),
        }
    }

    /// A string that must be there and not be empty.
    pub(crate) fn required_text(&self, name: &str) -> Result<&str, String> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| format!("{name} is required"))
    }

    /// A whole number, not a string of digits; nothing where the field is absent or null.
    pub(crate) fn whole(&self, name: &str) -> Result<Option<i64>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| format!("{name} must be a whole number")),
        }
    }

    /// A whole number that must be there.
    pub(crate) fn required_whole(&self, name: &str) -> Result<i64, String> {
        self.whole(name)?.ok_or_else(|| format!("{name} is required"))
    }

    /// True only if the field is `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// The merchant's reference for counting requests, even of a body that is otherwise refused.
    pub(crate) fn external_reference(&self) -> String {
        self.text("external_reference").ok().flatten().unwrap_or_default().to_owned()
    }
}
