//! PostgreSQL for tests: one cluster for the whole run, a database that is migrated and seeded once, and a copy of it for
//! each test. Tests that kill PostgreSQL start a cluster of their own.

use std::path::{Path, PathBuf};
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
    _folder: Folder,
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
        TestCluster { cluster, seeded, _folder: folder }
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
