//! Decides where the unix socket lies and removes its folder where that is not beside the data.

use std::fs;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::error::Error;
use super::leftovers;

/// PostgreSQL names its socket file after a port even when it listens on no port.
pub(super) const PORT: u16 = 5432;
/// `sockaddr_un` holds 108 bytes, the last of which is a zero.
const SOCKET_PATH_BYTES: usize = 107;

/// Where the socket lies: beside the data, or in a short folder of the temporary one where its path would be too long.
#[derive(Debug)]
pub(super) struct SocketDir {
    pub(super) path: PathBuf,
    temporary: bool,
}

impl SocketDir {
    pub(super) fn create(account: &Account, home: &Path) -> Result<Self, Error> {
        let beside = home.join("run");
        let file_name = format!("/.s.PGSQL.{PORT}");
        let temporary = beside.as_os_str().len() + file_name.len() > SOCKET_PATH_BYTES;
        let path = if temporary {
            // The same name at each start: what a killed program left is used again rather than piled up.
            std::env::temp_dir().join(leftovers::short_name(home))
        } else {
            beside
        };
        account.create_private_folder(&path)?;
        Ok(Self { path, temporary })
    }
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
