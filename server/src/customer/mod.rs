//! Customers of an ISP: their rows, how they stand, and how staff find them. How they register is `self_service`.

mod create;
mod may_buy;
mod prove;
pub mod search;
mod set_status;
pub mod status;
mod store;

pub use create::{NewCustomer, RegisteredBy, create, repeated};
pub use may_buy::may_buy;
pub use prove::{Proof, prove};
pub use set_status::set_status;
pub use status::{Act, Proven, Rules, Status};
pub use store::{Customer, get, lock, of_user, set_id_number};
