//! Payments of customers.

use netily_sdk::Client;
use netily_sdk::billing::initiate_payment_request::Target;
use netily_sdk::billing::record_offline_payment_request::Target as Taken;
use netily_sdk::billing::{
    ClaimReceiptRequest, ConfirmOfflinePaymentRequest, GetPaymentRequest, GetReceiptPdfRequest, InitiatePaymentRequest, ListPaymentsRequest,
    ListPaymentsResponse, OfflineMethod, RecordOfflinePaymentRequest, VoidOfflinePaymentRequest,
};
use netily_sdk::types::{Money, Payment};

use super::customer::id_of;
use super::refund;
use crate::args::{Method, PaidFor, PaymentCommand};
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: PaymentCommand, output: &Output) -> Result<(), Fault> {
    let billing = client.billing();
    match command {
        PaymentCommand::List { customer, limit } => {
            let customer_id = match customer {
                Some(named) => id_of(client, &named).await?,
                None => String::new(),
            };
            let page = async |page_size, page_token| {
                billing.list_payments(ListPaymentsRequest { page_size, page_token, customer_id: customer_id.clone(), ..Default::default() }).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.payments, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        PaymentCommand::Show { id } => output.show(&billing.get_payment(GetPaymentRequest { id }).await?.payment.unwrap_or_default(), one),
        PaymentCommand::Receipt { id, output: file } => {
            let paper = billing.get_receipt_pdf(GetReceiptPdfRequest { payment_id: id }).await?;
            output.file(&paper.content, file, &paper.file_name)
        }
        PaymentCommand::Start { customer, what, phone, again } => {
            let customer_id = id_of(client, &customer).await?;
            let ask = InitiatePaymentRequest { customer_id, target: target(what), phone_number: phone, request_id: again.request_id };
            output.show(&billing.initiate_payment(ask).await?.payment.unwrap_or_default(), one)
        }
        PaymentCommand::Record { customer, amount, invoice, plan, method, reference, note, confirm_duplicate, again } => {
            let method = match method {
                Method::Cash => OfflineMethod::Cash,
                Method::Bank => OfflineMethod::Bank,
                Method::Cheque => OfflineMethod::Cheque,
                Method::Other => OfflineMethod::Other,
            };
            let ask = RecordOfflinePaymentRequest {
                customer_id: id_of(client, &customer).await?,
                amount: Some(shillings(amount)),
                method: method.into(),
                reference,
                note,
                received_at: None,
                target: invoice.map(Taken::InvoiceId).or(plan.map(Taken::PlanId)),
                request_id: again.request_id,
                confirm_duplicate,
            };
            output.show(&billing.record_offline_payment(ask).await?.payment.unwrap_or_default(), one)
        }
        PaymentCommand::Confirm { id } => {
            let confirmed = billing.confirm_offline_payment(ConfirmOfflinePaymentRequest { id }).await?;
            output.show(&confirmed.payment.unwrap_or_default(), one)
        }
        PaymentCommand::Void { id, reason } => {
            let voided = billing.void_offline_payment(VoidOfflinePaymentRequest { id, reason }).await?;
            output.show(&voided, |voided| one(&voided.payment.clone().unwrap_or_default()) + &table::fields(&[("balance", money(&voided.account_balance))]))
        }
        PaymentCommand::Back(command) => refund::run(client, command, output).await,
        PaymentCommand::Claim { customer, receipt } => {
            let ask = ClaimReceiptRequest { customer_id: id_of(client, &customer).await?, mpesa_receipt: receipt };
            output.show(&billing.claim_receipt(ask).await?.payment.unwrap_or_default(), one)
        }
    }
}

fn target(what: PaidFor) -> Option<Target> {
    let amount = what.amount.map(|amount| Target::Amount(shillings(amount)));
    what.invoice.map(Target::InvoiceId).or(what.plan.map(Target::PlanId)).or(amount)
}

/// Whole shillings on the wire.
pub fn shillings(amount: u32) -> Money {
    Money { amount_minor: i64::from(amount) * 100, currency_code: "KES".to_owned() }
}

/// A payment.
pub fn one(payment: &Payment) -> String {
    table::fields(&[
        ("id", payment.id.clone()),
        ("for", purpose(payment)),
        ("amount", money(&payment.amount)),
        ("status", status(payment)),
        ("phone", payment.phone_number.clone()),
        ("receipt", payment.mpesa_receipt.clone()),
        ("refunded", money(&payment.refunded)),
        ("failure", payment.failure_message.clone()),
        ("customer", payment.customer_id.clone()),
        ("invoice", payment.invoice_id.clone()),
        ("plan", payment.plan_id.clone()),
        ("asked", time(&payment.created_at)),
        ("ended", time(&payment.completed_at)),
    ])
}

fn all(listed: &ListPaymentsResponse) -> String {
    let row = |payment: &Payment| {
        [time(&payment.created_at), purpose(payment), money(&payment.amount), status(payment), payment.mpesa_receipt.clone(), payment.id.clone()]
    };
    let rows: Vec<_> = listed.payments.iter().map(row).collect();
    table::rows(["asked", "for", "amount", "status", "receipt", "id"], &rows, "No payments.") + pages::more(&listed.next_page_token)
}

fn purpose(payment: &Payment) -> String {
    word(payment.purpose().as_str_name(), "PAYMENT_PURPOSE_")
}

fn status(payment: &Payment) -> String {
    word(payment.status().as_str_name(), "PAYMENT_STATUS_")
}
