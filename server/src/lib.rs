//! Netily: small internet providers sell WiFi and home internet and are paid by M-Pesa.
//!
//! The order of the modules is the import rule: a module may use what stands above it in its own or an earlier group.
//! `tests/tidy.rs` keeps it. Slices name `app::App`, which opens the doors, as their first parameter.
#![forbid(unsafe_code)]

// 0 values: no IO; parsed once, valid ever after
pub mod actor;
pub mod clock;
pub mod error;
pub mod id;
pub mod money;
pub mod page;
pub mod phone;

// 1 doors: the only ways to the outside
pub mod app;
pub mod config;
pub mod db;
pub mod gateways;
pub mod jobs;
pub mod limit;
pub mod migrations;
pub mod postgres;
pub mod schema;
pub mod seal;
pub mod wake;

// 2 slices
pub mod auth;
pub mod collect;
pub mod hotspot;
pub mod isp;
pub mod ledger;
pub mod payments;
pub mod platform;
pub mod router;

// 3 edges: may use everything; nothing uses them
pub mod portal;
pub mod webhooks;
pub mod worker;
