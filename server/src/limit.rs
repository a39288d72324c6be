//! Rate limits shared by all replicas: one row a key in PostgreSQL. A token that was taken in a transaction comes back
//! when the transaction fails.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::pg::data_types::PgInterval;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::schema::functions;

/// `burst` at once, then one every `refill`.
pub struct Limit {
    burst: i32,
    refill: TimeDelta,
}

impl Limit {
    /// A limit.
    pub const fn new(burst: i32, refill: TimeDelta) -> Limit {
        Limit { burst, refill }
    }
}

/// A token to be taken.
pub struct Token<'a> {
    /// What is counted, and whose.
    pub key: String,
    /// How many.
    pub limit: &'a Limit,
    /// What whoever comes too often is told; when to come back is added.
    pub sentence: &'a str,
}

/// Takes one token of each limit in their order, or none of any: then it says by the first that refuses when to come back.
pub async fn take_all(tx: &mut Tx, tokens: &[Token<'_>], now: Time) -> Result<()> {
    let (keys, refills) = keys_and_refills(tokens);
    let bursts: Vec<i32> = tokens.iter().map(|token| token.limit.burst).collect();
    let waits: Vec<PgInterval> = diesel::select(functions::take_tokens(keys, bursts, refills, now)).get_result(&mut **tx).await?;
    for (token, wait) in tokens.iter().zip(waits) {
        let wait = Duration::from_micros(u64::try_from(wait.microseconds).unwrap_or(0)) + Duration::from_secs(86_400) * u32::try_from(wait.days).unwrap_or(0);
        if !wait.is_zero() {
            let whole = Duration::from_secs(wait.as_secs() + 1);
            return Err(Error::rate_limited(format!("{} Please wait {} and try again.", token.sentence, say(whole)), whole));
        }
    }
    Ok(())
}

/// Gives tokens back that were taken: what they limit did not happen.
pub async fn give_all_back(tx: &mut Tx, tokens: &[Token<'_>]) -> Result<()> {
    let (keys, refills) = keys_and_refills(tokens);
    // A function, since diesel keeps no plan of an update.
    diesel::select(functions::give_tokens_back(keys, refills)).execute(&mut **tx).await?;
    Ok(())
}

fn keys_and_refills<'a>(tokens: &'a [Token<'_>]) -> (Vec<&'a str>, Vec<PgInterval>) {
    tokens.iter().map(|token| (token.key.as_str(), PgInterval::from_microseconds(token.limit.refill.num_microseconds().unwrap_or(i64::MAX)))).unzip()
}

/// Takes one token, or says with `sentence` when to come back.
pub async fn take(tx: &mut Tx, key: &str, limit: &Limit, sentence: &str, now: Time) -> Result<()> {
    take_all(tx, &[Token { key: key.to_owned(), limit, sentence }], now).await
}

/// Gives a token back that was taken.
pub async fn give_back(tx: &mut Tx, key: &str, limit: &Limit) -> Result<()> {
    give_all_back(tx, &[Token { key: key.to_owned(), limit, sentence: "" }]).await
}

fn say(wait: Duration) -> String {
    match wait.as_secs() {
        seconds @ 0..=90 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
