//! A connection comes on another plan in the middle of a period: the rest of what is paid is priced on both plans, and the difference is
//! asked for or given back.

use serde_json::json;

use super::account::{self, Move};
use super::invoice::{self, Invoice, Line, NewInvoice};
use super::plan::{self, Plan};
use super::run;
use super::settle::settle;
use super::terms;
use super::unused::{unused, worth};
use super::void::void;
use super::write_invoice::PAY_WITHIN;
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::connection::{self, Connection, Status};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{ConnectionId, IspId, ServicePlanId};
use crate::money::Money;

/// What a change costs; at most one of the two is above nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What an invoice asks for.
    pub to_pay: Money,
    /// What becomes balance.
    pub credited: Money,
}

/// What a change would cost now.
pub async fn preview(tx: &mut Tx, isp: IspId, id: ConnectionId, plan: ServicePlanId, now: Time) -> Result<Difference> {
    let line = connection::get(tx, isp, id).await?;
    let plan = sold(tx, isp, &line, plan).await?;
    difference(tx, isp, &line, &plan, now).await
}

async fn sold(tx: &mut Tx, isp: IspId, line: &Connection, plan: ServicePlanId) -> Result<Plan> {
    if line.status()? == Status::Ended {
        return Err(Error::new(Reason::StateConflict, "This connection has ended."));
    }
    let plan = plan::get(tx, isp, plan).await?;
    if plan.archived_at.is_some() {
        return Err(Error::new(Reason::PlanNotAvailable, "This plan is archived. Choose another one."));
    }
    Ok(plan)
}

async fn difference(tx: &mut Tx, isp: IspId, line: &Connection, plan: &Plan, now: Time) -> Result<Difference> {
    let same = (line.plan_id, line.plan_version) == (plan.id, plan.version);
    let (Some(start), Some(until), Some(anchor)) = (line.period_start, line.paid_until, line.anchor_day) else { return Ok(Difference::default()) };
    if same || until <= now {
        return Ok(Difference::default());
    }
    let old = terms::get(tx, isp, line.plan_id, line.plan_version).await?;
    let end = plan.period()?.end(start, u32::try_from(anchor).map_err(Error::internal)?).ok_or_else(|| Error::internal("a period without an end"))?;
    let (given_up, taken) = (unused(old.price_minor, start, until, now), worth(plan.price_minor, end - start, until - now.max(start)));
    Ok(Difference {
        to_pay: taken.checked_sub(given_up).unwrap_or_default().max(Money::ZERO),
        credited: given_up.checked_sub(taken).unwrap_or_default().max(Money::ZERO),
    })
}

/// Changes the plan at once. Doing it again changes nothing. Gives the invoice over the difference, if there is one, and what became
/// balance.
pub async fn change_plan(app: &App, tx: &mut Tx, isp: IspId, by: By, id: ConnectionId, plan: ServicePlanId, now: Time) -> Result<(Option<Invoice>, Money)> {
    let customer = connection::get(tx, isp, id).await?.customer_id;
    account::lock(tx, isp, customer).await?;
    let line = connection::lock(tx, isp, id).await?;
    let plan = sold(tx, isp, &line, plan).await?;
    if (line.plan_id, line.plan_version) == (plan.id, plan.version) {
        return Ok((None, Money::ZERO));
    }
    let difference = difference(tx, isp, &line, &plan, now).await?;
    connection::set_plan(tx, isp, &line, (plan.id, plan.version), now).await?;
    // The next period was asked for on the old terms; billing asks for it anew.
    if let Some(asked) = run::open_period(tx, isp, &line).await? {
        void(tx, isp, by, asked.id, "The plan changed.", now).await?;
    }
    let mut invoice = None;
    if difference.to_pay > Money::ZERO {
        let line = Line { description: format!("{}, rest of the period", plan.name), quantity: 1, unit_minor: difference.to_pay };
        let new = NewInvoice { customer, connection: Some(id), period: None, lines: vec![line], due_at: now + PAY_WITHIN, note: String::new(), request: None };
        let (made, _) = invoice::make(tx, isp, new, now).await?;
        settle(tx, isp, customer, Some(made.id), now).await?;
        let made = invoice::get(tx, isp, made.id).await?;
        run::tell_of_invoice(app, tx, isp, &made, now).await?;
        invoice = Some(made);
    }
    if difference.credited > Money::ZERO {
        account::book(tx, isp, customer, Move::Proration(id), difference.credited, &plan.name, now).await?;
        settle(tx, isp, customer, None, now).await?;
    }
    run::look(app, tx, isp, id, now).await?;
    let facts = json!({ "plan": plan.id.to_string(), "to_pay_minor": difference.to_pay.minor(), "credited_minor": difference.credited.minor() });
    audit::record(tx, isp, by, "change_plan", &id.to_string(), facts, now).await?;
    Ok((invoice, difference.credited))
}
