//! What a payment's end means for the purchase. Joins the transaction that books the money.

use std::net::Ipv4Addr;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::session::{self, Session};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::failpoint;
use crate::gateways::routeros::MacAddress;
use crate::id::{IspId, PaymentId, SessionId};
use crate::jobs::Kind;
use crate::router;
use crate::schema::hotspot_session;
use crate::wake::Wake;

/// The money is in, and what books it has marked the purchase as paid and asked for its router: whoever waits is told.
pub fn granted(tx: &mut Tx, session: SessionId) {
    tx.wake(Wake::Purchase(session));
    tx.wake(Wake::Job(Kind::RouterSync.lane()));
    failpoint::reached("check", "granting");
}

/// The payment failed or was not answered in time.
pub async fn payment_failed(tx: &mut Tx, isp: IspId, payment: PaymentId) -> Result<()> {
    let failed: Option<SessionId> = diesel::update(hotspot_session::table)
        .filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::payment_id.eq(payment)))
        .filter(hotspot_session::status.eq_any(["AWAITING_PAYMENT", "FAILED"]))
        .set((hotspot_session::status.eq("FAILED"), hotspot_session::router_pending.eq(false)))
        .returning(hotspot_session::id)
        .get_result(&mut **tx)
        .await
        .optional()?;
    if let Some(session) = failed {
        tx.wake(Wake::Purchase(session));
    }
    Ok(())
}

/// A device that takes over a purchase.
pub struct Device {
    /// Its hardware address.
    pub mac: Option<MacAddress>,
    /// Its address on the WiFi.
    pub ip: Option<Ipv4Addr>,
    /// The router's login address.
    pub login_url: Option<String>,
}

/// Lets another device in instead, at the router where it was bought. What is not known of the device stays.
pub async fn move_to(tx: &mut Tx, isp: IspId, session: &Session, device: &Device, now: Time) -> Result<Session> {
    let before = &session.row;
    diesel::update(hotspot_session::table.find((isp, before.extends_session.unwrap_or(before.id))))
        .set((
            hotspot_session::mac.eq(device.mac.map(|mac| mac.to_string()).or_else(|| before.mac.clone())),
            hotspot_session::client_ip.eq(device.ip.map(|ip| ip.to_string()).or_else(|| before.client_ip.clone())),
            hotspot_session::login_url.eq(device.login_url.clone().or_else(|| before.login_url.clone())),
            hotspot_session::logged_in.eq(false),
            hotspot_session::router_pending.eq(true),
        ))
        .execute(&mut **tx)
        .await?;
    router::allow(tx, isp, before.router_id, now).await?;
    session::find_session(tx, isp, before.id).await
}
