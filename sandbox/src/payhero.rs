//! The PayHero stand-in: which path leads where, and who may call. It speaks the paths and shapes that PayHero's own pages and
//! recorded bodies show (docs.payhero.co.ke for the legacy host, docs.payhero.africa for API 2.0.0).

pub mod behaviour;
pub(crate) mod callback;
mod collect;
pub(crate) mod decide;
mod fields;
mod listing;
pub(crate) mod movement;
pub(crate) mod prompt;
mod receive;
pub(crate) mod reference;
mod reply;
mod status;
pub(crate) mod wallet;
mod withdraw;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use subtle::ConstantTimeEq;

use self::movement::{Direction, Status};
use crate::world::World;

/// Everything under `/payhero`.
pub(crate) fn routes(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route("/api/v2/payments", post(collect::collect))
        .route("/api/v2/withdraw", post(withdraw::withdraw))
        .route("/api/v2/transaction-status", get(status::legacy))
        .route("/api/v2/transactions", get(listing::transactions))
        .route("/api/v2/wallets", get(listing::wallets))
        .route("/api/v2/payment_channels", get(listing::channels))
        .route("/api/v2/payment_channels/{id}", get(listing::one_channel))
        .route("/api/global/transaction-status", post(status::global))
        .route("/api/global/accounts/{id}/balance", get(listing::account_balance))
        .route_layer(from_fn_with_state(world.clone(), signed_in))
        .route("/api/transaction_fees", get(listing::fees))
}

async fn signed_in(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let wanted = bare(&world.payhero.basic_token);
    match token.and_then(|token| token.strip_prefix("Basic ")) {
        Some(token) if token.as_bytes().ct_eq(wanted.as_bytes()).into() => next.run(request).await,
        _ => receive::unauthorised(),
    }
}

/// The dashboard's token, with or without the word in front of it.
fn bare(token: &str) -> &str {
    token.trim().trim_start_matches("Basic ")
}

/// Takes up what was under way when the last process ended: prompts, withdrawals, callbacks.
pub(crate) fn resume(world: &Arc<World>) {
    let behaviour = world.behaviour();
    let open = world.look(|truth| {
        let unfinished = |movement: &&movement::Movement| movement.status == Status::Queued || !movement.due.is_empty();
        truth.movements().iter().filter(unfinished).cloned().collect::<Vec<_>>()
    });
    for movement in open {
        callback::send_later(world, &movement.reference, movement.due.clone());
        match (movement.status, movement.direction) {
            (Status::Queued, Direction::Collection) => prompt::watch(world, &movement),
            (Status::Queued, Direction::Payout) => withdraw::carry_out(world, &movement, &behaviour),
            _ => {}
        }
    }
}
