//! An owner confirms what staff wrote down above their limit, or takes back what was written down by mistake. The rows stay; what was
//! decided stands beside them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::account::{self, Move};
use super::offline;
use super::paid::Meant;
use super::seen::{self, Payment, PaymentRef, Standing};
use crate::app::App;
use crate::audit::{self, By};
use crate::books;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, InvoiceId, IspId, OfflinePaymentId, ServicePlanId};
use crate::money::Money;
use crate::schema::{offline_payment, offline_payment_confirmation as confirmation, offline_payment_void as void};

#[derive(Queryable, Selectable)]
#[diesel(table_name = offline_payment)]
struct Row {
    customer_id: CustomerId,
    amount_minor: Money,
    receipt_number: String,
    invoice_id: Option<InvoiceId>,
    plan_id: Option<ServicePlanId>,
    plan_version: Option<i32>,
    received_at: Time,
}

/// The row and how it stands; its customer's account is locked.
async fn locked(tx: &mut Tx, isp: IspId, id: OfflinePaymentId) -> Result<(Row, Standing)> {
    let row: Option<Row> = offline_payment::table.find((isp, id)).select(Row::as_select()).first(&mut **tx).await.optional()?;
    let row = row.ok_or_else(|| Error::not_found("payment"))?;
    account::lock(tx, isp, row.customer_id).await?;
    let standing = seen::get(tx, isp, PaymentRef::Offline(id), None).await?.standing()?;
    Ok((row, standing))
}

/// An owner confirms money that staff wrote down: now it counts. Doing it again changes nothing.
pub async fn confirm_offline(app: &App, isp: IspId, by: By, id: OfflinePaymentId) -> Result<Payment> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let (row, standing) = locked(tx, isp, id).await?;
            match standing {
                Standing::ToConfirm => {}
                Standing::Voided => return Err(Error::new(Reason::StateConflict, format!("{} was taken back.", row.receipt_number))),
                _ => return seen::get(tx, isp, PaymentRef::Offline(id), None).await,
            }
            if books::check(tx, "id", row.received_at, now).await.is_err_and(|refused| refused.reason == Reason::InvalidArgument) {
                let sentence = format!("The month of {} is closed meanwhile. Take it back and write it down anew.", row.receipt_number);
                return Err(Error::new(Reason::StateConflict, sentence));
            }
            diesel::insert_into(confirmation::table)
                .values((
                    (confirmation::tenant_id.eq(isp), confirmation::offline_payment_id.eq(id)),
                    (confirmation::confirmed_by.eq(by.text()), confirmation::confirmed_at.eq(now)),
                ))
                .execute(&mut **tx)
                .await?;
            let meant = Meant { invoice: row.invoice_id, plan: row.plan_id.zip(row.plan_version) };
            offline::count(app, tx, isp, row.customer_id, id, row.amount_minor, &row.receipt_number, meant, now).await?;
            let facts = json!({ "amount_minor": row.amount_minor.minor(), "receipt": row.receipt_number });
            audit::record(tx, isp, by, "confirm_offline_payment", &id.to_string(), facts, now).await?;
            seen::get(tx, isp, PaymentRef::Offline(id), None).await
        })
        .await
}

/// Takes back what was written down as taken, and gives the balance then: what was used stays used, so it may be below nothing. Doing it
/// again changes nothing.
pub async fn void_offline(app: &App, isp: IspId, by: By, id: OfflinePaymentId, reason: &str) -> Result<(Payment, Money)> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let (row, standing) = locked(tx, isp, id).await?;
            if standing != Standing::Voided {
                diesel::insert_into(void::table)
                    .values((
                        (void::tenant_id.eq(isp), void::offline_payment_id.eq(id), void::reason.eq(reason)),
                        (void::voided_by.eq(by.text()), void::voided_at.eq(now)),
                    ))
                    .execute(&mut **tx)
                    .await?;
                if standing == Standing::Completed {
                    account::book(tx, isp, row.customer_id, Move::Void(id), row.amount_minor, &row.receipt_number, now).await?;
                }
                let facts = json!({ "amount_minor": row.amount_minor.minor(), "receipt": row.receipt_number, "counted": standing == Standing::Completed });
                audit::record(tx, isp, by, "void_offline_payment", &id.to_string(), facts, now).await?;
            }
            let payment = seen::get(tx, isp, PaymentRef::Offline(id), None).await?;
            Ok((payment, account::balance(tx, isp, row.customer_id).await?))
        })
        .await
}
