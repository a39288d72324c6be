//! Makes the payments of a lost time anew from the journal, so that the gateway's answers settle them to the right ISP. Nothing is sent, and
//! nothing is credited here: each payment stands as one whose answer got lost, and is asked about. May be run again.

use std::collections::HashMap;
use std::path::Path;

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::app::App;
use crate::clock::Time;
use crate::collect;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, PaymentId, SettlementId};
use crate::isp;
use crate::journal::{self, Event, Line};
use crate::money::Money;
use crate::payments::store as payment_store;
use crate::payments::store::{KeyKind, key_owner};
use crate::settlement;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Payments that were made anew.
    pub made: usize,
    /// Payments that are there, with what the journal says of them.
    pub known: usize,
    /// Payouts that are there and were sent.
    pub payouts: usize,
    /// Lines that could not be read.
    pub torn: usize,
    /// What people must do.
    pub left: Vec<String>,
}

impl Replayed {
    /// What an operator reads.
    pub fn text(&self) -> String {
        let Replayed { made, known, payouts, torn, left } = self;
        let left: String = left.iter().map(|line| format!("- {line}\n")).collect();
        format!(
            "{made} payments were made anew and are asked about; {known} are known; {payouts} payouts were sent before; {torn} lines could not be read.\n{left}"
        )
    }
}

/// Reads the journal of a folder and makes what is missing.
pub async fn replay(app: &App, folder: &Path) -> Result<Replayed> {
    let (lines, torn) = journal::read(folder).map_err(Error::internal)?;
    let mut done = Replayed { torn, ..Replayed::default() };
    let mut taken: HashMap<Uuid, (String, Option<String>)> = HashMap::new();
    for line in &lines {
        match &line.event {
            Event::PromptTaken { reference, checkout_id } => drop(taken.insert(line.id, (reference.clone(), checkout_id.clone()))),
            Event::PayoutTaken { reference } => drop(taken.insert(line.id, (reference.clone(), None))),
            Event::Prompt { .. } | Event::Payout { .. } => {}
        }
    }
    for line in &lines {
        let (isp, name) = (IspId::from(line.isp), taken.get(&line.id));
        match &line.event {
            Event::Prompt { sealed, external_reference, amount_minor } => match payment(app, isp, line, sealed, name).await {
                Ok(true) => done.made += 1,
                Ok(false) => done.known += 1,
                Err(error) => {
                    let amount = Money::from_minor(*amount_minor);
                    done.left.push(format!("payment {external_reference} of KES {amount} could not be made: {error}"));
                }
            },
            Event::Payout { amount_minor, .. } => match payout(app, isp, line, Money::from_minor(*amount_minor), name).await? {
                None => done.payouts += 1,
                Some(what) => done.left.push(what),
            },
            Event::PromptTaken { .. } | Event::PayoutTaken { .. } => {}
        }
    }
    Ok(done)
}

async fn payment(app: &App, isp: IspId, line: &Line, sealed: &str, name: Option<&(String, Option<String>)>) -> Result<bool> {
    let now = app.clock.now();
    let rows = app.seal.open(&collect::sealed_row(line.id), &hex::decode(sealed).map_err(Error::internal)?)?;
    let id = PaymentId::from(line.id);
    app.db
        .tx(isp, async |tx| {
            let is_new = payment_store::find(tx, isp, id).await?.is_none();
            if is_new {
                insert(tx, rows.expose_secret()).await?;
            }
            collect::may_have_been_sent(tx, isp, id, now).await?;
            if let Some((reference, checkout_id)) = name
                && key_owner(tx, KeyKind::Reference, reference).await?.is_none()
                && let Some(payment) = payment_store::lock(tx, isp, id).await?
            {
                collect::accept(tx, isp, &payment, reference, checkout_id.as_deref(), now).await?;
            }
            Ok(is_new)
        })
        .await
}

/// Writes the rows of a payment as they were before its prompt was sent.
async fn insert(tx: &mut Tx, rows: &str) -> Result<()> {
    const INSERT: [&str; 3] = [
        "INSERT INTO tenant.payment SELECT (jsonb_populate_record(null::tenant.payment, $1::jsonb -> 'payment' ||
           '{\"state\": \"CREATED\", \"claim_token\": null, \"claim_until\": null, \"submitted_at\": null}')).*",
        "INSERT INTO tenant.hotspot_session SELECT (jsonb_populate_record(null::tenant.hotspot_session, $1::jsonb -> 'session')).*
           WHERE jsonb_typeof($1::jsonb -> 'session') = 'object'",
        "INSERT INTO tenant.customer_payment SELECT (jsonb_populate_record(null::tenant.customer_payment, $1::jsonb -> 'customer')).*
           WHERE jsonb_typeof($1::jsonb -> 'customer') = 'object'",
    ];
    for insert in INSERT {
        diesel::sql_query(insert).bind::<Text, _>(rows).execute(&mut **tx).await?;
    }
    Ok(())
}

/// A payout that was sent; what people must do when its settlement is lost.
async fn payout(app: &App, isp: IspId, line: &Line, amount: Money, name: Option<&(String, Option<String>)>) -> Result<Option<String>> {
    let (now, id): (Time, _) = (app.clock.now(), SettlementId::from(line.id));
    let reference = name.map(|(reference, _)| reference.as_str());
    app.db
        .tx(isp, async |tx| {
            if settlement::store::find(tx, isp, id).await?.is_some() {
                settlement::was_sent(tx, isp, id, line.at, reference, now).await?;
                return Ok(None);
            }
            let slug = isp::label(tx, isp).await?;
            Ok(Some(match reference {
                Some(reference) => format!("KES {amount} were sent to {slug}: netilyctl settlement adopt {reference} {slug} --note …, if its list shows it"),
                None => format!("KES {amount} may have been sent to {slug} at {}; look at the gateway's list", line.at),
            }))
        })
        .await
}
