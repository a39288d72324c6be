//! The plans on sale at a router. Shows nothing of earlier purchases: a MAC address can be copied and proves nobody.

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::refused::Refused;
use super::visit::Visit;
use crate::hotspot::{self, Plan, Shop};
use crate::portal::wording::price;
use crate::portal::{ErrorKind, FormTarget, PlanCard, PlansPage};

/// GET: the plans and the form.
pub async fn show(visit: Visit) -> Response {
    visit.answer(plans(&visit).await).await
}

async fn plans(visit: &Visit) -> Result<Response, Refused> {
    let page = fresh_page(visit).await?;
    visit.page(StatusCode::OK, &page, FormTarget::OwnServer)
}

/// The page before anybody has typed anything, with a request id of its own.
pub async fn fresh_page(visit: &Visit) -> Result<PlansPage, Refused> {
    if visit.tenant.suspended {
        return Err(ErrorKind::IspClosed.into());
    }
    let Shop { branding, plans } = hotspot::shop(&visit.app, visit.tenant.id, visit.router()?).await?;
    Ok(PlansPage {
        frame: visit.frame(branding),
        plans: plans.into_iter().map(card).collect(),
        request_id: Uuid::new_v4().to_string(),
        selected_plan_id: visit.fields.get("plan").map(str::to_owned),
        phone: String::new(),
        plan_error: None,
        phone_error: None,
        notice: None,
    })
}

/// A plan as it is shown; where the row has 0 there is no limit.
fn card(plan: Plan) -> PlanCard {
    let kbps = |value: i32| u32::try_from(value).ok().filter(|value| *value > 0);
    PlanCard {
        id: plan.id.to_string(),
        name: plan.name,
        price: price(plan.price_minor),
        duration_seconds: plan.duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()),
        data_cap_bytes: u64::try_from(plan.data_cap_bytes).ok().filter(|bytes| *bytes > 0),
        download_kbps: kbps(plan.download_kbps),
        upload_kbps: kbps(plan.upload_kbps),
        shared_devices: u32::try_from(plan.shared_devices).unwrap_or(1),
    }
}
