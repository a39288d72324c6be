//! Sessions: one purchase each, with the plan as it was when bought.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{HotspotPlanId, IspId, PaymentId, RouterId, SessionId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::payments::FailureReason;
use crate::payments::store::receipt_owner;
use crate::schema::{hotspot_session, payment};

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The prompt is out, or on its way.
    AwaitingPayment,
    /// The money is in; the router has not been told.
    Paid,
    /// The router lets the device in; time runs.
    Active,
    /// Not paid.
    Failed,
    /// Used and over.
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] = [Status::AwaitingPayment, Status::Paid, Status::Active, Status::Failed, Status::Expired];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::AwaitingPayment => "AWAITING_PAYMENT",
            Status::Paid => "PAID",
            Status::Active => "ACTIVE",
            Status::Failed => "FAILED",
            Status::Expired => "EXPIRED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether a stream of this purchase ends here. A late payment may still revive a failed one.
    pub const fn is_final(self) -> bool {
        matches!(self, Status::Active | Status::Failed | Status::Expired)
    }
}

/// A purchase with what is known of its payment.
#[derive(Clone, Debug)]
pub struct Session {
    /// The row.
    pub row: SessionRow,
    /// Where it stands.
    pub status: Status,
    /// Why the payment failed.
    pub failure: Option<FailureReason>,
    /// M-Pesa's receipt.
    pub mpesa_receipt: Option<String>,
    /// When the person is told that the prompt timed out.
    pub prompt_expires_at: Time,
}

/// The stored part.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = hotspot_session)]
pub struct SessionRow {
    /// Its id, a capability.
    pub id: SessionId,
    /// Where it was bought.
    pub router_id: RouterId,
    /// What was bought.
    pub plan_id: HotspotPlanId,
    /// Its payment.
    pub payment_id: PaymentId,
    /// Name of the plan then.
    pub plan_name: String,
    /// Price then.
    pub price_minor: Money,
    /// From activation; `None` is without end.
    pub duration_seconds: Option<i64>,
    /// 0 is without limit.
    pub data_cap_bytes: i64,
    /// 0 is without limit.
    pub download_kbps: i32,
    /// 0 is without limit.
    pub upload_kbps: i32,
    /// Devices at once.
    pub shared_devices: i32,
    /// Who pays.
    pub phone: String,
    /// The device.
    pub mac: Option<String>,
    /// Its address on the WiFi.
    pub client_ip: Option<String>,
    /// The router's login address.
    pub login_url: Option<String>,
    /// As the database writes it.
    pub status: String,
    /// Name of the hotspot user.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Whether the router logged the device in by itself.
    pub logged_in: bool,
    /// When the money came in.
    pub paid_at: Option<Time>,
    /// When time began.
    pub activated_at: Option<Time>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// Whether the router may differ from what this row wants, or will when it is paid.
    pub router_pending: bool,
    /// What the router last answered when it refused.
    pub router_error: Option<String>,
    /// When it was asked for.
    pub created_at: Time,
    /// The session that has what was paid here, when the same device had one of the same plan.
    pub extends_session: Option<SessionId>,
    /// When its payment went back as a whole.
    pub taken_back_at: Option<Time>,
}

type PaymentPart = (Option<String>, Option<String>, Time);

fn assemble((row, (failure, mpesa_receipt, prompt_expires_at)): (SessionRow, PaymentPart)) -> Result<Session> {
    let status = Status::parse(&row.status).ok_or_else(|| Error::internal(format!("{} has a strange status", row.id)))?;
    Ok(Session { status, failure: failure.as_deref().and_then(FailureReason::parse), mpesa_receipt, prompt_expires_at, row })
}

macro_rules! sessions {
    () => {
        hotspot_session::table.inner_join(payment::table.on(payment::tenant_id.eq(hotspot_session::tenant_id).and(payment::id.eq(hotspot_session::payment_id))))
    };
}

macro_rules! columns {
    () => {
        (SessionRow::as_select(), (payment::failure_reason, payment::mpesa_receipt, payment::expires_at))
    };
}

/// The purchase, or `NOT_FOUND`.
pub async fn find_session(tx: &mut Tx, isp: IspId, id: SessionId) -> Result<Session> {
    let found = sessions!().filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::id.eq(id))).select(columns!()).first(&mut **tx).await.optional()?;
    let found = found.map(assemble).transpose()?.ok_or_else(|| Error::not_found("purchase"))?;
    as_it_runs(tx, isp, found).await
}

/// A purchase whose time another session has stands as that one does, under its name on the router.
async fn as_it_runs(tx: &mut Tx, isp: IspId, found: Session) -> Result<Session> {
    let Some(running) = found.row.extends_session.filter(|_| found.row.taken_back_at.is_none()) else { return Ok(found) };
    let running: SessionRow = hotspot_session::table.find((isp, running)).select(SessionRow::as_select()).first(&mut **tx).await?;
    let status = Status::parse(&running.status).ok_or_else(|| Error::internal(format!("{} has a strange status", running.id)))?;
    let row = SessionRow {
        username: running.username,
        password: running.password,
        status: running.status,
        logged_in: running.logged_in,
        expires_at: running.expires_at,
        router_pending: running.router_pending,
        router_error: running.router_error,
        ..found.row
    };
    Ok(Session { row, status, ..found })
}

/// The purchase that a payment pays for.
pub async fn of_payment(tx: &mut Tx, isp: IspId, id: PaymentId) -> Result<Session> {
    let found =
        sessions!().filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::payment_id.eq(id))).select(columns!()).first(&mut **tx).await.optional()?;
    let found = found.map(assemble).transpose()?.ok_or_else(|| Error::internal(format!("{id} pays for no session")))?;
    as_it_runs(tx, isp, found).await
}

/// The paid purchase of a phone with a receipt.
pub async fn of_receipt(tx: &mut Tx, isp: IspId, phone: &str, receipt: &str) -> Result<Option<Session>> {
    let Some(paid) = receipt_owner(tx, receipt).await? else { return Ok(None) };
    let found = sessions!()
        .filter(payment::tenant_id.eq(isp).and(payment::id.eq(paid)).and(payment::phone.eq(phone)))
        .select(columns!())
        .first(&mut **tx)
        .await
        .optional()?;
    match found.map(assemble).transpose()? {
        Some(found) => as_it_runs(tx, isp, found).await.map(Some),
        None => Ok(None),
    }
}

/// Unfinished payments of a phone for purchases, newest first: one of them may be what a receipt belongs to.
pub async fn unfinished_of_phone(tx: &mut Tx, isp: IspId, phone: &str, since: Time) -> Result<Vec<PaymentId>> {
    Ok(payment::table
        .filter(payment::tenant_id.eq(isp).and(payment::phone.eq(phone)).and(payment::purpose.eq("HOTSPOT")))
        .filter(payment::state.ne("SUCCEEDED").and(payment::id.ge(PaymentId::earliest(since))))
        .order(payment::id.desc())
        .limit(5)
        .select(payment::id)
        .load(&mut **tx)
        .await?)
}

/// A page of purchases, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, router: Option<RouterId>, status: Option<Status>, page: PageAsk) -> Result<(Vec<Session>, String)> {
    let before = page.before();
    let mut query = sessions!()
        .filter(hotspot_session::tenant_id.eq(isp))
        .filter(hotspot_session::created_at.lt(before.at).or(hotspot_session::created_at.eq(before.at).and(hotspot_session::id.lt(before.id))))
        .order((hotspot_session::created_at.desc(), hotspot_session::id.desc()))
        .limit(page.size + 1)
        .select(columns!())
        .into_boxed();
    if let Some(router) = router {
        query = query.filter(hotspot_session::router_id.eq(router));
    }
    if let Some(status) = status {
        query = query.filter(hotspot_session::status.eq(status.as_str()));
    }
    let rows: Vec<(SessionRow, PaymentPart)> = query.load(&mut **tx).await?;
    let sessions = rows.into_iter().map(assemble).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(sessions, |session| Cursor { at: session.row.created_at, id: session.row.id.uuid() }))
}

/// The purchases behind some hotspot users of a router, by user name.
pub async fn by_username(tx: &mut Tx, isp: IspId, router: RouterId, names: &[String]) -> Result<HashMap<String, SessionId>> {
    let rows: Vec<(String, SessionId)> = hotspot_session::table
        .filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::router_id.eq(router)).and(hotspot_session::username.eq_any(names)))
        .select((hotspot_session::username, hotspot_session::id))
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().collect())
}
