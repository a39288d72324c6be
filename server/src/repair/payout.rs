//! A payout that the books do not know was ours: the database is an older one than that from which it was sent. It belongs to a settlement that
//! the books do know, which is asked about then as any other; or the settlement is lost, and the ISP was paid.

use serde_json::json;

use super::adopt::close;
use super::store::{self, Done, Kind, Operators, Repair};
use super::unmatched;
use crate::app::App;
use crate::approvals::{Act, Ask};
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PLATFORM, RowId, SettlementId, UserId};
use crate::ledger;
use crate::money::Money;
use crate::settlement;

/// Whose it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidTo {
    /// A settlement that was not sent as far as the books know.
    Settlement(IspId, SettlementId),
    /// An ISP's, by a settlement that is lost.
    Isp(IspId),
}

/// Gives money that left its place in the books. Always by two operators. Errors: NOT_FOUND when no such money is open; STATE_CONFLICT when it
/// does not fit.
pub async fn adopt_payout(app: &App, by: UserId, reference: &str, to: PaidTo, note: &str) -> Result<Done> {
    let now = app.clock.now();
    app.db.tx(PLATFORM, async |tx| adopt_in(app, tx, by, (reference, to, note), now).await).await
}

async fn adopt_in(app: &App, tx: &mut Tx, by: UserId, (reference, to, note): (&str, PaidTo, &str), now: Time) -> Result<Done> {
    let found = unmatched::lock(tx, reference).await?;
    if found.amount >= Money::ZERO || found.payment.is_some() {
        return Err(Error::new(Reason::StateConflict, "This is not money that went out. See `collection adopt`."));
    }
    let (isp, target) = match to {
        PaidTo::Settlement(isp, id) => (isp, id.to_string()),
        PaidTo::Isp(isp) => (isp, isp.to_string()),
    };
    let content = json!({ "target": target, "amount_minor": found.amount.minor() });
    let request = Ask { act: Act::AdoptPayout, subject: reference, isp: Some(isp), amount: Some(found.amount), content, note };
    let operators = match store::operators(app, tx, by, &request, true, now).await? {
        Operators::Are(operators) => operators,
        Operators::NeedAnother(request) => return Ok(Done::Waiting(request)),
    };
    tx.act_for(isp).await?;
    let id = RowId::sortable(now);
    let left = found.amount.negated();
    match to {
        PaidTo::Settlement(isp, settlement) => settlement::was_paid_as(tx, isp, settlement, reference, left, now).await?,
        PaidTo::Isp(isp) => {
            // What waits to be sent was reckoned without it.
            settlement::take_back_waiting(app, tx, isp, now).await?;
            unmatched::take_key(tx, &found, isp, id.uuid(), now).await?;
            ledger::post(tx, isp, &ledger::adopted_payout(left), id.uuid(), now).await?;
        }
    }
    let repair = Repair {
        id,
        kind: if matches!(to, PaidTo::Isp(_)) { Kind::PayoutAdopted } else { Kind::SettlementFound },
        isp_id: Some(isp),
        payment_id: None,
        gateway_reference: Some(reference.to_owned()),
        receipt: found.receipt.clone(),
        amount_minor: found.amount,
        note: note.to_owned(),
        evidence: json!({ "target": target, "listed": found.evidence }),
        operators,
        at: now,
    };
    store::write(tx, &repair).await?;
    close(tx, &found, &by.to_string(), note, now).await?;
    // If that was the last of it, nobody waits any longer.
    settlement::pulse::compare_soon(tx, now).await?;
    let facts = json!({ "reference": reference, "target": target, "amount_minor": found.amount.minor() });
    audit::record(tx, isp, By::User(by), "adopt_payout", &id.to_string(), facts, now).await?;
    Ok(Done::Now(Box::new(repair)))
}
