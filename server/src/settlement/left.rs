//! Why an ISP is not paid, or not yet: one answer for the schedule, for a dry run, for an owner who wants money now, and for an owner who
//! asks. Pure, but for keeping what the last run said.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::{Time, in_kenya};
use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::money::Money;
use crate::schema::payout_left;

/// Why an ISP is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftBecause {
    /// It was never said where it is paid.
    NotSet,
    /// Where it is paid is not proven.
    NotVerified,
    /// An operator suspended the ISP.
    Suspended,
    /// Its payouts were frozen, for this reason.
    Frozen(String),
    /// Where it is paid was changed: nothing is paid before.
    Held(Time),
    /// Every payout is stopped.
    PayoutsStopped,
    /// What was paid lately is not known yet, after a restore.
    PastUncertain,
    /// A payment is on its way.
    InFlight(Money),
    /// Nobody knows yet whether a payment arrived.
    InReview(Money),
    /// Less than a shilling is owed.
    NothingOwed,
    /// Less is owed than the ISP wants to be paid at once.
    BelowMinimum {
        /// What is owed of the time that is paid.
        owed: Money,
        /// What the ISP wants at least.
        minimum: Money,
    },
    /// Enough is owed, but too little of it is older than a minute.
    TooRecent {
        /// What is owed in all.
        owed: Money,
        /// What of it is old enough.
        older: Money,
    },
    /// The ISP was paid the most of a day.
    IspCap(Money),
    /// All ISPs together were paid the most of a day.
    PlatformCap,
    /// The wallet does not hold enough.
    Wallet,
    /// Every amount that would do could be mistaken for a payment whose end is not known.
    AmountsInDoubt,
    /// The money of the period was paid; the next payout is then.
    Transferred {
        /// How much.
        amount: Money,
        /// The next run.
        next: Time,
    },
    /// The last payment failed; the next try is then.
    FailedBefore(Time),
    /// Nothing is in the way: it is paid then.
    Scheduled(Time),
    /// Another settlement of the same run was first.
    Overtaken,
    /// What a withdrawal costs leaves nothing.
    BelowFee(Money),
    /// The withdrawal of the day was made.
    WithdrawnToday,
    /// Something of Netily's own went wrong.
    Trouble,
}

impl LeftBecause {
    /// Its name in the contract and the database.
    pub const fn code(&self) -> &'static str {
        match self {
            LeftBecause::NotSet => "NOT_SET",
            LeftBecause::NotVerified => "NOT_VERIFIED",
            LeftBecause::Suspended => "SUSPENDED",
            LeftBecause::Frozen(_) => "FROZEN",
            LeftBecause::Held(_) => "HELD",
            LeftBecause::PayoutsStopped => "PAYOUTS_STOPPED",
            LeftBecause::PastUncertain => "PAST_UNCERTAIN",
            LeftBecause::InFlight(_) | LeftBecause::Overtaken => "IN_FLIGHT",
            LeftBecause::InReview(_) => "IN_REVIEW",
            LeftBecause::NothingOwed => "NOTHING_OWED",
            LeftBecause::BelowMinimum { .. } | LeftBecause::BelowFee(_) => "BELOW_MINIMUM",
            LeftBecause::TooRecent { .. } => "TOO_RECENT",
            LeftBecause::IspCap(_) | LeftBecause::PlatformCap => "CAP",
            LeftBecause::Wallet => "WALLET",
            LeftBecause::AmountsInDoubt => "AMOUNTS_IN_DOUBT",
            LeftBecause::Transferred { .. } => "TRANSFERRED",
            LeftBecause::FailedBefore(_) => "FAILED_BEFORE",
            LeftBecause::Scheduled(_) => "SCHEDULED",
            LeftBecause::WithdrawnToday => "WITHDRAWN_TODAY",
            LeftBecause::Trouble => "TROUBLE",
        }
    }

    /// In words that are true for the owner and for an operator alike.
    pub fn text(&self) -> String {
        match self {
            LeftBecause::NotSet => "It was not set yet where the money goes.".to_owned(),
            LeftBecause::NotVerified => "Where the money goes is not proven yet. Ask for the test payment, and say how much arrived.".to_owned(),
            LeftBecause::Suspended => "The provider is suspended, and nothing is paid until it is open again. What is owed stays owed.".to_owned(),
            LeftBecause::Frozen(reason) => {
                let reason = reason.trim_end_matches('.');
                format!("Payouts are held by Netily: {reason}. Nothing is lost. Ask Netily's support.")
            }
            LeftBecause::Held(until) => format!("Where the money goes was changed, so nothing is paid before {}.", moment(*until)),
            LeftBecause::PayoutsStopped => "Payouts of all providers are stopped for the moment. They go on once Netily's people have looked.".to_owned(),
            LeftBecause::PastUncertain => "Payouts wait until it is known again what was paid lately. Nothing is lost.".to_owned(),
            LeftBecause::InFlight(amount) => format!("KES {amount} is on its way. The next payout follows once its end is known."),
            LeftBecause::InReview(amount) => {
                format!("It is not known yet whether KES {amount} arrived. Netily's people find out before anything more is paid.")
            }
            LeftBecause::Overtaken => "Another payout was made at the same moment.".to_owned(),
            LeftBecause::NothingOwed => "Nothing is owed.".to_owned(),
            LeftBecause::BelowMinimum { owed, minimum } => {
                format!("KES {owed} is owed of the time that is paid, and less than KES {minimum} waits, as the provider set it.")
            }
            LeftBecause::Trouble => "Something went wrong on Netily's side. It is tried again within minutes.".to_owned(),
            LeftBecause::WithdrawnToday => "One withdrawal a day is possible. The next one is from midnight on.".to_owned(),
            LeftBecause::BelowFee(fee) => format!("What is owed does not go beyond the fee of KES {fee}."),
            LeftBecause::TooRecent { owed, older } => {
                format!("KES {owed} is owed, but only KES {older} of it is older than a minute. What was paid less than a minute ago waits.")
            }
            LeftBecause::IspCap(cap) => format!("The most that one provider is paid in a day, KES {cap}, was paid. The rest follows tomorrow."),
            LeftBecause::PlatformCap => "The most that is paid to all providers in a day was paid. The rest follows tomorrow, longest owed first.".to_owned(),
            LeftBecause::Wallet => "Netily's account at the payment company does not hold enough just now. It is paid once it does.".to_owned(),
            LeftBecause::AmountsInDoubt => "Another payment of the same amount is not confirmed yet. It is paid once it is.".to_owned(),
            LeftBecause::Transferred { amount, next } => format!("KES {amount} was paid. What came since is part of the payout of {}.", day(*next)),
            LeftBecause::FailedBefore(next) => format!("The last payout did not go through. It is tried again from {} on.", moment(*next)),
            LeftBecause::Scheduled(next) => format!("Nothing is in the way. The next payout is on {}.", day(*next)),
        }
    }

    /// When it is over by itself, where that is known.
    pub const fn until(&self) -> Option<Time> {
        match self {
            LeftBecause::Held(at) | LeftBecause::FailedBefore(at) | LeftBecause::Scheduled(at) | LeftBecause::Transferred { next: at, .. } => Some(*at),
            _ => None,
        }
    }
}

fn moment(at: Time) -> String {
    in_kenya(at).format("%-d %B, %H:%M").to_string()
}

fn day(at: Time) -> String {
    in_kenya(at).format("%-d %B").to_string()
}

/// What an ISP itself must be before it is paid.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// Where it is paid is proven.
    pub verified: bool,
    /// It is suspended.
    pub suspended: bool,
    /// Its payouts are frozen, and why.
    pub frozen: Option<&'a str>,
    /// Nothing is paid before.
    pub held_until: Time,
}

impl Gate<'_> {
    /// What is in the way, the gravest first.
    pub fn in_the_way(&self, now: Time) -> Option<LeftBecause> {
        if self.suspended {
            Some(LeftBecause::Suspended)
        } else if let Some(reason) = self.frozen {
            Some(LeftBecause::Frozen(reason.to_owned()))
        } else if !self.verified {
            Some(LeftBecause::NotVerified)
        } else {
            (self.held_until > now).then_some(LeftBecause::Held(self.held_until))
        }
    }
}

/// What the last run said of an ISP that it left.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = payout_left)]
pub struct Kept {
    /// The code.
    pub reason: String,
    /// In words.
    pub message: String,
    /// The run.
    pub period: String,
}

/// Keeps why an ISP was left by a run, or that it was not.
pub async fn keep(tx: &mut Tx, isp: IspId, left: Option<(&LeftBecause, &str)>, now: Time) -> Result<()> {
    use payout_left::dsl;
    match left {
        Some((why, period)) => {
            let message = why.text();
            let row = (dsl::reason.eq(why.code()), dsl::message.eq(message.as_str()), dsl::period.eq(period), dsl::at.eq(now));
            diesel::insert_into(dsl::payout_left)
                .values((row, dsl::tenant_id.eq(isp)))
                .on_conflict(dsl::tenant_id)
                .do_update()
                .set(row)
                .execute(&mut **tx)
                .await?;
        }
        None => {
            diesel::delete(dsl::payout_left.find(isp)).execute(&mut **tx).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<LeftBecause> {
        let (at, amount) = ("2026-12-31T21:00:00Z".parse().expect("a time"), Money::from_minor(50_000_000));
        vec![
            LeftBecause::NotSet,
            LeftBecause::NotVerified,
            LeftBecause::Suspended,
            LeftBecause::Frozen("x".repeat(200)),
            LeftBecause::Held(at),
            LeftBecause::PayoutsStopped,
            LeftBecause::PastUncertain,
            LeftBecause::InFlight(amount),
            LeftBecause::InReview(amount),
            LeftBecause::NothingOwed,
            LeftBecause::BelowMinimum { owed: amount, minimum: amount },
            LeftBecause::TooRecent { owed: amount, older: amount },
            LeftBecause::IspCap(amount),
            LeftBecause::PlatformCap,
            LeftBecause::Wallet,
            LeftBecause::AmountsInDoubt,
            LeftBecause::Transferred { amount, next: at },
            LeftBecause::FailedBefore(at),
            LeftBecause::Scheduled(at),
            LeftBecause::Overtaken,
            LeftBecause::BelowFee(amount),
            LeftBecause::WithdrawnToday,
            LeftBecause::Trouble,
        ]
    }

    #[test]
    fn every_reason_is_a_sentence_that_fits() {
        for why in all() {
            let text = why.text();
            assert!((10..=300).contains(&text.len()) && text.ends_with('.') && !text.contains(".."), "{text}");
        }
        assert!(LeftBecause::Held("2026-12-31T21:00:00Z".parse().expect("a time")).text().contains("1 January, 00:00"), "times are of Nairobi");
    }

    #[test]
    fn the_gravest_reason_is_said_first() {
        let now: Time = "2026-12-01T09:00:00Z".parse().expect("a time");
        let open = Gate { verified: true, suspended: false, frozen: None, held_until: now };
        assert_eq!(open.in_the_way(now), None);
        assert_eq!(Gate { held_until: now + chrono::TimeDelta::seconds(1), ..open }.in_the_way(now).map(|why| why.code()), Some("HELD"));
        assert_eq!(Gate { verified: false, held_until: now + chrono::TimeDelta::days(1), ..open }.in_the_way(now), Some(LeftBecause::NotVerified));
        assert_eq!(Gate { verified: false, frozen: Some("a doubt"), ..open }.in_the_way(now).map(|why| why.code()), Some("FROZEN"));
        assert_eq!(Gate { suspended: true, frozen: Some("a doubt"), ..open }.in_the_way(now), Some(LeftBecause::Suspended));
    }
}
