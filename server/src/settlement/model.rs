//! The protocol of a settlement as a model that is walked through whole: a worker that may die or stall at any step, answers that get
//! lost, requests that arrive hours late, callbacks that are lost, doubled or forged. One ISP is owed one unit of money, and a second
//! settlement may be made once the first has failed. The transitions are those of `state.rs`; each mistake that others made is a mutant
//! that must be caught, by name.

use std::collections::{HashMap, HashSet, VecDeque};

use super::state::{Event, State, next};

/// A mistake. The design makes none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    /// The list of transactions does not show our reference: no mistake, but a harder world.
    BlindList,
    RetryAfterTimeout,
    FailAfterPolls,
    TrustCallback,
    CallInsideTransaction,
    NoOpenSettlementLock,
    AbsentIsFailed,
    ResubmitAfterRestart,
    AcceptedIsPaid,
    TimeoutIsFailed,
    OperatorBeforeADay,
}

/// What the gateway knows of one settlement: requests on their way, queued, paid, failed.
type Gateway = [u8; 4];

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    /// The two settlements that there can be.
    state: [Option<State>; 2],
    /// Whether we hold the gateway's reference.
    reference: [bool; 2],
    /// The state is in memory only: a crash rolls it back.
    uncommitted: [bool; 2],
    gateway: [Gateway; 2],
    /// Which worker, and whether its request has left.
    worker: Option<(usize, bool)>,
    crashes: u8,
    /// Callbacks under way for each settlement: good news, bad news. They may come any number of times.
    callbacks: [[bool; 2]; 2],
    forged: u8,
    polls: u8,
}

const REQUESTS_MAX: u8 = 2;

impl World {
    fn begin() -> World {
        World {
            state: [None; 2],
            reference: [false; 2],
            uncommitted: [false; 2],
            gateway: [[0; 4]; 2],
            worker: None,
            crashes: 2,
            callbacks: [[false; 2]; 2],
            forged: 1,
            polls: 0,
        }
    }

    fn with(&self, change: impl FnOnce(&mut World)) -> World {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn after(&self, at: usize, event: Event) -> World {
        self.with(|world| world.state[at] = world.state[at].map(|state| next(state, event)))
    }

    fn set(&self, at: usize, state: State) -> World {
        self.with(|world| world.state[at] = Some(state))
    }

    fn fault(&self) -> Option<&'static str> {
        let paid: u8 = self.gateway.iter().map(|gateway| gateway[2]).sum();
        if paid > 1 {
            return Some("paid twice");
        }
        for at in 0..2 {
            match self.state[at] {
                Some(State::Completed) if self.gateway[at][2] == 0 => return Some("booked as paid, never paid"),
                Some(State::Failed) if self.gateway[at][2] > 0 => return Some("given back, and paid"),
                _ => {}
            }
        }
        None
    }

    fn is_resolved(&self) -> bool {
        self.state[0].is_some() && self.state.iter().flatten().all(|state| matches!(state, State::Completed | State::Failed | State::NeedsReview))
    }

    /// Everything that can happen next; true: without a fault of the world.
    fn steps(&self, mistake: Mistake) -> Vec<(World, bool)> {
        let mut steps = Vec::new();
        if self.state[0].is_none() {
            steps.push((self.set(0, State::Pending), true));
        }
        let second_may = self.state[0] == Some(State::Failed) || (mistake == Mistake::NoOpenSettlementLock && self.state[0].is_some_and(State::is_open));
        if self.state[1].is_none() && second_may {
            steps.push((self.set(1, State::Pending), true));
        }
        for at in 0..2 {
            self.steps_of(at, mistake, &mut steps);
        }
        self.steps_of_worker(mistake, &mut steps);
        steps
    }

    fn steps_of(&self, at: usize, mistake: Mistake, steps: &mut Vec<(World, bool)>) {
        let Some(state) = self.state[at] else { return };
        let gateway = self.gateway[at];
        if state == State::Pending && self.worker.is_none() {
            let claimed = self.after(at, Event::Claimed).with(|world| {
                world.worker = Some((at, false));
                world.uncommitted[at] = mistake == Mistake::CallInsideTransaction;
            });
            steps.push((claimed, true));
        }
        // The gateway: what is on its way arrives, now or hours later, or never; what is queued ends, and is called back or not.
        if gateway[0] > 0 {
            steps.push((self.with(|world| (world.gateway[at][0], world.gateway[at][1]) = (gateway[0] - 1, gateway[1] + 1)), true));
            steps.push((self.with(|world| world.gateway[at][0] -= 1), false));
        }
        if gateway[1] > 0 {
            for (good, end) in [(true, 2), (false, 3)] {
                let ended = self.with(|world| {
                    world.gateway[at][1] -= 1;
                    world.gateway[at][end] += 1;
                });
                steps.push((ended.with(|world| world.callbacks[at][usize::from(!good)] = true), true));
                steps.push((ended, true));
            }
        }
        // The lease of a worker that died, or only stalls, runs out.
        if state == State::Processing && !self.reference[at] && !self.uncommitted[at] {
            let reaped = if mistake == Mistake::ResubmitAfterRestart { self.set(at, State::Pending) } else { self.after(at, Event::Unclear) };
            steps.push((reaped, true));
        }
        self.steps_of_asking(at, state, mistake, steps);
        let nothing_paid_or_queued = gateway[1] == 0 && gateway[2] == 0;
        let nothing_may_come = gateway[0] == 0 && self.worker.is_none_or(|(of, _)| of != at);
        if state == State::NeedsReview && nothing_paid_or_queued && (nothing_may_come || mistake == Mistake::OperatorBeforeADay) {
            // Two operators, after a day, which is longer than any request is on its way.
            steps.push((self.after(at, Event::FoundUnpaid), true));
        }
        for (news, came) in self.callbacks[at].into_iter().enumerate() {
            if came && mistake == Mistake::TrustCallback && state.is_open() && state != State::Pending {
                steps.push((self.set(at, if news == 0 { State::Completed } else { State::Failed }), true));
            }
            if self.forged > 0 {
                let forged = self.with(|world| {
                    world.forged -= 1;
                    world.callbacks[at][news] = true;
                });
                steps.push((forged, false));
            }
        }
    }

    fn steps_of_asking(&self, at: usize, state: State, mistake: Mistake, steps: &mut Vec<(World, bool)>) {
        let gateway = self.gateway[at];
        if !matches!(state, State::Processing | State::Unknown | State::NeedsReview) || self.uncommitted[at] {
            return;
        }
        let in_the_dark = mistake == Mistake::BlindList && !self.reference[at] && !self.callbacks[at].contains(&true);
        if in_the_dark {
            steps.push((self.after(at, Event::DayPassed), true));
            if state == State::NeedsReview && gateway[2] > 0 {
                steps.push((self.after(at, Event::FoundPaid), true));
            }
            return;
        }
        if gateway[2] > 0 {
            steps.push((self.after(at, Event::SeenSuccess), true));
        } else if gateway[1] > 0 {
            if !self.reference[at] {
                steps.push((self.after(at, Event::Accepted).with(|world| world.reference[at] = true), true));
            }
        } else if gateway[3] > 0 {
            steps.push((self.after(at, Event::SeenFailed), true));
        } else if state == State::Unknown {
            let absent = match mistake {
                Mistake::AbsentIsFailed => self.set(at, State::Failed),
                Mistake::FailAfterPolls if self.polls > 0 => self.set(at, State::Failed),
                Mistake::FailAfterPolls => self.with(|world| world.polls += 1),
                _ => self.after(at, Event::DayPassed),
            };
            steps.push((absent, true));
        }
    }

    fn steps_of_worker(&self, mistake: Mistake, steps: &mut Vec<(World, bool)>) {
        let Some((at, sent)) = self.worker else { return };
        let gateway = self.gateway[at];
        let requests: u8 = gateway.iter().sum();
        let idle = |world: World| world.with(|world| world.worker = None);
        if !sent && requests < REQUESTS_MAX {
            let posted = self.with(|world| {
                world.gateway[at][0] += 1;
                world.worker = Some((at, true));
            });
            steps.push((posted, true));
        }
        if sent {
            let committed = self.with(|world| world.uncommitted[at] = false);
            if gateway[1] + gateway[2] + gateway[3] > 0 {
                let acked = if mistake == Mistake::AcceptedIsPaid && self.state[at] == Some(State::Processing) {
                    committed.set(at, State::Completed)
                } else {
                    committed.after(at, Event::Accepted)
                };
                steps.push((idle(acked.with(|world| world.reference[at] = true)), true));
            }
            match mistake {
                Mistake::RetryAfterTimeout if requests < REQUESTS_MAX => steps.push((self.with(|world| world.worker = Some((at, false))), true)),
                Mistake::TimeoutIsFailed if self.state[at] == Some(State::Processing) => steps.push((idle(committed.set(at, State::Failed)), true)),
                _ => steps.push((idle(committed.after(at, Event::Unclear)), true)),
            }
        }
        if self.crashes > 0 {
            let died = self.with(|world| {
                world.crashes -= 1;
                world.worker = None;
                if world.uncommitted[at] {
                    (world.state[at], world.uncommitted[at]) = (Some(State::Pending), false);
                }
            });
            steps.push((died, false));
        }
    }
}

/// Walks through every world that can be. Gives how many there are, or what went wrong.
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
    // From everywhere there is a way to an end, or to people, without another fault of the world.
    let mut good: HashSet<World> = seen.iter().filter(|world| world.is_resolved()).cloned().collect();
    let mut open: Vec<World> = good.iter().cloned().collect();
    while let Some(world) = open.pop() {
        for before in into.get(&world).into_iter().flatten() {
            if good.insert(before.clone()) {
                open.push(before.clone());
            }
        }
    }
    if good.len() == seen.len() { Ok(seen.len()) } else { Err("stuck") }
}

#[test]
fn the_design_is_safe_and_always_ends() {
    for world in [Mistake::None, Mistake::BlindList] {
        let states = walk(world).unwrap_or_else(|fault| panic!("{world:?}: {fault}"));
        assert!(states > 500, "{world:?}: only {states} worlds were walked through");
    }
}

#[test]
fn every_mistake_that_others_made_is_caught() {
    for mistake in [
        Mistake::RetryAfterTimeout,
        Mistake::FailAfterPolls,
        Mistake::TrustCallback,
        Mistake::CallInsideTransaction,
        Mistake::NoOpenSettlementLock,
        Mistake::AbsentIsFailed,
        Mistake::ResubmitAfterRestart,
        Mistake::AcceptedIsPaid,
        Mistake::TimeoutIsFailed,
        Mistake::OperatorBeforeADay,
    ] {
        assert!(walk(mistake).is_err(), "{mistake:?} was not noticed");
    }
}
