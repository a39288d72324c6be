//! A customer, or staff for one, asks for a prompt: one transaction writes the payment, what it is for, and asks for the prompt.

use std::net::IpAddr;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::invoice::{self, Status};
use super::plan;
use super::seen::{self, Payment, PaymentRef};
use crate::actor::Tenant;
use crate::app::App;
use crate::auth;
use crate::clock::Time;
use crate::connection::{self, Billing};
use crate::customer::{self, Customer, Rules};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::failpoint;
use crate::id::{CustomerId, InvoiceId, IspId, PaymentId, RequestId, ServicePlanId};
use crate::isp;
use crate::money::Money;
use crate::payments::{self, Prompt, Purpose, Start, Started};
use crate::phone::Phone;
use crate::schema::customer_payment;

/// The most that M-Pesa moves at once, itself not in it.
pub const TOO_MUCH: Money = Money::from_minor(250_000 * 100);

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// What is owed of an invoice.
    Invoice(InvoiceId),
    /// A period of a plan at its price now.
    Plan(ServicePlanId),
    /// Whole shillings for the balance.
    Amount(Money),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who pays.
    pub customer: CustomerId,
    /// What for.
    pub target: Target,
    /// Whose phone rings; `None`: the customer's own.
    pub phone: Option<Phone>,
    /// Whether staff ask, who may take what a suspended customer owes.
    pub by_staff: bool,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
    /// Where the call came from.
    pub address: IpAddr,
}

/// Asks. The same request again gives the same payment; so does another one for the same thing while a prompt waits.
pub async fn pay(app: &App, tenant: &Tenant, ask: &Ask) -> Result<Payment> {
    let now = app.clock.now();
    let paying = app.db.tx(tenant.id, async |tx| begin(app, tx, tenant.id, ask, now).await).await?;
    failpoint::reached("pay", "committed");
    Ok(paying)
}

async fn begin(app: &App, tx: &mut Tx, isp: IspId, ask: &Ask, now: Time) -> Result<Payment> {
    let payer = customer::get(tx, isp, ask.customer).await?;
    if let Some(before) = payments::start::repeated(tx, isp, ask.request_id, &ask.request_hash).await? {
        return seen::get(tx, isp, PaymentRef::Prompt(before.id), Some(payer.id)).await;
    }
    allowed(tx, isp, &payer, ask).await?;
    let priced = price(tx, isp, ask).await?;
    let phone = match &ask.phone {
        Some(phone) => phone.clone(),
        None => own_phone(tx, isp, &payer).await?,
    };
    let start = Start {
        purpose: priced.purpose,
        subject: priced.subject.clone(),
        request_id: ask.request_id,
        request_hash: ask.request_hash.clone(),
        amount: priced.amount,
        rate: isp::commission_rate(tx, isp, app.config.commission_rate).await?,
        phone: phone.clone(),
    };
    let id = match payments::start(tx, isp, start, now).await? {
        Started::New(payment) => {
            // Only what would ring a phone counts: a double click takes no token, and a refusal takes the payment back.
            payments::allow_prompt(tx, &Prompt { isp, phone: &phone, device: None, address: ask.address }, now).await?;
            write(tx, isp, payment.id, ask, &priced).await?;
            failpoint::reached("pay", "written");
            payment.id
        }
        Started::Repeated(payment) => payment.id,
        Started::Open(payment) => return join(tx, isp, ask, &priced, payment.id, now).await,
    };
    seen::get(tx, isp, PaymentRef::Prompt(id), Some(payer.id)).await
}

/// What was owed by a customer whom staff stopped may be taken; nothing new is sold to them.
async fn allowed(tx: &mut Tx, isp: IspId, payer: &Customer, ask: &Ask) -> Result<()> {
    if ask.by_staff && !matches!(ask.target, Target::Plan(_)) {
        return match payer.status()? {
            customer::Status::Rejected | customer::Status::Closed => Err(Error::new(Reason::CustomerNotActive, "This account is closed or was refused.")),
            _ => Ok(()),
        };
    }
    customer::may_buy(payer, Rules::of(&isp::registration(tx, isp).await?))
}

struct Priced {
    purpose: Purpose,
    /// At most one open prompt for it.
    subject: String,
    amount: Money,
    invoice: Option<InvoiceId>,
    plan: Option<(ServicePlanId, i32)>,
}

/// What it costs, from our own rows and nowhere else.
async fn price(tx: &mut Tx, isp: IspId, ask: &Ask) -> Result<Priced> {
    let recharge = |amount, plan| Priced { purpose: Purpose::Recharge, subject: ask.customer.to_string(), amount, invoice: None, plan };
    match ask.target {
        Target::Amount(amount) => Ok(recharge(amount, None)),
        Target::Plan(id) => {
            let plan = plan::get(tx, isp, id).await?;
            if plan.archived_at.is_some() {
                return Err(Error::new(Reason::PlanNotAvailable, "This plan is no longer sold. Please choose another one."));
            }
            if plan.price_minor >= TOO_MUCH {
                return Err(Error::field("plan_id", "costs more than M-Pesa moves at once; ask your internet provider how to pay"));
            }
            let live = connection::seen_of(tx, isp, ask.customer).await?;
            if live.map(|live| live.billing()).transpose()? == Some(Billing::Invoiced) {
                return Err(Error::new(Reason::StateConflict, "This connection is paid by invoice. Pay the invoice, or an amount in advance."));
            }
            Ok(recharge(plan.price_minor, Some((plan.id, plan.version))))
        }
        Target::Invoice(id) => {
            let invoice = invoice::get(tx, isp, id).await?;
            if invoice.customer_id != ask.customer {
                return Err(Error::not_found("invoice"));
            }
            match invoice.status()? {
                Status::Open => {}
                Status::Paid => return Err(Error::new(Reason::StateConflict, format!("{} is paid already.", invoice.invoice_number))),
                Status::Void => return Err(Error::new(Reason::StateConflict, format!("{} was taken back; there is nothing to pay.", invoice.invoice_number))),
            }
            let amount = payable(invoice.owed());
            Ok(Priced { purpose: Purpose::Invoice, subject: invoice.id.to_string(), amount, invoice: Some(invoice.id), plan: None })
        }
    }
}

/// What a prompt can ask for of a debt: whole shillings, and not more than M-Pesa moves. What is above the debt becomes balance.
fn payable(owed: Money) -> Money {
    let whole = Money::from_minor(owed.minor().div_euclid(100) * 100 + if owed.minor() % 100 == 0 { 0 } else { 100 });
    whole.min(Money::from_minor(TOO_MUCH.minor() - 100))
}

pub(super) async fn own_phone(tx: &mut Tx, isp: IspId, payer: &Customer) -> Result<Phone> {
    let user = auth::get_user(tx, isp, payer.user_id).await?;
    user.phone.as_deref().and_then(|phone| phone.parse().ok()).ok_or_else(|| Error::field("phone_number", "must be given, since the account has none"))
}

async fn write(tx: &mut Tx, isp: IspId, payment: PaymentId, ask: &Ask, priced: &Priced) -> Result<()> {
    use customer_payment::dsl;
    diesel::insert_into(dsl::customer_payment)
        .values((
            (dsl::tenant_id.eq(isp), dsl::payment_id.eq(payment), dsl::customer_id.eq(ask.customer), dsl::invoice_id.eq(priced.invoice)),
            (dsl::plan_id.eq(priced.plan.map(|(id, _)| id)), dsl::plan_version.eq(priced.plan.map(|(_, version)| version))),
            dsl::started_by.eq(if ask.by_staff { "STAFF" } else { "CUSTOMER" }),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Says whose a payment is that was written for money which came in without a prompt.
pub(super) async fn write_recovered(tx: &mut Tx, isp: IspId, payment: PaymentId, customer: CustomerId) -> Result<()> {
    use customer_payment::dsl;
    diesel::insert_into(dsl::customer_payment)
        .values((dsl::tenant_id.eq(isp), dsl::payment_id.eq(payment), dsl::customer_id.eq(customer), dsl::started_by.eq("STAFF")))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A prompt waits already. For the same thing it is the answer; for another one the person has to answer or cancel it first.
async fn join(tx: &mut Tx, isp: IspId, ask: &Ask, priced: &Priced, open: PaymentId, now: Time) -> Result<Payment> {
    let waiting = seen::get(tx, isp, PaymentRef::Prompt(open), Some(ask.customer)).await?;
    let same = waiting.invoice_id == priced.invoice && waiting.plan_id == priced.plan.map(|(id, _)| id) && waiting.amount_minor == priced.amount;
    if same {
        return Ok(waiting);
    }
    let wait = waiting.expires_at.and_then(|until| (until - now).to_std().ok()).unwrap_or_default();
    Err(Error::rate_limited("A payment request is already waiting on a phone. Answer or cancel it there, then try again.", wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_asks_for_whole_shillings_that_m_pesa_moves() {
        for (owed, asked) in
            [(1, 100), (99, 100), (100, 100), (101, 200), (150_050, 150_100), (24_999_900, 24_999_900), (25_000_000, 24_999_900), (99_000_000, 24_999_900)]
        {
            assert_eq!(payable(Money::from_minor(owed)), Money::from_minor(asked), "{owed}");
        }
    }
}
