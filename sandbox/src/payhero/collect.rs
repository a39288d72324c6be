//! `POST /api/v2/payments`: an STK prompt on the customer's phone. Nothing makes it idempotent: the same body again is a
//! second prompt, as with the real one.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use super::behaviour::{Behaviour, CallbackMode, Generation};
use super::callback::send_due;
use super::decide::{Ending, decide};
use super::fields::Fields;
use super::movement::{Direction, Movement, Prompt, Status};
use super::{prompt, receive, reference, reply, wallet};
use crate::clock::now_ms;
use crate::config::PayheroSetup;
use crate::msisdn;
use crate::truth::Entry;
use crate::world::{Draft, World};

/// M-Pesa's limits of one payment, in whole shillings.
const AMOUNTS: std::ops::RangeInclusive<i64> = 1..=250_000;
/// How long the answer waits for an early callback to be delivered first.
const EARLY_LIMIT: Duration = Duration::from_secs(2);

/// Receives the request as `collect` of the behaviour says.
pub(crate) async fn collect(State(world): State<Arc<World>>, body: Bytes) -> Response {
    let behaviour = world.behaviour();
    let fields = match receive::open(&world, Direction::Collection, behaviour.collect, &body).await {
        Ok(fields) => fields,
        Err(answer) => return answer,
    };
    let ask = match read(&fields, behaviour.generation, &world.payhero) {
        Ok(ask) => ask,
        Err(sentence) => {
            return receive::refuse(&world, Direction::Collection, &fields, &sentence, reply::invalid);
        }
    };
    if ask.customer_name.as_deref() == Some("") {
        return receive::refuse(&world, Direction::Collection, &fields, "sql: no rows in result set", reply::no_with_200);
    }
    let movement = match world.change(|draft| accept(draft, &ask, &behaviour)) {
        Ok(movement) => movement,
        Err(fault) => return reply::broken(&fault),
    };
    begin(&world, &movement, &behaviour).await;
    receive::answer(&world, behaviour.collect, accepted(&movement)).await
}

struct Ask {
    amount: i64,
    phone: String,
    phone_as_sent: String,
    external_reference: String,
    customer_name: Option<String>,
    callback_url: Option<String>,
    channel_id: Option<i64>,
    through_wallet: bool,
    prompts: bool,
}

fn read(fields: &Fields, generation: Generation, setup: &PayheroSetup) -> Result<Ask, String> {
    let amount = fields.required_whole("amount")?;
    if !AMOUNTS.contains(&amount) {
        return Err("amount must be between 1 and 250000".to_owned());
    }
    let phone_as_sent = fields.required_text("phone_number")?;
    let phone = msisdn::canonical(phone_as_sent).ok_or("phone_number is not valid")?;
    let provider = fields.required_text("provider")?;
    if !matches!(provider, "m-pesa" | "sasapay") {
        return Err("provider must be m-pesa or sasapay".to_owned());
    }
    let channel_id = fields.whole("channel_id")?;
    let network_code = fields.text("network_code")?;
    match generation {
        Generation::Legacy => {
            channel_id.ok_or("channel_id is required")?;
            if provider == "sasapay" && network_code.is_none() {
                return Err("network_code is required".to_owned());
            }
        }
        Generation::V2 => {
            receive::own_account(fields, setup)?;
            if channel_id.is_some() == network_code.is_some() {
                return Err("exactly one of channel_id and network_code is required".to_owned());
            }
        }
    }
    if network_code.is_some_and(|code| !receive::MOBILE_NETWORKS.contains(&code)) {
        return Err("network_code is not valid".to_owned());
    }
    if channel_id.is_some_and(|id| id != setup.channel_id && id != setup.wallet_channel_id) {
        return Err("channel not found".to_owned());
    }
    Ok(Ask {
        amount,
        phone,
        phone_as_sent: phone_as_sent.to_owned(),
        external_reference: fields.external_reference(),
        customer_name: fields.text("customer_name")?.map(str::to_owned),
        callback_url: fields.text("callback_url")?.filter(|url| !url.is_empty()).map(str::to_owned),
        channel_id,
        through_wallet: provider == "sasapay" || network_code.is_some() || channel_id == Some(setup.wallet_channel_id),
        prompts: !(generation == Generation::V2 && fields.is_true("is_offline")),
    })
}

fn accept(draft: &mut Draft<'_>, ask: &Ask, behaviour: &Behaviour) -> Movement {
    let mut now = now_ms();
    // Two prompts of one phone in one millisecond would share a checkout id.
    while draft.movement(&reference::checkout(now, &ask.phone)).is_some() {
        now += 1;
    }
    let lifetime_ms = i64::try_from(behaviour.prompt_lifetime_ms).unwrap_or(i64::MAX);
    let movement = Movement {
        direction: Direction::Collection,
        reference: reference::payhero(behaviour.generation),
        external_reference: ask.external_reference.clone(),
        checkout_request_id: reference::checkout(now, &ask.phone),
        merchant_request_id: reference::merchant_request(),
        phone: ask.phone.clone(),
        phone_as_sent: ask.phone_as_sent.clone(),
        account: ask.phone.clone(),
        customer_name: ask.customer_name.clone().unwrap_or_default(),
        amount: ask.amount,
        through_wallet: ask.through_wallet,
        channel_id: ask.channel_id,
        provider: wallet::gateway(ask.through_wallet, behaviour.generation).to_owned(),
        generation: behaviour.generation,
        callback_url: ask.callback_url.clone(),
        status: Status::Queued,
        result_code: None,
        receipt: String::new(),
        created_at_ms: now,
        decided_at_ms: None,
        seen_from_ms: now,
        seen_before: Status::Queued,
        prompt: ask.prompts.then(|| Prompt { id: Uuid::new_v4().to_string(), expires_at_ms: now.saturating_add(lifetime_ms), ignored: false }),
        due: Vec::new(),
        deliveries: Vec::new(),
        reversed: 0,
    };
    draft.record(Entry::Movement { movement: Box::new(movement.clone()) });
    movement
}

/// Lets the prompt live. An early callback with an automatic answer overtakes even the answer to the request.
async fn begin(world: &Arc<World>, movement: &Movement, behaviour: &Behaviour) {
    let ending = behaviour.auto_answer.and_then(Ending::of);
    let Some(ending) = ending.filter(|_| behaviour.callback == CallbackMode::Early && behaviour.auto_answer_delay_ms == 0) else {
        return prompt::watch(world, movement);
    };
    match world.change(|draft| decide(draft, &world.payhero, &movement.reference, ending, true, now_ms())) {
        Ok(due) => {
            for one in due.unwrap_or_default() {
                let (sender, reference) = (world.clone(), movement.reference.clone());
                let sent = world.tasks.spawn(async move { send_due(&sender, &reference, &one).await });
                // Whoever answers the callback late still gets it; only the waiting ends.
                let _late = tokio::time::timeout(EARLY_LIMIT, sent).await;
            }
        }
        Err(fault) => tracing::error!(%fault, "the journal cannot be written"),
    }
}

fn accepted(movement: &Movement) -> Response {
    let mut body = json!({
        "success": true,
        "status": "QUEUED",
        "reference": movement.reference,
        "CheckoutRequestID": movement.checkout_request_id,
    });
    if movement.generation == Generation::V2 {
        body["external_reference"] = json!(movement.external_reference);
    }
    (StatusCode::CREATED, Json(body)).into_response()
}
