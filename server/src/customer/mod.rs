//! Customers of an ISP: their rows, how they stand, how staff find them and look after them. How they register is `self_service`.

mod add;
mod change;
mod create;
mod decide;
mod invite;
mod may_buy;
mod person;
mod prove;
pub mod search;
mod set_status;
mod settings;
pub mod status;
mod store;
mod tell;

pub use add::{Addition, add};
pub use change::{Change, change};
pub use create::{NewCustomer, RegisteredBy, create, repeated};
pub use decide::decide;
pub use may_buy::may_buy;
pub use person::{Person, list, person};
pub use prove::{Proof, prove};
pub use set_status::set_status;
pub use settings::update_settings;
pub use status::{Act, Proven, Rules, Status};
pub use store::{Customer, get, lock, of_user, set_id_number};
pub use tell::{tell, write_to};
