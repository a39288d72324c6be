//! The mail stand-in: an SMTP server (RFC 5321) that keeps every mail and sends none on. No TLS; any sign-in is accepted.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::{now_ms, rfc3339};
use crate::truth::Entry;
use crate::world::World;

/// No line and no mail may be longer; a longer one ends the connection.
const LONGEST_LINE_BYTES: u64 = 64 * 1024;
const LONGEST_MAIL_BYTES: usize = 8 * 1024 * 1024;

/// How long `hang` says nothing.
const HANG_MS: u64 = 65_000;

/// How the mail server misbehaves just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailBehaviour {
    /// The one switch.
    pub mode: MailMode,
}

/// How a recipient is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailMode {
    /// Taken.
    #[default]
    Ok,
    /// 550 for each recipient: no such mailbox.
    Refuse,
    /// 421 and the end of the connection: come back later.
    Busy,
    /// No answer.
    Hang,
}

/// A mail that was received.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mail {
    pub(crate) at_ms: i64,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Headers and body as they came, still encoded.
    pub(crate) raw: String,
}

impl Mail {
    /// The mail as the control side shows it.
    pub(crate) fn shown(&self) -> Value {
        let (headers, body) = self.raw.split_once("\r\n\r\n").unwrap_or((&self.raw, ""));
        json!({
            "at": rfc3339(self.at_ms),
            "from": self.from,
            "to": self.to,
            "subject": header(headers, "subject"),
            "text": decoded(body, &header(headers, "content-transfer-encoding")),
            "raw": self.raw,
        })
    }

    /// Whether the mail was sent to this address, in any case of letters.
    pub(crate) fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }
}

/// A header's value with its continuation lines joined, or an empty text.
fn header(headers: &str, name: &str) -> String {
    let unfolded = headers.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut named = unfolded.split("\r\n").filter_map(|line| line.split_once(':'));
    named.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// A body as people read it. What no encoding is named for, or cannot be decoded, is shown as it came.
fn decoded(body: &str, encoding: &str) -> String {
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64::engine::general_purpose::STANDARD.decode(body.split_whitespace().collect::<String>()).ok(),
        _ => None,
    };
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| body.to_owned())
}

/// RFC 2045, 6.7: `=` and two hex digits are a byte, `=` at the end of a line is no break.
fn quoted_printable(body: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((plain, coded)) = rest.split_once('=') {
        bytes.extend_from_slice(plain.as_bytes());
        if let Some(next) = coded.strip_prefix("\r\n") {
            rest = next;
            continue;
        }
        bytes.push(u8::from_str_radix(coded.get(..2)?, 16).ok()?);
        rest = &coded[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// Takes connections until the sandbox ends.
pub(crate) async fn serve(world: Arc<World>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let keeper = world.clone();
                world.spawn(async move {
                    if let Err(fault) = converse(&keeper, stream).await {
                        tracing::debug!(%fault, "an SMTP connection broke off");
                    }
                });
            }
            Err(fault) => {
                // Out of file handles, most likely: a pause keeps this from spinning.
                tracing::warn!(%fault, "an SMTP connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(world: &World, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut envelope = Mail { at_ms: 0, from: String::new(), to: Vec::new(), raw: String::new() };
    say(&mut stream, "220 netily-sandbox ESMTP").await?;
    while let Some(line) = read_line(&mut stream).await? {
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => say(&mut stream, "250-netily-sandbox\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN").await?,
            "HELO" | "NOOP" => say(&mut stream, "250 netily-sandbox").await?,
            "AUTH" => sign_in(&mut stream, rest).await?,
            "MAIL" => {
                envelope.from = address(rest);
                envelope.to.clear();
                say(&mut stream, "250 OK").await?;
            }
            "RCPT" => match world.look(|truth| truth.mail_behaviour().mode) {
                MailMode::Ok => {
                    envelope.to.push(address(rest));
                    say(&mut stream, "250 OK").await?;
                }
                MailMode::Refuse => say(&mut stream, &format!("550 5.1.1 <{}> no such mailbox here", address(rest))).await?,
                MailMode::Busy => return say(&mut stream, "421 4.3.2 come back later").await,
                MailMode::Hang => world.hang(HANG_MS).await,
            },
            "DATA" if envelope.to.is_empty() => say(&mut stream, "503 no recipients").await?,
            "DATA" => {
                say(&mut stream, "354 end with <CRLF>.<CRLF>").await?;
                let Some(raw) = read_mail(&mut stream).await? else {
                    return say(&mut stream, "552 message is too large").await;
                };
                let mail = Mail { at_ms: now_ms(), raw, ..envelope.clone() };
                world.change(|draft| draft.record(Entry::Mail { mail }))?;
                envelope.to.clear();
                say(&mut stream, "250 OK: kept").await?;
            }
            "RSET" => {
                envelope.to.clear();
                say(&mut stream, "250 OK").await?;
            }
            "QUIT" => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "502 command not implemented").await?,
        }
    }
    Ok(())
}

/// Accepts anybody: PLAIN with or without its first answer in the line, LOGIN by its two questions.
async fn sign_in(stream: &mut BufReader<TcpStream>, rest: &str) -> std::io::Result<()> {
    let mut words = rest.split_whitespace();
    let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
    let answered = words.next().is_some();
    let questions: &[&str] = match (mechanism.as_str(), answered) {
        ("PLAIN", true) => &[],
        ("PLAIN", false) => &["334 "],
        ("LOGIN", true) => &["334 UGFzc3dvcmQ6"],
        ("LOGIN", false) => &["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"],
        _ => return say(stream, "504 unknown mechanism").await,
    };
    for question in questions {
        say(stream, question).await?;
        read_line(stream).await?;
    }
    say(stream, "235 accepted").await
}

/// The mail up to the lone dot, with doubled dots undone; nothing if it is too large or breaks off.
async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut mail = String::new();
    while let Some(line) = read_line(stream).await? {
        if line == "." {
            return Ok(Some(mail));
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
        mail.push_str("\r\n");
        if mail.len() > LONGEST_MAIL_BYTES {
            return Ok(None);
        }
    }
    Ok(None)
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = (&mut *stream).take(LONGEST_LINE_BYTES);
    limited.read_until(b'\n', &mut bytes).await?;
    if bytes.last() != Some(&b'\n') {
        return Ok(None);
    }
    let line = String::from_utf8_lossy(&bytes);
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await
}

/// The address between the angle brackets of `FROM:<…>` or `TO:<…>`.
fn address(rest: &str) -> String {
    let inside = rest.split_once('<').and_then(|(_, tail)| tail.split_once('>'));
    inside.map_or(rest, |(address, _)| address).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_shown_as_people_read_them() {
        for (encoding, body, shown) in [
            ("", "a =3D b\r\n", "a =3D b\r\n"),
            ("quoted-printable", "https://a.b/?token=3Dab=\r\ncd\r\nCaf=C3=A9", "https://a.b/?token=abcd\r\nCafé"),
            ("quoted-printable", "broken =G", "broken =G"),
            ("quoted-printable", "broken =é", "broken =é"),
            ("base64", "S2Fy\r\naWJ1\r\n", "Karibu"),
        ] {
            assert_eq!(decoded(body, encoding), shown);
        }
    }
}
