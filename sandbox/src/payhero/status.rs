//! What became of a transaction: `GET /api/v2/transaction-status` and, of API 2.0.0, `POST /api/global/transaction-status`.
//! The merchant's own reference finds nothing, as with the real one.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::behaviour::{Generation, StatusMode};
use super::callback::{flat, overridden};
use super::fields::Fields;
use super::movement::{Movement, Status};
use super::reply;
use crate::clock::{now_ms, rfc3339};
use crate::world::World;

/// The question of the legacy call.
#[derive(Deserialize)]
pub(crate) struct Question {
    reference: Option<String>,
}

/// The documented answer: no amount, no phone, no result code. `success` only says that the question was answered.
pub(crate) async fn legacy(State(world): State<Arc<World>>, Query(question): Query<Question>) -> Response {
    let Some(reference) = question.reference.filter(|reference| !reference.is_empty()) else {
        return reply::invalid("reference is required");
    };
    let movement = match find(&world, &reference).await {
        Ok(movement) => movement,
        Err(answer) => return answer,
    };
    let status = movement.seen(now_ms());
    let receipt = if status == Status::Success { movement.receipt.as_str() } else { "" };
    let answer = json!({
        "transaction_date": rfc3339(movement.decided_at_ms.filter(|_| status != Status::Queued).unwrap_or(movement.created_at_ms)),
        "provider": movement.provider,
        "success": true,
        "merchant": world.payhero.merchant,
        "payment_reference": "",
        "third_party_reference": receipt,
        "status": status.word(),
        "reference": movement.reference,
        "CheckoutRequestID": movement.checkout_request_id,
        "provider_reference": receipt,
    });
    Json(overridden(answer, &world.behaviour().status_fields)).into_response()
}

/// The answer of API 2.0.0 is not published; the transaction in the shape of that API's callback stands in for it.
pub(crate) async fn global(State(world): State<Arc<World>>, body: Bytes) -> Response {
    if world.behaviour().generation == Generation::Legacy {
        return reply::not_found();
    }
    let asked = Fields::parse(&body).and_then(|fields| fields.required_text("request_id").map(str::to_owned));
    let reference = match asked {
        Ok(reference) => reference,
        Err(sentence) => return reply::invalid(&sentence),
    };
    let movement = match find(&world, &reference).await {
        Ok(movement) => movement,
        Err(answer) => return answer,
    };
    let now = now_ms();
    let status = movement.seen(now);
    let receipt = if status == Status::Success { movement.receipt.as_str() } else { "" };
    let mut answer = flat(&movement, status, movement.result_code.unwrap_or(0), receipt, now);
    if status == Status::Queued {
        answer["message"] = json!("The transaction is being processed.");
    }
    Json(overridden(answer, &world.behaviour().status_fields)).into_response()
}

async fn find(world: &World, key: &str) -> Result<Movement, Response> {
    match world.behaviour().status {
        StatusMode::Dark => return Err(reply::silence(world).await),
        StatusMode::RateLimited => return Err(reply::rate_limited(world, "Too many requests")),
        StatusMode::NotFoundFirst => {
            let mut asked = world.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.insert(key.to_owned()) {
                return Err(reply::not_found());
            }
        }
        StatusMode::Ok => {}
    }
    world.look(|truth| truth.movement(key).cloned()).ok_or_else(reply::not_found)
}
