//! A raw client of the tests: sends words, gives sentences as they come. It knows no more of the API than lengths of two bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use netily_sandbox::routeros::{RouterHandle, RouterSetup};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const USER: &str = "netily";
pub(crate) const PASSWORD: &str = "s3cret";
pub(crate) const MAC: &str = "AA:BB:CC:DD:EE:01";
pub(crate) const IP: &str = "10.5.50.20";

/// Longer than anything here takes; a test that meets it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn setup(dir: Option<&Path>) -> RouterSetup {
    RouterSetup {
        name: "yellow-1".to_owned(),
        username: USER.to_owned(),
        password: PASSWORD.to_owned(),
        identity: "Stand-in".to_owned(),
        dir: dir.map(Path::to_owned),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

pub(crate) async fn router() -> RouterHandle {
    RouterHandle::start(setup(None)).await.unwrap()
}

/// A router and a client that is logged in.
pub(crate) async fn logged_in() -> (RouterHandle, Client) {
    let router = router().await;
    let client = Client::logged_in(&router).await;
    (router, client)
}

pub(crate) struct Client(TcpStream);

/// A sentence as text; bytes that are not UTF-8 are read as latin-1.
pub(crate) type Words = Vec<String>;

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn logged_in(router: &RouterHandle) -> Self {
        let mut client = Self::connect(router.address()).await;
        let login = ["/login".to_owned(), format!("=name={USER}"), format!("=password={PASSWORD}")];
        client.send(&login.each_ref().map(String::as_str)).await;
        assert_eq!(client.sentence().await, Some(vec!["!done".to_owned()]));
        client
    }

    pub(crate) async fn send(&mut self, words: &[&str]) {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.send_raw(&words).await;
    }

    pub(crate) async fn send_raw(&mut self, words: &[&[u8]]) {
        let mut bytes = Vec::new();
        for word in words {
            let length = u16::try_from(word.len()).unwrap();
            match length {
                0..0x80 => bytes.push(length as u8),
                _ => bytes.extend((length | 0x8000).to_be_bytes()),
            }
            bytes.extend_from_slice(word);
        }
        bytes.push(0);
        self.0.write_all(&bytes).await.unwrap();
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next sentence, or `None` when the router has closed the connection.
    pub(crate) async fn sentence(&mut self) -> Option<Words> {
        let read = async {
            let mut words = Vec::new();
            loop {
                let first = self.0.read_u8().await.ok()?;
                let length = match first {
                    0..0x80 => usize::from(first),
                    _ => usize::from(first & 0x3F) << 8 | usize::from(self.0.read_u8().await.ok()?),
                };
                if length == 0 {
                    return Some(words);
                }
                let mut word = vec![0; length];
                self.0.read_exact(&mut word).await.ok()?;
                words.push(text(word));
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the router answers in time")
    }

    /// Sends a command and gives its replies up to `!done`, which is left out when it says nothing.
    pub(crate) async fn ask(&mut self, words: &[&str]) -> Vec<Words> {
        self.send(words).await;
        self.replies().await
    }

    pub(crate) async fn replies(&mut self) -> Vec<Words> {
        let mut replies = Vec::new();
        loop {
            let sentence = self.sentence().await.expect("the connection is open until !done");
            match sentence[0].as_str() {
                "!done" if sentence.len() == 1 => return replies,
                "!done" => {
                    replies.push(sentence);
                    return replies;
                }
                _ => replies.push(sentence),
            }
        }
    }

    /// Adds a row and gives its id.
    pub(crate) async fn add(&mut self, words: &[&str]) -> String {
        let replies = self.ask(words).await;
        let ret = replies[0].iter().find_map(|word| word.strip_prefix("=ret="));
        ret.unwrap_or_else(|| panic!("{words:?} was answered {replies:?}")).to_owned()
    }

    /// Sends a command that is to be refused and gives the trap's message.
    pub(crate) async fn refusal(&mut self, words: &[&str]) -> String {
        let replies = self.ask(words).await;
        assert_eq!(replies.len(), 1, "{replies:?}");
        assert_eq!(replies[0][0], "!trap", "{replies:?}");
        let message = replies[0].iter().find_map(|word| word.strip_prefix("=message="));
        message.unwrap().to_owned()
    }

    /// True when the router closes without a further word.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.sentence().await.is_none()
    }

    /// True when nothing at all comes for a moment.
    pub(crate) async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(150), self.0.read_u8()).await.is_err()
    }
}

/// The only rows of a table in a snapshot.
pub(crate) async fn rows(router: &RouterHandle, table: &str) -> Vec<Value> {
    router.snapshot().await[table].as_array().unwrap().clone()
}

fn text(word: Vec<u8>) -> String {
    String::from_utf8(word).unwrap_or_else(|raw| raw.as_bytes().iter().map(|&byte| char::from(byte)).collect())
}
