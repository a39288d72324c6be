//! One authenticated connection to one router and one command at a time on it: login, deadlines, which reply is ours.
//! It never retries and never reconnects; after any doubt about the state of the stream it refuses to be used again.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use md5::{Digest, Md5};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::codec::{Decoder, Sentence, encode_sentence};
use super::error::Error;
use super::reply::{Kind, ReplySentence, Row};
use super::tls::{self, Fingerprint};

#[cfg(test)]
mod tests;

/// Bytes of data one command may answer with. Ten thousand rows of what we ask for take a tenth of it.
const REPLY_MAX: usize = 16 << 20;

/// Where a router is and who we are to it. The address was resolved and judged by the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Address and port of the service `api` (8728) or `api-ssl` (8729).
    pub address: SocketAddr,
    /// The pinned certificate of `api-ssl`; `None` speaks plainly, which belongs inside a tunnel only.
    pub tls: Option<Fingerprint>,
    /// A user of a group with `api,read,write` and nothing else.
    pub username: String,
    /// Its password. RouterOS wants it in the clear, which is why the pin matters.
    pub password: String,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("address", &self.address).field("tls", &self.tls).field("username", &self.username).finish_non_exhaustive()
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For TCP and TLS together.
    pub connect: Duration,
    /// For one command from its first byte out to the last byte in; the login takes one, on old routers two.
    pub command: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), command: Duration::from_secs(10) }
    }
}

/// One command: a path such as `/ip/hotspot/user/print`, attributes and queries, in the order they are added.
#[derive(Clone, PartialEq, Eq)]
pub struct Command(Vec<String>);

impl Command {
    /// Starts a command.
    #[must_use]
    pub fn new(path: &'static str) -> Self {
        Self(vec![path.to_owned()])
    }

    /// Adds `=name=value`. The value may hold anything: its length is sent before it.
    #[must_use]
    pub fn set(self, name: &str, value: impl fmt::Display) -> Self {
        self.word(format!("={name}={value}"))
    }

    /// Names the properties to be sent back. Without it routers compute slow ones that nobody reads.
    #[must_use]
    pub fn proplist(self, names: &[&str]) -> Self {
        self.set(".proplist", names.join(","))
    }

    /// Adds the query `?name=value`: only rows of which this is true.
    #[must_use]
    pub fn equals(self, name: &str, value: impl fmt::Display) -> Self {
        self.word(format!("?{name}={value}"))
    }

    /// Adds the query `?#|`: of the two queries before it, either suffices.
    #[must_use]
    pub fn either(self) -> Self {
        self.word("?#|".to_owned())
    }

    fn word(mut self, word: String) -> Self {
        self.0.push(word);
        self
    }
}

/// The path only: attributes may hold passwords.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.first().map_or("", String::as_str))
    }
}

/// All a router answered to one command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The rows of `!re`, in the router's order.
    pub rows: Vec<Row>,
    /// `ret` of `!done`: the id after an `add`.
    pub ret: Option<String>,
}

/// What a connection runs over: TCP, TLS, or a pipe in tests.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A logged-in connection. Dropping it hangs up. One that errs with anything but [`Error::Trap`], or whose call is dropped
/// half-way, answers [`Error::Closed`] from then on, since what comes next on the stream could belong to the old command.
pub struct Connection {
    stream: Box<dyn Wire>,
    decoder: Decoder,
    deadlines: Deadlines,
    tags: u64,
    usable: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("usable", &self.usable).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`], [`Error::TimedOut`], [`Error::TlsMismatch`], [`Error::Tls`],
    /// [`Error::LoginRefused`], [`Error::Fatal`], [`Error::Closed`], [`Error::Protocol`].
    pub async fn connect(endpoint: &Endpoint, deadlines: Deadlines) -> Result<Self, Error> {
        let stream = timeout(deadlines.connect, open(endpoint)).await.map_err(|_| Error::TimedOut)??;
        Self::over(stream, &endpoint.username, &endpoint.password, deadlines).await
    }

    /// Whether another call has a chance; if not, connect anew.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    /// Sends one command and waits for its end.
    ///
    /// # Errors
    /// [`Error::Trap`] when the router refuses it; [`Error::TimedOut`], [`Error::Fatal`], [`Error::Closed`] and
    /// [`Error::Protocol`], after which the connection is of no use.
    pub async fn call(&mut self, command: &Command) -> Result<Reply, Error> {
        self.tags += 1;
        let tag = self.tags.to_string();
        let mut words = command.0.clone();
        words.push(format!(".tag={tag}"));
        let reply = self.exchange(&words, Some(tag.as_bytes())).await;
        tracing::trace!(command = ?command, ok = reply.is_ok(), "routeros command");
        reply
    }

    pub(super) async fn over(stream: Box<dyn Wire>, username: &str, password: &str, deadlines: Deadlines) -> Result<Self, Error> {
        let decoder = Decoder::default();
        let mut connection = Self { stream, decoder, deadlines, tags: 0, usable: true };
        connection.log_in(username, password).await.map_err(as_login_error)?;
        Ok(connection)
    }

    /// 6.43 and later take the password in the clear and answer `!done` without `ret`. Older ones answer it with `ret`, a
    /// challenge for MD5. So does 7.20.8 when it saw no password, without anybody being logged in: whoever still gets a
    /// `ret` after the fallback is not in.
    async fn log_in(&mut self, username: &str, password: &str) -> Result<(), Error> {
        let plain = ["/login".to_owned(), format!("=name={username}"), format!("=password={password}")];
        let Some(challenge) = self.exchange(&plain, None).await?.ret else {
            return Ok(());
        };
        let response = respond(&challenge, password).ok_or_else(|| Error::Protocol("the login challenge is not 16 bytes in hex".to_owned()))?;
        let hashed = ["/login".to_owned(), format!("=name={username}"), format!("=response={response}")];
        match self.exchange(&hashed, None).await?.ret {
            None => Ok(()),
            Some(_) => Err(Error::LoginRefused("the router keeps asking for a challenge".to_owned())),
        }
    }

    async fn exchange(&mut self, words: &[String], tag: Option<&[u8]>) -> Result<Reply, Error> {
        if !self.usable {
            return Err(Error::Closed);
        }
        let mut request = Vec::new();
        encode_sentence(words, &mut request)?;
        // Until its `!done` is seen nobody may use the stream again, not even if this future is dropped.
        self.usable = false;
        timeout(self.deadlines.command, self.converse(&request, tag)).await.map_err(|_| Error::TimedOut)?
    }

    async fn converse(&mut self, request: &[u8], tag: Option<&[u8]>) -> Result<Reply, Error> {
        self.stream.write_all(request).await.map_err(|_| Error::Closed)?;
        self.stream.flush().await.map_err(|_| Error::Closed)?;
        let mut reply = Reply::default();
        let mut size = 0;
        let mut refusal = None;
        loop {
            let sentence = self.read().await?;
            let said = ReplySentence::parse(&sentence).ok_or_else(|| not_routeros(&sentence))?;
            if said.kind == Kind::Fatal {
                return Err(Error::Fatal(said.message()));
            }
            if said.tag.as_deref() != tag {
                // A trap without a tag is about a sentence the router could not even read the tag of: ours.
                if said.kind == Kind::Trap && said.tag.is_none() {
                    return Err(trap(&said));
                }
                continue;
            }
            match said.kind {
                Kind::Row => {
                    size += said.row.size();
                    if size > REPLY_MAX {
                        return Err(Error::Protocol("the answer is longer than allowed".to_owned()));
                    }
                    reply.rows.push(said.row);
                }
                Kind::Trap => refusal = refusal.or_else(|| Some(trap(&said))),
                Kind::Empty | Kind::Fatal => {}
                Kind::Done => {
                    self.usable = true;
                    reply.ret = said.row.text("ret").map(|ret| ret.into_owned());
                    return refusal.map_or(Ok(reply), Err);
                }
            }
        }
    }

    async fn read(&mut self) -> Result<Sentence, Error> {
        loop {
            if let Some(sentence) = self.decoder.take()? {
                return Ok(sentence);
            }
            let mut segment = [0; 4096];
            let count = self.stream.read(&mut segment).await.map_err(|_| Error::Closed)?;
            if count == 0 {
                self.decoder.finish()?;
                return Err(Error::Closed);
            }
            self.decoder.push(&segment[..count]);
        }
    }
}

async fn open(endpoint: &Endpoint) -> Result<Box<dyn Wire>, Error> {
    let tcp = TcpStream::connect(endpoint.address).await.map_err(|error| unreachable(&error))?;
    // Commands are small and each waits for its answer; Nagle's algorithm would only add latency.
    tcp.set_nodelay(true).map_err(|error| unreachable(&error))?;
    match endpoint.tls {
        None => Ok(Box::new(tcp)),
        Some(pinned) => Ok(Box::new(tls::handshake(tcp, endpoint.address.ip(), pinned).await?)),
    }
}

fn unreachable(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::Refused,
        io::ErrorKind::TimedOut => Error::TimedOut,
        _ => Error::Unreachable(error.to_string()),
    }
}

fn as_login_error(error: Error) -> Error {
    match error {
        Error::Trap { message, .. } => Error::LoginRefused(message),
        Error::Fatal(reason) if reason.contains("not logged in") => Error::LoginRefused(reason),
        other => other,
    }
}

/// `00` and hex(MD5(`00` ‖ password ‖ challenge)), MikroTik's login before 6.43.
fn respond(challenge: &str, password: &str) -> Option<String> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(challenge, &mut bytes).ok()?;
    let digest = Md5::new().chain_update([0]).chain_update(password).chain_update(bytes).finalize();
    Some(format!("00{}", hex::encode(digest)))
}

fn trap(said: &ReplySentence) -> Error {
    let category = said.row.text("category").and_then(|category| category.parse().ok());
    Error::Trap { category, message: said.message() }
}

fn not_routeros(sentence: &Sentence) -> Error {
    let first = sentence.first().map(Vec::as_slice).unwrap_or_default();
    let shown = String::from_utf8_lossy(&first[..first.len().min(32)]).into_owned();
    Error::Protocol(format!("no reply begins with {shown:?}"))
}
