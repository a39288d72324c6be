//! A database on our own cluster: the owner's role, the database, and the addresses to reach it by.

use diesel::OptionalExtension as _;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};
use secrecy::SecretString;

use crate::db;
use crate::postgres::{Cluster, SUPERUSER};

/// How to reach one database, by role.
#[derive(Clone, Debug)]
pub struct Urls {
    /// netily_app: serves and works, bound by row-level security.
    pub app: SecretString,
    /// netily_owner: migrates.
    pub owner: SecretString,
    /// The superuser, for looking.
    pub superuser: SecretString,
}

/// The addresses of a database.
pub fn urls(cluster: &Cluster, name: &str) -> Urls {
    let url = |role: &str| SecretString::from(cluster.url(role, name));
    Urls { app: url("netily_app"), owner: url("netily_owner"), superuser: url(SUPERUSER) }
}

/// Makes the owner's role and the database where they are missing.
pub async fn create(cluster: &Cluster, name: &str) -> Result<Urls, Box<dyn std::error::Error + Send + Sync>> {
    let mut connection = db::connect(&cluster.url(SUPERUSER, "postgres").into()).await?;
    connection
        .batch_execute(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'netily_owner') THEN CREATE ROLE netily_owner LOGIN CREATEROLE; END IF; END $$",
        )
        .await?;
    if !exists(&mut connection, name).await? {
        // The name is ours, never a user's.
        connection.batch_execute(&format!("CREATE DATABASE \"{name}\" OWNER netily_owner")).await?;
    }
    Ok(urls(cluster, name))
}

async fn exists(connection: &mut diesel_async::AsyncPgConnection, name: &str) -> diesel::QueryResult<bool> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        #[expect(dead_code, reason = "only whether there is a row matters")]
        one: i32,
    }
    let found: Option<Found> = diesel::sql_query("SELECT 1 AS one FROM pg_database WHERE datname = $1")
        .bind::<diesel::sql_types::Text, _>(name)
        .get_result(connection)
        .await
        .optional()?;
    Ok(found.is_some())
}
