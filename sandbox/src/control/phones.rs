//! Phones: their messages and prompts, and the hand that answers them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refused, read};
use crate::clock::{now_ms, rfc3339};
use crate::msisdn;
use crate::payhero::behaviour;
use crate::payhero::prompt::{self, Unanswerable};
use crate::sms::Sms;
use crate::world::World;

/// Every phone that got anything, latest first.
pub(super) async fn list(State(world): State<Arc<World>>) -> Answer {
    let now = now_ms();
    let phones: Vec<Value> = world.look(|truth| {
        let shown = truth.phones().into_iter().map(|(phone, at_ms)| {
            let waiting = truth.movements_of(&phone).filter(|movement| movement.waiting_prompt(now).is_some()).count();
            json!({"msisdn": phone, "last_at": rfc3339(at_ms), "waiting": waiting})
        });
        shown.collect()
    });
    Ok(Json(json!({"phones": phones})))
}

/// One phone: messages, oldest first, and the prompts that wait.
pub(super) async fn show(State(world): State<Arc<World>>, Path(written): Path<String>) -> Answer {
    let phone = parse(&written)?;
    let now = now_ms();
    let shown = world.look(|truth| {
        let prompts = truth.movements_of(&phone).filter_map(|movement| {
            let prompt = movement.waiting_prompt(now)?;
            Some(json!({
                "id": prompt.id,
                "amount": movement.amount,
                "merchant": world.payhero.merchant,
                "external_reference": movement.external_reference,
                "expires_at": rfc3339(prompt.expires_at_ms),
                "seconds_left": (prompt.expires_at_ms - now) / 1000,
            }))
        });
        json!({
            "msisdn": phone,
            "sms": truth.sms_of(&phone).iter().map(Sms::shown).collect::<Vec<_>>(),
            "prompts": prompts.collect::<Vec<_>>(),
        })
    });
    Ok(Json(shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    answer: behaviour::Answer,
}

/// Answers a prompt as a person would.
pub(super) async fn answer(State(world): State<Arc<World>>, Path((written, id)): Path<(String, String)>, body: Bytes) -> Answer {
    let phone = parse(&written)?;
    let choice: Choice = read(&body)?;
    match prompt::answer(&world, &phone, &id, choice.answer) {
        Ok(status) => Ok(Json(json!({"status": status}))),
        Err(Unanswerable::Unknown) => Err(Refused::missing("this phone has no such prompt")),
        Err(Unanswerable::Gone) => Err(Refused::conflict("the prompt was answered before or has expired")),
    }
}

fn parse(written: &str) -> Result<String, Refused> {
    msisdn::canonical(written).ok_or_else(|| Refused::bad("not a Kenyan mobile number"))
}
