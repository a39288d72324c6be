//! A customer shows the receipt of a payment whose end we never learnt. As guests do by `resume`, for the customer's own payments.

use std::net::IpAddr;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::check::adopt_receipt;
use crate::app::App;
use crate::clock::Time;
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId, PaymentId};
use crate::limit::{Limit, take};
use crate::payments::store::receipt_owner;
use crate::schema::{customer_payment, payment};

/// How old a payment may be whose end we never learnt.
const UNFINISHED_SINCE: TimeDelta = TimeDelta::hours(72);
/// How many of them are asked about.
const UNFINISHED_MOST: i64 = 5;
const PER_CUSTOMER: Limit = Limit::new(10, TimeDelta::seconds(30));
/// All customers behind one router share its address, so this one is wide.
const PER_ADDRESS: Limit = Limit::new(120, TimeDelta::milliseconds(500));

/// Finds the customer's payment with this receipt; one that is unfinished is asked about by it, and booked if it is that one. Another's
/// payment is never found.
pub async fn claim_receipt(app: &App, isp: IspId, customer: CustomerId, receipt: &str, address: IpAddr) -> Result<PaymentId> {
    let now = app.clock.now();
    // The try is counted also when nothing is found, so it has a transaction of its own.
    app.db.tx(isp, async |tx| allow(tx, isp, customer, address, now).await).await?;
    if let Some(paid) = app.db.tx(isp, async |tx| paid_with(tx, isp, customer, receipt).await).await? {
        return Ok(paid);
    }
    let unfinished = app.db.tx(isp, async |tx| unfinished(tx, isp, customer, now - UNFINISHED_SINCE).await).await?;
    for payment in unfinished {
        adopt_receipt(app, isp, payment, receipt).await?;
    }
    app.db.tx(isp, async |tx| paid_with(tx, isp, customer, receipt).await).await?.ok_or_else(|| {
        Error::new(Reason::ReceiptNotFound, "No payment with this receipt was found for this account. Check it, or wait a minute if you have just paid.")
    })
}

async fn allow(tx: &mut Tx, isp: IspId, customer: CustomerId, address: IpAddr, now: Time) -> Result<()> {
    let id = customer::get(tx, isp, customer).await?.id;
    take(tx, &format!("claim/customer/{id}"), &PER_CUSTOMER, "Too many receipts were tried for this account.", now).await?;
    take(tx, &format!("claim/address/{address}"), &PER_ADDRESS, "Too many tries from this network.", now).await
}

/// The customer's payment that a receipt was credited to.
async fn paid_with(tx: &mut Tx, isp: IspId, customer: CustomerId, receipt: &str) -> Result<Option<PaymentId>> {
    let Some(owner) = receipt_owner(tx, receipt).await? else { return Ok(None) };
    let theirs = customer_payment::table.find((isp, owner)).filter(customer_payment::customer_id.eq(customer));
    Ok(theirs.select(customer_payment::payment_id).first(&mut **tx).await.optional()?)
}

/// Payments of a customer without a success, newest first.
async fn unfinished(tx: &mut Tx, isp: IspId, customer: CustomerId, since: Time) -> Result<Vec<PaymentId>> {
    let same = payment::tenant_id.eq(customer_payment::tenant_id).and(payment::id.eq(customer_payment::payment_id));
    Ok(customer_payment::table
        .inner_join(payment::table.on(same))
        .filter(customer_payment::tenant_id.eq(isp).and(customer_payment::customer_id.eq(customer)))
        .filter(customer_payment::payment_id.ge(PaymentId::earliest(since)).and(payment::state.ne("SUCCEEDED")))
        .order(customer_payment::payment_id.desc())
        .limit(UNFINISHED_MOST)
        .select(customer_payment::payment_id)
        .load(&mut **tx)
        .await?)
}
