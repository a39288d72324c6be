//! The rules of the ledger, each a view that must be empty, looked at in one snapshot.

use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};

use crate::clock::Time;
use crate::db::Db;
use crate::error::Result;
use crate::id::{IspId, PLATFORM};

/// A rule that does not hold for the rows of one ISP, or for what is nobody's own.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Violation {
    /// Name of the rule.
    #[diesel(sql_type = Text)]
    pub invariant: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    isp_id: Option<IspId>,
    /// How many rows break it.
    #[diesel(sql_type = BigInt)]
    pub broken: i64,
    /// One of them, as JSON.
    #[diesel(sql_type = Nullable<Text>)]
    pub example: Option<String>,
}

impl Violation {
    /// The ISP whose rows break it. None: the platform's own, or of nobody in particular.
    pub fn isp(&self) -> Option<IspId> {
        self.isp_id.filter(|isp| *isp != PLATFORM)
    }
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Check {
    /// Empty when the ledger is sound.
    pub violations: Vec<Violation>,
    /// How many rules were looked at.
    pub invariants: usize,
    /// When.
    pub at: Time,
}

/// Looks at every rule.
pub async fn check(db: &Db, now: Time) -> Result<Check> {
    #[derive(diesel::QueryableByName)]
    struct Name {
        #[diesel(sql_type = BigInt)]
        rules: i64,
    }
    db.across(async |tx| {
        tx.batch_execute(&format!("SET LOCAL netily.now = '{}'", now.to_rfc3339())).await?;
        let violations = diesel::sql_query("SELECT invariant, isp_id, broken, example FROM invariant.violations()").load(&mut **tx).await?;
        let count: Name = diesel::sql_query("SELECT count(*) AS rules FROM invariant.names()").get_result(&mut **tx).await?;
        Ok(Check { violations, invariants: usize::try_from(count.rules).unwrap_or(0), at: now })
    })
    .await
}

/// Looks at what was posted since a moment: the rules of a posting, in a time that does not grow with the ledger.
pub async fn check_recent(db: &Db, since: Time) -> Result<Vec<Violation>> {
    const RULES: &str = "SELECT invariant, isp_id, broken, example FROM invariant.recent($1)";
    db.across(async |tx| Ok(diesel::sql_query(RULES).bind::<Timestamptz, _>(since).load(&mut **tx).await?)).await
}
