//! HotspotService: what guests buy, and what staff sell. Decodes, calls the slice once, encodes.

mod ask;
pub mod show;
mod watch;

use std::sync::Arc;

use netily_sdk::hotspot as pb;
use netily_sdk::hotspot::hotspot_service_server::HotspotService;
use tonic::{Request, Response, Status};

use super::answer::{answer, lang, timestamp};
use super::fields;
use super::watch::Stream;
use crate::app::App;
use crate::collect;
use crate::error::Result;
use crate::hotspot;
use crate::id::{HotspotPlanId, RouterId, SessionId};
use crate::page::PageAsk;

/// The service.
pub struct Hotspot {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl HotspotService for Hotspot {
    type WatchPurchaseStream = Stream<pb::WatchPurchaseResponse>;

    async fn list_plans(&self, request: Request<pb::ListPlansRequest>) -> Result<Response<pb::ListPlansResponse>, Status> {
        answer(request, async |caller, ask| {
            let shop = hotspot::shop(&self.app, caller.isp()?.id, fields::parse("router_id", &ask.router_id)?).await?;
            Ok(pb::ListPlansResponse { plans: shop.plans.into_iter().map(show::plan).collect(), branding: Some(show::branding(shop.branding)) })
        })
        .await
    }

    async fn purchase(&self, request: Request<pb::PurchaseRequest>) -> Result<Response<pb::PurchaseResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let ask = ask::purchase(ask, caller.address, &self.app.config.callback_key)?;
            let bought = hotspot::purchase(&self.app, caller.isp()?, ask).await?;
            Ok(pb::PurchaseResponse { purchase: Some(show::purchase(&bought, lang)) })
        })
        .await
    }

    async fn get_purchase_status(&self, request: Request<pb::GetPurchaseStatusRequest>) -> Result<Response<pb::GetPurchaseStatusResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse::<SessionId>("session_id", &ask.session_id)?);
            let session = self.app.db.tx(isp, async |tx| hotspot::find_session(tx, isp, id).await).await?;
            Ok(pb::GetPurchaseStatusResponse { purchase: Some(show::purchase(&session, lang)) })
        })
        .await
    }

    async fn watch_purchase(&self, request: Request<pb::WatchPurchaseRequest>) -> Result<Response<Self::WatchPurchaseStream>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("session_id", &ask.session_id)?);
            watch::purchase(self.app.clone(), isp, id, lang, caller.request_id).await
        })
        .await
    }

    async fn resume_purchase(&self, request: Request<pb::ResumePurchaseRequest>) -> Result<Response<pb::ResumePurchaseResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let resumed = collect::resume(&self.app, caller.isp()?.id, &ask::resume(ask, caller.address)?).await?;
            Ok(pb::ResumePurchaseResponse { purchase: Some(show::purchase(&resumed, lang)) })
        })
        .await
    }

    async fn block_prompts(&self, request: Request<pb::BlockPromptsRequest>) -> Result<Response<pb::BlockPromptsResponse>, Status> {
        answer(request, async |caller, ask| {
            let at = fields::parse("router_id", &ask.router_id)?;
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let until = hotspot::block_prompts(&self.app, caller.isp()?.id, at, &phone, caller.address).await?;
            Ok(pb::BlockPromptsResponse { blocked_until: Some(timestamp(until)) })
        })
        .await
    }

    async fn create_plan(&self, request: Request<pb::CreatePlanRequest>) -> Result<Response<pb::CreatePlanResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
            let draft = ask::draft(ask.plan.unwrap_or_default())?;
            let plan = hotspot::plan::create(&self.app, caller.isp()?.id, draft, request_id, request_hash).await?;
            Ok(pb::CreatePlanResponse { plan: Some(show::plan(plan)) })
        })
        .await
    }

    async fn update_plan(&self, request: Request<pb::UpdatePlanRequest>) -> Result<Response<pb::UpdatePlanResponse>, Status> {
        answer(request, async |caller, ask| {
            let wanted = ask.plan.unwrap_or_default();
            let id: HotspotPlanId = fields::parse("plan.id", &wanted.id)?;
            let plan = hotspot::plan::update(&self.app, caller.isp()?.id, id, ask::draft(wanted)?).await?;
            Ok(pb::UpdatePlanResponse { plan: Some(show::plan(plan)) })
        })
        .await
    }

    async fn archive_plan(&self, request: Request<pb::ArchivePlanRequest>) -> Result<Response<pb::ArchivePlanResponse>, Status> {
        answer(request, async |caller, ask| {
            let plan = hotspot::plan::archive(&self.app, caller.isp()?.id, fields::parse("id", &ask.id)?).await?;
            Ok(pb::ArchivePlanResponse { plan: Some(show::plan(plan)) })
        })
        .await
    }

    async fn list_all_plans(&self, request: Request<pb::ListAllPlansRequest>) -> Result<Response<pb::ListAllPlansResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let (plans, next_page_token) = self.app.db.tx(isp, async |tx| hotspot::plan::list(tx, isp, ask.include_archived, page).await).await?;
            Ok(pb::ListAllPlansResponse { plans: plans.into_iter().map(show::plan).collect(), next_page_token })
        })
        .await
    }

    async fn list_sessions(&self, request: Request<pb::ListSessionsRequest>) -> Result<Response<pb::ListSessionsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let router: Option<RouterId> = fields::optional("router_id", &ask.router_id, fields::parse)?;
            let status = fields::choice("status", ask.status)?.and_then(ask::status);
            let (sessions, next_page_token) = self.app.db.tx(isp, async |tx| hotspot::session::list(tx, isp, router, status, page).await).await?;
            Ok(pb::ListSessionsResponse { sessions: sessions.into_iter().map(show::session).collect(), next_page_token })
        })
        .await
    }
}
