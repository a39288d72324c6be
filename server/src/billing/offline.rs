//! The ISP took money itself: it comes into the customer's account and is used as a payment by prompt is. Netily's ledger knows
//! nothing of it, and it bears no commission.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::account::{self, Move};
use super::invoice::{self, Status};
use super::paid::{self, Meant};
use super::pay::Target;
use super::plan;
use super::seen::{self, Payment, PaymentRef};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::counter;
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, InvoiceId, IspId, OfflinePaymentId, RequestId, ServicePlanId};
use crate::money::Money;
use crate::schema::offline_payment;

/// What was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// From whom.
    pub customer: CustomerId,
    /// How much.
    pub amount: Money,
    /// `CASH`, `BANK`, `CHEQUE` or `OTHER`.
    pub method: &'static str,
    /// Number of the cheque or transfer.
    pub reference: String,
    /// Words of staff.
    pub note: String,
    /// When; `None`: now.
    pub received_at: Option<Time>,
    /// An invoice or a plan that is paid first.
    pub target: Option<Target>,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Writes it down. The same request again gives the payment it made.
pub async fn record(app: &App, isp: IspId, by: By, taken: Taken) -> Result<Payment> {
    let now = app.clock.now();
    app.db.tx(isp, async |tx| write(app, tx, isp, by, &taken, now).await).await
}

async fn write(app: &App, tx: &mut Tx, isp: IspId, by: By, taken: &Taken, now: Time) -> Result<Payment> {
    use offline_payment::dsl;
    let customer = customer::get(tx, isp, taken.customer).await?.id;
    // The lock comes first, so that the same request sent twice at once finds what the first one made.
    account::lock(tx, isp, customer).await?;
    let before = dsl::offline_payment.filter(dsl::tenant_id.eq(isp).and(dsl::request_id.eq(taken.request_id.0)));
    let before: Option<(OfflinePaymentId, Vec<u8>)> = before.select((dsl::id, dsl::request_hash)).first(&mut **tx).await.optional()?;
    if let Some((id, hash)) = before {
        if hash != taken.request_hash {
            return Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content."));
        }
        return seen::get(tx, isp, PaymentRef::Offline(id), Some(customer)).await;
    }
    let received_at = taken.received_at.unwrap_or(now);
    if received_at > now {
        return Err(Error::field("received_at", "must not be in the future"));
    }
    let meant = meant(tx, isp, taken).await?;
    let id = OfflinePaymentId::sortable(now);
    let number = i32::try_from(counter::next(tx, isp, "offline_payment").await?).map_err(Error::internal)?;
    let receipt = format!("RCT-{number:06}");
    diesel::insert_into(dsl::offline_payment)
        .values((
            (dsl::tenant_id.eq(isp), dsl::id.eq(id), dsl::number.eq(number), dsl::receipt_number.eq(&receipt), dsl::customer_id.eq(customer)),
            (
                dsl::invoice_id.eq(meant.invoice),
                dsl::plan_id.eq(meant.plan.map(|(plan, _)| plan)),
                dsl::plan_version.eq(meant.plan.map(|(_, version)| version)),
            ),
            (dsl::amount_minor.eq(taken.amount), dsl::method.eq(taken.method), dsl::reference.eq(&taken.reference), dsl::note.eq(&taken.note)),
            (dsl::recorded_by.eq(by.text()), dsl::received_at.eq(received_at), dsl::created_at.eq(now)),
            (dsl::request_id.eq(taken.request_id.0), dsl::request_hash.eq(&taken.request_hash)),
        ))
        .execute(&mut **tx)
        .await?;
    account::book(tx, isp, customer, Move::Cash(id), taken.amount, "", now).await?;
    paid::use_for(tx, isp, customer, meant, now).await?;
    paid::tell(app, tx, isp, customer, taken.amount, &receipt, &id.to_string(), now).await?;
    let facts = json!({ "amount_minor": taken.amount.minor(), "method": taken.method, "receipt": receipt });
    audit::record(tx, isp, by, "record_offline_payment", &id.to_string(), facts, now).await?;
    seen::get(tx, isp, PaymentRef::Offline(id), Some(customer)).await
}

async fn meant(tx: &mut Tx, isp: IspId, taken: &Taken) -> Result<Meant> {
    match taken.target {
        None | Some(Target::Amount(_)) => Ok(Meant::default()),
        Some(Target::Invoice(id)) => invoice_of(tx, isp, taken.customer, id).await.map(|invoice| Meant { invoice: Some(invoice), plan: None }),
        Some(Target::Plan(id)) => plan_for(tx, isp, id, taken.amount).await.map(|plan| Meant { invoice: None, plan: Some(plan) }),
    }
}

async fn invoice_of(tx: &mut Tx, isp: IspId, customer: CustomerId, id: InvoiceId) -> Result<InvoiceId> {
    let found = invoice::get(tx, isp, id).await?;
    match found.status()? {
        _ if found.customer_id != customer => Err(Error::not_found("invoice")),
        Status::Open => Ok(found.id),
        Status::Paid | Status::Void => Err(Error::new(Reason::StateConflict, format!("{} is paid or was taken back.", found.invoice_number))),
    }
}

async fn plan_for(tx: &mut Tx, isp: IspId, id: ServicePlanId, amount: Money) -> Result<(ServicePlanId, i32)> {
    let plan = plan::get(tx, isp, id).await?;
    if plan.archived_at.is_some() {
        return Err(Error::new(Reason::PlanNotAvailable, "This plan is no longer sold. Please choose another one."));
    }
    if amount < plan.price_minor {
        return Err(Error::field("amount", format!("must reach the price of the plan, KES {}", plan.price_minor)));
    }
    Ok((plan.id, plan.version))
}
