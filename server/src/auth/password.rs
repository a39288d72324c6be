//! Passwords: argon2id with 19 MiB, two passes, one lane. Hashing is slow on purpose, so it has threads of its own, one a core and
//! behind everything else that wants the core; a few wait for them, and the rest are told to come back.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::phone::Phone;

/// How many may wait for a core.
const QUEUE: usize = 50;
const MEMORY_KIB: u32 = 19 * 1024;
/// How a hash with the parameters of today begins.
const CURRENT: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// Passwords that everybody tries first, in small letters. Shorter ones than we take are left out.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A thread keeps the memory that argon2 works in for so long: to get it and clear it each time is a tenth of a hash.
const KEEP_MEMORY: Duration = Duration::from_secs(2);

/// What a thread does next, in its memory.
type Work = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// The bounded place where passwords are hashed and compared.
pub struct Passwords {
    threads: mpsc::Sender<Work>,
    inside: Arc<AtomicUsize>,
    places: usize,
    runs: Arc<AtomicU64>,
    /// Compared when there is no account, so that an unknown one costs as much time as a known one.
    nobody: String,
}

/// Letters and digits only, small: `Asha Wanjiru` and `asha.wanjiru` are one word.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a password is made of nothing but what everybody knows of the person: one of the words, two joined, the part of an
/// e-mail address before the @, or a phone number in any form.
fn is_own(password: &str, own: &[&str]) -> bool {
    let mut words: Vec<String> = own.iter().map(|word| bare(word)).collect();
    words.extend(own.iter().filter_map(|word| word.split_once('@')).map(|(name, _)| bare(name)));
    words.retain(|word| !word.is_empty());
    let password = bare(password);
    let national = |text: &str| text.parse::<Phone>().map(|phone| phone.digits().to_owned());
    words.iter().any(|word| *word == password || national(word).is_ok_and(|phone| national(&password) == Ok(phone)))
        || words.iter().any(|first| words.iter().any(|second| format!("{first}{second}") == password))
}

/// A PHC string of the parameters of today and a new salt.
fn hash_now(password: &str, memory: &mut Vec<Block>) -> Result<String> {
    hash_with(password, Params::new(MEMORY_KIB, 2, 1, None).map_err(failed)?, memory)
}

fn hash_with(password: &str, params: Params, memory: &mut Vec<Block>) -> Result<String> {
    let mut salt = [0u8; Salt::RECOMMENDED_LENGTH];
    rand::rng().fill_bytes(&mut salt);
    let (written, mut out) = (ParamsString::try_from(&params).map_err(failed)?, [0u8; Params::DEFAULT_OUTPUT_LEN]);
    fill(&Argon2::new(Algorithm::Argon2id, Version::V0x13, params), password, &salt, &mut out, memory)?;
    let (salt, hash) = (Salt::new(&salt).map_err(failed)?, Output::new(&out).map_err(failed)?);
    let hash =
        PasswordHash { algorithm: Algorithm::Argon2id.ident(), version: Some(Version::V0x13.into()), params: written, salt: Some(salt), hash: Some(hash) };
    Ok(hash.to_string())
}

/// Whether a password is the one behind a hash, with the parameters that are written in it. A hash that cannot be read is nobody's.
fn is_behind(password: &str, hash: &str, memory: &mut Vec<Block>) -> bool {
    let read = || -> Option<(Argon2<'static>, PasswordHash)> {
        let hash = PasswordHash::new(hash).ok()?;
        let version = Version::try_from(hash.version?).ok()?;
        Some((Argon2::new(Algorithm::try_from(hash.algorithm.as_str()).ok()?, version, Params::try_from(&hash).ok()?), hash))
    };
    let Some((argon2, PasswordHash { salt: Some(salt), hash: Some(wanted), .. })) = read() else { return false };
    let mut out = [0u8; Output::MAX_LENGTH];
    let Some(out) = out.get_mut(..wanted.len()) else { return false };
    // Outputs compare in a time that tells nothing.
    fill(&argon2, password, &salt, out, memory).is_ok_and(|()| Output::new(out).is_ok_and(|output| output == wanted))
}

/// One run of argon2. The first pass writes every block before it is read, so nothing of an earlier run has a part in it.
fn fill(argon2: &Argon2<'_>, password: &str, salt: &[u8], out: &mut [u8], memory: &mut Vec<Block>) -> Result<()> {
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, memory).map_err(failed)
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::internal(cause.to_string())
}

impl Passwords {
    /// As many threads as cores. They end with it.
    #[expect(clippy::new_without_default, reason = "making one hashes a password, which is no default")]
    pub fn new() -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = hash_now("the password of nobody", &mut Vec::new()).unwrap_or_default();
        let (threads, work) = mpsc::channel();
        let work = Arc::new(Mutex::new(work));
        for _ in 0..cores {
            let work = work.clone();
            // Without any thread, every call says that it could not be done.
            if let Err(cause) = std::thread::Builder::new().name("passwords".to_owned()).spawn(move || hash_all(&work)) {
                tracing::error!(%cause, "a thread for passwords could not be started");
            }
        }
        Passwords { threads, inside: Arc::default(), places: cores + QUEUE, runs: Arc::default(), nobody }
    }

    /// Whether a new password is one to take: 8 to 128 characters, any script, not one that everybody uses, and not one of the person's
    /// `own` words: names, e-mail address, phone number.
    pub fn acceptable(password: &str, own: &[&str]) -> Result<(), &'static str> {
        match password.chars().count() {
            0..8 => Err("must have at least 8 characters"),
            129.. => Err("must have at most 128 characters"),
            _ if COMMON.contains(password.to_lowercase().as_str()) => Err("is one that everybody tries first; choose another"),
            _ if is_own(password, own) => Err("must not be your name, e-mail address or phone number"),
            _ => Ok(()),
        }
    }

    /// Whether a hash was made with other parameters than those of today.
    pub fn is_outdated(hash: &str) -> bool {
        !hash.starts_with(CURRENT)
    }

    /// How many passwords have been hashed or compared: the work that was done.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: &SecretString) -> Result<String> {
        let password = password.clone();
        self.run(move |memory| hash_now(password.expose_secret(), memory)).await?
    }

    /// Whether a password is the one behind a hash; `None` takes as long and is always false.
    pub async fn verify(&self, password: &SecretString, hash: Option<String>) -> Result<bool> {
        let (password, known) = (password.clone(), hash.is_some());
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let equal = self.run(move |memory| is_behind(password.expose_secret(), &hash, memory)).await?;
        Ok(equal && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static) -> Result<T> {
        let place = Place::take(&self.inside, self.places)
            .ok_or_else(|| Error::rate_limited("Very many people are signing in right now. Please try again.", Duration::from_secs(2)))?;
        let (runs, (answer, answered)) = (self.runs.clone(), oneshot::channel());
        let work: Work = Box::new(move |memory| {
            // Whoever asked may have gone; then nobody need wait for it.
            if !answer.is_closed() {
                runs.fetch_add(1, Ordering::Relaxed);
                let done = work(memory);
                drop(place);
                drop(answer.send(done));
            }
        });
        self.threads.send(work).map_err(|_| Error::internal("no thread hashes passwords"))?;
        answered.await.map_err(|_| Error::internal("a password was not hashed"))
    }
}

/// Says so, where the priority of the threads is worth little: Linux's automatic groups, made for desktops, give every session an equal share of a
/// core, and each connection of PostgreSQL is a session. A priority counts within a session only.
pub fn tell_of_groups() {
    if std::fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").is_ok_and(|set| set.trim() == "1") {
        tracing::info!(
            "kernel.sched_autogroup_enabled is 1: if PostgreSQL runs on this machine, it waits behind passwords; set it to 0, see docs/OPERATIONS.md"
        );
    }
}

/// The life of one thread. It yields its core to whatever else wants it, so that a flood of sign-ins slows sign-ins most. (The
/// scheduling class for idle work was tried: no shorter waits for others, and a fifth fewer sign-ins.)
fn hash_all(work: &Mutex<mpsc::Receiver<Work>>) {
    const LAST: i32 = 19;
    if let Err(cause) = rustix::process::nice(LAST) {
        tracing::warn!(%cause, "passwords are hashed with the priority of everything else");
    }
    let mut memory = Vec::new();
    loop {
        let next = {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner);
            if memory.is_empty() { work.recv().map_err(RecvTimeoutError::from) } else { work.recv_timeout(KEEP_MEMORY) }
        };
        match next {
            // Whoever waits for it is told by the end of its channel; the thread is there for the next.
            Ok(next) => {
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| next(&mut memory))).is_err() {
                    tracing::error!("hashing a password panicked");
                }
            }
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
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
    use argon2::PasswordVerifier as _;

    use super::*;

    #[test]
    fn memory_that_was_used_before_makes_the_hashes_that_new_memory_makes() {
        let mut memory = Vec::new();
        for (password, kib, passes, lanes) in [("correct horse", 64, 1, 1), ("battery staple", 32, 3, 2), ("ugali na sukuma", 128, 2, 4), ("пароль", 64, 2, 1)]
        {
            let params = Params::new(kib, passes, lanes, None).expect("parameters");
            let hash = hash_with(password, params, &mut memory).expect("hashes");
            // The library compares in memory of its own.
            assert_eq!(Argon2::default().verify_password(password.as_bytes(), hash.as_str()), Ok(()), "{hash}");
            assert!(is_behind(password, &hash, &mut memory));
            assert!(!is_behind("another", &hash, &mut memory));
        }
        for unreadable in ["", "plain", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ", "$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(!is_behind("", unreadable, &mut memory), "{unreadable}");
        }
    }

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
            assert!(Passwords::acceptable(weak, &[]).is_err(), "{weak}");
        }
        assert!(Passwords::acceptable(&"x".repeat(129), &[]).is_err());
        for strong in ["ugali na sukuma", "пароль пароль", "🔒🔒🔒🔒🔒🔒🔒🔒"] {
            assert!(Passwords::acceptable(strong, &["", "Asha"]).is_ok(), "{strong}");
        }
    }

    #[test]
    fn common_passwords_are_small_letters_that_length_alone_lets_pass() {
        assert!(COMMON.len() > 300, "{}", COMMON.len());
        for common in COMMON.iter() {
            assert!((8..=128).contains(&common.chars().count()) && common.to_lowercase() == **common, "{common}");
        }
    }

    #[test]
    fn what_everybody_knows_of_a_person_is_no_password() {
        let own = ["Wanjiru", "Njoroge", "w.njoroge@yellow.example", "254722000001"];
        for known in ["WanjiruNjoroge", "njoroge wanjiru", "wnjoroge", "w.njoroge@yellow.example", "0722000001", "+254 722 000 001", "254722000001"] {
            assert_eq!(Passwords::acceptable(known, &own), Err("must not be your name, e-mail address or phone number"), "{known}");
        }
        for other in ["wanjiru na ugali", "0722000002", "njoroge wa maziwa"] {
            assert!(Passwords::acceptable(other, &own).is_ok(), "{other}");
        }
    }

    #[tokio::test]
    async fn work_is_counted_and_old_parameters_are_noticed() {
        let passwords = Passwords::new();
        let hash = passwords.hash(&"correct horse".to_owned().into()).await.expect("hashes");
        assert!(!passwords.verify(&"correct horse".to_owned().into(), None).await.expect("compares"));
        assert_eq!(passwords.runs(), 2, "an account that is none costs as much");
        assert!(!Passwords::is_outdated(&hash));
        let old = hash_with("correct horse", Params::new(8, 1, 1, None).expect("parameters"), &mut Vec::new()).expect("hashes");
        assert!(Passwords::is_outdated(&old));
        assert!(passwords.verify(&"correct horse".to_owned().into(), Some(old)).await.expect("compares"), "and still opens");
    }
}
