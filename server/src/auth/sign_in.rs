//! Signing in. A known and an unknown account give the same answer after the same work; after five wrong passwords in a
//! row each further try waits twice as long, and no account is ever locked for good.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{Bytea, Integer, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::Passwords;
use super::session::{self, Grant};
use super::user::{self, User};
use crate::actor::{Origin, Role};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::email::Email;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, UserId};
use crate::jobs::backoff;
use crate::limit::{self, Limit};
use crate::phone::Phone;
use crate::schema::sign_in_failure;

/// Wrong passwords in a row before waits begin.
const FREE_TRIES: i32 = 5;
/// Wrong passwords that are this old count no longer.
const FORGET: TimeDelta = TimeDelta::hours(24);
/// Wrong passwords from one address; a whole village may be behind one.
pub(super) const PER_ADDRESS: Limit = Limit::new(30, TimeDelta::seconds(2));

/// Who may sign in where people work: staff and owners of an ISP, operators of the platform.
const AT_WORK: [Role; 3] = [Role::Staff, Role::Owner, Role::Operator];

/// A sign-in.
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Their access.
    pub grant: Grant,
}

/// Signs a person in who works for an ISP or for the platform. Customers are unknown here.
pub async fn sign_in(app: &App, tenant: IspId, identifier: &str, password: &SecretString, origin: &Origin) -> Result<SignedIn> {
    let user = check_password(app, tenant, identifier, password, origin.address, &AT_WORK).await?;
    let now = app.clock.now();
    let grant = app.db.tx(tenant, async |tx| session::open_session(app, tx, tenant, &user, origin, now).await).await?;
    Ok(SignedIn { user, grant })
}

/// The person with this e-mail address or phone number, this password and one of these roles. Anybody else is `WRONG_CREDENTIALS`
/// after the same work, or `RATE_LIMITED` after too many wrong passwords for the account or from the address.
pub async fn check_password(app: &App, tenant: IspId, identifier: &str, password: &SecretString, address: IpAddr, allowed: &[Role]) -> Result<User> {
    let now = app.clock.now();
    let (key, from) = (Failures::of(identifier), from_address(address));
    let (found, failed_before) = app
        .db
        .tx(tenant, async |tx| {
            limit::take(tx, &from, &PER_ADDRESS, "Too many sign-ins from this network.", now).await?;
            let failed_before = key.refuse_while_waiting(tx, tenant, now).await?;
            Ok((user::find_by_identifier(tx, tenant, identifier).await?, failed_before))
        })
        .await?;
    let mut known = None;
    if let Some(user) = found.filter(|user| user.disabled_at.is_none())
        && allowed.contains(&user.role()?)
    {
        known = Some(user);
    }
    let hash = known.as_ref().and_then(|user| user.password_hash.clone());
    let right = app.passwords.verify(password, hash.clone()).await?;
    let subject = known.as_ref().map(|user| user.id);
    let Some(user) = known.filter(|_| right) else {
        app.db.tx(tenant, async |tx| key.count(tx, tenant, subject, address, now).await).await?;
        return Err(wrong());
    };
    let renewed = match hash.filter(|hash| Passwords::is_outdated(hash)) {
        Some(_) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    app.db
        .tx(tenant, async |tx| {
            // Only what failed is limited: a whole village may share one address.
            limit::give_back(tx, &from, &PER_ADDRESS).await?;
            if failed_before {
                key.forget(tx, tenant).await?;
            }
            if let Some(renewed) = &renewed {
                user::write_password_hash(tx, tenant, user.id, renewed).await?;
            }
            Ok(())
        })
        .await?;
    Ok(user)
}

/// The one answer to everybody who may not come in.
fn wrong() -> Error {
    Error::new(Reason::WrongCredentials, "The e-mail address, phone number or password is wrong.")
}

/// The count of wrong passwords in a row for what was typed as identifier: known and unknown accounts are counted alike, under a hash.
pub(super) struct Failures(Vec<u8>);

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Integer)]
    failures: i32,
}

impl Failures {
    pub(super) fn of(identifier: &str) -> Failures {
        Failures(Sha256::digest(normal(identifier).as_bytes()).to_vec())
    }

    /// Refuses while a wait lasts; else whether there were failures.
    pub(super) async fn refuse_while_waiting(&self, tx: &mut Tx, tenant: IspId, now: Time) -> Result<bool> {
        let row: Option<Option<Time>> =
            sign_in_failure::table.find((tenant, &self.0)).select(sign_in_failure::locked_until).first(&mut **tx).await.optional()?;
        match row.flatten().filter(|until| *until > now) {
            Some(until) => Err(Error::rate_limited("Too many wrong passwords. Please wait before the next try.", (until - now).to_std().unwrap_or_default())),
            None => Ok(row.is_some()),
        }
    }

    /// Counts a failure. From the fifth in a row on the next try waits, each time twice as long; that waits begin is kept in the audit log.
    pub(super) async fn count(&self, tx: &mut Tx, tenant: IspId, user: Option<UserId>, address: IpAddr, now: Time) -> Result<()> {
        let counted: Counted = diesel::sql_query(
            "INSERT INTO tenant.sign_in_failure AS f (tenant_id, identifier_hash, failures, last_at) VALUES ($1, $2, 1, $3)
             ON CONFLICT (tenant_id, identifier_hash) DO UPDATE SET failures = CASE WHEN f.last_at < $4 THEN 1 ELSE f.failures + 1 END, last_at = $3
             RETURNING failures",
        )
        .bind::<SqlUuid, _>(tenant)
        .bind::<Bytea, _>(&self.0)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - FORGET)
        .get_result(&mut **tx)
        .await?;
        if counted.failures < FREE_TRIES {
            return Ok(());
        }
        let wait = backoff(counted.failures - FREE_TRIES + 1, Duration::from_secs(2), Duration::from_secs(15 * 60));
        diesel::update(sign_in_failure::table.find((tenant, &self.0))).set(sign_in_failure::locked_until.eq(now + wait)).execute(&mut **tx).await?;
        if counted.failures == FREE_TRIES {
            let subject = user.map(|user| user.to_string()).unwrap_or_default();
            audit::record(tx, tenant, By::Netily, "delay_sign_in", &subject, serde_json::json!({ "address": address.to_string() }), now).await?;
        }
        Ok(())
    }

    pub(super) async fn forget(&self, tx: &mut Tx, tenant: IspId) -> Result<()> {
        diesel::delete(sign_in_failure::table.find((tenant, &self.0))).execute(&mut **tx).await?;
        Ok(())
    }
}

/// The key of the limit on an address.
pub(super) fn from_address(address: IpAddr) -> String {
    format!("sign_in/address/{address}")
}

/// What was typed, in the one form of it.
pub(super) fn normal(identifier: &str) -> String {
    if let Ok(phone) = identifier.parse::<Phone>() {
        return phone.digits().to_owned();
    }
    identifier.parse::<Email>().map_or_else(|_| identifier.trim().to_lowercase(), |email| email.as_str().to_owned())
}

/// Deletes counts of long ago.
pub(super) async fn tidy_failures(tx: &mut Tx, tenant: IspId, now: Time) -> Result<()> {
    let over = sign_in_failure::table.filter(sign_in_failure::tenant_id.eq(tenant).and(sign_in_failure::last_at.lt(now - FORGET)));
    diesel::delete(over).execute(&mut **tx).await?;
    Ok(())
}
