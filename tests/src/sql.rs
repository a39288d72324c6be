//! Looking into a database, and breaking it, as somebody whom no row-level security holds back.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use netily::db;
use secrecy::SecretString;
use serde_json::Value;

/// A connection of a test. Statements are the test's own text: nothing is bound.
pub struct Sql(AsyncPgConnection);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

impl Sql {
    /// Connects.
    pub async fn connect(url: &SecretString) -> Sql {
        Sql(db::connect(url).await.expect("a connection to the database"))
    }

    /// The rows of a query, each as a JSON object.
    pub async fn rows(&mut self, query: &str) -> Vec<Value> {
        let query = format!("SELECT to_jsonb(x)::text AS row FROM ({query}) x");
        let rows: Vec<Row> = diesel::sql_query(&query).load(&mut self.0).await.unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.iter().map(|row| serde_json::from_str(&row.row).expect("PostgreSQL prints JSON")).collect()
    }

    /// The only row of a query.
    pub async fn row(&mut self, query: &str) -> Value {
        let mut rows = self.rows(query).await;
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        rows.remove(0)
    }

    /// The first column of the only row of a query.
    pub async fn value(&mut self, query: &str) -> Value {
        let row = self.row(query).await;
        row.as_object().and_then(|row| row.values().next().cloned()).expect("a column")
    }

    /// How many rows of a table (with conditions, if any) there are: `count("tenant.payment where state = 'FAILED'")`.
    pub async fn count(&mut self, of: &str) -> i64 {
        self.value(&format!("SELECT count(*) AS n FROM {of}")).await.as_i64().expect("a count")
    }

    /// Runs statements; the words of PostgreSQL when one is refused, and nothing is done then.
    pub async fn attempt(&mut self, statements: &str) -> Result<(), String> {
        let outcome = self.0.batch_execute(statements).await.map_err(|error| error.to_string());
        if outcome.is_err() {
            // A block that failed leaves the session inside it. Without a block this is only a warning.
            let _ = self.0.batch_execute("ROLLBACK").await;
        }
        outcome
    }

    /// Runs statements that must work.
    pub async fn run(&mut self, statements: &str) {
        self.attempt(statements).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }
}
