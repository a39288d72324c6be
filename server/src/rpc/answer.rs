//! The frame that every call shares: takes the caller and the message out of the request, and makes a status of an error.

use netily_sdk::types::Money as WireMoney;
use tonic::{Request, Response, Status};

use super::session::SetCookie;
use super::status;
use crate::actor::Caller;
use crate::audit::By;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::lang::Lang;
use crate::money::Money;

/// What a PDF is called on the wire.
pub const PDF: &str = "application/pdf";

/// Answers a call with what `work` makes of it.
pub async fn answer<M, A>(request: Request<M>, work: impl AsyncFnOnce(Caller, M) -> Result<A>) -> Result<Response<A>, Status> {
    let (_, mut extensions, message) = request.into_parts();
    let caller: Caller = extensions.remove().ok_or_else(|| status::of(Error::internal("a call came past the layer that identifies callers"), ""))?;
    let request_id = caller.request_id.clone();
    work(caller, message).await.map(Response::new).map_err(|error| status::of(error, &request_id))
}

/// The person who is signed in, for the audit.
pub fn by(caller: &Caller) -> Result<By> {
    caller.person().map(|person| By::User(person.user))
}

/// The same for a call that may begin or end a browser's sign-in: the cookie travels beside the answer.
pub async fn answer_with_cookie<M, A>(request: Request<M>, work: impl AsyncFnOnce(Caller, M) -> Result<(A, Option<SetCookie>)>) -> Result<Response<A>, Status> {
    let mut cookie = None;
    let response = answer(request, async |caller, message| {
        let (answer, set) = work(caller, message).await?;
        cookie = set;
        Ok(answer)
    })
    .await?;
    let Some(cookie) = cookie else { return Ok(response) };
    let (metadata, answer, extensions) = response.into_parts();
    Ok(Response::from_parts(cookie.add_to(metadata), answer, extensions))
}

/// The language that the caller reads, for the sentences in answers.
pub fn lang<M>(request: &Request<M>) -> Lang {
    Lang::choose(None, request.metadata().get("accept-language").and_then(|value| value.to_str().ok()))
}

/// A moment on the wire.
pub fn timestamp(at: Time) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.timestamp(), nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default() }
}

/// An amount on the wire.
pub fn money(amount: Money) -> WireMoney {
    WireMoney { amount_minor: amount.minor(), currency_code: super::fields::CURRENCY.to_owned() }
}
