//! AuthService: signing in and staying signed in.

use std::sync::Arc;

use netily_sdk::auth as pb;
use netily_sdk::auth::auth_service_server::AuthService;
use tonic::{Request, Response, Status};

use super::answer::{answer, answer_with_cookie};
use super::fields;
use super::session::{self, SetCookie};
use crate::actor::Role;
use crate::app::App;
use crate::auth::{self, User};
use crate::error::Result;

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
}

/// A person on the wire.
pub fn user(user: &User) -> Result<pb::User> {
    let role = match user.role()? {
        Role::Customer => pb::Role::Customer,
        Role::Staff => pb::Role::Staff,
        Role::Owner => pb::Role::Owner,
        Role::Operator => pb::Role::Operator,
    };
    Ok(pb::User {
        id: user.id.to_string(),
        email: user.email.clone().unwrap_or_default(),
        phone_number: user.phone.clone().unwrap_or_default(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        role: role.into(),
    })
}
