//! Runs a real PostgreSQL through starts, kills and restarts. Needs its binaries, as the program does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Cluster, Error, Settings};

const A_MINUTE: Duration = Duration::from_secs(60);

/// A folder that goes when the test ends, well or badly.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("netily-postgres-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn settings() -> Settings {
    Settings { fsync: false, shared_buffers_mb: 16, max_connections: 20, ..Settings::default() }
}

fn sql(cluster: &Cluster, statement: &str) -> String {
    let output = Command::new(cluster.bin_dir().join("psql"))
        .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement])
        .arg(cluster.url("postgres", "postgres"))
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("psql prints UTF-8").trim().to_owned()
}

fn process_exists(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A corpse that nobody collected does not count: `pid (comm) Z …`.
    !state.is_empty() && !state.contains(") Z ")
}

#[test]
fn data_are_kept_over_stop_start_and_kill() {
    let home = Home::new("kept");
    let cluster = Cluster::start(&home.0, settings()).expect("the first start");
    sql(&cluster, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)");
    assert_eq!(sql(&cluster, "SHOW data_checksums"), "on");
    assert_eq!(sql(&cluster, "SHOW server_encoding"), "UTF8");
    assert_eq!(sql(&cluster, "SHOW listen_addresses"), "");
    let first = cluster.postmaster_pid().expect("it runs");

    drop(cluster);
    assert!(!process_exists(first), "a stop leaves no process");
    assert!(!home.0.join("pgdata/postmaster.pid").exists(), "a stop is a clean one");

    let cluster = Cluster::start(&home.0, settings()).expect("the second start");
    assert_eq!(sql(&cluster, "SELECT n FROM kept"), "1");
    sql(&cluster, "INSERT INTO kept VALUES (2)");

    let before = cluster.postmaster_pid().expect("it runs");
    let killed = Instant::now();
    cluster.kill_postmaster();
    cluster.wait_until_ready(A_MINUTE).expect("it comes back");
    println!("back after {} ms", killed.elapsed().as_millis());
    assert_ne!(cluster.postmaster_pid().expect("it runs"), before);
    assert_eq!(sql(&cluster, "SELECT count(*) FROM kept"), "2");
}

#[test]
fn a_kill_under_load_is_survived_many_times() {
    let home = Home::new("load");
    let cluster = Cluster::start(&home.0, settings()).expect("the start");
    for _ in 0..3 {
        // A backend that never looks at its postmaster: it must not keep the next start from the data.
        let mut busy = Command::new(cluster.bin_dir().join("psql"))
            .args(["-X", "-q", "-c", "SELECT count(*) FROM generate_series(1, 2000000000)"])
            .arg(cluster.url("postgres", "postgres"))
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("psql runs");
        while sql(&cluster, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 2%'") != "2" {}
        cluster.kill_postmaster();
        cluster.wait_until_ready(A_MINUTE).expect("it comes back");
        busy.wait().expect("psql ends with its backend");
    }
}

#[test]
fn a_second_program_is_refused() {
    let home = Home::new("second");
    let _cluster = Cluster::start(&home.0, settings()).expect("the start");
    let refused = Cluster::start(&home.0, settings()).expect_err("the folder is taken");
    assert!(matches!(refused, Error::InUse { .. }), "{refused}");
}

#[test]
fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let home = Home::new("long");
    let deep = home.0.join("d".repeat(100));
    let cluster = Cluster::start(&deep, settings()).expect("the start");
    let socket_dir = cluster.socket_dir.path.clone();
    assert!(!socket_dir.starts_with(&home.0), "{}", socket_dir.display());
    assert_eq!(sql(&cluster, "SELECT 1"), "1");
    drop(cluster);
    assert!(!socket_dir.exists(), "the short folder goes with the cluster");
}

#[test]
fn a_setting_that_cannot_be_is_told_in_postgres_own_words() {
    let home = Home::new("wrong");
    let wrong = Settings { options: vec![("wal_level".to_owned(), "nonsense".to_owned())], ..settings() };
    let error = Cluster::start(&home.0, wrong).expect_err("it cannot start").to_string();
    assert!(error.contains("nonsense"), "{error}");
}

#[test]
fn a_stale_lock_file_and_a_half_made_folder_are_no_obstacle() {
    let home = Home::new("stale");
    fs::create_dir_all(home.0.join("pgdata.new/base")).expect("a folder as an interrupted initdb leaves it");
    drop(Cluster::start(&home.0, settings()).expect("the first start"));
    // The process id of a living stranger of the same user: ourselves.
    let lock = format!("{}\n{}\n1\n5432\n\n\n\n", std::process::id(), home.0.join("pgdata").display());
    fs::write(home.0.join("pgdata/postmaster.pid"), lock).expect("a lock file as a kill leaves it");
    let cluster = Cluster::start(&home.0, settings()).expect("the second start");
    assert_eq!(sql(&cluster, "SELECT 1"), "1");
}

/// Runs this test binary again as a program of its own, which starts a cluster and waits to be killed.
#[test]
fn kill_of_the_program_leaves_no_orphan() {
    let child_home = std::env::var_os("NETILY_TEST_CHILD_HOME");
    if let Some(home) = child_home {
        let _cluster = Cluster::start(Path::new(&home), settings()).expect("the start in the child");
        fs::write(Path::new(&home).join("started"), "").expect("the sign");
        std::thread::sleep(A_MINUTE);
        return;
    }
    let home = Home::new("orphan");
    let mut program = Command::new(std::env::current_exe().expect("this binary"))
        .args(["kill_of_the_program_leaves_no_orphan", "--nocapture"])
        .env("NETILY_TEST_CHILD_HOME", &home.0)
        .spawn()
        .expect("this binary runs");
    let deadline = Instant::now() + A_MINUTE;
    while !home.0.join("started").exists() {
        assert!(Instant::now() < deadline, "the child program starts its cluster");
        std::thread::sleep(Duration::from_millis(10));
    }
    let lock = fs::read_to_string(home.0.join("pgdata/postmaster.pid")).expect("a running cluster has a lock file");
    let postmaster: u32 = lock.lines().next().expect("a line").trim().parse().expect("a process id");
    assert!(process_exists(postmaster));

    program.kill().expect("kill -9");
    program.wait().expect("its end");
    let killed = Instant::now();
    while process_exists(postmaster) {
        assert!(killed.elapsed() < A_MINUTE, "the postmaster follows its program");
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("gone after {} ms", killed.elapsed().as_millis());
    let cluster = Cluster::start(&home.0, settings()).expect("the next start works on the same data");
    assert_eq!(sql(&cluster, "SELECT 1"), "1");
}

#[test]
fn the_url_encodes_what_a_path_may_hold() {
    assert_eq!(super::percent_encode("/tmp/a b,c".as_bytes()), "%2Ftmp%2Fa%20b%2Cc");
}
