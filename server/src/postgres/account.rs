//! Decides as which user PostgreSQL runs and builds its command lines. Never runs PostgreSQL as root (it refuses), and never
//! lets it outlive the program: `setpriv` sets the parent-death signal after the change of user, which would clear it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use super::error::{Error, doing};

/// The user that owns the data.
#[derive(Debug)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    /// What `setpriv` is told besides the signal; empty when the program's own user will do.
    switch: Vec<String>,
}

/// Linux numbers of the two capabilities that let a process pass through folders closed to its user, mildest first.
const PASSAGES: [(&str, u32); 2] = [("dac_read_search", 2), ("dac_override", 1)];

impl Account {
    /// The program's own user, or for root an unprivileged one that can reach `folder`.
    pub(super) fn for_folder(folder: &Path) -> Result<Self, Error> {
        let own = Path::new("/proc/self");
        let own = own.metadata().map_err(doing("read", own))?;
        if own.uid() != 0 {
            return Ok(Self { uid: own.uid(), gid: own.gid(), switch: Vec::new() });
        }
        let passwd = Path::new("/etc/passwd");
        let users = fs::read_to_string(passwd).map_err(doing("read", passwd))?;
        let (user, uid, gid) = ["postgres", "nobody"].iter().find_map(|name| lookup(&users, name)).ok_or(Error::NoAccount)?;
        let mut switch = vec![format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
        if !reaches(uid, gid, folder)? {
            // A checkout below /root is closed to everybody else. Root may lend the one right that is missing; the folders'
            // modes stay as they are.
            let passage = passage().ok_or_else(|| Error::Unreachable { user, folder: folder.to_owned() })?;
            switch.extend([format!("--inh-caps=+{passage}"), format!("--ambient-caps=+{passage}")]);
        }
        Ok(Self { uid, gid, switch })
    }

    /// A command that runs `program` as this user, in a process group of its own (Ctrl-C at a terminal is for the program,
    /// which still needs its database while it stops), and that gets `signal` when the thread that spawned it ends.
    pub(super) fn command(&self, program: &Path, signal: &str) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("setpriv");
        command.args(&self.switch).arg(format!("--pdeathsig={signal}")).arg(program);
        // PGDATA, PGOPTIONS, LC_ALL and the like would change what runs.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.current_dir("/").process_group(0);
        command
    }

    /// Creates `folder` for this user alone, or checks that it already is so. Root can enter it all the same.
    pub(super) fn create_private_folder(&self, folder: &Path) -> Result<(), Error> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => chown(folder, Some(self.uid), Some(self.gid)).map_err(doing("change the owner of", folder)),
            Err(exists) if exists.kind() == std::io::ErrorKind::AlreadyExists => {
                // Not followed: in the temporary folder anybody may lay a link.
                let found = folder.symlink_metadata().map_err(doing("read", folder))?;
                let ours = found.is_dir() && found.uid() == self.uid && found.permissions().mode() & 0o077 == 0;
                if ours { Ok(()) } else { Err(Error::NotOurs { folder: folder.to_owned() }) }
            }
            Err(source) => Err(doing("create", folder)(source)),
        }
    }
}

/// `name:password:uid:gid:…`, as passwd(5) has it.
fn lookup(users: &str, name: &str) -> Option<(String, u32, u32)> {
    let mut fields = users.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some((name.to_owned(), uid, gid))
}

/// Whether every folder down to this one lets the user pass. Access lists beyond the mode bits are not read.
fn reaches(uid: u32, gid: u32, folder: &Path) -> Result<bool, Error> {
    for above in folder.ancestors() {
        let found = above.metadata().map_err(doing("read", above))?;
        let bit = if found.uid() == uid {
            0o100
        } else if found.gid() == gid {
            0o010
        } else {
            0o001
        };
        if found.mode() & bit == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The mildest right to pass through closed folders that this process holds and can hand on.
fn passage() -> Option<&'static str> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let held = status.lines().find_map(|line| line.strip_prefix("CapPrm:"))?;
    let held = u64::from_str_radix(held.trim(), 16).ok()?;
    PASSAGES.iter().find(|(_, bit)| held & (1 << bit) != 0).map(|(name, _)| *name)
}
