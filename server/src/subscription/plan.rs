//! What Netily sells to ISPs: three plans, by the month or the year. Pure.

pub use crate::allowance::{Limits, Plan};
use crate::billing::{Period, Unit, unused};
use crate::clock::Time;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
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
