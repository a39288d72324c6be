//! The state machine of a payment. Pure. States only climb, so any order and number of events ends in the same state;
//! nothing a gateway says may forbid a later success.

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Written down; the gateway knows nothing.
    Created,
    /// Being sent: one request, ever.
    Submitting,
    /// The gateway took it and gave a reference.
    Pending,
    /// Sent, and it is not known whether the gateway took it.
    Unknown,
    /// Provably not taken, or the gateway said that it failed.
    Failed,
    /// The time to answer the prompt has passed. We go on asking.
    Expired,
    /// Paid: the gateway said so when we asked.
    Succeeded,
}

impl State {
    /// Every state.
    pub const ALL: [State; 7] = [State::Created, State::Submitting, State::Pending, State::Unknown, State::Failed, State::Expired, State::Succeeded];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Created => "CREATED",
            State::Submitting => "SUBMITTING",
            State::Pending => "PENDING",
            State::Unknown => "UNKNOWN",
            State::Failed => "FAILED",
            State::Expired => "EXPIRED",
            State::Succeeded => "SUCCEEDED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether a prompt may still be waiting on the phone as far as the person is told.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Created | State::Submitting | State::Pending | State::Unknown)
    }
}

/// Why a payment did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// The person pressed cancel.
    CancelledByUser,
    /// Too little money.
    InsufficientFunds,
    /// Wrong PIN.
    WrongPin,
    /// Not answered in time.
    TimedOut,
    /// The phone is off or has no network.
    PhoneUnreachable,
    /// A limit of the payer's account.
    LimitExceeded,
    /// The gateway did not take the request, or gave no reason.
    GatewayError,
}

impl FailureReason {
    /// Every reason.
    pub const ALL: [FailureReason; 7] = [
        FailureReason::CancelledByUser,
        FailureReason::InsufficientFunds,
        FailureReason::WrongPin,
        FailureReason::TimedOut,
        FailureReason::PhoneUnreachable,
        FailureReason::LimitExceeded,
        FailureReason::GatewayError,
    ];

    /// As the database and the contract write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            FailureReason::CancelledByUser => "CANCELLED_BY_USER",
            FailureReason::InsufficientFunds => "INSUFFICIENT_FUNDS",
            FailureReason::WrongPin => "WRONG_PIN",
            FailureReason::TimedOut => "TIMED_OUT",
            FailureReason::PhoneUnreachable => "PHONE_UNREACHABLE",
            FailureReason::LimitExceeded => "LIMIT_EXCEEDED",
            FailureReason::GatewayError => "GATEWAY_ERROR",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<FailureReason> {
        FailureReason::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// What can happen to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker took it to send it.
    Claimed,
    /// The gateway took it and gave a reference.
    Accepted,
    /// Provably not taken.
    Refused,
    /// Anything else that came back from sending, or nothing at all.
    Unclear,
    /// The time to answer has passed.
    DeadlinePassed,
    /// We asked, and the gateway said that it failed.
    SeenFailed,
    /// We asked, and the gateway said that it is paid.
    SeenSuccess,
}

/// The state after an event. The same state when the event says nothing new.
pub const fn next(from: State, event: Event) -> State {
    match (event, from) {
        (Event::Claimed, State::Created) => State::Submitting,
        (Event::Accepted, State::Submitting | State::Unknown) => State::Pending,
        (Event::Refused, State::Submitting) => State::Failed,
        (Event::Unclear, State::Submitting) => State::Unknown,
        (Event::DeadlinePassed, State::Created | State::Pending | State::Unknown) => State::Expired,
        (Event::SeenFailed, State::Submitting | State::Pending | State::Unknown | State::Expired) => State::Failed,
        (Event::SeenSuccess, State::Submitting | State::Pending | State::Unknown | State::Failed | State::Expired) => State::Succeeded,
        _ => from,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const EVENTS: [Event; 7] = [Event::Claimed, Event::Accepted, Event::Refused, Event::Unclear, Event::DeadlinePassed, Event::SeenFailed, Event::SeenSuccess];

    fn height(state: State) -> u8 {
        match state {
            State::Created => 0,
            State::Submitting => 1,
            State::Unknown => 2,
            State::Pending => 3,
            State::Expired => 4,
            State::Failed => 5,
            State::Succeeded => 6,
        }
    }

    #[test]
    fn states_only_climb() {
        for from in State::ALL {
            for event in EVENTS {
                assert!(height(next(from, event)) >= height(from), "{from:?} + {event:?}");
            }
        }
    }

    #[test]
    fn success_is_final_and_nothing_forbids_it() {
        for event in EVENTS {
            assert_eq!(next(State::Succeeded, event), State::Succeeded);
        }
        for from in [State::Submitting, State::Pending, State::Unknown, State::Failed, State::Expired] {
            assert_eq!(next(from, Event::SeenSuccess), State::Succeeded);
        }
    }

    /// What the gateway can tell of a payment that was sent, in every order, ends in the same state.
    #[test]
    fn any_order_of_answers_ends_in_the_same_state() {
        fn permutations(rest: &[Event], state: State, ends: &mut HashSet<State>) {
            if rest.is_empty() {
                ends.insert(state);
            }
            for at in 0..rest.len() {
                let mut others = rest.to_vec();
                let event = others.remove(at);
                permutations(&others, next(next(state, event), event), ends); // each event twice: repetition changes nothing
            }
        }
        for set in [
            &[Event::Accepted, Event::Unclear, Event::SeenSuccess][..],
            &[Event::Accepted, Event::DeadlinePassed, Event::SeenFailed, Event::SeenSuccess],
            &[Event::Unclear, Event::DeadlinePassed, Event::SeenSuccess, Event::SeenFailed],
            &[Event::Accepted, Event::Unclear, Event::SeenFailed],
        ] {
            let mut ends = HashSet::new();
            permutations(set, State::Submitting, &mut ends);
            assert_eq!(ends.len(), 1, "{set:?} ends in {ends:?}");
        }
    }

    #[test]
    fn names_read_back() {
        assert!(State::ALL.into_iter().all(|state| State::parse(state.as_str()) == Some(state)));
        assert!(FailureReason::ALL.into_iter().all(|reason| FailureReason::parse(reason.as_str()) == Some(reason)));
    }
}
