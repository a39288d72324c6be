//! Refresh tokens: opaque, hashed at rest, used once. A used one that comes again ends the whole sign-in, since one of
//! two people who have it is a thief; within half a minute it is more likely an answer that got lost.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::sign_in::Tokens;
use super::user;
use crate::actor::Person;
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, SignInId, UserId};
use crate::schema::{refresh_token, sign_in, user_account};

const LIVES: TimeDelta = TimeDelta::days(30);
/// An answer that got lost may be asked for again within this time.
const LOST_ANSWER: TimeDelta = TimeDelta::seconds(30);

fn invalid() -> Error {
    Error::new(Reason::RefreshTokenInvalid, "This sign-in has ended. Sign in again.")
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// New tokens for a person, in the caller's transaction.
pub(super) async fn tokens(app: &App, tx: &mut Tx, tenant: IspId, person: &Person, now: Time) -> Result<Tokens> {
    let mut random = [0u8; 32];
    rand::rng().fill_bytes(&mut random);
    let token = URL_SAFE_NO_PAD.encode(random);
    diesel::insert_into(refresh_token::table)
        .values((
            (refresh_token::tenant_id.eq(tenant), refresh_token::token_hash.eq(hash(&token)), refresh_token::sign_in_id.eq(person.sign_in)),
            (refresh_token::created_at.eq(now), refresh_token::expires_at.eq(now + LIVES)),
        ))
        .execute(&mut **tx)
        .await?;
    let (access, access_expires_at) = app.tokens.issue(tenant, person, now)?;
    Ok(Tokens { access, access_expires_at, refresh: token })
}

/// What a refresh token leads to.
enum Found {
    New(Tokens),
    /// It was used before: the sign-in is ended, and that must be committed before it is refused.
    Stolen,
}

/// Exchanges a refresh token.
pub async fn refresh(app: &App, tenant: IspId, token: &str) -> Result<Tokens> {
    let now = app.clock.now();
    match app.db.tx(tenant, async |tx| exchange(app, tx, tenant, token, now).await).await? {
        Found::New(tokens) => Ok(tokens),
        Found::Stolen => Err(invalid()),
    }
}

async fn exchange(app: &App, tx: &mut Tx, tenant: IspId, token: &str, now: Time) -> Result<Found> {
    let key = (tenant, hash(token));
    let row: Option<(SignInId, Time, Option<Time>)> = refresh_token::table
        .find(key.clone())
        .for_update()
        .select((refresh_token::sign_in_id, refresh_token::expires_at, refresh_token::used_at))
        .first(&mut **tx)
        .await
        .optional()?;
    let (id, expires_at, used_at) = row.ok_or_else(invalid)?;
    let (user, ended_at): (UserId, Option<Time>) =
        sign_in::table.find((tenant, id)).for_update().select((sign_in::user_id, sign_in::ended_at)).first(&mut **tx).await?;
    if ended_at.is_some() || expires_at <= now {
        return Err(invalid());
    }
    if used_at.is_some_and(|used| now - used > LOST_ANSWER) {
        end(tx, tenant, id, "refresh token used twice", now).await?;
        return Ok(Found::Stolen);
    }
    diesel::update(refresh_token::table.find(key)).filter(refresh_token::used_at.is_null()).set(refresh_token::used_at.eq(now)).execute(&mut **tx).await?;
    let user = user::get(tx, tenant, user).await?;
    if user.disabled_at.is_some() {
        return Err(invalid());
    }
    let person = Person { user: user.id, sign_in: id, role: user.role()? };
    Ok(Found::New(tokens(app, tx, tenant, &person, now).await?))
}

/// Ends the sign-in that a refresh token belongs to. Nothing is told of whether there was one.
pub async fn sign_out(app: &App, tenant: IspId, token: &str) -> Result<()> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let id: Option<SignInId> = refresh_token::table.find((tenant, hash(token))).select(refresh_token::sign_in_id).first(&mut **tx).await.optional()?;
            match id {
                Some(id) => end(tx, tenant, id, "signed out", now).await,
                None => Ok(()),
            }
        })
        .await
}

async fn end(tx: &mut Tx, tenant: IspId, id: SignInId, reason: &str, now: Time) -> Result<()> {
    diesel::update(sign_in::table.find((tenant, id)))
        .filter(sign_in::ended_at.is_null())
        .set((sign_in::ended_at.eq(now), sign_in::ended_reason.eq(reason)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether a sign-in still lives, and its person may still act: an access token outlives both by minutes otherwise.
pub async fn is_live(tx: &mut Tx, tenant: IspId, id: SignInId) -> Result<bool> {
    let of_person = user_account::tenant_id.eq(sign_in::tenant_id).and(user_account::id.eq(sign_in::user_id));
    let found: Option<(Option<Time>, Option<Time>)> = sign_in::table
        .inner_join(user_account::table.on(of_person))
        .filter(sign_in::tenant_id.eq(tenant).and(sign_in::id.eq(id)))
        .select((sign_in::ended_at, user_account::disabled_at))
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(found == Some((None, None)))
}
