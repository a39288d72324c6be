//! Rows of alerts. Each call names the customer, so that nobody sees or marks what is another one's.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::text::Words;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{AlertId, CustomerId, IspId};
use crate::page::{Cursor, PageAsk};
use crate::schema::alert;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data that runs out.
    Data,
    /// Invoices and the end of a paid period.
    Billing,
    /// Payments.
    Payment,
    /// The account, the connection, and answers to service requests.
    Service,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Data, Kind::Billing, Kind::Payment, Kind::Service];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Data => "DATA",
            Kind::Billing => "BILLING",
            Kind::Payment => "PAYMENT",
            Kind::Service => "SERVICE",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An alert as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = alert)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// `DATA`, `BILLING`, `PAYMENT` or `SERVICE`.
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// In full.
    pub message: String,
    /// What it is about, as it is named outside; empty: the account.
    pub subject_id: String,
    /// When it came.
    pub created_at: Time,
    /// When it was read.
    pub read_at: Option<Time>,
}

/// Writes an alert.
pub async fn raise(tx: &mut Tx, isp: IspId, customer: CustomerId, kind: Kind, words: &Words, subject_id: &str, now: Time) -> Result<AlertId> {
    let id = AlertId::sortable(now);
    diesel::insert_into(alert::table)
        .values((
            (alert::tenant_id.eq(isp), alert::id.eq(id), alert::customer_id.eq(customer), alert::kind.eq(kind.as_str())),
            (alert::title.eq(&words.title), alert::message.eq(&words.message), alert::subject_id.eq(subject_id), alert::created_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(id)
}

/// A page of a customer's alerts, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, customer: CustomerId, unread_only: bool, page: PageAsk) -> Result<(Vec<Alert>, String)> {
    let before = page.before();
    let mut query = alert::table
        .filter(alert::tenant_id.eq(isp).and(alert::customer_id.eq(customer)))
        .filter(alert::created_at.lt(before.at).or(alert::created_at.eq(before.at).and(alert::id.lt(before.id))))
        .order((alert::created_at.desc(), alert::id.desc()))
        .limit(page.size + 1)
        .select(Alert::as_select())
        .into_boxed();
    if unread_only {
        query = query.filter(alert::read_at.is_null());
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Alert| Cursor { at: row.created_at, id: row.id.uuid() }))
}

/// Marks one alert as read, or `NOT_FOUND`. The first time counts.
pub async fn mark_read(tx: &mut Tx, isp: IspId, customer: CustomerId, id: AlertId, now: Time) -> Result<Alert> {
    let mine = alert::table.find((isp, id)).filter(alert::customer_id.eq(customer));
    diesel::update(mine.filter(alert::read_at.is_null())).set(alert::read_at.eq(now)).execute(&mut **tx).await?;
    mine.select(Alert::as_select()).first(&mut **tx).await.optional()?.ok_or_else(|| Error::not_found("alert"))
}

/// Marks all alerts of a customer as read; tells how many were not.
pub async fn mark_all_read(tx: &mut Tx, isp: IspId, customer: CustomerId, now: Time) -> Result<usize> {
    let unread = alert::table.filter(alert::tenant_id.eq(isp).and(alert::customer_id.eq(customer)).and(alert::read_at.is_null()));
    Ok(diesel::update(unread).set(alert::read_at.eq(now)).execute(&mut **tx).await?)
}

/// How many alerts of a customer were not read.
pub async fn unread(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<i64> {
    let unread = alert::table.filter(alert::tenant_id.eq(isp).and(alert::customer_id.eq(customer)).and(alert::read_at.is_null()));
    Ok(unread.count().get_result(&mut **tx).await?)
}
