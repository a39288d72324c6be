//! Reminding owners to pay Netily: before the end, at the end, and when they can only look. A planned change of the plan begins at the end.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::plan::{Cycle, Plan};
use super::store;
use crate::actor::Role;
use crate::allowance::GRACE;
use crate::app::App;
use crate::auth;
use crate::clock::{Time, in_kenya};
use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::jobs::Outcome;
use crate::lang::Lang;
use crate::money::Money;
use crate::notify::{self, Note, Template, To};
use crate::schema::isp_subscription;

const EVERY: TimeDelta = TimeDelta::hours(1);
const BATCH: i64 = 200;

/// How near the end is, or how far it is behind. A later stage is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// More than a week is left.
    Paid,
    /// A week.
    Week,
    /// A day.
    Day,
    /// It is over; everything goes on for a week.
    Over,
    /// The ISP's people can only look.
    ReadOnly,
}

impl Stage {
    const ALL: [Stage; 5] = [Stage::Paid, Stage::Week, Stage::Day, Stage::Over, Stage::ReadOnly];

    fn at(until: Time, now: Time) -> Stage {
        match until - now {
            left if left > TimeDelta::days(7) => Stage::Paid,
            left if left > TimeDelta::days(1) => Stage::Week,
            left if left > TimeDelta::zero() => Stage::Day,
            left if left > -GRACE => Stage::Over,
            _ => Stage::ReadOnly,
        }
    }

    fn number(self) -> i16 {
        Stage::ALL.iter().position(|one| *one == self).and_then(|at| i16::try_from(at).ok()).unwrap_or(0)
    }

    fn words(self, lang: Lang, price: Money, until: Time) -> Option<(&'static str, String)> {
        let day = |at: Time| in_kenya(at).format("%d %b").to_string();
        let (end, shut) = (day(until), day(until + GRACE));
        Some(match (self, lang) {
            (Stage::Paid, _) => return None,
            (Stage::Week | Stage::Day, Lang::English) => {
                ("Netily is paid until soon", format!("Netily for {{isp}} is paid until {end}. Please pay KES {price} in the app by then."))
            }
            (Stage::Week | Stage::Day, Lang::Swahili) => (
                "Malipo ya Netily yanaisha karibuni",
                format!("Netily ya {{isp}} imelipiwa hadi {end}. Tafadhali lipa KES {price} kwenye programu kabla ya hapo."),
            ),
            (Stage::Over, Lang::English) => (
                "Netily is not paid",
                format!("Netily for {{isp}} was paid until {end}. Please pay KES {price}. From {shut} on you can only look; your customers stay online."),
            ),
            (Stage::Over, Lang::Swahili) => (
                "Netily haijalipiwa",
                format!(
                    "Netily ya {{isp}} ililipiwa hadi {end}. Tafadhali lipa KES {price}. Kuanzia {shut} utaweza kuangalia tu; wateja wako watabaki mtandaoni."
                ),
            ),
            (Stage::ReadOnly, Lang::English) => (
                "Your admin is read-only",
                format!("Netily for {{isp}} is not paid, so you can only look. Your customers pay and stay online. Pay KES {price}, and all is back at once."),
            ),
            (Stage::ReadOnly, Lang::Swahili) => (
                "Unaweza kuangalia tu",
                format!(
                    "Netily ya {{isp}} haijalipiwa, hivyo unaweza kuangalia tu. Wateja wako wanalipa na wako mtandaoni. Lipa KES {price}, na yote yatarudi mara moja."
                ),
            ),
        })
    }
}

/// The job `subscription_sweep`.
pub async fn subscription_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    loop {
        let near: Vec<IspId> = app
            .db
            .across(async |tx| {
                use isp_subscription::dsl;
                let stage = |stage: Stage| dsl::reminded.lt(stage.number());
                Ok(dsl::isp_subscription
                    .filter(
                        dsl::paid_until
                            .le(now + TimeDelta::days(7))
                            .and(stage(Stage::Week))
                            .or(dsl::paid_until.le(now + TimeDelta::days(1)).and(stage(Stage::Day)))
                            .or(dsl::paid_until.le(now).and(stage(Stage::Over)))
                            .or(dsl::paid_until.le(now - GRACE).and(stage(Stage::ReadOnly))),
                    )
                    .order(dsl::paid_until)
                    .limit(BATCH)
                    .select(dsl::tenant_id)
                    .load(&mut **tx)
                    .await?)
            })
            .await?;
        for isp in &near {
            app.db.tx(*isp, async |tx| remind(app, tx, *isp, now).await).await?;
        }
        if near.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(Outcome::Again(now + EVERY));
        }
    }
}

/// Whoever was not looked at for days hears the last stage only.
async fn remind(app: &App, tx: &mut Tx, isp: IspId, now: Time) -> Result<()> {
    use isp_subscription::dsl;
    let held = store::lock(tx, isp).await?;
    let stage = Stage::at(held.until, now);
    let (plan, cycle) = held.next.unwrap_or((held.plan, held.cycle));
    diesel::update(dsl::isp_subscription.find(isp)).set(dsl::reminded.eq(stage.number())).execute(&mut **tx).await?;
    if stage >= Stage::Over && held.next.is_some() {
        begin_next(tx, isp, plan, cycle).await?;
    }
    for owner in auth::all_users(tx, isp, Role::Owner).await? {
        let Some((subject, text)) = stage.words(owner.lang(), plan.price(cycle), held.until) else { continue };
        let phone = owner.phone.as_ref().and_then(|phone| phone.parse().ok()).map(To::Phone);
        for to in [phone, owner.email.clone().map(To::Mailbox)].into_iter().flatten() {
            let facts = [("subject", subject)];
            let expires_at = Some(now + TimeDelta::days(2));
            let note = Note { template: Template::Notice, to, user: Some(owner.id), lang: owner.lang(), facts: &facts, text: Some(&text), expires_at };
            notify::queue(app, tx, isp, note, now).await?;
        }
    }
    Ok(())
}

/// The planned plan is the plan: its limits hold from now on, and it is what is paid next.
async fn begin_next(tx: &mut Tx, isp: IspId, plan: Plan, cycle: Cycle) -> Result<()> {
    use isp_subscription::dsl;
    diesel::update(dsl::isp_subscription.find(isp))
        .set(((dsl::plan.eq(plan.as_str()), dsl::cycle.eq(cycle.as_str())), (dsl::next_plan.eq(None::<String>), dsl::next_cycle.eq(None::<String>))))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_comes_in_stages() {
        let until: Time = "2027-03-31T21:00:00Z".parse().expect("a time");
        for (days, stage) in
            [(-8, Stage::Paid), (-7, Stage::Week), (-2, Stage::Week), (-1, Stage::Day), (0, Stage::Over), (6, Stage::Over), (7, Stage::ReadOnly)]
        {
            assert_eq!(Stage::at(until, until + TimeDelta::days(days)), stage, "{days}");
        }
        for stage in Stage::ALL {
            for lang in Lang::ALL {
                let words = stage.words(lang, Money::from_minor(19_999_000), until);
                assert_eq!(words.is_none(), stage == Stage::Paid);
                assert!(words.is_none_or(|(subject, text)| subject.len() <= 40 && text.chars().count() <= 220));
            }
        }
    }
}
