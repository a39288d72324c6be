//! How one call is made: metadata, deadline, renewal of the token, repetition. Every call goes through here.

use std::time::Duration;

use prost::Message;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Extensions, Request, Status};
use tonic_prost::ProstCodec;

use crate::auth::Tokens;
use crate::retry::{self, Repeat};
use crate::types::ErrorReason;
use crate::{Client, Error, Streaming};

/// Calls that make or end tokens, or prove who somebody is in another way, and never carry one.
const WITHOUT_TOKEN: [&str; 7] = [
    "/netily.auth.v1.AuthService/SignIn",
    "/netily.auth.v1.AuthService/RefreshToken",
    "/netily.auth.v1.AuthService/SignOut",
    "/netily.auth.v1.AuthService/RequestPasswordReset",
    "/netily.auth.v1.AuthService/ResetPassword",
    "/netily.auth.v1.AuthService/GetInvitation",
    "/netily.auth.v1.AuthService/AcceptInvitation",
];

impl Client {
    /// One message out, one back, within the deadline.
    pub(crate) async fn unary<Q, A>(&self, path: &'static str, repeat: Repeat, ask: Q) -> Result<A, Error>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        self.within_deadline(path, repeat, |metadata, remaining| {
            let mut request = Request::from_parts(metadata, Extensions::default(), ask.clone());
            request.set_timeout(remaining);
            let mut grpc = Grpc::new(self.channel.clone());
            async move {
                ready(&mut grpc).await?;
                let answer = grpc.unary(request, PathAndQuery::from_static(path), ProstCodec::default());
                Ok(answer.await?.into_inner())
            }
        })
        .await
    }

    /// One message out, a stream back. Only the opening has a deadline.
    pub(crate) async fn open<Q, A>(&self, path: &'static str, repeat: Repeat, ask: Q) -> Result<Streaming<A>, Error>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        self.within_deadline(path, repeat, |metadata, _| {
            let request = Request::from_parts(metadata, Extensions::default(), ask.clone());
            let mut grpc = Grpc::new(self.channel.clone());
            async move {
                ready(&mut grpc).await?;
                let answer = grpc.server_streaming(request, PathAndQuery::from_static(path), ProstCodec::default());
                Ok(Streaming::new(answer.await?.into_inner()))
            }
        })
        .await
    }

    async fn within_deadline<A, F>(&self, path: &str, repeat: Repeat, attempt: impl Fn(MetadataMap, Duration) -> F) -> Result<A, Error>
    where
        F: Future<Output = Result<A, Error>>,
    {
        let until = Instant::now() + self.deadline;
        let outcome = timeout_at(until, self.repeated(path, repeat, until, attempt)).await;
        outcome.unwrap_or_else(|_| Err(Error::deadline(self.deadline)))
    }

    async fn repeated<A, F>(&self, path: &str, repeat: Repeat, until: Instant, attempt: impl Fn(MetadataMap, Duration) -> F) -> Result<A, Error>
    where
        F: Future<Output = Result<A, Error>>,
    {
        let mut renewed = false;
        let mut failures = 0;
        loop {
            let tokens = self.tokens_for(path).await?;
            let metadata = self.metadata(tokens.as_ref())?;
            let error = match attempt(metadata, until.saturating_duration_since(Instant::now())).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // The server refused the token before it did anything, so any call may be made again.
            if let (ErrorReason::TokenInvalid, false, Some(used)) = (error.reason, renewed, &tokens) {
                self.renewed(used).await?;
                renewed = true;
                continue;
            }
            failures += 1;
            if repeat == Repeat::Never || failures >= self.attempts {
                return Err(error);
            }
            match retry::CALLS.pause(&error, failures) {
                Some(pause) if Instant::now() + pause < until => sleep(pause).await,
                _ => return Err(error),
            }
        }
    }

    /// The tokens to send, renewed first when they are nearly spent.
    async fn tokens_for(&self, path: &str) -> Result<Option<Tokens>, Error> {
        let tokens = self.session.tokens().filter(|_| !WITHOUT_TOKEN.contains(&path));
        match tokens {
            Some(tokens) if self.session.is_due(&tokens) => self.renewed(&tokens).await.map(Some),
            tokens => Ok(tokens),
        }
    }

    fn metadata(&self, tokens: Option<&Tokens>) -> Result<MetadataMap, Error> {
        let mut metadata = MetadataMap::new();
        if let Some(tenant) = &self.tenant {
            metadata.insert("netily-tenant", tenant.clone());
        }
        if let Some(tokens) = tokens {
            let bearer = MetadataValue::try_from(format!("Bearer {}", tokens.access));
            let mut bearer = bearer.map_err(|_| Error::set_up("The access token is not ASCII."))?;
            bearer.set_sensitive(true);
            metadata.insert("authorization", bearer);
        }
        Ok(metadata)
    }
}

async fn ready(grpc: &mut Grpc<Channel>) -> Result<(), Status> {
    grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))
}
