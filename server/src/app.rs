//! What every use case is handed: the doors, opened once. Holds no state of a request.

use std::sync::Arc;

use crate::auth::{Passwords, TokenKeys};
use crate::clock::Clock;
use crate::collect::{Bookings, Inbox, Looks};
use crate::config::Config;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::gateways::mail::Mail;
use crate::gateways::payhero::{Outflows, Payhero};
use crate::gateways::sms::Sms;
use crate::journal::Journal;
use crate::router::address::Allowed;
use crate::seal::Seal;
use crate::seldom::Seldom;
use crate::wake::Wakes;

/// The doors.
pub struct App {
    /// PostgreSQL.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// What was configured.
    pub config: Config,
    /// The payment gateway.
    pub payhero: Payhero,
    /// The provider of text messages, and the second one if there is one.
    pub sms: Vec<Sms>,
    /// The mail server.
    pub mail: Mail,
    /// Secrets at rest.
    pub seal: Seal,
    /// Access tokens.
    pub tokens: TokenKeys,
    /// Password hashing, bounded.
    pub passwords: Passwords,
    /// Where payments that succeeded at the same time are booked together.
    pub bookings: Bookings,
    /// Where payments that are asked about at the same time are read together.
    pub looks: Looks,
    /// Where callbacks that came at the same time are kept together.
    pub inbox: Inbox,
    /// The journal outside the database.
    pub journal: Journal,
    /// What left the gateway's wallet lately.
    pub outflows: Outflows,
    /// Telling and being told of changes.
    pub wakes: Wakes,
    /// Which lasting troubles the log was told of.
    pub seldom: Seldom,
    /// Which addresses of routers may be called.
    pub router_addresses: Allowed,
}

impl App {
    /// Opens the doors. Connects to nothing yet.
    pub fn open(config: Config, clock: Clock, loopback_routers: bool) -> Result<Arc<App>> {
        // A second call in one process finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wakes = Wakes::start(config.database_url.clone());
        let sms =
            [Some(&config.sms), config.sms_fallback.as_ref()].into_iter().flatten().map(Sms::new).collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
        let db = Db::new(&config.database_url, config.database_connections, wakes.clone())?;
        Ok(Arc::new(App {
            bookings: Bookings::start(db.clone()),
            looks: Looks::start(db.clone()),
            inbox: Inbox::start(db.clone(), clock.clone()),
            db,
            payhero: Payhero::new(config.payhero.clone()).map_err(Error::internal)?,
            sms,
            mail: Mail::new(&config.mail).map_err(Error::internal)?,
            seal: Seal::new(&config.encryption_keys),
            tokens: TokenKeys::new(&config.token_keys),
            passwords: Passwords::new(),
            router_addresses: Allowed { networks: config.router_networks.clone(), loopback: loopback_routers },
            journal: Journal::open(config.journal.as_deref()),
            outflows: Outflows::default(),
            seldom: Seldom::default(),
            wakes,
            clock,
            config,
        }))
    }
}
