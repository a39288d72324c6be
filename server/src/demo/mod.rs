//! `netily demo`: everything in one process tree on loopback, with its own PostgreSQL, stand-ins for the outside, and
//! two ISPs to play with. The same folder keeps its data over restarts.

mod card;
pub mod database;
mod secrets;
pub mod seed;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use netily_sandbox::{Config as SandboxConfig, Sandbox};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::postgres::{Cluster, Settings};
use crate::{serve, worker};

/// Anything that can go wrong while starting; told in one sentence.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// What `netily demo` was asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Port to serve on, on loopback.
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    /// Folder that keeps the database, what the stand-ins did, and demo.json.
    #[arg(long, default_value = ".data")]
    pub data: PathBuf,
    /// Begin anew: delete what the folder holds.
    #[arg(long)]
    pub reset: bool,
}

/// Runs until told to stop.
pub async fn demo(options: Options, stop: CancellationToken) -> Result<(), Trouble> {
    let begun = Instant::now();
    let dir = prepare(&options)?;
    say("Starting PostgreSQL");
    let home = dir.join("postgres");
    let cluster = tokio::task::spawn_blocking(move || Cluster::start(&home, Settings::default())).await??;
    let urls = database::create(&cluster, "netily").await?;
    let migrated = crate::migrations::up(&urls.owner).await?;
    if !migrated.is_empty() {
        say(&format!("Ran {} migrations", migrated.len()));
    }
    say("Starting the stand-ins for PayHero, SMS, mail and three routers");
    let mut sandbox = SandboxConfig::new(dir.join("sandbox"));
    sandbox.routers = seed::routers();
    // Netily's own float: test payments and charges come from it.
    sandbox.payhero.wallet_opening_kes = 10_000;
    let sandbox = Sandbox::start(sandbox).await?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))
        .await
        .map_err(|cause| format!("port {} cannot be used: {cause}; choose another one with --port", options.port))?;
    let port = listener.local_addr()?.port();
    let config = Config::from_map(&environment(&dir, &urls, &sandbox, port)?)?;
    let app = App::open(config, Clock::default(), true)?;
    say("Seeding the ISPs yellow and blue");
    let seeded = seed::seed(&app, &sandbox).await?;
    seed::line(&app, &seeded).await?;
    seed::payout(&app, &seeded).await?;
    join_devices(&sandbox, &seeded).await;
    let serving = tokio::spawn(serve::serve(app.clone(), listener, stop.clone()));
    let working = tokio::spawn(worker::work(app.clone(), stop.clone()));
    card::write(&dir, port, &urls, &sandbox, &seeded)?;
    println!("{}", card::greeting(port, &sandbox, &seeded, begun.elapsed()));
    stop.cancelled().await;
    say("Stopping");
    serving.await??;
    working.await?;
    sandbox.stop().await;
    drop(app);
    tokio::task::spawn_blocking(move || drop(cluster)).await?;
    Ok(())
}

/// The devices of the printed addresses are on the WiFi of their routers, so that these can let them in by themselves.
async fn join_devices(sandbox: &Sandbox, seeded: &seed::Seeded) {
    let routers = seeded.isps.iter().flat_map(|isp| isp.routers.iter().enumerate());
    for (at, card) in routers {
        let (mac, ip) = card::device(at);
        let Some(router) = sandbox.router(&card.sandbox_name) else { continue };
        // A router that was switched off in the run before stays off, and nobody joins its WiFi.
        if let Err(why) = router.join_host(&mac, &ip).await {
            tracing::warn!(router = card.sandbox_name, why, "a device could not join the WiFi");
        }
    }
}

fn prepare(options: &Options) -> Result<PathBuf, Trouble> {
    if options.reset && options.data.exists() {
        // Only a folder that a demo made is deleted.
        if !options.data.join("postgres").exists() && std::fs::read_dir(&options.data)?.next().is_some() {
            return Err(format!("{} is not the folder of a demo; nothing was deleted", options.data.display()).into());
        }
        std::fs::remove_dir_all(&options.data)?;
    }
    std::fs::create_dir_all(&options.data)?;
    let dir = options.data.canonicalize()?;
    // Whoever waits for the card shall not find the one of the run before.
    match std::fs::remove_file(dir.join("demo.json")) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(cause.into()),
        _ => Ok(dir),
    }
}

/// The same names that production reads from its environment.
fn environment(dir: &Path, urls: &database::Urls, sandbox: &Sandbox, port: u16) -> Result<HashMap<String, String>, Trouble> {
    use secrecy::ExposeSecret as _;
    let callback = |kind: &str| format!("http://127.0.0.1:{port}/api/v1/webhooks/payhero/{kind}/");
    let mut map = secrets::load(dir)?;
    map.extend(
        [
            ("DATABASE_URL", urls.app.expose_secret().to_owned()),
            ("NETILY_BASE_DOMAIN", "localhost".to_owned()),
            ("PAYHERO_BASE_URL", sandbox.payhero_url()),
            ("PAYHERO_AUTH", "c2FuZGJveDpzYW5kYm94".to_owned()),
            ("PAYHERO_CHANNEL_ID", "4021".to_owned()),
            ("PAYHERO_ACCOUNT_ID", "183".to_owned()),
            ("PAYHERO_PROVIDER", "sasapay".to_owned()),
            ("PAYHERO_NETWORK_CODE", "63902".to_owned()),
            ("PAYHERO_SUBSCRIPTION_CALLBACK", callback("subscription")),
            ("PAYHERO_HOTSPOT_CALLBACK", callback("hotspot")),
            ("PAYHERO_BILLING_CALLBACK", callback("billing")),
            ("PAYHERO_PAYOUT_CALLBACK", callback("payout")),
            ("NETILY_PUBLIC_URL", format!("http://{{isp}}.localhost:{port}")),
            ("SMS_BASE_URL", sandbox.sms_url()),
            ("SMS_USERNAME", "sandbox".to_owned()),
            ("SMS_API_KEY", "atsk_sandbox".to_owned()),
            ("SMTP_URL", format!("smtp://{}", sandbox.mail_address())),
            ("MAIL_FROM", "Netily <no-reply@netily.example>".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(map)
}

fn say(what: &str) {
    println!("  {what}");
}
