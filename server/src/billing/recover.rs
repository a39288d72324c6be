//! Money of a customer that came in without a prompt of ours: a payment is written for it, which waits for its success as any other. Two operators,
//! or one with a small sum, are the witness of that success (`repair::adopt`).

use uuid::Uuid;

use super::pay;
use crate::app::App;
use crate::clock::Time;
use crate::customer;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CustomerId, IspId, PaymentId, RequestId};
use crate::isp;
use crate::money::Money;
use crate::payments::{self, Purpose, Start};

/// Writes a recharge of the customer's for money that came in.
pub async fn recover(app: &App, tx: &mut Tx, isp: IspId, customer: CustomerId, amount: Money, now: Time) -> Result<PaymentId> {
    let payer = customer::get(tx, isp, customer).await?;
    let request_id = RequestId(Uuid::new_v4());
    let start = Start {
        purpose: Purpose::Recharge,
        // A prompt of the customer's own may wait meanwhile.
        subject: format!("recovered {}", request_id.0.simple()),
        request_id,
        request_hash: Vec::new(),
        amount,
        rate: isp::commission_rate(tx, isp, app.config.commission_rate).await?,
        phone: pay::own_phone(tx, isp, &payer).await?,
    };
    let payment = payments::recover(tx, isp, &start, now).await?;
    pay::write_recovered(tx, isp, payment, customer).await?;
    Ok(payment)
}
