//! The ISP took money itself: it comes into the customer's account and is used as a payment by prompt is. Netily's ledger knows
//! nothing of it, and it bears no commission.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::account::{self, Move};
use super::cash_date;
use super::invoice::{self, Status};
use super::paid::{self, Meant};
use super::pay::Target;
use super::plan;
use super::seen::{self, Payment, PaymentRef};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::{Time, begin_of_day};
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
    /// Though a payment with the same reference is there.
    pub confirm_duplicate: bool,
    /// Whether an owner writes it down, who needs nobody's consent.
    pub by_owner: bool,
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
    cash_date::check(tx, isp, received_at, now).await?;
    let meant = meant(tx, isp, taken).await?;
    let id = OfflinePaymentId::sortable(now);
    // The number holds up all others of this ISP, so that what is looked at next does not change.
    let number = i32::try_from(counter::next(tx, isp, "offline_payment").await?).map_err(Error::internal)?;
    if !taken.confirm_duplicate {
        refuse_duplicate(tx, isp, &taken.reference).await?;
    }
    let needs_confirmation = !taken.by_owner && is_above_limit(tx, isp, by, taken.amount, now).await?;
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
            (dsl::request_id.eq(taken.request_id.0), dsl::request_hash.eq(&taken.request_hash), dsl::needs_confirmation.eq(needs_confirmation)),
        ))
        .execute(&mut **tx)
        .await?;
    if !needs_confirmation {
        count(app, tx, isp, customer, id, taken.amount, &receipt, meant, now).await?;
    }
    let facts = json!({ "amount_minor": taken.amount.minor(), "method": taken.method, "receipt": receipt, "to_confirm": needs_confirmation });
    audit::record(tx, isp, by, "record_offline_payment", &id.to_string(), facts, now).await?;
    seen::get(tx, isp, PaymentRef::Offline(id), Some(customer)).await
}

/// It comes into the account and is used, and the customer is told.
#[expect(clippy::too_many_arguments, reason = "whose, what, and what it is meant for")]
pub(super) async fn count(
    app: &App,
    tx: &mut Tx,
    isp: IspId,
    customer: CustomerId,
    id: OfflinePaymentId,
    amount: Money,
    receipt: &str,
    meant: Meant,
    now: Time,
) -> Result<()> {
    account::book(tx, isp, customer, Move::Cash(id), amount, "", now).await?;
    paid::use_for(tx, isp, customer, meant, now).await?;
    paid::tell(app, tx, isp, customer, amount, receipt, &id.to_string(), now).await
}

/// `ALREADY_EXISTS` when money with this reference was written down before, or came by M-Pesa.
async fn refuse_duplicate(tx: &mut Tx, isp: IspId, reference: &str) -> Result<()> {
    let wanted = reference.trim().to_uppercase();
    if wanted.is_empty() {
        return Ok(());
    }
    let same: Option<Named> = diesel::sql_query(
        "SELECT receipt_number AS name FROM tenant.offline_payment o WHERE tenant_id = $1 AND reference <> '' AND upper(btrim(reference)) = $2
           AND NOT EXISTS (SELECT FROM tenant.offline_payment_void v WHERE v.tenant_id = o.tenant_id AND v.offline_payment_id = o.id)
         UNION ALL
         SELECT p.mpesa_receipt FROM public.gateway_key k JOIN tenant.payment p ON p.tenant_id = k.isp_id AND p.id = k.payment_id
          WHERE k.kind = 'RECEIPT' AND k.value = $2 AND k.isp_id = $1 LIMIT 1",
    )
    .bind::<SqlUuid, _>(isp)
    .bind::<Text, _>(&wanted)
    .get_result(&mut **tx)
    .await
    .optional()?;
    match same {
        None => Ok(()),
        Some(Named { name }) => Err(Error {
            fields: vec![("reference".into(), format!("is the one of {name}"))],
            ..Error::new(Reason::AlreadyExists, format!("{name} has this reference. Set confirm_duplicate if this is other money."))
        }),
    }
}

#[derive(diesel::QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Whether one of the staff writes down more in a day than the ISP allows without an owner.
async fn is_above_limit(tx: &mut Tx, isp: IspId, by: By, amount: Money, now: Time) -> Result<bool> {
    let limit = invoice::settings(tx, isp).await?.cash_limit_minor;
    let today: Total = diesel::sql_query(
        "SELECT coalesce(sum(amount_minor), 0)::bigint AS total FROM tenant.offline_payment o
          WHERE tenant_id = $1 AND recorded_by = $2 AND created_at >= $3 AND NOT needs_confirmation
            AND NOT EXISTS (SELECT FROM tenant.offline_payment_void v WHERE v.tenant_id = o.tenant_id AND v.offline_payment_id = o.id)",
    )
    .bind::<SqlUuid, _>(isp)
    .bind::<Text, _>(by.text())
    .bind::<Timestamptz, _>(begin_of_day(now))
    .get_result(&mut **tx)
    .await?;
    Ok(today.total.checked_add(amount).is_none_or(|all| all > limit))
}

#[derive(diesel::QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: Money,
}

async fn meant(tx: &mut Tx, isp: IspId, taken: &Taken) -> Result<Meant> {
    match taken.target {
        None | Some(Target::Amount(_)) => Ok(Meant::default()),
        Some(Target::Invoice(id)) => invoice_of(tx, isp, taken.customer, id).await.map(|invoice| Meant { invoice: Some(invoice), plan: None }),
        Some(Target::Plan(id)) => plan_for(tx, isp, taken.customer, id, taken.amount).await.map(|plan| Meant { invoice: None, plan: Some(plan) }),
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

async fn plan_for(tx: &mut Tx, isp: IspId, customer: CustomerId, id: ServicePlanId, amount: Money) -> Result<(ServicePlanId, i32)> {
    if !customer::get(tx, isp, customer).await?.status()?.is_served() {
        let sentence = "This customer is not active, so no period can be sold. Write the money down without a plan.";
        return Err(Error::new(Reason::CustomerNotActive, sentence));
    }
    let plan = plan::get(tx, isp, id).await?;
    if plan.archived_at.is_some() {
        return Err(Error::new(Reason::PlanNotAvailable, "This plan is no longer sold. Please choose another one."));
    }
    if amount < plan.price_minor {
        return Err(Error::field("amount", format!("must reach the price of the plan, KES {}", plan.price_minor)));
    }
    Ok((plan.id, plan.version))
}
