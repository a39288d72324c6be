//! The truth on disk: one JSON line for each thing that happened, written before anybody is told of it. Survives kill -9 of
//! the process, not the loss of power: nothing is fsynced.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::truth::{Entry, Truth};

/// The open journal of one folder.
pub(crate) struct Journal {
    file: File,
}

impl Journal {
    /// Replays `journal.jsonl` into `truth`, rewrites it without what has been overtaken, and opens it for more.
    pub(crate) fn open(dir: &Path, truth: &mut Truth) -> Result<Self, Error> {
        let path = dir.join("journal.jsonl");
        replay(&path, truth)?;
        compact(&path, truth)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(Error::file(&path))?;
        Ok(Self { file })
    }

    /// Adds lines in a single write.
    pub(crate) fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        self.file.write_all(lines)
    }
}

/// One entry as a line of the journal.
pub(crate) fn line(entry: &Entry) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(entry).unwrap_or_else(|_| unreachable!("entries hold only strings, numbers and lists"));
    bytes.push(b'\n');
    bytes
}

fn replay(path: &PathBuf, truth: &mut Truth) -> Result<(), Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(Error::file(path)(fault)),
    };
    // A last line without its end was being written when the process died, so nobody was told of it.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for (index, text) in bytes[..whole].split(|byte| *byte == b'\n').enumerate() {
        if text.is_empty() {
            continue;
        }
        let entry = serde_json::from_slice(text).map_err(|source| Error::Journal { path: path.clone(), line: index + 1, source })?;
        truth.apply(entry);
    }
    Ok(())
}

fn compact(path: &Path, truth: &Truth) -> Result<(), Error> {
    let fresh = path.with_extension("jsonl.new");
    let lines: Vec<u8> = truth.entries().iter().flat_map(line).collect();
    std::fs::write(&fresh, lines).map_err(Error::file(&fresh))?;
    std::fs::rename(&fresh, path).map_err(Error::file(path))
}
