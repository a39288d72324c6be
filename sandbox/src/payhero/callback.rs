//! What PayHero posts to the merchant, and the posting. Nothing is signed and nothing is repeated: a callback that finds
//! nobody at home is lost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::behaviour::Generation;
use super::decide::{NO_ANSWER, described};
use super::movement::{Delivery, Direction, Due, Movement, Status};
use crate::clock::{now_ms, rfc3339, sleep_until};
use crate::truth::Entry;
use crate::world::World;

const DELIVERY_LIMIT: Duration = Duration::from_secs(10);

/// The body in the shape of the generation and direction that the movement was made with.
pub(crate) fn body(movement: &Movement, says: Status, now_ms: i64) -> Value {
    let code = match says {
        Status::Success => 0,
        _ => movement.result_code.filter(|code| *code != 0).unwrap_or(NO_ANSWER),
    };
    let receipt = if says == Status::Success { movement.receipt.as_str() } else { "" };
    match (movement.generation, movement.direction) {
        (Generation::Legacy, Direction::Collection) => collection(movement, says, code, receipt),
        (Generation::Legacy, Direction::Payout) => withdrawal(movement, says, code, receipt),
        (Generation::V2, _) => flat(movement, says, code, receipt, now_ms),
    }
}

/// Shape A, recorded from the legacy host: the outer keys are lower-case, the inner ones are not.
fn collection(movement: &Movement, says: Status, code: u16, receipt: &str) -> Value {
    let succeeded = says == Status::Success;
    json!({
        "status": succeeded,
        "response": {
            "MerchantRequestID": movement.merchant_request_id,
            "CheckoutRequestID": movement.checkout_request_id,
            "ResultCode": code,
            "Amount": movement.amount,
            "MpesaReceiptNumber": receipt,
            "Phone": movement.phone_as_sent,
            "ExternalReference": movement.external_reference,
            "Status": if succeeded { "Success" } else { "Failed" },
            "ResultDesc": described(code, movement.generation),
            "ServiceWalletBalance": 0,
            "PaymentWalletBalance": 0,
        },
        "forward_url": "",
    })
}

/// Shape A′, documented for withdrawals on the legacy host.
fn withdrawal(movement: &Movement, says: Status, code: u16, receipt: &str) -> Value {
    let succeeded = says == Status::Success;
    json!({
        "forward_url": "",
        "status": succeeded,
        "response": {
            "Amount": movement.amount,
            "CheckoutRequestID": movement.checkout_request_id,
            "ExternalReference": movement.external_reference,
            "MerchantRequestID": movement.reference,
            "RecipientAccountNumber": movement.account,
            "ResultCode": code,
            "ResultDesc": if succeeded { "Transaction processed successfully." } else { described(code, movement.generation) },
            "Status": if succeeded { "Success" } else { "Failed" },
            "TransactionID": receipt,
        },
    })
}

/// Shape B of API 2.0.0, both directions: no result code, the reason is only in `message`.
pub(crate) fn flat(movement: &Movement, says: Status, code: u16, receipt: &str, now_ms: i64) -> Value {
    let (transaction_type, paid_text) = match movement.direction {
        Direction::Collection => ("inbound_payment", "The service request is processed successfully."),
        Direction::Payout => ("outbound_payment", "Transaction processed successfully."),
    };
    let succeeded = says == Status::Success;
    json!({
        "success": succeeded,
        "status": says.word().to_ascii_lowercase(),
        "message": if succeeded { paid_text } else { described(code, movement.generation) },
        "reference": movement.reference,
        "external_reference": movement.external_reference,
        "amount": movement.amount,
        "currency": "KES",
        "transaction_id": receipt,
        "transaction_date": rfc3339(movement.decided_at_ms.unwrap_or(now_ms)),
        "transaction_type": transaction_type,
        "provider_reference": receipt,
        "provider": movement.provider,
        "callback_urls": null,
    })
}

/// Replaces fields of a body by name, wherever in it they stand: for callbacks with another amount or reference.
pub(crate) fn overridden(mut body: Value, fields: &Map<String, Value>) -> Value {
    for (name, value) in fields {
        let nested = body.get_mut("response").and_then(|response| response.get_mut(name));
        match nested {
            Some(place) => *place = value.clone(),
            None => body[name] = value.clone(),
        }
    }
    body
}

/// Sends each callback at its time.
pub(crate) fn send_later(world: &Arc<World>, reference: &str, due: Vec<Due>) {
    for one in due {
        let (world, reference) = (world.clone(), reference.to_owned());
        world.clone().spawn(async move { send_due(&world, &reference, &one).await });
    }
}

/// Waits for the callback's time, posts it once, and notes how it was received.
pub(crate) async fn send_due(world: &World, reference: &str, due: &Due) {
    sleep_until(due.at_ms).await;
    let Some(movement) = world.look(|truth| truth.movement(reference).cloned()) else {
        return;
    };
    let Some(url) = &movement.callback_url else {
        return;
    };
    let http_status = post(world, url, &body(&movement, due.says, now_ms())).await;
    let noted = world.change(|draft| {
        if let Some(mut movement) = draft.movement(reference).cloned() {
            movement.due.retain(|other| other.id != due.id);
            movement.deliveries.push(Delivery { at_ms: now_ms(), says: due.says, http_status });
            draft.record(Entry::Movement { movement: Box::new(movement) });
        }
    });
    if let Err(fault) = noted {
        tracing::error!(%fault, "a callback was sent but not noted");
    }
}

/// Posts a body once. No answer in time, or none at all, gives nothing.
pub(crate) async fn post(world: &World, url: &str, body: &Value) -> Option<u16> {
    let answer = world.client.post(url).timeout(DELIVERY_LIMIT).json(body).send().await;
    match answer {
        Ok(answer) => Some(answer.status().as_u16()),
        Err(fault) => {
            // The address carries the merchant's path token, so it stays out of the log.
            tracing::warn!(fault = %fault.without_url(), "a callback found nobody");
            None
        }
    }
}
