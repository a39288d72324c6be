//! Proving the phone of a registration. To whoever does not know the code, a phone that is registered looks like one that is not.

use std::net::IpAddr;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;

use super::code::{Code, send_or_pretend};
use super::profile;
use super::register::welcome;
use crate::actor::Tenant;
use crate::app::App;
use crate::auth::code::{self, Purpose};
use crate::auth::sending::{self, Sent};
use crate::clock::Time;
use crate::customer::{self, Customer, Proof, Status};
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, UserId};
use crate::isp;
use crate::lang::Lang;
use crate::limit::{self, Limit};
use crate::phone::Phone;
use crate::schema::{customer as customer_table, user_account};

/// Tries at codes from one address, of whatever phones.
const TRIES_PER_ADDRESS: Limit = Limit::new(100, TimeDelta::seconds(3));

/// Sends a new code to a phone that a customer has to prove. For any other phone the answer and the work are the same, and no text is
/// sent. `RATE_LIMITED` says when the next one is sent.
pub async fn resend_otp(app: &App, isp: IspId, phone: &Phone, address: IpAddr) -> Result<Sent> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let sent = sending::allow(tx, isp, phone, address, now).await?;
            let waiting = waiting(tx, isp, phone).await?;
            let (user, lang) = waiting.clone().unzip();
            let lang = lang.as_deref().and_then(Lang::from_tag).unwrap_or_default();
            let code = Code { purpose: Purpose::VerifyPhone, target: phone.digits(), phone, user, lang };
            send_or_pretend(app, tx, isp, &code, waiting.is_some(), now).await?;
            Ok(sent)
        })
        .await
}

/// Who has to prove this phone, and what they read.
async fn waiting(tx: &mut Tx, isp: IspId, phone: &Phone) -> Result<Option<(UserId, String)>> {
    let account = user_account::tenant_id.eq(customer_table::tenant_id).and(user_account::id.eq(customer_table::user_id));
    let row = customer_table::table
        .inner_join(user_account::table.on(account))
        .filter(customer_table::tenant_id.eq(isp).and(user_account::phone.eq(phone.digits())).and(user_account::disabled_at.is_null()))
        .filter(customer_table::phone_verified_at.is_null())
        .filter(customer_table::status.ne_all([Status::Rejected.as_str(), Status::Closed.as_str()]))
        .select((user_account::id, user_account::lang))
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(row)
}

/// Proves a phone by its code, or `OTP_INVALID`, whatever it is that is not right.
pub async fn verify_phone(app: &App, tenant: &Tenant, phone: &Phone, code: &SecretString, address: IpAddr) -> Result<Customer> {
    let now = app.clock.now();
    let tried = app.db.tx(tenant.id, async |tx| redeem(app, tx, tenant, phone, code, address, now).await).await?;
    tried.ok_or_else(code::invalid)
}

/// `None` is a try that failed; it is counted, so it must be committed.
async fn redeem(app: &App, tx: &mut Tx, tenant: &Tenant, phone: &Phone, code: &SecretString, address: IpAddr, now: Time) -> Result<Option<Customer>> {
    let isp = tenant.id;
    limit::take(tx, &format!("code/try/{address}"), &TRIES_PER_ADDRESS, "Too many codes were tried from this network.", now).await?;
    if !code::redeem(app, tx, isp, Purpose::VerifyPhone, phone.digits(), code, now).await? {
        return Ok(None);
    }
    let Some((user, _)) = waiting(tx, isp, phone).await? else { return Ok(None) };
    let profile = profile::profile(tx, isp, user).await?;
    let customer = customer::prove(tx, isp, profile.customer.id, Proof::Phone, profile.rules, now).await?;
    if profile.rules.phone && customer.registered_by == "SELF" {
        let template = isp::registration(tx, isp).await?.welcome_sms_template;
        welcome(app, tx, tenant, &profile, &template, now).await?;
    }
    Ok(Some(customer))
}
