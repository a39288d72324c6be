//! Secrets at rest: XChaCha20-Poly1305 with a key id, bound to the row that holds them, so that a sealed value copied
//! to another row does not open. Sealed form: key id (1 byte) ‖ nonce (24) ‖ ciphertext and tag.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Error, Result};

/// The keys that secrets are sealed with. The first seals; all open.
pub struct Seal {
    keys: Vec<(u8, XChaCha20Poly1305)>,
}

impl Seal {
    /// From key ids and 32-byte keys; at least one.
    pub fn new(keys: &[(u8, [u8; 32])]) -> Seal {
        assert!(!keys.is_empty(), "a seal needs a key");
        Seal { keys: keys.iter().map(|(id, key)| (*id, XChaCha20Poly1305::new(key.into()))).collect() }
    }

    /// Seals a secret for one row; `row` is its table and ids as text.
    pub fn seal(&self, row: &str, secret: &SecretString) -> Result<Vec<u8>> {
        let (id, cipher) = &self.keys[0];
        let mut nonce = [0u8; 24];
        rand::rng().fill_bytes(&mut nonce);
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: secret.expose_secret().as_bytes(), aad: row.as_bytes() })
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok([&[*id][..], &nonce, &sealed].concat())
    }

    /// What a row holds, sealed anew with the first key; `None` when it is so already.
    pub fn reseal(&self, row: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        let secret = self.open(row, sealed)?;
        if sealed.first() == Some(&self.keys[0].0) { Ok(None) } else { self.seal(row, &secret).map(Some) }
    }

    /// Opens what was sealed for the same row.
    pub fn open(&self, row: &str, sealed: &[u8]) -> Result<SecretString> {
        let broken = || Error::internal(format!("the sealed secret of {row} does not open"));
        let (id, rest) = sealed.split_first().ok_or_else(broken)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<24>().ok_or_else(broken)?;
        let (_, cipher) = self.keys.iter().find(|(key, _)| key == id).ok_or_else(broken)?;
        let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: row.as_bytes() }).map_err(|_| broken())?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_in_its_own_row_only() {
        let old = Seal::new(&[(1, [1; 32])]);
        let rotated = Seal::new(&[(2, [2; 32]), (1, [1; 32])]);
        let sealed = old.seal("router/a", &"s3cret".to_owned().into()).expect("seals");
        assert_eq!(rotated.open("router/a", &sealed).expect("opens").expose_secret(), "s3cret");
        assert!(rotated.open("router/b", &sealed).is_err());
        assert_eq!(old.reseal("router/a", &sealed).expect("opens"), None, "sealed with the first key already");
        let anew = rotated.reseal("router/a", &sealed).expect("opens").expect("is sealed anew");
        assert_eq!(Seal::new(&[(2, [2; 32])]).open("router/a", &anew).expect("opens without the old key").expose_secret(), "s3cret");
        let mut cut = sealed.clone();
        cut.pop();
        assert!(rotated.open("router/a", &cut).is_err());
        assert!(!sealed.windows(6).any(|window| window == b"s3cret"));
    }
}
