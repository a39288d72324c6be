//! Invoices to customers: their rows, and how one is made.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::counter;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{ConnectionId, CustomerId, InvoiceId, IspId, RequestId, ServicePlanId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::schema::{billing_settings, invoice, invoice_line};

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

    /// Whether it asks for a period of a connection.
    pub fn is_period(&self) -> bool {
        self.kind == "PERIOD"
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

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = invoice_line)]
pub struct Line {
    /// What it is.
    pub description: String,
    /// How many.
    pub quantity: i32,
    /// Of one, VAT in it.
    pub unit_minor: Money,
}

impl Line {
    /// Of all; `None` when it does not fit.
    pub fn amount(&self) -> Option<Money> {
        self.unit_minor.minor().checked_mul(i64::from(self.quantity)).map(Money::from_minor)
    }
}

/// What an invoice asks for a period of.
#[derive(Clone, Copy, Debug)]
pub struct ForPeriod {
    /// The plan and the version that is sold.
    pub plan: (ServicePlanId, i32),
    /// When it begins.
    pub start: Time,
    /// When it ends, itself not in it.
    pub end: Time,
}

/// An invoice to be made.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Whom it is for.
    pub customer: CustomerId,
    /// The connection that it is for; with a period `PERIOD`, without one `PRORATION`. None: `MANUAL`.
    pub connection: Option<ConnectionId>,
    /// The period that it is for.
    pub period: Option<ForPeriod>,
    /// At least one; their amounts make whole shillings.
    pub lines: Vec<Line>,
    /// When it should be paid.
    pub due_at: Time,
    /// Words of staff.
    pub note: String,
    /// The request of staff, and the hash of its content.
    pub request: Option<(RequestId, Vec<u8>)>,
}

/// What an ISP decides of its invoices.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = billing_settings)]
pub struct Settings {
    /// VAT contained in what is asked for, in basis points.
    pub vat_bps: i32,
    /// The ISP's number at the revenue authority.
    pub vat_number: String,
    /// Words on every invoice.
    pub invoice_note: String,
    /// What one of the staff may write down as taken in a day; what is above waits for an owner.
    pub cash_limit_minor: Money,
    /// Whether paid time that is not used becomes balance when a line ends.
    pub credit_unused: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        let (vat_number, invoice_note) = (String::new(), String::new());
        Settings { vat_bps: 0, vat_number, invoice_note, cash_limit_minor: Money::from_minor(50_000 * 100), credit_unused: false }
    }
}

/// The ISP's settings; the defaults until it writes them.
pub async fn settings(tx: &mut Tx, isp: IspId) -> Result<Settings> {
    Ok(billing_settings::table.find(isp).select(Settings::as_select()).first(&mut **tx).await.optional()?.unwrap_or_default())
}

/// Writes the settings.
pub async fn update_settings(tx: &mut Tx, isp: IspId, settings: &Settings) -> Result<()> {
    diesel::insert_into(billing_settings::table)
        .values((billing_settings::tenant_id.eq(isp), settings))
        .on_conflict(billing_settings::tenant_id)
        .do_update()
        .set(settings)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The VAT contained in a total: total × rate / (1 + rate), half-even to the cent. Pure.
pub fn vat_in(total: Money, bps: i32) -> Money {
    let (dividend, divisor) = (i128::from(total.minor()) * i128::from(bps), 10_000 + i128::from(bps));
    let (whole, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let up = rest * 2 > divisor || (rest * 2 == divisor && whole % 2 == 1);
    i64::try_from(whole + i128::from(up)).map(Money::from_minor).unwrap_or_default()
}

/// Makes an invoice; the account is locked by the caller, who settles it then. The same request again gives the one it made:
/// the answer says whether it is new.
pub async fn make(tx: &mut Tx, isp: IspId, new: NewInvoice, now: Time) -> Result<(Invoice, bool)> {
    let (request_id, request_hash) = new.request.map(|(id, hash)| (id.0, hash)).unzip();
    if let Some(request) = request_id {
        let before = invoice::table.filter(invoice::tenant_id.eq(isp).and(invoice::request_id.eq(request)));
        let before: Option<Invoice> = before.select(Invoice::as_select()).first(&mut **tx).await.optional()?;
        if let Some(before) = before {
            let same = before.request_hash == request_hash;
            return if same { Ok((before, false)) } else { Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content.")) };
        }
    }
    let total =
        new.lines.iter().try_fold(Money::ZERO, |sum, line| sum.checked_add(line.amount()?)).ok_or_else(|| Error::internal("a sum that does not fit"))?;
    let vat_bps = settings(tx, isp).await?.vat_bps;
    let id = InvoiceId::sortable(now);
    // Taken late: it holds up all others who want a number of this ISP.
    let number = i32::try_from(counter::next(tx, isp, "invoice").await?).map_err(Error::internal)?;
    let period = new.period;
    let kind = match (new.connection, period) {
        (_, Some(_)) => "PERIOD",
        (Some(_), None) => "PRORATION",
        (None, None) => "MANUAL",
    };
    let made = diesel::insert_into(invoice::table)
        .values((
            (invoice::tenant_id.eq(isp), invoice::id.eq(id), invoice::number.eq(number), invoice::invoice_number.eq(format!("INV-{number:06}"))),
            (invoice::customer_id.eq(new.customer), invoice::connection_id.eq(new.connection)),
            (invoice::kind.eq(kind), invoice::total_minor.eq(total)),
            (invoice::vat_bps.eq(vat_bps), invoice::vat_minor.eq(vat_in(total, vat_bps))),
            (invoice::plan_id.eq(period.map(|of| of.plan.0)), invoice::plan_version.eq(period.map(|of| of.plan.1))),
            (invoice::period_start.eq(period.map(|of| of.start)), invoice::period_end.eq(period.map(|of| of.end))),
            (invoice::note.eq(new.note), invoice::due_at.eq(new.due_at), invoice::issued_at.eq(now)),
            (invoice::request_id.eq(request_id), invoice::request_hash.eq(request_hash)),
        ))
        .returning(Invoice::as_returning())
        .get_result(&mut **tx)
        .await?;
    // One by one: most have one line, and a statement of a fixed length stays prepared.
    for (at, line) in (1i16..).zip(&new.lines) {
        let whose = (invoice_line::tenant_id.eq(isp), invoice_line::invoice_id.eq(id), invoice_line::line.eq(at));
        let (quantity, unit) = (invoice_line::quantity.eq(line.quantity), invoice_line::unit_minor.eq(line.unit_minor));
        let what = (invoice_line::description.eq(&line.description), quantity, unit, invoice_line::amount_minor.eq(line.amount().unwrap_or_default()));
        diesel::insert_into(invoice_line::table).values((whose, what)).execute(&mut **tx).await?;
    }
    Ok((made, true))
}

/// The lines of an invoice.
pub async fn lines(tx: &mut Tx, isp: IspId, id: InvoiceId) -> Result<Vec<Line>> {
    let mine = invoice_line::table.filter(invoice_line::tenant_id.eq(isp).and(invoice_line::invoice_id.eq(id)));
    Ok(mine.order(invoice_line::line).select(Line::as_select()).load(&mut **tx).await?)
}

/// Which invoices are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only those of this customer.
    pub customer: Option<CustomerId>,
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those that should have been paid before then.
    pub due_before: Option<Time>,
}

/// A page of invoices, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, filter: Filter, page: PageAsk) -> Result<(Vec<Invoice>, String)> {
    let before = page.before();
    let mut query = invoice::table
        .filter(invoice::tenant_id.eq(isp))
        .filter(invoice::issued_at.lt(before.at).or(invoice::issued_at.eq(before.at).and(invoice::id.lt(before.id))))
        .order((invoice::issued_at.desc(), invoice::id.desc()))
        .limit(page.size + 1)
        .select(Invoice::as_select())
        .into_boxed();
    if let Some(customer) = filter.customer {
        query = query.filter(invoice::customer_id.eq(customer));
    }
    if let Some(status) = filter.status {
        query = query.filter(invoice::status.eq(status.as_str()));
    }
    if let Some(before) = filter.due_before {
        query = query.filter(invoice::due_at.lt(before));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Invoice| Cursor { at: row.issued_at, id: row.id.uuid() }))
}

/// What a customer owes in all, without a lock, oldest first.
pub async fn owed_by(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<Vec<Invoice>> {
    let open = invoice::table.filter(invoice::tenant_id.eq(isp).and(invoice::customer_id.eq(customer)).and(invoice::status.eq("OPEN")));
    Ok(open.order((invoice::issued_at, invoice::id)).select(Invoice::as_select()).load(&mut **tx).await?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vat_is_contained_in_the_total() {
        for (total, bps, vat) in [(11_600, 1600, 1_600), (150_000, 1600, 20_690), (100, 1600, 14), (150_000, 0, 0), (29, 1600, 4)] {
            assert_eq!(vat_in(Money::from_minor(total), bps), Money::from_minor(vat), "{total}");
        }
    }

    proptest! {
        #[test]
        fn vat_is_within_a_cent_of_its_part(total in 1i64..1_000_000_000) {
            let vat = i128::from(vat_in(Money::from_minor(total), 1600).minor());
            // |vat × 11600 − total × 1600| ≤ half of 11600
            prop_assert!((vat * 11_600 - i128::from(total) * 1_600).abs() * 2 <= 11_600);
        }
    }
}
