//! Finds the folder of `initdb` and `postgres`: `NETILY_PG_BIN`, then `PATH`, then Debian's folders, the newest first.
//! Decides which version runs; never installs one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::error::{Error, doing};

/// The oldest major version that the migrations are written for.
const OLDEST: u32 = 15;
/// Where Debian keeps one folder a version, so that several can be installed.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder to use for `data`: the first that fits, and for data that exist the first of the version that wrote them.
pub(super) fn find(data: &Path) -> Result<PathBuf, Error> {
    let written = written_by(data)?;
    let fits = |version: u32| version >= OLDEST && written.is_none_or(|written| written == version);
    if let Some(path) = env::var_os("NETILY_PG_BIN").map(PathBuf::from) {
        return match version(&path) {
            Some(version) if fits(version) => resolved(&path),
            Some(version) if version >= OLDEST => Err(other_version(data, written)),
            _ => Err(Error::WrongBinaries { path }),
        };
    }
    let versions: Vec<_> = candidates().into_iter().filter_map(|dir| Some((version(&dir)?, dir))).collect();
    match versions.iter().find(|(version, _)| fits(*version)) {
        Some((_, dir)) => resolved(dir),
        None if versions.iter().any(|(version, _)| *version >= OLDEST) => Err(other_version(data, written)),
        None => Err(Error::NotInstalled),
    }
}

fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let numbered = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let debian: BTreeSet<u32> = fs::read_dir(DEBIAN).into_iter().flatten().flatten().filter_map(numbered).collect();
    let newest_first = debian.into_iter().rev().map(|version| Path::new(DEBIAN).join(version.to_string()).join("bin"));
    env::split_paths(&path).chain(newest_first).collect()
}

/// The major version of a folder that holds both programs: `postgres (PostgreSQL) 15.14 (Debian …)` is 15.
fn version(dir: &Path) -> Option<u32> {
    if !dir.join("initdb").is_file() || !dir.join("postgres").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let digits = number.find(|letter: char| !letter.is_ascii_digit()).map_or(number, |end| &number[..end]);
    digits.parse().ok()
}

fn written_by(data: &Path) -> Result<Option<u32>, Error> {
    let path = data.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(absent) if absent.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(doing("read", &path)(source)),
    }
}

fn other_version(data: &Path, written: Option<u32>) -> Error {
    written.map_or(Error::NotInstalled, |written| Error::OtherVersion { data: data.to_owned(), written })
}

/// Follows a link such as `/usr/local/bin/postgres`, since `pgbench` is linked more rarely.
fn resolved(dir: &Path) -> Result<PathBuf, Error> {
    let postgres = dir.join("postgres");
    let real = postgres.canonicalize().map_err(doing("find", &postgres))?;
    Ok(real.parent().map_or_else(|| dir.to_owned(), Path::to_owned))
}
