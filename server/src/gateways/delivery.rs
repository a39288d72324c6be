//! What came of handing a message to a provider, whichever way it travels.

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The provider has it.
    Taken {
        /// The provider's name for it, or empty.
        id: String,
    },
    /// It will never reach this recipient.
    Refused(String),
    /// The provider has not said that it has it: try again later.
    Later {
        /// What is in the way, without number, address or text of the message.
        problem: String,
        /// Nothing will change until an operator does something: credentials, credit.
        operator: bool,
    },
}

impl Delivery {
    /// The provider is in trouble that passes by itself.
    pub(super) fn later(problem: impl Into<String>) -> Delivery {
        Delivery::Later { problem: problem.into(), operator: false }
    }

    /// The provider waits for an operator.
    pub(super) fn operator(problem: impl Into<String>) -> Delivery {
        Delivery::Later { problem: problem.into(), operator: true }
    }
}
