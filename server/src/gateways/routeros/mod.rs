//! The RouterOS door: MikroTik's binary API (TCP 8728, TLS 8729), spoken by hand over one connection a router.
//! It knows no slice: it neither decides who may be online nor remembers anything between connections.

mod client;
mod codec;
mod error;
pub mod hotspot;
mod menu;
pub mod ppp;
mod reply;
pub mod system;
mod tls;
mod value;

#[cfg(test)]
pub(crate) mod scripted;

pub use client::{Command, Connection, Deadlines, Endpoint, Reply};
pub use codec::{CodecError, Decoder, SENTENCE_MAX, Sentence, WORD_MAX, encode_sentence};
pub use error::Error;
pub use reply::{Kind, ReplySentence, Row};
pub use tls::Fingerprint;
pub use value::{MacAddress, RateLimit, parse_boolean, parse_bytes, parse_duration, write_boolean, write_duration};
