//! PostgreSQL for tests: one cluster for the whole run, a database that is migrated and seeded once, and a copy of it for
//! each test. Tests that kill PostgreSQL start a cluster of their own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::{fs, thread};

use netily::app::App;
use netily::clock::Clock;
use netily::config::Config;
use netily::demo::database::{self, Urls};
use netily::demo::seed::{self, Seeded};
use netily::migrations;
use netily::postgres::{Cluster, SUPERUSER, Settings};
use netily_sandbox::{Config as SandboxConfig, Sandbox};

use crate::configuration::environment;
use crate::sql::Sql;

const TEMPLATE: &str = "template_of_the_tests";

static SHARED: LazyLock<Arc<TestCluster>> = LazyLock::new(|| {
    remove_leftovers();
    Arc::new(TestCluster::start("shared"))
});
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running PostgreSQL with the template of the tests.
pub struct TestCluster {
    /// In front of its folder, so that it has ended when that goes.
    cluster: Cluster,
    seeded: Seeded,
    folder: Folder,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl TestCluster {
    /// The cluster of the whole run. It ends with the process: its parent-death signal sees to that.
    pub fn shared() -> Arc<TestCluster> {
        SHARED.clone()
    }

    /// A cluster of one test, gone when dropped. Blocks for some seconds.
    pub fn start(name: &str) -> TestCluster {
        let folder = Folder(scratch().join(format!("postgres-{}-{name}", std::process::id())));
        let settings = Settings { fsync: false, max_connections: 300, shared_buffers_mb: 64, ..Settings::default() };
        let cluster = Cluster::start(&folder.0, settings).expect("PostgreSQL starts");
        // A runtime of its own: this may be called from within another one, which allows no blocking.
        let seeded = thread::scope(|scope| scope.spawn(|| runtime().block_on(make_template(&cluster))).join()).expect("the template is made");
        TestCluster { cluster, seeded, folder }
    }

    /// The same with an archive of its log, from which it can be restored.
    pub fn archived(name: &str) -> TestCluster {
        let folder = Folder(scratch().join(format!("postgres-{}-{name}", std::process::id())));
        let archive = folder.0.join("archive");
        fs::create_dir_all(&archive).expect("a folder for the archive");
        // The server is another user than this process.
        fs::set_permissions(&archive, fs::Permissions::from_mode(0o777)).expect("the archive is open");
        let command = format!("cp %p {}/%f", archive.display());
        let options = [("archive_mode", "on"), ("archive_command", &command)].map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let settings = Settings { fsync: false, max_connections: 300, shared_buffers_mb: 64, options };
        let cluster = Cluster::start(&folder.0, settings).expect("PostgreSQL starts");
        let seeded = thread::scope(|scope| scope.spawn(|| runtime().block_on(make_template(&cluster))).join()).expect("the template is made");
        TestCluster { cluster, seeded, folder }
    }

    /// Copies the running cluster, as an operator does each night.
    pub fn base_backup(&self) {
        let target = self.folder.0.join("base");
        let done = Command::new(self.cluster.bin_dir().join("pg_basebackup"))
            .args(["--checkpoint=fast", "--wal-method=stream", "--no-sync", "-D"])
            .arg(&target)
            .args(["-d", &self.cluster.url(SUPERUSER, "postgres")])
            .output()
            .expect("pg_basebackup runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Names this moment, to be restored to.
    pub async fn restore_point(&self, name: &str) {
        self.maintenance().await.run(&format!("SELECT pg_create_restore_point('{name}')")).await;
    }

    /// Closes the log that is being written, so that all of it is in the archive.
    pub async fn close_log(&self) {
        let mut sql = self.maintenance().await;
        let closed = sql.rows("SELECT pg_walfile_name(pg_switch_wal()) AS file").await;
        let file = self.folder.0.join("archive").join(closed[0]["file"].as_str().expect("a file"));
        crate::wait::eventually("the log in the archive", async || file.exists().then_some(())).await;
    }

    /// Another cluster as this one was at a named moment, from the base backup and the archive.
    pub fn restored(&self, point: &str) -> TestCluster {
        let folder = Folder(scratch().join(format!("postgres-{}-{point}", std::process::id())));
        fs::create_dir_all(&folder.0).expect("a folder");
        let data = folder.0.join("pgdata");
        let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
            assert!(Command::new(program).args(arguments).status().expect("it runs").success(), "{program} {arguments:?}");
        };
        run("cp", &["-a".as_ref(), self.folder.0.join("base").as_os_str(), data.as_os_str()]);
        fs::write(data.join("recovery.signal"), "").expect("the signal");
        let like = format!("--reference={}", self.folder.0.join("pgdata").display());
        run("chown", &["-R".as_ref(), like.as_ref(), data.as_os_str()]);
        let command = format!("cp {}/%f %p", self.folder.0.join("archive").display());
        let options = [("restore_command", command.as_str()), ("recovery_target_name", point), ("recovery_target_action", "promote")];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let settings = Settings { fsync: false, max_connections: 300, shared_buffers_mb: 64, options };
        let cluster = Cluster::start(&folder.0, settings).expect("the restored PostgreSQL starts");
        TestCluster { cluster, seeded: self.seeded.clone(), folder }
    }

    /// Where a database of the same name is here.
    pub fn urls(&self, name: &str) -> Urls {
        database::urls(&self.cluster, name)
    }

    /// Waits until it takes writes: what was restored is replayed first.
    pub async fn takes_writes(&self) {
        let mut sql = self.maintenance().await;
        let mut replays = true;
        while replays {
            replays = sql.rows("SELECT pg_is_in_recovery() AS replays, pg_sleep(0.02)").await[0]["replays"] != false;
        }
    }

    /// PostgreSQL itself, to be killed.
    pub fn postgres(&self) -> &Cluster {
        &self.cluster
    }

    /// What the template holds. The addresses of its routers are of no world.
    pub(crate) fn seeded(&self) -> &Seeded {
        &self.seeded
    }

    /// A new copy of the template.
    pub async fn database(&self) -> Urls {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut sql = self.maintenance().await;
        sql.run(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER netily_owner")).await;
        database::urls(&self.cluster, &name)
    }

    /// A new database with nothing in it.
    pub async fn empty_database(&self) -> Urls {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        database::create(&self.cluster, &name).await.expect("an empty database")
    }

    async fn maintenance(&self) -> Sql {
        Sql::connect(&self.cluster.url(SUPERUSER, "postgres").into()).await
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

async fn make_template(cluster: &Cluster) -> Seeded {
    let urls = database::create(cluster, TEMPLATE).await.expect("the database of the template");
    migrations::up(&urls.owner).await.expect("the migrations run");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut sandbox = SandboxConfig::new(folder.path());
    sandbox.routers = seed::routers();
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox starts");
    let nowhere = ([127, 0, 0, 1], 1).into();
    let config = Config::from_map(&environment(&urls, &sandbox, nowhere)).expect("a configuration");
    let app = App::open(config, Clock::default(), true).expect("the doors open");
    let seeded = seed::seed(&app, &sandbox).await.expect("the seed");
    sandbox.stop().await;
    seeded
}

/// Where Cargo lets tests write.
fn scratch() -> PathBuf {
    let target = std::env::current_exe().ok().and_then(|exe| exe.ancestors().nth(3).map(Path::to_owned)).expect("a test binary lies in target/debug/deps");
    target.join("tmp")
}

/// Folders of runs that were killed: those whose process is gone.
fn remove_leftovers() {
    for entry in fs::read_dir(scratch()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix("postgres-").and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
