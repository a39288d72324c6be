//! Finding a payout whose answer got lost in the gateway's list, which does not show our reference: by its amount and by the moment at which
//! it was sent. Pure. What may as well be another payout's is nobody's: a callback tells, or people do.

use chrono::TimeDelta;

use super::doubt::Doubt;
use crate::clock::Time;
use crate::gateways::payhero::TransactionRow;
use crate::payments::contradiction::{Named, Ours, contradiction, is_reference};

/// How far the gateway's clock may be behind ours.
pub const EARLY: TimeDelta = TimeDelta::minutes(3);
/// How long after sending the gateway writes its row at the latest, for it to be told by the moment.
pub const LATE: TimeDelta = TimeDelta::minutes(10);
/// How long a lost payout is looked for in the list. After that only people can tell.
pub const SEARCH_FOR: TimeDelta = TimeDelta::hours(48);

/// How our references to payouts begin, wherever in a row's words they stand.
const OURS_BEGIN: &str = "NTLP-";

/// Whether a row of the list can be the payout that was sent at that moment: one that may be it, within minutes.
pub fn may_be(row: &TransactionRow, ours: &Ours<'_>, sent_at: Time) -> bool {
    row.created_at.is_some_and(|at| at >= sent_at - EARLY && at <= sent_at + LATE) && may_be_of(row, ours)
}

/// Whether a row can be a payout, whenever it was sent: exactly its amount, leaving, and nothing in it that names another one.
pub fn may_be_of(row: &TransactionRow, ours: &Ours<'_>) -> bool {
    let named = Named { external_reference: row.external_reference.as_deref(), amount: None, phone: row.phone.as_deref(), account: row.account.as_deref() };
    let words = [&row.description, &row.transaction_name];
    let names_another = words.into_iter().flatten().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')).any(|word| {
        let begins = word.get(..OURS_BEGIN.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(OURS_BEGIN));
        begins && !is_reference(word, ours.external_reference)
    });
    row.amount_minor == Some(-ours.amount.minor()) && contradiction(&named, ours).is_none() && !names_another
}

/// Whether a row can be another payout's of the same amount of which nobody knows whether the gateway took it. Rows may be written late, so
/// that one stands in the way for as long as it is looked for, and not only in its own minutes.
pub fn may_be_anothers(at: Time, others: &[Doubt]) -> bool {
    others.iter().any(|other| at >= other.sent_at - EARLY && at <= other.sent_at + SEARCH_FOR)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::SettlementId;
    use crate::money::Money;
    use crate::payments::contradiction::Party;

    const PHONE: &str = "254722000333";

    fn ours(minor: i64) -> Ours<'static> {
        Ours { external_reference: "NTLP-0af3", amount: Money::from_minor(minor), party: Party::Phone(PHONE), leaves: true }
    }

    fn at(minutes: i64) -> Time {
        Time::from_timestamp(1_764_547_200, 0).expect("a time") + TimeDelta::minutes(minutes)
    }

    fn row(minor: i64, minutes: i64) -> TransactionRow {
        TransactionRow { amount_minor: Some(minor), created_at: Some(at(minutes)), ..TransactionRow::default() }
    }

    fn doubt(minutes: i64) -> Doubt {
        Doubt { settlement: SettlementId::unguessable(), amount: Money::from_minor(100), is_sending: false, sent_at: at(minutes) }
    }

    #[test]
    fn only_a_row_of_the_amount_and_the_moment_can_be_it() {
        for (minor, minutes, wanted) in [
            (-86_800, 0, true),
            (-86_800, -3, true),
            (-86_800, 10, true),
            (-86_800, -4, false),
            (-86_800, 11, false),
            (-86_800, 49 * 60, false),
            (86_800, 0, false),
            (-86_700, 0, false),
        ] {
            assert_eq!(may_be(&row(minor, minutes), &ours(86_800), at(0)), wanted, "{minor} {minutes}");
        }
        assert!(!may_be(&TransactionRow { created_at: None, ..row(-86_800, 0) }, &ours(86_800), at(0)), "without a time it cannot be told");
    }

    #[test]
    fn a_row_that_names_another_one_is_not_it() {
        let text = |text: &str| Some(text.to_owned());
        #[rustfmt::skip]
        let rows = [
            (TransactionRow { external_reference: text("ntlp-0AF3 "), ..row(-100, 1) }, true),
            (TransactionRow { external_reference: text("NTLP-0af4"), ..row(-100, 1) }, false),
            (TransactionRow { phone: text("0722000333"), ..row(-100, 1) }, true),
            (TransactionRow { phone: text("2547*****334"), ..row(-100, 1) }, false),
            (TransactionRow { account: text("254722000334"), ..row(-100, 1) }, false),
            (TransactionRow { description: text("Sent for ntlp-0af3, thank you"), ..row(-100, 1) }, true),
            (TransactionRow { description: text("Sent for NTLP-ffff."), ..row(-100, 1) }, false),
            (TransactionRow { description: text("Sent KES 1 to 254722000333"), ..row(-100, 1) }, true),
        ];
        for (row, wanted) in rows {
            assert_eq!(may_be(&row, &ours(100), at(0)), wanted, "{row:?}");
        }
    }

    proptest! {
        /// Of two payouts of one amount whose moments are told apart no row is both's.
        #[test]
        fn no_row_is_taken_that_can_be_anothers(apart in -5_000_i64..5_000, late in -5_i64..15) {
            let taken = may_be(&row(-100, late), &ours(100), at(0)) && !may_be_anothers(at(late), &[doubt(apart)]);
            if taken {
                prop_assert!(!may_be(&row(-100, late), &ours(100), at(apart)), "{apart} {late}");
            }
            // Whoever was looked for in vain for two days stands in nobody's way.
            if apart < -48 * 60 - 10 {
                prop_assert!(!may_be_anothers(at(late.max(-3)), &[doubt(apart)]));
            }
        }
    }
}
