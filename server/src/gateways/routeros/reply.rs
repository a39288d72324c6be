//! What a router's sentence says: which kind of reply, which command it answers, which attributes it carries.
//! Tolerant on purpose: only an unknown first word is an error, because a lost row is better than a lost router.

use std::borrow::Cow;
use std::fmt;

use super::codec::Sentence;

/// The five replies of the API. `!empty` (7.18 and later: "nothing to return") is, like `!re`, followed by `!done`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `!re`: one row of data.
    Row,
    /// `!done`: the command has ended.
    Done,
    /// `!trap`: the command failed; `!done` still follows.
    Trap,
    /// `!empty`: there are no rows; `!done` still follows.
    Empty,
    /// `!fatal`: the router closes the connection.
    Fatal,
}

/// The attributes of one reply in the router's order. A property that is unset on the router is simply absent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Row(Vec<(Vec<u8>, Vec<u8>)>);

impl Row {
    /// The value as the router sent it.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| known == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// The value as text; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.bytes(name).map(String::from_utf8_lossy)
    }

    /// How many bytes names and values take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// Names only: a value may be a password.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| String::from_utf8_lossy(name));
        f.debug_list().entries(names).finish()
    }
}

/// One parsed sentence from a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplySentence {
    /// Which reply it is.
    pub kind: Kind,
    /// The tag of the command it answers. Routers put it second or last, so all words are searched.
    pub tag: Option<Vec<u8>>,
    /// The attributes `=name=value`.
    pub row: Row,
    /// The bare words (`!fatal` gives its reason as one), joined by blanks.
    pub bare: String,
}

impl ReplySentence {
    /// Reads a sentence. An attribute without a second `=` (broken rows do occur) counts as empty.
    /// `None` when the first word is none of the five replies.
    #[must_use]
    pub fn parse(sentence: &Sentence) -> Option<Self> {
        let (first, words) = sentence.split_first()?;
        let kind = match first.as_slice() {
            b"!re" => Kind::Row,
            b"!done" => Kind::Done,
            b"!trap" => Kind::Trap,
            b"!empty" => Kind::Empty,
            b"!fatal" => Kind::Fatal,
            _ => return None,
        };
        let mut reply = Self { kind, tag: None, row: Row::default(), bare: String::new() };
        for word in words {
            if let Some(tag) = word.strip_prefix(b".tag=") {
                reply.tag = Some(tag.to_vec());
            } else if let Some(attribute) = word.strip_prefix(b"=") {
                reply.row.0.push(split_attribute(attribute));
            } else {
                let gap = if reply.bare.is_empty() { "" } else { " " };
                reply.bare += gap;
                reply.bare += &String::from_utf8_lossy(word);
            }
        }
        Some(reply)
    }

    /// What `!trap` or `!fatal` says: its `message`, or else its bare words.
    #[must_use]
    pub fn message(&self) -> String {
        match self.row.text("message") {
            Some(message) => message.into_owned(),
            None => self.bare.clone(),
        }
    }
}

fn split_attribute(attribute: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match attribute.iter().position(|byte| *byte == b'=') {
        Some(at) => (attribute[..at].to_vec(), attribute[at + 1..].to_vec()),
        None => (attribute.to_vec(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&[u8]]) -> ReplySentence {
        let sentence = words.iter().map(|word| word.to_vec()).collect();
        ReplySentence::parse(&sentence).unwrap()
    }

    #[test]
    fn the_tag_is_found_in_either_place() {
        let last = parse(&[b"!done", b"=ret=*5", b".tag=7"]);
        let second = parse(&[b"!done", b".tag=7", b"=ret=*5"]);
        assert_eq!(last, second);
        assert_eq!(last.tag.as_deref(), Some(b"7".as_slice()));
        assert_eq!(last.row.text("ret").unwrap(), "*5");
    }

    #[test]
    fn values_keep_later_equal_signs_and_may_be_empty() {
        let reply = parse(&[b"!re", b"=comment=a=b=c", b"=email=", b"=broken", b"=.id=*1A"]);
        assert_eq!(reply.row.text("comment").unwrap(), "a=b=c");
        assert_eq!(reply.row.bytes("email"), Some(b"".as_slice()));
        assert_eq!(reply.row.bytes("broken"), Some(b"".as_slice()));
        assert_eq!(reply.row.text(".id").unwrap(), "*1A");
        assert_eq!(reply.row.bytes("missing"), None);
    }

    #[test]
    fn numbers_stay_text_and_foreign_charsets_stay_bytes() {
        let reply = parse(&[b"!re", b"=user=00254712345678", b"=comment=caf\xE9"]);
        assert_eq!(reply.row.text("user").unwrap(), "00254712345678");
        assert_eq!(reply.row.bytes("comment"), Some(b"caf\xE9".as_slice()));
        assert_eq!(reply.row.text("comment").unwrap(), "caf\u{FFFD}");
    }

    #[test]
    fn fatal_gives_its_reason_bare_or_as_a_message() {
        assert_eq!(parse(&[b"!fatal", b"not logged in"]).message(), "not logged in");
        assert_eq!(parse(&[b"!fatal", b"=message=too many"]).message(), "too many");
        assert_eq!(parse(&[b"!fatal"]).message(), "");
    }

    #[test]
    fn an_unknown_first_word_is_refused_and_debug_shows_no_value() {
        assert_eq!(ReplySentence::parse(&vec![b"HTTP/1.1".to_vec()]), None);
        assert_eq!(ReplySentence::parse(&vec![]), None);
        let shown = format!("{:?}", parse(&[b"!re", b"=password=9F3K"]));
        assert!(shown.contains("password") && !shown.contains("9F3K"));
    }
}
