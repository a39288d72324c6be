//! What collecting and withdrawing have in common at the door: counting each request, the ways of not accepting one, and the
//! ways of answering one that was accepted.

use axum::http::StatusCode;
use axum::response::Response;

use super::behaviour::Reception;
use super::fields::Fields;
use super::movement::Direction;
use super::reply;
use crate::clock::now_ms;
use crate::config::PayheroSetup;
use crate::truth::{Entry, Refusal};
use crate::world::World;

/// M-Pesa, Airtel Money, T-Kash.
pub(crate) const MOBILE_NETWORKS: [&str; 3] = ["63902", "63903", "63907"];

/// Counts the request, then gives its fields, or the answer (or silence) of a PayHero that accepts nothing.
pub(crate) async fn open(world: &World, direction: Direction, reception: Reception, body: &[u8]) -> Result<Fields, Response> {
    let fields = Fields::parse(body).map_err(|sentence| reply::invalid(&sentence))?;
    let external_reference = fields.external_reference();
    let counted = world.change(|draft| {
        draft.record(Entry::Request { direction, external_reference, count: 1 });
    });
    counted.map_err(|fault| reply::broken(&fault))?;
    let answer = match reception {
        Reception::Ok | Reception::TimeoutAfterAccept | Reception::ErrorAfterAccept | Reception::Slow => return Ok(fields),
        Reception::Refuse => refuse(world, direction, &fields, "insufficient balance in service wallet", reply::invalid),
        Reception::RefuseWith200 => refuse(world, direction, &fields, "sql: no rows in result set", reply::no_with_200),
        Reception::RateLimited => refuse(world, direction, &fields, "Too many requests", |sentence| reply::rate_limited(world, sentence)),
        Reception::Html => refuse(world, direction, &fields, "html", |_| reply::maintenance()),
        Reception::Dark => {
            note(world, direction, &fields, "dark");
            reply::silence(world).await
        }
    };
    Err(answer)
}

/// Notes that nothing was accepted, and says so.
pub(crate) fn refuse(world: &World, direction: Direction, fields: &Fields, sentence: &str, say: impl FnOnce(&str) -> Response) -> Response {
    note(world, direction, fields, sentence);
    say(sentence)
}

fn note(world: &World, direction: Direction, fields: &Fields, reason: &str) {
    let refusal = Refusal { direction, external_reference: fields.external_reference(), reason: reason.to_owned(), at_ms: now_ms() };
    if let Err(fault) = world.change(|draft| draft.record(Entry::Refusal { refusal })) {
        tracing::error!(%fault, "the journal cannot be written");
    }
}

/// Answers a request that was accepted, as the reception says.
pub(crate) async fn answer(world: &World, reception: Reception, accepted: Response) -> Response {
    match reception {
        Reception::TimeoutAfterAccept => reply::silence(world).await,
        Reception::ErrorAfterAccept => reply::internal(),
        Reception::Slow => {
            world.hang(world.behaviour().slow_ms).await;
            accepted
        }
        _ => accepted,
    }
}

/// API 2.0.0 wants the account in each body that moves money.
pub(crate) fn own_account(fields: &Fields, setup: &PayheroSetup) -> Result<(), String> {
    match fields.required_whole("account_id")? {
        id if id == setup.account_id => Ok(()),
        _ => Err("account not found".to_owned()),
    }
}

/// The wrong key, on every call but the list of fees.
pub(crate) fn unauthorised() -> Response {
    reply::refusal(StatusCode::UNAUTHORIZED, "unauthenticated", "invalid API credentials")
}
