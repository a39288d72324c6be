//! `POST /api/v2/withdraw`: money from the payments wallet to a phone, bank, paybill or till. Not idempotent: the same body
//! again pays again.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use super::behaviour::{Behaviour, Generation, PayoutResult};
use super::decide::{Ending, NOT_REGISTERED};
use super::fields::Fields;
use super::movement::{Direction, Movement, Status};
use super::{prompt, receive, reference, reply, wallet};
use crate::clock::now_ms;
use crate::config::PayheroSetup;
use crate::msisdn;
use crate::truth::Entry;
use crate::world::{Draft, World};

/// Receives the request as `payout` of the behaviour says.
pub(crate) async fn withdraw(State(world): State<Arc<World>>, body: Bytes) -> Response {
    let behaviour = world.behaviour();
    let fields = match receive::open(&world, Direction::Payout, behaviour.payout, &body).await {
        Ok(fields) => fields,
        Err(answer) => return answer,
    };
    let ask = match read(&fields, behaviour.generation, &world.payhero) {
        Ok(ask) => ask,
        Err(sentence) => {
            return receive::refuse(&world, Direction::Payout, &fields, &sentence, reply::invalid);
        }
    };
    let movement = match world.change(|draft| accept(draft, &world.payhero, &ask, behaviour.generation)) {
        Ok(Ok(movement)) => movement,
        Ok(Err(sentence)) => {
            return receive::refuse(&world, Direction::Payout, &fields, sentence, reply::invalid);
        }
        Err(fault) => return reply::broken(&fault),
    };
    carry_out(&world, &movement, &behaviour);
    receive::answer(&world, behaviour.payout, accepted(&movement)).await
}

struct Ask {
    amount: i64,
    phone: String,
    phone_as_sent: String,
    account: String,
    external_reference: String,
    callback_url: Option<String>,
    channel_id: Option<i64>,
}

fn read(fields: &Fields, generation: Generation, setup: &PayheroSetup) -> Result<Ask, String> {
    let amount = fields.required_whole("amount")?;
    if amount < 1 {
        return Err("amount must be at least 1".to_owned());
    }
    let phone_as_sent = fields.required_text("phone_number")?;
    let phone = msisdn::canonical(phone_as_sent).ok_or("phone_number is not valid")?;
    let network_code = fields.required_text("network_code")?;
    let channel = fields.required_text("channel")?;
    let (account, channel_id) = match generation {
        Generation::Legacy => legacy_destination(fields, setup, phone_as_sent, network_code, channel)?,
        Generation::V2 => (v2_destination(fields, setup, &phone, network_code, channel)?, None),
    };
    Ok(Ask {
        amount,
        phone,
        phone_as_sent: phone_as_sent.to_owned(),
        account,
        external_reference: fields.external_reference(),
        callback_url: fields.text("callback_url")?.filter(|url| !url.is_empty()).map(str::to_owned),
        channel_id,
    })
}

fn legacy_destination(fields: &Fields, setup: &PayheroSetup, phone_as_sent: &str, network_code: &str, channel: &str) -> Result<(String, Option<i64>), String> {
    if !phone_as_sent.starts_with("254") {
        return Err("phone_number must start with country code".to_owned());
    }
    if fields.required_text("payment_service")? != "b2c" {
        return Err("payment_service must be b2c".to_owned());
    }
    let channel_id = fields.required_whole("channel_id")?;
    if channel_id != setup.wallet_channel_id {
        return Err("wallet not found".to_owned());
    }
    match channel {
        "mobile" if receive::MOBILE_NETWORKS.contains(&network_code) => Ok((phone_as_sent.to_owned(), Some(channel_id))),
        "bank" if is_bank(network_code) => Ok((fields.required_text("account_number")?.to_owned(), Some(channel_id))),
        "mobile" | "bank" => Err("network_code is not valid".to_owned()),
        _ => Err("channel must be mobile or bank".to_owned()),
    }
}

fn v2_destination(fields: &Fields, setup: &PayheroSetup, phone: &str, network_code: &str, channel: &str) -> Result<String, String> {
    receive::own_account(fields, setup)?;
    fields.required_text("external_reference")?;
    if !receive::MOBILE_NETWORKS.contains(&network_code) {
        return Err("network_code is not valid".to_owned());
    }
    match channel {
        "phone" => Ok(fields.text("account_number")?.unwrap_or(phone).to_owned()),
        "paybill" => {
            fields.required_text("short_code")?;
            Ok(fields.required_text("account_number")?.to_owned())
        }
        "till" => Ok(fields.required_text("short_code")?.to_owned()),
        _ => Err("channel must be phone, paybill or till".to_owned()),
    }
}

/// The bank codes that PayHero lists for withdrawals; they are SasaPay's.
fn is_bank(code: &str) -> bool {
    const BANKS: [&str; 36] = [
        "01", "02", "03", "07", "10", "11", "12", "14", "16", "18", "19", "23", "25", "31", "35", "36", "43", "50", "51", "53", "54", "55", "57", "61", "63",
        "65", "66", "68", "70", "72", "74", "75", "76", "78", "89", "97",
    ];
    BANKS.contains(&code)
}

fn accept(draft: &mut Draft<'_>, setup: &PayheroSetup, ask: &Ask, generation: Generation) -> Result<Movement, &'static str> {
    let cost = wallet::payout_cost(ask.amount);
    if ask.amount <= cost {
        return Err("the transaction amount is insufficient as it wont cater for cost");
    }
    if wallet::spendable(draft, setup) < ask.amount + cost {
        return Err("insufficient balance");
    }
    let now = now_ms();
    let movement = Movement {
        direction: Direction::Payout,
        reference: reference::payhero(generation),
        external_reference: ask.external_reference.clone(),
        checkout_request_id: format!("553125-{}", Uuid::new_v4()),
        merchant_request_id: String::new(),
        phone: ask.phone.clone(),
        phone_as_sent: ask.phone_as_sent.clone(),
        account: ask.account.clone(),
        customer_name: String::new(),
        amount: ask.amount,
        through_wallet: true,
        channel_id: ask.channel_id,
        provider: wallet::gateway(true, generation).to_owned(),
        generation,
        callback_url: ask.callback_url.clone(),
        status: Status::Queued,
        result_code: None,
        receipt: String::new(),
        created_at_ms: now,
        decided_at_ms: None,
        seen_from_ms: now,
        seen_before: Status::Queued,
        prompt: None,
        due: Vec::new(),
        deliveries: Vec::new(),
        reversed: 0,
    };
    draft.record(Entry::Movement { movement: Box::new(movement.clone()) });
    Ok(movement)
}

/// Pays, or fails to, after the delay of the behaviour. Also used for withdrawals that were under way at a restart.
pub(crate) fn carry_out(world: &Arc<World>, movement: &Movement, behaviour: &Behaviour) {
    let ending = match behaviour.payout_result {
        PayoutResult::Success => Ending::Paid,
        PayoutResult::Failed => Ending::Failed(NOT_REGISTERED),
        PayoutResult::Hold => return,
    };
    let (bank, reference, delay_ms) = (world.clone(), movement.reference.clone(), behaviour.payout_delay_ms);
    world.spawn(async move {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        prompt::settle(&bank, &reference, ending);
    });
}

fn accepted(movement: &Movement) -> Response {
    let conversation = movement.checkout_request_id.trim_start_matches("553125-");
    Json(json!({
        "status": "QUEUED",
        "merchant_reference": movement.reference,
        "checkout_request_id": movement.checkout_request_id,
        "response_code": match movement.generation { Generation::Legacy => "0", Generation::V2 => "200" },
        "conversation_id": conversation,
    }))
    .into_response()
}
