//! SelfService: what customers do for themselves. Decodes, calls the slice once, encodes.

mod ask;
mod show;

use std::sync::Arc;

use netily_sdk::selfservice as pb;
use netily_sdk::selfservice::self_service_server::SelfService;
use tonic::{Request, Response, Status};

use super::answer::{answer, answer_with_cookie, timestamp};
use super::auth::user;
use super::fields;
use super::session;
use crate::actor::Caller;
use crate::app::App;
use crate::error::Result;
use crate::id::{IspId, UserId};
use crate::page::PageAsk;
use crate::{alert, billing, customer, self_service, service_request};

/// Longer than any token we give.
const TOKEN_MAX: usize = 512;

/// The service.
pub struct SelfServices {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl SelfService for SelfServices {
    async fn register(&self, request: Request<pb::RegisterRequest>) -> Result<Response<pb::RegisterResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let ask = ask::registration(ask, &self.app.config.callback_key)?;
            let made = self_service::register(&self.app, caller.isp()?, &ask, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(made.grant)?;
            let answer = pb::RegisterResponse {
                user: Some(user(&made.profile.user)?),
                customer: Some(show::customer(&made.profile.customer)?),
                tokens,
                requires_verification: made.profile.requires_verification(),
                message: made.message.to_owned(),
                next_resend_at: made.code.map(|code| timestamp(code.next_resend_at)),
                expires_at: made.code.and_then(|code| code.expires_at).map(timestamp),
            };
            Ok((answer, cookie))
        })
        .await
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> Result<Response<pb::LoginResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let identifier = fields::text("identifier", &ask.identifier, 254)?;
            let password = fields::secret("password", ask.password, 128)?;
            let signed_in = self_service::login(&self.app, caller.isp()?.id, &identifier, &password, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(signed_in.grant)?;
            let answer = pb::LoginResponse {
                user: Some(user(&signed_in.profile.user)?),
                customer: Some(show::customer(&signed_in.profile.customer)?),
                tokens,
                requires_verification: signed_in.profile.requires_verification(),
            };
            Ok((answer, cookie))
        })
        .await
    }

    async fn verify_phone(&self, request: Request<pb::VerifyPhoneRequest>) -> Result<Response<pb::VerifyPhoneResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let code = ask::code("otp_code", ask.otp_code)?;
            let customer = self_service::verify_phone(&self.app, caller.isp()?, &phone, &code, caller.address).await?;
            Ok(pb::VerifyPhoneResponse { customer: Some(show::customer(&customer)?) })
        })
        .await
    }

    async fn resend_otp(&self, request: Request<pb::ResendOtpRequest>) -> Result<Response<pb::ResendOtpResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let sent = self_service::resend_otp(&self.app, caller.isp()?.id, &phone, caller.address).await?;
            Ok(pb::ResendOtpResponse { next_resend_at: Some(timestamp(sent.next_resend_at)), expires_at: sent.expires_at.map(timestamp) })
        })
        .await
    }

    async fn verify_email(&self, request: Request<pb::VerifyEmailRequest>) -> Result<Response<pb::VerifyEmailResponse>, Status> {
        answer(request, async |caller, ask| {
            let token = fields::text("token", &ask.token, TOKEN_MAX)?;
            let customer = self_service::verify_email(&self.app, caller.isp()?.id, &token).await?;
            Ok(pb::VerifyEmailResponse { customer: Some(show::customer(&customer)?) })
        })
        .await
    }

    async fn resend_verification_email(
        &self,
        request: Request<pb::ResendVerificationEmailRequest>,
    ) -> Result<Response<pb::ResendVerificationEmailResponse>, Status> {
        answer(request, async |caller, _| {
            let good_until = self_service::resend_verification_email(&self.app, caller.isp()?, caller.person()?.user).await?;
            Ok(pb::ResendVerificationEmailResponse { expires_at: good_until.map(timestamp) })
        })
        .await
    }

    async fn get_profile(&self, request: Request<pb::GetProfileRequest>) -> Result<Response<pb::GetProfileResponse>, Status> {
        answer(request, async |caller, _| {
            let (isp, id) = (caller.isp()?.id, caller.person()?.user);
            let profile = self.app.db.tx(isp, async |tx| self_service::profile(tx, isp, id).await).await?;
            Ok(pb::GetProfileResponse { profile: Some(show::profile(&profile)?) })
        })
        .await
    }

    async fn update_profile(&self, request: Request<pb::UpdateProfileRequest>) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        answer(request, async |caller, ask| {
            let change = ask::profile_change(ask)?;
            let profile = self_service::update_profile(&self.app, caller.isp()?.id, caller.person()?.user, change).await?;
            Ok(pb::UpdateProfileResponse { profile: Some(show::profile(&profile)?) })
        })
        .await
    }

    async fn request_phone_change(&self, request: Request<pb::RequestPhoneChangeRequest>) -> Result<Response<pb::RequestPhoneChangeResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let password = fields::secret("current_password", ask.current_password, 128)?;
            let sent = self_service::request_phone_change(&self.app, caller.isp()?.id, caller.person()?.user, &phone, &password, caller.address).await?;
            Ok(pb::RequestPhoneChangeResponse { next_resend_at: Some(timestamp(sent.next_resend_at)), expires_at: sent.expires_at.map(timestamp) })
        })
        .await
    }

    async fn confirm_phone_change(&self, request: Request<pb::ConfirmPhoneChangeRequest>) -> Result<Response<pb::ConfirmPhoneChangeResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let code = ask::code("otp_code", ask.otp_code)?;
            let profile = self_service::confirm_phone_change(&self.app, caller.isp()?.id, caller.person()?.user, &phone, &code).await?;
            Ok(pb::ConfirmPhoneChangeResponse { profile: Some(show::profile(&profile)?) })
        })
        .await
    }

    async fn request_email_change(&self, request: Request<pb::RequestEmailChangeRequest>) -> Result<Response<pb::RequestEmailChangeResponse>, Status> {
        answer(request, async |caller, ask| {
            let email = fields::email("email", &ask.email)?;
            let password = fields::secret("current_password", ask.current_password, 128)?;
            let good_until = self_service::request_email_change(&self.app, caller.isp()?, caller.person()?.user, &email, &password, caller.address).await?;
            Ok(pb::RequestEmailChangeResponse { expires_at: Some(timestamp(good_until)) })
        })
        .await
    }

    async fn close_account(&self, request: Request<pb::CloseAccountRequest>) -> Result<Response<pb::CloseAccountResponse>, Status> {
        answer(request, async |caller, ask| {
            let password = fields::secret("current_password", ask.current_password, 128)?;
            let customer = self_service::close_account(&self.app, caller.isp()?.id, caller.person()?.user, &password, caller.address).await?;
            Ok(pb::CloseAccountResponse { customer: Some(show::customer(&customer)?) })
        })
        .await
    }

    async fn get_dashboard(&self, request: Request<pb::GetDashboardRequest>) -> Result<Response<pb::GetDashboardResponse>, Status> {
        answer(request, async |caller, _| {
            let (isp, user) = own(&caller)?;
            let (profile, unread, open) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let profile = self_service::profile(tx, isp, user).await?;
                    let id = profile.customer.id;
                    Ok((profile, alert::unread(tx, isp, id).await?, service_request::open(tx, isp, id).await?))
                })
                .await?;
            Ok(pb::GetDashboardResponse {
                customer: Some(show::customer(&profile.customer)?),
                first_name: profile.user.first_name.clone(),
                requires_verification: profile.requires_verification(),
                may_buy: profile.may_buy(),
                unread_alerts: count(unread),
                open_service_requests: count(open),
            })
        })
        .await
    }

    async fn list_plans(&self, request: Request<pb::ListPlansRequest>) -> Result<Response<pb::ListPlansResponse>, Status> {
        answer(request, async |caller, _| {
            let isp = caller.isp()?.id;
            let plans = self.app.db.tx(isp, async |tx| billing::plan::on_sale(tx, isp).await).await?;
            Ok(pb::ListPlansResponse { plans: plans.into_iter().map(show::plan).collect::<Result<_>>()? })
        })
        .await
    }

    async fn create_service_request(&self, request: Request<pb::CreateServiceRequestRequest>) -> Result<Response<pb::CreateServiceRequestResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let draft = ask::service_request(ask, &self.app.config.callback_key)?;
            let now = self.app.clock.now();
            let made = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::create(tx, isp, id, &draft, now).await
                })
                .await?;
            Ok(pb::CreateServiceRequestResponse { service_request: Some(show::service_request(made)?) })
        })
        .await
    }

    async fn list_service_requests(&self, request: Request<pb::ListServiceRequestsRequest>) -> Result<Response<pb::ListServiceRequestsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let (rows, next_page_token) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::of_customer(tx, isp, id, page).await
                })
                .await?;
            let service_requests = rows.into_iter().map(show::service_request).collect::<Result<_>>()?;
            Ok(pb::ListServiceRequestsResponse { service_requests, next_page_token })
        })
        .await
    }

    async fn get_service_request(&self, request: Request<pb::GetServiceRequestRequest>) -> Result<Response<pb::GetServiceRequestResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let wanted = fields::parse("id", &ask.id)?;
            let found = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::get_of(tx, isp, id, wanted).await
                })
                .await?;
            Ok(pb::GetServiceRequestResponse { service_request: Some(show::service_request(found)?) })
        })
        .await
    }

    async fn cancel_service_request(&self, request: Request<pb::CancelServiceRequestRequest>) -> Result<Response<pb::CancelServiceRequestResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let wanted = fields::parse("id", &ask.id)?;
            let now = self.app.clock.now();
            let cancelled = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::cancel(tx, isp, id, wanted, now).await
                })
                .await?;
            Ok(pb::CancelServiceRequestResponse { service_request: Some(show::service_request(cancelled)?) })
        })
        .await
    }

    async fn list_alerts(&self, request: Request<pb::ListAlertsRequest>) -> Result<Response<pb::ListAlertsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let (rows, next_page_token) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    alert::list(tx, isp, id, ask.unread_only, page).await
                })
                .await?;
            Ok(pb::ListAlertsResponse { alerts: rows.into_iter().map(show::alert).collect::<Result<_>>()?, next_page_token })
        })
        .await
    }

    async fn mark_alert_read(&self, request: Request<pb::MarkAlertReadRequest>) -> Result<Response<pb::MarkAlertReadResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let wanted = fields::parse("id", &ask.id)?;
            let now = self.app.clock.now();
            let marked = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    alert::mark_read(tx, isp, id, wanted, now).await
                })
                .await?;
            Ok(pb::MarkAlertReadResponse { alert: Some(show::alert(marked)?) })
        })
        .await
    }

    async fn mark_all_alerts_read(&self, request: Request<pb::MarkAllAlertsReadRequest>) -> Result<Response<pb::MarkAllAlertsReadResponse>, Status> {
        answer(request, async |caller, _| {
            let (isp, user) = own(&caller)?;
            let now = self.app.clock.now();
            let marked = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    alert::mark_all_read(tx, isp, id, now).await
                })
                .await?;
            Ok(pb::MarkAllAlertsReadResponse { marked: i32::try_from(marked).unwrap_or(i32::MAX) })
        })
        .await
    }

    async fn accept_invitation(&self, request: Request<pb::AcceptInvitationRequest>) -> Result<Response<pb::AcceptInvitationResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let token = fields::text("token", &ask.token, TOKEN_MAX)?;
            let password = fields::secret("new_password", ask.new_password, 128)?;
            let signed_in = self_service::accept_invitation(&self.app, caller.isp()?.id, &token, &password, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(signed_in.grant)?;
            let answer = pb::AcceptInvitationResponse {
                user: Some(user(&signed_in.profile.user)?),
                customer: Some(show::customer(&signed_in.profile.customer)?),
                tokens,
                requires_verification: signed_in.profile.requires_verification(),
            };
            Ok((answer, cookie))
        })
        .await
    }
}

/// The ISP and the account of the customer who calls.
fn own(caller: &Caller) -> Result<(IspId, UserId)> {
    Ok((caller.isp()?.id, caller.person()?.user))
}

fn count(rows: i64) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
