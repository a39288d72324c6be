//! What can go wrong with a router, told apart by what a caller would do about it.
//! RouterOS gives no error codes worth the name: the text of a trap is the only thing that discriminates.

use super::codec::CodecError;
use super::tls::Fingerprint;

/// Why a router did not do what was asked. Show people outside one and the same text for [`Error::Unreachable`],
/// [`Error::Refused`] and [`Error::TimedOut`], or the address field becomes a port scanner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No way to the address; carries the system's reason.
    #[error("the router cannot be reached: {0}")]
    Unreachable(String),
    /// The address answered that nothing listens on the port.
    #[error("nothing listens at the router's address")]
    Refused,
    /// No (complete) answer within the deadline. Whether a command was carried out is unknown: read, do not repeat blindly.
    #[error("the router did not answer in time")]
    TimedOut,
    /// The certificate is another than the pinned one: a new certificate on the router, or somebody in between.
    #[error("the router shows another certificate than the registered one (its SHA-256 is {presented})")]
    TlsMismatch {
        /// What the router showed, for a person to compare with the router's own screen.
        presented: Fingerprint,
    },
    /// No TLS session came about: the port is not `api-ssl`, or the service has no certificate (RouterOS then offers only
    /// anonymous ciphers, which prove nothing and are refused).
    #[error("no TLS session with the router: {0}")]
    Tls(String),
    /// Wrong user name or password, or a user whose group lacks the `api` policy; the router's own words.
    #[error("the router refused the login: {0}")]
    LoginRefused(String),
    /// The router refused one command. The connection can still be used.
    #[error("the router refused the command: {message}")]
    Trap {
        /// MikroTik's category (0 missing item or command, 1 argument value, 2 interrupted, 3 scripting, 4 general, 5 API,
        /// 6 TTY, 7 `:return`), often absent.
        category: Option<u8>,
        /// The router's words, decoded lossily.
        message: String,
    },
    /// The router ended the conversation and said why.
    #[error("the router ended the conversation: {0}")]
    Fatal(String),
    /// The connection is gone (also: it broke earlier and was used again). Connect anew. Routers do this as well when
    /// `max-sessions` is reached.
    #[error("the connection to the router was closed")]
    Closed,
    /// What came is not the RouterOS API.
    #[error("the answer is not RouterOS: {0}")]
    Protocol(String),
}

impl Error {
    /// The thing to be added exists already ("failure: already have user with this name for this server").
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.says("already have") || self.says("already exists")
    }

    /// The id to be changed or removed is gone ("no such item").
    #[must_use]
    pub fn is_no_such_item(&self) -> bool {
        self.says("no such item")
    }

    /// This version has no such menu or command ("no such command prefix").
    #[must_use]
    pub fn is_no_such_command(&self) -> bool {
        self.says("no such command")
    }

    /// The device-mode forbids it ("failure: not allowed by device-mode"); lifting it takes a person at the router.
    #[must_use]
    pub fn is_device_mode(&self) -> bool {
        self.says("not allowed by device-mode")
    }

    /// A user was given a profile that does not exist ("input does not match any value of profile").
    #[must_use]
    pub fn is_unknown_profile(&self) -> bool {
        self.says("does not match any value of profile")
    }

    /// The device to be logged in is not in the router's host list ("unknown host IP").
    #[must_use]
    pub fn is_unknown_host(&self) -> bool {
        self.says("unknown host")
    }

    /// The user, or the router's licence, allows no further device ("no more sessions are allowed").
    #[must_use]
    pub fn is_session_limit(&self) -> bool {
        self.says("no more sessions")
    }

    /// The same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Refused | Self::TimedOut | Self::Fatal(_) | Self::Closed => true,
            Self::TlsMismatch { .. } | Self::Tls(_) | Self::LoginRefused(_) | Self::Trap { .. } | Self::Protocol(_) => false,
        }
    }

    fn says(&self, words: &str) -> bool {
        match self {
            Self::Trap { message, .. } => message.to_ascii_lowercase().contains(words),
            _ => false,
        }
    }
}

impl From<CodecError> for Error {
    fn from(fault: CodecError) -> Self {
        Self::Protocol(fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trap(message: &str) -> Error {
        Error::Trap { category: None, message: message.to_owned() }
    }

    #[test]
    fn known_traps_are_recognised() {
        assert!(trap("failure: already have user with this name for this server").is_duplicate());
        assert!(trap("no such item (4)").is_no_such_item());
        assert!(trap("no such command prefix").is_no_such_command());
        assert!(trap("failure: not allowed by device-mode").is_device_mode());
        assert!(trap("input does not match any value of profile").is_unknown_profile());
        assert!(trap("unknown host IP").is_unknown_host());
        assert!(trap("no more sessions are allowed for user 254712345678").is_session_limit());
        assert!(!trap("interrupted").is_duplicate());
        assert!(!Error::Fatal("no such item".to_owned()).is_no_such_item());
    }
}
