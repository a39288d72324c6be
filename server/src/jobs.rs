//! The queue of work: rows claimed with SKIP LOCKED and a lease. At most one row per kind and subject, so asking twice
//! makes a job sooner, never double. Payload is an id; a handler reads the state anew and is safe to run twice.

mod finish;

use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::clock::Time;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::id::{IspId, JobId, PLATFORM};
use crate::schema::functions;
use crate::wake::Wake;

pub use finish::Finisher;

/// How long a claim holds. Handlers have deadlines well below it.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

/// Jobs that wait for each other's kind of trouble only: a slow gateway does not hold up the routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Sending prompts.
    Push,
    /// Asking the gateway.
    Check,
    /// Talking to routers.
    Router,
    /// Sending text messages and e-mails.
    Notify,
    /// Invoices, reminders and suspensions.
    Billing,
    /// Paying ISPs: sending and asking.
    Payout,
    /// Looking for what was missed.
    Sweep,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Lane; 7] = [Lane::Push, Lane::Check, Lane::Router, Lane::Notify, Lane::Billing, Lane::Payout, Lane::Sweep];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Lane::Push => "push",
            Lane::Check => "check",
            Lane::Router => "router",
            Lane::Notify => "notify",
            Lane::Billing => "billing",
            Lane::Payout => "payout",
            Lane::Sweep => "sweep",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| lane.as_str() == text)
    }

    /// How many jobs of the lane one process runs at once. Routers are many and mostly waited for, so that one that
    /// hangs until its deadline holds one of many places. Questions too are mostly waited for: with this many under way there are full
    /// lots of them at each of their steps (claiming, looking, asking, booking, ending), which is what their pace depends on.
    pub const fn places(self) -> usize {
        match self {
            Lane::Push | Lane::Notify => 32,
            Lane::Check => 128,
            Lane::Router => 256,
            Lane::Billing => 4,
            Lane::Payout => 16,
            Lane::Sweep => 4,
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Send the prompt of a payment.
    Push,
    /// Ask the gateway about a payment.
    Check,
    /// Bring a router to what it should be.
    RouterSync,
    /// Bring a router to what its connections want.
    ConnectionSync,
    /// Do what is due for an ISP's connections: invoices, reminders, suspensions.
    BillingRun,
    /// Find ISPs whose connections are due.
    BillingSweep,
    /// The time of a hotspot session is over.
    SessionEnd,
    /// Send a text message or e-mail.
    SendMessage,
    /// Send a payment to an ISP.
    SettlementSend,
    /// Ask the gateway about one.
    SettlementCheck,
    /// Pay the ISPs that are due, and find settlements that nobody works on.
    SettlementSweep,
    /// Remind ISPs to pay Netily.
    SubscriptionSweep,
    /// Look at every rule of the ledger and at the wallet.
    LedgerSweep,
    /// Look at what was posted lately.
    RecentSweep,
    /// Tell operators of what does not agree.
    BreakSweep,
    /// Find payments that nobody asks about.
    PaymentSweep,
    /// Compare with the gateway's list of transactions.
    ListSweep,
    /// Look at what the gateway's wallets hold.
    FloatSweep,
    /// Delete what is of no more use.
    Tidy,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 19] = [
        Kind::Push,
        Kind::Check,
        Kind::RouterSync,
        Kind::ConnectionSync,
        Kind::SessionEnd,
        Kind::SendMessage,
        Kind::BillingRun,
        Kind::BillingSweep,
        Kind::SettlementSend,
        Kind::SettlementCheck,
        Kind::SettlementSweep,
        Kind::SubscriptionSweep,
        Kind::LedgerSweep,
        Kind::RecentSweep,
        Kind::BreakSweep,
        Kind::PaymentSweep,
        Kind::ListSweep,
        Kind::FloatSweep,
        Kind::Tidy,
    ];

    /// Kinds that have no subject and come again by themselves.
    pub const SWEEPS: [Kind; 10] = [
        Kind::PaymentSweep,
        Kind::ListSweep,
        Kind::BillingSweep,
        Kind::SettlementSweep,
        Kind::SubscriptionSweep,
        Kind::LedgerSweep,
        Kind::RecentSweep,
        Kind::BreakSweep,
        Kind::FloatSweep,
        Kind::Tidy,
    ];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Push => "push",
            Kind::Check => "check",
            Kind::RouterSync => "router_sync",
            Kind::ConnectionSync => "connection_sync",
            Kind::BillingRun => "billing_run",
            Kind::BillingSweep => "billing_sweep",
            Kind::SessionEnd => "session_end",
            Kind::SendMessage => "send_message",
            Kind::SettlementSend => "settlement_send",
            Kind::SettlementCheck => "settlement_check",
            Kind::SettlementSweep => "settlement_sweep",
            Kind::SubscriptionSweep => "subscription_sweep",
            Kind::LedgerSweep => "ledger_sweep",
            Kind::RecentSweep => "recent_sweep",
            Kind::BreakSweep => "break_sweep",
            Kind::PaymentSweep => "payment_sweep",
            Kind::ListSweep => "list_sweep",
            Kind::FloatSweep => "float_sweep",
            Kind::Tidy => "tidy",
        }
    }

    fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Where it runs.
    pub const fn lane(self) -> Lane {
        match self {
            Kind::Push => Lane::Push,
            Kind::Check => Lane::Check,
            Kind::RouterSync | Kind::ConnectionSync | Kind::SessionEnd => Lane::Router,
            Kind::SendMessage => Lane::Notify,
            Kind::BillingRun => Lane::Billing,
            Kind::SettlementSend | Kind::SettlementCheck => Lane::Payout,
            Kind::PaymentSweep
            | Kind::ListSweep
            | Kind::BillingSweep
            | Kind::SettlementSweep
            | Kind::SubscriptionSweep
            | Kind::LedgerSweep
            | Kind::RecentSweep
            | Kind::BreakSweep
            | Kind::FloatSweep
            | Kind::Tidy => Lane::Sweep,
        }
    }
}

/// A job that this process has claimed.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its row.
    pub id: JobId,
    /// What is to be done.
    pub kind: Kind,
    /// For which ISP.
    pub isp: IspId,
    /// To what: a payment, router or session.
    pub subject: Uuid,
    /// How often it has been tried since it last succeeded, with this time.
    pub attempts: i32,
    claim_token: Uuid,
    wakes: i64,
}

/// What a handler says at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do.
    Done,
    /// All is well; come again then.
    Again(Time),
    /// It did not work; try again then.
    Retry(Time, String),
    /// It will never work: keep it for a human.
    Bury(String),
}

/// Asks for a job at a time, in the caller's transaction: it exists exactly when what it follows from does.
pub async fn enqueue(tx: &mut Tx, kind: Kind, isp: IspId, subject: Uuid, run_at: Time, now: Time) -> Result<()> {
    let id = JobId::sortable(now);
    let ask = functions::ask_for_job(id, kind.lane().as_str(), kind.as_str(), isp, subject, run_at, now);
    diesel::select(ask).get_result::<bool>(&mut **tx).await?;
    if run_at <= now {
        tx.wake(Wake::Job(kind.lane()));
    }
    Ok(())
}

/// Makes sure that the sweeps exist.
pub async fn enqueue_sweeps(db: &Db, now: Time) -> Result<()> {
    db.public(async |tx| {
        for kind in Kind::SWEEPS {
            enqueue(tx, kind, PLATFORM, Uuid::nil(), now, now).await?;
        }
        Ok(())
    })
    .await
}

/// Claims at most `limit` due jobs of a lane, half of them those that became due last: behind a backlog somebody stands
/// at a captive page and waits now. While a job runs, `run_at` is the end of its lease, or whenever it was asked for
/// meanwhile: a hint that may wait does not make it run again at once.
pub async fn claim(db: &Db, lane: Lane, limit: usize, now: Time) -> Result<Vec<Job>> {
    let token = Uuid::new_v4();
    // The odd place goes to either end by chance: a full lane takes one job at a time, and must serve both.
    let newest = (limit + usize::from(token.as_u128() & 1 == 1)) / 2;
    let places = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let claim = functions::claim_jobs(lane.as_str(), now, places(limit - newest), places(newest), token, now + LEASE);
    let rows: Vec<(JobId, String, IspId, Uuid, i32, i64)> = db.statement(async |tx| Ok(diesel::select(claim).get_result(&mut **tx).await?)).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, kind, isp, subject, attempts, wakes)| {
            let kind = Kind::parse(&kind)?; // a kind of a newer server: left to it
            Some(Job { id, kind, isp, subject, attempts, claim_token: token, wakes })
        })
        .collect())
}

/// Doubling waits: `first`, 2·first, 4·first … at most `most`.
pub fn backoff(attempt: i32, first: Duration, most: Duration) -> TimeDelta {
    let doubled = first.saturating_mul(2u32.saturating_pow(u32::try_from(attempt.saturating_sub(1).max(0)).unwrap_or(0)));
    TimeDelta::from_std(doubled.min(most)).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_the_most() {
        let (first, most) = (Duration::from_secs(10), Duration::from_secs(900));
        let waits: Vec<i64> = [1, 2, 3, 4, 20, 2_000].into_iter().map(|attempt| backoff(attempt, first, most).num_seconds()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 900, 900]);
    }

    #[test]
    fn names_read_back() {
        assert!(Kind::ALL.into_iter().all(|kind| Kind::parse(kind.as_str()) == Some(kind)));
        assert!(Lane::ALL.into_iter().all(|lane| Lane::parse(lane.as_str()) == Some(lane)));
    }
}
