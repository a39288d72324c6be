//! Reads a JSON object of PayHero field by field and keeps numbers as the text on the wire,
//! so that no amount is ever a float. It tolerates what is missing and never guesses.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::value::RawValue;

/// The longest text of a number that is read; a real amount has at most fifteen digits.
const NUMBER_MAX_CHARS: usize = 24;

/// The fields of one JSON object.
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    /// The object in these bytes; nothing for other JSON, cut JSON or bytes after it.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().map(Self)
    }

    /// Whether the key is there with anything but `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// A non-blank string without surrounding space, or the text of a number.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let raw = self.raw(key)?;
        let text = match raw.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(raw).ok()?,
            b'-' | b'0'..=b'9' => raw.to_owned(),
            _ => return None,
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The first of these keys that holds a text.
    pub(super) fn first_text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.text(key))
    }

    /// A boolean, or one of the words `true` and `false`.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.raw(key)?.trim_matches('"') {
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// Whether the key holds nothing but blanks, as PayHero writes what it does not know.
    pub(super) fn is_blank(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| serde_json::from_str::<String>(raw).is_ok_and(|text| text.trim().is_empty()))
    }

    /// A whole number in any spelling: `1032`, `"1032"`, `1032.0`, `1.032e3`.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        integer(&self.text(key)?)
    }

    /// Shillings as exact cents; nothing when there is a fraction of a cent.
    pub(super) fn cents(&self, key: &str) -> Option<i64> {
        cents(&self.text(key)?)
    }

    /// Shillings as cents, a fraction of a cent rounded half to even. Only for balances and
    /// charges, which PayHero computes itself and which are shown, never booked.
    pub(super) fn rounded_cents(&self, key: &str) -> Option<i64> {
        let hundredfold = decimal(&self.text(key)?)?.checked_mul(Decimal::ONE_HUNDRED)?;
        hundredfold.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven).to_i64()
    }

    /// The object under this key.
    pub(super) fn object(&self, key: &str) -> Option<Self> {
        Self::read(self.raw(key)?.as_bytes())
    }

    /// The objects of the array under this key; nothing when it is no array of objects.
    pub(super) fn objects(&self, key: &str) -> Option<Vec<Self>> {
        let rows: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(self.raw(key)?).ok()?;
        Some(rows.into_iter().map(Self).collect())
    }

    /// All keys, in alphabetical order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn raw(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }
}

/// Shillings in text as exact cents. Never rounds.
pub(super) fn cents(text: &str) -> Option<i64> {
    let hundredfold = decimal(text)?.checked_mul(Decimal::ONE_HUNDRED)?;
    hundredfold.is_integer().then(|| hundredfold.to_i64()).flatten()
}

/// A whole number in any spelling; nothing when there is a fraction.
pub(super) fn integer(text: &str) -> Option<i64> {
    decimal(text).filter(Decimal::is_integer)?.to_i64()
}

fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    // The decimal library also takes underscores, which no amount on the wire has.
    let plain = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    if text.len() > NUMBER_MAX_CHARS || !text.chars().all(plain) {
        return None;
    }
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { Decimal::from_str_exact(text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("1500", Some(150_000)),
            ("1500.0", Some(150_000)),
            ("1510.36", Some(151_036)),
            ("\"1510.3\"", Some(151_030)),
            ("\" 50 \"", Some(5_000)),
            ("-20", Some(-2_000)),
            ("1.5e3", Some(150_000)),
            ("1E2", Some(10_000)),
            ("0", Some(0)),
            ("4503599627370497.01", Some(450_359_962_737_049_701)),
            ("10.005", None),
            ("\"1,500\"", None),
            ("\"1_500\"", None),
            ("\"KES 50\"", None),
            ("\"\"", None),
            ("null", None),
            ("true", None),
            ("[50]", None),
            ("99999999999999999999", None),
            ("1e40", None),
        ] {
            let fields = Fields::read(format!(r#"{{"amount":{text}}}"#).as_bytes()).unwrap();
            assert_eq!(fields.cents("amount"), expected, "{text}");
        }
    }

    #[test]
    fn balances_round_half_to_even() {
        for (text, expected) in [("0.30000000000000004", 30), ("10.005", 1000), ("10.015", 1002), ("1510.36", 151_036)] {
            let fields = Fields::read(format!(r#"{{"b":{text}}}"#).as_bytes()).unwrap();
            assert_eq!(fields.rounded_cents("b"), Some(expected), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_read_in_any_spelling() {
        for (text, expected) in [
            ("1032", Some(1032)),
            ("\"1032\"", Some(1032)),
            ("1032.0", Some(1032)),
            ("\"1032.00\"", Some(1032)),
            ("1.032e3", Some(1032)),
            ("\" 0 \"", Some(0)),
            ("-1", Some(-1)),
            ("1032.5", None),
            ("\"500.001.1001\"", None),
            ("\"SFC_IC0003\"", None),
            ("\"\"", None),
            ("true", None),
            ("99999999999999999999", None),
        ] {
            let fields = Fields::read(format!(r#"{{"code":{text}}}"#).as_bytes()).unwrap();
            assert_eq!(fields.integer("code"), expected, "{text}");
        }
    }

    #[test]
    fn blank_is_an_empty_text_and_nothing_else() {
        let fields = Fields::read(br#"{"a":"","b":" \t","c":0,"d":null,"e":"0","f":[]}"#).unwrap();
        for (key, blank) in [("a", true), ("b", true), ("c", false), ("d", false), ("e", false), ("f", false), ("g", false)] {
            assert_eq!(fields.is_blank(key), blank, "{key}");
        }
    }

    #[test]
    fn only_whole_objects_are_read() {
        for body in ["", "[]", "1", "null", "{\"a\":1", "{} x", "<html>", "\"{}\""] {
            assert!(Fields::read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Fields::read(b"{\"a\":\"\xff\"}").is_none());
        assert!(Fields::read(b" {} \n").is_some());
    }

    #[test]
    fn flags_are_booleans_or_their_words() {
        let fields = Fields::read(br#"{"a":true,"b":"False","c":1,"d":"yes","e":null}"#).unwrap();
        assert_eq!(fields.flag("a"), Some(true));
        assert_eq!(fields.flag("b"), Some(false));
        for key in ["c", "d", "e", "f"] {
            assert_eq!(fields.flag(key), None, "{key}");
        }
    }
}
