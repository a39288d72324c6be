//! What two operators say of payouts that were sent in a past which the database does not know.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::confirm::{Fault, Unpaid, release_for};
use super::send::{accept, paid_already};
use super::state::{Event, State};
use super::store::{self, Kind, Settlement};
use super::tell::{Notice, TakenBack};
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, SettlementId};
use crate::money::Money;
use crate::payments::store::{KeyKind, key_owner};
use crate::schema::settlement;

/// A settlement was paid under this name of the gateway's, which is asked about it then. Errors: STATE_CONFLICT when it does not fit.
pub async fn was_paid_as(tx: &mut Tx, isp: IspId, id: SettlementId, reference: &str, amount: Money, now: Time) -> Result<()> {
    let conflict = |sentence: String| Error::new(Reason::StateConflict, sentence);
    let of = store::lock(tx, isp, id).await?.ok_or_else(|| Error::not_found("settlement"))?;
    if of.amount_minor != amount {
        return Err(conflict(format!("The settlement is of KES {}, and KES {amount} left.", of.amount_minor)));
    }
    if of.gateway_reference.is_some() || of.state()? == State::Completed {
        return Err(conflict("The gateway gave this settlement another reference: this money is another one's.".to_owned()));
    }
    if of.state()? == State::Pending {
        paid_already(tx, isp, id, now, now).await?;
    }
    let of = store::lock(tx, isp, id).await?.ok_or_else(|| Error::not_found("settlement"))?;
    if accept(tx, isp, &of, reference, now).await? { Ok(()) } else { Err(conflict("Somebody gave this money a place a moment ago.".to_owned())) }
}

/// Payouts of an ISP that were set aside and not sent are given back: what they were reckoned from was wrong.
pub async fn take_back_waiting(app: &App, tx: &mut Tx, isp: IspId, now: Time) -> Result<()> {
    let pending = settlement::table.filter(settlement::tenant_id.eq(isp).and(settlement::state.eq(State::Pending.as_str())));
    let pending = pending.filter(settlement::kind.eq(Kind::Settlement.as_str())).select(Settlement::as_select());
    for of in pending.for_update().load(&mut **tx).await? {
        let notice = Notice::TakenBack { amount: of.amount_minor, why: TakenBack::Held };
        let why = "It was not sent: a payout that the books did not know was found.";
        release_for(app, tx, isp, &of, Event::Withdrawn, Unpaid { why, fault: Fault::Withdrawn, notice }, now).await?;
    }
    Ok(())
}

/// The journal says that a settlement was sent then, and under which name the gateway took it, if it did. One of which that is known is left.
pub async fn was_sent(tx: &mut Tx, isp: IspId, id: SettlementId, at: Time, reference: Option<&str>, now: Time) -> Result<()> {
    paid_already(tx, isp, id, at, now).await?;
    let Some(of) = store::lock(tx, isp, id).await?.filter(|of| of.gateway_reference.is_none()) else { return Ok(()) };
    match reference {
        Some(reference) if key_owner(tx, KeyKind::Reference, reference).await?.is_none() => accept(tx, isp, &of, reference, now).await.map(drop),
        _ => Ok(()),
    }
}
