//! Which port each stand-in listens on, remembered in `ports.json`, so that addresses stored elsewhere stay true after a restart.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

use crate::Error;

/// The ports of one folder.
pub(crate) struct Ports {
    path: PathBuf,
    chosen: BTreeMap<String, u16>,
}

impl Ports {
    /// Reads what was chosen before; a new folder has chosen nothing.
    pub(crate) fn load(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("ports.json");
        let chosen = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| Error::Journal { path: path.clone(), line: 1, source })?,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(fault) => return Err(Error::file(&path)(fault)),
        };
        Ok(Self { path, chosen })
    }

    /// Opens the port of `name`: the one asked for, else the remembered one, else any free one, and remembers it.
    pub(crate) async fn listen(&mut self, name: &str, wanted: SocketAddr) -> Result<TcpListener, Error> {
        let mut address = wanted;
        if address.port() == 0 {
            address.set_port(self.chosen.get(name).copied().unwrap_or(0));
        }
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { what: name.to_owned(), address, source })?;
        let port = listener.local_addr().map_err(Error::file(&self.path))?.port();
        if self.chosen.insert(name.to_owned(), port) != Some(port) {
            self.save()?;
        }
        Ok(listener)
    }

    fn save(&self) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(&self.chosen).unwrap_or_else(|_| unreachable!("a map of numbers is valid JSON"));
        let fresh = self.path.with_extension("json.new");
        std::fs::write(&fresh, text).map_err(Error::file(&fresh))?;
        std::fs::rename(&fresh, &self.path).map_err(Error::file(&self.path))
    }
}
