//! What owners and staff ask of payouts, read into types. Pure.

use chrono::TimeDelta;
use netily_sdk::payout as pb;
use prost_types::Timestamp;

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::money::Money;
use crate::rpc::fields::{self, Faults};
use crate::settlement::config::Wanted;
use crate::settlement::destination::{account, bank_name};
use crate::settlement::state::State;
use crate::settlement::statement::Range;
use crate::settlement::store::Filter;
use crate::settlement::{Destination, Frequency};

/// The least and the most that an ISP may want to be paid at once, and what it is when it says nothing; in cents.
const MINIMUM: (i64, i64, i64) = (1_000, 10_000_000, 10_000);
/// The longest statement.
const STATEMENT_MAX: TimeDelta = TimeDelta::days(366);

/// Where and when; every field that is not valid is named.
pub fn wanted(ask: &pb::SetPayoutConfigRequest) -> Result<Wanted> {
    let mut faults = Faults::default();
    let destination = match faults.note(fields::choice::<pb::PayoutMethod>("payout_method", ask.payout_method)).flatten() {
        Some(pb::PayoutMethod::MpesaB2c) => {
            let phone = faults.note(fields::phone("mpesa_phone", &ask.mpesa_phone));
            let name = faults.note(fields::text("mpesa_name", &ask.mpesa_name, 80));
            phone.zip(name).map(|(phone, name)| Destination::Mpesa { phone, name })
        }
        Some(pb::PayoutMethod::BankTransfer) => {
            let code = faults.note(match bank_name(&ask.bank_code) {
                Some(_) => Ok(ask.bank_code.clone()),
                None => Err(Error::field("bank_code", "must be the code of a bank that can be paid to, as 68 for Equity")),
            });
            let account = faults.note(account(&ask.bank_account).map_err(|wanted| Error::field("bank_account", wanted)));
            let name = faults.note(fields::text("bank_account_name", &ask.bank_account_name, 80));
            code.zip(account).zip(name).map(|((code, account), name)| Destination::Bank { code, account, name })
        }
        Some(pb::PayoutMethod::Unspecified) | None => {
            faults.note::<()>(Err(Error::field("payout_method", "must be set")));
            None
        }
    };
    let frequency = faults.note(fields::choice::<pb::SettlementFrequency>("settlement_frequency", ask.settlement_frequency)).flatten();
    let frequency = match frequency.unwrap_or_default() {
        pb::SettlementFrequency::Unspecified | pb::SettlementFrequency::Daily => Frequency::Daily,
        pb::SettlementFrequency::Weekly => Frequency::Weekly,
        pb::SettlementFrequency::Biweekly => Frequency::Biweekly,
        pb::SettlementFrequency::Monthly => Frequency::Monthly,
    };
    let minimum = match &ask.minimum_payout {
        None => Some(Money::from_minor(MINIMUM.2)),
        Some(_) => faults.note(fields::price("minimum_payout", ask.minimum_payout.as_ref()).and_then(|minimum| {
            let fits = (MINIMUM.0..=MINIMUM.1).contains(&minimum.minor());
            if fits { Ok(minimum) } else { Err(Error::field("minimum_payout.amount_minor", "must be KES 10 to 100,000")) }
        })),
    };
    let contact_phone = faults.note(fields::optional("contact_phone", &ask.contact_phone, fields::phone)).flatten();
    match (destination, minimum) {
        (Some(destination), Some(minimum)) if faults.is_empty() => Ok(Wanted { destination, frequency, minimum, contact_phone }),
        _ => Err(faults.error()),
    }
}

/// Where a settlement stands.
pub fn state(status: i32) -> Result<Option<State>> {
    Ok(match fields::choice::<pb::SettlementStatus>("status", status)?.unwrap_or_default() {
        pb::SettlementStatus::Unspecified => None,
        pb::SettlementStatus::Pending => Some(State::Pending),
        pb::SettlementStatus::Processing => Some(State::Processing),
        pb::SettlementStatus::Unknown => Some(State::Unknown),
        pb::SettlementStatus::NeedsReview => Some(State::NeedsReview),
        pb::SettlementStatus::Failed => Some(State::Failed),
        pb::SettlementStatus::Completed => Some(State::Completed),
    })
}

/// Which settlements.
pub fn filter(ask: &pb::ListSettlementsRequest) -> Result<Filter> {
    let moment = |path: &str, at: Option<Timestamp>| at.map(|at| fields::moment(path, at)).transpose();
    Ok(Filter { state: state(ask.status)?, from: moment("from", ask.from)?, to: moment("to", ask.to)?, ..Filter::default() })
}

/// The time of a statement: at most a year, not from the future; nothing given means the last 30 days.
pub fn range(from: Option<Timestamp>, to: Option<Timestamp>, now: Time) -> Result<Range> {
    let to = to.map(|at| fields::moment("to", at)).transpose()?.unwrap_or(now).min(now);
    let from = from.map(|at| fields::moment("from", at)).transpose()?.unwrap_or(to - TimeDelta::days(30));
    if from > to {
        return Err(Error::field("from", "must not be after `to`, nor in the future"));
    }
    if to - from > STATEMENT_MAX {
        return Err(Error::field("to", "must be within 366 days of `from`"));
    }
    Ok(Range { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::answer::money;

    fn mpesa() -> pb::SetPayoutConfigRequest {
        pb::SetPayoutConfigRequest {
            payout_method: pb::PayoutMethod::MpesaB2c.into(),
            mpesa_phone: "0722000333".into(),
            mpesa_name: "Asha Wanjiru".into(),
            ..Default::default()
        }
    }

    #[test]
    fn what_is_not_given_is_daily_from_a_hundred_shillings_on() {
        let wanted = wanted(&mpesa()).expect("good");
        assert_eq!((wanted.frequency, wanted.minimum), (Frequency::Daily, Money::from_minor(10_000)));
    }

    #[test]
    fn each_field_is_judged_by_its_name() {
        type Spoil = fn(&mut pb::SetPayoutConfigRequest);
        let bank = |ask: &mut pb::SetPayoutConfigRequest| {
            ask.payout_method = pb::PayoutMethod::BankTransfer.into();
            ask.bank_code = "68".into();
            ask.bank_account = "0012345678".into();
            ask.bank_account_name = "Asha".into();
        };
        let table: [(&str, bool, Spoil); 10] = [
            ("payout_method", false, |ask| ask.payout_method = 0),
            ("payout_method", false, |ask| ask.payout_method = 99),
            ("mpesa_phone", false, |ask| ask.mpesa_phone = "0202000333".into()),
            ("mpesa_name", false, |ask| ask.mpesa_name = String::new()),
            ("bank_code", true, |ask| ask.bank_code = "99".into()),
            ("bank_account", true, |ask| ask.bank_account = "1".repeat(35)),
            ("bank_account_name", true, |ask| ask.bank_account_name = "x".repeat(81)),
            ("settlement_frequency", false, |ask| ask.settlement_frequency = 9),
            ("minimum_payout.amount_minor", false, |ask| ask.minimum_payout = Some(money(Money::from_minor(900)))),
            ("minimum_payout.amount_minor", false, |ask| ask.minimum_payout = Some(money(Money::from_minor(1_050)))),
        ];
        for (path, to_bank, spoil) in table {
            let mut ask = mpesa();
            if to_bank {
                bank(&mut ask);
                assert!(wanted(&ask).is_ok());
            }
            spoil(&mut ask);
            assert_eq!(wanted(&ask).expect_err("refused").fields[0].0, path);
        }
        let mut ask = mpesa();
        bank(&mut ask);
        let wanted = wanted(&ask).expect("good");
        assert!(matches!(wanted.destination, Destination::Bank { account, .. } if account == "0012345678"), "a leading zero is part of it");
    }

    #[test]
    fn a_statement_is_of_the_past_and_of_a_year_at_most() {
        let now: Time = "2026-11-26T12:00:00Z".parse().expect("a time");
        let at = |days: i64| Some(crate::rpc::answer::timestamp(now + TimeDelta::days(days)));
        assert_eq!(range(None, None, now).map(|range| range.to - range.from).ok(), Some(TimeDelta::days(30)));
        assert_eq!(range(at(-2), at(3), now).map(|range| range.to).ok(), Some(now));
        for (from, to, path) in [(at(-1), at(-2), "from"), (at(1), None, "from"), (at(-400), None, "to")] {
            assert_eq!(range(from, to, now).expect_err("refused").fields[0].0, path);
        }
    }
}
