//! What this PostgreSQL does on this machine: pgbench's TPC-B-like built-in on the same cluster.

use netily::postgres::{Cluster, SUPERUSER};
use tokio::process::Command;

const SCALE: &str = "20";

/// Makes pgbench's tables in a database of their own.
pub async fn prepare(cluster: &Cluster) {
    netily::demo::database::create(cluster, "pgbench").await.expect("a database for pgbench");
    let made = command(cluster).args(["-i", "-q", "-s", SCALE]).arg(url(cluster)).output().await.expect("pgbench runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Transactions a second of a script of our own, in one of our databases, as netily_app.
pub async fn script_rate(cluster: &Cluster, database: &str, script: &std::path::Path, connections: usize, seconds: u32) -> f64 {
    let mut run = command(cluster);
    run.args(["-n", "-M", "prepared", "-j", "2", "-c", &connections.to_string(), "-T", &seconds.to_string(), "-f"]).arg(script);
    tps(run.arg(cluster.url("netily_app", database))).await
}

/// The same for so many transactions of each connection, each of which knows its place among them as `:n`, from 1.
pub async fn script_count_rate(cluster: &Cluster, database: &str, script: &std::path::Path, connections: usize, each: usize) -> f64 {
    let mut run = command(cluster);
    run.args(["-n", "-M", "prepared", "-j", "2", "-D", "n=0", "-c", &connections.to_string(), "-t", &each.to_string(), "-f"]).arg(script);
    tps(run.arg(cluster.url("netily_app", database))).await
}

/// Transactions a second with this many connections.
pub async fn rate(cluster: &Cluster, connections: usize, seconds: u32) -> f64 {
    let mut run = command(cluster);
    run.args(["-n", "-M", "prepared", "-j", "2", "-c", &connections.to_string(), "-T", &seconds.to_string()]);
    tps(run.arg(url(cluster))).await
}

async fn tps(run: &mut Command) -> f64 {
    let run = run.output().await.expect("pgbench runs");
    let text = String::from_utf8_lossy(&run.stdout);
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")).and_then(|rest| rest.split_whitespace().next());
    tps.and_then(|tps| tps.parse().ok()).unwrap_or_else(|| panic!("pgbench prints a rate: {text} {}", String::from_utf8_lossy(&run.stderr)))
}

fn command(cluster: &Cluster) -> Command {
    Command::new(cluster.bin_dir().join("pgbench"))
}

fn url(cluster: &Cluster) -> String {
    cluster.url(SUPERUSER, "pgbench")
}
