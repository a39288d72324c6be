//! PlatformService: Netily's own people at work.

mod books;
mod money;
mod refund;
mod repair;

use std::sync::Arc;

use netily_sdk::platform as pb;
use netily_sdk::platform::platform_service_server::PlatformService;
use tonic::{Request, Response, Status};

use super::answer::{answer, money as shillings, timestamp};
use super::export::{self, Whose};
use super::fields;
use super::watch::Stream;
use crate::app::App;
use crate::audit::By;
use crate::auth::staff;
use crate::auth::{self, KeyInfo};
use crate::billing::export::List;
use crate::calendar::Days;
use crate::error::Result;
use crate::id::SettlementId;
use crate::ledger::Violation;
use crate::page::PageAsk;
use crate::platform::{self, AuditEvent, Delivery, Isp, NewIsp};
use crate::reconcile;

/// The most of a callback's body that is shown.
const BODY_MAX: usize = 16 * 1024;

/// The service.
pub struct Platform {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl PlatformService for Platform {
    async fn create_isp(&self, request: Request<pb::CreateIspRequest>) -> Result<Response<pb::CreateIspResponse>, Status> {
        answer(request, async |caller, ask| {
            let new = new_isp(ask, By::User(caller.person()?.user), &self.app.config.callback_key)?;
            let opened = platform::create_isp(&self.app, new).await?;
            Ok(pb::CreateIspResponse { isp: Some(isp(opened)) })
        })
        .await
    }

    async fn list_isps(&self, request: Request<pb::ListIspsRequest>) -> Result<Response<pb::ListIspsResponse>, Status> {
        answer(request, async |_, ask| {
            let (isps, next_page_token) = platform::list_isps(&self.app, PageAsk::read(ask.page_size, &ask.page_token)?).await?;
            Ok(pb::ListIspsResponse { isps: isps.into_iter().map(isp).collect(), next_page_token })
        })
        .await
    }

    async fn set_commission_rate(&self, request: Request<pb::SetCommissionRateRequest>) -> Result<Response<pb::SetCommissionRateResponse>, Status> {
        answer(request, async |caller, ask| {
            let id_or_slug = fields::text("isp", &ask.isp, 64)?;
            let by = caller.person()?.user;
            let (changed, done) = platform::set_commission_rate(&self.app, by, &id_or_slug, fields::parse("rate", &ask.rate)?).await?;
            Ok(pb::SetCommissionRateResponse { isp: Some(isp(changed)), needs_another_operator: !done })
        })
        .await
    }

    async fn check_ledger(&self, request: Request<pb::CheckLedgerRequest>) -> Result<Response<pb::CheckLedgerResponse>, Status> {
        answer(request, async |_, _| {
            let check = reconcile::check_ledger(&self.app).await?;
            Ok(pb::CheckLedgerResponse {
                violations: check.violations.into_iter().map(violation).collect(),
                invariants_checked: i32::try_from(check.invariants).unwrap_or(i32::MAX),
                checked_at: Some(timestamp(check.at)),
            })
        })
        .await
    }

    async fn list_webhook_deliveries(&self, request: Request<pb::ListWebhookDeliveriesRequest>) -> Result<Response<pb::ListWebhookDeliveriesResponse>, Status> {
        answer(request, async |_, ask| {
            let state: Option<pb::WebhookState> = fields::choice("state", ask.state)?;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let (deliveries, next_page_token) = platform::list_deliveries(&self.app, state.map(stored), page).await?;
            Ok(pb::ListWebhookDeliveriesResponse { deliveries: deliveries.into_iter().map(delivery).collect(), next_page_token })
        })
        .await
    }

    async fn resend_invitation(&self, request: Request<pb::ResendInvitationRequest>) -> Result<Response<pb::ResendInvitationResponse>, Status> {
        answer(request, async |caller, ask| {
            let found = platform::find_isp(&self.app, &fields::text("isp", &ask.isp, 64)?).await?;
            let email = staff::resend_owners_invitation(&self.app, found.id, By::User(caller.person()?.user)).await?;
            Ok(pb::ResendInvitationResponse { email })
        })
        .await
    }

    async fn suspend_isp(&self, request: Request<pb::SuspendIspRequest>) -> Result<Response<pb::SuspendIspResponse>, Status> {
        answer(request, async |caller, ask| {
            let (id_or_slug, reason) = (fields::text("isp", &ask.isp, 64)?, fields::text("reason", &ask.reason, 200)?);
            let suspended = platform::suspend_isp(&self.app, By::User(caller.person()?.user), &id_or_slug, &reason).await?;
            Ok(pb::SuspendIspResponse { isp: Some(isp(suspended)) })
        })
        .await
    }

    async fn reactivate_isp(&self, request: Request<pb::ReactivateIspRequest>) -> Result<Response<pb::ReactivateIspResponse>, Status> {
        answer(request, async |caller, ask| {
            let id_or_slug = fields::text("isp", &ask.isp, 64)?;
            let open = platform::reactivate_isp(&self.app, By::User(caller.person()?.user), &id_or_slug).await?;
            Ok(pb::ReactivateIspResponse { isp: Some(isp(open)) })
        })
        .await
    }

    async fn rotate_token_keys(&self, request: Request<pb::RotateTokenKeysRequest>) -> Result<Response<pb::RotateTokenKeysResponse>, Status> {
        answer(request, async |caller, _| {
            let keys = auth::rotate_keys(&self.app, By::User(caller.person()?.user)).await?;
            let shown = |(place, key): (usize, KeyInfo)| pb::TokenKey { id: key.id, created_at: key.created_at.map(timestamp), signs: place == 0 };
            Ok(pb::RotateTokenKeysResponse { keys: keys.into_iter().enumerate().map(shown).collect() })
        })
        .await
    }

    async fn list_audit_events(&self, request: Request<pb::ListAuditEventsRequest>) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        answer(request, async |_, ask| {
            let text = |path: &str, text: &str| fields::optional(path, text, |path, text| fields::text(path, text, 64));
            let (id_or_slug, act) = (text("isp", &ask.isp)?, text("act", &ask.act)?);
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let (events, next_page_token) = platform::list_audit_events(&self.app, id_or_slug.as_deref(), act.as_deref(), page).await?;
            Ok(pb::ListAuditEventsResponse { events: events.into_iter().map(audit_event).collect(), next_page_token })
        })
        .await
    }

    async fn run_settlements(&self, request: Request<pb::RunSettlementsRequest>) -> Result<Response<pb::RunSettlementsResponse>, Status> {
        answer(request, async |caller, ask| money::run(&self.app, By::User(caller.person()?.user), ask).await).await
    }

    async fn list_settlements(&self, request: Request<pb::ListSettlementsRequest>) -> Result<Response<pb::ListSettlementsResponse>, Status> {
        answer(request, async |_, ask| money::list(&self.app, ask).await).await
    }

    async fn get_settlement(&self, request: Request<pb::GetSettlementRequest>) -> Result<Response<pb::GetSettlementResponse>, Status> {
        answer(request, async |_, ask| money::get(&self.app, ask).await).await
    }

    async fn resolve_settlement(&self, request: Request<pb::ResolveSettlementRequest>) -> Result<Response<pb::ResolveSettlementResponse>, Status> {
        answer(request, async |caller, ask| money::resolve(&self.app, caller.person()?.user, ask).await).await
    }

    async fn get_payout_status(&self, request: Request<pb::GetPayoutStatusRequest>) -> Result<Response<pb::GetPayoutStatusResponse>, Status> {
        answer(request, async |_, _| money::status(&self.app).await).await
    }

    async fn set_payout_switch(&self, request: Request<pb::SetPayoutSwitchRequest>) -> Result<Response<pb::SetPayoutSwitchResponse>, Status> {
        answer(request, async |caller, ask| money::set_switch(&self.app, By::User(caller.person()?.user), ask).await).await
    }

    async fn freeze_payouts(&self, request: Request<pb::FreezePayoutsRequest>) -> Result<Response<pb::FreezePayoutsResponse>, Status> {
        answer(request, async |caller, ask| money::freeze(&self.app, By::User(caller.person()?.user), ask).await).await
    }

    async fn unfreeze_payouts(&self, request: Request<pb::UnfreezePayoutsRequest>) -> Result<Response<pb::UnfreezePayoutsResponse>, Status> {
        answer(request, async |caller, ask| money::unfreeze(&self.app, caller.person()?.user, ask).await).await
    }

    async fn list_breaks(&self, request: Request<pb::ListBreaksRequest>) -> Result<Response<pb::ListBreaksResponse>, Status> {
        answer(request, async |_, ask| money::list_breaks(&self.app, ask).await).await
    }

    async fn close_break(&self, request: Request<pb::CloseBreakRequest>) -> Result<Response<pb::CloseBreakResponse>, Status> {
        answer(request, async |caller, ask| money::close_break(&self.app, caller.person()?.user, ask).await).await
    }

    async fn trace(&self, request: Request<pb::TraceRequest>) -> Result<Response<pb::TraceResponse>, Status> {
        answer(request, async |_, ask| money::follow(&self.app, ask).await).await
    }

    async fn get_platform_report(&self, request: Request<pb::GetPlatformReportRequest>) -> Result<Response<pb::GetPlatformReportResponse>, Status> {
        answer(request, async |_, ask| money::report(&self.app, ask).await).await
    }

    async fn list_unmatched(&self, request: Request<pb::ListUnmatchedRequest>) -> Result<Response<pb::ListUnmatchedResponse>, Status> {
        answer(request, async |_, ask| repair::list_unmatched(&self.app, ask).await).await
    }

    async fn adopt_collection(&self, request: Request<pb::AdoptCollectionRequest>) -> Result<Response<pb::AdoptCollectionResponse>, Status> {
        answer(request, async |caller, ask| repair::adopt(&self.app, caller.person()?.user, ask).await).await
    }

    async fn write_off(&self, request: Request<pb::WriteOffRequest>) -> Result<Response<pb::WriteOffResponse>, Status> {
        answer(request, async |caller, ask| repair::write_off(&self.app, caller.person()?.user, ask).await).await
    }

    async fn post_adjustment(&self, request: Request<pb::PostAdjustmentRequest>) -> Result<Response<pb::PostAdjustmentResponse>, Status> {
        answer(request, async |caller, ask| repair::adjust(&self.app, caller.person()?.user, ask).await).await
    }

    async fn record_owner_movement(&self, request: Request<pb::RecordOwnerMovementRequest>) -> Result<Response<pb::RecordOwnerMovementResponse>, Status> {
        answer(request, async |caller, ask| repair::record_movement(&self.app, caller.person()?.user, ask).await).await
    }

    async fn record_reversal(&self, request: Request<pb::RecordReversalRequest>) -> Result<Response<pb::RecordReversalResponse>, Status> {
        answer(request, async |caller, ask| refund::reverse(&self.app, caller.person()?.user, ask).await).await
    }

    async fn refund_payment(&self, request: Request<pb::RefundPaymentRequest>) -> Result<Response<pb::RefundPaymentResponse>, Status> {
        answer(request, async |caller, ask| refund::give_back(&self.app, caller.person()?.user, ask).await).await
    }

    async fn list_refunds(&self, request: Request<pb::ListRefundsRequest>) -> Result<Response<pb::ListRefundsResponse>, Status> {
        answer(request, async |_, ask| refund::list(&self.app, ask).await).await
    }

    async fn adopt_payout(&self, request: Request<pb::AdoptPayoutRequest>) -> Result<Response<pb::AdoptPayoutResponse>, Status> {
        answer(request, async |caller, ask| repair::adopt_payout(&self.app, caller.person()?.user, ask).await).await
    }

    async fn end_uncertainty(&self, request: Request<pb::EndUncertaintyRequest>) -> Result<Response<pb::EndUncertaintyResponse>, Status> {
        answer(request, async |caller, ask| repair::end_uncertainty(&self.app, caller.person()?.user, ask).await).await
    }

    async fn get_trial_balance(&self, request: Request<pb::GetTrialBalanceRequest>) -> Result<Response<pb::GetTrialBalanceResponse>, Status> {
        answer(request, async |_, ask| books::trial_balance(&self.app, ask).await).await
    }

    async fn close_month(&self, request: Request<pb::CloseMonthRequest>) -> Result<Response<pb::CloseMonthResponse>, Status> {
        answer(request, async |caller, ask| books::close(&self.app, caller.person()?.user, ask).await).await
    }

    async fn reopen_month(&self, request: Request<pb::ReopenMonthRequest>) -> Result<Response<pb::ReopenMonthResponse>, Status> {
        answer(request, async |caller, ask| books::reopen(&self.app, caller.person()?.user, ask).await).await
    }

    type StreamPaymentsStream = Stream<pb::StreamPaymentsResponse>;

    async fn stream_payments(&self, request: Request<pb::StreamPaymentsRequest>) -> Result<Response<Self::StreamPaymentsStream>, Status> {
        answer(request, async |caller, ask| {
            let days = Days::read(&ask.from, &ask.to, self.app.clock.now())?;
            let whose = Whose::named(&self.app, &ask.isp).await?;
            Ok(export::pieces(self.app.clone(), whose, List::Payments, days, caller.request_id, |chunk| pb::StreamPaymentsResponse { chunk }))
        })
        .await
    }

    type StreamInvoicesStream = Stream<pb::StreamInvoicesResponse>;

    async fn stream_invoices(&self, request: Request<pb::StreamInvoicesRequest>) -> Result<Response<Self::StreamInvoicesStream>, Status> {
        answer(request, async |caller, ask| {
            let days = Days::read(&ask.from, &ask.to, self.app.clock.now())?;
            let whose = Whose::named(&self.app, &ask.isp).await?;
            Ok(export::pieces(self.app.clone(), whose, List::Invoices, days, caller.request_id, |chunk| pb::StreamInvoicesResponse { chunk }))
        })
        .await
    }

    type StreamCommissionsStream = Stream<pb::StreamCommissionsResponse>;

    async fn stream_commissions(&self, request: Request<pb::StreamCommissionsRequest>) -> Result<Response<Self::StreamCommissionsStream>, Status> {
        answer(request, async |caller, ask| {
            let days = Days::read(&ask.from, &ask.to, self.app.clock.now())?;
            let whose = Whose::named(&self.app, &ask.isp).await?;
            Ok(export::pieces(self.app.clone(), whose, List::Commissions, days, caller.request_id, |chunk| pb::StreamCommissionsResponse { chunk }))
        })
        .await
    }

    async fn list_repairs(&self, request: Request<pb::ListRepairsRequest>) -> Result<Response<pb::ListRepairsResponse>, Status> {
        answer(request, async |_, ask| repair::list(&self.app, ask).await).await
    }

    async fn list_approvals(&self, request: Request<pb::ListApprovalsRequest>) -> Result<Response<pb::ListApprovalsResponse>, Status> {
        answer(request, async |_, _| repair::list_approvals(&self.app).await).await
    }

    async fn withdraw_approval(&self, request: Request<pb::WithdrawApprovalRequest>) -> Result<Response<pb::WithdrawApprovalResponse>, Status> {
        answer(request, async |caller, ask| repair::withdraw(&self.app, caller.person()?.user, ask).await).await
    }
}

fn new_isp(mut ask: pb::CreateIspRequest, by: By, key: &[u8]) -> Result<NewIsp> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    Ok(NewIsp {
        slug: ask.slug,
        name: fields::text("name", &ask.name, 80)?,
        owner_email: fields::email("owner_email", &ask.owner_email)?,
        owner_phone: fields::optional("owner_phone_number", &ask.owner_phone_number, fields::phone)?,
        owner_first_name: fields::text("owner_first_name", &ask.owner_first_name, 60)?,
        owner_last_name: fields::text("owner_last_name", &ask.owner_last_name, 60)?,
        owner_password: None,
        by,
        request_id,
        request_hash,
    })
}

fn isp(isp: Isp) -> pb::Isp {
    let status = if isp.suspended_at.is_some() { pb::IspStatus::Suspended } else { pb::IspStatus::Active };
    pb::Isp {
        id: isp.id.to_string(),
        slug: isp.slug,
        name: isp.name,
        status: status.into(),
        commission_rate: isp.rate.to_string(),
        pending_balance: Some(shillings(isp.pending_balance)),
        created_at: Some(timestamp(isp.created_at)),
        suspended_at: isp.suspended_at.map(timestamp),
        suspended_reason: isp.suspended_reason,
    }
}

fn audit_event(event: AuditEvent) -> pb::AuditEvent {
    pb::AuditEvent {
        id: event.id.to_string(),
        isp_slug: event.isp_slug,
        actor: event.actor,
        act: event.act,
        subject: event.subject,
        facts: event.facts.to_string(),
        at: Some(timestamp(event.at)),
    }
}

fn violation(violation: Violation) -> pb::Violation {
    pb::Violation { invariant: violation.invariant, rows: violation.broken, example: violation.example.unwrap_or_default() }
}

/// As the database writes it: the name without the prefix.
fn stored(state: pb::WebhookState) -> &'static str {
    let name = state.as_str_name();
    name.strip_prefix("WEBHOOK_STATE_").unwrap_or(name)
}

fn delivery(delivery: Delivery) -> pb::WebhookDelivery {
    let state = pb::WebhookState::from_str_name(&format!("WEBHOOK_STATE_{}", delivery.state)).unwrap_or_default();
    pb::WebhookDelivery {
        id: delivery.id.to_string(),
        kind: delivery.kind.to_lowercase(),
        state: state.into(),
        payment_id: if delivery.kind == "PAYOUT" { SettlementId::from(delivery.payment_id.uuid()).to_string() } else { delivery.payment_id.to_string() },
        isp_slug: delivery.isp_slug,
        body: delivery.body[..delivery.body.floor_char_boundary(BODY_MAX)].to_owned(),
        deliveries: delivery.deliveries,
        received_at: Some(timestamp(delivery.received_at)),
        note: delivery.note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> pb::CreateIspRequest {
        pb::CreateIspRequest {
            slug: "green".into(),
            name: "Green WiFi".into(),
            owner_email: "asha@green.example".into(),
            owner_phone_number: String::new(),
            owner_first_name: "Asha".into(),
            owner_last_name: "Wanjiru".into(),
            request_id: "6fa459ea-ee8a-4ca4-894e-db77e160355e".into(),
        }
    }

    #[test]
    fn each_field_of_a_new_isp_is_judged_by_its_name() {
        assert!(new_isp(good(), By::Netily, b"key").is_ok());
        type Spoil = fn(&mut pb::CreateIspRequest);
        let table: [(&str, Spoil); 6] = [
            ("request_id", |ask| ask.request_id = "1".into()),
            ("name", |ask| ask.name = "x".repeat(81)),
            ("owner_email", |ask| ask.owner_email = "asha".into()),
            ("owner_phone_number", |ask| ask.owner_phone_number = "12".into()),
            ("owner_first_name", |ask| ask.owner_first_name = " ".into()),
            ("owner_last_name", |ask| ask.owner_last_name = "x".repeat(61)),
        ];
        for (path, spoil) in table {
            let mut ask = good();
            spoil(&mut ask);
            assert_eq!(new_isp(ask, By::Netily, b"key").expect_err("refused").fields[0].0, path);
        }
    }

    #[test]
    fn states_of_callbacks_are_named_as_they_are_stored() {
        assert_eq!(stored(pb::WebhookState::Quarantined), "QUARANTINED");
    }
}
