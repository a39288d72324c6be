//! Saying that money belongs to nobody: it is in the books, on an account of its own. What the gateway said of a payment and nobody believes
//! is dismissed: nothing was booked, and nothing is.

use serde_json::json;

use super::adopt::close;
use super::store::{self, Done, Kind, Operators, Repair};
use super::unmatched::{self, Place};
use crate::app::App;
use crate::approvals::{Act, Ask};
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{PLATFORM, RowId, UserId};
use crate::ledger;

/// Writes money off. Errors: NOT_FOUND when no money without an owner has this reference.
pub async fn write_off(app: &App, by: UserId, reference: &str, note: &str) -> Result<Done> {
    let now = app.clock.now();
    app.db.tx(PLATFORM, async |tx| write_off_in(app, tx, by, reference, note, now).await).await
}

async fn write_off_in(app: &App, tx: &mut Tx, by: UserId, reference: &str, note: &str, now: Time) -> Result<Done> {
    let found = unmatched::lock(tx, reference).await?;
    let content = json!({ "amount_minor": found.amount.minor() });
    let request = Ask { act: Act::WriteOff, subject: reference, isp: None, amount: Some(found.amount), content, note };
    let operators = match store::operators(app, tx, by, &request, false, now).await? {
        Operators::Are(operators) => operators,
        Operators::NeedAnother(request) => return Ok(Done::Waiting(request)),
    };
    let id = RowId::sortable(now);
    let dismissed = found.payment.is_some();
    if !dismissed {
        unmatched::take_key(tx, &found, PLATFORM, id.uuid(), now).await?;
        if let Place::Suspense(before) = found.place {
            ledger::post(tx, PLATFORM, &ledger::suspense_release(found.amount), before.uuid(), now).await?;
        }
        ledger::post(tx, PLATFORM, &ledger::write_off(found.amount), id.uuid(), now).await?;
    }
    let repair = Repair {
        id,
        kind: if dismissed { Kind::Dismissed } else { Kind::WriteOff },
        isp_id: None,
        payment_id: found.payment,
        gateway_reference: found.reference.clone(),
        receipt: found.receipt.clone(),
        amount_minor: found.amount,
        note: note.to_owned(),
        evidence: found.evidence.clone(),
        operators,
        at: now,
    };
    store::write(tx, &repair).await?;
    close(tx, &found, &by.to_string(), note, now).await?;
    let facts = json!({ "reference": reference, "amount_minor": found.amount.minor() });
    audit::record(tx, PLATFORM, By::User(by), "write_off", &id.to_string(), facts, now).await?;
    Ok(Done::Now(Box::new(repair)))
}
