//! What money that goes back means for what was bought with it. Joins the transaction that books it, after the ledger, as every payment does.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::alert::{self, News};
use crate::billing;
use crate::billing::account::{self, Move};
use crate::clock::Time;
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::hotspot;
use crate::id::{CustomerId, IspId};
use crate::money::Money;
use crate::payments::{Payment, Purpose};
use crate::schema::customer_payment;
use crate::wake::Wake;

/// A customer's account loses it. What was used stays used, so the balance may be below nothing: the next payments make it good, or the ISP
/// forgives it.
pub async fn leaves_account(tx: &mut Tx, isp: IspId, of: &Payment, amount: Money, now: Time) -> Result<()> {
    let Some(customer) = payer(tx, isp, of).await?.filter(|_| amount > Money::ZERO) else { return Ok(()) };
    account::lock(tx, isp, customer).await?;
    account::book(tx, isp, customer, Move::Refund(of.id), amount, of.mpesa_receipt.as_deref().unwrap_or_default(), now).await?;
    tx.wake(Wake::Payment(of.id));
    Ok(())
}

/// It did not arrive: the customer's account has it again, and it is used for what is owed.
pub async fn did_not_arrive(tx: &mut Tx, isp: IspId, of: &Payment, amount: Money, now: Time) -> Result<()> {
    let Some(customer) = payer(tx, isp, of).await? else { return Ok(()) };
    account::lock(tx, isp, customer).await?;
    account::book(tx, isp, customer, Move::RefundReturned(of.id), amount, of.mpesa_receipt.as_deref().unwrap_or_default(), now).await?;
    billing::settle(tx, isp, customer, None, now).await?;
    tx.wake(Wake::Payment(of.id));
    Ok(())
}

/// A customer reads that it went back. A guest hears it from M-Pesa alone.
pub async fn tell_customer(tx: &mut Tx, isp: IspId, of: &Payment, amount: Money, now: Time) -> Result<()> {
    let Some(customer) = payer(tx, isp, of).await?.filter(|_| amount > Money::ZERO) else { return Ok(()) };
    let person = customer::person(tx, isp, customer).await?;
    if person.customer.erased_at.is_some() {
        return Ok(());
    }
    let news = News::WentBack { amount: &amount.to_string(), receipt: of.mpesa_receipt.as_deref().unwrap_or_default() };
    alert::raise(tx, isp, customer, alert::Kind::Payment, &news.words(person.user.lang()), &of.id.to_string(), now).await?;
    Ok(())
}

/// All of a payment went back: a guest's session ends, since it is not paid any more. A customer's line stays on for the time that the account
/// paid for; what an ISP has of the platform is Netily's people to decide.
pub async fn ends(tx: &mut Tx, isp: IspId, of: &Payment, now: Time) -> Result<()> {
    if of.purpose == Purpose::Hotspot { hotspot::take_back(tx, isp, of.id, now).await } else { Ok(()) }
}

async fn payer(tx: &mut Tx, isp: IspId, of: &Payment) -> Result<Option<CustomerId>> {
    if !matches!(of.purpose, Purpose::Recharge | Purpose::Invoice) {
        return Ok(None);
    }
    let row = customer_payment::table.find((isp, of.id)).select(customer_payment::customer_id).first(&mut **tx).await.optional()?;
    row.map(Some).ok_or_else(|| Error::internal(format!("{} is for nobody", of.id)))
}
