//! Ends what an earlier program left running on a data folder, and removes the lock file that would stop a new start.
//! Called only by the holder of the folder's lock, so whatever runs on the data then has no owner.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

/// Processes of a dead postmaster end by themselves, mostly within milliseconds.
const GRACE: Duration = Duration::from_secs(2);

/// Waits for processes of `data` to end, kills those that do not, then drops a lock file that names a stranger.
pub(super) fn clear(data: &Path) {
    let deadline = Instant::now() + GRACE;
    loop {
        let running = processes_of(data);
        if running.is_empty() {
            break;
        }
        if Instant::now() > deadline {
            for pid in running {
                // Gone already is as good as killed, and one that we may not kill is for PostgreSQL itself to report.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        thread::sleep(Duration::from_millis(5));
        if Instant::now() > deadline + GRACE {
            break;
        }
    }
    drop_stale_lock(data);
}

/// PostgreSQL refuses to start when the process id in `postmaster.pid` exists at all. It may by now be a stranger's, or that of
/// a corpse which a container's first process never collects.
fn drop_stale_lock(data: &Path) {
    let lock = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&lock) else {
        return;
    };
    let named = text.lines().next().and_then(|line| line.trim().parse::<u32>().ok());
    let exists = named.is_some_and(|pid| Path::new("/proc").join(pid.to_string()).exists());
    if exists && processes_of(data).is_empty() {
        let _ = fs::remove_file(&lock);
    }
}

/// A name that stands for `data` wherever a path would be too long. PostgreSQL puts it into the titles of its processes as
/// `cluster_name`, which everybody may read; containers hide better signs, such as the working folder, even from root.
pub(super) fn short_name(data: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    format!("netily-{:016x}", hasher.finish())
}

fn processes_of(data: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let title = format!("postgres: {}: ", short_name(data));
    let runs_on_data = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let is_postgres = fs::read(entry.path().join("comm")).ok()?.starts_with(b"postgres");
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let ours = is_postgres && (line.starts_with(title.as_bytes()) || names(&line, data));
        if ours { Pid::from_raw(pid) } else { None }
    };
    entries.flatten().filter_map(runs_on_data).collect()
}

/// The postmaster has no title but the command line that it was started with.
fn names(command_line: &[u8], data: &Path) -> bool {
    command_line.split(|&byte| byte == 0).any(|argument| argument == data.as_os_str().as_bytes())
}
