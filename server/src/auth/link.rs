//! Links sent by e-mail: 256 random bits, hashed at rest, good for one use and a time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, UserId};
use crate::schema::link;

/// How long an invitation is good.
pub const INVITATION_LIVES: TimeDelta = TimeDelta::hours(24);
/// How long the proof of an e-mail address is good.
pub const VERIFY_EMAIL_LIVES: TimeDelta = TimeDelta::hours(48);

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It proves that a mailbox is somebody's.
    VerifyEmail,
    /// Whoever has it chooses the first password of an account.
    Invitation,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Purpose::VerifyEmail => "VERIFY_EMAIL",
            Purpose::Invitation => "INVITATION",
        }
    }

    const fn lives(self) -> TimeDelta {
        match self {
            Purpose::VerifyEmail => VERIFY_EMAIL_LIVES,
            Purpose::Invitation => INVITATION_LIVES,
        }
    }
}

/// What a link stands for.
#[derive(Clone, Debug)]
pub struct Link {
    /// Whose.
    pub user: UserId,
    /// The mailbox it was sent to.
    pub email: String,
    /// When it stops being good.
    pub expires_at: Time,
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// The token of a new link; links of the same purpose that the person has are void.
pub async fn issue(tx: &mut Tx, tenant: IspId, purpose: Purpose, user: UserId, email: &str, now: Time) -> Result<String> {
    let mine = link::table.filter(link::tenant_id.eq(tenant).and(link::user_id.eq(user)).and(link::purpose.eq(purpose.as_str())));
    diesel::delete(mine).execute(&mut **tx).await?;
    let mut random = [0u8; 32];
    rand::rng().fill_bytes(&mut random);
    let token = URL_SAFE_NO_PAD.encode(random);
    diesel::insert_into(link::table)
        .values((
            (link::tenant_id.eq(tenant), link::token_hash.eq(hash(&token)), link::purpose.eq(purpose.as_str())),
            (link::user_id.eq(user), link::email.eq(email), link::created_at.eq(now), link::expires_at.eq(now + purpose.lives())),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(token)
}

/// What an unused link stands for, or `LINK_INVALID`; it stays good.
pub async fn look(tx: &mut Tx, tenant: IspId, purpose: Purpose, token: &str, now: Time) -> Result<Link> {
    let row: Option<(UserId, String, Time)> = link::table
        .find((tenant, hash(token)))
        .filter(link::purpose.eq(purpose.as_str()).and(link::used_at.is_null()).and(link::expires_at.gt(now)))
        .select((link::user_id, link::email, link::expires_at))
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(|(user, email, expires_at)| Link { user, email, expires_at }).ok_or_else(invalid)
}

/// Uses a link up, or `LINK_INVALID`.
pub async fn redeem(tx: &mut Tx, tenant: IspId, purpose: Purpose, token: &str, now: Time) -> Result<Link> {
    let row: Option<(UserId, String, Time)> = diesel::update(link::table.find((tenant, hash(token))))
        .filter(link::purpose.eq(purpose.as_str()).and(link::used_at.is_null()).and(link::expires_at.gt(now)))
        .set(link::used_at.eq(now))
        .returning((link::user_id, link::email, link::expires_at))
        .get_result(&mut **tx)
        .await
        .optional()?;
    row.map(|(user, email, expires_at)| Link { user, email, expires_at }).ok_or_else(invalid)
}

/// Makes every unused link of a person void.
pub async fn void(tx: &mut Tx, tenant: IspId, user: UserId) -> Result<()> {
    diesel::delete(link::table.filter(link::tenant_id.eq(tenant).and(link::user_id.eq(user)))).execute(&mut **tx).await?;
    Ok(())
}

/// Deletes links that nobody can use any longer.
pub(super) async fn tidy(tx: &mut Tx, tenant: IspId, now: Time) -> Result<()> {
    diesel::delete(link::table.filter(link::tenant_id.eq(tenant).and(link::expires_at.lt(now)))).execute(&mut **tx).await?;
    Ok(())
}

/// The one answer to every link that is not good.
pub(super) fn invalid() -> Error {
    Error::new(Reason::LinkInvalid, "This link was used or is too old. Ask for a new one.")
}
