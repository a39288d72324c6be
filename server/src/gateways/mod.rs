//! Doors to the outside that are not ours. A gateway knows no slice, and says what an answer proves, not what follows.

mod delivery;
pub mod mail;
pub mod payhero;
pub mod routeros;
pub mod sms;

pub use delivery::Delivery;
