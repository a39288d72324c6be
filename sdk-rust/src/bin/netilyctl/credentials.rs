//! The sign-ins kept between commands, in one file that only its owner can read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use netily_sdk::auth::Tokens;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// One sign-in.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub struct SignIn {
    pub url: String,
    /// None on the platform itself.
    pub tenant: Option<String>,
    pub identifier: String,
    access: String,
    refresh: String,
    access_expires_at_s: Option<i64>,
}

impl SignIn {
    pub fn new(url: &str, tenant: Option<&str>, identifier: &str, tokens: Tokens) -> Self {
        Self {
            url: url.to_owned(),
            tenant: tenant.map(str::to_owned),
            identifier: identifier.to_owned(),
            access: tokens.access,
            refresh: tokens.refresh,
            access_expires_at_s: tokens.access_expires_at.map(|at| at.seconds),
        }
    }

    pub fn tokens(&self) -> Tokens {
        Tokens {
            access: self.access.clone(),
            refresh: self.refresh.clone(),
            access_expires_at: self.access_expires_at_s.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
        }
    }

    fn is_for(&self, url: &str, tenant: Option<&str>) -> bool {
        self.url == url && self.tenant.as_deref() == tenant
    }
}

/// The file, read once. The newest login stands first.
pub struct Credentials {
    path: PathBuf,
    sign_ins: Vec<SignIn>,
}

impl Credentials {
    /// Reads the file at `path` or at its usual place; there need not be one.
    pub fn open(path: Option<PathBuf>) -> Result<Self, Fault> {
        let path = match path {
            Some(path) => path,
            None => usual_place().ok_or_else(|| Fault::Usage("HOME is not set: set NETILY_CONFIG.".to_owned()))?,
        };
        let sign_ins = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| unusable(&path, &error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unusable(&path, &error)),
        };
        Ok(Self { path, sign_ins })
    }

    /// The newest login.
    pub fn last(&self) -> Option<&SignIn> {
        self.sign_ins.first()
    }

    /// The login at this server for this ISP.
    pub fn find(&self, url: &str, tenant: Option<&str>) -> Option<&SignIn> {
        self.sign_ins.iter().find(|sign_in| sign_in.is_for(url, tenant))
    }

    /// Keeps a new login as the newest one.
    pub fn add(&mut self, sign_in: SignIn) -> Result<(), Fault> {
        let (url, tenant) = (sign_in.url.clone(), sign_in.tenant.clone());
        self.sign_ins.retain(|other| !other.is_for(&url, tenant.as_deref()));
        self.sign_ins.insert(0, sign_in);
        self.save()
    }

    /// Replaces the tokens of a login, or removes it when there are none any longer.
    pub fn update(&mut self, url: &str, tenant: Option<&str>, tokens: Option<Tokens>) -> Result<(), Fault> {
        let Some(position) = self.sign_ins.iter().position(|sign_in| sign_in.is_for(url, tenant)) else {
            return Ok(());
        };
        match tokens {
            None => drop(self.sign_ins.remove(position)),
            Some(tokens) => {
                let renewed = SignIn::new(url, tenant, &self.sign_ins[position].identifier, tokens);
                if self.sign_ins[position] == renewed {
                    return Ok(());
                }
                self.sign_ins[position] = renewed;
            }
        }
        self.save()
    }

    /// Writes beside the file and renames, so that a reader finds the old or the new one, never half of it.
    fn save(&self) -> Result<(), Fault> {
        let write = || -> io::Result<()> {
            if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            let fresh = self.path.with_extension(format!("{}.new", std::process::id()));
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(&self.sign_ins)?)?;
            file.sync_all()?;
            fs::rename(&fresh, &self.path)
        };
        write().map_err(|error| unusable(&self.path, &error))
    }
}

fn usual_place() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(Path::new(&home).join(".config/netily/credentials.json"))
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Fault {
    Fault::Usage(format!("The credentials file {} cannot be used: {error}.", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn tokens(access: &str) -> Tokens {
        Tokens { access: access.to_owned(), refresh: "r".to_owned(), access_expires_at: None }
    }

    #[test]
    fn the_newest_login_is_first_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("netily/credentials.json");
        let open = || Credentials::open(Some(path.clone())).expect("credentials");

        open().add(SignIn::new("http://a", Some("yellow"), "owner", tokens("1"))).expect("kept");
        open().add(SignIn::new("http://a", None, "operator", tokens("2"))).expect("kept");
        open().add(SignIn::new("http://a", Some("yellow"), "staff", tokens("3"))).expect("kept");

        let kept = open();
        assert_eq!(kept.sign_ins.len(), 2);
        assert_eq!(kept.last().map(|last| last.identifier.as_str()), Some("staff"));
        assert_eq!(kept.find("http://a", None).map(|found| found.tokens().access), Some("2".to_owned()));
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("netily")).expect("a folder").count(), 1);

        open().update("http://a", Some("yellow"), None).expect("removed");
        assert!(open().find("http://a", Some("yellow")).is_none());
    }
}
