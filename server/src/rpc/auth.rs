//! AuthService: signing in and staying signed in, passwords and invitations.

use std::sync::Arc;

use netily_sdk::auth as pb;
use netily_sdk::auth::auth_service_server::AuthService;
use tonic::{Request, Response, Status};

use super::answer::{answer, answer_with_cookie, timestamp};
use super::fields;
use super::session::{self, SetCookie};
use crate::actor::Role;
use crate::app::App;
use crate::auth::invitation::{self, Invitation};
use crate::auth::sign_ins::{self, ActiveSignIn};
use crate::auth::{self, User, passwords};
use crate::error::Result;
use crate::id::SignInId;
use crate::page::PageAsk;

/// Longer than any token we give.
const TOKEN_MAX: usize = 512;

/// The service.
pub struct Auth {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl AuthService for Auth {
    async fn sign_in(&self, request: Request<pb::SignInRequest>) -> Result<Response<pb::SignInResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let identifier = fields::text("identifier", &ask.identifier, 254)?;
            let password = fields::secret("password", ask.password, 128)?;
            let signed_in = auth::sign_in(&self.app, caller.scope(), &identifier, &password, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(signed_in.grant)?;
            Ok((pb::SignInResponse { tokens, user: Some(user(&signed_in.user)?) }, cookie))
        })
        .await
    }

    async fn refresh_token(&self, request: Request<pb::RefreshTokenRequest>) -> Result<Response<pb::RefreshTokenResponse>, Status> {
        answer(request, async |caller, ask| {
            let token = fields::text("refresh", &ask.refresh, TOKEN_MAX)?;
            let renewed = auth::refresh(&self.app, caller.scope(), &token).await?;
            Ok(pb::RefreshTokenResponse { tokens: Some(session::tokens(renewed)) })
        })
        .await
    }

    async fn sign_out(&self, request: Request<pb::SignOutRequest>) -> Result<Response<pb::SignOutResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let cookie = match &caller.cookie {
                Some(cookie) => {
                    auth::sign_out_cookie(&self.app, caller.scope(), cookie).await?;
                    Some(SetCookie::clear()?)
                }
                None => None,
            };
            if cookie.is_none() || !ask.refresh.is_empty() {
                let token = fields::text("refresh", &ask.refresh, TOKEN_MAX)?;
                auth::sign_out(&self.app, caller.scope(), &token).await?;
            }
            Ok((pb::SignOutResponse {}, cookie))
        })
        .await
    }

    async fn get_me(&self, request: Request<pb::GetMeRequest>) -> Result<Response<pb::GetMeResponse>, Status> {
        answer(request, async |caller, _| {
            let (scope, id) = (caller.scope(), caller.person()?.user);
            let me = self.app.db.tx(scope, async |tx| auth::get_user(tx, scope, id).await).await?;
            Ok(pb::GetMeResponse { user: Some(user(&me)?) })
        })
        .await
    }

    async fn request_password_reset(&self, request: Request<pb::RequestPasswordResetRequest>) -> Result<Response<pb::RequestPasswordResetResponse>, Status> {
        answer(request, async |caller, ask| {
            let identifier = fields::text("identifier", &ask.identifier, 254)?;
            let asked = passwords::request_reset(&self.app, caller.scope(), &identifier, caller.address).await?;
            Ok(pb::RequestPasswordResetResponse { expires_at: Some(timestamp(asked.expires_at)), next_request_at: Some(timestamp(asked.next_at)) })
        })
        .await
    }

    async fn reset_password(&self, request: Request<pb::ResetPasswordRequest>) -> Result<Response<pb::ResetPasswordResponse>, Status> {
        answer(request, async |caller, ask| {
            let identifier = fields::text("identifier", &ask.identifier, 254)?;
            let code = fields::secret("otp_code", ask.otp_code, 16)?;
            let password = fields::new_password("new_password", ask.new_password)?;
            passwords::reset(&self.app, caller.scope(), &identifier, &code, &password, caller.address).await?;
            Ok(pb::ResetPasswordResponse {})
        })
        .await
    }

    async fn change_password(&self, request: Request<pb::ChangePasswordRequest>) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        answer(request, async |caller, ask| {
            let current = fields::secret("current_password", ask.current_password, 128)?;
            let password = fields::new_password("new_password", ask.new_password)?;
            passwords::change(&self.app, caller.scope(), caller.person()?, &current, &password, caller.address).await?;
            Ok(pb::ChangePasswordResponse {})
        })
        .await
    }

    async fn list_sign_ins(&self, request: Request<pb::ListSignInsRequest>) -> Result<Response<pb::ListSignInsResponse>, Status> {
        answer(request, async |caller, ask| {
            let person = caller.person()?;
            let (found, next_page_token) = sign_ins::list(&self.app, caller.scope(), person, PageAsk::read(ask.page_size, &ask.page_token)?).await?;
            Ok(pb::ListSignInsResponse { sign_ins: found.into_iter().map(|one| active(one, person.sign_in)).collect(), next_page_token })
        })
        .await
    }

    async fn end_sign_in(&self, request: Request<pb::EndSignInRequest>) -> Result<Response<pb::EndSignInResponse>, Status> {
        answer(request, async |caller, ask| {
            sign_ins::end_one(&self.app, caller.scope(), caller.person()?, fields::parse("id", &ask.id)?).await?;
            Ok(pb::EndSignInResponse {})
        })
        .await
    }

    async fn end_other_sign_ins(&self, request: Request<pb::EndOtherSignInsRequest>) -> Result<Response<pb::EndOtherSignInsResponse>, Status> {
        answer(request, async |caller, _| {
            let ended = sign_ins::end_others(&self.app, caller.scope(), caller.person()?).await?;
            Ok(pb::EndOtherSignInsResponse { ended: i32::try_from(ended).unwrap_or(i32::MAX) })
        })
        .await
    }

    async fn get_invitation(&self, request: Request<pb::GetInvitationRequest>) -> Result<Response<pb::GetInvitationResponse>, Status> {
        answer(request, async |caller, ask| {
            let token = fields::text("token", &ask.token, TOKEN_MAX)?;
            let Invitation { user, isp_name, expires_at } = invitation::look(&self.app, caller.scope(), &token).await?;
            Ok(pb::GetInvitationResponse {
                role: role(user.role()?).into(),
                email: user.email.unwrap_or_default(),
                first_name: user.first_name,
                last_name: user.last_name,
                isp_name,
                expires_at: Some(timestamp(expires_at)),
            })
        })
        .await
    }

    async fn accept_invitation(&self, request: Request<pb::AcceptInvitationRequest>) -> Result<Response<pb::AcceptInvitationResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let token = fields::text("token", &ask.token, TOKEN_MAX)?;
            let password = fields::new_password("new_password", ask.new_password)?;
            let name = |path: &str, text: &str| fields::optional(path, text, |path, text| fields::text(path, text, 60));
            let names = (name("first_name", &ask.first_name)?, name("last_name", &ask.last_name)?);
            let signed_in = invitation::accept(&self.app, caller.scope(), &token, names, &password, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(signed_in.grant)?;
            Ok((pb::AcceptInvitationResponse { tokens, user: Some(user(&signed_in.user)?) }, cookie))
        })
        .await
    }
}

fn active(one: ActiveSignIn, current: SignInId) -> pb::ActiveSignIn {
    pb::ActiveSignIn {
        id: one.id.to_string(),
        created_at: Some(timestamp(one.created_at)),
        last_used_at: Some(timestamp(one.last_used_at)),
        current: one.id == current,
        browser: one.is_browser(),
        address: one.address,
        user_agent: one.user_agent,
    }
}

fn role(role: Role) -> pb::Role {
    match role {
        Role::Customer => pb::Role::Customer,
        Role::Staff => pb::Role::Staff,
        Role::Owner => pb::Role::Owner,
        Role::Operator => pb::Role::Operator,
    }
}

/// A person on the wire.
pub fn user(user: &User) -> Result<pb::User> {
    Ok(pb::User {
        id: user.id.to_string(),
        email: user.email.clone().unwrap_or_default(),
        phone_number: user.phone.clone().unwrap_or_default(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        role: role(user.role()?).into(),
    })
}
