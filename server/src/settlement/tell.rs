//! Telling those who own an ISP what becomes of its money, by text message and by mail, each in their language. An ISP that is not paid
//! hears why.

use chrono::TimeDelta;

use super::destination::Destination;
use crate::actor::Role;
use crate::app::App;
use crate::auth;
use crate::clock::{Time, in_kenya};
use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::lang::Lang;
use crate::money::Money;
use crate::notify::{self, Note, Template, To};

/// Of no use after that.
const USEFUL_FOR: TimeDelta = TimeDelta::hours(48);

/// What there is to tell.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Somebody changed where the ISP is paid.
    DestinationChanged {
        /// The new one, masked.
        to: String,
        /// Nothing is paid before.
        until: Time,
    },
    /// A settlement is on its way.
    Sent {
        /// How much.
        amount: Money,
        /// Where to, masked.
        to: String,
    },
    /// A settlement was paid.
    Paid {
        /// How much.
        amount: Money,
        /// Where to, masked.
        to: String,
        /// What proves it.
        receipt: String,
    },
    /// A settlement was not paid; the money is part of the next one.
    Failed {
        /// How much.
        amount: Money,
        /// Where to, masked.
        to: String,
    },
    /// For a day nobody could say whether a settlement was paid.
    InReview {
        /// How much.
        amount: Money,
    },
    /// Nothing is paid until somebody has looked.
    Frozen,
}

impl Notice {
    fn subject(&self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Notice::DestinationChanged { .. }, Lang::English) => "Where you are paid was changed",
            (Notice::DestinationChanged { .. }, Lang::Swahili) => "Mahali pa kulipwa pamebadilishwa",
            (Notice::Sent { .. }, Lang::English) => "Your money is on its way",
            (Notice::Sent { .. }, Lang::Swahili) => "Pesa zako zinatumwa",
            (Notice::Paid { .. }, Lang::English) => "You were paid",
            (Notice::Paid { .. }, Lang::Swahili) => "Umelipwa",
            (Notice::Failed { .. }, Lang::English) => "You could not be paid",
            (Notice::Failed { .. }, Lang::Swahili) => "Malipo yako hayakufaulu",
            (Notice::InReview { .. } | Notice::Frozen, Lang::English) => "Your payouts are held",
            (Notice::InReview { .. } | Notice::Frozen, Lang::Swahili) => "Malipo yako yamesimamishwa",
        }
    }

    fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Notice::DestinationChanged { to, until }, Lang::English) => {
                format!("Netily: payouts of {{isp}} will go to {to} from {} on. If it was not you, change your password and call us at once.", day(*until))
            }
            (Notice::DestinationChanged { to, until }, Lang::Swahili) => {
                format!("Netily: malipo ya {{isp}} yatatumwa kwa {to} kuanzia {}. Kama si wewe, badilisha nenosiri na utupigie simu mara moja.", day(*until))
            }
            (Notice::Sent { amount, to }, Lang::English) => format!("Netily: KES {amount} for {{isp}} is on its way to {to}."),
            (Notice::Sent { amount, to }, Lang::Swahili) => format!("Netily: KES {amount} za {{isp}} zinatumwa kwa {to}."),
            (Notice::Paid { amount, to, receipt }, Lang::English) => format!("Netily: KES {amount} for {{isp}} was paid to {to}. Receipt {receipt}."),
            (Notice::Paid { amount, to, receipt }, Lang::Swahili) => format!("Netily: KES {amount} za {{isp}} zimelipwa kwa {to}. Risiti {receipt}."),
            (Notice::Failed { amount, to }, Lang::English) => {
                format!(
                    "Netily: KES {amount} for {{isp}} could not be paid to {to}. It stays yours and is part of the next payout. Please check where you are paid."
                )
            }
            (Notice::Failed { amount, to }, Lang::Swahili) => {
                format!("Netily: KES {amount} za {{isp}} hazikuweza kulipwa kwa {to}. Bado ni zako, utalipwa awamu ijayo. Tafadhali hakiki mahali pa kulipwa.")
            }
            (Notice::InReview { amount }, Lang::English) => {
                format!("Netily: we could not confirm yet that KES {amount} reached {{isp}}. We are finding out; nothing is lost.")
            }
            (Notice::InReview { amount }, Lang::Swahili) => {
                format!("Netily: bado hatujathibitisha kwamba KES {amount} zilifika kwa {{isp}}. Tunafuatilia; hakuna kitakachopotea.")
            }
            (Notice::Frozen, Lang::English) => {
                "Netily: payouts of {isp} are held while we look at an earlier one. Nothing is lost. Questions? Call us.".to_owned()
            }
            (Notice::Frozen, Lang::Swahili) => {
                "Netily: malipo ya {isp} yamesimamishwa tunapochunguza malipo ya awali. Hakuna kitakachopotea. Tupigie simu.".to_owned()
            }
        }
    }
}

fn day(at: Time) -> String {
    in_kenya(at).format("%d %b %H:%M").to_string()
}

/// Queues the notice to each owner's phone and mailbox, and to the phone that was paid before, if there is one.
pub async fn owners(app: &App, tx: &mut Tx, isp: IspId, old: Option<&Destination>, notice: &Notice, now: Time) -> Result<()> {
    let owners = auth::all_users(tx, isp, Role::Owner).await?;
    let mut told: Vec<String> = Vec::new();
    for owner in &owners {
        let phone = owner.phone.as_ref().and_then(|phone| phone.parse().ok()).map(To::Phone);
        let mailbox = owner.email.clone().map(To::Mailbox);
        for to in [phone, mailbox].into_iter().flatten() {
            if let To::Phone(phone) = &to {
                told.push(phone.digits().to_owned());
            }
            queue(app, tx, isp, to, Some(owner.id), owner.lang(), notice, now).await?;
        }
    }
    match old {
        Some(Destination::Mpesa { phone, .. }) if !told.iter().any(|told| told == phone.digits()) => {
            let lang = owners.first().map_or(Lang::English, auth::User::lang);
            queue(app, tx, isp, To::Phone(phone.clone()), None, lang, notice, now).await
        }
        _ => Ok(()),
    }
}

#[expect(clippy::too_many_arguments, reason = "one message: where, to whom, and what")]
async fn queue(app: &App, tx: &mut Tx, isp: IspId, to: To, user: Option<crate::id::UserId>, lang: Lang, notice: &Notice, now: Time) -> Result<()> {
    let (subject, text) = (notice.subject(lang), notice.text(lang));
    let facts = [("subject", subject)];
    let note = Note { template: Template::Notice, to, user, lang, facts: &facts, text: Some(&text), expires_at: Some(now + USEFUL_FOR) };
    notify::queue(app, tx, isp, note, now).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_is_one_or_two_text_messages_in_both_languages() {
        let amount = Money::from_minor(15_000_000);
        let to = "Kenya Women Microfinance •••6789".to_owned();
        let until = "2026-11-26T21:00:00Z".parse().expect("a time");
        for notice in [
            Notice::DestinationChanged { to: to.clone(), until },
            Notice::Sent { amount, to: to.clone() },
            Notice::Paid { amount, to: to.clone(), receipt: "UB34K9T2QM".into() },
            Notice::Failed { amount, to },
            Notice::InReview { amount },
            Notice::Frozen,
        ] {
            for lang in Lang::ALL {
                let text = notice.text(lang);
                assert!(text.chars().count() <= 200 && text.contains("{isp}"), "{text}");
                assert!(notice.subject(lang).len() <= 40, "the subject is cut");
            }
        }
    }
}
