//! Reads the parameters of an address or of a sent form. The first value of a name wins and unknown names are kept:
//! routers that forget to escape `link-orig` must not turn a paying guest away. Never judges a value.

/// More fields than any page of ours sends.
const MAX_FIELDS: usize = 64;

/// Parameters of a query string or of an `application/x-www-form-urlencoded` body.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Decodes `a=1&b=2`. Wrong escapes and bytes that are no UTF-8 are replaced, never refused.
    pub fn parse(encoded: &str) -> Self {
        let pairs = form_urlencoded::parse(encoded.as_bytes()).take(MAX_FIELDS);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The trimmed value of a field; `None` when it is missing or empty, as routers send empty variables.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(held, _)| held == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_value_wins_and_empty_is_missing() {
        let fields = Fields::parse("mac=AA%3ABB&ip=&mac=evil&x=a+b&bad=%zz&lone&=");
        assert_eq!(fields.get("mac"), Some("AA:BB"));
        assert_eq!(fields.get("ip"), None);
        assert_eq!(fields.get("x"), Some("a b"));
        assert_eq!(fields.get("bad"), Some("%zz"));
        assert_eq!(fields.get("lone"), None);
        assert_eq!(fields.get("never"), None);
    }

    #[test]
    fn a_flood_of_fields_is_cut() {
        let flood = "a=1&".repeat(1000) + "z=1";
        assert_eq!(Fields::parse(&flood).get("z"), None);
    }
}
