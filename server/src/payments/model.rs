//! The protocol of one prompt as a model that is walked through whole: a crash anywhere, a lost answer, callbacks that are late, doubled,
//! lost or forged, a double click, a PIN that is typed after the time is over. The transitions are those of `state.rs`; each mistake that
//! others made is a mutant that must be caught, by name.

use std::collections::{HashMap, HashSet, VecDeque};

use super::state::{Event, State, next};

/// A mistake. The design makes none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    CreditOnCallback,
    ExpiredIsFinal,
    CreditWithoutKey,
    StateAndLedgerApart,
    NoPolling,
    MatchByReferenceOnly,
    NoOpenPromptGuard,
    ResubmitAfterRestart,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    state: Option<State>,
    credited: u8,
    charged: u8,
    /// Prompts on the phone.
    prompts: u8,
    /// Requests on their way.
    sent: u8,
    reference: bool,
    good_news: bool,
    crashes: u8,
    forged: u8,
    clicks: u8,
    /// The state says paid and the ledger does not yet.
    half: bool,
}

impl World {
    fn begin() -> World {
        World { state: None, credited: 0, charged: 0, prompts: 0, sent: 0, reference: false, good_news: false, crashes: 2, forged: 1, clicks: 2, half: false }
    }

    fn with(&self, change: impl FnOnce(&mut World)) -> World {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn after(&self, event: Event) -> World {
        self.with(|world| world.state = world.state.map(|state| next(state, event)))
    }

    fn fault(&self) -> Option<&'static str> {
        match self {
            world if world.credited > world.charged => Some("credited without a charge"),
            world if world.credited > 1 => Some("credited twice"),
            world if world.charged > 1 => Some("charged twice for one intent"),
            _ => None,
        }
    }

    fn is_settled(&self) -> bool {
        self.credited == self.charged && !self.half && matches!(self.state, None | Some(State::Succeeded | State::Failed))
    }

    /// The credit, if the machine takes it.
    fn credit(&self, mistake: Mistake) -> Option<World> {
        let state = self.state?;
        if state == State::Succeeded {
            return (mistake == Mistake::CreditWithoutKey && self.credited < 2).then(|| self.with(|world| world.credited += 1));
        }
        let blocked = mistake == Mistake::ExpiredIsFinal && matches!(state, State::Expired | State::Failed);
        if blocked || next(state, Event::SeenSuccess) != State::Succeeded {
            return None;
        }
        let paid = self.after(Event::SeenSuccess);
        Some(paid.with(|world| if mistake == Mistake::StateAndLedgerApart { world.half = true } else { world.credited += 1 }))
    }

    fn steps(&self, mistake: Mistake) -> Vec<(World, bool)> {
        let mut steps = Vec::new();
        if self.clicks > 0 {
            let clicked = self.with(|world| world.clicks -= 1);
            match self.state {
                None => steps.push((clicked.with(|world| world.state = Some(State::Created)), true)),
                Some(state) if state.is_open() && mistake == Mistake::NoOpenPromptGuard => steps.push((clicked.with(|world| world.sent += 1), true)),
                Some(_) => steps.push((clicked, true)),
            }
        }
        if self.state == Some(State::Created) {
            steps.push((self.after(Event::Claimed).with(|world| world.sent += 1), true));
        }
        if self.state == Some(State::Submitting) {
            let again = mistake == Mistake::ResubmitAfterRestart && self.sent + self.prompts + self.charged < 2;
            steps.push((if again { self.with(|world| world.sent += 1) } else { self.after(Event::Unclear) }, true));
            if self.prompts + self.charged > 0 {
                steps.push((self.after(Event::Accepted).with(|world| world.reference = true), true));
            }
            if self.crashes > 0 {
                steps.push((self.with(|world| world.crashes -= 1), false));
            }
        }
        if self.sent > 0 {
            steps.push((self.with(|world| (world.sent, world.prompts) = (world.sent - 1, world.prompts + 1)), true));
            steps.push((self.with(|world| world.sent -= 1), false));
        }
        if self.prompts > 0 {
            let paid = self.with(|world| (world.prompts, world.charged) = (world.prompts - 1, world.charged + 1));
            steps.push((paid.with(|world| world.good_news = true), true));
            steps.push((paid, true));
            steps.push((self.with(|world| world.prompts -= 1), true));
        }
        if matches!(self.state, Some(State::Pending | State::Unknown)) {
            steps.push((self.after(Event::DeadlinePassed), true));
        }
        if self.half {
            steps.push((self.with(|world| (world.half, world.credited) = (false, world.credited + 1)), true));
            if self.crashes > 0 {
                steps.push((self.with(|world| (world.half, world.crashes) = (false, world.crashes - 1)), false));
            }
        }
        if self.forged > 0 && self.state.is_some() {
            steps.push((self.with(|world| (world.forged, world.good_news) = (0, true)), false));
        }
        self.steps_of_asking(mistake, &mut steps);
        steps
    }

    fn steps_of_asking(&self, mistake: Mistake, steps: &mut Vec<(World, bool)>) {
        let can_match = self.reference || mistake != Mistake::MatchByReferenceOnly;
        if self.good_news && can_match && (self.charged > 0 || mistake == Mistake::CreditOnCallback) {
            steps.extend(self.credit(mistake).map(|credited| (credited, true)));
        }
        if mistake == Mistake::NoPolling || !can_match {
            return;
        }
        if self.charged > 0 {
            steps.extend(self.credit(mistake).map(|credited| (credited, true)));
        } else if self.prompts == 0 && self.sent == 0 && matches!(self.state, Some(State::Pending | State::Unknown | State::Expired)) {
            steps.push((self.after(Event::SeenFailed), true));
        }
    }
}

fn walk(mistake: Mistake) -> Result<usize, &'static str> {
    let begin = World::begin();
    let mut seen = HashSet::from([begin.clone()]);
    let mut open = VecDeque::from([begin]);
    let mut into: HashMap<World, Vec<World>> = HashMap::new();
    while let Some(world) = open.pop_front() {
        if let Some(fault) = world.fault() {
            return Err(fault);
        }
        for (after, faultless) in world.steps(mistake) {
            if faultless {
                into.entry(after.clone()).or_default().push(world.clone());
            }
            if seen.insert(after.clone()) {
                open.push_back(after);
            }
        }
    }
    let mut good: HashSet<World> = seen.iter().filter(|world| world.is_settled()).cloned().collect();
    let mut open: Vec<World> = good.iter().cloned().collect();
    while let Some(world) = open.pop() {
        for before in into.get(&world).into_iter().flatten() {
            if good.insert(before.clone()) {
                open.push(before.clone());
            }
        }
    }
    if good.len() == seen.len() { Ok(seen.len()) } else { Err("money is lost: never credited") }
}

#[test]
fn the_design_is_safe_and_no_money_is_lost() {
    let states = walk(Mistake::None).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(states > 100, "only {states} worlds were walked through");
}

#[test]
fn every_mistake_that_others_made_is_caught() {
    for mistake in [
        Mistake::CreditOnCallback,
        Mistake::ExpiredIsFinal,
        Mistake::CreditWithoutKey,
        Mistake::StateAndLedgerApart,
        Mistake::NoPolling,
        Mistake::MatchByReferenceOnly,
        Mistake::NoOpenPromptGuard,
        Mistake::ResubmitAfterRestart,
    ] {
        assert!(walk(mistake).is_err(), "{mistake:?} was not noticed");
    }
}
