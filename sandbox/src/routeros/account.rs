//! Login of an API client, new and old manner (before RouterOS 6.43). Decides who is in; knows no command but `/login`.

use md5::{Digest, Md5};

use super::reply::{Reply, Trap};
use super::request::Request;

/// The router's API account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub username: String,
    pub password: String,
}

/// How far a connection has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing has been said yet.
    Stranger,
    /// A challenge was given; `!done` alone did not mean "logged in".
    Challenged([u8; 16]),
    /// In.
    Member,
}

impl Account {
    /// Answers one `/login` and says where the connection stands now. A refused client may try again: RouterOS has no lockout.
    pub(super) fn log_in(&self, standing: &Standing, request: &Request, is_legacy: bool) -> (Standing, Vec<Reply>) {
        let name = request.text("name").unwrap_or_default();
        let (granted, message) = match (is_legacy, standing, request.value("response"), request.value("password")) {
            (true, Standing::Challenged(challenge), Some(given), _) => (self.is_response(&name, challenge, given), "cannot log in"),
            (false, _, None, Some(password)) => (name == self.username && password == self.password.as_bytes(), "invalid user name or password (6)"),
            // From 6.45 on the old response is refused like a wrong password.
            (false, _, Some(_), _) => (false, "invalid user name or password (6)"),
            _ => return challenge(),
        };
        match granted {
            true => (Standing::Member, vec![Reply::done()]),
            false => (Standing::Stranger, vec![Reply::Trap(Trap::general(message)), Reply::done()]),
        }
    }

    fn is_response(&self, name: &str, challenge: &[u8; 16], given: &[u8]) -> bool {
        name == self.username && response(&self.password, challenge).as_bytes() == given.to_ascii_lowercase()
    }
}

fn challenge() -> (Standing, Vec<Reply>) {
    let bytes: [u8; 16] = rand::random();
    let ret = ("ret".to_owned(), hex::encode(bytes).into_bytes());
    (Standing::Challenged(bytes), vec![Reply::Done(vec![ret])])
}

/// `00` and the hex of MD5(zero byte, password, challenge).
fn response(password: &str, challenge: &[u8]) -> String {
    let digest = Md5::new().chain_update([0]).chain_update(password).chain_update(challenge).finalize();
    format!("00{}", hex::encode(digest))
}

#[cfg(test)]
mod tests {
    use super::response;

    #[test]
    fn the_manuals_challenge_gives_the_manuals_response() {
        let challenge = hex::decode("93b438ec9b80057c06dd9fe67d56aa9a").unwrap();
        assert_eq!(response("", &challenge), "00e134102a9d330dd7b1849fedfea3cb57");
        assert_eq!(response("s3cret", &challenge), "0051aad1282e369c805f23ef1cef0f7712");
    }
}
