//! Messages hold what people are called and where they are reached: that goes after 90 days, and at once for somebody who asks for
//! it. The rows stay, so that what was sent can be counted.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, UserId};
use crate::notify::message::State;
use crate::schema::{isp, message, message_receipt};

/// How long staff may read whom was written what.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Providers report within days.
const REPORTS_COME: TimeDelta = TimeDelta::days(7);

/// Forgets what is in the messages of one person; those that wait are not sent any more.
pub async fn forget(tx: &mut Tx, tenant: IspId, user: UserId) -> Result<()> {
    let theirs = message::tenant_id.eq(tenant).and(message::user_id.eq(user));
    diesel::update(message::table.filter(theirs).filter(message::state.eq(State::Queued.as_str())))
        .set((message::state.eq(State::Failed.as_str()), message::problem.eq("its person was erased")))
        .execute(&mut **tx)
        .await?;
    diesel::update(message::table.filter(theirs)).set(nothing()).execute(&mut **tx).await?;
    Ok(())
}

/// Forgets what is old, in every ISP. Part of the job `tidy`.
pub async fn tidy(app: &App, now: Time) -> Result<()> {
    let (old, reported) = (now - KEPT, now - REPORTS_COME);
    let tenants: Vec<IspId> = app
        .db
        .across(async |tx| {
            let kept = message::table.filter(message::tenant_id.eq(isp::id).and(message::created_at.lt(old)).and(message::recipient.ne("")));
            Ok(isp::table.filter(diesel::dsl::exists(kept)).select(isp::id).load(&mut **tx).await?)
        })
        .await?;
    for tenant in tenants {
        app.db
            .tx(tenant, async |tx| {
                let mine = message::table.filter(message::tenant_id.eq(tenant).and(message::created_at.lt(old)).and(message::recipient.ne("")));
                diesel::update(mine).set(nothing()).execute(&mut **tx).await?;
                Ok(())
            })
            .await?;
    }
    app.db
        .public(async |tx| {
            diesel::delete(message_receipt::table.filter(message_receipt::created_at.lt(reported))).execute(&mut **tx).await?;
            Ok(())
        })
        .await
}

/// What is left of a message that was forgotten.
#[expect(clippy::type_complexity, reason = "the type of an assignment is its list of columns")]
fn nothing() -> (
    diesel::dsl::Eq<message::recipient, &'static str>,
    diesel::dsl::Eq<message::subject, &'static str>,
    diesel::dsl::Eq<message::body, Option<String>>,
    diesel::dsl::Eq<message::body_sealed, Option<Vec<u8>>>,
) {
    (message::recipient.eq(""), message::subject.eq(""), message::body.eq(None), message::body_sealed.eq(None))
}
