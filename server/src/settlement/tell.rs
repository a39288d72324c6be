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
    /// A settlement was not paid for a reason of Netily's own.
    Postponed {
        /// How much.
        amount: Money,
    },
    /// A settlement was not sent, since something had changed.
    TakenBack {
        /// How much.
        amount: Money,
        /// Why, as the ISP may read it in both languages.
        why: TakenBack,
    },
    /// Nothing is paid until somebody has looked.
    Frozen,
    /// An operator stopped the ISP's payouts.
    Held {
        /// Why.
        reason: String,
    },
    /// They go on.
    GoesOn,
    /// The payment company took back what a customer or guest had paid.
    Reversed {
        /// How much of the payment.
        amount: Money,
        /// What of it leaves what the ISP is owed.
        part: Money,
        /// The receipt of the payment.
        receipt: String,
    },
    /// Netily gave a payer money back.
    Refunded {
        /// How much of the payment.
        amount: Money,
        /// What of it leaves what the ISP is owed.
        part: Money,
        /// The receipt of the payment.
        receipt: String,
    },
}

/// What had changed before a settlement was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// Where the ISP is paid.
    Destination,
    /// Its payouts were held, or the ISP was suspended.
    Held,
    /// A payment to a bank needs a phone, and there is none any more.
    ContactMissing,
}

impl TakenBack {
    /// In words.
    pub const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (TakenBack::Destination, Lang::English) => "where you are paid was changed before it was sent",
            (TakenBack::Destination, Lang::Swahili) => "mahali pa kulipwa palibadilishwa kabla ya kutumwa",
            (TakenBack::Held, Lang::English) => "your payouts were held before it was sent",
            (TakenBack::Held, Lang::Swahili) => "malipo yako yalisimamishwa kabla ya kutumwa",
            (TakenBack::ContactMissing, Lang::English) => "a payment to a bank needs a contact phone: please add one where you set how you are paid",
            (TakenBack::ContactMissing, Lang::Swahili) => "malipo ya benki yanahitaji simu ya mawasiliano: tafadhali iongeze kwenye mipangilio ya malipo",
        }
    }
}

/// So much of an operator's words fits into a text message.
const REASON_MAX: usize = 80;

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
            (Notice::Postponed { .. } | Notice::TakenBack { .. }, Lang::English) => "Your payout comes later",
            (Notice::Postponed { .. } | Notice::TakenBack { .. }, Lang::Swahili) => "Malipo yako yatachelewa",
            (Notice::Reversed { .. }, Lang::English) => "A payment was taken back",
            (Notice::Reversed { .. }, Lang::Swahili) => "Malipo yamerudishwa na M-Pesa",
            (Notice::Refunded { .. }, Lang::English) => "A payment was refunded",
            (Notice::Refunded { .. }, Lang::Swahili) => "Malipo yamerudishwa",
            (Notice::GoesOn, Lang::English) => "Your payouts go on",
            (Notice::GoesOn, Lang::Swahili) => "Malipo yako yanaendelea",
            (Notice::InReview { .. } | Notice::Frozen | Notice::Held { .. }, Lang::English) => "Your payouts are held",
            (Notice::InReview { .. } | Notice::Frozen | Notice::Held { .. }, Lang::Swahili) => "Malipo yako yamesimamishwa",
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
            (Notice::Postponed { amount }, Lang::English) => {
                format!("Netily: KES {amount} for {{isp}} could not be paid just now, for a reason on our side. We try again; you need do nothing.")
            }
            (Notice::Postponed { amount }, Lang::Swahili) => {
                format!("Netily: KES {amount} za {{isp}} hazikuweza kulipwa sasa kwa sababu yetu. Tutajaribu tena; huhitaji kufanya lolote.")
            }
            (Notice::TakenBack { amount, why }, Lang::English) => {
                format!("Netily: KES {amount} for {{isp}} was not sent: {}. It stays yours.", why.text(lang))
            }
            (Notice::TakenBack { amount, why }, Lang::Swahili) => {
                format!("Netily: KES {amount} za {{isp}} hazikutumwa: {}. Bado ni zako.", why.text(lang))
            }
            (Notice::Held { reason }, Lang::English) => {
                format!("Netily: payouts of {{isp}} are held: {}. Nothing is lost. Questions? Call us.", in_brief(reason))
            }
            (Notice::Held { reason }, Lang::Swahili) => {
                format!("Netily: malipo ya {{isp}} yamesimamishwa: {}. Hakuna kitakachopotea. Tupigie simu.", in_brief(reason))
            }
            (Notice::Reversed { amount, part, receipt }, Lang::English) => {
                format!("Netily: M-Pesa took back KES {amount} that {{isp}} was paid (receipt {receipt}). KES {part} leave what you are owed.")
            }
            (Notice::Reversed { amount, part, receipt }, Lang::Swahili) => {
                format!("Netily: M-Pesa imerudisha KES {amount} zilizolipwa kwa {{isp}} (risiti {receipt}). KES {part} zimeondolewa kwenye unachodai.")
            }
            (Notice::Refunded { amount, part, receipt }, Lang::English) => {
                format!("Netily: KES {amount} that {{isp}} was paid went back to the payer (receipt {receipt}). KES {part} leave what you are owed.")
            }
            (Notice::Refunded { amount, part, receipt }, Lang::Swahili) => {
                format!("Netily: KES {amount} zilizolipwa kwa {{isp}} zimerudishwa kwa mlipaji (risiti {receipt}). KES {part} zimeondolewa kwenye unachodai.")
            }
            (Notice::GoesOn, Lang::English) => "Netily: payouts of {isp} go on. What is owed is part of the next one.".to_owned(),
            (Notice::GoesOn, Lang::Swahili) => "Netily: malipo ya {isp} yanaendelea. Unachodai kitalipwa awamu ijayo.".to_owned(),
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

/// An operator's words as they fit into a text message; braces would be taken for placeholders.
fn in_brief(reason: &str) -> String {
    let reason = reason.trim_end_matches('.').replace(['{', '}'], " ");
    if reason.chars().count() <= REASON_MAX { reason } else { reason.chars().take(REASON_MAX - 1).chain(['…']).collect() }
}

fn day(at: Time) -> String {
    in_kenya(at).format("%d %b %H:%M").to_string()
}

/// Queues the notice to each owner's phone and mailbox.
pub async fn to_owners(app: &App, tx: &mut Tx, isp: IspId, notice: &Notice, now: Time) -> Result<()> {
    owners(app, tx, isp, None, notice, now).await
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
            Notice::Postponed { amount },
            Notice::TakenBack { amount, why: TakenBack::Destination },
            Notice::TakenBack { amount, why: TakenBack::Held },
            Notice::TakenBack { amount, why: TakenBack::ContactMissing },
            Notice::Frozen,
            Notice::Held { reason: "{isp_secret} ".repeat(20) },
            Notice::GoesOn,
            Notice::Reversed { amount, part: amount, receipt: "UB34K9T2QM".into() },
            Notice::Refunded { amount, part: amount, receipt: "UB34K9T2QM".into() },
        ] {
            for lang in Lang::ALL {
                let text = notice.text(lang);
                assert!(text.chars().count() <= 200 && text.contains("{isp}"), "{text}");
                assert!(notice.subject(lang).len() <= 40, "the subject is cut");
            }
        }
    }
}
