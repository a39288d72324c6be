//! Money of a customer is in: it comes into the account and is used for what it was meant for. What cannot be used so stays
//! balance; nothing is ever refused. Joins the transaction that books the money.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::account::{self, Move};
use super::extend::extend;
use super::invoice;
use super::settle::{settle, settle_overdue};
use super::terms::{self, Terms};
use super::unused::unused;
use crate::alert::{self, News};
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::{Time, in_kenya};
use crate::connection::{self, Billing, Connection, NewConnection};
use crate::customer::{self, Person};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, InvoiceId, IspId, ServicePlanId};
use crate::money::Money;
use crate::notify::Template;
use crate::payments;
use crate::schema::{customer_payment, payment};

/// What money was meant for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meant {
    /// This invoice first.
    pub invoice: Option<InvoiceId>,
    /// A period on these terms.
    pub plan: Option<(ServicePlanId, i32)>,
}

/// For whom, and what it was meant for.
type Row = (CustomerId, Option<InvoiceId>, Option<ServicePlanId>, Option<i32>);

/// A prompt was paid.
pub async fn paid(app: &App, tx: &mut Tx, isp: IspId, payment: &payments::Payment, receipt: &str, now: Time) -> Result<()> {
    let row: Option<Row> = customer_payment::table
        .find((isp, payment.id))
        .select((customer_payment::customer_id, customer_payment::invoice_id, customer_payment::plan_id, customer_payment::plan_version))
        .first(&mut **tx)
        .await
        .optional()?;
    let (customer, invoice, plan, version) = row.ok_or_else(|| Error::internal(format!("{} is for nobody", payment.id)))?;
    account::lock(tx, isp, customer).await?;
    if is_second(tx, isp, customer, payment, invoice, plan).await? {
        // What it cannot be used for stays balance, so no sum of the break is missing anywhere.
        let detail = json!({ "amount_minor": payment.amount.minor(), "customer": customer.to_string() });
        breaks::open(tx, BreakKind::PaidTwice, &payment.id.uuid().to_string(), Some(isp), None, detail, now).await?;
    }
    account::book(tx, isp, customer, Move::Payment(payment.id), payment.amount, "", now).await?;
    use_for(tx, isp, customer, Meant { invoice, plan: plan.zip(version) }, now).await?;
    tell(app, tx, isp, customer, payment.amount, receipt, &payment.id.to_string(), now).await
}

/// Whether two prompts for one thing were paid: the invoice is paid already, or the same plan was paid by a prompt that came in after this
/// one had been asked for.
async fn is_second(
    tx: &mut Tx,
    isp: IspId,
    customer: CustomerId,
    payment: &payments::Payment,
    invoice: Option<InvoiceId>,
    plan: Option<ServicePlanId>,
) -> Result<bool> {
    if let Some(id) = invoice {
        return Ok(invoice::get(tx, isp, id).await?.status()? == invoice::Status::Paid);
    }
    let Some(plan) = plan else { return Ok(false) };
    let same = payment::tenant_id.eq(customer_payment::tenant_id).and(payment::id.eq(customer_payment::payment_id));
    let others = customer_payment::table
        .inner_join(payment::table.on(same))
        .filter(customer_payment::tenant_id.eq(isp).and(customer_payment::customer_id.eq(customer)).and(customer_payment::plan_id.eq(plan)))
        .filter(customer_payment::payment_id.ne(payment.id).and(payment::state.eq("SUCCEEDED")))
        .filter(payment::completed_at.ge(payment.created_at));
    Ok(diesel::select(diesel::dsl::exists(others)).get_result(&mut **tx).await?)
}

/// A prompt was not paid. Whoever asked for it sees that; a customer for whom staff asked is told.
pub async fn payment_failed(tx: &mut Tx, isp: IspId, payment: &payments::Payment, now: Time) -> Result<()> {
    let for_whom = customer_payment::table.find((isp, payment.id)).filter(customer_payment::started_by.eq("STAFF")).select(customer_payment::customer_id);
    let Some(customer) = for_whom.first::<CustomerId>(&mut **tx).await.optional()? else { return Ok(()) };
    let person = customer::person(tx, isp, customer).await?;
    let news = News::PaymentFailed { amount: &payment.amount.to_string() };
    alert::raise(tx, isp, customer, alert::Kind::Payment, &news.words(person.user.lang()), &payment.id.to_string(), now).await?;
    Ok(())
}

/// Uses what is in the locked account: for what the newest money was meant for, then for what is owed.
pub async fn use_for(tx: &mut Tx, isp: IspId, customer: CustomerId, meant: Meant, now: Time) -> Result<()> {
    // Whoever was suspended or left meanwhile is sold nothing: the money stays theirs.
    let served = customer::get(tx, isp, customer).await?.status()?.is_served();
    if let Some((plan, version)) = meant.plan.filter(|_| served) {
        settle_overdue(tx, isp, customer, now).await?;
        let terms = terms::get(tx, isp, plan, version).await?;
        recharge(tx, isp, customer, &terms, now).await?;
    }
    settle(tx, isp, customer, meant.invoice, now).await?;
    Ok(())
}

/// Pays one period of a plan from the locked account, if it reaches. False: it does not, or the connection is paid by invoice.
pub async fn recharge(tx: &mut Tx, isp: IspId, customer: CustomerId, terms: &Terms, now: Time) -> Result<bool> {
    if account::balance(tx, isp, customer).await? < terms.price_minor {
        return Ok(false);
    }
    let line = match connection::live_of(tx, isp, customer).await? {
        Some(line) if line.billing()? == Billing::Invoiced => return Ok(false),
        Some(line) => line,
        // Bought before anybody came to install it: staff put it on a router, and its time begins then.
        None => connection::create(tx, isp, NewConnection::bought(customer, terms.plan_id, terms.version), now).await?.0,
    };
    account::book(tx, isp, customer, Move::Recharge(line.id), terms.price_minor, &terms.name, now).await?;
    let line = leave_other_plan(tx, isp, line, terms, now).await?;
    extend(tx, isp, &line, terms, now).await?;
    Ok(true)
}

/// Another plan than the present one begins at once: the time that was paid of the old one and is not used comes back.
async fn leave_other_plan(tx: &mut Tx, isp: IspId, line: Connection, terms: &Terms, now: Time) -> Result<Connection> {
    let (Some(start), Some(until)) = (line.period_start, line.paid_until) else { return Ok(line) };
    if line.plan_id == terms.plan_id || until <= now {
        return Ok(line);
    }
    let old = terms::get(tx, isp, line.plan_id, line.plan_version).await?;
    let back = unused(old.price_minor, start, until, now);
    if back > Money::ZERO {
        account::book(tx, isp, line.customer_id, Move::Proration(line.id), back, &old.name, now).await?;
    }
    connection::stop_paid_time(tx, isp, line.id).await?;
    connection::lock(tx, isp, line.id).await
}

/// An alert and a message say what came in and until when the connection is paid.
#[expect(clippy::too_many_arguments, reason = "whom, what, and where it is kept")]
pub async fn tell(app: &App, tx: &mut Tx, isp: IspId, customer: CustomerId, amount: Money, receipt: &str, subject: &str, now: Time) -> Result<()> {
    let person: Person = customer::person(tx, isp, customer).await?;
    let until = connection::live_of(tx, isp, customer).await?.and_then(|line| line.paid_until).filter(|until| *until > now);
    let amount = amount.to_string();
    let until = until.map(|until| in_kenya(until).format("%d %b %Y %H:%M").to_string());
    let news = match &until {
        Some(until) => News::PaidUntil { amount: &amount, receipt, until },
        None => News::Paid { amount: &amount, receipt },
    };
    alert::raise(tx, isp, customer, alert::Kind::Payment, &news.words(person.user.lang()), subject, now).await?;
    let facts = [("amount", amount.as_str()), ("receipt", receipt)];
    match &until {
        Some(until) => customer::write_to(app, tx, isp, &person, Template::PaidUntil, &[&facts[..], &[("until", until.as_str())]].concat(), now).await,
        None => customer::write_to(app, tx, isp, &person, Template::PaymentReceived, &facts, now).await,
    }
}
