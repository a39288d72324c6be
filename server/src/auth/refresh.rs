//! Refresh tokens: opaque, hashed at rest, used once. A used one that comes again ends the whole sign-in, since one of two people who
//! have it is a thief. One exception: within half a minute, as long as the token that took its place was not used, an answer got
//! lost, and the same answer is given again. So a race of many calls on one token gives all of them the same successor.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use super::session::{self, LIVES, Tokens, hash};
use super::user;
use crate::actor::Person;
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, SignInId, UserId};
use crate::schema::{refresh_token, sign_in};

/// An answer that got lost may be asked for again within this time.
const LOST_ANSWER: TimeDelta = TimeDelta::seconds(30);

fn invalid() -> Error {
    Error::new(Reason::RefreshTokenInvalid, "This sign-in has ended. Sign in again.")
}

/// Access, and the means to renew it.
pub(super) fn tokens(app: &App, tenant: IspId, person: &Person, refresh: String, now: Time) -> Result<Tokens> {
    let (access, access_expires_at) = app.tokens.issue(tenant, person, now)?;
    Ok(Tokens { access, access_expires_at, refresh })
}

async fn store(tx: &mut Tx, tenant: IspId, sign_in: SignInId, token: &str, now: Time) -> Result<()> {
    diesel::insert_into(refresh_token::table)
        .values((
            (refresh_token::tenant_id.eq(tenant), refresh_token::token_hash.eq(hash(token)), refresh_token::sign_in_id.eq(sign_in)),
            (refresh_token::created_at.eq(now), refresh_token::expires_at.eq(now + LIVES)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The token that takes the place of another: whoever has the old one, our key and the salt can say it again, and nobody else can.
fn successor(app: &App, tenant: IspId, token: &str, salt: &[u8]) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&app.config.callback_key).map_err(Error::internal)?;
    for part in [b"refresh token".as_slice(), tenant.to_string().as_bytes(), token.as_bytes(), salt] {
        mac.update(part);
        mac.update(&[0]);
    }
    Ok(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// What a refresh token leads to.
enum Found {
    Tokens(Tokens),
    /// It was used before: the sign-in is ended, and that must be committed before it is refused.
    Stolen,
}

/// Exchanges a refresh token.
pub async fn refresh(app: &App, tenant: IspId, token: &str) -> Result<Tokens> {
    let now = app.clock.now();
    match app.db.tx(tenant, async |tx| exchange(app, tx, tenant, token, now).await).await? {
        Found::Tokens(tokens) => Ok(tokens),
        Found::Stolen => Err(invalid()),
    }
}

async fn exchange(app: &App, tx: &mut Tx, tenant: IspId, token: &str, now: Time) -> Result<Found> {
    let key = (tenant, hash(token));
    let id: Option<SignInId> = refresh_token::table.find(key.clone()).select(refresh_token::sign_in_id).first(&mut **tx).await.optional()?;
    let id = id.ok_or_else(invalid)?;
    // Whatever is done with the tokens of one sign-in is done one after the other.
    let (user, ended_at): (UserId, Option<Time>) =
        sign_in::table.find((tenant, id)).for_update().select((sign_in::user_id, sign_in::ended_at)).first(&mut **tx).await?;
    let (expires_at, used_at, salt): (Time, Option<Time>, Option<Vec<u8>>) = refresh_token::table
        .find(key.clone())
        .select((refresh_token::expires_at, refresh_token::used_at, refresh_token::successor_salt))
        .first(&mut **tx)
        .await?;
    if ended_at.is_some() || expires_at <= now {
        return Err(invalid());
    }
    let user = user::get(tx, tenant, user).await?;
    if user.disabled_at.is_some() {
        return Err(invalid());
    }
    let next = match (used_at, salt) {
        (None, _) => {
            let mut salt = [0u8; 16];
            rand::rng().fill_bytes(&mut salt);
            let next = successor(app, tenant, token, &salt)?;
            store(tx, tenant, id, &next, now).await?;
            diesel::update(refresh_token::table.find(key))
                .set((refresh_token::used_at.eq(now), refresh_token::successor_salt.eq(salt.as_slice())))
                .execute(&mut **tx)
                .await?;
            session::touch(tx, tenant, id, now).await?;
            Some(next)
        }
        (Some(used), Some(salt)) if now - used <= LOST_ANSWER => {
            let next = successor(app, tenant, token, &salt)?;
            let was_used: Option<Option<Time>> =
                refresh_token::table.find((tenant, hash(&next))).select(refresh_token::used_at).first(&mut **tx).await.optional()?;
            Some(next).filter(|_| was_used == Some(None))
        }
        _ => None,
    };
    let Some(next) = next else {
        session::end(tx, tenant, id, "refresh token used twice", now).await?;
        audit::record(tx, tenant, By::Netily, "end_stolen_sign_in", &user.id.to_string(), serde_json::json!({ "sign_in": id.to_string() }), now).await?;
        return Ok(Found::Stolen);
    };
    let person = Person { user: user.id, sign_in: id, role: user.role()? };
    tokens(app, tenant, &person, next, now).map(Found::Tokens)
}
