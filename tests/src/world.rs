//! One test's world: a database of its own, the sandbox, the server, and a clock that the test moves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use netily::app::App;
use netily::clock::Clock;
use netily::config::Config;
use netily::demo::database::Urls;
use netily::demo::seed::{self, Seeded};
use netily::gateways::payhero::Generation;
use netily::jobs::{self, Lane};
use netily::wake::Wake;
use netily::{serve, worker};
use netily_sandbox::{Config as SandboxConfig, Sandbox};
use netily_sdk::Client;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cluster::TestCluster;
use crate::configuration::environment;
use crate::sql::Sql;
use crate::wire::Wire;

/// Everything that one test needs. Must be ended with [`World::finish`].
pub struct World {
    /// The server's own doors.
    pub app: Arc<App>,
    /// Who and what was seeded: the ISPs `yellow` and `blue`.
    pub seeded: Seeded,
    /// Where the server listens.
    pub address: SocketAddr,
    /// The addresses of the database.
    pub urls: Urls,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) http: reqwest::Client,
    cluster: Arc<TestCluster>,
    wire: Option<Wire>,
    stop: CancellationToken,
    serving: Option<JoinHandle<std::io::Result<()>>>,
    working: Option<JoinHandle<()>>,
    finished: bool,
    _folder: TempDir,
}

/// What is not usual about a world.
pub struct Builder {
    working: bool,
    generation: Generation,
    gateway_timeout: Duration,
    cluster: Option<Arc<TestCluster>>,
    serves: bool,
    configured: Vec<Configured>,
    wired: bool,
}

type Configured = Box<dyn FnOnce(&mut Config) + Send>;

impl Builder {
    /// A worker does the jobs, as in production.
    pub fn working(mut self) -> Self {
        self.working = true;
        self
    }

    /// Speaks API 2.0.0 of PayHero.
    pub fn v2(mut self) -> Self {
        self.generation = Generation::V2;
        self
    }

    /// How long the server waits for PayHero. Short where the test lets PayHero be silent.
    pub fn gateway_timeout(mut self, timeout: Duration) -> Self {
        self.gateway_timeout = timeout;
        self
    }

    /// On another PostgreSQL than the one of the whole run.
    pub fn on(mut self, cluster: Arc<TestCluster>) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Leaves serving to a process of its own: only the address is reserved.
    pub fn not_serving(mut self) -> Self {
        self.serves = false;
        self
    }

    /// Changes what was configured, just before the server starts.
    pub fn configured(mut self, change: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        self.configured.push(Box::new(change));
        self
    }

    /// The server reaches PostgreSQL over a wire that the test can cut.
    pub fn wired(mut self) -> Self {
        self.wired = true;
        self
    }

    /// Starts it.
    pub async fn start(self) -> World {
        let cluster = self.cluster.unwrap_or_else(TestCluster::shared);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut outside = SandboxConfig::new(folder.path());
        outside.routers = seed::routers();
        // Netily's own float: test payments and charges come from it.
        outside.payhero.wallet_opening_kes = 10_000;
        let (urls, sandbox) = tokio::join!(cluster.database(), Sandbox::start(outside));
        let sandbox = sandbox.expect("the sandbox starts");
        let seeded = at_home(cluster.seeded(), &urls, &sandbox).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let wire = if self.wired { Some(Wire::to(&urls.app).await) } else { None };
        let served = Urls { app: wire.as_ref().map_or(&urls.app, Wire::url).clone(), ..urls.clone() };
        let mut names = environment(&served, &sandbox, address);
        if self.generation == Generation::V2 {
            names.insert("PAYHERO_GENERATION".into(), "v2".into());
            names.remove("PAYHERO_NETWORK_CODE");
        }
        let mut config = Config::from_map(&names).expect("a configuration");
        config.payhero.total_timeout = self.gateway_timeout;
        config.payhero.connect_timeout = self.gateway_timeout / 2;
        for change in self.configured {
            change(&mut config);
        }
        let app = App::open(config, Clock::default(), true).expect("the doors open");
        let stop = CancellationToken::new();
        let world = World {
            serving: self.serves.then(|| tokio::spawn(serve::serve(app.clone(), listener, stop.clone()))),
            working: self.working.then(|| tokio::spawn(worker::work(app.clone(), stop.clone()))),
            http: reqwest::Client::builder().no_proxy().build().expect("an HTTP client"),
            sandbox: Some(sandbox),
            finished: false,
            _folder: folder,
            app,
            seeded,
            address,
            urls,
            cluster,
            wire,
            stop,
        };
        if self.generation == Generation::V2 {
            world.behave(serde_json::json!({ "generation": "v2" })).await;
        }
        world
    }
}

/// The template's routers were those of another sandbox: they get the addresses of this one.
async fn at_home(template: &Seeded, urls: &Urls, sandbox: &Sandbox) -> Seeded {
    let mut seeded = template.clone();
    let mut moves = String::new();
    for router in seeded.isps.iter_mut().flat_map(|isp| &mut isp.routers) {
        let address = sandbox.router_address(&router.sandbox_name).expect("the sandbox has the seeded routers");
        moves += &format!("UPDATE tenant.router SET port = {} WHERE name = '{}';", address.port(), router.name);
        router.address = address.to_string();
    }
    Sql::connect(&urls.superuser).await.run(&moves).await;
    seeded
}

impl World {
    /// A world in which jobs run when the test says so.
    pub async fn new() -> World {
        World::builder().start().await
    }

    /// A world with a worker.
    pub async fn working() -> World {
        World::builder().working().start().await
    }

    /// A world with unusual settings.
    pub fn builder() -> Builder {
        Builder {
            working: false,
            generation: Generation::Legacy,
            gateway_timeout: Duration::from_secs(10),
            cluster: None,
            serves: true,
            wired: false,
            configured: Vec::new(),
        }
    }

    /// A client that calls on behalf of one ISP's guests and people. It repeats nothing, so that a test sees each answer.
    pub fn client(&self, slug: &str) -> Client {
        Client::builder(format!("http://{}", self.address)).tenant(slug).attempts(1).build().expect("a client")
    }

    /// A client of the platform itself.
    pub fn platform_client(&self) -> Client {
        Client::builder(format!("http://{}", self.address)).attempts(1).build().expect("a client")
    }

    /// Looks into the database as the superuser.
    pub async fn sql(&self) -> Sql {
        Sql::connect(&self.urls.superuser).await
    }

    /// The PostgreSQL of this world.
    pub fn cluster(&self) -> &TestCluster {
        &self.cluster
    }

    /// The server goes down, its database is restored to a named moment on another PostgreSQL, and it comes up again on that one.
    pub async fn restore(&mut self, point: &str, from: &TestCluster) {
        self.halt().await;
        let restored = Arc::new(from.restored(point));
        restored.takes_writes().await;
        let name = self.urls.app.expose_secret().rsplit('/').next().expect("a database").to_owned();
        self.urls = restored.urls(&name);
        let config = Config { database_url: self.urls.app.clone(), ..self.app.config.clone() };
        self.app = App::open(config, self.app.clock.clone(), true).expect("the doors open");
        self.stop = CancellationToken::new();
        let listener = TcpListener::bind(self.address).await.expect("the same address");
        self.serving = Some(tokio::spawn(serve::serve(self.app.clone(), listener, self.stop.clone())));
        self.cluster = restored;
    }

    /// The wire of a world that was built with one.
    pub fn wire(&self) -> &Wire {
        self.wire.as_ref().expect("a world with a wire")
    }

    /// Moves the clock of the server and the worker. The world outside keeps the machine's time.
    pub fn advance(&self, by: Duration) {
        self.app.clock.advance(by);
        // A worker looks for what has become due when it is woken, or else within a second.
        self.app.wakes.send(Lane::ALL.map(Wake::Job).into());
    }

    /// Sets the clock of the server and the worker back.
    pub fn set_back(&self, by: Duration) {
        self.app.clock.set_back(by);
    }

    /// Runs every job that is due, and what follows from it at once.
    pub async fn run_due(&self) -> usize {
        worker::run_due(&self.app).await.expect("jobs are claimed")
    }

    /// Moves the clock and runs what is due then.
    pub async fn run_after(&self, by: Duration) -> usize {
        self.advance(by);
        self.run_due().await
    }

    /// Runs the sweeps now, whenever they were due.
    pub async fn sweep(&self) {
        jobs::enqueue_sweeps(&self.app.db, self.app.clock.now()).await.expect("the sweeps are asked for");
        self.run_due().await;
    }

    /// Ends the test: everything stops, every rule of the ledger holds, and what PayHero did is what was booked.
    pub async fn finish(self) {
        self.finish_with_unbooked(0).await;
    }

    /// The same for a test in which this many paid prompts could not be booked: each must wait for a human as an open
    /// break.
    pub async fn finish_with_unbooked(mut self, unbooked: usize) {
        self.halt().await;
        self.check_books(unbooked).await;
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.stop().await;
        }
        self.finished = true;
    }

    /// Stops the server and the worker as SIGTERM does.
    async fn halt(&mut self) {
        self.stop.cancel();
        for name in self.seeded.isps.iter().flat_map(|isp| &isp.routers).map(|router| router.sandbox_name.clone()).collect::<Vec<_>>() {
            // A job that waits for a router that hangs would hold up the end.
            self.router(&name).set_state(serde_json::json!({ "power": "on" })).await.expect("a router is switched on");
        }
        if let Some(working) = self.working.take() {
            working.await.expect("the worker ends without a panic");
        }
        if let Some(serving) = self.serving.take() {
            serving.await.expect("the server ends without a panic").expect("the server ends well");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        if !self.finished && !std::thread::panicking() {
            panic!("a test ends with `world.finish().await`, which compares the books");
        }
    }
}
