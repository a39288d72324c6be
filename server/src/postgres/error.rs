//! What can go wrong with a private PostgreSQL, each as one sentence that says what to do. Decides nothing.

use std::path::{Path, PathBuf};

/// Why PostgreSQL could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder holds both `postgres` and `initdb`.
    #[error(
        "no PostgreSQL server (version 15 or newer) was found: install Debian's package postgresql, or name the folder of \
         initdb and postgres in NETILY_PG_BIN"
    )]
    NotInstalled,
    /// `NETILY_PG_BIN` was given and is of no use.
    #[error("NETILY_PG_BIN is {path}, but that folder does not hold initdb and postgres of version 15 or newer", path = path.display())]
    WrongBinaries {
        /// What the variable says.
        path: PathBuf,
    },
    /// Data are only readable by the major version that wrote them.
    #[error("the data in {data} were written by PostgreSQL {written}, which is not installed: install it, or begin anew in another folder", data = data.display())]
    OtherVersion {
        /// The data folder.
        data: PathBuf,
        /// Its major version.
        written: u32,
    },
    /// Another living program has the folder.
    #[error("another program is using these data (it holds {lock}): stop it, or choose another folder", lock = lock.display())]
    InUse {
        /// The lock file.
        lock: PathBuf,
    },
    /// Root cannot hand its work to anybody.
    #[error("PostgreSQL refuses to run as root, and this machine has neither a user postgres nor a user nobody to run it")]
    NoAccount,
    /// The unprivileged user may not pass through a folder above the data.
    #[error("PostgreSQL does not run as root, and the user {user} cannot reach {folder}: choose a data folder that it can", folder = folder.display())]
    Unreachable {
        /// Who would run PostgreSQL.
        user: String,
        /// The data folder.
        folder: PathBuf,
    },
    /// Somebody else's folder lies where ours should.
    #[error("{folder} belongs to somebody else: remove it, or choose another data folder", folder = folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
    },
    /// `setpriv` ties the server's life to the program's.
    #[error("the command setpriv was not found: install the package util-linux")]
    NoSetpriv,
    /// PostgreSQL takes its settings as text.
    #[error("the path {path} is not valid UTF-8: choose another data folder", path = path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// The data folder could not be made.
    #[error("initdb could not create the data folder: {complaint}")]
    Initdb {
        /// Its own words.
        complaint: String,
    },
    /// The server ended again and again.
    #[error("PostgreSQL will not start: {complaint} (more in {log})", log = log.display())]
    WillNotStart {
        /// The last complaint in its log.
        complaint: String,
        /// Where the log lies.
        log: PathBuf,
    },
    /// The server lives but accepts nobody.
    #[error("PostgreSQL accepted no connections within {seconds} s (its log is {log})", log = log.display())]
    NotReady {
        /// How long we waited.
        seconds: u64,
        /// Where the log lies.
        log: PathBuf,
    },
    /// The file system or the kernel refused.
    #[error("could not {act} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, a verb.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Puts an IO error into words: `.map_err(doing("create", path))`.
pub(super) fn doing(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { act, path, source }
}

/// As [`doing`], for a program that is run through `setpriv`.
pub(super) fn running(program: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let program = program.to_owned();
    move |source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NoSetpriv,
        _ => doing("run", &program)(source),
    }
}
