//! Money that goes back to whoever paid.

use netily_sdk::Client;
use netily_sdk::platform::refund_payment_request::By;
use netily_sdk::platform::{Approval, ListRefundsRequest, RecordReversalRequest, Refund, RefundPaymentRequest};

use super::repair::shillings;
use crate::args::RefundCommand;
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: RefundCommand, output: &Output) -> Result<(), Fault> {
    let platform = client.platform();
    match command {
        RefundCommand::Reverse { payment: payment_id, isp, amount, reference, note, again } => {
            let ask = RecordReversalRequest { isp, payment_id, amount: amount.map(shillings), reference, note, request_id: again.request_id };
            let done = platform.record_reversal(ask).await?;
            output.show(&done, |done| told(done.refund.as_ref(), done.approval.as_ref()))
        }
        RefundCommand::Refund { payment: payment_id, isp, amount, way, phone: phone_number, note, again } => {
            let by = Some(way.by_hand.map_or(By::Gateway(true), By::ByHandReference));
            let ask = RefundPaymentRequest { isp, payment_id, amount: amount.map(shillings), by, phone_number, note, request_id: again.request_id };
            let done = platform.refund_payment(ask).await?;
            output.show(&done, |done| told(done.refund.as_ref(), done.approval.as_ref()))
        }
        RefundCommand::Refunds { isp, payment: payment_id, limit } => {
            let page = async |page_size, page_token| {
                platform.list_refunds(ListRefundsRequest { page_size, page_token, isp: isp.clone(), payment_id: payment_id.clone() }).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.refunds, &mut page.next_page_token), page).await?;
            output.show(&listed, |listed| {
                let rows: Vec<_> = listed.refunds.iter().map(row).collect();
                table::rows(
                    ["when", "how", "amount", "of it the ISP's", "ISP", "status", "reference", "payment", "id", "payout"],
                    &rows,
                    "Nothing went back yet.",
                ) + pages::more(&listed.next_page_token)
            })
        }
    }
}

fn told(done: Option<&Refund>, waits: Option<&Approval>) -> String {
    match (done, waits) {
        (Some(done), _) => table::fields(&[
            ("id", done.id.clone()),
            ("how", how(done)),
            ("amount", money(&done.amount)),
            ("of it the ISP's", money(&done.isp_amount)),
            ("Netily's", money(&done.commission)),
            ("status", status(done)),
            ("phone", done.phone_number.clone()),
            ("payout", done.settlement_id.clone()),
        ]),
        (None, Some(approval)) => format!("Another operator must ask for the same. Until then nothing is done ({}).\n", approval.id),
        (None, None) => "Nothing was done.\n".to_owned(),
    }
}

fn row(row: &Refund) -> [String; 10] {
    [
        time(&row.created_at),
        how(row),
        money(&row.amount),
        money(&row.isp_amount),
        row.isp_slug.clone(),
        status(row),
        row.reference.clone(),
        row.payment_id.clone(),
        row.id.clone(),
        row.settlement_id.clone(),
    ]
}

fn how(row: &Refund) -> String {
    word(row.kind().as_str_name(), "REFUND_KIND_")
}

fn status(row: &Refund) -> String {
    word(row.status().as_str_name(), "SETTLEMENT_STATUS_")
}
