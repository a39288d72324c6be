//! The RouterOS stand-in from outside: over its sockets with raw sentences and with two Python clients, and over its handle.

#[path = "routeros/client.rs"]
mod client;
#[path = "routeros/commands.rs"]
mod commands;
#[path = "routeros/logins.rs"]
mod logins;
#[path = "routeros/power.rs"]
mod power;
#[path = "routeros/python.rs"]
mod python;
#[path = "routeros/sessions.rs"]
mod sessions;
