//! Doors to the outside that are not ours. A gateway knows no slice, and says what an answer proves, not what follows.

pub mod payhero;
pub mod routeros;
