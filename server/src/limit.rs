//! Rate limits shared by all replicas: one row a key in PostgreSQL. A token that was taken in a transaction comes back
//! when the transaction fails.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::pg::data_types::PgInterval;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::schema::{functions, rate_limit};

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

/// Takes one token, or says with `sentence` when to come back.
pub async fn take(tx: &mut Tx, key: &str, limit: &Limit, sentence: &str, now: Time) -> Result<()> {
    let refill = PgInterval::from_microseconds(limit.refill.num_microseconds().unwrap_or(i64::MAX));
    let wait: PgInterval = diesel::select(functions::take_token(key, limit.burst, refill, now)).get_result(&mut **tx).await?;
    let wait = Duration::from_micros(u64::try_from(wait.microseconds).unwrap_or(0)) + Duration::from_secs(86_400) * u32::try_from(wait.days).unwrap_or(0);
    if wait.is_zero() {
        return Ok(());
    }
    let whole = Duration::from_secs(wait.as_secs() + 1);
    Err(Error::rate_limited(format!("{sentence} Please wait {} and try again.", say(whole)), whole))
}

/// Gives a token back that was taken: what it limits did not happen.
pub async fn give_back(tx: &mut Tx, key: &str, limit: &Limit) -> Result<()> {
    let refill = PgInterval::from_microseconds(limit.refill.num_microseconds().unwrap_or(0));
    diesel::update(rate_limit::table.find(key)).set(rate_limit::full_at.eq(rate_limit::full_at - refill)).execute(&mut **tx).await?;
    Ok(())
}

fn say(wait: Duration) -> String {
    match wait.as_secs() {
        seconds @ 0..=90 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
