//! How a value that a client sends becomes the value that the router keeps, by the kind of its property. Pure.

use std::net::Ipv4Addr;

use super::menu::Kind;
use super::query::Test;
use super::span;

/// Brings a value into the form in which the router prints it; `None` when it does not fit the kind.
/// References and server names are looked up elsewhere and pass as they are.
pub(super) fn normalise(kind: Kind, value: &[u8]) -> Option<Vec<u8>> {
    if matches!(kind, Kind::Text | Kind::Reference(_) | Kind::Server) {
        return Some(value.to_vec());
    }
    if matches!(kind, Kind::Name) {
        return (!value.is_empty()).then(|| value.to_vec());
    }
    let text = std::str::from_utf8(value).ok()?;
    let normal = match kind {
        Kind::Flag => flag(text)?.to_string(),
        Kind::Span => span::write(span::read(text)?),
        Kind::SpanOrNone if text == "none" => text.to_owned(),
        Kind::SpanOrNone => span::write(span::read(text)?),
        Kind::CountOrUnlimited if text == "unlimited" => text.to_owned(),
        Kind::Count | Kind::CountOrUnlimited => text.parse::<u64>().ok()?.to_string(),
        Kind::Mac => mac(text)?,
        Kind::Address => text.parse::<Ipv4Addr>().ok()?.to_string(),
        Kind::Choice(words) => words.contains(&text).then(|| text.to_owned())?,
        Kind::Choices(words) => text.split(',').all(|word| words.contains(&word)).then(|| text.to_owned())?,
        Kind::Rate => rate(text)?,
        Kind::Text | Kind::Name | Kind::Reference(_) | Kind::Server => return None,
    };
    Some(normal.into_bytes())
}

/// True when a refusal of this kind names the words it knows rather than the form it wants.
pub(super) fn has_fixed_words(kind: Kind) -> bool {
    matches!(kind, Kind::Choice(_) | Kind::Choices(_) | Kind::Reference(_) | Kind::Server)
}

/// Reads a boolean in either of its spellings.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// Brings a hardware address into capitals with colons.
pub(super) fn mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-')).collect();
    if digits.len() != 12 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let upper = digits.to_ascii_uppercase();
    let pairs: Vec<&str> = (0..6).filter_map(|pair| upper.get(pair * 2..pair * 2 + 2)).collect();
    Some(pairs.join(":"))
}

/// `rx[/tx]` and up to five further fields; digits with k, M or G. An empty rate means none.
fn rate(text: &str) -> Option<String> {
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    let is_figure = |part: &str| {
        let digits = part.trim_end_matches(['k', 'M', 'G']);
        part.len() - digits.len() <= 1 && digits.parse::<u64>().is_ok()
    };
    let fits = fields.len() <= 6 && fields.iter().all(|field| field.split('/').count() <= 2 && field.split('/').all(is_figure));
    fits.then(|| text.to_owned())
}

/// Compares a kept value with one of a query: as numbers or spans where both are such, else byte by byte.
pub(super) fn compare(kind: Kind, found: &[u8], test: Test, wanted: &[u8]) -> bool {
    let order = match (magnitude(kind, found), magnitude(kind, wanted)) {
        (Some(found), Some(wanted)) => found.cmp(&wanted),
        _ => match normalise(kind, wanted) {
            Some(wanted) => found.cmp(wanted.as_slice()),
            None => found.cmp(wanted),
        },
    };
    match test {
        Test::Equal => order.is_eq(),
        Test::Less => order.is_lt(),
        Test::Greater => order.is_gt(),
    }
}

fn magnitude(kind: Kind, value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    match kind {
        Kind::Span | Kind::SpanOrNone => span::read(text),
        Kind::Count | Kind::CountOrUnlimited => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, normalise};
    use crate::routeros::menu::Kind;
    use crate::routeros::query::Test;

    #[test]
    fn values_take_the_form_that_is_printed() {
        let cases: [(Kind, &str, Option<&str>); 14] = [
            (Kind::Flag, "yes", Some("true")),
            (Kind::Flag, "false", Some("false")),
            (Kind::Flag, "1", None),
            (Kind::Span, "60m", Some("1h")),
            (Kind::Span, "soon", None),
            (Kind::SpanOrNone, "none", Some("none")),
            (Kind::Count, "10000000000", Some("10000000000")),
            (Kind::Count, "-1", None),
            (Kind::CountOrUnlimited, "unlimited", Some("unlimited")),
            (Kind::Mac, "aa-bb-cc-dd-ee-0f", Some("AA:BB:CC:DD:EE:0F")),
            (Kind::Mac, "aa:bb", None),
            (Kind::Rate, "512k/1M 1M/2M 512k/1M 10/10", Some("512k/1M 1M/2M 512k/1M 10/10")),
            (Kind::Rate, "fast", None),
            (Kind::Choices(&["cookie", "mac"]), "cookie,https-redirect", None),
        ];
        for (kind, given, kept) in cases {
            assert_eq!(normalise(kind, given.as_bytes()).as_deref(), kept.map(str::as_bytes), "{given}");
        }
    }

    #[test]
    fn latin_1_text_stays_as_it_came() {
        assert_eq!(normalise(Kind::Text, b"caf\xE9"), Some(b"caf\xE9".to_vec()));
    }

    #[test]
    fn comparison_knows_numbers_and_spans() {
        assert!(compare(Kind::Count, b"9", Test::Less, b"10"));
        assert!(compare(Kind::Span, b"1h", Test::Equal, b"60m"));
        assert!(compare(Kind::Flag, b"true", Test::Equal, b"yes"));
        assert!(compare(Kind::Text, b"9", Test::Greater, b"10"));
    }
}
