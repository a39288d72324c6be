//! The one test binary: flows through the SDK against the real server, a real database and the sandbox.

mod generated;
