//! Customers of an ISP: their rows, how they stand, and how staff find them. How they register is `self_service`.

mod create;
mod may_buy;
pub mod search;
mod set_status;
pub mod status;
mod store;

pub use create::{NewCustomer, RegisteredBy, create, repeated};
pub use may_buy::may_buy;
pub use set_status::set_status;
pub use status::{Act, Rules, Status};
pub use store::{Customer, get, lock, of_user};
