//! Why a command did not end well, and the exit code that says so.

use std::io;
use std::process::ExitCode;

/// Anything but success.
#[derive(Debug)]
pub enum Fault {
    /// The server refused, does not have it, or cannot be reached.
    Refused(netily_sdk::Error),
    /// The answer is complete and bad news: a failed purchase, a router out of reach. Shown already.
    BadNews,
    /// The command cannot be understood or lacks something.
    Usage(String),
    /// The ledger check found violations. Shown already.
    Violations,
    /// Nothing more can be written: the reader of a pipe has gone.
    Output(io::Error),
}

impl Fault {
    /// 1 refused or bad news, 2 usage, 3 violations. A reader that has seen enough is no failure.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Refused(_) | Self::BadNews | Self::Output(_) => 1,
            Self::Usage(_) => 2,
            Self::Violations => 3,
        })
    }
}

impl From<netily_sdk::Error> for Fault {
    fn from(error: netily_sdk::Error) -> Self {
        Self::Refused(error)
    }
}
