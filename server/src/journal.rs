//! A journal outside the database: one line for each prompt and payout, in a folder that is not restored with it. Writing never waits: a thread
//! appends what came meanwhile and lets it reach the disk once for all. Files are of an hour and a process, and kept for three days.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Time;

/// How long lines are kept: as long as the gateway's list is read back.
const KEEP: TimeDelta = TimeDelta::hours(72);
/// Lines that could not be written are tried again so often, and no more than these are held.
const AGAIN: Duration = Duration::from_secs(1);
const HELD: usize = 100_000;
const PREFIX: &str = "netily-";

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    /// A prompt is about to be sent. Everything that makes the payment anew is sealed.
    Prompt {
        /// Our reference at the gateway.
        external_reference: String,
        /// Cents.
        amount_minor: i64,
        /// The rows, sealed, in hexadecimal.
        sealed: String,
    },
    /// The gateway took a prompt.
    PromptTaken {
        /// The gateway's reference.
        reference: String,
        /// The id of the prompt on the phone, where the gateway gave one.
        checkout_id: Option<String>,
    },
    /// A payout is about to be sent.
    Payout {
        /// Our reference at the gateway.
        external_reference: String,
        /// Cents.
        amount_minor: i64,
    },
    /// The gateway took a payout.
    PayoutTaken {
        /// The gateway's reference.
        reference: String,
    },
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Time,
    /// Of which ISP.
    pub isp: Uuid,
    /// Which payment or settlement.
    pub id: Uuid,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

enum Message {
    Line(Line),
    Flush(SyncSender<()>),
}

/// The door to it.
pub struct Journal {
    send: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Journal {
    /// Begins to write in a folder; without one nothing is written.
    pub fn open(folder: Option<&Path>) -> Journal {
        let trouble = Arc::new(Mutex::new(None));
        let Some(folder) = folder.map(Path::to_owned) else { return Journal { send: None, thread: None, trouble } };
        let (send, receive) = channel();
        let told = trouble.clone();
        let thread = std::thread::spawn(move || keep(&folder, &receive, &told));
        Journal { send: Some(send), thread: Some(thread), trouble }
    }

    /// Whether anything is written.
    pub const fn is_on(&self) -> bool {
        self.send.is_some()
    }

    /// Hands a line over. Does not wait for the disk.
    pub fn write(&self, line: Line) {
        if let Some(send) = &self.send {
            // The thread ends with the journal only.
            let _ = send.send(Message::Line(line));
        }
    }

    /// Returns when everything that was handed over is on disk, or could not be written. Blocks.
    pub fn flush(&self) {
        let Some(send) = &self.send else { return };
        let (done, wait) = sync_channel(1);
        if send.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    /// What is in the way of writing; none: all is written.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.send.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes until the journal is dropped.
fn keep(folder: &Path, receive: &Receiver<Message>, trouble: &Mutex<Option<String>>) {
    let (mut held, mut open) = (Vec::new(), true);
    while open {
        let first = if held.is_empty() { receive.recv().map_err(|_| RecvTimeoutError::Disconnected) } else { receive.recv_timeout(AGAIN) };
        let mut waiting = Vec::new();
        open = !matches!(first, Err(RecvTimeoutError::Disconnected));
        for message in first.into_iter().chain(receive.try_iter()) {
            match message {
                Message::Line(line) => held.push(line),
                Message::Flush(done) => waiting.push(done),
            }
        }
        let written = append(folder, &held);
        let said = written.as_ref().err().map(ToString::to_string);
        if let Some(cause) = &said {
            tracing::error!(folder = %folder.display(), cause, "the journal cannot be written");
            held.drain(..held.len().saturating_sub(HELD));
        } else {
            held.clear();
        }
        *trouble.lock().unwrap_or_else(PoisonError::into_inner) = said;
        for done in waiting {
            let _ = done.send(());
        }
    }
}

fn stamp(at: Time) -> String {
    format!("{PREFIX}{}", at.format("%Y%m%dT%H"))
}

fn append(folder: &Path, lines: &[Line]) -> std::io::Result<()> {
    let Some(last) = lines.last() else { return Ok(()) };
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}-{}.jsonl", stamp(last.at), std::process::id()));
    let is_new = !path.exists();
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    if is_new {
        let oldest = stamp(last.at - KEEP);
        for old in files(folder)?.into_iter().filter(|path| path.file_name().is_some_and(|name| *name.to_string_lossy() < *oldest)) {
            fs::remove_file(old)?;
        }
    }
    Ok(())
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)));
    files.sort();
    Ok(files)
}

/// Every line of a folder, and how many could not be read: the last one of a process that died may be torn. Blocks.
pub fn read(folder: &Path) -> std::io::Result<(Vec<Line>, usize)> {
    let (mut lines, mut torn) = (Vec::new(), 0);
    for path in files(folder)? {
        for line in fs::read_to_string(path)?.lines().filter(|line| !line.is_empty()) {
            match serde_json::from_str(line) {
                Ok(line) => lines.push(line),
                Err(_) => torn += 1,
            }
        }
    }
    Ok((lines, torn))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gone when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let path = std::env::temp_dir().join(format!("netily-journal-{}", Uuid::new_v4()));
            fs::create_dir_all(&path).expect("a folder");
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn line(hour: i64, reference: &str) -> Line {
        let at = Time::from_timestamp(1_764_547_200, 0).expect("a time") + TimeDelta::hours(hour);
        Line { at, isp: Uuid::nil(), id: Uuid::nil(), event: Event::PayoutTaken { reference: reference.to_owned() } }
    }

    #[test]
    fn what_is_written_is_read_and_goes_after_three_days() {
        let folder = Folder::new();
        let journal = Journal::open(Some(folder.0.as_path()));
        journal.write(line(0, "A"));
        journal.write(line(0, "B"));
        journal.flush();
        assert_eq!(read(folder.0.as_path()).expect("read"), (vec![line(0, "A"), line(0, "B")], 0));
        journal.write(line(80, "C"));
        journal.flush();
        assert_eq!((read(folder.0.as_path()).expect("read").0, journal.trouble()), (vec![line(80, "C")], None));
        let torn = files(folder.0.as_path()).expect("files").pop().expect("a file");
        let mut file = OpenOptions::new().append(true).open(torn).expect("opened");
        file.write_all(b"{\"at\":\"2026").expect("written");
        assert_eq!(read(folder.0.as_path()).expect("read").1, 1, "the last line of a process that died");
    }

    #[test]
    fn trouble_is_told_and_nothing_is_lost_for_it() {
        let folder = Folder::new();
        let (place, hindrance) = (folder.0.join("journal"), "a file is in the way");
        fs::write(&place, hindrance).expect("written");
        let journal = Journal::open(Some(&place));
        journal.write(line(0, "A"));
        journal.flush();
        assert!(journal.trouble().is_some());
        fs::remove_file(&place).expect("removed");
        journal.flush();
        assert_eq!((journal.trouble(), read(&place).expect("read").0), (None, vec![line(0, "A")]));
    }
}
