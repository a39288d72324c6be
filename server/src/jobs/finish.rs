//! Recording how jobs ended. Jobs that end while the database writes are written together in the next statement: under load one
//! commit records many, and alone a job waits for nobody. All of it is fenced by the claim, so it may be recorded twice: whoever was chosen in a
//! deadlock would else leave its jobs to their leases.

use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Job, Outcome};
use crate::clock::{Clock, Time};
use crate::db::Db;
use crate::error::Result;
use crate::id::JobId;
use crate::schema::functions;
use crate::together::Together;

/// Ends that are written in one statement at most.
const TOGETHER: usize = 200;

struct End {
    job: Job,
    outcome: Outcome,
}

/// Where the jobs of one worker end.
#[derive(Clone)]
pub struct Finisher {
    ends: Together<End, Result<()>>,
}

impl Finisher {
    /// A finisher, and the task that writes; the task ends with the last clone.
    pub fn start(db: Db, clock: Clock) -> Finisher {
        let record = move |ends| {
            let (db, now) = (db.clone(), clock.now());
            async move { record(&db, ends, now).await }
        };
        Finisher { ends: Together::start(TOGETHER, record) }
    }

    /// Records how a job ended. Fenced: a job whose lease has passed to another process is left alone. A job that was asked for again
    /// while it ran runs again.
    pub async fn finish(&self, job: &Job, outcome: Outcome) -> Result<()> {
        self.ends.ask(End { job: job.clone(), outcome }).await?
    }
}

async fn record(db: &Db, ends: Vec<End>, now: Time) -> Vec<Result<()>> {
    let done: Vec<&Job> = ends.iter().filter(|end| end.outcome == Outcome::Done).map(|end| &end.job).collect();
    let deleted = if done.is_empty() { Ok(Vec::new()) } else { delete(db, &done).await };
    let mut recorded = Vec::with_capacity(ends.len());
    for end in &ends {
        recorded.push(match (&end.outcome, &deleted) {
            (Outcome::Done, Ok(ids)) if ids.contains(&end.job.id) => Ok(()),
            // It was asked for while it ran.
            (Outcome::Done, Ok(_)) => put_back(db, &end.job, None, None, false, now).await,
            (Outcome::Done, Err(error)) => Err(error.shared()),
            (Outcome::Again(at), _) => put_back(db, &end.job, Some(*at), None, false, now).await,
            (Outcome::Retry(at, error), _) => put_back(db, &end.job, Some(*at), Some(error), false, now).await,
            (Outcome::Bury(error), _) => put_back(db, &end.job, Some(now), Some(error), true, now).await,
        });
    }
    recorded
}

/// Deletes the jobs that nobody asked for meanwhile; gives which they were.
async fn delete(db: &Db, done: &[&Job]) -> Result<Vec<JobId>> {
    let ids: Vec<JobId> = done.iter().map(|job| job.id).collect();
    let tokens: Vec<Uuid> = done.iter().map(|job| job.claim_token).collect();
    let wakes: Vec<i64> = done.iter().map(|job| job.wakes).collect();
    db.surely(async |tx| Ok(diesel::select(functions::finish_jobs(&ids, &tokens, &wakes)).get_result(&mut **tx).await?)).await
}

/// Gives a job back: to run at a time, or, if it was asked for meanwhile, when it was asked for. Without a time only that counts.
async fn put_back(db: &Db, job: &Job, run_at: Option<Time>, error: Option<&str>, buried: bool, now: Time) -> Result<()> {
    db.surely(async |tx| {
        diesel::sql_query(
            "UPDATE public.job SET claim_token = NULL, lease_until = NULL, last_error = $3, attempts = CASE WHEN $3 IS NULL THEN 0 ELSE attempts END,
                    run_at = CASE WHEN wakes = $4 THEN coalesce($5, $6) WHEN $3 IS NULL THEN least(run_at, $5)
                                  ELSE greatest(least(run_at, $5), $6 + interval '1 second') END,
                    buried_at = CASE WHEN $7 AND wakes = $4 THEN $6 END
             WHERE id = $1 AND claim_token = $2",
        )
        .bind::<SqlUuid, _>(job.id)
        .bind::<SqlUuid, _>(job.claim_token)
        .bind::<Nullable<Text>, _>(error)
        .bind::<BigInt, _>(job.wakes)
        .bind::<Nullable<Timestamptz>, _>(run_at)
        .bind::<Timestamptz, _>(now)
        .bind::<Bool, _>(buried)
        .execute(&mut **tx)
        .await?;
        Ok(())
    })
    .await
}
