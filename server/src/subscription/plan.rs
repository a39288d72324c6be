//! What Netily sells to ISPs: three plans, by the month or the year. Pure.

use chrono::TimeDelta;

pub use crate::allowance::{Limits, Plan};
use crate::billing::{Period, Unit, unused};
use crate::clock::{Time, day_of_month};
use crate::money::Money;

/// How long one price is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cycle {
    /// A month.
    Monthly,
    /// Twelve months at the price of ten.
    Yearly,
}

impl Plan {
    /// What a period costs.
    pub const fn price(self, cycle: Cycle) -> Money {
        let month = match self {
            Plan::Starter => 299_900,
            Plan::Pro => 799_900,
            Plan::Enterprise => 1_999_900,
        };
        Money::from_minor(match cycle {
            Cycle::Monthly => month,
            Cycle::Yearly => month * 10,
        })
    }
}

impl Cycle {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cycle::Monthly => "MONTHLY",
            Cycle::Yearly => "YEARLY",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Cycle> {
        [Cycle::Monthly, Cycle::Yearly].into_iter().find(|cycle| cycle.as_str() == text)
    }

    /// The period of the calendar.
    pub fn period(self) -> Period {
        let months = match self {
            Cycle::Monthly => 1,
            Cycle::Yearly => 12,
        };
        Period::new(Unit::Month, months).unwrap_or_else(|| unreachable!("a month and a year are periods"))
    }
}

/// What an ISP has.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its plan.
    pub plan: Plan,
    /// By the month or the year.
    pub cycle: Cycle,
    /// Whether nothing was paid yet.
    pub trial: bool,
    /// When the period that was paid last begins.
    pub start: Time,
    /// Until when it is paid.
    pub until: Time,
    /// The day of the month that its periods keep.
    pub anchor: u32,
    /// What begins when it is over.
    pub next: Option<(Plan, Cycle)>,
}

/// What becomes of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It costs so much, and the period begins then.
    Costs(Money, Time),
    /// A smaller plan, or a shorter cycle, begins when what is paid is over.
    NotBefore(Time),
}

/// What a plan costs an ISP now. The same one, or any one during a trial or when nothing is paid, follows what is paid; a larger one begins at
/// once, and the unused whole shillings of what is paid are taken off.
pub fn order(held: &Held, plan: Plan, cycle: Cycle, now: Time) -> Order {
    let price = plan.price(cycle);
    if held.trial || held.until <= now || (held.plan, held.cycle) == (plan, cycle) {
        return Order::Costs(price, held.until.max(now));
    }
    let left = unused(held.plan.price(held.cycle), held.start, held.until, now);
    match price.checked_sub(left) {
        Some(rest) if plan >= held.plan && rest > Money::ZERO => Order::Costs(rest, now),
        _ => Order::NotBefore(held.until),
    }
}

/// What money that came in gives an ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The plan from now on.
    pub plan: Plan,
    /// By the month or the year.
    pub cycle: Cycle,
    /// When its period begins.
    pub start: Time,
    /// Until when it is paid.
    pub until: Time,
    /// The day of the month that its periods keep.
    pub anchor: u32,
}

/// What a payment gives that was asked for when another order of things held: a whole period where it pays for one; else as much time as
/// it pays for. Nothing that was paid is lost, and nobody gets a period for the price of an upgrade. `None` at the end of the calendar.
pub fn grant(held: &Held, plan: Plan, cycle: Cycle, paid: Money, now: Time) -> Option<Granted> {
    match order(held, plan, cycle, now) {
        Order::Costs(cost, start) => {
            // The first period after a trial keeps the day on which it begins, as every new one does.
            let anchor = if start == held.until && !held.trial { held.anchor } else { day_of_month(start) };
            // An upgrade in the middle of a period costs a little more each second; it was sold at the price of the prompt.
            let whole = paid >= cost || cost < plan.price(cycle);
            if whole {
                return Some(Granted { plan, cycle, start, until: cycle.period().end(start, anchor)?, anchor });
            }
            part(plan, cycle, start, paid)
        }
        // A larger plan was paid meanwhile: it lasts longer.
        Order::NotBefore(until) => part(held.plan, held.cycle, until, paid),
    }
}

/// As much time of a plan as the money pays for, from a moment on. Its period is written as one of the usual length that ends with it, so
/// that what is unused of it is worth what was paid.
fn part(plan: Plan, cycle: Cycle, from: Time, paid: Money) -> Option<Granted> {
    let whole = cycle.period().end(from, day_of_month(from))? - from;
    let seconds = i128::from(whole.num_seconds()) * i128::from(paid.minor()) / i128::from(plan.price(cycle).minor().max(1));
    let until = from.checked_add_signed(TimeDelta::try_seconds(i64::try_from(seconds).ok()?)?)?;
    Some(Granted { plan, cycle, start: until - whole, until, anchor: day_of_month(until) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    #[test]
    fn money_that_comes_late_gives_the_time_that_it_pays_for() {
        let held = |plan, start: &str, until: &str| Held {
            plan,
            cycle: Cycle::Monthly,
            trial: false,
            start: kenya(start),
            until: kenya(until),
            anchor: 1,
            next: None,
        };
        let starter = held(Plan::Starter, "2027-03-01T00:00:00", "2027-04-01T00:00:00");
        let upgrade = Money::from_minor(799_900 - 150_000);
        // In time: a whole period of the larger plan, though the old one is worth a little less than when it was asked for.
        let now = kenya("2027-03-16T12:00:00");
        let got = grant(&starter, Plan::Pro, Cycle::Monthly, upgrade, now).expect("a period");
        assert_eq!((got.plan, got.start, got.until), (Plan::Pro, now, kenya("2027-04-16T12:00:00")));
        // After the old period ended there is nothing to take off: 6,499 of 7,999 pays for its part of the month.
        let late = kenya("2027-04-02T00:00:00");
        let got = grant(&starter, Plan::Pro, Cycle::Monthly, upgrade, late).expect("a period");
        let month = 30 * 86_400;
        assert_eq!((got.until - late).num_seconds(), month * 6_499 / 7_999);
        let worth = unused(Plan::Pro.price(Cycle::Monthly), got.start, got.until, late);
        assert!(worth <= upgrade && worth >= Money::from_minor(649_800), "worth what was paid, to the shilling: {worth}");
        // The full price is a full period, whenever it comes.
        let got = grant(&starter, Plan::Pro, Cycle::Monthly, Plan::Pro.price(Cycle::Monthly), late).expect("a period");
        assert_eq!(got.until, kenya("2027-05-02T00:00:00"));
        // Paid for the smaller plan after the larger one was: the larger one lasts longer.
        let pro = held(Plan::Pro, "2027-03-01T00:00:00", "2027-04-01T00:00:00");
        let got = grant(&pro, Plan::Starter, Cycle::Monthly, Plan::Starter.price(Cycle::Monthly), now).expect("time");
        assert_eq!((got.plan, (got.until - pro.until).num_seconds()), (Plan::Pro, month * 2_999 / 7_999));
    }

    #[test]
    fn an_order_follows_what_is_paid_or_begins_at_once_with_the_rest_taken_off() {
        let paid = Held {
            plan: Plan::Starter,
            cycle: Cycle::Monthly,
            trial: false,
            start: kenya("2027-04-01T00:00:00"),
            until: kenya("2027-05-01T00:00:00"),
            anchor: 1,
            next: None,
        };
        let half = kenya("2027-04-16T00:00:00");
        let shillings = |amount: i64| Money::from_minor(amount * 100);
        assert_eq!(order(&paid, Plan::Starter, Cycle::Monthly, half), Order::Costs(shillings(2_999), paid.until), "renewed");
        assert_eq!(order(&paid, Plan::Pro, Cycle::Monthly, half), Order::Costs(shillings(7_999 - 1_499), half), "half of 2,999 comes off");
        assert_eq!(order(&paid, Plan::Starter, Cycle::Yearly, half), Order::Costs(shillings(29_990 - 1_499), half));
        let larger = Held { plan: Plan::Pro, ..paid };
        assert_eq!(order(&larger, Plan::Starter, Cycle::Monthly, half), Order::NotBefore(paid.until), "smaller");
        assert_eq!(order(&larger, Plan::Starter, Cycle::Monthly, paid.until), Order::Costs(shillings(2_999), paid.until), "when it is over");
        let trial = Held { trial: true, ..paid };
        assert_eq!(order(&trial, Plan::Pro, Cycle::Monthly, half), Order::Costs(shillings(7_999), paid.until), "the trial is not cut short");
        let lapsed = kenya("2027-06-01T00:00:00");
        assert_eq!(order(&paid, Plan::Enterprise, Cycle::Monthly, lapsed), Order::Costs(shillings(19_999), lapsed));
        let yearly = Held { cycle: Cycle::Yearly, until: kenya("2028-04-01T00:00:00"), ..paid };
        assert_eq!(order(&yearly, Plan::Starter, Cycle::Monthly, half), Order::NotBefore(yearly.until), "shorter");
    }
}
