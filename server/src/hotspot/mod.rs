//! WiFi by time and data: plans, purchases, and what the routers must hold for them. Starts payments; what became of
//! them is told to it by `collect`.

mod block;
mod extend;
pub mod grant;
pub mod guest;
pub mod limits;
pub mod plan;
pub mod purchase;
pub mod session;
pub mod sync;
mod take_back;

pub use block::block_prompts;
pub use grant::{granted, payment_failed};
pub use guest::{Shop, shop};
pub use plan::{Plan, PlanDraft};
pub use purchase::{Ask, purchase};
pub use session::{Session, Status, find_session};
pub use sync::{end_session, sync_router};
pub use take_back::take_back;
