//! Where answers and faults go: tables or JSON on standard output, faults on standard error. Also how times and
//! other values are written for people.

use std::io::{Write, stdout};

use netily_sdk::types::Money;
use prost::{Message, Name};
use prost_types::{Duration, Timestamp};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::json;

/// Tables or JSON.
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Shows one answer, as JSON or as `people` writes it.
    pub fn show<M: Message + Name>(&self, answer: &M, people: impl FnOnce(&M) -> String) -> Result<(), Fault> {
        self.write(if self.json { format!("{:#}\n", json::of(answer)) } else { people(answer) })
    }

    /// Shows one of several answers that come one after the other.
    pub fn show_one_of_many<M: Message + Name>(&self, answer: &M, people: impl FnOnce(&M) -> String) -> Result<(), Fault> {
        self.write(if self.json { format!("{}\n", json::of(answer)) } else { people(answer) })
    }

    /// Says something that is not an answer of the server.
    pub fn say(&self, fact: &str, value: Value, people: &str) -> Result<(), Fault> {
        self.write(if self.json { format!("{}\n", json!({ fact: value })) } else { format!("{people}\n") })
    }

    /// Writes a document of the server as it came.
    pub fn raw(&self, document: &[u8]) -> Result<(), Fault> {
        let mut out = stdout().lock();
        out.write_all(document).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).map_err(Fault::Output)
    }

    /// Writes a piece of a document of the server, which follows the piece before.
    pub fn piece(&self, piece: &[u8]) -> Result<(), Fault> {
        let mut out = stdout().lock();
        out.write_all(piece).and_then(|()| out.flush()).map_err(Fault::Output)
    }

    /// Writes a file of the server, under its own name unless another one is given, and says where it is.
    pub fn file(&self, content: &[u8], wanted: Option<std::path::PathBuf>, name: &str) -> Result<(), Fault> {
        // A name is a name: no answer may lead out of the folder.
        let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' }).collect();
        let path = wanted.unwrap_or_else(|| safe.trim_start_matches('.').into());
        std::fs::write(&path, content).map_err(Fault::Output)?;
        self.say("file", Value::String(path.display().to_string()), &format!("Written to {}.", path.display()))
    }

    /// Tells why the command did not end well, unless that has been shown.
    pub fn fault(&self, fault: &Fault) {
        match fault {
            Fault::Refused(error) if self.json => eprintln!("{:#}", refusal(error)),
            Fault::Refused(error) => eprint!("{}", sentences(error)),
            Fault::Usage(problem) if self.json => {
                eprintln!("{:#}", json!({ "error": { "message": problem } }))
            }
            Fault::Usage(problem) => eprintln!("{problem}"),
            Fault::BadNews | Fault::Violations | Fault::Output(_) => {}
        }
    }

    fn write(&self, text: String) -> Result<(), Fault> {
        let mut out = stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Fault::Output)
    }
}

fn refusal(error: &netily_sdk::Error) -> Value {
    let fields = error.field_violations.iter();
    let fields: Vec<_> = fields.map(|bad| json!({ "path": bad.path, "description": bad.description })).collect();
    json!({ "error": {
        "reason": error.reason_name(),
        "message": error.message,
        "field_violations": fields,
        "retry_after_ms": error.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        "request_id": error.request_id,
    } })
}

fn sentences(error: &netily_sdk::Error) -> String {
    use netily_sdk::types::ErrorReason::{RefreshTokenInvalid, TenantRequired, Unauthenticated};

    let mut text = format!("{}: {}\n", error.reason_name(), error.message);
    for bad in &error.field_violations {
        text += &format!("  {}: {}\n", bad.path, bad.description);
    }
    if let Some(after) = error.retry_after {
        text += &format!("Try again in {} s.\n", after.as_millis().div_ceil(1000));
    }
    match error.reason {
        Unauthenticated | RefreshTokenInvalid => text += "Sign in with `netilyctl login`.\n",
        TenantRequired => text += "Name the ISP with --tenant.\n",
        _ => {}
    }
    if let Some(id) = &error.request_id {
        text += &format!("Request {id}\n");
    }
    text
}

/// An amount; empty when there is none.
pub fn money(amount: &Option<Money>) -> String {
    amount.as_ref().map(Money::to_string).unwrap_or_default()
}

/// A time to the second, in UTC; empty when there is none.
pub fn time(at: &Option<Timestamp>) -> String {
    at.as_ref().map(|at| Timestamp { nanos: 0, ..*at }.to_string()).unwrap_or_default()
}

/// A span in its two largest units: `7d`, `1h 30m`.
pub fn span(span: &Option<Duration>) -> String {
    let Some(span) = span else {
        return String::new();
    };
    let (mut rest, mut parts) = (span.seconds, Vec::new());
    for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if rest / seconds > 0 && parts.len() < 2 {
            parts.push(format!("{}{unit}", rest / seconds));
        }
        rest %= seconds;
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// The last part of an enum value's name, for people: `PURCHASE_STATUS_ACTIVE` is `active`.
pub fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

/// Bytes in the largest decimal unit that fits.
pub fn bytes(count: i64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let fitting = units.iter().find(|(_, size)| count >= *size);
    fitting.map_or_else(|| format!("{count} B"), |(unit, size)| format!("{}.{} {unit}", count / size, count % size / (size / 10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_for_people() {
        let seconds = |seconds| Some(Duration { seconds, nanos: 0 });
        assert_eq!(span(&seconds(3_600)), "1h");
        assert_eq!(span(&seconds(5_430)), "1h 30m");
        assert_eq!(span(&seconds(0)), "0s");
        assert_eq!(bytes(10_000_000_000), "10.0 GB");
        assert_eq!(bytes(1_550), "1.5 kB");
        assert_eq!(bytes(12), "12 B");
        assert_eq!(time(&Some(Timestamp { seconds: 0, nanos: 5 })), "1970-01-01T00:00:00Z");
        assert_eq!(word("PURCHASE_STATUS_AWAITING_PAYMENT", "PURCHASE_STATUS_"), "awaiting payment");
    }
}
