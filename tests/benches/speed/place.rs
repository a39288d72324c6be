//! Where the benchmarks run: a PostgreSQL that flushes to disk, the sandbox, the server's own doors, and many ISPs.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection as _;
use netily::actor::Tenant;
use netily::app::App;
use netily::audit::By;
use netily::clock::Clock;
use netily::config::Config;
use netily::demo::database::{self, Urls};
use netily::demo::seed;
use netily::hotspot::{self, Ask};
use netily::id::{HotspotPlanId, IspId, PaymentId, RequestId, RouterId};
use netily::platform::{self, NewIsp};
use netily::postgres::{Cluster, Settings};
use netily::router::{self, NewRouter};
use netily_sandbox::{Config as SandboxConfig, RouterSetup, Sandbox};
use netily_tests::environment;
use tempfile::TempDir;

/// An ISP with one router and one plan.
#[derive(Clone)]
pub struct Shop {
    pub tenant: Tenant,
    pub router: RouterId,
    pub plan: HotspotPlanId,
    pub sandbox_router: String,
}

/// Everything that a benchmark needs.
pub struct Place {
    pub app: Arc<App>,
    pub urls: Urls,
    pub sandbox: Sandbox,
    pub shops: Vec<Shop>,
    pub cluster: Cluster,
    _folder: TempDir,
}

impl Place {
    /// A place with this many ISPs of one router each. `address` is where a server will listen for callbacks.
    pub async fn with_shops(shops: usize, address: SocketAddr) -> Place {
        Place::configured(shops, address, |_| ()).await
    }

    /// The same with as many connections to the database as pgbench has that it is measured against.
    pub async fn with_connections(shops: usize, address: SocketAddr, connections: usize) -> Place {
        Place::configured(shops, address, |config| config.database_connections = connections).await
    }

    /// The same with other settings.
    pub async fn configured(shops: usize, address: SocketAddr, change: impl FnOnce(&mut Config)) -> Place {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let home = folder.path().join("postgres");
        // The vacuum in the background comes once a minute, in the middle of whatever is measured then: of us or of what we are measured against.
        let settings = Settings { max_connections: 200, fsync: true, options: vec![("autovacuum".to_owned(), "off".to_owned())], ..Settings::default() };
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(&home, settings)).await.expect("a thread").expect("PostgreSQL starts");
        let urls = database::create(&cluster, "netily").await.expect("a database");
        netily::migrations::up(&urls.owner).await.expect("the migrations run");
        let mut outside = SandboxConfig::new(folder.path().join("sandbox"));
        outside.routers = (0..shops)
            .map(|at| RouterSetup { name: format!("bench-{at}"), username: "netily".into(), password: "secret".into(), identity: format!("Bench {at}") })
            .collect();
        // Nobody is left out of a run for want of money.
        outside.payhero.wallet_opening_kes = 1_000_000_000;
        let sandbox = Sandbox::start(outside).await.expect("the sandbox starts");
        let mut config = Config::from_map(&environment(&urls, &sandbox, address)).expect("a configuration");
        config.payouts.cap_per_day = netily::money::Money::from_minor(100_000_000_000);
        change(&mut config);
        let app = App::open(config, Clock::default(), true).expect("the doors open");
        let mut place = Place { app, urls, sandbox, shops: Vec::new(), cluster, _folder: folder };
        for at in 0..shops {
            place.shops.push(place.open_shop(at).await);
        }
        place
    }

    async fn open_shop(&self, at: usize) -> Shop {
        let new = NewIsp {
            slug: format!("bench-{at}"),
            name: format!("Bench {at}"),
            owner_email: format!("owner{at}@bench.example"),
            owner_phone: None,
            owner_first_name: "Owner".into(),
            owner_last_name: "Bench".into(),
            owner_password: Some("a long enough password".to_owned().into()),
            by: By::Netily,
            request_id: RequestId(uuid::Uuid::new_v4()),
            request_hash: vec![],
        };
        let isp = platform::create_isp(&self.app, new).await.expect("an ISP");
        let sandbox_router = format!("bench-{at}");
        let address = self.sandbox.router_address(&sandbox_router).expect("a router");
        let new = NewRouter {
            name: "Router".into(),
            host: address.ip().to_string(),
            port: address.port(),
            certificate_sha256: None,
            username: "netily".into(),
            password: "secret".to_owned().into(),
            hotspot_server: "all".into(),
            request_id: RequestId(uuid::Uuid::new_v4()),
            request_hash: vec![],
        };
        let router = router::register(&self.app, isp.id, new).await.expect("a router").id;
        let (_, draft) = seed::drafts().into_iter().next().expect("a plan");
        let plan = hotspot::plan::create(&self.app, isp.id, draft, RequestId(uuid::Uuid::new_v4()), vec![]).await.expect("a plan").id;
        Shop { tenant: Tenant { id: isp.id, slug: isp.slug, suspended: false, read_only: false }, router, plan, sandbox_router }
    }

    /// The `n`th guest buys at a shop. Each has a phone, device and address of their own, so that no limit is met.
    pub async fn buy(&self, shop: &Shop, n: usize) -> hotspot::Session {
        let ask = Ask {
            router: shop.router,
            plan: shop.plan,
            phone: phone(n).parse().expect("a phone"),
            mac: None,
            client_ip: None,
            login_url: None,
            request_id: RequestId(uuid::Uuid::new_v4()),
            request_hash: vec![],
            address: std::net::Ipv4Addr::from_bits(0x2900_0000 + u32::try_from(n).expect("a guest")).into(),
        };
        hotspot::purchase(&self.app, &shop.tenant, ask).await.expect("a purchase")
    }

    /// Payments that the gateway has taken, written straight into the tables: what `settle` begins with.
    pub async fn pending_payments(&self, each: usize) -> Vec<(IspId, PaymentId)> {
        let mut all = Vec::new();
        let mut connection = netily::db::connect(&self.urls.superuser).await.expect("a connection");
        for (at, shop) in self.shops.iter().enumerate() {
            let (isp, router, plan) = (shop.tenant.id.uuid(), shop.router.uuid(), shop.plan.uuid());
            let ids: Vec<PaymentId> = (0..each).map(|_| PaymentId::sortable(self.app.clock.now())).collect();
            let expires = (self.app.clock.now() + TimeDelta::minutes(3)).to_rfc3339();
            let rows = |make: &dyn Fn(usize, &PaymentId) -> String| ids.iter().enumerate().map(|(n, id)| make(n, id)).collect::<Vec<_>>().join(",");
            let payments = rows(&|n, id| {
                let id = id.uuid();
                format!(
                    "('{isp}','{id}','HOTSPOT','{id}',gen_random_uuid(),'','NTL-{id}',1000,500,'{}','PENDING','REF-{id}','{expires}',now(),now())",
                    phone(at * each + n)
                )
            });
            let sessions = rows(&|n, id| {
                let id = id.uuid();
                format!(
                    "('{isp}',gen_random_uuid(),'{router}','{plan}','{id}','1 hour',1000,3600,0,0,0,1,'{}','u-{at}-{n}-{id}','p',now())",
                    phone(at * each + n)
                )
            });
            connection
                .batch_execute(&format!(
                    "INSERT INTO tenant.payment (tenant_id,id,purpose,subject,request_id,request_hash,external_reference,amount_minor,commission_bps,phone,state,gateway_reference,expires_at,created_at,updated_at) VALUES {payments};
                     INSERT INTO tenant.hotspot_session (tenant_id,id,router_id,plan_id,payment_id,plan_name,price_minor,duration_seconds,data_cap_bytes,download_kbps,upload_kbps,shared_devices,phone,username,password,created_at) VALUES {sessions}"
                ))
                .await
                .expect("payments are written");
            all.extend(ids.into_iter().map(|id| (shop.tenant.id, id)));
        }
        // Only what was filled: statistics of the tables that are still empty would say that they always will be.
        for statement in ["VACUUM ANALYZE tenant.payment, tenant.hotspot_session", "CHECKPOINT"] {
            connection.batch_execute(statement).await.expect("statistics");
        }
        all
    }
}

/// A phone number of the `n`th guest.
pub fn phone(n: usize) -> String {
    format!("2547{n:08}")
}
