//! An ISP pays Netily: the prompt, and what its success means. All of it is Netily's: no commission, and nothing for the ISP's balance.

use std::net::IpAddr;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::plan::{Cycle, Order, Plan, grant, order};
use super::store;
use crate::actor::Tenant;
use crate::app::App;
use crate::audit::{self, By};
use crate::billing::seen::{self, Payment};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PaymentId, RequestId};
use crate::money::Rate;
use crate::payments::{self, Prompt, Purpose, Start, Started};
use crate::phone::Phone;
use crate::schema::{isp_subscription, subscription_payment};

/// What an owner asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The plan.
    pub plan: Plan,
    /// By the month or the year.
    pub cycle: Cycle,
    /// Whose phone rings.
    pub phone: Phone,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
    /// Where the call came from.
    pub address: IpAddr,
}

/// Asks for the prompt. The same request again gives the same payment; so does any other one while a prompt waits for the same plan.
pub async fn pay(app: &App, tenant: &Tenant, ask: &Ask) -> Result<Payment> {
    let now = app.clock.now();
    app.db.tx(tenant.id, async |tx| begin(tx, tenant.id, ask, now).await).await
}

async fn begin(tx: &mut Tx, isp: IspId, ask: &Ask, now: Time) -> Result<Payment> {
    if let Some(before) = payments::start::repeated(tx, isp, ask.request_id, &ask.request_hash).await? {
        return seen::get_of_isp(tx, isp, before.id).await;
    }
    let amount = match order(&store::get(tx, isp).await?, ask.plan, ask.cycle, now) {
        Order::Costs(amount, _) => amount,
        Order::NotBefore(until) => {
            let day = crate::clock::in_kenya(until).format("%d %b %Y");
            return Err(Error::new(Reason::StateConflict, format!("What is paid is worth more than this. It can be paid from {day} on.")));
        }
    };
    let none = Rate::from_bps(0).ok_or_else(|| Error::internal("nothing is a rate"))?;
    let start = Start {
        purpose: Purpose::Subscription,
        subject: isp.to_string(),
        request_id: ask.request_id,
        request_hash: ask.request_hash.clone(),
        amount,
        rate: none,
        phone: ask.phone.clone(),
    };
    let id = match payments::start(tx, isp, start, now).await? {
        Started::New(payment) => {
            payments::allow_prompt(tx, &Prompt { isp, phone: &ask.phone, device: None, address: ask.address }, now).await?;
            diesel::insert_into(subscription_payment::table)
                .values((
                    (subscription_payment::tenant_id.eq(isp), subscription_payment::payment_id.eq(payment.id)),
                    (subscription_payment::plan.eq(ask.plan.as_str()), subscription_payment::cycle.eq(ask.cycle.as_str())),
                ))
                .execute(&mut **tx)
                .await?;
            payment.id
        }
        Started::Repeated(payment) => payment.id,
        Started::Open(payment) => {
            let (plan, cycle) = ordered(tx, isp, payment.id).await?;
            if (plan, cycle) != (ask.plan, ask.cycle) {
                let wait = (payment.expires_at - now).to_std().unwrap_or_default();
                return Err(Error::rate_limited("A payment request is already waiting on a phone. Answer or cancel it there, then try again.", wait));
            }
            payment.id
        }
    };
    seen::get_of_isp(tx, isp, id).await
}

async fn ordered(tx: &mut Tx, isp: IspId, payment: PaymentId) -> Result<(Plan, Cycle)> {
    let row = subscription_payment::table.find((isp, payment)).select((subscription_payment::plan, subscription_payment::cycle));
    let (plan, cycle): (String, String) = row.first(&mut **tx).await?;
    Plan::parse(&plan).zip(Cycle::parse(&cycle)).ok_or_else(|| Error::internal(format!("{payment} is for a strange plan")))
}

/// The money is in: the period begins where what is paid ends, or at once for another plan. Joins the transaction that books it.
pub async fn paid(tx: &mut Tx, isp: IspId, payment: &payments::Payment, now: Time) -> Result<()> {
    let held = store::lock(tx, isp).await?;
    let (plan, cycle) = ordered(tx, isp, payment.id).await?;
    diesel::update(subscription_payment::table.find((isp, payment.id))).set(subscription_payment::applied_at.eq(now)).execute(&mut **tx).await?;
    let got = grant(&held, plan, cycle, payment.amount, now).ok_or_else(|| Error::internal("a period without an end"))?;
    let day = i16::try_from(got.anchor).map_err(Error::internal)?;
    diesel::update(isp_subscription::table.find(isp))
        .set((
            (isp_subscription::plan.eq(got.plan.as_str()), isp_subscription::cycle.eq(got.cycle.as_str()), isp_subscription::trial.eq(false)),
            (isp_subscription::period_start.eq(got.start), isp_subscription::paid_until.eq(got.until), isp_subscription::anchor_day.eq(day)),
            (isp_subscription::reminded.eq(0), isp_subscription::next_plan.eq(None::<String>), isp_subscription::next_cycle.eq(None::<String>)),
        ))
        .execute(&mut **tx)
        .await?;
    let facts = json!({ "plan": plan.as_str(), "cycle": cycle.as_str(), "payment": payment.id.to_string() });
    audit::record(tx, isp, By::Netily, "subscription_paid", &isp.to_string(), facts, now).await
}
