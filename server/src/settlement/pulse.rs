//! Whether the past is known. After a gap in which no worker wrote its pulse, and whenever the database knows less than a worker remembers, it may
//! be an older one than that from which was paid. Then nothing is reserved or sent until the gateway's list was read over the gap, some
//! minutes later, and every payout that it shows has a place in the books. Where there is no list, two operators compare by hand.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::approvals::{self, Act, Approval};
use crate::audit::{self, By};
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect::list_walk;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{PLATFORM, UserId};
use crate::jobs::{self, Kind};
use crate::schema::pulse;

/// How often it is written.
const EVERY: Duration = Duration::from_secs(5);
/// What was paid before the gap was noticed stands in the gateway's list by then.
pub const LISTED: TimeDelta = TimeDelta::minutes(3);
/// The reference of the break.
const REFERENCE: &str = "past";

/// A past that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncertainty {
    /// The last moment that is known.
    pub from: Time,
    /// When it was noticed.
    pub at: Time,
}

#[derive(diesel::QueryableByName)]
struct Pulse {
    #[diesel(sql_type = BigInt)]
    beat: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<Time>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    uncertain_from: Option<Time>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    uncertain_at: Option<Time>,
    #[diesel(sql_type = Bool)]
    stale: bool,
}

impl Pulse {
    fn uncertainty(&self) -> Option<Uncertainty> {
        Some(Uncertainty { from: self.uncertain_from?, at: self.uncertain_at? })
    }
}

/// The row; stale by what this worker is configured with, or else by what the workers said.
async fn read(tx: &mut Tx, gap: Option<TimeDelta>, lock: &str) -> Result<Pulse> {
    let read = format!(
        "SELECT beat, at, uncertain_from, uncertain_at,
                coalesce(written_at < clock_timestamp() - coalesce($1, gap_seconds) * interval '1 second', false) AS stale FROM public.pulse {lock}"
    );
    Ok(diesel::sql_query(read).bind::<Nullable<BigInt>, _>(gap.map(|gap| gap.num_seconds())).get_result(&mut **tx).await?)
}

async fn lock(tx: &mut Tx, gap: Option<TimeDelta>) -> Result<Pulse> {
    read(tx, gap, "FOR UPDATE").await
}

/// What is not known of the past; none: all of it is. A pulse that has stopped counts as a gap: whoever reserves need not be a worker.
pub async fn uncertainty(tx: &mut Tx) -> Result<Option<Uncertainty>> {
    let read = read(tx, None, "").await?;
    Ok(read.uncertainty().or_else(|| read.at.filter(|_| read.stale).map(|at| Uncertainty { from: at, at })))
}

/// Writes the pulse once. `seen`: the beat that this worker wrote last. Gives the new one.
pub async fn beat(app: &App, seen: Option<i64>) -> Result<i64> {
    let (now, gap) = (app.clock.now(), app.config.pulse_gap);
    app.db
        .public(async |tx| {
            let before = lock(tx, Some(gap)).await?;
            let lost = seen.is_some_and(|seen| before.beat < seen);
            if let Some(from) = before.at.filter(|_| before.stale || lost) {
                doubt(tx, from, now).await?;
            }
            const BEAT: &str = "UPDATE public.pulse SET beat = greatest(beat, $1) + 1, at = $2, written_at = clock_timestamp(), gap_seconds = $3";
            let seconds = i32::try_from(gap.num_seconds()).unwrap_or(i32::MAX);
            let beat = diesel::sql_query(BEAT).bind::<BigInt, _>(seen.unwrap_or(0)).bind::<Timestamptz, _>(now).bind::<Integer, _>(seconds);
            beat.execute(&mut **tx).await?;
            Ok(before.beat.max(seen.unwrap_or(0)) + 1)
        })
        .await
}

/// Nothing since a moment is known any more.
pub async fn doubt(tx: &mut Tx, from: Time, now: Time) -> Result<()> {
    use pulse::dsl;
    let known: Option<Time> = dsl::pulse.find(true).select(dsl::uncertain_from).first(&mut **tx).await?;
    let from = known.map_or(from, |known| known.min(from));
    diesel::update(dsl::pulse.find(true)).set((dsl::uncertain_from.eq(from), dsl::uncertain_at.eq(now))).execute(&mut **tx).await?;
    tracing::warn!(%from, "the past is not known since then: nothing is paid until the gateway's list was compared");
    list_walk::look_back(tx, from).await?;
    jobs::enqueue(tx, Kind::ListSweep, PLATFORM, Uuid::nil(), now, now).await
}

/// Writes the pulse until told to stop. Begins with one that was written.
pub async fn keep(app: &App, first: i64, stop: CancellationToken) {
    let mut seen = first;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        match beat(app, Some(seen)).await {
            Ok(beat) => seen = beat,
            Err(error) => tracing::debug!(%error, "the pulse could not be written"),
        }
    }
}

/// Ends the uncertainty if the gateway's list was read over it and nothing that it shows is without a place. Gives when it is worth to look again;
/// none: nothing is uncertain, or people are to act.
pub async fn after_walk(app: &App, now: Time) -> Result<Option<Time>> {
    app.db
        .public(async |tx| {
            let Some(open) = lock(tx, None).await?.uncertainty() else { return Ok(None) };
            if !list_walk::was_read_until(tx, open.at + LISTED).await? {
                return Ok(Some((open.at + LISTED).max(now)));
            }
            let (count, sum) = breaks::open_money(tx, &[BreakKind::UnmatchedPayout, BreakKind::WalletShort]).await?;
            if count > 0 {
                let detail = json!({ "from": open.from, "to": open.at, "payouts": count });
                breaks::open(tx, BreakKind::PayoutsAfterRestore, REFERENCE, None, Some(sum), detail, now).await?;
                return Ok(None);
            }
            end(tx, "The gateway's list was compared.", now).await?;
            Ok(None)
        })
        .await
}

/// There is no list to compare with: people must.
pub async fn without_list(app: &App, now: Time) -> Result<()> {
    app.db
        .public(async |tx| {
            let Some(open) = lock(tx, None).await?.uncertainty() else { return Ok(()) };
            let detail =
                json!({ "from": open.from, "to": open.at, "why": "The gateway has no list. Compare by hand, then: netilyctl settlement end-uncertainty" });
            breaks::open(tx, BreakKind::PayoutsAfterRestore, REFERENCE, None, None, detail, now).await
        })
        .await
}

/// The past is known again.
pub async fn end(tx: &mut Tx, why: &str, now: Time) -> Result<()> {
    use pulse::dsl;
    diesel::update(dsl::pulse.find(true)).set((dsl::uncertain_from.eq(None::<Time>), dsl::uncertain_at.eq(None::<Time>))).execute(&mut **tx).await?;
    tracing::info!(why, "the past is known again");
    breaks::close(tx, BreakKind::PayoutsAfterRestore, REFERENCE, why, now).await.map(drop)
}

/// When the pulse was written last; none: no worker was ever there.
pub async fn last(tx: &mut Tx) -> Result<Option<Time>> {
    Ok(pulse::table.find(true).select(pulse::at).first(&mut **tx).await?)
}

/// Something that stood in the way got its place: the list is compared again at once.
pub async fn compare_soon(tx: &mut Tx, now: Time) -> Result<()> {
    jobs::enqueue(tx, Kind::ListSweep, PLATFORM, Uuid::nil(), now, now).await
}

/// Operators compared by hand, since the gateway has no list. False: a second one must say the same. Errors: STATE_CONFLICT when nothing is
/// uncertain.
pub async fn end_by_people(app: &App, by: UserId, note: &str) -> Result<bool> {
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            let certain = || Error::new(Reason::StateConflict, "Everything of the past is known.");
            let open = lock(tx, None).await?.uncertainty().ok_or_else(certain)?;
            // They agree on the same gap: one that came meanwhile is looked at by itself.
            let content = json!({ "from": open.from, "noticed": open.at });
            let ask = approvals::Ask { act: Act::EndUncertainty, subject: REFERENCE, isp: None, amount: None, content, note };
            let Approval::Given(_) = approvals::ask(tx, by, &ask, now).await? else { return Ok(false) };
            end(tx, note, now).await?;
            audit::record(tx, PLATFORM, By::User(by), "end_uncertainty", "", json!({ "from": open.from, "note": note }), now).await?;
            Ok(true)
        })
        .await
}
