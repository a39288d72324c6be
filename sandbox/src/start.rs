//! Starting and stopping a whole sandbox: it opens the ports, reads the truth, takes up what was under way, and serves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::journal::Journal;
use crate::ports::Ports;
use crate::routeros::{self, RouterHandle};
use crate::truth::Truth;
use crate::world::World;
use crate::{Config, Error, control, mail, payhero, phone, sms};

/// How long `stop` waits for answers that are being written.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A running sandbox. Dropping it ends it, without waiting.
pub struct Sandbox {
    world: Arc<World>,
    address: SocketAddr,
    mail_address: SocketAddr,
    server: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts every stand-in. When this returns, all of them answer.
    ///
    /// # Errors
    /// The folder cannot be used, what it holds cannot be read, or a port is taken.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let Config { dir, listen, routers, payhero, sms } = config;
        std::fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
        let mut ports = Ports::load(&dir)?;
        let listener = ports.listen("http", listen).await?;
        let smtp = ports.listen("smtp", SocketAddr::new(listen.ip(), 0)).await?;
        let address = listener.local_addr().map_err(Error::file(&dir))?;
        let mail_address = smtp.local_addr().map_err(Error::file(&dir))?;
        let mut handles = BTreeMap::new();
        for setup in routers {
            let name = setup.name.clone();
            let handle = RouterHandle::start(routeros::RouterSetup {
                name: setup.name,
                username: setup.username,
                password: setup.password,
                identity: setup.identity,
                dir: Some(dir.join("routers")),
                listen: SocketAddr::new(listen.ip(), 0),
            });
            let handle = handle.await.map_err(|source| Error::Router { name: name.clone(), source })?;
            handles.insert(name, handle);
        }
        let mut truth = Truth::default();
        let journal = Journal::open(&dir, &mut truth)?;
        let world = Arc::new(World::new(payhero, sms, handles, client()?, truth, journal));
        payhero::resume(&world);
        world.spawn(mail::serve(world.clone(), smtp));
        let server = tokio::spawn(serve(world.clone(), listener));
        Ok(Self { world, address, mail_address, server: Some(server) })
    }

    /// `http://127.0.0.1:PORT`, where everything that speaks HTTP is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where PayHero's host would be: paths go on with `/api/v2/…` or `/api/global/…`.
    pub fn payhero_url(&self) -> String {
        format!("{}/payhero", self.url())
    }

    /// Where Africa's Talking's host would be: the path goes on with `/version1/messaging`.
    pub fn sms_url(&self) -> String {
        format!("{}/africastalking", self.url())
    }

    /// Where the SMTP server listens.
    pub fn mail_address(&self) -> SocketAddr {
        self.mail_address
    }

    /// Where a router's RouterOS API listens; nothing for a name that was not configured.
    pub fn router_address(&self, name: &str) -> Option<SocketAddr> {
        self.world.routers.get(name).map(RouterHandle::address)
    }

    /// A router, to be looked at and switched from the same process.
    pub fn router(&self, name: &str) -> Option<&RouterHandle> {
        self.world.routers.get(name)
    }

    /// What PayHero really did, as `GET /control/payhero/truth` answers it.
    pub fn truth(&self) -> Value {
        self.world.look(Truth::payhero)
    }

    /// Waits until PayHero's truth is as wanted and gives it; nothing if it is not so within `limit`. Wakes with each change.
    pub async fn wait_for_truth(&self, limit: Duration, mut wanted: impl FnMut(&Value) -> bool) -> Option<Value> {
        let mut changes = self.world.changes();
        let watching = async {
            loop {
                changes.mark_unchanged();
                let truth = self.truth();
                if wanted(&truth) {
                    return Some(truth);
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(limit, watching).await.ok().flatten()
    }

    /// Ends everything: prompts and callbacks that are waiting stay in the folder. The ports are free when this returns.
    pub async fn stop(mut self) {
        self.world.stopping.cancel();
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(STOP_LIMIT, &mut server).await.is_err()
        {
            server.abort();
        }
        self.world.tasks.close();
        let _late = tokio::time::timeout(STOP_LIMIT, self.world.tasks.wait()).await;
        for router in self.world.routers.values() {
            router.stop().await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.world.stopping.cancel();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn serve(world: Arc<World>, listener: TcpListener) {
    let stopping = world.stopping.clone();
    let routes = Router::new()
        .nest("/payhero", payhero::routes(&world))
        .nest("/africastalking", sms::routes())
        .nest("/control", control::routes())
        .merge(phone::routes())
        .with_state(world);
    let server = axum::serve(listener, routes).with_graceful_shutdown(stopping.cancelled_owned());
    if let Err(fault) = server.await {
        tracing::error!(%fault, "the sandbox's HTTP server ended");
    }
}

/// The client of callbacks: no redirects, and no proxy from the environment, which would see the merchant's path tokens.
fn client() -> Result<reqwest::Client, Error> {
    // Another part of the process may have chosen its provider already; either serves.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?)
}
