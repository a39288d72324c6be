//! Where a service request stands, and what leads from one state to another. Pure.

/// What a service request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// A first connection.
    Connection,
    /// A larger plan.
    Upgrade,
    /// A smaller plan.
    Downgrade,
    /// The connection at another place.
    Transfer,
    /// A pause.
    Suspension,
    /// An end.
    Termination,
    /// Something about money.
    Billing,
    /// Something does not work.
    Technical,
    /// Anything else.
    Other,
}

impl Category {
    /// Every category.
    pub const ALL: [Category; 9] = [
        Category::Connection,
        Category::Upgrade,
        Category::Downgrade,
        Category::Transfer,
        Category::Suspension,
        Category::Termination,
        Category::Billing,
        Category::Technical,
        Category::Other,
    ];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Connection => "CONNECTION",
            Category::Upgrade => "UPGRADE",
            Category::Downgrade => "DOWNGRADE",
            Category::Transfer => "TRANSFER",
            Category::Suspension => "SUSPENSION",
            Category::Termination => "TERMINATION",
            Category::Billing => "BILLING",
            Category::Technical => "TECHNICAL",
            Category::Other => "OTHER",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.as_str() == text)
    }
}

/// Where a service request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nobody has looked at it yet.
    Pending,
    /// It will be done.
    Approved,
    /// Somebody works on it.
    InProgress,
    /// It is done.
    Completed,
    /// It will not be done.
    Rejected,
    /// It is not wanted any more.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 6] = [Status::Pending, Status::Approved, Status::InProgress, Status::Completed, Status::Rejected, Status::Cancelled];

    /// Those in which somebody still has to do something.
    pub const OPEN: [Status; 3] = [Status::Pending, Status::Approved, Status::InProgress];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "PENDING",
            Status::Approved => "APPROVED",
            Status::InProgress => "IN_PROGRESS",
            Status::Completed => "COMPLETED",
            Status::Rejected => "REJECTED",
            Status::Cancelled => "CANCELLED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether somebody still has to do something.
    pub fn is_open(self) -> bool {
        Status::OPEN.contains(&self)
    }

    /// Whether staff may move it there. Staying is no move; what is final stays.
    pub fn may_become(self, to: Status) -> bool {
        use Status::{Approved, Cancelled, Completed, InProgress, Pending, Rejected};
        match self {
            Pending => matches!(to, Approved | InProgress | Completed | Rejected | Cancelled),
            Approved => matches!(to, InProgress | Completed | Rejected | Cancelled),
            InProgress => matches!(to, Completed | Rejected | Cancelled),
            Completed | Rejected | Cancelled => false,
        }
    }

    /// Whether the customer may take it back: until somebody works on it.
    pub const fn may_be_taken_back(self) -> bool {
        matches!(self, Status::Pending | Status::Approved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Approved, Cancelled, Completed, InProgress, Pending, Rejected};

    #[test]
    fn a_request_moves_where_the_table_says_and_nowhere_else() {
        let legal = [
            (Pending, Approved),
            (Pending, InProgress),
            (Pending, Completed),
            (Pending, Rejected),
            (Pending, Cancelled),
            (Approved, InProgress),
            (Approved, Completed),
            (Approved, Rejected),
            (Approved, Cancelled),
            (InProgress, Completed),
            (InProgress, Rejected),
            (InProgress, Cancelled),
        ];
        for from in Status::ALL {
            for to in Status::ALL {
                assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from:?} to {to:?}");
            }
            assert_eq!(from.is_open(), Status::ALL.into_iter().any(|to| from.may_become(to)), "{from:?}: what is open can move");
            assert!(!from.may_be_taken_back() || from.may_become(Cancelled), "{from:?}");
        }
        assert_eq!(Status::ALL.into_iter().filter(|status| status.may_be_taken_back()).collect::<Vec<_>>(), [Pending, Approved]);
    }

    #[test]
    fn names_read_back_what_they_write() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), Some(category));
        }
        assert_eq!((Status::parse("pending"), Category::parse("")), (None, None));
    }
}
