//! Lists of payments, invoices and commissions of some days as CSV, a piece at a time by the key: memory does not grow with the list. Reads;
//! decides nothing. Names of people are not in them; phones are, since an owner knows who paid.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::calendar::Days;
use crate::clock::Time;
use crate::csv;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{InvoiceId, IspId, OfflinePaymentId, PLATFORM, PaymentId};
use crate::money::{Money, Rate};
use crate::schema::isp;

/// Rows of one piece.
pub const PIECE: i64 = 1_000;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Payments by the day on which they were asked for, or written down.
    Payments,
    /// Invoices to customers by the day on which they were made.
    Invoices,
    /// How payments were split, by the day on which they were booked.
    Commissions,
}

/// A piece of a list.
pub struct Piece {
    /// Whole lines.
    pub text: String,
    /// The last row's key; `None` when there is no further piece.
    pub next: Option<Uuid>,
}

/// The first line of a list.
pub fn head(list: List) -> &'static str {
    match list {
        List::Payments => "isp,id,asked,completed,for,how,status,amount,went_back,receipt,phone,customer,invoice\r\n",
        List::Invoices => "isp,id,number,customer,kind,status,total,vat_percent,vat,paid,made,due,paid_whole,taken_back,note\r\n",
        List::Commissions => "isp,payment,booked,for,gross,rate,commission,isp_amount,receipt\r\n",
    }
}

/// The next piece after a row, oldest first. `slug` stands in front of each line.
pub async fn piece(tx: &mut Tx, of: (IspId, &str), list: List, days: Days, after: Option<Uuid>) -> Result<Piece> {
    let (isp, slug) = of;
    // The first id of a moment belongs to it: one less is before.
    let after = after.unwrap_or_else(|| Uuid::from_u128(PaymentId::earliest(days.begin()).uuid().as_u128() - 1));
    let before = PaymentId::earliest(days.end()).uuid();
    Ok(match list {
        List::Payments => whole(ask(tx, PAYMENTS, isp, after, before).await?, |row: &PaymentRow| row.id, |row| payment(slug, row)),
        List::Invoices => whole(ask(tx, INVOICES, isp, after, before).await?, |row: &InvoiceRow| row.id, |row| invoice(slug, row)),
        List::Commissions => whole(ask(tx, COMMISSIONS, isp, after, before).await?, |row: &CommissionRow| row.id, |row| commission(slug, row)),
    })
}

/// The ISP whose subdomain comes next.
pub async fn next_isp(tx: &mut Tx, after: &str) -> Result<Option<(IspId, String)>> {
    let next = isp::table.filter(isp::id.ne(PLATFORM).and(isp::slug.gt(after))).order(isp::slug).select((isp::id, isp::slug));
    Ok(next.first(&mut **tx).await.optional()?)
}

async fn ask<R>(tx: &mut Tx, query: &str, isp: IspId, after: Uuid, before: Uuid) -> Result<Vec<R>>
where
    R: diesel::deserialize::QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    let query = diesel::sql_query(query).bind::<SqlUuid, _>(isp).bind::<SqlUuid, _>(after).bind::<SqlUuid, _>(before).bind::<BigInt, _>(PIECE);
    Ok(query.load(&mut **tx).await?)
}

fn whole<R>(rows: Vec<R>, key: fn(&R) -> Uuid, line: impl Fn(&R) -> String) -> Piece {
    let full = i64::try_from(rows.len()).is_ok_and(|read| read == PIECE);
    Piece { next: rows.last().filter(|_| full).map(key), text: rows.iter().map(line).collect() }
}

const PAYMENTS: &str = "
    SELECT s.id, s.offline, s.purpose, s.state, s.amount_minor, s.refunded_minor, s.receipt, s.phone, s.created_at, s.completed_at,
           coalesce(c.customer_code, '') AS customer, coalesce(i.invoice_number, '') AS invoice
    FROM tenant.payment_seen s
    LEFT JOIN tenant.customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id
    LEFT JOIN tenant.invoice i ON i.tenant_id = s.tenant_id AND i.id = s.invoice_id
    WHERE s.tenant_id = $1 AND s.id > $2 AND s.id < $3 AND s.purpose <> 'SUBSCRIPTION' ORDER BY s.id LIMIT $4";

#[derive(diesel::QueryableByName)]
struct PaymentRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    offline: bool,
    #[diesel(sql_type = Text)]
    purpose: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    amount_minor: Money,
    #[diesel(sql_type = BigInt)]
    refunded_minor: Money,
    #[diesel(sql_type = Text)]
    receipt: String,
    #[diesel(sql_type = Text)]
    phone: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Time,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    completed_at: Option<Time>,
    #[diesel(sql_type = Text)]
    customer: String,
    #[diesel(sql_type = Text)]
    invoice: String,
}

fn payment(slug: &str, row: &PaymentRow) -> String {
    let id = if row.offline { OfflinePaymentId::from(row.id).to_string() } else { PaymentId::from(row.id).to_string() };
    csv::row([
        csv::text(slug),
        id,
        csv::time(Some(row.created_at)),
        csv::time(row.completed_at),
        row.purpose.to_lowercase(),
        if row.offline { "provider" } else { "mpesa" }.to_owned(),
        row.state.to_lowercase(),
        csv::amount(row.amount_minor),
        csv::amount(row.refunded_minor),
        csv::text(&row.receipt),
        csv::text(&row.phone),
        csv::text(&row.customer),
        csv::text(&row.invoice),
    ])
}

const INVOICES: &str = "
    SELECT i.id, i.invoice_number, coalesce(c.customer_code, '') AS customer, i.kind::text AS kind, i.status::text AS status, i.total_minor, i.vat_bps,
           i.vat_minor, i.paid_minor, i.issued_at, i.due_at, i.paid_at, i.voided_at, i.note
    FROM tenant.invoice i LEFT JOIN tenant.customer c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id
    WHERE i.tenant_id = $1 AND i.id > $2 AND i.id < $3 ORDER BY i.id LIMIT $4";

#[derive(diesel::QueryableByName)]
struct InvoiceRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    invoice_number: String,
    #[diesel(sql_type = Text)]
    customer: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    total_minor: Money,
    #[diesel(sql_type = Integer)]
    vat_bps: i32,
    #[diesel(sql_type = BigInt)]
    vat_minor: Money,
    #[diesel(sql_type = BigInt)]
    paid_minor: Money,
    #[diesel(sql_type = Timestamptz)]
    issued_at: Time,
    #[diesel(sql_type = Timestamptz)]
    due_at: Time,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paid_at: Option<Time>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    voided_at: Option<Time>,
    #[diesel(sql_type = Text)]
    note: String,
}

fn invoice(slug: &str, row: &InvoiceRow) -> String {
    csv::row([
        csv::text(slug),
        InvoiceId::from(row.id).to_string(),
        csv::text(&row.invoice_number),
        csv::text(&row.customer),
        row.kind.to_lowercase(),
        row.status.to_lowercase(),
        csv::amount(row.total_minor),
        (row.vat_bps / 100).to_string(),
        csv::amount(row.vat_minor),
        csv::amount(row.paid_minor),
        csv::time(Some(row.issued_at)),
        csv::time(Some(row.due_at)),
        csv::time(row.paid_at),
        csv::time(row.voided_at),
        csv::text(&row.note),
    ])
}

const COMMISSIONS: &str = "
    SELECT l.id, l.payment_id, l.created_at, l.purpose::text AS purpose, l.gross_minor::bigint AS gross_minor, l.commission_bps,
           l.commission_minor, l.isp_minor::bigint AS isp_minor, coalesce(l.mpesa_receipt, '') AS receipt
    FROM tenant.commission_ledger l WHERE l.tenant_id = $1 AND l.id > $2 AND l.id < $3 ORDER BY l.id LIMIT $4";

#[derive(diesel::QueryableByName)]
struct CommissionRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    payment_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: Time,
    #[diesel(sql_type = Text)]
    purpose: String,
    #[diesel(sql_type = BigInt)]
    gross_minor: Money,
    #[diesel(sql_type = Integer)]
    commission_bps: Rate,
    #[diesel(sql_type = BigInt)]
    commission_minor: Money,
    #[diesel(sql_type = BigInt)]
    isp_minor: Money,
    #[diesel(sql_type = Text)]
    receipt: String,
}

fn commission(slug: &str, row: &CommissionRow) -> String {
    csv::row([
        csv::text(slug),
        PaymentId::from(row.payment_id).to_string(),
        csv::time(Some(row.created_at)),
        row.purpose.to_lowercase(),
        csv::amount(row.gross_minor),
        row.commission_bps.to_string(),
        csv::amount(row.commission_minor),
        csv::amount(row.isp_minor),
        csv::text(&row.receipt),
    ])
}
