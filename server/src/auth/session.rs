//! Sign-ins: beginning one, staying in it and ending it. A program keeps a sign-in by tokens, a browser by a cookie that no
//! script can read; either lives for thirty days after it was last used, and ends with the account.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::refresh;
use super::user::User;
use crate::actor::{Origin, Person, Role};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, SignInId, UserId};
use crate::schema::{functions, refresh_token, sign_in, user_account};

/// How long a sign-in lives after it was last used.
pub const LIVES: TimeDelta = TimeDelta::days(30);
/// How exact it is kept when a sign-in was last used.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(5);
/// How long ended sign-ins are kept to look at.
const KEEP_ENDED: TimeDelta = TimeDelta::days(60);
/// More of what a program calls itself is cut off.
const USER_AGENT_MAX: usize = 200;

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

/// What keeps a sign-in.
#[derive(Clone)]
pub enum Grant {
    /// A program's.
    Tokens(Tokens),
    /// A browser's.
    Cookie(SecretString),
}

/// A secret of 256 bits from the operating system's random source, as text.
pub(super) fn random_secret() -> String {
    let mut random = [0u8; 32];
    rand::rng().fill_bytes(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

pub(super) fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Begins a sign-in of a person who has just proven who they are. Every sign-in begins here.
pub async fn open_session(app: &App, tx: &mut Tx, tenant: IspId, user: &User, origin: &Origin, now: Time) -> Result<Grant> {
    let id = SignInId::sortable(now);
    let user_agent: String = origin.user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_MAX).collect();
    // A browser keeps a sign-in by a cookie, a program by a refresh token.
    let secret = random_secret();
    let (cookie, refresh) = if origin.cookie { (Some(hash(&secret)), None) } else { (None, Some(hash(&secret))) };
    let address = origin.address.to_string();
    diesel::select(functions::open_sign_in(tenant, id, user.id, &address, user_agent, cookie, refresh, now + LIVES, now)).execute(&mut **tx).await?;
    let facts = serde_json::json!({ "address": address, "sign_in": id.to_string() });
    audit::record(tx, tenant, By::User(user.id), "sign_in", &user.id.to_string(), facts, now).await?;
    if origin.cookie {
        return Ok(Grant::Cookie(secret.into()));
    }
    let person = Person { user: user.id, sign_in: id, role: user.role()? };
    refresh::tokens(app, tenant, &person, secret, now).map(Grant::Tokens)
}

/// A sign-in that lives.
pub struct Live {
    /// Whose it is, with the role that they have now.
    pub person: Person,
    /// Whether its thirty days begin anew with this use.
    pub renewed: bool,
}

/// The sign-in of an access token, if it lives: a token outlives its end by minutes otherwise. What the person may do is what they may now,
/// not what the token says.
pub async fn by_token(tx: &mut Tx, tenant: IspId, token: &Person, now: Time) -> Result<Option<Live>> {
    let live = live(tx, tenant, Key::Id(token.sign_in), now).await?;
    Ok(live.filter(|live| live.person.user == token.user))
}

/// The sign-in of a cookie, if it lives.
pub async fn by_cookie(tx: &mut Tx, tenant: IspId, cookie: &SecretString, now: Time) -> Result<Option<Live>> {
    live(tx, tenant, Key::Cookie(hash(cookie.expose_secret())), now).await
}

enum Key {
    Id(SignInId),
    Cookie(Vec<u8>),
}

type Row = (SignInId, UserId, String, Option<Time>, Option<Time>, Time);

async fn live(tx: &mut Tx, tenant: IspId, key: Key, now: Time) -> Result<Option<Live>> {
    let of_person = user_account::tenant_id.eq(sign_in::tenant_id).and(user_account::id.eq(sign_in::user_id));
    let mut found = sign_in::table
        .inner_join(user_account::table.on(of_person))
        .filter(sign_in::tenant_id.eq(tenant))
        .select((sign_in::id, sign_in::user_id, user_account::role, user_account::disabled_at, sign_in::ended_at, sign_in::last_used_at))
        .into_boxed();
    found = match key {
        Key::Id(id) => found.filter(sign_in::id.eq(id)),
        Key::Cookie(hash) => found.filter(sign_in::cookie_hash.eq(hash)),
    };
    let row: Option<Row> = found.first(&mut **tx).await.optional()?;
    let Some((id, user, role, None, None, last_used_at)) = row else { return Ok(None) };
    if last_used_at + LIVES <= now {
        return Ok(None);
    }
    let renewed = now - last_used_at >= TOUCH_EVERY;
    if renewed {
        touch(tx, tenant, id, now).await?;
    }
    let role = Role::parse(&role).ok_or_else(|| Error::internal(format!("{user} has a strange role")))?;
    Ok(Some(Live { person: Person { user, sign_in: id, role }, renewed }))
}

/// A sign-in was used.
pub(super) async fn touch(tx: &mut Tx, tenant: IspId, id: SignInId, now: Time) -> Result<()> {
    diesel::update(sign_in::table.find((tenant, id))).set(sign_in::last_used_at.eq(now)).execute(&mut **tx).await?;
    Ok(())
}

/// Ends one sign-in; one that has ended already stays as it is.
pub(super) async fn end(tx: &mut Tx, tenant: IspId, id: SignInId, reason: &str, now: Time) -> Result<()> {
    diesel::update(sign_in::table.find((tenant, id)))
        .filter(sign_in::ended_at.is_null())
        .set((sign_in::ended_at.eq(now), sign_in::ended_reason.eq(reason)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends every sign-in of a person, but for the one that is `kept`: after a new password, and with the account. Tells how many.
pub async fn end_all(tx: &mut Tx, tenant: IspId, user: UserId, kept: Option<SignInId>, reason: &str, now: Time) -> Result<usize> {
    let mut theirs = diesel::update(sign_in::table)
        .filter(sign_in::tenant_id.eq(tenant).and(sign_in::user_id.eq(user)).and(sign_in::ended_at.is_null()))
        .set((sign_in::ended_at.eq(now), sign_in::ended_reason.eq(reason)))
        .into_boxed();
    if let Some(kept) = kept {
        theirs = theirs.filter(sign_in::id.ne(kept));
    }
    Ok(theirs.execute(&mut **tx).await?)
}

/// Ends the sign-in that a refresh token belongs to. Nothing is told of whether there was one.
pub async fn sign_out(app: &App, tenant: IspId, refresh: &str) -> Result<()> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let id: Option<SignInId> =
                refresh_token::table.find((tenant, hash(refresh))).select(refresh_token::sign_in_id).first(&mut **tx).await.optional()?;
            match id {
                Some(id) => end(tx, tenant, id, "signed out", now).await,
                None => Ok(()),
            }
        })
        .await
}

/// Ends the sign-in that a cookie belongs to. Nothing is told of whether there was one.
pub async fn sign_out_cookie(app: &App, tenant: IspId, cookie: &SecretString) -> Result<()> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let mine = sign_in::table.filter(sign_in::tenant_id.eq(tenant).and(sign_in::cookie_hash.eq(hash(cookie.expose_secret()))));
            diesel::update(mine.filter(sign_in::ended_at.is_null()))
                .set((sign_in::ended_at.eq(now), sign_in::ended_reason.eq("signed out")))
                .execute(&mut **tx)
                .await?;
            Ok(())
        })
        .await
}

/// Deletes tokens that have expired and sign-ins that ended, or were last used, long ago.
pub(super) async fn tidy(tx: &mut Tx, tenant: IspId, now: Time) -> Result<()> {
    let spent = refresh_token::table.filter(refresh_token::tenant_id.eq(tenant).and(refresh_token::expires_at.lt(now)));
    diesel::delete(spent).execute(&mut **tx).await?;
    let long_ago = now - KEEP_ENDED;
    let over = sign_in::table.filter(sign_in::tenant_id.eq(tenant)).filter(sign_in::ended_at.lt(long_ago).or(sign_in::last_used_at.lt(long_ago)));
    let theirs = refresh_token::table.filter(refresh_token::tenant_id.eq(tenant)).filter(refresh_token::sign_in_id.eq_any(over.select(sign_in::id)));
    diesel::delete(theirs).execute(&mut **tx).await?;
    diesel::delete(over).execute(&mut **tx).await?;
    Ok(())
}
