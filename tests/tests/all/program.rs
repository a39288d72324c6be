//! The server and the worker as a process of their own, which can be killed, or armed to die at a point of its code.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use netily::app::App;
use netily::clock::Clock;
use netily::config::Config;
use netily::failpoint::{self, End};
use netily::{serve, worker};
use netily_tests::{World, environment, eventually};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Set for the program: the environment of the server as JSON.
const PROGRAM: &str = "NETILY_TEST_PROGRAM";
/// By how much the program's clock is ahead, in seconds.
const AHEAD: &str = "NETILY_TEST_AHEAD";
/// The point that kills it.
const DIES_AT: &str = "NETILY_TEST_DIES_AT";
/// The point at which its tasks panic.
const PANICS_AT: &str = "NETILY_TEST_PANICS_AT";

/// Not a test by itself: this binary, run again as the program that is to be killed. It serves and works until then.
#[tokio::test(flavor = "multi_thread")]
async fn program_that_is_killed() {
    let Ok(names) = std::env::var(PROGRAM) else { return };
    for (name, end) in [(DIES_AT, End::Kill), (PANICS_AT, End::Panic)] {
        if let Ok(point) = std::env::var(name) {
            failpoint::arm(point, end);
        }
    }
    let config = Config::from_map(&serde_json::from_str(&names).expect("names and values")).expect("a configuration");
    let clock = Clock::default();
    clock.advance(Duration::from_secs(std::env::var(AHEAD).ok().and_then(|ahead| ahead.parse().ok()).unwrap_or_default()));
    let listener = TcpListener::bind(config.listen).await.expect("the port is free again");
    let app = App::open(config, clock, true).expect("the doors open");
    let never = CancellationToken::new();
    let serving = tokio::spawn(serve::serve(app.clone(), listener, never.clone()));
    worker::work(app, never).await;
    drop(serving);
}

/// The program, gone with the test.
pub struct Program(Child);

impl Program {
    /// Starts it for a world that is not serving.
    pub fn start(world: &World, ahead: Duration) -> Program {
        Program::spawn(world, ahead, &[])
    }

    /// Starts one that dies as by `kill -9` when it first passes a point, `act point`.
    pub fn dying_at(world: &World, ahead: Duration, point: &str) -> Program {
        Program::spawn(world, ahead, &[(DIES_AT, point)])
    }

    /// Starts one whose tasks panic whenever they pass a point.
    pub fn panicking_at(world: &World, ahead: Duration, point: &str) -> Program {
        Program::spawn(world, ahead, &[(PANICS_AT, point)])
    }

    fn spawn(world: &World, ahead: Duration, more: &[(&str, &str)]) -> Program {
        let names = environment(&world.urls, world.sandbox(), world.address);
        let child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "program::program_that_is_killed", "--nocapture"])
            .env(PROGRAM, serde_json::to_string(&names).expect("JSON"))
            .env(AHEAD, ahead.as_secs().to_string())
            .envs(more.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this binary runs again");
        Program(child)
    }

    /// Kills it.
    pub fn kill(mut self) {
        self.0.kill().expect("kill -9");
        self.0.wait().expect("its end");
    }

    /// Returns when it has died at its point.
    pub async fn died(mut self, point: &str) {
        let status = eventually(&format!("the process dies at {point}"), async || self.0.try_wait().expect("its status")).await;
        assert_eq!(status.signal(), Some(9), "{point}: it ended otherwise, {status}");
    }

    /// The most memory that it ever had resident, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        peak.expect("its peak")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
