//! What a router answers, as sentences: rows, done, trap, empty, fatal. Decides where the tag stands, never what is answered.

use super::codec;

/// Attributes of a reply in the order in which they are written.
pub(super) type Attributes = Vec<(String, Vec<u8>)>;

/// A refusal: `!trap`, after which `!done` always follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trap {
    /// MikroTik's trap category, 0 missing item or command, 1 argument value, 2 interrupted; absent for failures.
    pub category: Option<u8>,
    /// The only thing that tells refusals apart in practice.
    pub message: String,
}

impl Trap {
    /// A refusal without category.
    pub(super) fn general(message: impl Into<String>) -> Self {
        Self { category: None, message: message.into() }
    }

    /// A missing item or command.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self { category: Some(0), message: message.into() }
    }

    /// A value that does not fit its argument.
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self { category: Some(1), message: message.into() }
    }

    /// A command that was cancelled.
    pub(super) fn interrupted() -> Self {
        Self { category: Some(2), message: "interrupted".to_owned() }
    }

    /// The refusal of an id or name that is not there.
    pub(super) fn no_such_item() -> Self {
        Self::missing("no such item")
    }

    /// The refusal of a menu or verb that is not there.
    pub(super) fn no_such_command() -> Self {
        Self::missing("no such command prefix")
    }

    /// The refusal of an interactive command that the device-mode forbids.
    pub(super) fn device_mode() -> Self {
        Self::general("failure: not allowed by device-mode")
    }
}

/// One reply sentence.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// `!re`: one row.
    Row(Attributes),
    /// `!done`, perhaps with `=ret=`.
    Done(Attributes),
    /// `!trap`.
    Trap(Trap),
    /// `!empty`: nothing to return (from 7.18 on).
    Empty,
    /// `!fatal` and a bare reason; the connection closes after it.
    Fatal(&'static str),
}

impl Reply {
    /// `!done` with nothing to say.
    pub(super) fn done() -> Self {
        Self::Done(Vec::new())
    }

    /// Appends the reply as bytes. `.tag` comes second as in captures of RouterOS 7, or last as in the manual's examples.
    pub(super) fn write(&self, out: &mut Vec<u8>, tag: Option<&[u8]>, tag_last: bool) {
        let mut words: Vec<Vec<u8>> = vec![self.word().to_vec()];
        words.extend(self.attributes().iter().map(|(name, value)| attribute(name, value)));
        if let Self::Fatal(reason) = self {
            words.push(reason.as_bytes().to_vec());
        } else if let Some(tag) = tag {
            let at = if tag_last { words.len() } else { 1 };
            words.insert(at, [b".tag=", tag].concat());
        }
        codec::write_sentence(out, &words);
    }

    fn word(&self) -> &'static [u8] {
        match self {
            Self::Row(_) => b"!re",
            Self::Done(_) => b"!done",
            Self::Trap(_) => b"!trap",
            Self::Empty => b"!empty",
            Self::Fatal(_) => b"!fatal",
        }
    }

    fn attributes(&self) -> Attributes {
        match self {
            Self::Row(attributes) | Self::Done(attributes) => attributes.clone(),
            Self::Trap(trap) => {
                let category = trap.category.map(|number| ("category".to_owned(), number.to_string().into_bytes()));
                category.into_iter().chain([("message".to_owned(), trap.message.clone().into_bytes())]).collect()
            }
            Self::Empty | Self::Fatal(_) => Vec::new(),
        }
    }
}

fn attribute(name: &str, value: &[u8]) -> Vec<u8> {
    [b"=", name.as_bytes(), b"=", value].concat()
}

#[cfg(test)]
mod tests {
    use super::{Reply, Trap};

    #[test]
    fn replies_have_the_documented_bytes_with_the_tag_at_either_place() {
        let ret = || Reply::Done(vec![("ret".to_owned(), b"*5".to_vec())]);
        let value = Trap::argument("input does not match any value of interface");
        let cases = [
            (ret(), Some("7"), true, "0521646f6e65073d7265743d2a35062e7461673d3700"),
            (ret(), Some("7"), false, "0521646f6e65062e7461673d37073d7265743d2a3500"),
            (Reply::Empty, Some("8"), false, "0621656d707479062e7461673d3800"),
            (Reply::done(), None, false, "0521646f6e6500"),
            (Reply::Fatal("not logged in"), Some("7"), false, "0621666174616c0d6e6f74206c6f6767656420696e00"),
            (
                Reply::Trap(Trap::interrupted()),
                Some("2"),
                true,
                concat!("0521747261700b3d63617465676f72793d32143d6d6573736167653d", "696e746572727570746564062e7461673d3200"),
            ),
            (
                Reply::Trap(value),
                None,
                true,
                concat!(
                    "0521747261700b3d63617465676f72793d31343d6d6573736167653d696e70757420646f6573206e6f74",
                    "206d6174636820616e792076616c7565206f6620696e7465726661636500"
                ),
            ),
        ];
        for (reply, tag, tag_last, expected) in cases {
            let mut bytes = Vec::new();
            reply.write(&mut bytes, tag.map(str::as_bytes), tag_last);
            assert_eq!(hex::encode(bytes), expected, "{reply:?}");
        }
    }
}
