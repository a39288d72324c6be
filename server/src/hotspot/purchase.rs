//! A guest buys a plan: one transaction writes the purchase and its payment and asks for the prompt.

use std::net::{IpAddr, Ipv4Addr};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::Rng as _;

use super::plan::{self, Plan};
use super::session::{self, Session};
use crate::actor::Tenant;
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::failpoint;
use crate::gateways::routeros::MacAddress;
use crate::id::{HotspotPlanId, IspId, PaymentId, RequestId, RouterId, SessionId};
use crate::isp;
use crate::money::Rate;
use crate::payments::{self, Prompt, Purpose, Start, Started};
use crate::phone::Phone;
use crate::router;
use crate::schema::hotspot_session;

/// What a guest asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where.
    pub router: RouterId,
    /// What.
    pub plan: HotspotPlanId,
    /// Who pays.
    pub phone: Phone,
    /// For which device.
    pub mac: Option<MacAddress>,
    /// Its address on the WiFi.
    pub client_ip: Option<Ipv4Addr>,
    /// The router's login address.
    pub login_url: Option<String>,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
    /// Where the call came from.
    pub address: IpAddr,
}

/// Buys. The same request again gives the same purchase; a second click while a prompt waits gives the waiting one.
pub async fn purchase(app: &App, tenant: &Tenant, ask: Ask) -> Result<Session> {
    if tenant.suspended {
        return Err(Error::new(Reason::IspSuspended, "This WiFi is not selling right now."));
    }
    let now = app.clock.now();
    let bought = app.db.tx(tenant.id, async |tx| buy(tx, app.config.commission_rate, tenant.id, &ask, now).await).await?;
    failpoint::reached("purchase", "committed");
    Ok(bought)
}

async fn buy(tx: &mut Tx, default_rate: Rate, isp: IspId, ask: &Ask, now: Time) -> Result<Session> {
    if let Some(before) = payments::start::repeated(tx, isp, ask.request_id, &ask.request_hash).await? {
        return session::of_payment(tx, isp, before.id).await;
    }
    router::store::get(tx, isp, ask.router).await?;
    let plan = plan::get(tx, isp, ask.plan).await?;
    if !plan.sold(ask.router, now) {
        return Err(Error::new(Reason::PlanNotAvailable, "This plan is not sold here today. Please choose another one."));
    }
    let start = Start {
        purpose: Purpose::Hotspot,
        subject: format!("{}/{}", ask.router, ask.phone.digits()),
        request_id: ask.request_id,
        request_hash: ask.request_hash.clone(),
        amount: plan.price_minor,
        rate: isp::commission_rate(tx, isp, default_rate).await?,
        phone: ask.phone.clone(),
    };
    match payments::start(tx, isp, start, now).await? {
        Started::New(payment) => {
            // Only what would ring a phone counts: a double click takes no token, and a refusal takes the payment back.
            payments::allow_prompt(tx, &Prompt { isp, phone: &ask.phone, device: ask.mac, address: ask.address }, now).await?;
            write_session(tx, isp, ask, &plan, payment.id, now).await?;
            failpoint::reached("purchase", "written");
            session::of_payment(tx, isp, payment.id).await
        }
        Started::Repeated(payment) => session::of_payment(tx, isp, payment.id).await,
        Started::Open(payment) => join(tx, isp, ask, payment.id, now).await,
    }
}

/// A prompt waits on this phone already. For the same plan and device that is the purchase; for another one the person
/// has to answer or cancel first, since a phone shows one prompt at a time.
async fn join(tx: &mut Tx, isp: IspId, ask: &Ask, open: PaymentId, now: Time) -> Result<Session> {
    let session = session::of_payment(tx, isp, open).await?;
    if session.row.plan_id == ask.plan && session.row.mac == ask.mac.map(|mac| mac.to_string()) {
        return Ok(session);
    }
    let wait = (session.prompt_expires_at - now).to_std().unwrap_or_default();
    let sentence = "A payment request is already waiting on this phone. Answer or cancel it there, then try again.";
    Err(Error { fields: vec![("phone".into(), "has a payment request that waits for an answer".into())], ..Error::rate_limited(sentence, wait) })
}

async fn write_session(tx: &mut Tx, isp: IspId, ask: &Ask, plan: &Plan, payment: PaymentId, now: Time) -> Result<()> {
    use hotspot_session::dsl;
    diesel::insert_into(dsl::hotspot_session)
        .values((
            (
                dsl::tenant_id.eq(isp),
                dsl::id.eq(SessionId::unguessable()),
                dsl::router_id.eq(ask.router),
                dsl::plan_id.eq(plan.id),
                dsl::payment_id.eq(payment),
            ),
            (
                dsl::plan_name.eq(&plan.name),
                dsl::price_minor.eq(plan.price_minor),
                dsl::duration_seconds.eq(plan.duration_seconds),
                dsl::data_cap_bytes.eq(plan.data_cap_bytes),
            ),
            (dsl::download_kbps.eq(plan.download_kbps), dsl::upload_kbps.eq(plan.upload_kbps), dsl::shared_devices.eq(plan.shared_devices)),
            (
                dsl::phone.eq(ask.phone.digits()),
                dsl::mac.eq(ask.mac.map(|mac| mac.to_string())),
                dsl::client_ip.eq(ask.client_ip.map(|ip| ip.to_string())),
                dsl::login_url.eq(&ask.login_url),
            ),
            (dsl::username.eq(format!("n-{}", word(10))), dsl::password.eq(word(12)), dsl::created_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Random letters and digits that cannot be mistaken for each other: names and passwords that a person may have to type.
fn word(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = vec![0u8; length];
    rand::rng().fill_bytes(&mut random);
    random.into_iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}
