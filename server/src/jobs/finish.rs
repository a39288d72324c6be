//! Recording how jobs ended. Jobs that end while the database writes are written together in the next statement: under load one
//! commit records many, and alone a job waits for nobody.

use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Job, Outcome};
use crate::clock::{Clock, Time};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::id::JobId;

/// Ends that are written in one statement at most.
const TOGETHER: usize = 200;

struct End {
    job: Job,
    outcome: Outcome,
    recorded: oneshot::Sender<Result<()>>,
}

/// Where the jobs of one worker end.
#[derive(Clone)]
pub struct Finisher {
    ends: mpsc::Sender<End>,
}

impl Finisher {
    /// A finisher, and the task that writes; the task ends with the last clone.
    pub fn start(db: Db, clock: Clock) -> Finisher {
        let (ends, mut queue) = mpsc::channel(TOGETHER);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(TOGETHER);
            while queue.recv_many(&mut batch, TOGETHER).await > 0 {
                record(&db, std::mem::take(&mut batch), clock.now()).await;
            }
        });
        Finisher { ends }
    }

    /// Records how a job ended. Fenced: a job whose lease has passed to another process is left alone. A job that was asked for again
    /// while it ran runs again.
    pub async fn finish(&self, job: &Job, outcome: Outcome) -> Result<()> {
        let (recorded, told) = oneshot::channel();
        self.ends.send(End { job: job.clone(), outcome, recorded }).await.map_err(|_| Error::internal("the worker's finisher is gone"))?;
        told.await.map_err(Error::internal)?
    }
}

async fn record(db: &Db, ends: Vec<End>, now: Time) {
    let (done, other): (Vec<End>, Vec<End>) = ends.into_iter().partition(|end| end.outcome == Outcome::Done);
    if !done.is_empty() {
        let deleted = delete(db, &done).await;
        for end in done {
            let result = match &deleted {
                Ok(ids) if ids.contains(&end.job.id) => Ok(()),
                // It was asked for while it ran.
                Ok(_) => put_back(db, &end.job, None, None, false, now).await,
                Err(error) => Err(Error::internal(error.to_string())),
            };
            let _ = end.recorded.send(result);
        }
    }
    for end in other {
        let (run_at, error, buried) = match &end.outcome {
            Outcome::Done => (None, None, false),
            Outcome::Again(at) => (Some(*at), None, false),
            Outcome::Retry(at, error) => (Some(*at), Some(error.as_str()), false),
            Outcome::Bury(error) => (Some(now), Some(error.as_str()), true),
        };
        let result = put_back(db, &end.job, run_at, error, buried, now).await;
        let _ = end.recorded.send(result);
    }
}

#[derive(diesel::QueryableByName)]
struct Deleted {
    #[diesel(sql_type = SqlUuid)]
    id: JobId,
}

/// Deletes the jobs that nobody asked for meanwhile; gives which they were.
async fn delete(db: &Db, done: &[End]) -> Result<Vec<JobId>> {
    let ids: Vec<Uuid> = done.iter().map(|end| end.job.id.uuid()).collect();
    let tokens: Vec<Uuid> = done.iter().map(|end| end.job.claim_token).collect();
    let wakes: Vec<i64> = done.iter().map(|end| end.job.wakes).collect();
    let rows: Vec<Deleted> = db
        .statement(async |connection| {
            Ok(diesel::sql_query(
                "DELETE FROM public.job j USING unnest($1, $2, $3) AS ended (id, token, wakes)
                 WHERE j.id = ended.id AND j.claim_token = ended.token AND j.wakes = ended.wakes RETURNING j.id",
            )
            .bind::<Array<SqlUuid>, _>(&ids)
            .bind::<Array<SqlUuid>, _>(&tokens)
            .bind::<Array<BigInt>, _>(&wakes)
            .load(connection)
            .await?)
        })
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Gives a job back: to run at a time, or, if it was asked for meanwhile, when it was asked for. Without a time only that counts.
async fn put_back(db: &Db, job: &Job, run_at: Option<Time>, error: Option<&str>, buried: bool, now: Time) -> Result<()> {
    db.statement(async |connection| {
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
        .execute(connection)
        .await?;
        Ok(())
    })
    .await
}
