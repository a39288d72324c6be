//! The payment of a purchase went back: what it bought ends. Joins the transaction that books that.

use diesel::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, PaymentId, RouterId, SessionId};
use crate::jobs::{self, Kind};
use crate::router;
use crate::wake::Wake;

#[derive(diesel::QueryableByName)]
struct TakenBack {
    #[diesel(sql_type = SqlUuid)]
    session: SessionId,
    #[diesel(sql_type = SqlUuid)]
    router: RouterId,
    #[diesel(sql_type = diesel::sql_types::Nullable<Timestamptz>)]
    ends: Option<Time>,
}

/// Ends the session of a payment at once, or takes the payment's part from the session of the same device that has its time. One that is over
/// stays as it was.
pub async fn take_back(tx: &mut Tx, isp: IspId, payment: PaymentId, now: Time) -> Result<()> {
    let taken: Option<TakenBack> = diesel::sql_query("SELECT session, router, ends FROM tenant.take_back_session($1, $2, $3) WHERE session IS NOT NULL")
        .bind::<SqlUuid, _>(isp)
        .bind::<SqlUuid, _>(payment)
        .bind::<Timestamptz, _>(now)
        .get_result(&mut **tx)
        .await
        .optional()?;
    let Some(taken) = taken else { return Ok(()) };
    if let Some(ends) = taken.ends {
        jobs::enqueue(tx, Kind::SessionEnd, isp, taken.session.uuid(), ends, now).await?;
    }
    router::allow(tx, isp, taken.router, now).await?;
    tx.wake(Wake::Purchase(taken.session));
    Ok(())
}
