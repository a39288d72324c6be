//! How words and sentences lie on the wire (manual.mikrotik.com, developer guide "API"): lengths, words, the empty word
//! that ends a sentence. No IO and no meaning: it never looks into a word.

use bytes::{Buf, BytesMut};

/// Bytes a single word may have. The protocol allows 4 GiB; nothing we ask for comes near a megabyte.
pub const WORD_MAX: usize = 1 << 20;

/// Bytes all words of one sentence may have together.
pub const SENTENCE_MAX: usize = 2 << 20;

/// Words one sentence may have, so that a flood of one-byte words cannot cost more memory than it sends.
const WORDS_MAX: usize = 4096;

/// The words of one sentence, as raw bytes: routers send whatever charset their owner typed in.
pub type Sentence = Vec<Vec<u8>>;

/// Why bytes cannot be read (or written) as sentences. After one of these a stream has no meaning any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A length began with F1–F7 (undefined) or F8–FF (reserved control bytes, with which "API client cannot proceed").
    #[error("a word length begins with the reserved byte {0:#04x}")]
    ReservedByte(u8),
    /// One word is longer than [`WORD_MAX`].
    #[error("a word of {0} bytes is longer than allowed")]
    WordTooLong(usize),
    /// One sentence is longer than [`SENTENCE_MAX`] or has too many words.
    #[error("a sentence is longer than allowed")]
    SentenceTooLong,
    /// The stream ended inside a word or a sentence.
    #[error("the stream ended in the middle of a sentence")]
    Truncated,
    /// An empty word was to be sent inside a sentence, where it would end the sentence early.
    #[error("an empty word cannot stand inside a sentence")]
    EmptyWord,
}

/// Appends the shortest encoding of a length in bytes.
pub fn encode_length(length: u32, out: &mut Vec<u8>) {
    let [a, b, c, d] = length.to_be_bytes();
    match length {
        0..=0x7F => out.push(d),
        0x80..=0x3FFF => out.extend([c | 0x80, d]),
        0x4000..=0x1F_FFFF => out.extend([b | 0xC0, c, d]),
        0x20_0000..=0x0FFF_FFFF => out.extend([a | 0xE0, b, c, d]),
        _ => out.extend([0xF0, a, b, c, d]),
    }
}

/// Reads a length from the front: the length and how many bytes it took, or `None` when more bytes are needed.
/// Encodings longer than necessary are accepted.
///
/// # Errors
/// [`CodecError::ReservedByte`] when the first byte is F1 or above.
pub fn decode_length(bytes: &[u8]) -> Result<Option<(u32, usize)>, CodecError> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let (size, high) = match first {
        0x00..=0x7F => (1, first),
        0x80..=0xBF => (2, first & 0x3F),
        0xC0..=0xDF => (3, first & 0x1F),
        0xE0..=0xEF => (4, first & 0x0F),
        0xF0 => (5, 0),
        0xF1..=0xFF => return Err(CodecError::ReservedByte(first)),
    };
    let Some(tail) = bytes.get(1..size) else {
        return Ok(None);
    };
    let length = tail.iter().fold(u32::from(high), |sum, byte| (sum << 8) | u32::from(*byte));
    Ok(Some((length, size)))
}

/// Appends one sentence: every word with its length, then the empty word.
///
/// # Errors
/// [`CodecError::EmptyWord`], [`CodecError::WordTooLong`], [`CodecError::SentenceTooLong`]; `out` is then unchanged.
pub fn encode_sentence<W: AsRef<[u8]>>(words: &[W], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut total = 0;
    for word in words {
        let length = word.as_ref().len();
        match length {
            0 => return Err(CodecError::EmptyWord),
            1..=WORD_MAX => total += length,
            _ => return Err(CodecError::WordTooLong(length)),
        }
    }
    if total > SENTENCE_MAX || words.len() > WORDS_MAX {
        return Err(CodecError::SentenceTooLong);
    }
    for word in words {
        let word = word.as_ref();
        let length = u32::try_from(word.len()).map_err(|_| CodecError::WordTooLong(word.len()))?;
        encode_length(length, out);
        out.extend_from_slice(word);
    }
    out.push(0);
    Ok(())
}

/// Turns bytes, in pieces of any size, into sentences. Take all sentences after each push, and its memory stays bounded.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    words: Sentence,
    words_bytes: usize,
    fault: Option<CodecError>,
}

impl Decoder {
    /// Adds bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete sentence, or `None` when more bytes are needed. Empty sentences are passed over.
    ///
    /// # Errors
    /// Reserved length bytes and broken limits. An error is final: it is returned again ever after.
    pub fn take(&mut self) -> Result<Option<Sentence>, CodecError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.read_sentence().inspect_err(|fault| self.fault = Some(*fault))
    }

    /// To be asked when the stream has ended.
    ///
    /// # Errors
    /// [`CodecError::Truncated`] when it ended inside a sentence, or the fault found before.
    pub fn finish(&self) -> Result<(), CodecError> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.buffer.is_empty() && self.words.is_empty() => Ok(()),
            None => Err(CodecError::Truncated),
        }
    }

    fn read_sentence(&mut self) -> Result<Option<Sentence>, CodecError> {
        while let Some(word) = self.read_word()? {
            if word.is_empty() {
                if self.words.is_empty() {
                    continue;
                }
                self.words_bytes = 0;
                return Ok(Some(std::mem::take(&mut self.words)));
            }
            self.words_bytes += word.len();
            if self.words_bytes > SENTENCE_MAX || self.words.len() == WORDS_MAX {
                return Err(CodecError::SentenceTooLong);
            }
            self.words.push(word);
        }
        Ok(None)
    }

    fn read_word(&mut self) -> Result<Option<Vec<u8>>, CodecError> {
        let Some((length, header)) = decode_length(&self.buffer)? else {
            return Ok(None);
        };
        // The limit is checked on the announced length, before anything of the word is stored.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > WORD_MAX {
            return Err(CodecError::WordTooLong(length));
        }
        if self.buffer.len() < header + length {
            return Ok(None);
        }
        self.buffer.advance(header);
        Ok(Some(self.buffer.split_to(length).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LENGTHS: &[(u32, &str)] = &[
        (0, "00"),
        (1, "01"),
        (0x7F, "7F"),
        (0x80, "8080"),
        (0x81, "8081"),
        (0xFF, "80FF"),
        (0x100, "8100"),
        (300, "812C"),
        (0x3FFF, "BFFF"),
        (0x4000, "C04000"),
        (0x4001, "C04001"),
        (0xFFFF, "C0FFFF"),
        (0x1F_FFFF, "DFFFFF"),
        (0x20_0000, "E0200000"),
        (0x0FFF_FFFF, "EFFFFFFF"),
        (0x1000_0000, "F010000000"),
        (0x7FFF_FFFF, "F07FFFFFFF"),
        (0xFFFF_FFFF, "F0FFFFFFFF"),
    ];

    /// Byte strings of real sessions and of MikroTik's manual, with the words they mean (one inner list a sentence).
    const SENTENCES: &[(&str, &[&[&str]])] = &[
        (
            "1B2F69702F646863702D7365727665722F6C656173652F7072696E740A2E7461673D31393933360C3D696E74657276616C3D333000",
            &[&["/ip/dhcp-server/lease/print", ".tag=19936", "=interval=30"]],
        ),
        ("0621656D7074790A2E7461673D313939333600", &[&["!empty", ".tag=19936"]]),
        ("03217265102E7461673D6E65696768626F72732D31083D2E69643D2A323300", &[&["!re", ".tag=neighbors-1", "=.id=*23"]]),
        ("062f6c6f67696e0b3d6e616d653d61646d696e103d70617373776f72643d73336372657400", &[&["/login", "=name=admin", "=password=s3cret"]]),
        (
            "0521747261702a3d6d6573736167653d696e76616c69642075736572206e616d65206f722070617373776f726420283629000521646f6e6500",
            &[&["!trap", "=message=invalid user name or password (6)"], &["!done"]],
        ),
        ("0521646f6e65253d7265743d393362343338656339623830303537633036646439666536376435366161396100", &[&["!done", "=ret=93b438ec9b80057c06dd9fe67d56aa9a"]]),
        ("0521646f6e65073d7265743d2a35062e7461673d3700", &[&["!done", "=ret=*5", ".tag=7"]]),
        ("0521646f6e65062e7461673d37073d7265743d2a3500", &[&["!done", ".tag=7", "=ret=*5"]]),
        (
            "052174726170423d6d6573736167653d6661696c7572653a20616c72656164792068617665207573657220776974682074686973206e616d6520666f72207468697320736572766572062e7461673d37000521646f6e65062e7461673d3700",
            &[&["!trap", "=message=failure: already have user with this name for this server", ".tag=7"], &["!done", ".tag=7"]],
        ),
        (
            "03217265062e7461673d380e3d2e69643d2a4330413830313032123d757365723d323534373132333435363738133d616464726573733d31302e352e35302e32301e3d6d61632d616464726573733d41413a42423a43433a44443a45453a46460d3d757074696d653d31326d3573193d73657373696f6e2d74696d652d6c6566743d34376d353573113d62797465732d696e3d31303438353736153d62797465732d6f75743d353336383730393132300000",
            &[&[
                "!re",
                ".tag=8",
                "=.id=*C0A80102",
                "=user=254712345678",
                "=address=10.5.50.20",
                "=mac-address=AA:BB:CC:DD:EE:FF",
                "=uptime=12m5s",
                "=session-time-left=47m55s",
                "=bytes-in=1048576",
                "=bytes-out=5368709120",
            ]],
        ),
        (
            "0521747261700b3d63617465676f72793d31343d6d6573736167653d696e70757420646f6573206e6f74206d6174636820616e792076616c7565206f6620696e7465726661636500",
            &[&["!trap", "=category=1", "=message=input does not match any value of interface"]],
        ),
        ("0621666174616c1d73657373696f6e207465726d696e61746564206f6e207265717565737400", &[&["!fatal", "session terminated on request"]]),
        ("0621666174616c0d6e6f74206c6f6767656420696e00", &[&["!fatal", "not logged in"]]),
        (
            "0521747261700b3d63617465676f72793d32143d6d6573736167653d696e746572727570746564062e7461673d32000521646f6e65062e7461673d37000521646f6e65062e7461673d3200",
            &[&["!trap", "=category=2", "=message=interrupted", ".tag=2"], &["!done", ".tag=7"], &["!done", ".tag=2"]],
        ),
        ("0B3D636F6D6D656E743DC3B600", &[&["=comment=ö"]]),
    ];

    fn drain(decoder: &mut Decoder) -> Vec<Sentence> {
        std::iter::from_fn(|| decoder.take().unwrap()).collect()
    }

    fn words(sentences: &[&[&str]]) -> Vec<Sentence> {
        sentences.iter().map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect()).collect()
    }

    #[test]
    fn lengths_are_encoded_as_the_manual_says() {
        for (length, encoded) in LENGTHS {
            let encoded = hex::decode(encoded).unwrap();
            let mut out = Vec::new();
            encode_length(*length, &mut out);
            assert_eq!(out, encoded, "{length:#x}");
            assert_eq!(decode_length(&encoded), Ok(Some((*length, encoded.len()))));
            for cut in 0..encoded.len() {
                assert_eq!(decode_length(&encoded[..cut]), Ok(None), "{length:#x} cut at {cut}");
            }
        }
    }

    #[test]
    fn longer_encodings_than_necessary_are_read() {
        assert_eq!(decode_length(&[0x80, 0x05]), Ok(Some((5, 2))));
        assert_eq!(decode_length(&[0xF0, 0, 0, 0, 5]), Ok(Some((5, 5))));
    }

    #[test]
    fn reserved_first_bytes_are_refused_for_good() {
        for first in 0xF1..=0xFF {
            let mut decoder = Decoder::default();
            decoder.push(&[first]);
            assert_eq!(decoder.take(), Err(CodecError::ReservedByte(first)));
            decoder.push(&[0x05, b'!', b'd', b'o', b'n', b'e', 0]);
            assert_eq!(decoder.take(), Err(CodecError::ReservedByte(first)));
            assert_eq!(decoder.finish(), Err(CodecError::ReservedByte(first)));
        }
    }

    #[test]
    fn sentences_are_read_whole_split_anywhere_and_byte_by_byte() {
        for (bytes, meaning) in SENTENCES {
            let (bytes, meaning) = (hex::decode(bytes).unwrap(), words(meaning));
            for cut in 0..=bytes.len() {
                let mut decoder = Decoder::default();
                decoder.push(&bytes[..cut]);
                let mut read = drain(&mut decoder);
                decoder.push(&bytes[cut..]);
                read.extend(drain(&mut decoder));
                assert_eq!(read, meaning);
                assert_eq!(decoder.finish(), Ok(()));
            }
            let mut decoder = Decoder::default();
            let mut read = Vec::new();
            for byte in &bytes {
                decoder.push(&[*byte]);
                read.extend(drain(&mut decoder));
            }
            assert_eq!(read, meaning);
        }
    }

    #[test]
    fn all_sentences_arrive_from_one_segment() {
        let mut decoder = Decoder::default();
        for (bytes, _) in SENTENCES {
            decoder.push(&hex::decode(bytes).unwrap());
        }
        let all: Vec<_> = SENTENCES.iter().flat_map(|(_, meaning)| words(meaning)).collect();
        assert_eq!(drain(&mut decoder), all);
    }

    #[test]
    fn sentences_are_written_as_captured() {
        let user_add = "142f69702f686f7473706f742f757365722f616464123d6e616d653d3235343731323334353637380e3d70617373776f72643d3946334b0e3d70726f66696c653d31682d354d103d6c696d69742d757074696d653d31681e3d6d61632d616464726573733d41413a42423a43433a44443a45453a46460b3d7365727665723d616c6c173d636f6d6d656e743d7061793a514b3132414233344344062e7461673d3700";
        let mut out = Vec::new();
        encode_sentence(
            &[
                "/ip/hotspot/user/add",
                "=name=254712345678",
                "=password=9F3K",
                "=profile=1h-5M",
                "=limit-uptime=1h",
                "=mac-address=AA:BB:CC:DD:EE:FF",
                "=server=all",
                "=comment=pay:QK12AB34CD",
                ".tag=7",
            ],
            &mut out,
        )
        .unwrap();
        assert_eq!(hex::encode(out), user_add);
    }

    #[test]
    fn an_end_inside_a_sentence_is_an_error() {
        for (bytes, meaning) in SENTENCES.iter().filter(|(_, meaning)| meaning.len() == 1) {
            let bytes = hex::decode(bytes).unwrap();
            let end = bytes.len() - usize::from(bytes.ends_with(&[0, 0]));
            for cut in 1..end {
                let mut decoder = Decoder::default();
                decoder.push(&bytes[..cut]);
                assert_eq!(drain(&mut decoder), Vec::<Sentence>::new(), "{meaning:?}");
                assert_eq!(decoder.finish(), Err(CodecError::Truncated));
            }
        }
    }

    #[test]
    fn stray_empty_sentences_are_passed_over() {
        let mut decoder = Decoder::default();
        decoder.push(&[0, 0, 0, 5, b'!', b'd', b'o', b'n', b'e', 0, 0]);
        assert_eq!(drain(&mut decoder), vec![vec![b"!done".to_vec()]]);
        assert_eq!(decoder.finish(), Ok(()));
    }

    #[test]
    fn a_latin_1_word_does_not_shift_what_follows() {
        let mut decoder = Decoder::default();
        decoder.push(b"\x03!re\x0d=comment=caf\xE9\x00\x05!done\x00");
        let read = drain(&mut decoder);
        assert_eq!(read[0][1], b"=comment=caf\xE9");
        assert_eq!(read[1], vec![b"!done".to_vec()]);
    }

    #[test]
    fn limits_hold_before_memory_is_spent() {
        let mut decoder = Decoder::default();
        decoder.push(&[0xF0, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert!(matches!(decoder.take(), Err(CodecError::WordTooLong(_))));

        let mut decoder = Decoder::default();
        decoder.push(&[1, b'x'].repeat(WORDS_MAX + 1));
        assert_eq!(decoder.take(), Err(CodecError::SentenceTooLong));

        let mut out = Vec::new();
        assert_eq!(encode_sentence(&["/login", ""], &mut out), Err(CodecError::EmptyWord));
        let long = vec![b'x'; WORD_MAX + 1];
        assert_eq!(encode_sentence(&[&long], &mut out), Err(CodecError::WordTooLong(long.len())));
        let word = vec![b'x'; WORD_MAX];
        assert_eq!(encode_sentence(&[&word, &word, &word], &mut out), Err(CodecError::SentenceTooLong));
        assert!(out.is_empty());
    }

    fn sentence() -> impl Strategy<Value = Sentence> {
        let word = prop_oneof![
            8 => prop::collection::vec(any::<u8>(), 1..40),
            2 => prop::collection::vec(any::<u8>(), 120..300),
            1 => (0x3FF0_usize..0x4010).prop_map(|length| vec![0xE9; length]),
        ];
        prop::collection::vec(word, 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read(
            sentences in prop::collection::vec(sentence(), 1..5),
            segment in 1_usize..5000,
        ) {
            let mut bytes = Vec::new();
            for sentence in &sentences {
                encode_sentence(sentence, &mut bytes).unwrap();
            }
            let mut decoder = Decoder::default();
            let mut read = Vec::new();
            for chunk in bytes.chunks(segment) {
                decoder.push(chunk);
                read.extend(drain(&mut decoder));
            }
            prop_assert_eq!(read, sentences);
            prop_assert_eq!(decoder.finish(), Ok(()));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            while let Ok(Some(sentence)) = decoder.take() {
                prop_assert!(!sentence.is_empty());
            }
        }

        #[test]
        fn every_length_survives_the_round_trip(length: u32) {
            let mut out = Vec::new();
            encode_length(length, &mut out);
            prop_assert_eq!(decode_length(&out), Ok(Some((length, out.len()))));
        }
    }
}
