//! The wire vectors: lengths at every boundary, what must fail, what is incomplete, and captured sentences cut anywhere.

use super::{AFTER_LOGIN, CodecError, Decoder, Limits, Sentence, read_length, write_length, write_sentence};

const LENGTHS: [(u32, &str); 18] = [
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

/// Sentences as bytes, with the words that they hold. The first two are captures of a RouterOS 7.19.3.
const SENTENCES: [(&str, &[&[u8]]); 19] = [
    (
        "1B2F69702F646863702D7365727665722F6C656173652F7072696E740A2E7461673D31393933360C3D696E74657276616C3D333000",
        &[b"/ip/dhcp-server/lease/print", b".tag=19936", b"=interval=30"],
    ),
    ("0621656D7074790A2E7461673D313939333600", &[b"!empty", b".tag=19936"]),
    ("062f6c6f67696e0b3d6e616d653d61646d696e103d70617373776f72643d73336372657400", &[b"/login", b"=name=admin", b"=password=s3cret"]),
    ("0521646f6e6500", &[b"!done"]),
    (
        "0521747261702a3d6d6573736167653d696e76616c69642075736572206e616d65206f722070617373776f72642028362900",
        &[b"!trap", b"=message=invalid user name or password (6)"],
    ),
    ("0521646f6e65253d7265743d393362343338656339623830303537633036646439666536376435366161396100", &[b"!done", b"=ret=93b438ec9b80057c06dd9fe67d56aa9a"]),
    (
        concat!(
            "142f69702f686f7473706f742f757365722f616464123d6e616d653d3235343731323334353637380e3d70617373776f72643d3946334b",
            "0e3d70726f66696c653d31682d354d103d6c696d69742d757074696d653d31681e3d6d61632d616464726573733d41413a42423a43433a",
            "44443a45453a46460b3d7365727665723d616c6c173d636f6d6d656e743d7061793a514b3132414233344344062e7461673d3700"
        ),
        &[
            b"/ip/hotspot/user/add",
            b"=name=254712345678",
            b"=password=9F3K",
            b"=profile=1h-5M",
            b"=limit-uptime=1h",
            b"=mac-address=AA:BB:CC:DD:EE:FF",
            b"=server=all",
            b"=comment=pay:QK12AB34CD",
            b".tag=7",
        ],
    ),
    ("0521646f6e65073d7265743d2a35062e7461673d3700", &[b"!done", b"=ret=*5", b".tag=7"]),
    ("0521646f6e65062e7461673d37073d7265743d2a3500", &[b"!done", b".tag=7", b"=ret=*5"]),
    ("0621666174616c0d6e6f74206c6f6767656420696e00", &[b"!fatal", b"not logged in"]),
    ("072f63616e63656c063d7461673d32062e7461673d3700", &[b"/cancel", b"=tag=2", b".tag=7"]),
    (
        // A RouterOS 6.42 begins its rows like this.
        "03217265102E7461673D6E65696768626F72732D31083D2E69643D2A323300",
        &[b"!re", b".tag=neighbors-1", b"=.id=*23"],
    ),
    (
        concat!(
            "052174726170423d6d6573736167653d6661696c7572653a20616c72656164792068617665207573",
            "657220776974682074686973206e616d6520666f72207468697320736572766572062e7461673d37",
            "00"
        ),
        &[b"!trap", b"=message=failure: already have user with this name for this server", b".tag=7"],
    ),
    (
        concat!(
            "182f69702f686f7473706f742f6163746976652f7072696e74533d2e70726f706c6973743d2e6964",
            "2c757365722c616464726573732c6d61632d616464726573732c757074696d652c73657373696f6e",
            "2d74696d652d6c6566742c62797465732d696e2c62797465732d6f7574123f757365723d32353437",
            "3132333435363738062e7461673d3800"
        ),
        &[
            b"/ip/hotspot/active/print",
            b"=.proplist=.id,user,address,mac-address,uptime,session-time-left,bytes-in,bytes-out",
            b"?user=254712345678",
            b".tag=8",
        ],
    ),
    (
        concat!(
            "03217265062e7461673d380e3d2e69643d2a4330413830313032123d757365723d32353437313233",
            "3435363738133d616464726573733d31302e352e35302e32301e3d6d61632d616464726573733d41",
            "413a42423a43433a44443a45453a46460d3d757074696d653d31326d3573193d73657373696f6e2d",
            "74696d652d6c6566743d34376d353573113d62797465732d696e3d31303438353736153d62797465",
            "732d6f75743d3533363837303931323000"
        ),
        &[
            b"!re",
            b".tag=8",
            b"=.id=*C0A80102",
            b"=user=254712345678",
            b"=address=10.5.50.20",
            b"=mac-address=AA:BB:CC:DD:EE:FF",
            b"=uptime=12m5s",
            b"=session-time-left=47m55s",
            b"=bytes-in=1048576",
            b"=bytes-out=5368709120",
        ],
    ),
    (
        concat!(
            "0521747261700b3d63617465676f72793d31343d6d6573736167653d696e70757420646f6573206e",
            "6f74206d6174636820616e792076616c7565206f6620696e7465726661636500"
        ),
        &[b"!trap", b"=category=1", b"=message=input does not match any value of interface"],
    ),
    ("0621666174616c1d73657373696f6e207465726d696e61746564206f6e207265717565737400", &[b"!fatal", b"session terminated on request"]),
    (
        "0521747261700b3d63617465676f72793d32143d6d6573736167653d696e746572727570746564062e7461673d3200",
        &[b"!trap", b"=category=2", b"=message=interrupted", b".tag=2"],
    ),
    ("032172650d3d636f6d6d656e743d636166e900", &[b"!re", b"=comment=caf\xE9"]),
];

fn bytes(hex_text: &str) -> Vec<u8> {
    hex::decode(hex_text).unwrap()
}

fn words(expected: &[&[u8]]) -> Sentence {
    expected.iter().map(|word| word.to_vec()).collect()
}

#[test]
fn lengths_are_written_and_read_at_every_boundary() {
    for (length, hex_text) in LENGTHS {
        let mut written = Vec::new();
        write_length(&mut written, length);
        assert_eq!(written, bytes(hex_text), "{length:#x}");
        assert_eq!(read_length(&written), Ok(Some((length, written.len()))));
        for cut in 0..written.len() {
            assert_eq!(read_length(&written[..cut]), Ok(None), "{length:#x} cut at {cut}");
        }
    }
}

#[test]
fn reserved_first_bytes_are_refused() {
    for first in [0xF1, 0xF7, 0xF8, 0xFF] {
        assert_eq!(read_length(&[first, 0, 0, 0, 0]), Err(CodecError::ReservedLength(first)));
        let mut decoder = Decoder::new(AFTER_LOGIN);
        decoder.push(&[first]);
        assert_eq!(decoder.next_sentence(), Err(CodecError::ReservedLength(first)));
    }
}

#[test]
fn a_longer_form_than_needed_is_read() {
    assert_eq!(read_length(&[0x80, 0x05]), Ok(Some((5, 2))));
}

#[test]
fn sentences_are_written_as_captured() {
    for (hex_text, expected) in SENTENCES {
        let mut written = Vec::new();
        write_sentence(&mut written, expected);
        assert_eq!(written, bytes(hex_text));
    }
}

#[test]
fn sentences_survive_a_cut_at_every_byte() {
    for (hex_text, expected) in SENTENCES {
        let whole = bytes(hex_text);
        for cut in 0..=whole.len() {
            let mut decoder = Decoder::new(AFTER_LOGIN);
            decoder.push(&whole[..cut]);
            let early = decoder.next_sentence().unwrap();
            assert_eq!(early.is_some(), cut == whole.len());
            assert_eq!(decoder.is_between_sentences(), cut == 0 || cut == whole.len(), "cut at {cut}");
            decoder.push(&whole[cut..]);
            assert_eq!(early.or(decoder.next_sentence().unwrap()), Some(words(expected)));
        }
    }
}

#[test]
fn sentences_arrive_byte_by_byte_and_all_at_once() {
    let stream: Vec<u8> = SENTENCES.iter().flat_map(|(hex_text, _)| bytes(hex_text)).collect();
    let all: Vec<Sentence> = SENTENCES.iter().map(|(_, expected)| words(expected)).collect();

    let mut at_once = Decoder::new(AFTER_LOGIN);
    at_once.push(&stream);
    let mut single = Decoder::new(AFTER_LOGIN);
    let mut found = (Vec::new(), Vec::new());
    while let Some(sentence) = at_once.next_sentence().unwrap() {
        found.0.push(sentence);
    }
    for byte in &stream {
        single.push(&[*byte]);
        found.1.extend(single.next_sentence().unwrap());
    }
    assert_eq!(found, (all.clone(), all));
}

#[test]
fn stray_empty_sentences_are_passed_over() {
    let mut decoder = Decoder::new(AFTER_LOGIN);
    decoder.push(&[0, 0, 5, b'!', b'd', b'o', b'n', b'e', 0, 0]);
    assert_eq!(decoder.next_sentence(), Ok(Some(words(&[b"!done"]))));
    assert_eq!(decoder.next_sentence(), Ok(None));
    assert!(decoder.is_between_sentences());
}

#[test]
fn utf_8_is_counted_in_bytes() {
    let mut written = Vec::new();
    write_sentence(&mut written, &["=comment=ö".as_bytes()]);
    assert_eq!(written, bytes("0B3D636F6D6D656E743DC3B600"));
}

#[test]
fn limits_are_kept_before_the_word_has_arrived() {
    let mut decoder = Decoder::new(Limits { word_bytes: 8, words: 2 });
    decoder.push(&[9]);
    assert_eq!(decoder.next_sentence(), Err(CodecError::WordTooLong(9)));

    let mut decoder = Decoder::new(Limits { word_bytes: 8, words: 2 });
    decoder.push(&[1, b'a', 1, b'b', 1, b'c', 0]);
    assert_eq!(decoder.next_sentence(), Err(CodecError::TooManyWords));
}
