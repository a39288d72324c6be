//! What can stop a sandbox from starting. Once it runs, faults are answers on the wire, not errors here.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox could not be started or could not keep its truth.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file in the sandbox's folder could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder in question.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of the journal, or a file beside it, does not hold what the sandbox once wrote.
    #[error("{}: line {line} cannot be read: {source}", path.display())]
    Journal {
        /// The file in question.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A port could not be opened. A port that was chosen once is kept for ever, because others have stored it.
    #[error("cannot listen on {address} ({what}): {source}; is another sandbox using this folder?")]
    Listen {
        /// What the port is for.
        what: String,
        /// The address that was tried.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The HTTP client that delivers callbacks could not be built.
    #[error("cannot build the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// A router stand-in could not be started.
    #[error("router {name}: {source}")]
    Router {
        /// The router's name in the configuration.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Names the file that a failed read or write was about.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
