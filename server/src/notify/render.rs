//! Filling the placeholders of a text. Pure. A value is never looked into for placeholders, holds no control characters
//! afterwards, and is cut when it is long.

use super::Channel;

/// What is wrong with a text, in words that follow the name of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

/// A part of a text.
enum Piece<'a> {
    /// Words.
    Words(&'a str),
    /// A placeholder, without its braces.
    Place(&'a str),
    /// A brace that begins or ends nothing.
    Stray(&'a str),
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some(at) = text.find(['{', '}']) {
        let (words, rest) = text.split_at(at);
        pieces.push(Piece::Words(words));
        let inner = rest.strip_prefix('{').and_then(|inner| Some(inner.split_at(inner.find(['{', '}'])?))).filter(|(_, end)| end.starts_with('}'));
        text = if let Some((name, end)) = inner {
            pieces.push(Piece::Place(name));
            &end[1..]
        } else {
            pieces.push(Piece::Stray(&rest[..1]));
            &rest[1..]
        };
    }
    pieces.push(Piece::Words(text));
    pieces
}

/// The placeholders that a text holds, if each is one of `allowed`.
pub fn check<'a>(text: &'a str, allowed: &[&str]) -> Result<Vec<&'a str>, Fault> {
    let mut held = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Words(_) => {}
            Piece::Place(name) if allowed.contains(&name) => held.push(name),
            Piece::Place(name) => {
                let known: Vec<String> = allowed.iter().map(|name| format!("{{{name}}}")).collect();
                let name: String = name.chars().take(40).collect();
                return Err(Fault(format!("holds {{{name}}}, which is not known here; known are {}", known.join(", "))));
            }
            Piece::Stray(brace) => return Err(Fault(format!("holds a {brace} that belongs to no placeholder"))),
        }
    }
    Ok(held)
}

/// A text with its placeholders filled. What has no value stays as it was written.
pub fn fill(text: &str, channel: Channel, facts: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 64);
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) | Piece::Stray(words) => filled.push_str(words),
            Piece::Place(name) => match facts.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => filled.push_str(&tame(name, value, channel)),
                None => filled.extend(["{", name, "}"]),
            },
        }
    }
    match channel {
        Channel::Sms => filled.chars().map(gsm).collect(),
        Channel::Email => filled,
    }
}

/// A value as it may stand in a message.
fn tame(name: &str, value: &str, channel: Channel) -> String {
    let longest = match (name, channel) {
        ("link", _) => 500,
        ("reply" | "reason", Channel::Email) => 1_500,
        ("reply" | "reason", Channel::Sms) => 100,
        _ => 40,
    };
    let words = value.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let shown = words.chars().filter(|c| !steers(*c));
    if shown.clone().count() <= longest { shown.collect() } else { shown.take(longest - 3).chain("...".chars()).collect() }
}

/// Characters that are not seen but change how the others are read.
const fn steers(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{00ad}')
}

/// One letter outside the alphabet of text messages (GSM 03.38) halves what fits into one: the usual ones get their nearest kin.
const fn gsm(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '`' | '\u{b4}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{a0}' | '\u{2009}' | '\u{202f}' => ' ',
        'ĩ' | 'í' | 'î' | 'ï' | 'ī' => 'i',
        'Ĩ' | 'Í' | 'Î' | 'Ï' | 'Ī' => 'I',
        'ũ' | 'ú' | 'û' | 'ū' => 'u',
        'Ũ' | 'Ú' | 'Û' | 'Ū' => 'U',
        'á' | 'â' | 'ã' | 'ā' => 'a',
        'Á' | 'Â' | 'Ã' | 'Ā' | 'À' => 'A',
        'ê' | 'ë' | 'ē' => 'e',
        'Ê' | 'Ë' | 'Ē' | 'È' => 'E',
        'ó' | 'ô' | 'õ' | 'ō' => 'o',
        'Ó' | 'Ô' | 'Õ' | 'Ō' | 'Ò' => 'O',
        'ç' => 'c',
        _ => c,
    }
}

/// How many text messages a text is charged as: 160 letters of their own alphabet, or 70 of any; longer ones lose some to the joints.
pub fn sms_parts(text: &str) -> usize {
    let (length, single, joined) = match gsm_length(text) {
        Some(length) => (length, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if length <= single { 1 } else { length.div_ceil(joined) }
}

/// Length in the alphabet of text messages, where some characters count twice; `None` for a text with any other letter.
pub(super) fn gsm_length(text: &str) -> Option<usize> {
    const SINGLE: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
    const DOUBLE: &str = "^{}\\[~]|€";
    text.chars()
        .map(|c| match c {
            _ if c.is_ascii_alphanumeric() || SINGLE.contains(c) => Some(1),
            _ if DOUBLE.contains(c) => Some(2),
            _ => None,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn placeholders_are_filled_once() {
        let facts = [("name", "{code} Asha"), ("code", "123456")];
        assert_eq!(fill("Hi {name}, {code}. {other} } {", Channel::Email, &facts), "Hi {code} Asha, 123456. {other} } {");
    }

    #[test]
    fn a_value_cannot_add_lines_or_turn_the_text_around() {
        let facts = [("name", "Asha\r\nBcc: all@example.com\u{202e}\u{0}\u{7f}  x")];
        assert_eq!(fill("Hi {name}.", Channel::Sms, &facts), "Hi Asha Bcc: all@example.com x.");
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = "x".repeat(5_000);
        assert_eq!(fill("{name}", Channel::Sms, &[("name", &long)]), format!("{}...", "x".repeat(37)));
    }

    #[test]
    fn a_text_message_is_written_in_its_own_alphabet() {
        let filled = fill("{name}", Channel::Sms, &[("name", "Wanjikũ \u{2019}Mwĩtũ\u{2019} \u{2013} Zoë")]);
        assert_eq!(filled, "Wanjiku 'Mwitu' - Zoe");
        assert_eq!(gsm_length(&filled), Some(21));
    }

    #[test]
    fn parts_are_counted_as_they_are_charged() {
        for (text, parts) in [
            (String::new(), 1),
            ("x".repeat(160), 1),
            ("x".repeat(161), 2),
            ("x".repeat(306), 2),
            ("x".repeat(307), 3),
            (format!("{}€", "x".repeat(158)), 1),
            (format!("{}€", "x".repeat(159)), 2),
            ("ŋ".repeat(70), 1),
            ("ŋ".repeat(71), 2),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
        ] {
            assert_eq!(sms_parts(&text), parts, "{text}");
        }
    }

    #[test]
    fn faults_name_what_is_wrong() {
        let known = ["isp", "code"];
        assert_eq!(check("{isp}: {code}", &known), Ok(vec!["isp", "code"]));
        for (text, words) in
            [("{cod}", "{cod}"), ("{}", "{}"), ("{ code }", "{ code }"), ("{code", "a { that"), ("code}", "a } that"), ("{{code}}", "a { that")]
        {
            let Fault(fault) = check(text, &known).expect_err(text);
            assert!(fault.contains(words), "{text}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn text_without_braces_stays_as_it_is(text in "[^{}]*", value in ".*") {
            prop_assert_eq!(fill(&text, Channel::Email, &[("name", &value)]), text);
        }

        #[test]
        fn values_are_never_expanded_and_never_long(value in any::<String>(), other in "[a-z]{1,10}") {
            let filled = fill("<{name}>", Channel::Email, &[("name", &value), ("code", &other)]);
            let inner = filled.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).expect("the words around stay");
            prop_assert!(inner.chars().count() <= 40);
            prop_assert!(!inner.chars().any(|c| c.is_control() || steers(c)));
            // Whatever is left of braces is what the value held.
            let braces = |text: &str| text.chars().filter(|c| ['{', '}'].contains(c)).count();
            let (left, held) = (braces(inner), braces(&value));
            prop_assert!(left <= held);
        }

        #[test]
        fn what_is_checked_leaves_no_placeholder_behind(text in "([a-z ]|\\{name\\}|\\{code\\}){0,20}") {
            prop_assert!(check(&text, &["name", "code"]).is_ok());
            let filled = fill(&text, Channel::Email, &[("name", "Asha"), ("code", "1")]);
            let left = filled.contains(['{', '}']);
            prop_assert!(!left);
        }

        #[test]
        fn any_text_is_judged_and_filled_without_a_panic(text in any::<String>()) {
            let _ = check(&text, &["name"]);
            let filled = fill(&text, Channel::Email, &[]);
            prop_assert_eq!(filled, text);
        }
    }
}
