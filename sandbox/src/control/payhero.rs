//! PayHero's switches, its truth, and a hand that decides, repeats and forges.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Refused, read};
use crate::clock::now_ms;
use crate::payhero::behaviour::Generation;
use crate::payhero::callback::{body as callback_body, overridden, post, send_later};
use crate::payhero::decide::{Ending, NO_ANSWER, decide};
use crate::payhero::movement::{Movement, Status};
use crate::payhero::{reference, wallet};
use crate::truth::Entry;
use crate::world::World;

/// The switches as they are.
pub(super) async fn behaviour(State(world): State<Arc<World>>) -> Answer {
    Ok(Json(json!(world.behaviour())))
}

/// Sets the switches that the body names and answers all of them.
pub(super) async fn behave(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let changes: Value = read(&body)?;
    let outcome = world.change(|draft| {
        let behaviour = draft.behaviour().with(changes).map_err(Refused::bad)?;
        draft.record(Entry::Behaviour { behaviour: behaviour.clone() });
        Ok(behaviour)
    })?;
    outcome.map(|behaviour| Json(json!(behaviour)))
}

/// What PayHero really did.
pub(super) async fn truth(State(world): State<Arc<World>>) -> Answer {
    Ok(Json(world.look(crate::truth::Truth::payhero)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resend {
    /// What the callback claims; by default what is true, or success while nothing is decided.
    status: Option<Status>,
    /// Where it goes; by default the address that the merchant gave.
    url: Option<String>,
    /// Fields of the body to replace, by their name on the wire.
    #[serde(default)]
    overrides: Map<String, Value>,
}

/// Posts the callback of a transaction now, once, true or forged, and answers how it was received.
pub(super) async fn callback(State(world): State<Arc<World>>, Path(key): Path<String>, body: Bytes) -> Answer {
    let wanted: Resend = read(&body)?;
    let movement = known(&world, &key)?;
    let url = wanted.url.or_else(|| movement.callback_url.clone()).ok_or_else(|| Refused::conflict("no callback_url was given"))?;
    let says = wanted.status.unwrap_or(match movement.status {
        Status::Queued => Status::Success,
        decided => decided,
    });
    let sent = overridden(callback_body(&movement, says, now_ms()), &wanted.overrides);
    let http_status = post(&world, &url, &sent).await;
    Ok(Json(json!({"http_status": http_status, "body": sent})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolution {
    status: Status,
    /// Daraja's code of a failure.
    result_code: Option<u16>,
    /// Whether the merchant is told as the behaviour says, or not at all.
    #[serde(default = "yes")]
    callback: bool,
}

fn yes() -> bool {
    true
}

/// Ends a transaction directly. A failed one can still be paid (a late success); a paid one stays paid.
pub(super) async fn resolve(State(world): State<Arc<World>>, Path(key): Path<String>, body: Bytes) -> Answer {
    let wanted: Resolution = read(&body)?;
    let reference = known(&world, &key)?.reference;
    let ending = match wanted.status {
        Status::Success => Ending::Paid,
        Status::Failed => Ending::Failed(wanted.result_code.unwrap_or(NO_ANSWER)),
        Status::Queued => return Err(Refused::bad("status must be SUCCESS or FAILED")),
    };
    let due = world.change(|draft| decide(draft, &world.payhero, &reference, ending, wanted.callback, now_ms()))?;
    let due = due.ok_or_else(|| Refused::conflict("the transaction has ended already"))?;
    send_later(&world, &reference, due);
    Ok(Json(json!({"reference": reference, "status": wanted.status})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reversal {
    /// Whole shillings; by default all of it.
    amount: Option<i64>,
    /// Fields of the row to replace.
    #[serde(default)]
    row: Map<String, Value>,
}

/// Takes back what was collected, or brings back what was paid out: a reversal of M-Pesa. Nobody is told; only the list of transactions shows it.
pub(super) async fn reverse(State(world): State<Arc<World>>, Path(key): Path<String>, body: Bytes) -> Answer {
    let wanted: Reversal = read(&body)?;
    let movement = known(&world, &key)?;
    if movement.status != Status::Success {
        return Err(Refused::conflict("no money moved"));
    }
    let amount = wanted.amount.unwrap_or(movement.amount);
    let row = world.change(|draft| wallet::reverse(draft, &world.payhero, &movement, amount, wanted.row, now_ms()))?;
    row.map(|row| Json(json!({"row": row}))).map_err(|_| Refused::bad("row has a field that does not fit"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deposit {
    /// Whole shillings; negative takes money away.
    amount: i64,
}

/// Puts money into the payments wallet.
pub(super) async fn deposit(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let wanted: Deposit = read(&body)?;
    let kes = world.change(|draft| {
        wallet::deposit(draft, &world.payhero, reference::payhero(Generation::Legacy), wanted.amount, now_ms());
        wallet::balance(draft, &world.payhero, wallet::Wallet::Payments)
    })?;
    Ok(Json(json!({"balance": kes})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Charges {
    /// How many rows the list gains.
    rows: usize,
}

/// Fills the list with charges of KES 1 on the service wallet that belong to no transaction of ours, as a busy account has them.
pub(super) async fn charges(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let wanted: Charges = read(&body)?;
    world.change(|draft| {
        for _ in 0..wanted.rows {
            wallet::charge(draft, &world.payhero, &reference::payhero(Generation::Legacy), now_ms());
        }
    })?;
    Ok(Json(json!({"rows": wanted.rows})))
}

/// Finds by PayHero's reference, receipt or checkout id, or (here only) by the newest of the merchant's reference.
fn known(world: &World, key: &str) -> Result<Movement, Refused> {
    let found = world.look(|truth| {
        let by_merchant = || truth.movements().iter().rev().find(|movement| movement.external_reference == key);
        truth.movement(key).or_else(by_merchant).cloned()
    });
    found.ok_or_else(|| Refused::missing("no such transaction"))
}
