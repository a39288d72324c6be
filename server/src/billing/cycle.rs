//! What is due for a connection at a moment, and when to look again. Pure: the run does one act, reads anew, and asks again, so that
//! being late, being stopped half-way and being run twice all come to the same.

use chrono::TimeDelta;

use super::extend::{self, GRACE, INVOICE_BEFORE};
use crate::clock::{Time, begin_of_day};
use crate::connection::{Billing, Status, Suspended};
use crate::money::Money;

/// How long before it is due a first reminder is sent.
const REMIND_BEFORE: TimeDelta = TimeDelta::days(3);

/// Which reminder of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reminder {
    /// It is due in three days.
    Before = 1,
    /// It is due today.
    Today = 2,
    /// It should have been paid.
    Overdue = 3,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Make the invoice of the next period.
    Issue,
    /// Send a reminder of the open invoice.
    Remind(Reminder),
    /// Say that another invoice should have been paid, and until when the connection stays on.
    RemindOfDebt,
    /// Say that what was paid ahead ends soon.
    RemindOfEnd,
    /// Pay the next period from the balance.
    Renew,
    /// Take the connection off: it is not paid.
    CutOff,
}

/// The open invoice of a connection's period.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// When it should be paid.
    pub due_at: Time,
    /// The last reminder that was sent, as a number; 0: none.
    pub reminded: i16,
}

/// What decides.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// How it is paid.
    pub billing: Billing,
    /// How it stands.
    pub status: Status,
    /// Why it is suspended.
    pub suspended: Option<Suspended>,
    /// Until when it is paid.
    pub paid_until: Option<Time>,
    /// What the next period costs.
    pub price: Money,
    /// What the customer has.
    pub balance: Money,
    /// The open invoice of its period.
    pub asked: Option<Asked>,
    /// When the end of a prepaid period is told; none: it was, or the period is too short for it.
    pub remind_at: Option<Time>,
    /// Whether the customer is one who is served: whoever is suspended, refused or gone is neither asked for money nor sold anything.
    pub served: bool,
    /// When the first of the customer's open invoices for anything but a period should have been paid.
    pub owes_since: Option<Time>,
    /// The same of those that no reminder was sent of.
    pub unreminded_since: Option<Time>,
}

/// What is due now, or when to look again; neither: only money or people change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Do this and ask again.
    Now(Act),
    /// Nothing before then.
    Later(Time),
    /// Nothing by itself.
    Never,
}

/// When the end of what is paid is to be told, unless it was.
pub fn remind_at(start: Option<Time>, until: Option<Time>, reminded_of: Option<Time>) -> Option<Time> {
    let (start, until) = start.zip(until)?;
    extend::remind_at(start, until).filter(|_| reminded_of != Some(until))
}

/// What is due.
pub fn due(facts: &Facts, now: Time) -> Due {
    if !facts.served || facts.status == Status::Ended || facts.suspended == Some(Suspended::Staff) {
        return Due::Never;
    }
    let debt = debt(facts, now);
    if matches!(debt, Due::Now(_)) {
        return debt;
    }
    let period = match facts.billing {
        Billing::Prepaid => prepaid(facts, now),
        Billing::Invoiced => match facts.asked {
            Some(asked) => asked_for(facts, asked, now),
            None => invoiced(facts, now),
        },
    };
    match (period, debt) {
        (Due::Later(one), Due::Later(other)) => Due::Later(one.min(other)),
        (Due::Never, later) => later,
        (period, _) => period,
    }
}

/// An invoice for anything but a period has the same consequence as one for a period: three days after it was due the connection goes off.
fn debt(facts: &Facts, now: Time) -> Due {
    let ends = facts.owes_since.map(|due| due + GRACE).filter(|_| facts.status == Status::Active);
    if ends.is_some_and(|ends| now >= ends) {
        return Due::Now(Act::CutOff);
    }
    match facts.unreminded_since {
        Some(due) if now >= due => Due::Now(Act::RemindOfDebt),
        unreminded => unreminded.into_iter().chain(ends).min().map_or(Due::Never, Due::Later),
    }
}

fn prepaid(facts: &Facts, now: Time) -> Due {
    match facts.paid_until {
        None => Due::Never,
        Some(until) if now < until => match facts.remind_at.filter(|_| facts.balance < facts.price && facts.status == Status::Active) {
            Some(at) if now >= at => Due::Now(Act::RemindOfEnd),
            Some(at) => Due::Later(at.min(until)),
            None => Due::Later(until),
        },
        Some(_) if facts.balance >= facts.price => Due::Now(Act::Renew),
        Some(_) if facts.status == Status::Active => Due::Now(Act::CutOff),
        Some(_) => Due::Never,
    }
}

fn invoiced(facts: &Facts, now: Time) -> Due {
    match facts.paid_until {
        Some(until) if now < until - INVOICE_BEFORE => Due::Later(until - INVOICE_BEFORE),
        _ => Due::Now(Act::Issue),
    }
}

fn asked_for(facts: &Facts, asked: Asked, now: Time) -> Due {
    let ends = asked.due_at + GRACE;
    if facts.status == Status::Active && now >= ends {
        return Due::Now(Act::CutOff);
    }
    // The latest that applies: whoever was asleep for days does not send the ones before.
    let moments = [(asked.due_at, Reminder::Overdue), (begin_of_day(asked.due_at), Reminder::Today), (asked.due_at - REMIND_BEFORE, Reminder::Before)];
    let applies = moments.iter().find(|(at, _)| now >= *at).map(|(_, reminder)| *reminder);
    if let Some(reminder) = applies.filter(|reminder| asked.reminded < *reminder as i16) {
        return Due::Now(Act::Remind(reminder));
    }
    let later = moments.iter().map(|(at, _)| *at).chain((facts.status == Status::Active).then_some(ends)).filter(|at| *at > now).min();
    later.map_or(Due::Never, Due::Later)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hours: i64) -> Time {
        "2027-03-01T00:00:00+03:00".parse::<Time>().expect("a time") + TimeDelta::hours(hours)
    }

    fn facts(billing: Billing, status: Status) -> Facts {
        Facts {
            billing,
            status,
            suspended: None,
            paid_until: Some(at(720)),
            price: Money::from_minor(150_000),
            balance: Money::ZERO,
            asked: None,
            remind_at: None,
            served: true,
            owes_since: None,
            unreminded_since: None,
        }
    }

    #[test]
    fn whoever_is_not_served_is_neither_asked_nor_sold_anything() {
        for billing in [Billing::Prepaid, Billing::Invoiced] {
            for status in [Status::Active, Status::Waiting, Status::Suspended] {
                let suspended = (status == Status::Suspended).then_some(Suspended::Unpaid);
                let gone = Facts { served: false, suspended, balance: Money::from_minor(1_000_000), owes_since: Some(at(0)), ..facts(billing, status) };
                for hours in [0, 600, 720, 2_000] {
                    assert_eq!(due(&gone, at(hours)), Due::Never, "{billing:?} {status:?} {hours}");
                }
            }
        }
    }

    #[test]
    fn another_invoice_is_reminded_of_when_it_was_due_and_cuts_off_after_the_days_of_grace() {
        for billing in [Billing::Prepaid, Billing::Invoiced] {
            let owes = Facts { owes_since: Some(at(100)), unreminded_since: Some(at(100)), ..facts(billing, Status::Active) };
            assert_eq!(due(&owes, at(0)), Due::Later(at(100)));
            assert_eq!(due(&owes, at(100)), Due::Now(Act::RemindOfDebt));
            let told = Facts { unreminded_since: None, ..owes };
            assert_eq!(due(&told, at(100)), Due::Later(at(100 + 72)));
            assert_eq!(due(&told, at(100 + 72)), Due::Now(Act::CutOff));
            let off = Facts { status: Status::Suspended, suspended: Some(Suspended::Unpaid), ..told };
            assert!(!matches!(due(&off, at(100 + 72)), Due::Now(_)), "once");
        }
    }

    #[test]
    fn a_prepaid_line_is_renewed_from_the_balance_or_cut_off_when_it_is_over() {
        let on = facts(Billing::Prepaid, Status::Active);
        assert_eq!(due(&on, at(0)), Due::Later(at(720)));
        assert_eq!(due(&on, at(720)), Due::Now(Act::CutOff));
        assert_eq!(due(&Facts { balance: on.price, ..on }, at(720)), Due::Now(Act::Renew));
        assert_eq!(due(&Facts { balance: Money::from_minor(149_900), ..on }, at(720)), Due::Now(Act::CutOff));
        let off = Facts { status: Status::Suspended, suspended: Some(Suspended::Unpaid), ..on };
        assert_eq!(due(&off, at(800)), Due::Never);
        assert_eq!(due(&Facts { balance: on.price, ..off }, at(800)), Due::Now(Act::Renew));
        assert_eq!(due(&Facts { suspended: Some(Suspended::Staff), ..off }, at(800)), Due::Never);
        assert_eq!(due(&Facts { paid_until: None, ..on }, at(0)), Due::Never);
    }

    #[test]
    fn the_end_of_what_was_paid_ahead_is_told_a_day_before_once_and_to_nobody_whose_balance_reaches() {
        let on = Facts { remind_at: remind_at(Some(at(0)), Some(at(720)), None), ..facts(Billing::Prepaid, Status::Active) };
        assert_eq!(due(&on, at(0)), Due::Later(at(696)));
        assert_eq!(due(&on, at(696)), Due::Now(Act::RemindOfEnd));
        assert_eq!(due(&Facts { balance: on.price, ..on }, at(696)), Due::Later(at(720)));
        assert_eq!(remind_at(Some(at(0)), Some(at(720)), Some(at(720))), None, "told");
        assert_eq!(remind_at(Some(at(0)), Some(at(24)), None), None, "a day is too short");
        assert_eq!(remind_at(Some(at(720)), Some(at(1_440)), Some(at(720))), Some(at(1_416)), "the next period has an end of its own");
    }

    #[test]
    fn an_invoice_comes_five_days_before_and_is_reminded_of_three_times() {
        let on = facts(Billing::Invoiced, Status::Active);
        let issue = 720 - 5 * 24;
        assert_eq!(due(&on, at(0)), Due::Later(at(issue)));
        assert_eq!(due(&on, at(issue)), Due::Now(Act::Issue));
        // Due at ten in the morning of the day on which the period ends.
        let asked = |reminded| Facts { asked: Some(Asked { due_at: at(730), reminded }), ..on };
        let table = [
            (issue, 0, Due::Later(at(730 - 72))),
            (730 - 72, 0, Due::Now(Act::Remind(Reminder::Before))),
            (730 - 72, 1, Due::Later(at(720))),
            (720, 1, Due::Now(Act::Remind(Reminder::Today))),
            (720, 2, Due::Later(at(730))),
            (730, 2, Due::Now(Act::Remind(Reminder::Overdue))),
            (730, 3, Due::Later(at(730 + 72))),
            (730 + 72, 3, Due::Now(Act::CutOff)),
            // Asleep since the invoice: the latest word only, or none when it is too late for words.
            (731, 0, Due::Now(Act::Remind(Reminder::Overdue))),
            (730 + 72, 0, Due::Now(Act::CutOff)),
        ];
        for (now, reminded, wanted) in table {
            assert_eq!(due(&asked(reminded), at(now)), wanted, "{now} {reminded}");
        }
        let off = Facts { status: Status::Suspended, suspended: Some(Suspended::Unpaid), ..asked(3) };
        assert_eq!(due(&off, at(900)), Due::Never);
    }

    proptest! {
        #[test]
        fn whatever_happens_it_is_never_on_unpaid_and_looks_forward(hours in -100i64..2_000, due_hours in 0i64..1_500, reminded in 0i16..4, balance in 0i64..200_000, invoiced: bool, open: bool, active: bool, tell: bool) {
            let billing = if invoiced { Billing::Invoiced } else { Billing::Prepaid };
            let status = if active { Status::Active } else { Status::Suspended };
            let asked = (invoiced && open).then_some(Asked { due_at: at(due_hours), reminded });
            let facts = Facts { suspended: (!active).then_some(Suspended::Unpaid), balance: Money::from_minor(balance), asked, remind_at: tell.then(|| at(696)), ..facts(billing, status) };
            match due(&facts, at(hours)) {
                Due::Later(later) => {
                    prop_assert!(later > at(hours));
                    prop_assert!(!active || later <= at(720.max(due_hours)) + GRACE, "looked at before it is on unpaid");
                }
                Due::Never => prop_assert!(!active, "what is on always has an end"),
                Due::Now(_) => {}
            }
        }
    }
}
