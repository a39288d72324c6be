//! What a customer has with the ISP: everything paid comes in, and is used for invoices and recharges. Whoever moves it locks it
//! first, before connection and invoices, so that two payments of one customer never use the same shilling.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, CustomerId, InvoiceId, IspId, OfflinePaymentId, PaymentId, RowId};
use crate::money::Money;
use crate::schema::{customer_account, functions};

/// A movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A payment by M-Pesa came in.
    Payment(PaymentId),
    /// Money that the ISP took itself came in.
    Cash(OfflinePaymentId),
    /// An invoice took its part.
    Invoice(InvoiceId),
    /// A period of a connection took its price.
    Recharge(ConnectionId),
    /// Time that was paid and is not used comes back.
    Proration(ConnectionId),
    /// What an invoice had taken comes back.
    Return(InvoiceId),
    /// Money that the ISP had written down as taken was taken back: the balance may go below nothing.
    Void(OfflinePaymentId),
    /// A payment by M-Pesa, or a part of it, went back to whoever paid: the balance may go below nothing.
    Refund(PaymentId),
    /// What should have gone back did not arrive, and is the customer's again.
    RefundReturned(PaymentId),
    /// The ISP keeps what a customer has: it goes.
    WriteOff,
    /// The ISP forgives what a customer owes below nothing: it comes in.
    Forgive,
    /// The ISP paid it back by hand.
    PaidBack,
}

impl Move {
    const fn kind(self) -> &'static str {
        match self {
            Move::Payment(_) => "PAYMENT",
            Move::Cash(_) => "CASH",
            Move::Invoice(_) => "INVOICE",
            Move::Recharge(_) => "RECHARGE",
            Move::Proration(_) => "PRORATION",
            Move::Return(_) => "RETURN",
            Move::Void(_) => "VOID",
            Move::Refund(_) | Move::RefundReturned(_) => "REFUND",
            Move::WriteOff | Move::Forgive => "WRITE_OFF",
            Move::PaidBack => "PAID_BACK",
        }
    }

    /// What goes has a minus in the book.
    const fn goes(self) -> bool {
        matches!(self, Move::Invoice(_) | Move::Recharge(_) | Move::Void(_) | Move::Refund(_) | Move::WriteOff | Move::PaidBack)
    }
}

/// The balance, which nobody else moves until the transaction ends.
pub async fn lock(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<Money> {
    if let Some(balance) = lock_found(tx, isp, customer).await? {
        return Ok(balance);
    }
    let row = (customer_account::tenant_id.eq(isp), customer_account::customer_id.eq(customer), customer_account::balance_minor.eq(Money::ZERO));
    diesel::insert_into(customer_account::table).values(row).on_conflict_do_nothing().execute(&mut **tx).await?;
    lock_found(tx, isp, customer).await?.ok_or_else(|| Error::internal(format!("{customer} has no account")))
}

async fn lock_found(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<Option<Money>> {
    let row = customer_account::table.find((isp, customer)).select(customer_account::balance_minor).for_update();
    Ok(row.first(&mut **tx).await.optional()?)
}

/// The balance as it is.
pub async fn balance(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<Money> {
    let row = customer_account::table.find((isp, customer)).select(customer_account::balance_minor).first(&mut **tx).await;
    Ok(row.optional()?.unwrap_or_default())
}

/// Writes a movement of a locked account, of an amount above nothing, and gives the balance after it. Using more than there is, or
/// booking a payment twice, fails.
pub async fn book(tx: &mut Tx, isp: IspId, customer: CustomerId, what: Move, amount: Money, note: &str, now: Time) -> Result<Money> {
    Ok(book_entry(tx, isp, customer, what, amount, note, now).await?.balance)
}

/// An entry of the account.
pub struct Booked {
    /// Its id.
    pub id: RowId,
    /// With its sign.
    pub amount: Money,
    /// The balance after it.
    pub balance: Money,
}

/// The same, and tells which entry it wrote.
pub async fn book_entry(tx: &mut Tx, isp: IspId, customer: CustomerId, what: Move, amount: Money, note: &str, now: Time) -> Result<Booked> {
    let signed = if what.goes() { amount.negated() } else { amount };
    let id = RowId::sortable(now);
    let (mut payment, mut offline, mut invoice, mut connection) = (None, None, None, None);
    match what {
        Move::Payment(id) | Move::Refund(id) | Move::RefundReturned(id) => payment = Some(id),
        Move::Cash(id) | Move::Void(id) => offline = Some(id),
        Move::Invoice(id) | Move::Return(id) => invoice = Some(id),
        Move::Recharge(id) | Move::Proration(id) => connection = Some(id),
        Move::WriteOff | Move::Forgive | Move::PaidBack => {}
    }
    let act = functions::move_account(isp, id, customer, what.kind(), signed, payment, offline, invoice, connection, note, now);
    let balance = diesel::select(act).get_result(&mut **tx).await?;
    Ok(Booked { id, amount: signed, balance })
}
