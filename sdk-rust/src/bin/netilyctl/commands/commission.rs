//! How payments were split.

use netily_sdk::Client;
use netily_sdk::billing::{Commission, ListCommissionsRequest, ListCommissionsResponse, PaymentType};

use crate::args::{CommissionCommand, PaymentKind};
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: CommissionCommand, output: &Output) -> Result<(), Fault> {
    let CommissionCommand::List { payment_type, limit } = command;
    let payment_type = match payment_type {
        None => PaymentType::Unspecified,
        Some(PaymentKind::Hotspot) => PaymentType::Hotspot,
        Some(PaymentKind::Recharge) => PaymentType::Recharge,
        Some(PaymentKind::Invoice) => PaymentType::Invoice,
    };
    let billing = client.billing();
    let page = async |page_size, page_token| {
        let ask = ListCommissionsRequest { page_size, page_token, payment_type: payment_type.into() };
        billing.list_commissions(ask).await
    };
    let listed = pages::read(limit.limit, |page| (&mut page.commissions, &mut page.next_page_token), page).await?;
    output.show(&listed, commissions)
}

fn commissions(listed: &ListCommissionsResponse) -> String {
    let row = |split: &Commission| {
        [
            time(&split.created_at),
            word(split.payment_type().as_str_name(), "PAYMENT_TYPE_"),
            money(&split.gross),
            split.rate.clone(),
            money(&split.commission),
            money(&split.isp_amount),
            split.mpesa_receipt.clone(),
            split.payment_reference.clone(),
        ]
    };
    let rows: Vec<_> = listed.commissions.iter().map(row).collect();
    let headings = ["booked", "type", "gross", "rate", "commission", "to the isp", "receipt", "payment"];
    let owed = format!("\nOwed to the ISP now: {}\n", money(&listed.pending_balance));
    table::rows(headings, &rows, "No payments were split yet.") + pages::more(&listed.next_page_token) + &owed
}
