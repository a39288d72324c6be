//! Booking what the hotspot sold. Successes that come at the same time, of any ISPs, are booked in one transaction: what it costs is paid
//! once for all of them.

use diesel_async::RunQueryDsl;

use super::confirm::{ASK_FOR, ASKED_OFTEN};
use crate::clock::Time;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::hotspot;
use crate::id::{IspId, JobId, LedgerId, RowId};
use crate::jobs::Kind;
use crate::payments::store::{Observation, Seen};
use crate::payments::{Event, Payment, Purpose, State, next, split};
use crate::schema::functions;
use crate::together::{self, Together};

/// A hotspot payment that the gateway says is paid.
#[derive(Clone, Debug)]
pub struct Success {
    /// Whose.
    pub isp: IspId,
    /// As it was read, without a lock, when the question was asked. Its state is the fence.
    pub payment: Payment,
    /// What the gateway said.
    pub observation: Observation,
    /// When it was asked, to close the callbacks that came until then; `None` leaves them.
    pub asked_at: Option<Time>,
    /// Now.
    pub now: Time,
}

impl Success {
    /// Whether nothing about it needs a closer look, as far as it was read.
    fn is_plain(&self) -> bool {
        let Success { payment, observation, now, .. } = self;
        payment.purpose == Purpose::Hotspot
            && observation.seen == Seen::Success
            && next(payment.state, Event::SeenSuccess) == State::Succeeded
            && payment.state != State::Succeeded
            && observation.amount.is_none_or(|seen| seen == payment.amount)
            && payment.polls < ASKED_OFTEN
            && *now < payment.created_at + ASK_FOR
    }
}

/// What became of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// All of it is written.
    Credited,
    /// Another payment has its receipt.
    ReceiptReused,
    /// The payment is in another state meanwhile, or somebody has it locked.
    Stale,
    /// A callback names another amount.
    Contradicted,
}

impl Booked {
    /// From what the database says.
    pub(super) fn parse(text: &str) -> Result<Booked> {
        match text {
            "BOOKED" => Ok(Booked::Credited),
            "RECEIPT_REUSED" => Ok(Booked::ReceiptReused),
            "STALE" => Ok(Booked::Stale),
            "CONTRADICTED" => Ok(Booked::Contradicted),
            other => Err(Error::internal(format!("booking said {other:?}"))),
        }
    }
}

/// Where successes gather to be booked together.
pub struct Bookings {
    successes: Together<Success, bool>,
}

impl Bookings {
    /// The tasks that book. They end with it.
    pub fn start(db: Db) -> Bookings {
        let book = move |lot: Vec<Success>| {
            let db = db.clone();
            async move {
                failpoint::reached("check", "confirming");
                match db.statement(async |tx| book(tx, &lot).await).await {
                    Ok(booked) => booked.into_iter().map(|booked| booked == Booked::Credited).collect(),
                    Err(error) => {
                        // One of them spoils it for all, so each goes its own way.
                        tracing::warn!(payments = lot.len(), %error, "payments could not be booked together");
                        vec![false; lot.len()]
                    }
                }
            }
        };
        Bookings { successes: Together::start(together::MOST, book) }
    }

    /// Books a success if nothing about it is special. False: nothing was written, and it is to be looked at alone.
    pub async fn book(&self, success: &Success) -> Result<bool> {
        if !success.is_plain() {
            return Ok(false);
        }
        // An ISP's balance is one row: its payments wait for each other in a line, and not for the row's lock.
        self.successes.ask(success.clone()).await
    }
}

/// Observation, receipt, state, credit, session and router of each, in one call, which keeps its plan: this is the hottest act there is.
/// What is not `Credited` is as it was.
pub(super) async fn book(tx: &mut Tx, lot: &[Success]) -> Result<Vec<Booked>> {
    let Some(now) = lot.iter().map(|success| success.now).max() else { return Ok(Vec::new()) };
    let act = functions::book_hotspot_payments(
        lot.iter().map(|success| success.isp).collect::<Vec<_>>(),
        lot.iter().map(|success| success.payment.id).collect::<Vec<_>>(),
        lot.iter().map(|success| success.payment.state.as_str()).collect::<Vec<_>>(),
        lot.iter().map(|_| RowId::sortable(now)).collect::<Vec<_>>(),
        lot.iter().map(|success| success.observation.source.as_str()).collect::<Vec<_>>(),
        lot.iter().map(|success| success.observation.amount).collect::<Vec<_>>(),
        lot.iter().map(|success| success.observation.receipt.as_deref()).collect::<Vec<_>>(),
        lot.iter().map(|success| &success.observation.body).collect::<Vec<_>>(),
        lot.iter().map(|success| success.asked_at).collect::<Vec<_>>(),
        lot.iter().map(|_| LedgerId::sortable(now)).collect::<Vec<_>>(),
        lot.iter().map(|success| success.payment.amount).collect::<Vec<_>>(),
        lot.iter().map(|success| split(success.payment.amount, success.payment.rate).commission).collect::<Vec<_>>(),
        lot.iter().map(|_| JobId::sortable(now)).collect::<Vec<_>>(),
        Kind::RouterSync.lane().as_str(),
        Kind::RouterSync.as_str(),
        now,
    );
    let said: Vec<String> = diesel::select(act).get_result(&mut **tx).await?;
    let mut booked = Vec::with_capacity(lot.len());
    for pair in said.chunks_exact(2) {
        let [became, session] = pair else { continue };
        booked.push(Booked::parse(became)?);
        if !session.is_empty() {
            hotspot::granted(tx, session.parse::<uuid::Uuid>().map_err(Error::internal)?.into());
        }
    }
    if booked.len() == lot.len() { Ok(booked) } else { Err(Error::internal(format!("booking {} said {said:?}", lot.len()))) }
}
