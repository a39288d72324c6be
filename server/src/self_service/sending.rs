//! Whether a code may be sent to a phone. Anybody may type anybody's number, and every text costs the ISP money: so codes are counted
//! per phone, exactly; per address that asks; and per block of a thousand neighbouring numbers, which is how numbers are made up. What
//! the ISP may spend in a day is counted where texts are queued.

use std::net::IpAddr;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::auth::code::{self, Purpose};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, UserId};
use crate::lang::Lang;
use crate::limit::{Limit, take};
use crate::notify::{self, Note, Template, To};
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

/// Takes the right to send one code, or says when to come back. Comes back with the transaction if it fails.
pub(super) async fn allow(tx: &mut Tx, isp: IspId, phone: &Phone, address: IpAddr, now: Time) -> Result<Sent> {
    take(tx, &format!("code/address/{address}"), &PER_ADDRESS, "Too many codes were asked for from this network.", now).await?;
    let block = format!("code/block/{}/{}", isp.uuid(), &phone.digits()[..9]);
    take(tx, &block, &PER_BLOCK, "Too many codes were sent to numbers like this one.", now).await?;
    let row = code_sending::table.find((isp, phone.digits()));
    diesel::insert_into(code_sending::table)
        .values((
            (code_sending::tenant_id.eq(isp), code_sending::phone.eq(phone.digits())),
            (code_sending::sent_at.eq(Vec::<Time>::new()), code_sending::last_at.eq(now)),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    let mut sent: Vec<Time> = row.for_update().select(code_sending::sent_at).first(&mut **tx).await?;
    if let Some(wait) = free_at(&sent).filter(|at| *at > now).and_then(|at| (at - now).to_std().ok()) {
        return Err(Error::rate_limited("A code was sent to this phone already. Please wait before you ask for another one.", wait));
    }
    sent.insert(0, now);
    sent.truncate(PER_PHONE[2].0);
    diesel::update(row).set((code_sending::sent_at.eq(&sent), code_sending::last_at.eq(now))).execute(&mut **tx).await?;
    Ok(Sent { next_resend_at: free_at(&sent).unwrap_or(now), expires_at: Some(now + code::LIVES) })
}

/// A code and the text that brings it.
pub(super) struct Code<'a> {
    /// What it proves.
    pub(super) purpose: Purpose,
    /// What it is bound to.
    pub(super) target: &'a str,
    /// Where it is sent.
    pub(super) phone: &'a Phone,
    /// Whom it is for.
    pub(super) user: Option<UserId>,
    /// What they read.
    pub(super) lang: Lang,
}

/// Makes a code and queues its text. `RATE_LIMITED` when the ISP has sent too many texts today.
pub(super) async fn send(app: &App, tx: &mut Tx, isp: IspId, code: &Code<'_>, now: Time) -> Result<()> {
    use secrecy::ExposeSecret as _;
    let digits = code::issue(app, tx, isp, code.purpose, code.target, now).await?;
    let template = if code.purpose == Purpose::ChangePhone { Template::ChangePhone } else { Template::VerifyPhone };
    let note = Note {
        template,
        to: To::Phone(code.phone.clone()),
        user: code.user,
        lang: code.lang,
        facts: &[("code", digits.expose_secret())],
        text: None,
        expires_at: Some(now + code::LIVES),
    };
    notify::queue(app, tx, isp, note, now).await.map(drop)
}

/// `send` if somebody waits for it; else the same work, of which nothing stays.
pub(super) async fn send_or_pretend(app: &App, tx: &mut Tx, isp: IspId, code: &Code<'_>, real: bool, now: Time) -> Result<()> {
    tx.begin_part().await?;
    let done = send(app, tx, isp, code, now).await;
    if real && done.is_ok() { tx.keep_part().await? } else { tx.undo_part().await? }
    done
}

/// What was sent to a phone last, if the next one has to wait for it or it is still good.
pub(super) async fn last(tx: &mut Tx, isp: IspId, phone: &Phone, now: Time) -> Result<Option<Sent>> {
    let sent: Option<Vec<Time>> = code_sending::table.find((isp, phone.digits())).select(code_sending::sent_at).first(&mut **tx).await.optional()?;
    let Some(sent) = sent else { return Ok(None) };
    let expires_at = sent.first().map(|at| *at + code::LIVES).filter(|at| *at > now);
    Ok(Some(Sent { next_resend_at: free_at(&sent).unwrap_or(now).max(now), expires_at }))
}

/// The same as `allow` and then `send`, for somebody who is served all the same: when no code may be sent now, it says when one may.
pub(super) async fn allow_or_later(tx: &mut Tx, isp: IspId, phone: &Phone, address: IpAddr, now: Time) -> Result<Sent> {
    tx.begin_part().await?;
    match allow(tx, isp, phone, address, now).await {
        Ok(sent) => {
            tx.keep_part().await?;
            Ok(sent)
        }
        Err(error) => {
            tx.undo_part().await?;
            later(error, now)
        }
    }
}

/// `send`, but when the ISP's texts of the day are used up it says when to ask again.
pub(super) async fn send_or_later(app: &App, tx: &mut Tx, isp: IspId, code: &Code<'_>, sent: Sent, now: Time) -> Result<Sent> {
    if sent.expires_at.is_none() {
        return Ok(sent);
    }
    tx.begin_part().await?;
    match send(app, tx, isp, code, now).await {
        Ok(()) => {
            tx.keep_part().await?;
            Ok(sent)
        }
        Err(error) => {
            tx.undo_part().await?;
            later(error, now)
        }
    }
}

fn later(error: Error, now: Time) -> Result<Sent> {
    match error.retry_after.filter(|_| error.reason == Reason::RateLimited) {
        Some(wait) => Ok(Sent { next_resend_at: now + wait, expires_at: None }),
        None => Err(error),
    }
}

/// Forgets phones that got no code for a day.
pub async fn tidy(tx: &mut Tx, isp: IspId, now: Time) -> Result<()> {
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
