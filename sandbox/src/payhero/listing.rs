//! What the account shows of itself: the transactions list, wallets, channels and fees. Reads only.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::behaviour::{Generation, StatusMode};
use super::callback::overridden;
use super::wallet::{self, Row, Wallet, balance, published_fees};
use super::{reference, reply};
use crate::clock::{now_ms, rfc3339};
use crate::world::World;

/// Which page of the list; `per`, not `per_page`.
#[derive(Deserialize)]
pub(crate) struct Page {
    page: Option<usize>,
    per: Option<usize>,
}

/// `GET /api/v2/transactions`: newest first, so pages shift while they are read.
pub(crate) async fn transactions(State(world): State<Arc<World>>, Query(asked): Query<Page>) -> Response {
    if let Some(answer) = unwilling(&world).await {
        return answer;
    }
    let page = asked.page.unwrap_or(1).max(1);
    let per = asked.per.unwrap_or(20).clamp(1, 100);
    let now = now_ms();
    let account_id = world.payhero.account_id;
    let behaviour = world.behaviour();
    let by = behaviour.list_shift;
    let unlisted = if by < 0 { world.unlisted.load(Ordering::Relaxed) } else { 0 };
    let (rows, count) = world.look(|truth| {
        let seen: Vec<&Row> = truth.rows().iter().rev().filter(|row| row.seen_from_ms <= now).skip(unlisted).collect();
        let wanted = seen.iter().skip(per.saturating_mul(page - 1)).take(per);
        (wanted.map(|row| overridden(row.shown(account_id), &behaviour.list_fields)).collect::<Vec<_>>(), seen.len())
    });
    if let Err(fault) = shift(&world, by) {
        return reply::broken(&fault);
    }
    let pages = count.div_ceil(per).max(1);
    Json(json!({
        "transactions": rows,
        "pagination": {
            "count": count,
            "page": page,
            "per": per,
            "num_pages": pages,
            "next_page": (page < pages).then_some(page + 1),
            "prev_page": (page > 1).then_some(page - 1),
        },
    }))
    .into_response()
}

/// Which wallet.
#[derive(Deserialize)]
pub(crate) struct WalletQuestion {
    wallet_type: Option<String>,
}

/// `GET /api/v2/wallets`: only the service wallet; the payments wallet is asked for as a channel nowadays.
pub(crate) async fn wallets(State(world): State<Arc<World>>, Query(asked): Query<WalletQuestion>) -> Response {
    if let Some(answer) = unwilling(&world).await {
        return answer;
    }
    if asked.wallet_type.as_deref() != Some("service_wallet") {
        return reply::invalid("wallet not found");
    }
    let kes = world.look(|truth| balance(truth, &world.payhero, Wallet::Service));
    Json(json!({
        "id": 22156,
        "account_id": world.payhero.account_id,
        "wallet_type": "service_wallet",
        "currency": "KES",
        "available_balance": kes,
        "created_at": rfc3339(0),
        "updated_at": rfc3339(now_ms()),
    }))
    .into_response()
}

/// `GET /api/v2/payment_channels`.
pub(crate) async fn channels(State(world): State<Arc<World>>) -> Response {
    if let Some(answer) = unwilling(&world).await {
        return answer;
    }
    let setup = &world.payhero;
    let mut list = vec![channel(&world, setup.channel_id)];
    if setup.wallet_channel_id != setup.channel_id {
        list.push(channel(&world, setup.wallet_channel_id));
    }
    Json(json!({"payment_channels": list})).into_response()
}

/// `GET /api/v2/payment_channels/{id}`: for the wallet channel, the balance of the payments wallet.
pub(crate) async fn one_channel(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    if let Some(answer) = unwilling(&world).await {
        return answer;
    }
    match id.parse() {
        Ok(id) if id == world.payhero.channel_id || id == world.payhero.wallet_channel_id => Json(channel(&world, id)).into_response(),
        _ => reply::not_found(),
    }
}

fn channel(world: &World, id: i64) -> Value {
    let setup = &world.payhero;
    let mut shown = json!({
        "id": id,
        "channel_type": "short_code",
        "account_id": setup.account_id,
        "short_code": "756756",
        "account_number": id.to_string(),
        "description": setup.merchant,
        "is_active": true,
    });
    if id == setup.wallet_channel_id {
        let (kes, last) = world.look(|truth| {
            let last = truth.rows().iter().rev().find(|row| row.wallet == Wallet::Payments).cloned();
            (balance(truth, setup, Wallet::Payments), last)
        });
        shown["channel_type"] = json!("wallet");
        shown["short_code"] = json!("553125");
        shown["balance_plain"] = json!({
            "balance": kes,
            "last_balance": last.as_ref().map_or(kes, |row| row.wallet_balance),
            "last_reference": last.map_or(String::new(), |row| row.provider_reference),
        });
    }
    shown
}

/// `GET /api/global/accounts/{id}/balance` of API 2.0.0. The call is documented, its answer is not published.
pub(crate) async fn account_balance(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    if let Some(answer) = unwilling(&world).await {
        return answer;
    }
    if world.behaviour().generation == Generation::Legacy || id != world.payhero.account_id.to_string() {
        return reply::not_found();
    }
    let kes = world.look(|truth| balance(truth, &world.payhero, Wallet::Payments));
    Json(json!({"account_id": world.payhero.account_id, "currency": "KES", "available_balance": kes})).into_response()
}

/// `GET /api/transaction_fees`, without a key.
pub(crate) async fn fees() -> Response {
    Json(published_fees()).into_response()
}

async fn unwilling(world: &World) -> Option<Response> {
    match world.behaviour().status {
        StatusMode::Dark => Some(reply::silence(world).await),
        StatusMode::RateLimited => Some(reply::rate_limited(world, "Too many requests")),
        StatusMode::Ok | StatusMode::NotFoundFirst => None,
    }
}

/// Moves the list under the eyes of whoever reads it page by page.
fn shift(world: &World, by: i64) -> std::io::Result<()> {
    if by < 0 {
        world.unlisted.fetch_add(usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX), Ordering::Relaxed);
        return Ok(());
    }
    for _ in 0..by {
        world.change(|draft| wallet::deposit(draft, &world.payhero, reference::payhero(Generation::Legacy), 10, now_ms()))?;
    }
    Ok(())
}
