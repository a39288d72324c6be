//! Doing the jobs: one loop a lane, as many jobs at once as the lane has places. Any number of workers may run.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::auth;
use crate::billing;
use crate::collect;
use crate::connection;
use crate::error::Result;
use crate::failpoint;
use crate::hotspot;
use crate::jobs::{self, Finisher, Job, Kind, Lane, Outcome, backoff};
use crate::notify;
use crate::reconcile;
use crate::schema::rate_limit;
use crate::settlement::{self, pulse};
use crate::subscription;

/// A wake may be lost: this often each lane looks by itself.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Claims of a lane are this far apart while it has work.
const TURN: Duration = Duration::from_millis(20);
/// Jobs that run when the process is told to stop may end within this time.
const DRAIN: Duration = Duration::from_secs(25);
/// A handler that takes longer than its lease would run twice at once.
const LONGEST: Duration = Duration::from_secs(55);

/// Works until told to stop, then lets what runs end.
pub async fn work(app: Arc<App>, stop: CancellationToken) {
    let running = TaskTracker::new();
    while let Err(error) = jobs::enqueue_sweeps(&app.db, app.clock.now()).await {
        tracing::warn!(%error, "the sweeps could not be asked for yet");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    // Whoever may pay knows first whether the past is known.
    let first = loop {
        match pulse::beat(&app, None).await {
            Ok(beat) => break beat,
            Err(error) => tracing::warn!(%error, "the pulse could not be written yet"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    };
    let (living, ends) = (app.clone(), stop.clone());
    let pulse = tokio::spawn(async move { pulse::keep(&living, first, ends).await });
    let finisher = Finisher::start(app.db.clone(), app.clock.clone());
    let lanes: Vec<_> = Lane::ALL.into_iter().map(|lane| tokio::spawn(run_lane(app.clone(), lane, finisher.clone(), stop.clone(), running.clone()))).collect();
    for lane in lanes {
        if let Err(cause) = lane.await {
            tracing::error!(%cause, "a lane of the worker died");
        }
    }
    if let Err(cause) = pulse.await {
        tracing::error!(%cause, "the pulse of the worker died");
    }
    running.close();
    if tokio::time::timeout(DRAIN, running.wait()).await.is_err() {
        tracing::warn!("jobs still run at the end of the drain; their leases will pass to another worker");
    }
}

async fn run_lane(app: Arc<App>, lane: Lane, finisher: Finisher, stop: CancellationToken, running: TaskTracker) {
    let places = Arc::new(Semaphore::new(lane.places()));
    while !stop.is_cancelled() {
        // A full lane waits for a place.
        tokio::select! {
            () = stop.cancelled() => return,
            place = places.acquire() => drop(place),
        }
        let (free, next) = (places.available_permits(), Instant::now() + TURN);
        let claimed = match jobs::claim(&app.db, lane, free, app.clock.now()).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, lane = lane.as_str(), "no jobs could be claimed");
                Vec::new()
            }
        };
        let all = claimed.len() < free;
        for job in claimed {
            let Ok(place) = places.clone().try_acquire_owned() else { break };
            let (app, finisher) = (app.clone(), finisher.clone());
            running.spawn(async move {
                run(&app, &finisher, &job).await;
                drop(place);
            });
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = rest(&app, lane, &places, all, next) => {}
        }
    }
}

/// Until the next claim: for a wake if the last one got `all` that was due, else for half of the places. To claim many costs little more
/// than to claim one, so under load this takes until `next`; whoever is the first after a pause waits for nothing.
async fn rest(app: &App, lane: Lane, places: &Semaphore, all: bool, next: Instant) {
    if all {
        app.wakes.job(lane, LOOK_EVERY).await;
        tokio::time::sleep_until(next).await;
    } else {
        let half = u32::try_from(lane.places() / 2).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout_at(next, places.acquire_many(half)).await;
    }
}

/// Runs one job and records how it ended.
async fn run(app: &App, finisher: &Finisher, job: &Job) {
    let handled = AssertUnwindSafe(handle(app, job)).catch_unwind();
    let ended = match tokio::time::timeout(LONGEST, handled).await {
        Ok(Ok(Ok(outcome))) => outcome,
        Ok(Ok(Err(error))) => retry(app, job, error.to_string()),
        // Every handler may be cut anywhere, so a panic is one more way not to succeed.
        Ok(Err(_)) => retry(app, job, "its handler panicked".to_owned()),
        Err(_) => retry(app, job, "took longer than its lease".to_owned()),
    };
    if let Outcome::Retry(_, problem) | Outcome::Bury(problem) = &ended {
        tracing::warn!(kind = job.kind.as_str(), subject = %job.subject, attempts = job.attempts, problem, "a job did not succeed");
    }
    failpoint::reached(job.kind.as_str(), "ended");
    if let Err(error) = finisher.finish(job, ended).await {
        // Its lease runs out, and it is run again: every handler may be.
        tracing::warn!(kind = job.kind.as_str(), subject = %job.subject, %error, "the end of a job could not be recorded");
    }
    failpoint::reached(job.kind.as_str(), "finished");
}

fn retry(app: &App, job: &Job, problem: String) -> Outcome {
    Outcome::Retry(app.clock.now() + backoff(job.attempts, Duration::from_secs(1), Duration::from_secs(300)), problem)
}

/// The table of kinds.
pub async fn handle(app: &App, job: &Job) -> Result<Outcome> {
    match job.kind {
        Kind::Push => collect::push(app, job.isp, job.subject.into()).await,
        Kind::Check => collect::check(app, job.isp, job.subject.into()).await,
        Kind::RouterSync => hotspot::sync_router(app, job.isp, job.subject.into(), job.attempts).await,
        Kind::ConnectionSync => connection::sync(app, job.isp, job.subject.into(), job.attempts).await,
        Kind::BillingRun => billing::run(app, job.isp).await,
        Kind::BillingSweep => billing::sweep(app).await,
        Kind::SessionEnd => hotspot::end_session(app, job.isp, job.subject.into()).await,
        Kind::SendMessage => notify::send(app, job.isp, job.subject.into()).await,
        Kind::SettlementSend => settlement::send(app, job.isp, job.subject.into()).await,
        Kind::SettlementCheck => settlement::check(app, job.isp, job.subject.into()).await,
        Kind::SettlementSweep => settlement::settlement_sweep(app).await,
        Kind::PaymentSweep => collect::payment_sweep(app).await,
        Kind::ListSweep => reconcile::list_sweep(app).await,
        Kind::SubscriptionSweep => subscription::subscription_sweep(app).await,
        Kind::LedgerSweep => reconcile::ledger_sweep(app).await,
        Kind::RecentSweep => reconcile::recent_sweep(app).await,
        Kind::BreakSweep => reconcile::break_sweep(app).await,
        Kind::FloatSweep => reconcile::float_sweep(app).await,
        Kind::Tidy => tidy(app).await,
    }
}

/// Deletes limits that are full again, which nothing reads, what nobody can sign in with any longer, and what is in old messages.
async fn tidy(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    app.db
        .public(async |tx| {
            diesel::delete(rate_limit::table.filter(rate_limit::full_at.lt(now))).execute(&mut **tx).await?;
            Ok(())
        })
        .await?;
    auth::tidy(app).await?;
    notify::tidy(app, now).await?;
    Ok(Outcome::Again(now + TimeDelta::hours(1)))
}

/// Runs every due job of every lane until none is left, one after the other: for tests that move the clock by hand.
pub async fn run_due(app: &App) -> Result<usize> {
    let finisher = Finisher::start(app.db.clone(), app.clock.clone());
    let mut done = 0;
    loop {
        let before = done;
        for lane in Lane::ALL {
            for job in jobs::claim(&app.db, lane, 100, app.clock.now()).await? {
                run(app, &finisher, &job).await;
                done += 1;
            }
        }
        if done == before {
            return Ok(done);
        }
    }
}
