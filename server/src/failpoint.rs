//! Named points of the hotspot line, before and after each commit and each send, at which a test lets this process die as
//! `kill -9` would, or panic. Nothing but a test can arm one: without the feature `failpoints`, which only the crate of
//! the tests asks for, a point is no code at all.

/// The process passes a point of an act. `tests/all/failpoints.rs` holds the table of them.
#[inline]
pub fn reached(act: &str, point: &str) {
    #[cfg(feature = "failpoints")]
    armed::reached(act, point);
    #[cfg(not(feature = "failpoints"))]
    let _ = (act, point);
}

#[cfg(feature = "failpoints")]
pub use armed::{End, arm};

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::OnceLock;

    static ARMED: OnceLock<(String, End)> = OnceLock::new();

    /// What happens at the armed point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum End {
        /// The process is gone, without a farewell.
        Kill,
        /// The task panics, each time.
        Panic,
    }

    /// Arms one point, `act point`, for the life of this process. A second call changes nothing.
    pub fn arm(point: String, end: End) {
        let _ = ARMED.set((point, end));
    }

    pub(super) fn reached(act: &str, point: &str) {
        let Some((armed, end)) = ARMED.get() else { return };
        if armed.split_once(' ') != Some((act, point)) {
            return;
        }
        match end {
            End::Kill => {
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                std::process::abort()
            }
            End::Panic => panic!("the armed point {armed} was reached"),
        }
    }
}
