//! Makes a data folder with `initdb`, whole or not at all. Never touches one that exists.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::account::Account;
use super::error::{Error, doing, running};
use super::{SUPERUSER, leftovers};

/// Makes the data folder under another name first, so that a half-made one is never taken for a whole one.
pub(super) fn init(account: &Account, bin_dir: &Path, home: &Path, data: &Path, fsync: bool) -> Result<(), Error> {
    // UTF-8 order by code point does not change with the system's C library; plain C is where that locale is unknown.
    let mut outcome = init_with_locale(account, bin_dir, home, "C.UTF-8", fsync)?;
    if let Err(complaint) = &outcome
        && complaint.contains("locale")
    {
        outcome = init_with_locale(account, bin_dir, home, "C", fsync)?;
    }
    outcome.map_err(|complaint| Error::Initdb { complaint })?;
    fs::rename(unfinished(home), data).map_err(doing("rename the new data folder to", data))?;
    if fsync {
        // Right after a build this alone waits for all that was written, half a minute and more: not for data that may be lost.
        File::open(home).and_then(|folder| folder.sync_all()).map_err(doing("flush", home))?;
    }
    Ok(())
}

/// The outer result is our own failure, the inner one is what `initdb` said.
fn init_with_locale(account: &Account, bin_dir: &Path, home: &Path, locale: &str, fsync: bool) -> Result<Result<(), String>, Error> {
    let fresh = unfinished(home);
    leftovers::clear(&fresh);
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(doing("remove", &fresh))?;
    }
    account.create_private_folder(&fresh)?;
    let mut command = account.command(&bin_dir.join("initdb"), "KILL");
    command
        .arg("--pgdata")
        .arg(&fresh)
        .args(["--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8", "--locale", locale])
        .args(["--data-checksums", "--no-instructions"])
        .stdin(Stdio::null());
    if !fsync {
        command.arg("--no-sync");
    }
    let output = command.output().map_err(running(&bin_dir.join("initdb")))?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaint = said.lines().find(|line| line.contains("error:")).unwrap_or(said.trim());
    Ok(Err(if complaint.is_empty() { output.status.to_string() } else { complaint.to_owned() }))
}

fn unfinished(home: &Path) -> PathBuf {
    home.join("pgdata.new")
}
