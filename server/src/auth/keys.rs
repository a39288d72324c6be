//! The keys of access tokens over many processes: each asks the database for them now and then, and at once when it meets a token of
//! a key that is newer than those it knows. So a rotation refuses no token that is good.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::token::{KeyInfo, StoredKey};
use crate::actor::Person;
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{IspId, PLATFORM, TokenKeyId};
use crate::schema::token_key;

/// How old what a process knows of the keys may be when it answers a call. Far below the minute for which a replaced key signs.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The database is asked no more often than this, whatever tokens come.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Calls that may wait for a key at once: whoever makes up keys holds up no more than these.
const WAITING: usize = 128;

/// When the keys were loaded, and who waits for it.
pub(super) struct Loads {
    /// Begin of the last try, and how many there were.
    tried: Mutex<(Option<Instant>, u64)>,
    one_at_a_time: AsyncMutex<()>,
    waiting: Semaphore,
}

impl Default for Loads {
    fn default() -> Loads {
        Loads { tried: Mutex::default(), one_at_a_time: AsyncMutex::default(), waiting: Semaphore::new(WAITING) }
    }
}

impl Loads {
    fn tried(&self) -> Option<Instant> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn begin(&self) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        *tried = (Some(Instant::now()), tried.1 + 1);
    }
}

/// How often this process has asked the database for keys.
pub fn key_loads(app: &App) -> u64 {
    app.tokens.loads.tried.lock().unwrap_or_else(PoisonError::into_inner).1
}

/// Who holds a token of this tenant. A key that is not known is asked for.
pub async fn read_token(app: &App, token: &str, tenant: IspId) -> Result<Person> {
    keep_current(app).await;
    let now = app.clock.now();
    match app.tokens.read(token, tenant, now) {
        Err(_) if app.tokens.is_of_newer_key(token) => {
            load_for(app, token).await;
            app.tokens.read(token, tenant, now)
        }
        read => read,
    }
}

/// Sees to it that what this process knows of the keys is not old. The first call waits for it; of later ones, one does the work.
pub async fn keep_current(app: &App) {
    let loads = &app.tokens.loads;
    let guard = match loads.tried() {
        Some(tried) if tried.elapsed() < LOOK_EVERY => return,
        Some(_) => loads.one_at_a_time.try_lock().ok(),
        None => Some(loads.one_at_a_time.lock().await),
    };
    if guard.is_some() && loads.tried().is_none_or(|tried| tried.elapsed() >= LOOK_EVERY) {
        load(app).await;
    }
}

/// Asks for the key of a token, unless it came while waiting for one's turn.
async fn load_for(app: &App, token: &str) {
    let loads = &app.tokens.loads;
    let came = Instant::now();
    let Ok(_waits) = loads.waiting.try_acquire() else { return };
    let _turn = loads.one_at_a_time.lock().await;
    if !app.tokens.is_of_newer_key(token) {
        return;
    }
    if let Some(tried) = loads.tried() {
        if tried > came {
            return;
        }
        tokio::time::sleep(AT_MOST_EVERY.saturating_sub(tried.elapsed())).await;
    }
    load(app).await;
}

/// Loads the keys. When that fails, what is known goes on being used, and the next call that needs it tries again.
async fn load(app: &App) {
    app.tokens.loads.begin();
    if let Err(error) = load_now(app).await {
        tracing::warn!(%error, "the keys of access tokens could not be loaded");
    }
}

async fn load_now(app: &App) -> Result<()> {
    let rows: Vec<(TokenKeyId, Vec<u8>, Time)> = app
        .db
        .public(async |tx| {
            let newest = (token_key::created_at.desc(), token_key::id.desc());
            Ok(token_key::table.select((token_key::id, token_key::secret_sealed, token_key::created_at)).order(newest).load(&mut **tx).await?)
        })
        .await?;
    let mut stored = Vec::new();
    for (id, sealed, created_at) in rows {
        let secret = hex::decode(app.seal.open(&row(id), &sealed)?.expose_secret()).map_err(Error::internal)?;
        stored.push(StoredKey { id, secret, created_at });
    }
    app.tokens.install(&stored);
    Ok(())
}

/// What a sealed secret is bound to.
fn row(id: TokenKeyId) -> String {
    format!("token_key/{id}")
}

/// Makes a new key, which signs from now on, and gives the keys that verify, newest first. Keys that were replaced a day ago and more are
/// deleted, but for the two newest.
pub async fn rotate_keys(app: &App, by: By) -> Result<Vec<KeyInfo>> {
    let now = app.clock.now();
    let id = TokenKeyId::sortable(now);
    let mut secret = [0u8; 32];
    rand::rng().fill_bytes(&mut secret);
    let sealed = app.seal.seal(&row(id), &SecretString::from(hex::encode(secret)))?;
    app.db
        .tx(PLATFORM, async |tx| {
            diesel::insert_into(token_key::table)
                .values((token_key::id.eq(id), token_key::secret_sealed.eq(&sealed), token_key::created_at.eq(now)))
                .execute(&mut **tx)
                .await?;
            diesel::sql_query(
                "DELETE FROM public.token_key k WHERE (SELECT count(*) FROM public.token_key n WHERE n.created_at > k.created_at) >= 2
                 AND (SELECT min(n.created_at) FROM public.token_key n WHERE n.created_at > k.created_at) < $1 - interval '1 day'",
            )
            .bind::<diesel::sql_types::Timestamptz, _>(now)
            .execute(&mut **tx)
            .await?;
            audit::record(tx, PLATFORM, by, "rotate_token_keys", &id.to_string(), serde_json::json!({}), now).await
        })
        .await?;
    let _turn = app.tokens.loads.one_at_a_time.lock().await;
    app.tokens.loads.begin();
    load_now(app).await?;
    Ok(app.tokens.live(now))
}

/// Seals the secrets of keys anew with the first encryption key; tells how many were not.
pub async fn reseal_keys(app: &App) -> Result<usize> {
    app.db
        .public(async |tx| {
            let rows: Vec<(TokenKeyId, Vec<u8>)> = token_key::table.select((token_key::id, token_key::secret_sealed)).for_update().load(&mut **tx).await?;
            let mut changed = 0;
            for (id, sealed) in rows {
                if let Some(anew) = app.seal.reseal(&row(id), &sealed)? {
                    diesel::update(token_key::table.find(id)).set(token_key::secret_sealed.eq(anew)).execute(&mut **tx).await?;
                    changed += 1;
                }
            }
            Ok(changed)
        })
        .await
}
