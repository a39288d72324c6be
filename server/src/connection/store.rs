//! Rows of connections.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, CustomerId, IspId, RouterId, ServicePlanId};
use crate::page::{Cursor, PageAsk};
use crate::schema::connection;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing was paid for it yet.
    Waiting,
    /// The router lets it in.
    Active,
    /// The router keeps it out.
    Suspended,
    /// For good.
    Ended,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 4] = [Status::Waiting, Status::Active, Status::Suspended, Status::Ended];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Waiting => "WAITING",
            Status::Active => "ACTIVE",
            Status::Suspended => "SUSPENDED",
            Status::Ended => "ENDED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why it is SUSPENDED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspended {
    /// What is paid is over. Paying ends it.
    Unpaid,
    /// Staff stopped it. Only they end it.
    Staff,
}

/// How the device signs in to the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// PPPoE: `/ppp/secret`.
    Pppoe,
    /// A user of the hotspot server.
    Hotspot,
}

impl Access {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Access::Pppoe => "PPPOE",
            Access::Hotspot => "HOTSPOT",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Access> {
        [Access::Pppoe, Access::Hotspot].into_iter().find(|access| access.as_str() == text)
    }
}

/// How it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// By recharges, each for the time that follows.
    Prepaid,
    /// By an invoice before each period.
    Invoiced,
}

impl Billing {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Billing::Prepaid => "PREPAID",
            Billing::Invoiced => "INVOICED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Billing> {
        [Billing::Prepaid, Billing::Invoiced].into_iter().find(|billing| billing.as_str() == text)
    }
}

/// A connection as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = connection)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The plan of the present period.
    pub plan_id: ServicePlanId,
    /// The terms of it, as they were sold.
    pub plan_version: i32,
    billing: String,
    status: String,
    suspended_reason: String,
    /// What staff wrote when they suspended it.
    pub suspended_note: String,
    /// When the period that was paid last begins.
    pub period_start: Option<Time>,
    /// Until when it is paid.
    pub paid_until: Option<Time>,
    /// The end of paid time that the customer was reminded of.
    pub reminded_of: Option<Time>,
    /// Since when the customer is suspended or refused.
    pub paused_at: Option<Time>,
    /// The day of the month on which monthly periods begin.
    pub anchor_day: Option<i16>,
    /// When billing must look at it again.
    pub next_act_at: Option<Time>,
    access: String,
    /// Where it is installed; `None`: nowhere yet.
    pub router_id: Option<RouterId>,
    /// Name by which the device signs in.
    pub username: Option<String>,
    /// The password of the device, sealed.
    pub password_sealed: Option<Vec<u8>>,
    /// When it first came on a router.
    pub installed_at: Option<Time>,
    /// When its first paid period began, or its installation when that was later.
    pub counts_from: Option<Time>,
    /// Whether the router may differ from this row.
    pub router_pending: bool,
    /// Rises with each change that the router must be told of.
    pub router_asked: i64,
    /// What keeps the router from being told.
    pub router_error: Option<String>,
    /// Hash of the request that made it.
    pub request_hash: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

impl Connection {
    /// How it stands.
    pub fn status(&self) -> Result<Status> {
        Status::parse(&self.status).ok_or_else(|| self.strange("status"))
    }

    /// Why it is suspended, if it is.
    pub fn suspended(&self) -> Result<Option<Suspended>> {
        match self.suspended_reason.as_str() {
            "" => Ok(None),
            "UNPAID" => Ok(Some(Suspended::Unpaid)),
            "STAFF" => Ok(Some(Suspended::Staff)),
            _ => Err(self.strange("reason")),
        }
    }

    /// How it is paid.
    pub fn billing(&self) -> Result<Billing> {
        Billing::parse(&self.billing).ok_or_else(|| self.strange("billing"))
    }

    /// How the device signs in.
    pub fn access(&self) -> Result<Access> {
        Access::parse(&self.access).ok_or_else(|| self.strange("access"))
    }

    fn strange(&self, what: &str) -> Error {
        Error::internal(format!("{} has a strange {what}", self.id))
    }
}

/// The connection.
pub async fn find(tx: &mut Tx, isp: IspId, id: ConnectionId) -> Result<Option<Connection>> {
    Ok(connection::table.find((isp, id)).select(Connection::as_select()).first(&mut **tx).await.optional()?)
}

/// The connection, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, isp: IspId, id: ConnectionId) -> Result<Connection> {
    find(tx, isp, id).await?.ok_or_else(|| Error::not_found("connection"))
}

/// The same, and nobody else changes it until the transaction ends. Whoever moves the customer's money locks the account first.
pub async fn lock(tx: &mut Tx, isp: IspId, id: ConnectionId) -> Result<Connection> {
    let row = connection::table.find((isp, id)).for_update().select(Connection::as_select()).first(&mut **tx).await.optional()?;
    row.ok_or_else(|| Error::not_found("connection"))
}

/// The one connection of a customer that has not ended, locked.
pub async fn live_of(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<Option<Connection>> {
    let live = connection::table.filter(connection::tenant_id.eq(isp).and(connection::customer_id.eq(customer)).and(connection::status.ne("ENDED")));
    Ok(live.for_update().select(Connection::as_select()).first(&mut **tx).await.optional()?)
}

/// The same without the lock, for looking.
pub async fn seen_of(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<Option<Connection>> {
    let live = connection::table.filter(connection::tenant_id.eq(isp).and(connection::customer_id.eq(customer)).and(connection::status.ne("ENDED")));
    Ok(live.select(Connection::as_select()).first(&mut **tx).await.optional()?)
}

/// Which connections are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this customer.
    pub customer: Option<CustomerId>,
    /// Only those on this router.
    pub router: Option<RouterId>,
}

/// A page of connections, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, filter: Filter, page: PageAsk) -> Result<(Vec<Connection>, String)> {
    let before = page.before();
    let mut query = connection::table
        .filter(connection::tenant_id.eq(isp))
        .filter(connection::created_at.lt(before.at).or(connection::created_at.eq(before.at).and(connection::id.lt(before.id))))
        .order((connection::created_at.desc(), connection::id.desc()))
        .limit(page.size + 1)
        .select(Connection::as_select())
        .into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(connection::status.eq(status.as_str()));
    }
    if let Some(customer) = filter.customer {
        query = query.filter(connection::customer_id.eq(customer));
    }
    if let Some(router) = filter.router {
        query = query.filter(connection::router_id.eq(router));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Connection| Cursor { at: row.created_at, id: row.id.uuid() }))
}
