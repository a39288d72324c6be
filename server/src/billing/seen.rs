//! Payments as people see them: prompts, and money that the ISP took itself, in one list. Reads; decides nothing.

use std::str::FromStr;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, InvoiceId, IspId, OfflinePaymentId, PaymentId, ServicePlanId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::payments::{FailureReason, Purpose, State};
use crate::schema::payment_seen;

/// Which payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentRef {
    /// One by prompt.
    Prompt(PaymentId),
    /// One that the ISP took itself.
    Offline(OfflinePaymentId),
}

impl PaymentRef {
    pub(super) const fn uuid(self) -> Uuid {
        match self {
            PaymentRef::Prompt(id) => id.uuid(),
            PaymentRef::Offline(id) => id.uuid(),
        }
    }
}

impl FromStr for PaymentRef {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PaymentRef, Self::Err> {
        let offline = text.parse().map(PaymentRef::Offline);
        offline.or_else(|_| text.parse().map(PaymentRef::Prompt)).map_err(|_: &str| "must be an id that begins with pay_ or ofp_")
    }
}

/// States that only money has that the ISP took itself.
const VOIDED: &str = "VOIDED";
const TO_CONFIRM: &str = "TO_CONFIRM";

/// Where a payment stands, as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The prompt is on its way, or waits for an answer.
    Pending,
    /// The money is in.
    Completed,
    /// Not paid.
    Failed,
    /// Nobody knows whether the gateway took the request.
    Unknown,
    /// The ISP wrote it down, and took that back.
    Voided,
    /// Staff wrote it down, and an owner has to confirm it.
    ToConfirm,
}

impl Standing {
    /// Of a state of the machine.
    pub const fn of(state: State) -> Standing {
        match state {
            State::Created | State::Submitting | State::Pending => Standing::Pending,
            State::Unknown => Standing::Unknown,
            State::Failed | State::Expired => Standing::Failed,
            State::Succeeded => Standing::Completed,
        }
    }

    fn states(self) -> Vec<&'static str> {
        match self {
            Standing::Voided => return vec![VOIDED],
            Standing::ToConfirm => return vec![TO_CONFIRM],
            _ => {}
        }
        State::ALL.into_iter().filter(|state| Standing::of(*state) == self).map(State::as_str).collect()
    }
}

/// A payment.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = payment_seen)]
pub struct Payment {
    id: Uuid,
    /// Whether the ISP took the money itself.
    pub offline: bool,
    purpose: String,
    /// What is paid.
    pub amount_minor: Money,
    state: String,
    /// The payer; empty when there was no prompt, or the person is forgotten.
    pub phone: String,
    /// Of M-Pesa, or of the ISP; empty before it is paid.
    pub receipt: String,
    failure_reason: Option<String>,
    /// When it was asked for.
    pub created_at: Time,
    /// When it came to its end.
    pub completed_at: Option<Time>,
    /// Until when the prompt can be answered.
    pub expires_at: Option<Time>,
    /// Who pays; nobody that we know for a guest.
    pub customer_id: Option<CustomerId>,
    /// The invoice that is paid first.
    pub invoice_id: Option<InvoiceId>,
    /// The plan that is paid for.
    pub plan_id: Option<ServicePlanId>,
    /// What went back to the payer, or is on its way back.
    pub refunded_minor: Money,
}

impl Payment {
    /// Which one it is.
    pub fn id(&self) -> PaymentRef {
        if self.offline { PaymentRef::Offline(self.id.into()) } else { PaymentRef::Prompt(self.id.into()) }
    }

    /// What it is for.
    pub fn purpose(&self) -> Result<Purpose> {
        Purpose::parse(&self.purpose).ok_or_else(|| self.strange("purpose"))
    }

    /// Where it stands.
    pub fn standing(&self) -> Result<Standing> {
        match self.state.as_str() {
            VOIDED => Ok(Standing::Voided),
            TO_CONFIRM => Ok(Standing::ToConfirm),
            state => State::parse(state).map(Standing::of).ok_or_else(|| self.strange("state")),
        }
    }

    /// Why it failed.
    pub fn failure(&self) -> Result<Option<FailureReason>> {
        let reason = match &self.failure_reason {
            Some(text) => Some(FailureReason::parse(text).ok_or_else(|| self.strange("failure reason"))?),
            // Nobody answered in time, whatever else there is to say.
            None if self.state == State::Expired.as_str() => Some(FailureReason::TimedOut),
            None => None,
        };
        Ok(reason.filter(|_| self.standing().is_ok_and(|standing| standing == Standing::Failed)))
    }

    fn strange(&self, what: &str) -> Error {
        Error::internal(format!("payment {} has a strange {what}", self.id))
    }
}

/// Which payments are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this customer.
    pub customer: Option<CustomerId>,
    /// Only those for this.
    pub purpose: Option<Purpose>,
    /// Only those that stand so.
    pub standing: Option<Standing>,
    /// Only the one with this receipt.
    pub receipt: Option<String>,
    /// Asked for at this moment or later.
    pub from: Option<Time>,
    /// Asked for before this moment.
    pub to: Option<Time>,
}

/// A payment, or `NOT_FOUND`. `of`: only when it is this customer's.
pub async fn get(tx: &mut Tx, isp: IspId, id: PaymentRef, of: Option<CustomerId>) -> Result<Payment> {
    let mut query = payment_seen::table
        .filter(payment_seen::tenant_id.eq(isp).and(payment_seen::id.eq(id.uuid())).and(payment_seen::offline.eq(matches!(id, PaymentRef::Offline(_)))))
        .filter(payment_seen::purpose.ne(Purpose::Subscription.as_str()))
        .select(Payment::as_select())
        .into_boxed();
    if let Some(customer) = of {
        query = query.filter(payment_seen::customer_id.eq(customer));
    }
    query.first(&mut **tx).await.optional()?.ok_or_else(|| Error::not_found("payment"))
}

/// A payment of the ISP itself to Netily, or `NOT_FOUND`.
pub async fn get_of_isp(tx: &mut Tx, isp: IspId, id: PaymentId) -> Result<Payment> {
    payment_seen::table
        .filter(payment_seen::tenant_id.eq(isp).and(payment_seen::id.eq(id.uuid())).and(payment_seen::purpose.eq(Purpose::Subscription.as_str())))
        .select(Payment::as_select())
        .first(&mut **tx)
        .await
        .optional()?
        .ok_or_else(|| Error::not_found("payment"))
}

/// A page of payments, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, filter: Filter, page: PageAsk) -> Result<(Vec<Payment>, String)> {
    // Ids are made in the order of time, so the key itself is the order.
    let mut query = payment_seen::table
        .filter(payment_seen::tenant_id.eq(isp).and(payment_seen::id.lt(page.before().id)))
        .filter(payment_seen::purpose.ne(Purpose::Subscription.as_str()))
        .order(payment_seen::id.desc())
        .limit(page.size + 1)
        .select(Payment::as_select())
        .into_boxed();
    if let Some(customer) = filter.customer {
        query = query.filter(payment_seen::customer_id.eq(customer));
    }
    if let Some(purpose) = filter.purpose {
        query = query.filter(payment_seen::purpose.eq(purpose.as_str()));
    }
    if let Some(receipt) = filter.receipt {
        query = query.filter(payment_seen::receipt.eq(receipt));
    }
    if let Some(from) = filter.from {
        query = query.filter(payment_seen::id.ge(PaymentId::earliest(from).uuid()).and(payment_seen::created_at.ge(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(payment_seen::created_at.lt(to));
    }
    if let Some(standing) = filter.standing {
        query = query.filter(payment_seen::state.eq_any(standing.states()));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Payment| Cursor { at: row.created_at, id: row.id }))
}
