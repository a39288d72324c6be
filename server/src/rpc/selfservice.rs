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
use crate::app::App;
use crate::error::Result;
use crate::self_service;

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
            let (isp, id) = (caller.isp()?.id, caller.person()?.user);
            let profile = self.app.db.tx(isp, async |tx| self_service::profile(tx, isp, id).await).await?;
            Ok(pb::GetDashboardResponse {
                customer: Some(show::customer(&profile.customer)?),
                first_name: profile.user.first_name.clone(),
                requires_verification: profile.requires_verification(),
                may_buy: profile.may_buy(),
                unread_alerts: 0,
                open_service_requests: 0,
            })
        })
        .await
    }
}
