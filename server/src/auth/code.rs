//! One-time codes: six digits from the operating system's random source, good for five minutes, five tries and one use, bound to
//! an ISP, a purpose and the phone or mailbox that they are sent to. Only a keyed hash is kept. Whether a code may be sent at all
//! is decided by who asks for one.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::IspId;
use crate::schema::{functions, one_time_code};

/// How long a code is good.
pub const LIVES: TimeDelta = TimeDelta::minutes(5);
/// Wrong tries, after which a code is void.
const TRIES: i32 = 5;

/// What a code proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// That a phone is the customer's.
    VerifyPhone,
    /// That somebody may choose a new password.
    ResetPassword,
    /// That a new phone is the customer's.
    ChangePhone,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Purpose::VerifyPhone => "VERIFY_PHONE",
            Purpose::ResetPassword => "RESET_PASSWORD",
            Purpose::ChangePhone => "CHANGE_PHONE",
        }
    }
}

/// A new code; the one before is void.
pub async fn issue(app: &App, tx: &mut Tx, tenant: IspId, purpose: Purpose, target: &str, now: Time) -> Result<SecretString> {
    let code = draw();
    keep(app, tx, tenant, purpose, target, &code, now).await?;
    Ok(code)
}

/// Six digits that are no code yet.
pub fn draw() -> SecretString {
    SecretString::from(format!("{:06}", rand::rng().random_range(0..1_000_000u32)))
}

/// Makes these digits the code; the one before is void.
pub async fn keep(app: &App, tx: &mut Tx, tenant: IspId, purpose: Purpose, target: &str, code: &SecretString, now: Time) -> Result<()> {
    let hmac = keyed(app, tenant, purpose, target, code)?;
    diesel::select(functions::keep_code(tenant, purpose.as_str(), target, hmac, now, now + LIVES)).execute(&mut **tx).await?;
    Ok(())
}

/// Tries a code. False: wrong, used, expired, void or never given; the try must be committed all the same, since it is counted.
pub async fn redeem(app: &App, tx: &mut Tx, tenant: IspId, purpose: Purpose, target: &str, code: &SecretString, now: Time) -> Result<bool> {
    let hmac = keyed(app, tenant, purpose, target, code)?;
    Ok(diesel::select(functions::try_code(tenant, purpose.as_str(), target, hmac, TRIES, now)).get_result(&mut **tx).await?)
}

/// Deletes codes that nobody can use any longer.
pub(super) async fn tidy(tx: &mut Tx, tenant: IspId, now: Time) -> Result<()> {
    let over = one_time_code::table.filter(one_time_code::tenant_id.eq(tenant).and(one_time_code::expires_at.lt(now)));
    diesel::delete(over).execute(&mut **tx).await?;
    Ok(())
}

/// The one answer to every code that is not good.
pub fn invalid() -> Error {
    Error::new(Reason::OtpInvalid, "This code is wrong, used or too old. Check it, or ask for a new one.")
}

fn keyed(app: &App, tenant: IspId, purpose: Purpose, target: &str, code: &SecretString) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&app.config.callback_key).map_err(Error::internal)?;
    for part in ["one-time code", &tenant.to_string(), purpose.as_str(), target, code.expose_secret()] {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}
