//! The wire between the server and PostgreSQL, which can be cut exactly between a commit and its answer. It reads the
//! messages of PostgreSQL's protocol, and changes none.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf as FromClient, OwnedWriteHalf as ToClient};
use tokio::net::unix::{OwnedReadHalf as FromServer, OwnedWriteHalf as ToServer};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// The wire. It ends with the test's runtime.
pub struct Wire {
    url: SecretString,
    scissors: Arc<Mutex<Scissors>>,
}

#[derive(Default)]
struct Scissors {
    /// Commits that are still let through before the cut.
    before: Option<usize>,
    cut: bool,
}

impl Scissors {
    /// Whether the answer to the commit that just happened is cut off.
    fn at_commit(&mut self) -> bool {
        match self.before {
            Some(0) => {
                (self.before, self.cut) = (None, true);
                true
            }
            Some(more) => {
                self.before = Some(more - 1);
                false
            }
            None => false,
        }
    }
}

impl Wire {
    /// A wire to the database at this address, which must be one of a test's own cluster: `postgres://role@%2Ffolder:port/name`.
    pub async fn to(database: &SecretString) -> Wire {
        let (role, rest) = database.expose_secret().strip_prefix("postgres://").and_then(|url| url.split_once('@')).expect("a role");
        let (place, name) = rest.split_once('/').expect("the name of a database");
        let (folder, port) = place.rsplit_once(':').expect("a port");
        let socket = PathBuf::from(percent_decoded(folder)).join(format!(".s.PGSQL.{port}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("its address");
        let scissors = Arc::new(Mutex::new(Scissors::default()));
        let url = format!("postgres://{role}@{address}/{name}").into();
        let shared = scissors.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, socket.clone(), shared.clone()));
            }
        });
        Wire { url, scissors }
    }

    /// The address of the database at the other end.
    pub(crate) fn url(&self) -> &SecretString {
        &self.url
    }

    /// Cuts the connection whose commit is number `n` from now on, the first being 0, after PostgreSQL has done it and
    /// before its answer goes out. The end of a transaction that only reads is none: there are more or fewer of them as time passes,
    /// and what is cut must not depend on how fast the machine is.
    pub fn cut_at(&self, n: usize) {
        *self.scissors() = Scissors { before: Some(n), cut: false };
    }

    /// Whether that has happened. If not, it will not any more.
    pub fn end(&self) -> bool {
        let mut scissors = self.scissors();
        scissors.before = None;
        scissors.cut
    }

    fn scissors(&self) -> std::sync::MutexGuard<'_, Scissors> {
        self.scissors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let hex = more.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).expect("a folder in UTF-8")
}

/// Either end may go at any time: that is no fault of the test.
async fn carry(client: TcpStream, socket: PathBuf, scissors: Arc<Mutex<Scissors>>) {
    let Ok(server) = UnixStream::connect(socket).await else { return };
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let reading = AtomicBool::new(false);
    tokio::select! {
        _ = ask(from_client, to_server, &reading) => {}
        _ = answer(from_server, to_client, &scissors, &reading) => {}
    }
}

/// Carries questions message by message and notes whether the transaction that began last may only read. The very first message has
/// no byte that names it.
async fn ask(mut from: FromClient, mut to: ToServer, reading: &AtomicBool) -> io::Result<()> {
    let mut named = false;
    loop {
        let mut head = vec![0; 4 + usize::from(named)];
        from.read_exact(&mut head).await?;
        let length = head.last_chunk().map_or(0, |four| u32::from_be_bytes(*four));
        let mut body = vec![0; usize::try_from(length).unwrap_or_default().saturating_sub(4)];
        from.read_exact(&mut body).await?;
        if named && head[0] == b'Q' && body.starts_with(b"BEGIN") {
            reading.store(String::from_utf8_lossy(&body).contains("READ ONLY"), Ordering::Relaxed);
        }
        to.write_all(&head).await?;
        to.write_all(&body).await?;
        named = true;
    }
}

/// Carries answers message by message: a byte that names it, and its length. From the first `CommandComplete` to
/// `ReadyForQuery` they are held back, since only the latter tells that the transaction is over.
async fn answer(mut from: FromServer, mut to: ToClient, scissors: &Mutex<Scissors>, reading: &AtomicBool) -> io::Result<()> {
    let (mut held, mut committed, mut wrote, mut told, mut in_block) = (Vec::new(), false, false, false, false);
    loop {
        let mut head = [0; 5];
        from.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut body = vec![0; usize::try_from(length).unwrap_or_default().saturating_sub(4)];
        from.read_exact(&mut body).await?;
        // A function that writes answers with one array; an empty one, which is 12 bytes, has written nothing.
        told |= head[0] == b'D' && body.starts_with(&[0, 1]) && body.len() > 2 + 4 + 12;
        let complete = head[0] == b'C';
        if complete {
            let tag = String::from_utf8_lossy(&body);
            let tag = tag.trim_end_matches('\0');
            committed |= tag == "COMMIT";
            wrote |= ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| tag.starts_with(verb)) && !tag.ends_with(" 0");
            wrote |= told && !in_block && tag.starts_with("SELECT");
        }
        if complete || !held.is_empty() {
            held.extend(head);
            held.extend(&body);
        } else {
            to.write_all(&head).await?;
            to.write_all(&body).await?;
        }
        if head[0] == b'Z' {
            // A statement outside of a block is a transaction by itself.
            let ended = body == b"I" && ((committed && !reading.load(Ordering::Relaxed)) || (wrote && !in_block));
            if ended && scissors.lock().unwrap_or_else(PoisonError::into_inner).at_commit() {
                return Ok(());
            }
            to.write_all(&held).await?;
            held.clear();
            (committed, wrote, told, in_block) = (false, false, false, body != b"I");
        }
    }
}
