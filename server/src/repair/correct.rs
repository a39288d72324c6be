//! Two operators correct what an ISP is owed, or book what Netily's owner put into the wallet or took out of it.

use serde_json::json;

use super::store::{self, Done, Kind, Operators, Repair};
use super::unmatched;
use crate::app::App;
use crate::approvals::{Act, Ask};
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PLATFORM, RowId, UserId};
use crate::ledger::{self, OwnerMovement};
use crate::money::Money;

/// Corrects what an ISP is owed: more than nothing in its favour. Always by two operators.
pub async fn adjust(app: &App, by: UserId, isp: IspId, in_favour: Money, note: &str) -> Result<Done> {
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            let content = json!({ "in_favour_minor": in_favour.minor() });
            let request = Ask { act: Act::Adjustment, subject: &isp.to_string(), isp: Some(isp), amount: Some(in_favour), content, note };
            let operators = match store::operators(app, tx, by, &request, true, now).await? {
                Operators::Are(operators) => operators,
                Operators::NeedAnother(request) => return Ok(Done::Waiting(request)),
            };
            tx.act_for(isp).await?;
            let repair = Repair { isp_id: Some(isp), ..plain(Kind::Adjustment, in_favour, note, operators, now) };
            ledger::post(tx, isp, &ledger::adjustment(in_favour), repair.id.uuid(), now).await?;
            store::write(tx, &repair).await?;
            let facts = json!({ "in_favour_minor": in_favour.minor(), "note": note });
            audit::record(tx, isp, By::User(by), "adjust_balance", &repair.id.to_string(), facts, now).await?;
            Ok(Done::Now(Box::new(repair)))
        })
        .await
}

fn plain(kind: Kind, amount: Money, note: &str, operators: Vec<uuid::Uuid>, now: Time) -> Repair {
    Repair {
        id: RowId::sortable(now),
        kind,
        isp_id: None,
        payment_id: None,
        gateway_reference: None,
        receipt: None,
        amount_minor: amount,
        note: note.to_owned(),
        evidence: json!({}),
        operators,
        at: now,
    }
}

/// Netily's own money on its way.
#[derive(Clone, Debug)]
pub struct Movement {
    /// Which way.
    pub way: OwnerMovement,
    /// How much.
    pub amount: Money,
    /// The gateway's reference of the row that shows it, if it stands open as unmatched.
    pub reference: Option<String>,
    /// What it was.
    pub note: String,
}

/// Books Netily's own money into or out of the wallet. Always by two operators.
pub async fn record_movement(app: &App, by: UserId, ask: &Movement) -> Result<Done> {
    let now = app.clock.now();
    app.db.tx(PLATFORM, async |tx| move_in(app, tx, by, ask, now).await).await
}

async fn move_in(app: &App, tx: &mut Tx, by: UserId, ask: &Movement, now: Time) -> Result<Done> {
    let (word, signed) = match ask.way {
        OwnerMovement::In => ("in", ask.amount),
        OwnerMovement::Out => ("out", ask.amount.negated()),
    };
    let found = match &ask.reference {
        Some(reference) => Some(unmatched::lock(tx, reference).await?),
        None => None,
    };
    if let Some(found) = found.as_ref().filter(|found| found.amount != signed || found.payment.is_some()) {
        return Err(Error::new(Reason::StateConflict, format!("The gateway's row is of KES {}; say the same amount and way.", found.amount)));
    }
    let subject = ask.reference.clone().unwrap_or_else(|| format!("{word} {}", ask.amount));
    let content = json!({ "way": word, "amount_minor": ask.amount.minor() });
    let request = Ask { act: Act::OwnerMovement, subject: &subject, isp: None, amount: Some(ask.amount), content, note: &ask.note };
    let operators = match store::operators(app, tx, by, &request, true, now).await? {
        Operators::Are(operators) => operators,
        Operators::NeedAnother(request) => return Ok(Done::Waiting(request)),
    };
    let plain = plain(Kind::OwnerMovement, signed, &ask.note, operators, now);
    let repair = match &found {
        Some(found) => Repair { gateway_reference: found.reference.clone(), receipt: found.receipt.clone(), evidence: found.evidence.clone(), ..plain },
        None => plain,
    };
    if let Some(found) = &found {
        unmatched::take_key(tx, found, PLATFORM, repair.id.uuid(), now).await?;
        if let unmatched::Place::Suspense(before) = found.place {
            ledger::post(tx, PLATFORM, &ledger::suspense_release(found.amount), before.uuid(), now).await?;
        }
        super::adopt::close(tx, found, &by.to_string(), &ask.note, now).await?;
    }
    ledger::post(tx, PLATFORM, &ledger::owner_movement(ask.way, ask.amount), repair.id.uuid(), now).await?;
    store::write(tx, &repair).await?;
    let facts = json!({ "way": word, "amount_minor": ask.amount.minor(), "reference": ask.reference });
    audit::record(tx, PLATFORM, By::User(by), "record_owner_movement", &repair.id.to_string(), facts, now).await?;
    Ok(Done::Now(Box::new(repair)))
}
