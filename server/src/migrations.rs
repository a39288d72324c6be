//! Bringing a database to the schema that this server knows, one process at a time.

use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use secrecy::SecretString;

use crate::db;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Any number that nobody else locks.
const LOCK: &str = "SELECT pg_advisory_lock(7305794)";

type Trouble = Box<dyn std::error::Error + Send + Sync>;

async fn harness(owner_url: &SecretString) -> Result<AsyncMigrationHarness<AsyncPgConnection>, Trouble> {
    let mut connection = db::connect(owner_url).await?;
    diesel::sql_query(LOCK).execute(&mut connection).await?;
    Ok(AsyncMigrationHarness::new(connection))
}

/// Runs what has not run yet, as the owner; gives the names of what was run. Waits while another process does the same.
pub async fn up(owner_url: &SecretString) -> Result<Vec<String>, Trouble> {
    let mut harness = harness(owner_url).await?;
    tokio::task::block_in_place(|| Ok(harness.run_pending_migrations(MIGRATIONS)?.iter().map(ToString::to_string).collect()))
}

/// Takes everything back, for tests of the way down.
pub async fn down(owner_url: &SecretString) -> Result<Vec<String>, Trouble> {
    let mut harness = harness(owner_url).await?;
    tokio::task::block_in_place(|| Ok(harness.revert_all_migrations(MIGRATIONS)?.iter().map(ToString::to_string).collect()))
}
