//! BillingService: what was paid to the ISP and how it was split.

use std::sync::Arc;

use netily_sdk::billing as pb;
use netily_sdk::billing::billing_service_server::BillingService;
use tonic::{Request, Response, Status};

use super::answer::{answer, money, timestamp};
use super::fields;
use crate::app::App;
use crate::ledger::{self, Commission};
use crate::page::PageAsk;
use crate::payments::Purpose;

/// The service.
pub struct Billing {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl BillingService for Billing {
    async fn list_commissions(&self, request: Request<pb::ListCommissionsRequest>) -> Result<Response<pb::ListCommissionsResponse>, Status> {
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let purpose = fields::choice("payment_type", ask.payment_type)?.map(purpose);
            let (commissions, next_page_token, pending) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let (commissions, next) = ledger::commissions(tx, isp, purpose, page).await?;
                    Ok((commissions, next, ledger::pending_balance(tx, isp).await?))
                })
                .await?;
            let commissions = commissions.into_iter().map(commission).collect();
            Ok(pb::ListCommissionsResponse { commissions, next_page_token, pending_balance: Some(money(pending)) })
        })
        .await
    }
}

/// As the database writes it.
const fn purpose(kind: pb::PaymentType) -> &'static str {
    match kind {
        // Unspecified never comes here: it asks for all of them.
        pb::PaymentType::Unspecified | pb::PaymentType::Hotspot => Purpose::Hotspot.as_str(),
        pb::PaymentType::Recharge => Purpose::Recharge.as_str(),
        pb::PaymentType::Invoice => Purpose::Invoice.as_str(),
    }
}

fn payment_type(purpose: &str) -> pb::PaymentType {
    match Purpose::parse(purpose) {
        Some(Purpose::Hotspot) => pb::PaymentType::Hotspot,
        Some(Purpose::Recharge) => pb::PaymentType::Recharge,
        Some(Purpose::Invoice) => pb::PaymentType::Invoice,
        // What an ISP pays Netily is never split, so it has no line here.
        Some(Purpose::Subscription) | None => pb::PaymentType::Unspecified,
    }
}

fn commission(line: Commission) -> pb::Commission {
    pb::Commission {
        payment_reference: line.payment_id.to_string(),
        payment_type: payment_type(&line.purpose).into(),
        gross: Some(money(line.gross_minor)),
        rate: line.commission_bps.to_string(),
        commission: Some(money(line.commission_minor)),
        isp_amount: Some(money(line.isp_minor)),
        mpesa_receipt: line.mpesa_receipt.unwrap_or_default(),
        created_at: Some(timestamp(line.created_at)),
    }
}
