//! The password as a router wants it that allows `http-chap` only. MikroTik's own login page computes it by script;
//! ours has none, so the server does. Pure.

use md5::{Digest as _, Md5};

/// `hex(MD5(chap-id ‖ password ‖ chap-challenge))`, the answer of MikroTik's `login.html`. Both variables as the router
/// printed them: each byte an octal escape such as `\371`.
pub fn answer(chap_id: &str, password: &str, chap_challenge: &str) -> String {
    let mut digest = Md5::new();
    digest.update(bytes_of(chap_id));
    digest.update(password.as_bytes());
    digest.update(bytes_of(chap_challenge));
    hex::encode(digest.finalize())
}

/// Decodes `\` and three octal digits to a byte; everything else stands for itself.
fn bytes_of(printed: &str) -> Vec<u8> {
    let mut rest = printed.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((&first, after)) = rest.split_first() {
        let (byte, left) = escape(rest).unwrap_or((first, after));
        bytes.push(byte);
        rest = left;
    }
    bytes
}

/// The byte of an escape at the start, and what follows it. `\400` and above are no bytes.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (escape, rest) = text.split_at_checked(4)?;
    match escape {
        [b'\\', high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7'] => Some(((high - b'0') * 64 + (middle - b'0') * 8 + (low - b'0'), rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_manual_is_answered() {
        let challenge = r"\357\015\330\013\021\234\145\245\303\253\142\246\133\175\375\316";
        assert_eq!(answer(r"\371", "secret", challenge), "e5627b636f982d6233d0cf5931d404c2");
    }

    #[test]
    fn escapes_are_three_octal_digits_and_the_rest_is_raw() {
        for (printed, wanted) in [
            (r"\371", &[0o371][..]),
            (r"\000\377", &[0, 255]),
            (r"a\0071", &[b'a', 7, b'1']),
            (r"\400", b"\\400"),
            (r"\38", b"\\38"),
            (r"\", b"\\"),
            (r"\\101", b"\\A"),
            ("", b""),
        ] {
            assert_eq!(bytes_of(printed), wanted, "{printed}");
        }
    }
}
