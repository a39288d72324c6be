//! Keeps one `postgres` running as a direct child: starts it again when it ends unasked, stops it when asked. Never uses pg_ctl.
//! The thread that spawns the child waits for it: the parent-death signal follows the spawning thread, not the process.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::account::Account;
use super::error::{Error, doing, running};
use super::leftovers;

/// Written to the log at each start of a supervisor.
pub(super) const LOG_MARK: &str = "---- started by netily ----";

/// Ends in a row without a connection accepted after which a wait gives up; the supervisor itself goes on.
const HOPELESS_AFTER: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long each way of stopping is given: fast (roll back, checkpoint, end), then immediate, then kill.
const STOP_STEPS: [(Signal, Duration); 3] =
    [(Signal::INT, Duration::from_secs(20)), (Signal::QUIT, Duration::from_secs(5)), (Signal::KILL, Duration::from_secs(5))];

/// What is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) binary: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) account: Account,
    pub(super) data: PathBuf,
    pub(super) log: File,
    pub(super) log_path: PathBuf,
}

#[derive(Debug, Default)]
struct State {
    /// Set while the child is surely ours to signal: cleared before it is reaped, so the number cannot be a stranger's.
    child: Option<Pid>,
    /// Ends without a connection accepted in between.
    failures: u32,
    stopping: bool,
    ended: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// A thread that panicked leaves the state whole: every change to it is a plain assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done` or the time is over; says whether it was done.
    fn wait(&self, within: Duration, done: impl Fn(&State) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), within, |state| !done(state));
        done(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// The handle of the supervising thread.
#[derive(Debug)]
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    data: PathBuf,
    log_path: PathBuf,
}

impl Supervisor {
    /// Starts the thread; the server is on its way when this returns.
    pub(super) fn start(launch: Launch) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let (data, log_path) = (launch.data.clone(), launch.log_path.clone());
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || {
                    keep_running(&shared, &launch);
                    shared.lock().ended = true;
                    shared.changed.notify_all();
                }
            })
            .map_err(doing("start a thread for", &data))?;
        Ok(Self { shared, thread: Some(thread), data, log_path })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.shared.lock().child.map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    pub(super) fn kill(&self) {
        // Forgotten at once, so that a wait for readiness does not take the dying one for ready.
        if let Some(pid) = self.shared.lock().child.take() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    pub(super) fn wait_until_ready(&self, within: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + within;
        while !self.is_ready() {
            if self.shared.lock().failures >= HOPELESS_AFTER {
                return Err(Error::WillNotStart { complaint: self.complaint(), log: self.log_path.clone() });
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady { seconds: within.as_secs(), log: self.log_path.clone() });
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.shared.lock().failures = 0;
        Ok(())
    }

    /// `postmaster.pid` has the process id in its first line and `ready` in its eighth, where `pg_ctl --wait` reads it too.
    fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        let pid = lines.next().and_then(|line| line.parse().ok());
        let ready = lines.nth(6) == Some("ready");
        ready && pid.is_some() && pid == self.pid()
    }

    /// The last fatal line since the last start, or else the last line.
    fn complaint(&self) -> String {
        let log = fs::read(&self.log_path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let recent = log.rsplit(LOG_MARK).next().unwrap_or_default();
        let lines = || recent.lines().rev().filter(|line| !line.trim().is_empty());
        let fatal = lines().find(|line| line.contains("FATAL:") || line.contains("PANIC:"));
        fatal.or_else(|| lines().next()).unwrap_or("it said nothing").trim().to_owned()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        for (signal, patience) in STOP_STEPS {
            if let Some(pid) = self.shared.lock().child {
                let _ = kill_process(pid, signal);
            }
            if self.shared.wait(patience, |state| state.ended) {
                break;
            }
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep_running(shared: &Shared, launch: &Launch) {
    let mut pause = FIRST_PAUSE;
    loop {
        leftovers::clear(&launch.data);
        let started = Instant::now();
        match spawn_unless_stopping(shared, launch) {
            Ok(None) => return,
            Ok(Some(child)) => await_end(shared, child),
            Err(error) => {
                tracing::error!(%error, "PostgreSQL could not be started");
            }
        }
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        shared.lock().failures += 1;
        if shared.wait(pause, |state| state.stopping) {
            return;
        }
        tracing::warn!("PostgreSQL ended unasked and is started again");
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One lock over the question and the spawn: a stop comes either before, and nothing starts, or after, and finds the child.
fn spawn_unless_stopping(shared: &Shared, launch: &Launch) -> Result<Option<Child>, Error> {
    let mut state = shared.lock();
    if state.stopping {
        return Ok(None);
    }
    let copy_log = || launch.log.try_clone().map_err(doing("open", &launch.log_path));
    let child = launch
        .account
        // Immediate shutdown: the postmaster takes all its children with it at once, and the next start recovers.
        .command(&launch.binary, "QUIT")
        .args(&launch.arguments)
        .stdin(Stdio::null())
        .stdout(copy_log()?)
        .stderr(copy_log()?)
        .spawn()
        .map_err(running(&launch.binary))?;
    state.child = Some(Pid::from_child(&child));
    Ok(Some(child))
}

/// Waits for the end without reaping, so that nobody signals a process id that the system has given away again.
fn await_end(shared: &Shared, mut child: Child) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(Pid::from_child(&child)), options), Err(rustix::io::Errno::INTR)) {}
    let mut state = shared.lock();
    state.child = None;
    let _ = child.wait();
}
