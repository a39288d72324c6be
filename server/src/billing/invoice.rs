//! Invoices to customers: their rows.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, CustomerId, InvoiceId, IspId, ServicePlanId};
use crate::money::Money;
use crate::schema::invoice;

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not paid, or in part.
    Open,
    /// Paid.
    Paid,
    /// Taken back.
    Void,
}

impl Status {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Open => "OPEN",
            Status::Paid => "PAID",
            Status::Void => "VOID",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Status> {
        [Status::Open, Status::Paid, Status::Void].into_iter().find(|status| status.as_str() == text)
    }
}

/// An invoice as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = invoice)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// `INV-000001`: each ISP counts its own, without gaps.
    pub invoice_number: String,
    /// Whom it is for.
    pub customer_id: CustomerId,
    /// Whose period it is for.
    pub connection_id: Option<ConnectionId>,
    /// `PERIOD`, `PRORATION` or `MANUAL`.
    pub kind: String,
    status: String,
    /// What is asked for, in whole shillings, VAT in it.
    pub total_minor: Money,
    /// VAT in basis points.
    pub vat_bps: i32,
    /// VAT contained in the total.
    pub vat_minor: Money,
    /// What was paid of it.
    pub paid_minor: Money,
    /// The plan of the period.
    pub plan_id: Option<ServicePlanId>,
    /// Its terms.
    pub plan_version: Option<i32>,
    /// When the period begins that it asks for.
    pub period_start: Option<Time>,
    /// When that ends, itself not in it.
    pub period_end: Option<Time>,
    /// Words of staff.
    pub note: String,
    /// When it should be paid.
    pub due_at: Time,
    /// Reminders that were sent.
    pub reminded: i16,
    /// When it was made.
    pub issued_at: Time,
    /// When it was paid whole.
    pub paid_at: Option<Time>,
    /// When it was taken back.
    pub voided_at: Option<Time>,
    /// Why.
    pub void_reason: String,
    /// Hash of the request that made it.
    pub request_hash: Option<Vec<u8>>,
}

impl Invoice {
    /// Where it stands.
    pub fn status(&self) -> Result<Status> {
        Status::parse(&self.status).ok_or_else(|| Error::internal(format!("{} has a strange status", self.id)))
    }

    /// What is still owed.
    pub fn owed(&self) -> Money {
        self.total_minor.checked_sub(self.paid_minor).unwrap_or_default()
    }
}

/// The invoice.
pub async fn find(tx: &mut Tx, isp: IspId, id: InvoiceId) -> Result<Option<Invoice>> {
    Ok(invoice::table.find((isp, id)).select(Invoice::as_select()).first(&mut **tx).await.optional()?)
}

/// The invoice, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, isp: IspId, id: InvoiceId) -> Result<Invoice> {
    find(tx, isp, id).await?.ok_or_else(|| Error::not_found("invoice"))
}

/// What a customer owes, oldest first, locked.
pub async fn open_of(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<Vec<Invoice>> {
    Ok(invoice::table
        .filter(invoice::tenant_id.eq(isp).and(invoice::customer_id.eq(customer)).and(invoice::status.eq("OPEN")))
        .order((invoice::issued_at, invoice::id))
        .for_update()
        .select(Invoice::as_select())
        .load(&mut **tx)
        .await?)
}
