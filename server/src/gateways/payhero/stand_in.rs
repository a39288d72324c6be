//! A scripted HTTP server on loopback for the tests of this folder: one reply a connection.
//! It speaks bytes, so that it can cut, hang and overflow where a real server would not.

use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Generation, Payhero, Settings};

/// Settings that work, with short limits.
pub(super) fn settings(base_url: &str, generation: Generation) -> Settings {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another test module may have been first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Settings {
        base_url: base_url.to_owned(),
        auth: "dXNlcjpwYXNz".to_owned().into(),
        generation,
        channel_id: Some(4021),
        account_id: Some(7),
        payout_channel_id: Some(16990),
        provider: "m-pesa".to_owned(),
        network_code: None,
        connect_timeout: Duration::from_secs(1),
        total_timeout: Duration::from_secs(2),
    }
}

/// What the server does with one connection.
#[derive(Clone)]
pub(super) enum Reply {
    /// Sends these bytes and closes.
    Raw(String),
    /// Sends these bytes and stays silent.
    RawThenHang(String),
    /// Reads and stays silent.
    Hang,
}

impl Reply {
    pub(super) fn raw(bytes: &str) -> Self {
        Self::Raw(bytes.to_owned())
    }

    pub(super) fn json(status: u16, body: &str) -> Self {
        Self::Raw(format!("HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()))
    }
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) line: String,
    head: String,
    body: String,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Log {
    requests: Vec<Asked>,
    connections: usize,
}

/// The running server. It ends with the test's runtime.
pub(super) struct StandIn {
    pub(super) url: String,
    log: Arc<Mutex<Log>>,
}

impl StandIn {
    /// Serves the replies in turn and drops connections after the last one.
    pub(super) async fn start(script: Vec<Reply>) -> Self {
        Self::run(script, true).await
    }

    /// As `start`, but replies without waiting for an HTTP request.
    pub(super) async fn start_raw(script: Vec<Reply>) -> Self {
        Self::run(script, false).await
    }

    /// An address on which nobody listens.
    pub(super) async fn closed_address() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    }

    pub(super) fn client(&self, generation: Generation) -> Payhero {
        Payhero::new(settings(&format!("{}/payhero", self.url), generation)).unwrap()
    }

    pub(super) fn requests(&self) -> Vec<Asked> {
        self.log.lock().unwrap().requests.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    async fn run(script: Vec<Reply>, http: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Log::default()));
        let seen = Arc::clone(&log);
        tokio::spawn(async move {
            let mut script = script.into_iter();
            while let Ok((mut stream, _)) = listener.accept().await {
                seen.lock().unwrap().connections += 1;
                if http {
                    let Some(asked) = read_request(&mut stream).await else {
                        continue;
                    };
                    seen.lock().unwrap().requests.push(asked);
                }
                let Some(reply) = script.next() else { continue };
                tokio::spawn(answer(stream, reply));
            }
        });
        Self { url, log }
    }
}

async fn answer(mut stream: TcpStream, reply: Reply) {
    let (bytes, stay) = match reply {
        Reply::Raw(bytes) => (bytes, false),
        Reply::RawThenHang(bytes) => (bytes, true),
        Reply::Hang => (String::new(), true),
    };
    // A client that has read enough closes first, which is no fault of the test.
    let _ = stream.write_all(bytes.as_bytes()).await;
    let _ = stream.flush().await;
    if stay {
        std::future::pending::<()>().await;
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let (line, head) = text.split_once("\r\n").unwrap();
            let mut asked = Asked { line: line.to_owned(), head: head.to_owned(), body: String::new() };
            let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
            while bytes.len() < end + 4 + length {
                stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
            }
            asked.body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
            return Some(asked);
        }
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
    }
}
