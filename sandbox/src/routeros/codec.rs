//! Words and sentences of the RouterOS binary API as bytes (MikroTik manual, developer guides, "API").
//! Written apart from the product's own codec, so that one misreading cannot cancel the other. Never touches a socket.

use std::fmt;

/// A sentence: its words in order, without the closing empty word.
pub(super) type Sentence = Vec<Vec<u8>>;

/// What the stand-in accepts from a client at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of one word.
    pub word_bytes: usize,
    /// Words of one sentence.
    pub words: usize,
}

/// Before login a router limits number and size of sentences; these figures are ours.
pub(super) const BEFORE_LOGIN: Limits = Limits { word_bytes: 4 * 1024, words: 16 };

/// A logged-in client may send what fits into a megabyte a word.
pub(super) const AFTER_LOGIN: Limits = Limits { word_bytes: 1024 * 1024, words: 1024 };

/// Why the rest of a byte stream cannot be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodecError {
    /// A length began with a byte from 0xF1 on: undefined or reserved for control bytes.
    ReservedLength(u8),
    /// A word is longer than the limit in force.
    WordTooLong(u64),
    /// A sentence has more words than the limit in force.
    TooManyWords,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedLength(byte) => write!(f, "reserved length byte 0x{byte:02X}"),
            Self::WordTooLong(length) => write!(f, "word of {length} bytes"),
            Self::TooManyWords => f.write_str("too many words in a sentence"),
        }
    }
}

impl std::error::Error for CodecError {}

/// Appends the length of a word in its shortest form, most significant byte first.
pub(super) fn write_length(out: &mut Vec<u8>, length: u32) {
    let bytes = length.to_be_bytes();
    match length {
        0..=0x7F => out.push(bytes[3]),
        0x80..=0x3FFF => out.extend([bytes[2] | 0x80, bytes[3]]),
        0x4000..=0x1F_FFFF => out.extend([bytes[1] | 0xC0, bytes[2], bytes[3]]),
        0x20_0000..=0x0FFF_FFFF => out.extend([bytes[0] | 0xE0, bytes[1], bytes[2], bytes[3]]),
        _ => {
            out.push(0xF0);
            out.extend(bytes);
        }
    }
}

/// Reads a length from the front of `bytes`: `(length, bytes it took)`, or `None` when more bytes are needed.
/// A longer form than necessary is read all the same; it is never written.
///
/// # Errors
/// `ReservedLength` for a first byte from 0xF1 on.
pub(super) fn read_length(bytes: &[u8]) -> Result<Option<(u32, usize)>, CodecError> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let (head, more) = match first {
        0x00..=0x7F => (first, 0),
        0x80..=0xBF => (first & 0x3F, 1),
        0xC0..=0xDF => (first & 0x1F, 2),
        0xE0..=0xEF => (first & 0x0F, 3),
        0xF0 => (0, 4),
        _ => return Err(CodecError::ReservedLength(first)),
    };
    let Some(rest) = bytes.get(1..=more) else {
        return Ok(None);
    };
    let length = rest.iter().fold(u32::from(head), |sum, &byte| (sum << 8) | u32::from(byte));
    Ok(Some((length, 1 + more)))
}

/// Appends one word with its length.
pub(super) fn write_word(out: &mut Vec<u8>, word: &[u8]) {
    let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
    write_length(out, length);
    out.extend_from_slice(&word[..length as usize]);
}

/// Appends a sentence with its closing empty word.
pub(super) fn write_sentence<W: AsRef<[u8]>>(out: &mut Vec<u8>, words: &[W]) {
    for word in words {
        write_word(out, word.as_ref());
    }
    out.push(0);
}

/// Collects bytes as they come and gives sentences as they get complete.
#[derive(Debug)]
pub(super) struct Decoder {
    pending: Vec<u8>,
    words: Sentence,
    limits: Limits,
}

impl Decoder {
    /// An empty decoder.
    pub(super) fn new(limits: Limits) -> Self {
        Self { pending: Vec::new(), words: Vec::new(), limits }
    }

    /// Sets what is accepted from now on.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes bytes in any portions.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// True between two sentences: an end of stream here cuts nothing in two.
    #[cfg(test)]
    pub(super) fn is_between_sentences(&self) -> bool {
        self.pending.is_empty() && self.words.is_empty()
    }

    /// The next whole sentence, or `None` until more bytes are pushed. Empty sentences are passed over.
    ///
    /// # Errors
    /// A `CodecError` means that the stream cannot be followed any more.
    pub(super) fn next_sentence(&mut self) -> Result<Option<Sentence>, CodecError> {
        let mut at = 0;
        let found = self.scan(&mut at);
        self.pending.drain(..at);
        found
    }

    fn scan(&mut self, at: &mut usize) -> Result<Option<Sentence>, CodecError> {
        while let Some((length, prefix)) = read_length(&self.pending[*at..])? {
            let length = length as usize;
            if length > self.limits.word_bytes {
                return Err(CodecError::WordTooLong(length as u64));
            }
            let start = *at + prefix;
            let Some(word) = self.pending.get(start..start + length) else {
                break;
            };
            if length > 0 {
                if self.words.len() == self.limits.words {
                    return Err(CodecError::TooManyWords);
                }
                self.words.push(word.to_vec());
            }
            *at = start + length;
            if length == 0 && !self.words.is_empty() {
                return Ok(Some(std::mem::take(&mut self.words)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
