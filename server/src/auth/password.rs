//! Passwords: argon2id with 19 MiB, two passes, one lane. Hashing is slow on purpose, so as many run at once as there
//! are cores, a few wait, and the rest are told to come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// How many may wait for a core.
const QUEUE: usize = 50;
const MEMORY_KIB: u32 = 19 * 1024;

/// The bounded place where passwords are hashed and compared.
pub struct Passwords {
    cores: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    places: usize,
    /// Compared when there is no account, so that an unknown one costs as much time as a known one.
    nobody: String,
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, 2, 1, None).unwrap_or_else(|_| unreachable!("the parameters are constants within argon2's bounds"));
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_now(password: &str) -> Result<String> {
    Ok(argon2().hash_password(password.as_bytes()).map_err(|cause| Error::internal(cause.to_string()))?.to_string())
}

impl Passwords {
    /// As many places as cores.
    #[expect(clippy::new_without_default, reason = "making one hashes a password, which is no default")]
    pub fn new() -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = hash_now("the password of nobody").unwrap_or_default();
        Passwords { cores: Arc::new(Semaphore::new(cores)), inside: Arc::default(), places: cores + QUEUE, nobody }
    }

    /// Whether a new password is one to take: 8 to 128 characters, any script, and not one that everybody uses.
    pub fn acceptable(password: &str) -> Result<(), &'static str> {
        const COMMON: [&str; 20] = [
            "password",
            "password1",
            "password123",
            "12345678",
            "123456789",
            "1234567890",
            "11111111",
            "00000000",
            "qwertyui",
            "qwerty123",
            "iloveyou",
            "sunshine",
            "princess",
            "football",
            "welcome1",
            "admin123",
            "letmein1",
            "abc12345",
            "nairobi1",
            "kenya123",
        ];
        match password.chars().count() {
            0..8 => Err("must have at least 8 characters"),
            129.. => Err("must have at most 128 characters"),
            _ if COMMON.contains(&password.to_lowercase().as_str()) => Err("is one that everybody tries first; choose another"),
            _ => Ok(()),
        }
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: &SecretString) -> Result<String> {
        let password = password.clone();
        self.run(move || hash_now(password.expose_secret())).await?
    }

    /// Whether a password is the one behind a hash; `None` takes as long and is always false.
    pub async fn verify(&self, password: &SecretString, hash: Option<String>) -> Result<bool> {
        let (password, known) = (password.clone(), hash.is_some());
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let equal =
            self.run(move || PasswordHash::new(&hash).is_ok_and(|hash| argon2().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())).await?;
        Ok(equal && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let place = Place::take(&self.inside, self.places)
            .ok_or_else(|| Error::rate_limited("Very many people are signing in right now. Please try again.", Duration::from_secs(2)))?;
        let core = self.cores.clone().acquire_owned().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let _held = (place, core);
            work()
        })
        .await
        .map_err(Error::internal)
    }
}

/// One of the places, given back when dropped, also when the caller has gone.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(inside: &Arc<AtomicUsize>, places: usize) -> Option<Place> {
        inside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| (now < places).then_some(now + 1)).ok().map(|_| Place(inside.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash(&"correct horse".to_owned().into()).await.expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(&"correct horse".to_owned().into(), Some(hash.clone())).await.expect("compares"));
        assert!(!passwords.verify(&"wrong horse".to_owned().into(), Some(hash)).await.expect("compares"));
        assert!(!passwords.verify(&"the password of nobody".to_owned().into(), None).await.expect("compares"));
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["", "short", "password", "PassWord123", "12345678"] {
            assert!(Passwords::acceptable(weak).is_err(), "{weak}");
        }
        assert!(Passwords::acceptable(&"x".repeat(129)).is_err());
        for strong in ["ugali na sukuma", "пароль пароль", "🔒🔒🔒🔒🔒🔒🔒🔒"] {
            assert!(Passwords::acceptable(strong).is_ok(), "{strong}");
        }
    }
}
