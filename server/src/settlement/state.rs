//! The state machine of a settlement. Pure. States only climb; nothing but proof ends one, and a success that comes late is a success.

/// Where a settlement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Reserved; the gateway knows nothing.
    Pending,
    /// Being sent, or taken by the gateway: one request, ever.
    Processing,
    /// Sent, and it is not known whether the gateway took it.
    Unknown,
    /// A day has passed without an answer that ends it: people find out.
    NeedsReview,
    /// Provably not paid.
    Failed,
    /// Paid: the gateway said so when we asked, or two operators did.
    Completed,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [State::Pending, State::Processing, State::Unknown, State::NeedsReview, State::Failed, State::Completed];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Pending => "PENDING",
            State::Processing => "PROCESSING",
            State::Unknown => "UNKNOWN",
            State::NeedsReview => "NEEDS_REVIEW",
            State::Failed => "FAILED",
            State::Completed => "COMPLETED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether its money is reserved: the next settlement waits for its end.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Pending | State::Processing | State::Unknown | State::NeedsReview)
    }
}

/// What can happen to a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker wrote down the attempt and is about to send it.
    Claimed,
    /// It must not be sent any more, and never was.
    Withdrawn,
    /// The gateway took it and gave a reference.
    Accepted,
    /// Provably not taken.
    Refused,
    /// Anything else that came back from sending, or nothing at all.
    Unclear,
    /// We asked, and the gateway said that it failed.
    SeenFailed,
    /// We asked, and the gateway said that it is paid.
    SeenSuccess,
    /// A day has passed since it was sent.
    DayPassed,
    /// Two operators say that it was paid.
    FoundPaid,
    /// Two operators say that it was not.
    FoundUnpaid,
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 10] = [
        Event::Claimed,
        Event::Withdrawn,
        Event::Accepted,
        Event::Refused,
        Event::Unclear,
        Event::SeenFailed,
        Event::SeenSuccess,
        Event::DayPassed,
        Event::FoundPaid,
        Event::FoundUnpaid,
    ];
}

/// The state after an event. The same state when the event says nothing new.
pub const fn next(from: State, event: Event) -> State {
    match (event, from) {
        (Event::Claimed, State::Pending) => State::Processing,
        (Event::Withdrawn, State::Pending) => State::Failed,
        (Event::Refused, State::Processing) => State::Failed,
        (Event::Unclear, State::Processing) => State::Unknown,
        (Event::DayPassed, State::Processing | State::Unknown) => State::NeedsReview,
        (Event::SeenFailed, State::Processing | State::Unknown | State::NeedsReview) => State::Failed,
        (Event::SeenSuccess, State::Processing | State::Unknown | State::NeedsReview | State::Failed) => State::Completed,
        (Event::FoundPaid, State::NeedsReview) => State::Completed,
        (Event::FoundUnpaid, State::NeedsReview) => State::Failed,
        _ => from,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn states_only_climb_and_names_read_back() {
        let height = |state: State| State::ALL.iter().position(|one| *one == state);
        for from in State::ALL {
            assert_eq!(State::parse(from.as_str()), Some(from));
            for event in Event::ALL {
                assert!(height(next(from, event)) >= height(from), "{from:?} + {event:?}");
            }
        }
    }

    #[test]
    fn success_is_final_and_a_failure_ends_by_nothing_but_a_late_success() {
        for event in Event::ALL {
            assert_eq!(next(State::Completed, event), State::Completed);
            let after = if event == Event::SeenSuccess { State::Completed } else { State::Failed };
            assert_eq!(next(State::Failed, event), after, "{event:?}");
        }
    }

    /// Whatever is only known from not having heard never ends it.
    #[test]
    fn silence_ends_nothing() {
        for from in [State::Processing, State::Unknown, State::NeedsReview] {
            for event in [Event::Unclear, Event::DayPassed, Event::Accepted, Event::Claimed, Event::Withdrawn] {
                assert!(next(from, event).is_open(), "{from:?} + {event:?}");
            }
        }
        assert_eq!(next(State::Unknown, Event::Refused), State::Unknown, "a refusal that comes after the doubt proves nothing");
    }

    #[test]
    fn any_order_of_answers_ends_in_the_same_state() {
        fn permutations(rest: &[Event], state: State, ends: &mut HashSet<State>) {
            if rest.is_empty() {
                ends.insert(state);
            }
            for at in 0..rest.len() {
                let mut others = rest.to_vec();
                let event = others.remove(at);
                permutations(&others, next(next(state, event), event), ends);
            }
        }
        for set in [
            &[Event::Accepted, Event::Unclear, Event::SeenSuccess][..],
            &[Event::Accepted, Event::DayPassed, Event::SeenFailed, Event::SeenSuccess],
            &[Event::Unclear, Event::DayPassed, Event::SeenFailed],
        ] {
            let mut ends = HashSet::new();
            permutations(set, State::Processing, &mut ends);
            assert_eq!(ends.len(), 1, "{set:?} ends in {ends:?}");
        }
    }
}
