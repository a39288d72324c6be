//! What customers ask of staff: filing, taking back, answering.

mod answer;
mod cancel;
mod create;
mod list;
mod row;
mod status;

pub use answer::{Answer, answer};
pub use cancel::cancel;
pub use create::{Draft, OPEN_MOST, PER_DAY, create};
pub use list::{Asked, Wanted, list, of_customer};
pub use row::{ServiceRequest, get_of, open};
pub use status::{Category, Status};
