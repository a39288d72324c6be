//! Netily: small internet providers sell WiFi and home internet and are paid by M-Pesa.
//!
//! The order of the modules is the import rule: a module may use what stands above it in its own or an earlier group.
//! `tests/tidy.rs` keeps it. Slices name `app::App`, which opens the doors, as their first parameter.
#![forbid(unsafe_code)]

// 0 values: no IO; parsed once, valid ever after
pub mod text_enum;
pub mod error;
pub mod clock;
pub mod id;
pub mod money;
pub mod phone;
pub mod email;
pub mod host;
pub mod lang;
pub mod page;
pub mod calendar;
pub mod csv;
pub mod actor;

// 1 doors: the only ways to the outside
pub mod failpoint;
pub mod together;
pub mod gateways;
pub mod config;
pub mod schema;
pub mod seal;
pub mod journal;
pub mod jobs;
pub mod wake;
pub mod db;
pub mod limit;
pub mod seldom;
pub mod postgres;
pub mod migrations;
pub mod app;

// 2 slices
pub mod audit;
pub mod breaks;
pub mod approvals;
pub mod counter;
pub mod books;
pub mod isp;
pub mod allowance;
pub mod notify;
pub mod auth;
pub mod router;
pub mod alert;
pub mod paper;
pub mod connection;
pub mod customer;
pub mod service_request;
pub mod payments;
pub mod ledger;
pub mod hotspot;
pub mod billing;
pub mod subscription;
pub mod collect;
pub mod refund;
pub mod settlement;
pub mod repair;
pub mod reconcile;
pub mod privacy;
pub mod self_service;
pub mod platform;

// 3 edges: may use everything; nothing uses them
pub mod portal;
pub mod rpc;
pub mod webhooks;
pub mod worker;
pub mod serve;
pub mod demo;
