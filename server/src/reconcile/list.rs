//! The gateway's list of transactions against our books: what is ours and not final is asked about, what the gateway charged is booked,
//! and money that is nobody's becomes a break.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::TimeDelta;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use tokio::time::Instant;
use uuid::Uuid;

use super::reversals;
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect;
use crate::collect::list_walk::{self, WalkKind};
use crate::error::{Error, Result};
use crate::gateways::payhero::{AskError, TransactionRow};
use crate::id::{IspId, PaymentId};
use crate::jobs::{self, Kind, Outcome};
use crate::ledger;
use crate::money::Money;
use crate::payments::State as PaymentState;
use crate::payments::store::{self, KeyKind};
use crate::settlement;
use crate::settlement::state::State;

const EVERY: TimeDelta = TimeDelta::minutes(5);
/// A walk that is not over goes on so soon: whoever waits for the lane has a turn between.
const GO_ON: TimeDelta = TimeDelta::seconds(1);
/// What one run reads at most: it ends long before the job's lease.
const PAGES_A_RUN: usize = 100;
const RUN: Duration = Duration::from_secs(25);
/// A list that was not read to its end for so long is a break.
const TOO_LONG: TimeDelta = TimeDelta::hours(2);
/// A row younger than this may belong to a request whose answer we are still waiting for.
const SETTLING: TimeDelta = TimeDelta::minutes(2);
/// The provider through whose wallet the money goes, so that its charges are taken from the money itself.
const WALLET: &str = "sasapay";

/// The job `list_sweep`: reads on where the last run stopped. Each page is used as it is read.
pub async fn list_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    let mut rest = Rest { pages: PAGES_A_RUN, until: Instant::now() + RUN };
    for kind in WalkKind::ALL {
        match walk(app, kind, &mut rest, now).await {
            Ok(true) => {}
            Ok(false) => {
                incomplete(app, kind, "The list is long.", now).await?;
                return Ok(Outcome::Again(now + GO_ON));
            }
            Err(Stopped::Gateway(AskError::NotOffered(_))) => {
                settlement::pulse::without_list(app, now).await?;
                return Ok(Outcome::Again(now + TimeDelta::hours(1)));
            }
            Err(Stopped::Gateway(cause)) => {
                incomplete(app, kind, &cause.to_string(), now).await?;
                return Ok(Outcome::Retry(now + EVERY, cause.to_string()));
            }
            Err(Stopped::Ours(error)) => {
                incomplete(app, kind, "A row could not be used.", now).await?;
                return Err(error);
            }
        }
    }
    // Until the past is known again nobody is paid: as soon as can be.
    let again = settlement::pulse::after_walk(app, now).await?.map_or(now + EVERY, |at| at.max(now + GO_ON).min(now + EVERY));
    Ok(Outcome::Again(again))
}

/// What is left of a run.
struct Rest {
    pages: usize,
    until: Instant,
}

impl Rest {
    fn take_page(&mut self) -> bool {
        let left = self.pages > 0 && Instant::now() < self.until;
        self.pages = self.pages.saturating_sub(1);
        left
    }
}

/// Why a walk stopped in its middle.
enum Stopped {
    Gateway(AskError),
    Ours(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Ours(error)
    }
}

/// Goes on with a walk, or begins one that is due. False: the run is over before the walk.
async fn walk(app: &App, kind: WalkKind, rest: &mut Rest, now: Time) -> Result<bool, Stopped> {
    let stands = app.db.public(async |tx| list_walk::read(tx, kind).await).await?;
    let Some((begun_at, mut place)) = stands.under_way().or_else(|| stands.due(kind, now).map(|place| (now, place))) else { return Ok(true) };
    app.db.public(async |tx| list_walk::keep(tx, kind, begun_at, place).await).await?;
    while rest.take_page() {
        let (rows, next) = app.payhero.walk(place).await.map_err(Stopped::Gateway)?;
        take(app, &rows, now).await?;
        let Some(next) = next else {
            app.db
                .public(async |tx| {
                    list_walk::complete(tx, kind, begun_at, now).await?;
                    breaks::close(tx, BreakKind::ListIncomplete, kind.as_str(), "The list was read to its end.", now).await.map(drop)
                })
                .await?;
            return Ok(true);
        };
        place = next;
        app.db.public(async |tx| list_walk::keep(tx, kind, begun_at, place).await).await?;
    }
    Ok(false)
}

/// A run ended before its walk. After a while people are told: nothing is compared with the gateway meanwhile.
async fn incomplete(app: &App, kind: WalkKind, why: &str, now: Time) -> Result<()> {
    app.db
        .public(async |tx| {
            let since = list_walk::not_complete(tx, kind, now).await?;
            if now < since + TOO_LONG {
                return Ok(());
            }
            let stands = list_walk::read(tx, kind).await?;
            let detail =
                serde_json::json!({ "since": since, "read_until": stands.read_until, "page": stands.under_way().map(|(_, place)| place.page), "why": why });
            breaks::open(tx, BreakKind::ListIncomplete, kind.as_str(), None, None, detail, now).await
        })
        .await
}

/// Uses the rows of a page. What is looked up for all of them is looked up at once.
async fn take(app: &App, rows: &[TransactionRow], now: Time) -> Result<()> {
    let references: Vec<&str> = rows.iter().filter_map(|row| row.transaction_reference.as_deref()).collect();
    if references.is_empty() {
        return Ok(());
    }
    let owners = app.db.public(async |tx| store::key_owners(tx, KeyKind::Reference, &references).await).await?;
    let (mut charges, mut came, mut left, mut strange) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let (Some(reference), Some(amount)) = (row.transaction_reference.as_deref(), row.amount_minor.filter(|amount| *amount != 0)) else { continue };
        let amount = Money::from_minor(amount);
        let takes = amount < Money::ZERO || reversals::is_reversal(row);
        match owners.get(reference) {
            Some(owner) if row.is_charge() => charges.push((*owner, amount)),
            Some(owner) if takes => left.push((*owner, row, amount)),
            Some((isp, subject)) => came.push((*isp, PaymentId::from(*subject))),
            None if row.is_charge() || row.created_at.is_some_and(|at| at >= now - SETTLING) => {}
            None if takes => strange.push((row, reference, amount)),
            None if joined(app, row).await => {}
            None => nobodys(app, row, reference, amount, now).await?,
        }
    }
    book_charges(app, &charges, now).await?;
    wake_payments(app, &came, now).await?;
    for ((isp, subject), row, amount) in left {
        // What leaves under a name of ours is a settlement, or takes back what came in.
        let is_payout = wake_settlement(app, isp, subject, now).await?;
        if is_payout && amount > Money::ZERO {
            reversals::without_place(app, row, amount, now).await?;
        } else if !is_payout && !reversals::seen(app, (isp, subject), row, amount, now).await? {
            reversals::of_repair(app, subject, row, amount, now).await?;
        }
    }
    let named = reversals::named(app, &strange.iter().map(|(row, ..)| *row).collect::<Vec<_>>()).await?;
    for (row, reference, amount) in strange {
        let is_ours = match named.get(&reversals::name(row)) {
            Some(owner) => reversals::seen(app, *owner, row, amount, now).await?,
            None => false,
        };
        if !is_ours {
            nobodys(app, row, reference, amount, now).await?;
            settlement::found_in_list(app, row, now).await?;
        }
    }
    Ok(())
}

async fn nobodys(app: &App, row: &TransactionRow, reference: &str, amount: Money, now: Time) -> Result<()> {
    let kind = if amount > Money::ZERO { BreakKind::UnmatchedCollection } else { BreakKind::UnmatchedPayout };
    let detail = serde_json::json!({ "transaction_type": row.transaction_type, "provider_reference": row.provider_reference, "description": row.description });
    app.db.public(async |tx| breaks::open(tx, kind, reference, None, Some(amount), detail, now).await).await
}

/// Whether a row could be joined with the one payment that it can be. What cannot be asked now is asked in the next turn.
async fn joined(app: &App, row: &TransactionRow) -> bool {
    collect::join_by_amount(app, row).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a row of the gateway's list could not be joined with a payment");
        false
    })
}

/// Books what the gateway charged for payments and settlements, each once. Charges of another wallet than the money's are not ours to book.
async fn book_charges(app: &App, charges: &[((IspId, Uuid), Money)], now: Time) -> Result<()> {
    #[derive(diesel::QueryableByName)]
    struct Booked {
        #[diesel(sql_type = SqlUuid)]
        reference: Uuid,
    }
    const BOOKED: &str = "
        SELECT t.reference FROM unnest($1, $2) i (isp, subject)
        JOIN tenant.ledger_transaction t ON t.tenant_id = i.isp AND t.kind = 'GATEWAY_FEE' AND t.reference = i.subject";
    if charges.is_empty() || app.config.payhero.provider != WALLET {
        return Ok(());
    }
    let (isps, subjects): (Vec<IspId>, Vec<Uuid>) = charges.iter().map(|(owner, _)| *owner).unzip();
    let booked: Vec<Booked> = app
        .db
        .across(async |tx| {
            let query = diesel::sql_query(BOOKED).bind::<Array<SqlUuid>, _>(&isps).bind::<Array<SqlUuid>, _>(&subjects);
            Ok(query.load(&mut **tx).await?)
        })
        .await?;
    let booked: HashSet<Uuid> = booked.into_iter().map(|row| row.reference).collect();
    let fresh: HashMap<(IspId, Uuid), Money> = charges.iter().filter(|((_, subject), _)| !booked.contains(subject)).copied().collect();
    for ((isp, subject), amount) in fresh {
        app.db.tx(isp, async |tx| ledger::post(tx, isp, &ledger::fee(amount.negated()), subject, now).await.map(drop)).await?;
    }
    Ok(())
}

/// Payments of ours stand in the list as paid: those that are not, whatever we think of them and however old they are, are asked about.
async fn wake_payments(app: &App, came: &[(IspId, PaymentId)], now: Time) -> Result<()> {
    if came.is_empty() {
        return Ok(());
    }
    let found = app.db.surely(async |tx| store::find_many(tx, came).await).await?;
    for (isp, payment) in came.iter().zip(found).filter_map(|((isp, _), payment)| Some((*isp, payment?))) {
        if payment.state != PaymentState::Succeeded {
            app.db.public(async |tx| jobs::enqueue(tx, Kind::Check, isp, payment.id.uuid(), now, now).await).await?;
        }
    }
    Ok(())
}

/// A settlement of ours stands in the list as money that left. Whatever we think of it, it is asked about, also when it had failed. False:
/// it is no settlement.
async fn wake_settlement(app: &App, isp: IspId, id: Uuid, now: Time) -> Result<bool> {
    app.db
        .tx(isp, async |tx| {
            let Some(found) = settlement::store::find(tx, isp, id.into()).await? else { return Ok(false) };
            if found.state()? != State::Completed {
                jobs::enqueue(tx, Kind::SettlementCheck, isp, id, now, now).await?;
            }
            Ok(true)
        })
        .await
}
