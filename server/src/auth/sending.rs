//! Whether a code may be sent to a phone. Anybody may type anybody's number, and every text costs the ISP money: so codes are counted
//! per phone, exactly; per address that asks; and per block of a thousand neighbouring numbers, which is how numbers are made up. What
//! the ISP may spend in a day is counted where texts are queued. Sends nothing.

use std::net::IpAddr;

use chrono::{SubsecRound as _, TimeDelta};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::code;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::IspId;
use crate::limit::{Limit, Token, give_all_back, take_all};
use crate::phone::Phone;
use crate::schema::code_sending;

const PER_ADDRESS: Limit = Limit::new(5, TimeDelta::minutes(1));
/// 10,000 numbers in a row are ten blocks, so they make a hundred texts.
const PER_BLOCK: Limit = Limit::new(10, TimeDelta::minutes(10));
/// How many in how long: the shortest first.
const PER_PHONE: [(usize, TimeDelta); 3] = [(1, TimeDelta::seconds(60)), (3, TimeDelta::hours(1)), (5, TimeDelta::days(1))];

/// A code that was sent, or would have been.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// When the next one may be asked for.
    pub next_resend_at: Time,
    /// Until when it is good; `None` when none was sent.
    pub expires_at: Option<Time>,
}

/// When the next code may be sent to a phone that got these, newest first; `None` is at once.
fn free_at(sent: &[Time]) -> Option<Time> {
    PER_PHONE.into_iter().filter_map(|(most, within)| sent.get(most - 1).map(|at| *at + within)).max()
}

/// Takes the right to send one code, or takes nothing and says when to come back.
pub async fn allow(tx: &mut Tx, isp: IspId, phone: &Phone, address: IpAddr, now: Time) -> Result<Sent> {
    let now = now.trunc_subsecs(6); // as exact as the database, so that the same is told again
    let tokens = [
        Token { key: format!("code/address/{address}"), limit: &PER_ADDRESS, sentence: "Too many codes were asked for from this network." },
        Token {
            key: format!("code/block/{}/{}", isp.uuid(), &phone.digits()[..9]),
            limit: &PER_BLOCK,
            sentence: "Too many codes were sent to numbers like this one.",
        },
    ];
    take_all(tx, &tokens, now).await?;
    let allowed = allow_phone(tx, isp, phone, now).await;
    if allowed.as_ref().is_err_and(|error| error.reason == Reason::RateLimited) {
        give_all_back(tx, &tokens).await?;
    }
    allowed
}

async fn allow_phone(tx: &mut Tx, isp: IspId, phone: &Phone, now: Time) -> Result<Sent> {
    let sent_now = |sent: &[Time]| Sent { next_resend_at: free_at(sent).unwrap_or(now), expires_at: Some(now + code::LIVES) };
    let first = diesel::insert_into(code_sending::table)
        .values((
            (code_sending::tenant_id.eq(isp), code_sending::phone.eq(phone.digits())),
            (code_sending::sent_at.eq(vec![now]), code_sending::last_at.eq(now)),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    if first == 1 {
        return Ok(sent_now(&[now]));
    }
    let row = code_sending::table.find((isp, phone.digits()));
    // Locks the row, whether it was there or not.
    let mut sent: Vec<Time> = diesel::insert_into(code_sending::table)
        .values((
            (code_sending::tenant_id.eq(isp), code_sending::phone.eq(phone.digits())),
            (code_sending::sent_at.eq(Vec::<Time>::new()), code_sending::last_at.eq(now)),
        ))
        .on_conflict((code_sending::tenant_id, code_sending::phone))
        .do_update()
        .set(code_sending::last_at.eq(code_sending::last_at))
        .returning(code_sending::sent_at)
        .get_result(&mut **tx)
        .await?;
    if let Some(wait) = free_at(&sent).filter(|at| *at > now).and_then(|at| (at - now).to_std().ok()) {
        return Err(Error::rate_limited("A code was sent to this phone already. Please wait before you ask for another one.", wait));
    }
    sent.insert(0, now);
    sent.truncate(PER_PHONE[2].0);
    diesel::update(row).set((code_sending::sent_at.eq(&sent), code_sending::last_at.eq(now))).execute(&mut **tx).await?;
    Ok(sent_now(&sent))
}

/// What was sent to a phone last, if the next one has to wait for it or it is still good.
pub async fn last(tx: &mut Tx, isp: IspId, phone: &Phone, now: Time) -> Result<Option<Sent>> {
    let sent: Option<Vec<Time>> = code_sending::table.find((isp, phone.digits())).select(code_sending::sent_at).first(&mut **tx).await.optional()?;
    let Some(sent) = sent else { return Ok(None) };
    let expires_at = sent.as_slice().first().map(|at| *at + code::LIVES).filter(|at| *at > now);
    Ok(Some(Sent { next_resend_at: free_at(&sent).unwrap_or(now).max(now), expires_at }))
}

/// Forgets phones that got no code for a day.
pub(super) async fn tidy(tx: &mut Tx, isp: IspId, now: Time) -> Result<()> {
    let over = code_sending::table.filter(code_sending::tenant_id.eq(isp).and(code_sending::last_at.lt(now - TimeDelta::days(1))));
    diesel::delete(over).execute(&mut **tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_lies_between_two_an_hour_between_four_and_a_day_between_six() {
        let at = |minutes: i64| Time::default() + TimeDelta::minutes(minutes);
        for (sent, wanted) in [
            (vec![], None),
            (vec![at(0)], Some(at(1))),
            (vec![at(1), at(0)], Some(at(2))),
            (vec![at(2), at(1), at(0)], Some(at(60))),
            (vec![at(60), at(2), at(1), at(0)], Some(at(61))),
            (vec![at(61), at(60), at(2), at(1), at(0)], Some(at(24 * 60))),
            (vec![at(1_000), at(61), at(60), at(2), at(1)], Some(at(24 * 60 + 1))),
        ] {
            assert_eq!(free_at(&sent), wanted, "{sent:?}");
        }
    }
}
