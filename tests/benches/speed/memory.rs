//! What an idle `serve` and an idle `work` hold in memory, as processes of their own.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use netily::app::App;
use netily::clock::Clock;
use netily::config::Config;
use netily::{serve, worker};
use netily_tests::environment;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::place::Place;
use crate::verdict::{Limit, Verdict};

/// What a process of its own does: the same as the subcommand of the binary.
pub fn run_as(role: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let app = App::open(Config::from_env().expect("a configuration"), Clock::default(), false).expect("the doors open");
        let never = CancellationToken::new();
        if role == "serve" {
            let listener = tokio::net::TcpListener::bind(app.config.listen).await.expect("a port");
            serve::serve(app, listener, never).await.expect("serving");
        } else {
            worker::work(app, never).await;
        }
    });
}

pub async fn run() -> Vec<Verdict> {
    let place = Place::with_shops(1, ([127, 0, 0, 1], 0).into()).await;
    let processes = ["serve", "work"].map(|role| start(&place, role, ([127, 0, 0, 1], 0).into()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let megabytes: f64 = processes.iter().map(|process| resident(process.id().expect("it still runs"))).sum();
    vec![Verdict { what: "idle serve + work, resident MB, against 80 MB", measured: megabytes, against: 80.0, limit: Limit::AtMost(1.0) }]
}

/// A process of ours in this role, which ends with its handle.
pub fn start(place: &Place, role: &str, address: SocketAddr) -> Child {
    let names = environment(&place.urls, &place.sandbox, address);
    let exe = std::env::current_exe().expect("our own path");
    Command::new(exe).arg(role).envs(&names).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("a process")
}

/// Megabytes that a process holds now.
pub fn resident(process: u32) -> f64 {
    megabytes(process, "VmRSS:")
}

/// The most megabytes that a process held so far.
pub fn highest(process: u32) -> f64 {
    megabytes(process, "VmHWM:")
}

#[expect(clippy::float_arithmetic, reason = "megabytes")]
fn megabytes(process: u32, what: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("its size");
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number");
    kilobytes / 1024.0
}
