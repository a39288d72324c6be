//! The control side: what tests, benchmarks and the phone page do to the imitated world. It is no part of any imitated
//! interface, has no sign-in and belongs on loopback.

mod payhero;
mod phones;
mod routers;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::mail::MailBehaviour;
use crate::sms::SmsBehaviour;
use crate::truth::Entry;
use crate::world::World;

/// Everything under `/control`.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/phones", get(phones::list))
        .route("/phones/{msisdn}", get(phones::show))
        .route("/phones/{msisdn}/prompts/{id}", post(phones::answer))
        .route("/payhero/behaviour", get(payhero::behaviour).put(payhero::behave))
        .route("/payhero/truth", get(payhero::truth))
        .route("/payhero/callbacks/{reference}", post(payhero::callback))
        .route("/payhero/collections/{reference}/resolve", post(payhero::resolve))
        .route("/payhero/payouts/{reference}/resolve", post(payhero::resolve))
        .route("/payhero/collections/{reference}/reverse", post(payhero::reverse))
        .route("/payhero/payouts/{reference}/reverse", post(payhero::reverse))
        .route("/payhero/wallet", post(payhero::deposit))
        .route("/payhero/charges", post(payhero::charges))
        .route("/sms/behaviour", get(sms_behaviour).put(sms_behave))
        .route("/mail", get(mail))
        .route("/mail/behaviour", get(mail_behaviour).put(mail_behave))
        .route("/routers", get(routers::list))
        .route("/routers/{name}", get(routers::show))
        .route("/routers/{name}/state", put(routers::set_state))
        .route("/routers/{name}/hosts", post(routers::join_host))
        .route("/routers/{name}/leave", post(routers::leave_host))
        .route("/routers/{name}/login", post(routers::log_in))
        .route("/routers/{name}/ppp", post(routers::dial))
        .route("/routers/{name}/traffic", post(routers::traffic))
}

/// A control call that cannot be done, and why.
pub(crate) struct Refused(StatusCode, String);

impl Refused {
    fn bad(sentence: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, sentence.into())
    }

    fn missing(sentence: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, sentence.into())
    }

    fn conflict(sentence: impl Into<String>) -> Self {
        Self(StatusCode::CONFLICT, sentence.into())
    }
}

impl From<std::io::Error> for Refused {
    fn from(fault: std::io::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, format!("the journal cannot be written: {fault}"))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// What a control call answers.
type Answer = Result<Json<Value>, Refused>;

/// Reads a JSON body whatever its content type says; an empty one counts as `{}`.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|fault| Refused::bad(fault.to_string()))
}

async fn sms_behaviour(State(world): State<Arc<World>>) -> Answer {
    Ok(Json(world.look(|truth| json!(truth.sms_behaviour()))))
}

async fn sms_behave(State(world): State<Arc<World>>, body: axum::body::Bytes) -> Answer {
    let behaviour: SmsBehaviour = read(&body)?;
    let shown = json!(behaviour);
    world.change(|draft| draft.record(Entry::SmsBehaviour { behaviour }))?;
    Ok(Json(shown))
}

async fn mail_behaviour(State(world): State<Arc<World>>) -> Answer {
    Ok(Json(json!(world.look(crate::truth::Truth::mail_behaviour))))
}

async fn mail_behave(State(world): State<Arc<World>>, body: axum::body::Bytes) -> Answer {
    let behaviour: MailBehaviour = read(&body)?;
    world.change(|draft| draft.record(Entry::MailBehaviour { behaviour }))?;
    Ok(Json(json!(behaviour)))
}

#[derive(Deserialize)]
struct Recipient {
    to: Option<String>,
}

async fn mail(State(world): State<Arc<World>>, Query(asked): Query<Recipient>) -> Answer {
    let wanted = |mail: &&crate::mail::Mail| asked.to.as_deref().is_none_or(|to| mail.is_to(to));
    let mails: Vec<Value> = world.look(|truth| truth.mails().iter().filter(wanted).map(crate::mail::Mail::shown).collect());
    Ok(Json(json!({"mails": mails})))
}
