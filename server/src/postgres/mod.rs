//! A private PostgreSQL for the demo, the tests and the benchmarks: one data folder, one unix socket, one child process.
//! Decides where its files lie and who may reach them; knows no schema, opens no connection, needs no client library.
//! Everything here blocks: call it from `main`, from a test, or inside `spawn_blocking`.

mod account;
mod binaries;
mod error;
mod init;
mod leftovers;
mod socket;
mod supervisor;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use account::Account;
pub use error::Error;
use error::doing;
use socket::{PORT, SocketDir};
use supervisor::{Launch, Supervisor};

/// The superuser that `initdb` creates; roles of the application are made by the migrations.
pub const SUPERUSER: &str = "postgres";

/// A start after a crash replays the write-ahead log, which can take a while on a slow disk.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// A program that was just killed may hold its lock for the moment its threads need to die.
const LOCK_WITHIN: Duration = Duration::from_secs(2);
/// At a start, a longer log than this begins anew, so that a demo that runs for months fills no disk.
const LOG_BYTES: u64 = 16 << 20;

/// What may differ between a demo, a test and a benchmark.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `max_connections`: connections that may be open at once, superuser's included.
    pub max_connections: u32,
    /// `shared_buffers` in mebibytes.
    pub shared_buffers_mb: u32,
    /// Whether a commit reaches the disk. Without it a kill of any process still loses nothing, a power cut may.
    pub fsync: bool,
    /// Further `-c name=value` settings, last one wins.
    pub options: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_connections: 100, shared_buffers_mb: 128, fsync: true, options: Vec::new() }
    }
}

/// A running PostgreSQL. Dropping it stops the server (fast shutdown) and waits for its end.
#[derive(Debug)]
pub struct Cluster {
    supervisor: Supervisor,
    /// Stands after the supervisor, so that it is dropped after it.
    socket_dir: SocketDir,
    bin_dir: PathBuf,
    /// Held, never read: whoever has this lock owns the folder.
    _lock: File,
}

impl Cluster {
    /// Starts PostgreSQL on the data in `home`, creating them on the first call, and returns when it accepts connections.
    ///
    /// Blocks for about 2.5 s the first time and 0.3 s later. In `home` it keeps `pgdata`, `run` (the socket), `postgres.log`
    /// and `lock`. Root's place is taken by the user `postgres`, or else `nobody`, because PostgreSQL refuses to run as root.
    pub fn start(home: &Path, settings: Settings) -> Result<Self, Error> {
        fs::create_dir_all(home).map_err(doing("create", home))?;
        let home = home.canonicalize().map_err(doing("find", home))?;
        let lock = take_lock(&home.join("lock"))?;
        let data = home.join("pgdata");
        let bin_dir = binaries::find(&data)?;
        let account = Account::for_folder(&home)?;
        if !data.join("PG_VERSION").exists() {
            init::init(&account, &bin_dir, &home, &data, settings.fsync)?;
        }
        let socket_dir = SocketDir::create(&account, &home)?;
        let launch = Launch {
            arguments: arguments(&data, &socket_dir.path, &settings)?,
            log: open_log(&home.join("postgres.log"))?,
            log_path: home.join("postgres.log"),
            binary: bin_dir.join("postgres"),
            account,
            data,
        };
        let supervisor = Supervisor::start(launch)?;
        supervisor.wait_until_ready(READY_WITHIN)?;
        Ok(Self { supervisor, socket_dir, bin_dir, _lock: lock })
    }

    /// The address of `database` for `role`, as tokio-postgres, diesel-async, libpq and pgbench read it. There is no
    /// password: who can enter the socket's folder (its owner and root) may be anyone.
    #[must_use]
    pub fn url(&self, role: &str, database: &str) -> String {
        let host = percent_encode(self.socket_dir.path.as_os_str().as_bytes());
        let role = percent_encode(role.as_bytes());
        let database = percent_encode(database.as_bytes());
        format!("postgres://{role}@{host}:{PORT}/{database}")
    }

    /// The folder of `pgbench`, `psql` and the like, all of the server's own version.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// The process id of the postmaster; `None` for the moment in which it is being started again.
    #[must_use]
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.supervisor.pid()
    }

    /// Kills the postmaster as `kill -9` would, for tests of faults. It is started again by itself: see [`Self::wait_until_ready`].
    pub fn kill_postmaster(&self) {
        self.supervisor.kill();
    }

    /// Returns when the server accepts connections, which it does not for a moment after a kill.
    ///
    /// # Errors
    /// [`Error::NotReady`] after `within`, [`Error::WillNotStart`] when it ended again and again.
    pub fn wait_until_ready(&self, within: Duration) -> Result<(), Error> {
        self.supervisor.wait_until_ready(within)
    }
}

/// One program a folder: everything that runs on these data and is not ours is then known to be left over.
fn take_lock(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(doing("open", path))?;
    let deadline = Instant::now() + LOCK_WITHIN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::InUse { lock: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(doing("lock", path)(source)),
        }
    }
}

fn arguments(data: &Path, socket_dir: &Path, settings: &Settings) -> Result<Vec<String>, Error> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| Error::NotUtf8 { path: path.to_owned() });
    // `synchronous_commit` stays on: without it a killed server forgets commits that it has acknowledged.
    let on_off = if settings.fsync { "on" } else { "off" };
    let mut options = vec![
        ("cluster_name".to_owned(), leftovers::short_name(data)),
        ("listen_addresses".to_owned(), String::new()),
        ("port".to_owned(), PORT.to_string()),
        // The setting is a list: quotes keep a comma or a space in the path from parting it.
        ("unix_socket_directories".to_owned(), format!("\"{}\"", text(socket_dir)?.replace('"', "\"\""))),
        ("unix_socket_permissions".to_owned(), "0700".to_owned()),
        ("max_connections".to_owned(), settings.max_connections.to_string()),
        ("shared_buffers".to_owned(), format!("{}MB", settings.shared_buffers_mb)),
        ("fsync".to_owned(), on_off.to_owned()),
        ("full_page_writes".to_owned(), on_off.to_owned()),
        ("timezone".to_owned(), "UTC".to_owned()),
        ("log_timezone".to_owned(), "UTC".to_owned()),
        ("log_destination".to_owned(), "stderr".to_owned()),
        ("logging_collector".to_owned(), "off".to_owned()),
    ];
    options.extend(settings.options.iter().cloned());
    let mut arguments = vec!["-D".to_owned(), text(data)?];
    for (name, value) in options {
        arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    Ok(arguments)
}

fn open_log(path: &Path) -> Result<File, Error> {
    let mut log = OpenOptions::new().create(true).append(true).open(path).map_err(doing("open", path))?;
    let length = log.metadata().map_err(doing("read", path))?.len();
    if length > LOG_BYTES {
        log.set_len(0).map_err(doing("empty", path))?;
    }
    // The mark tells the complaints of this start from older ones.
    writeln!(log, "{}", supervisor::LOG_MARK).map_err(doing("write", path))?;
    Ok(log)
}

fn percent_encode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
