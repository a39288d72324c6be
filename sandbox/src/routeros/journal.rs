//! How a router's state survives a kill: every change is appended to a file as one JSON line before the router answers.
//! It keeps what it is given and knows no menu.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::row::Row;
use super::state::Device;

/// One change of the state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// A row is new or different.
    Put { menu: String, id: u64, row: Row },
    /// A row is gone.
    Delete { menu: String, id: u64 },
    /// What is no row is different.
    Device(Box<Device>),
}

/// The file behind a router, or nothing for a router that lives in memory only.
#[derive(Debug, Default)]
pub(super) struct Journal {
    file: Option<(PathBuf, File)>,
    lines: usize,
}

impl Journal {
    /// Opens the journal and reads what it holds. A last line that a kill has cut was never answered, and is dropped.
    ///
    /// # Errors
    /// What the file system says, or `InvalidData` for a line that is no change.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Change>)> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let end = bytes.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
        let lines = bytes[..end].split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let changes: Vec<Change> = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
        let mut journal = Self::default();
        journal.rewrite_at(path, &changes)?;
        Ok((journal, changes))
    }

    /// Appends changes in one write.
    ///
    /// # Errors
    /// What the file system says; the caller must not answer then.
    pub(super) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        self.lines += changes.len();
        let Some((_, file)) = &mut self.file else {
            return Ok(());
        };
        file.write_all(&lines_of(changes)?)
    }

    /// True when most of the file is about rows that have changed again since.
    pub(super) fn is_worth_rewriting(&self, rows: usize) -> bool {
        self.file.is_some() && self.lines > 2_000 + rows * 4
    }

    /// Replaces all lines by the fewest that say the same.
    ///
    /// # Errors
    /// What the file system says; the old file is whole then.
    pub(super) fn rewrite(&mut self, changes: &[Change]) -> io::Result<()> {
        match self.file.take() {
            Some((path, _)) => self.rewrite_at(&path, changes),
            None => Ok(()),
        }
    }

    fn rewrite_at(&mut self, path: &Path, changes: &[Change]) -> io::Result<()> {
        let fresh = path.with_extension("new");
        fs::write(&fresh, lines_of(changes)?)?;
        fs::rename(&fresh, path)?;
        self.file = Some((path.to_owned(), OpenOptions::new().append(true).open(path)?));
        self.lines = changes.len();
        Ok(())
    }
}

fn lines_of(changes: &[Change]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for change in changes {
        serde_json::to_writer(&mut lines, change)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
