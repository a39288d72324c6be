//! A client's sentence, read as a command with its attributes, queries and tag. Knows no menu.

use super::codec::Sentence;

/// One command as the client sent it.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    /// The first word, such as `/ip/hotspot/user/print`.
    pub command: String,
    /// `=name=value` words in order. A flag word such as `=count-only=` has an empty value.
    pub attributes: Vec<(String, Vec<u8>)>,
    /// `?…` words in order, without the question mark.
    pub queries: Vec<Vec<u8>>,
    /// The value of `.tag=`, echoed on every reply.
    pub tag: Option<Vec<u8>>,
    /// Whether there is a word of no known form; such a command is refused.
    pub has_stray_words: bool,
}

impl Request {
    /// Reads a sentence.
    pub(super) fn read(sentence: &Sentence) -> Self {
        let mut request = Self::default();
        let mut words = sentence.iter();
        if let Some(first) = words.next() {
            request.command = String::from_utf8_lossy(first).trim_end_matches('/').to_owned();
        }
        for word in words {
            match word.as_slice() {
                [b'=', rest @ ..] => request.attributes.push(split_at_equals(rest)),
                [b'?', rest @ ..] => request.queries.push(rest.to_vec()),
                word => match word.strip_prefix(b".tag=") {
                    Some(tag) => request.tag = Some(tag.to_vec()),
                    None => request.has_stray_words = true,
                },
            }
        }
        request
    }

    /// The last value given for an attribute.
    pub(super) fn value(&self, name: &str) -> Option<&[u8]> {
        self.attributes.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// The same as text; bytes that are not UTF-8 become replacement characters.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// True when a flag word such as `=count-only=` is there.
    pub(super) fn has_flag(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !matches!(value, b"no" | b"false"))
    }

    /// The command cut into its menu and its verb: `/ip/hotspot/user` and `print`.
    pub(super) fn menu_and_verb(&self) -> (&str, &str) {
        self.command.rsplit_once('/').unwrap_or(("", &self.command))
    }
}

/// A value may hold further equals signs or be empty, so only the first one after the name cuts.
fn split_at_equals(word: &[u8]) -> (String, Vec<u8>) {
    let (name, value) = match word.iter().position(|&byte| byte == b'=') {
        Some(at) => (&word[..at], &word[at + 1..]),
        None => (word, &word[word.len()..]),
    };
    (String::from_utf8_lossy(name).into_owned(), value.to_vec())
}
