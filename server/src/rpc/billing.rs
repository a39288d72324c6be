//! BillingService: what the ISP sells to its customers at home, what was paid to it and how it was split.

pub(super) mod plan;

use std::sync::Arc;

use netily_sdk::billing as pb;
use netily_sdk::billing::billing_service_server::BillingService;
use tonic::{Request, Response, Status};

use super::answer::{answer, by, money, timestamp};
use super::fields;
use crate::app::App;
use crate::billing;
use crate::error::Result;
use crate::id::ServicePlanId;
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
    async fn create_plan(&self, request: Request<pb::CreatePlanRequest>) -> Result<Response<pb::CreatePlanResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
            let draft = plan::draft(&ask.plan.unwrap_or_default())?;
            let made = billing::plan::create(&self.app, caller.isp()?.id, by(&caller)?, draft, request_id, request_hash).await?;
            Ok(pb::CreatePlanResponse { plan: Some(plan::show(made)?) })
        })
        .await
    }

    async fn update_plan(&self, request: Request<pb::UpdatePlanRequest>) -> Result<Response<pb::UpdatePlanResponse>, Status> {
        answer(request, async |caller, ask| {
            let wanted = ask.plan.unwrap_or_default();
            let id: ServicePlanId = fields::parse("plan.id", &wanted.id)?;
            let changed = billing::plan::update(&self.app, caller.isp()?.id, by(&caller)?, id, plan::draft(&wanted)?).await?;
            Ok(pb::UpdatePlanResponse { plan: Some(plan::show(changed)?) })
        })
        .await
    }

    async fn archive_plan(&self, request: Request<pb::ArchivePlanRequest>) -> Result<Response<pb::ArchivePlanResponse>, Status> {
        answer(request, async |caller, ask| {
            let archived = billing::plan::archive(&self.app, caller.isp()?.id, by(&caller)?, fields::parse("id", &ask.id)?).await?;
            Ok(pb::ArchivePlanResponse { plan: Some(plan::show(archived)?) })
        })
        .await
    }

    async fn list_plans(&self, request: Request<pb::ListPlansRequest>) -> Result<Response<pb::ListPlansResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let (plans, next_page_token) = self.app.db.tx(isp, async |tx| billing::plan::list(tx, isp, ask.include_archived, page).await).await?;
            Ok(pb::ListPlansResponse { plans: plans.into_iter().map(plan::show).collect::<Result<_>>()?, next_page_token })
        })
        .await
    }

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
