//! For tests: the router's end of a pipe, answered by a closure, so that every byte of an answer is in the test's hands.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::client::{Connection, Deadlines};
use super::codec::{Decoder, encode_sentence};
use super::error::Error;

/// What the scripted router does about one sentence.
pub(crate) enum Answer {
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Sends these bytes one at a time.
    Drip(Vec<u8>),
    /// Says nothing.
    Silence,
    /// Sends these bytes and hangs up.
    HangUp(Vec<u8>),
}

/// So long that a busy machine breaks no test.
pub(crate) const PATIENT: Deadlines = Deadlines { connect: Duration::from_secs(20), command: Duration::from_secs(20) };

/// For tests of silence.
pub(crate) const IMPATIENT: Deadlines = Deadlines { connect: Duration::from_millis(50), command: Duration::from_millis(50) };

/// A router that gives each sentence (as text) to `answer`.
pub(crate) fn router(answer: impl FnMut(&[String]) -> Answer + Send + 'static) -> DuplexStream {
    let (ours, theirs) = duplex(1 << 16);
    tokio::spawn(serve(theirs, answer));
    ours
}

async fn serve(mut stream: DuplexStream, mut answer: impl FnMut(&[String]) -> Answer + Send) {
    let mut decoder = Decoder::default();
    let mut segment = [0; 1024];
    loop {
        while let Some(words) = decoder.take().unwrap() {
            let words: Vec<_> = words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect();
            match answer(&words) {
                Answer::Silence => {}
                Answer::Bytes(bytes) => stream.write_all(&bytes).await.unwrap(),
                Answer::Drip(bytes) => {
                    for byte in bytes {
                        stream.write_all(&[byte]).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
                Answer::HangUp(bytes) => return stream.write_all(&bytes).await.unwrap(),
            }
        }
        match stream.read(&mut segment).await {
            Ok(0) | Err(_) => return,
            Ok(count) => decoder.push(&segment[..count]),
        }
    }
}

/// A connection over such a router, which lets anybody in.
pub(crate) async fn logged_in(mut answer: impl FnMut(&[String]) -> Answer + Send + 'static) -> Connection {
    let stream = router(move |words| match words[0].as_str() {
        "/login" => Answer::Bytes(sentences(&[&["!done"]])),
        _ => answer(words),
    });
    log_in(stream).await.unwrap()
}

/// Logs in over a pipe as `admin` with the password `s3cret`.
pub(crate) async fn log_in(stream: DuplexStream) -> Result<Connection, Error> {
    Connection::over(Box::new(stream), "admin", "s3cret", PATIENT).await
}

/// The tag word of a command.
pub(crate) fn tag(words: &[String]) -> &str {
    words.iter().find(|word| word.starts_with(".tag=")).unwrap()
}

/// The bytes of some sentences.
pub(crate) fn sentences(sentences: &[&[&str]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for sentence in sentences {
        encode_sentence(sentence, &mut bytes).unwrap();
    }
    bytes
}
