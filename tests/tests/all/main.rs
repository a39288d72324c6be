//! The one test binary: flows through the SDK against the real server, a real database and the sandbox.

mod access;
mod backlog;
mod books;
mod browser;
mod clocks;
mod commits;
mod crash;
mod failpoints;
mod faults;
mod gateway;
mod ledger;
mod limits;
mod notify;
mod notify_reports;
mod poison;
mod program;
mod purchase;
mod resume;
mod schema;
mod secrecy;
mod staff;
mod templates;
mod tenancy;
mod tidy;
mod workers;
