//! Signing in. A known and an unknown account give the same answer after the same work; after five wrong passwords in a
//! row each further try waits twice as long, and no account is ever locked for good.

use std::net::IpAddr;
use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::refresh;
use super::user::{self, User};
use crate::actor::Person;
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, SignInId};
use crate::jobs::backoff;
use crate::limit::{Limit, take};
use crate::phone::Phone;
use crate::schema::{sign_in, sign_in_failure};

/// Wrong passwords in a row before waits begin.
const FREE_TRIES: i32 = 5;
const PER_ADDRESS: Limit = Limit::new(30, chrono::TimeDelta::seconds(2));

/// Access for a while and the means to renew it.
#[derive(Clone)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// When it ends.
    pub access_expires_at: Time,
    /// The refresh token.
    pub refresh: String,
}

/// A sign-in.
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Their access.
    pub tokens: Tokens,
}

/// Signs a person in to an ISP, or to the platform.
pub async fn sign_in(app: &App, tenant: IspId, identifier: &str, password: &SecretString, address: IpAddr) -> Result<SignedIn> {
    let now = app.clock.now();
    let key = hash_identifier(identifier);
    app.db
        .tx(tenant, async |tx| {
            take(tx, &format!("sign_in/address/{address}"), &PER_ADDRESS, "Too many sign-ins from this network.", now).await?;
            refuse_while_waiting(tx, tenant, &key, now).await
        })
        .await?;
    let found = app.db.tx(tenant, async |tx| user::find_by_identifier(tx, tenant, identifier).await).await?.filter(|user| user.disabled_at.is_none());
    let right = app.passwords.verify(password, found.as_ref().and_then(|user| user.password_hash.clone())).await?;
    let Some(user) = found.filter(|_| right) else {
        app.db.tx(tenant, async |tx| count_failure(tx, tenant, &key, now).await).await?;
        return Err(Error::new(Reason::WrongCredentials, "The e-mail address, phone number or password is wrong."));
    };
    let tokens = app.db.tx(tenant, async |tx| begin(app, tx, tenant, &user, &key, now).await).await?;
    Ok(SignedIn { user, tokens })
}

async fn begin(app: &App, tx: &mut Tx, tenant: IspId, user: &User, key: &[u8], now: Time) -> Result<Tokens> {
    diesel::delete(sign_in_failure::table.find((tenant, key))).execute(&mut **tx).await?;
    let id = SignInId::sortable(now);
    diesel::insert_into(sign_in::table)
        .values((sign_in::tenant_id.eq(tenant), sign_in::id.eq(id), sign_in::user_id.eq(user.id), sign_in::created_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    audit::record(tx, tenant, By::User(user.id), "sign_in", &user.id.to_string(), serde_json::json!({}), now).await?;
    let person = Person { user: user.id, sign_in: id, role: user.role()? };
    refresh::tokens(app, tx, tenant, &person, now).await
}

/// Known and unknown accounts are counted alike, under a hash of what was typed.
fn hash_identifier(identifier: &str) -> Vec<u8> {
    let normal = identifier.parse::<Phone>().map_or_else(|_| identifier.trim().to_lowercase(), |phone| phone.digits().to_owned());
    Sha256::digest(normal.as_bytes()).to_vec()
}

async fn refuse_while_waiting(tx: &mut Tx, tenant: IspId, key: &[u8], now: Time) -> Result<()> {
    let until: Option<Option<Time>> = sign_in_failure::table.find((tenant, key)).select(sign_in_failure::locked_until).first(&mut **tx).await.optional()?;
    match until.flatten().filter(|until| *until > now) {
        Some(until) => Err(Error::rate_limited("Too many wrong passwords. Please wait before the next try.", (until - now).to_std().unwrap_or_default())),
        None => Ok(()),
    }
}

async fn count_failure(tx: &mut Tx, tenant: IspId, key: &[u8], now: Time) -> Result<()> {
    let failures: i32 = diesel::insert_into(sign_in_failure::table)
        .values((
            sign_in_failure::tenant_id.eq(tenant),
            sign_in_failure::identifier_hash.eq(key),
            sign_in_failure::failures.eq(1),
            sign_in_failure::last_at.eq(now),
        ))
        .on_conflict((sign_in_failure::tenant_id, sign_in_failure::identifier_hash))
        .do_update()
        .set((sign_in_failure::failures.eq(sign_in_failure::failures + 1), sign_in_failure::last_at.eq(now)))
        .returning(sign_in_failure::failures)
        .get_result(&mut **tx)
        .await?;
    if failures >= FREE_TRIES {
        let wait = backoff(failures - FREE_TRIES + 1, Duration::from_secs(2), Duration::from_secs(15 * 60));
        diesel::update(sign_in_failure::table.find((tenant, key))).set(sign_in_failure::locked_until.eq(now + wait)).execute(&mut **tx).await?;
    }
    Ok(())
}
