//! The client: what a program holds, and signing in and out. How a call is made is in `call.rs`.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use crate::auth::{AcceptInvitationRequest, RefreshTokenRequest, SignInRequest, SignOutRequest, Tokens, User};
use crate::selfservice::{
    AcceptInvitationRequest as AcceptCustomerInvitationRequest, AcceptInvitationResponse as AcceptCustomerInvitationResponse, LoginRequest, LoginResponse,
    RegisterRequest, RegisterResponse,
};
use crate::session::{Renewal, Session};
use crate::{ClientBuilder, Error};

/// Shorter than the 30 s for which the server gives the same answer to the same refresh token.
const RENEWAL_DEADLINE: Duration = Duration::from_secs(15);

/// A client of one Netily server, for one ISP or for the platform.
///
/// Cheap to clone: clones share the connection and the sign-in. Calls are made through one accessor a service,
/// [`hotspot`](Client::hotspot) and its sisters.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) channel: Channel,
    pub(crate) session: Arc<Session>,
    pub(crate) tenant: Option<MetadataValue<Ascii>>,
    pub(crate) deadline: Duration,
    pub(crate) attempts: u32,
}

impl Client {
    /// Begins the set-up of a client for the server at this URL: `https://yellow.netily.io`, or
    /// `http://127.0.0.1:8000` with [`ClientBuilder::tenant`].
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    /// The same client with another deadline for its calls.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// Signs in by e-mail address or phone number. From here on every call of this client and its clones carries
    /// the access token, which is renewed by itself.
    ///
    /// # Errors
    /// `WRONG_CREDENTIALS`, `RATE_LIMITED`.
    pub async fn sign_in(&self, identifier: impl Into<String>, password: impl Into<String>) -> Result<User, Error> {
        let ask = SignInRequest { identifier: identifier.into(), password: password.into() };
        let answer = self.auth().sign_in(ask).await?;
        self.session.set(Some(answer.tokens.ok_or_else(incomplete)?));
        answer.user.ok_or_else(incomplete)
    }

    /// Registers a customer of the ISP and goes on as that customer, as [`sign_in`](Client::sign_in) does.
    ///
    /// # Errors
    /// `REGISTRATION_CLOSED`, `ALREADY_EXISTS`, `INVALID_ARGUMENT`, `RATE_LIMITED` and what else `Register` may answer.
    pub async fn register(&self, ask: RegisterRequest) -> Result<RegisterResponse, Error> {
        let answer = self.selfservice().register(ask).await?;
        self.session.set(Some(answer.tokens.clone().ok_or_else(incomplete)?));
        Ok(answer)
    }

    /// Signs a customer in by phone number or e-mail address, as [`sign_in`](Client::sign_in) does others.
    ///
    /// # Errors
    /// `WRONG_CREDENTIALS`, `CUSTOMER_NOT_ACTIVE`, `RATE_LIMITED`.
    pub async fn log_in(&self, identifier: impl Into<String>, password: impl Into<String>) -> Result<LoginResponse, Error> {
        let ask = LoginRequest { identifier: identifier.into(), password: password.into() };
        let answer = self.selfservice().login(ask).await?;
        self.session.set(Some(answer.tokens.clone().ok_or_else(incomplete)?));
        Ok(answer)
    }

    /// Accepts an invitation of a customer and goes on as that customer, as [`sign_in`](Client::sign_in) does.
    ///
    /// # Errors
    /// `LINK_INVALID`, `INVALID_ARGUMENT`, `RATE_LIMITED`.
    pub async fn accept_customer_invitation(
        &self,
        token: impl Into<String>,
        new_password: impl Into<String>,
    ) -> Result<AcceptCustomerInvitationResponse, Error> {
        let ask = AcceptCustomerInvitationRequest { token: token.into(), new_password: new_password.into() };
        let answer = self.selfservice().accept_invitation(ask).await?;
        self.session.set(Some(answer.tokens.clone().ok_or_else(incomplete)?));
        Ok(answer)
    }

    /// Uses an invitation up: sets the first password, and signs in as [`sign_in`](Client::sign_in) does. Empty names leave what the
    /// invitation says.
    ///
    /// # Errors
    /// `LINK_INVALID`; `INVALID_ARGUMENT` for a password that is not taken.
    pub async fn accept_invitation(&self, ask: AcceptInvitationRequest) -> Result<User, Error> {
        let answer = self.auth().accept_invitation(ask).await?;
        self.session.set(Some(answer.tokens.ok_or_else(incomplete)?));
        answer.user.ok_or_else(incomplete)
    }

    /// Ends the sign-in, here at once and then on the server. Does nothing when nobody is signed in.
    ///
    /// # Errors
    /// When the server could not be told; the tokens are forgotten all the same.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let Some(tokens) = self.session.tokens() else {
            return Ok(());
        };
        self.session.set(None);
        self.auth().sign_out(SignOutRequest { refresh: tokens.refresh }).await?;
        Ok(())
    }

    /// The tokens of the sign-in as they are now, to go on with it later by [`set_tokens`](Client::set_tokens)
    /// or [`ClientBuilder::tokens`]. They change whenever they are renewed.
    pub fn tokens(&self) -> Option<Tokens> {
        self.session.tokens()
    }

    /// Goes on with a sign-in of before; with none, forgets the sign-in without telling the server.
    pub fn set_tokens(&self, tokens: Option<Tokens>) {
        self.session.set(tokens);
    }

    /// Tokens newer than the ones that were used.
    pub(crate) fn renewed(&self, used: &Tokens) -> Renewal {
        // The hurry of the call that waits must not end an exchange that all calls need.
        let client = self.with_deadline(RENEWAL_DEADLINE);
        self.session.renewed(used, |refresh| async move {
            let answer = client.auth().refresh_token(RefreshTokenRequest { refresh }).await?;
            answer.tokens.ok_or_else(incomplete)
        })
    }
}

fn incomplete() -> Error {
    Error::from(tonic::Status::internal("The server's answer lacks a part that it must have."))
}
