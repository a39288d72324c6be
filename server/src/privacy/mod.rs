//! What Kenya's Data Protection Act gives a person: a copy of everything that is held about them, and its end. Both look across all
//! slices, so that one page tells what there is.

mod erase;
mod export;

pub use erase::erase;
pub use export::export;
