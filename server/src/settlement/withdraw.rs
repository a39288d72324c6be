//! An owner takes what is owed now, between two payouts. It is a settlement as any other one: reserved under the same locks, sent once, asked
//! about. What it costs is shown first, and taken once it was paid.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::candidate::{candidates, judge};
use super::left::LeftBecause;
use super::plan::Room;
use super::reserve::{self, Reserved, Terms};
use super::run::{brake, in_transit, wallet};
use super::state::State;
use super::store::{self, Settlement};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::{Time, begin_of_day};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, RequestId, SettlementId};
use crate::money::Money;
use crate::schema::{settlement, withdrawal};

/// What somebody asks for by hand may be smaller than what the ISP wants to be paid by itself.
const LEAST: Money = Money::from_minor(10_000);

/// A withdrawal, or what it would be.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// What is paid.
    pub amount: Money,
    /// What it costs, besides the amount.
    pub fee: Money,
    /// The settlement, once it was made.
    pub made: Option<Settlement>,
    /// Why nothing is paid.
    pub left: Option<LeftBecause>,
}

/// What would be paid now, and what it costs; nothing is done.
pub async fn preview(app: &App, isp: IspId) -> Result<Withdrawal> {
    let (now, fee) = (app.clock.now(), app.config.payouts.withdraw_fee);
    let none = |why| Withdrawal { amount: Money::ZERO, fee, made: None, left: Some(why) };
    let wallet = room(app).await?;
    app.db
        .tx(isp, async |tx| {
            if once_a_day(tx, isp, now).await? {
                return Ok(none(LeftBecause::WithdrawnToday));
            }
            let (minimum, owed_now, ask) = match due(tx, isp, now).await? {
                Ok(due) => due,
                Err(why) => return Ok(none(why)),
            };
            let owed = reserve::owed_before(tx, isp, ask.until).await?;
            let (own, all) = reserve::given_today(tx, isp, now).await?;
            let most = match Room::of(&app.config.payouts, own, all, wallet).most(minimum) {
                Ok(most) => most,
                Err(why) => return Ok(none(why)),
            };
            let after = owed.checked_sub(fee).unwrap_or_default();
            let amount = Money::from_minor(after.min(most).minor().div_euclid(100) * 100);
            if amount < minimum {
                return Ok(none(reserve::too_little(&Terms { fee, minimum: Some(minimum), request: None }, (owed_now, owed), minimum, true)));
            }
            Ok(Withdrawal { amount, fee, made: None, left: None })
        })
        .await
}

/// Pays what is owed until a minute ago. The same request again is the same withdrawal. Errors: STATE_CONFLICT with the reason when
/// nothing is paid.
pub async fn withdraw(app: &App, isp: IspId, by: By, request: RequestId) -> Result<Withdrawal> {
    let (now, fee) = (app.clock.now(), app.config.payouts.withdraw_fee);
    if let Some(before) = app.db.tx(isp, async |tx| of_request(tx, isp, request).await).await? {
        return Ok(before);
    }
    let wallet = room(app).await?;
    let said = app
        .db
        .tx(isp, async |tx| {
            if once_a_day(tx, isp, now).await? {
                return Ok(Err(LeftBecause::WithdrawnToday));
            }
            let (minimum, _, mut ask) = match due(tx, isp, now).await? {
                Ok(due) => due,
                Err(why) => return Ok(Err(why)),
            };
            ask.most = wallet;
            let terms = Terms { fee, minimum: Some(minimum), request: Some(request) };
            match reserve::reserve_in(app, tx, isp, &ask, &terms, now).await? {
                Reserved::Done(made) => {
                    let facts = json!({ "amount_minor": made.amount_minor.minor(), "fee_minor": fee.minor() });
                    audit::record(tx, isp, by, "withdraw_now", &made.id.to_string(), facts, now).await?;
                    Ok(Ok(Withdrawal { amount: made.amount_minor, fee, made: Some(*made), left: None }))
                }
                Reserved::Left(why) => Ok(Err(why)),
            }
        })
        .await?;
    match said {
        Ok(done) => Ok(done),
        // Two of the same request at once: the other one was first.
        Err(why) => match app.db.tx(isp, async |tx| of_request(tx, isp, request).await).await? {
            Some(before) => Ok(before),
            None => Err(Error::new(Reason::StateConflict, why.text())),
        },
    }
}

/// What may leave the wallet; none: the gateway does not tell.
pub async fn room(app: &App) -> Result<Option<Money>> {
    let holds = wallet(app).await?;
    let in_transit = app.db.across(async |tx| in_transit(tx).await).await?;
    Ok(holds.map(|holds| holds.checked_sub(in_transit).unwrap_or_default()))
}

/// The least that is paid, what is owed, and what is asked for; or why the ISP cannot be paid now.
async fn due(tx: &mut Tx, isp: IspId, now: Time) -> Result<Result<(Money, Money, reserve::Ask), LeftBecause>> {
    let brake = brake(tx).await?;
    let Some(of) = candidates(tx, Some(isp)).await?.pop() else { return Ok(Err(LeftBecause::NotSet)) };
    let of = of.wanting(LEAST);
    Ok(judge(&of, brake.as_ref(), true, now).map(|ask| (of.minimum(), of.owed, ask)))
}

/// Whether the day's withdrawal was made. One that came back does not count.
async fn once_a_day(tx: &mut Tx, isp: IspId, now: Time) -> Result<bool> {
    let asked = withdrawal::table.filter(withdrawal::tenant_id.eq(isp).and(withdrawal::asked_at.ge(begin_of_day(now)))).select(withdrawal::settlement_id);
    let asked: Vec<SettlementId> = asked.load(&mut **tx).await?;
    let made = settlement::table.filter(settlement::tenant_id.eq(isp).and(settlement::id.eq_any(asked)).and(settlement::state.ne(State::Failed.as_str())));
    Ok(made.count().get_result::<i64>(&mut **tx).await? > 0)
}

async fn of_request(tx: &mut Tx, isp: IspId, request: RequestId) -> Result<Option<Withdrawal>> {
    let row = withdrawal::table.filter(withdrawal::tenant_id.eq(isp).and(withdrawal::request_id.eq(request.0)));
    let row: Option<(SettlementId, Money)> = row.select((withdrawal::settlement_id, withdrawal::fee_minor)).first(&mut **tx).await.optional()?;
    let Some((id, fee)) = row else { return Ok(None) };
    let made = store::find(tx, isp, id).await?;
    Ok(made.map(|made| Withdrawal { amount: made.amount_minor, fee, made: Some(made), left: None }))
}

/// What a settlement costs the ISP: nothing, unless it is a withdrawal that has a price.
pub(super) async fn fee_of(tx: &mut Tx, isp: IspId, id: SettlementId) -> Result<Money> {
    let fee: Option<Money> = withdrawal::table.find((isp, id)).select(withdrawal::fee_minor).first(&mut **tx).await.optional()?;
    Ok(fee.unwrap_or_default())
}
