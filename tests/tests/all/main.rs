//! The one test binary: flows through the SDK against the real server, a real database and the sandbox.

mod access;
mod accounts;
mod books;
mod browser;
mod crash;
mod faults;
mod gateway;
mod keys;
mod ledger;
mod limits;
mod notify;
mod notify_reports;
mod people;
mod purchase;
mod resume;
mod schema;
mod secrecy;
mod sessions;
mod staff;
mod templates;
mod tenancy;
mod tidy;
mod workers;
