//! Sending a code to a phone, within what `auth::sending` allows.

use std::net::IpAddr;

use secrecy::ExposeSecret as _;

use crate::app::App;
use crate::auth::code::{self, Purpose};
use crate::auth::sending::{self, Sent};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, UserId};
use crate::lang::Lang;
use crate::notify::{self, Note, Template, To};
use crate::phone::Phone;

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

/// Makes a code and queues its text. `RATE_LIMITED`, and nothing is written, when the ISP has sent too many texts today.
pub(super) async fn send(app: &App, tx: &mut Tx, isp: IspId, code: &Code<'_>, now: Time) -> Result<()> {
    let digits = code::draw();
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
    notify::queue(app, tx, isp, note, now).await?;
    code::keep(app, tx, isp, code.purpose, code.target, &digits, now).await
}

/// `send` if somebody waits for it; else the same work, of which nothing stays.
pub(super) async fn send_or_pretend(app: &App, tx: &mut Tx, isp: IspId, code: &Code<'_>, real: bool, now: Time) -> Result<()> {
    tx.begin_part().await?;
    let done = send(app, tx, isp, code, now).await;
    if real && done.is_ok() {
        tx.keep_part().await?
    } else {
        tx.undo_part().await?
    }
    done
}

/// The same as `allow` and then `send`, for somebody who is served all the same: when no code may be sent now, it says when one may.
pub(super) async fn allow_or_later(tx: &mut Tx, isp: IspId, phone: &Phone, address: IpAddr, now: Time) -> Result<Sent> {
    sending::allow(tx, isp, phone, address, now).await.or_else(|error| later(error, now))
}

/// `send`, but when the ISP's texts of the day are used up it says when to ask again.
pub(super) async fn send_or_later(app: &App, tx: &mut Tx, isp: IspId, code: &Code<'_>, sent: Sent, now: Time) -> Result<Sent> {
    if sent.expires_at.is_none() {
        return Ok(sent);
    }
    send(app, tx, isp, code, now).await.map_or_else(|error| later(error, now), |()| Ok(sent))
}

fn later(error: Error, now: Time) -> Result<Sent> {
    match error.retry_after.filter(|_| error.reason == Reason::RateLimited) {
        Some(wait) => Ok(Sent { next_resend_at: now + wait, expires_at: None }),
        None => Err(error),
    }
}
