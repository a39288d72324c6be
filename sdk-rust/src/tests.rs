//! The client against a stand-in server over loopback: real HTTP/2, real metadata, real lost connections.

mod calls;
mod stand_in;
mod tokens;
mod watch;
