//! Putting money right: what came or went without an owner gets a place, what the gateway says and we do not believe is decided by people, and
//! what is wrong is corrected by one more posting. Each act says its evidence; above a configured sum, and whenever what an ISP is owed is
//! corrected, two operators must ask for the same.

mod adopt;
mod correct;
mod payout;
mod refund;
mod reverse;
mod store;
mod unmatched;
mod write_off;

pub use adopt::{Adoption, Target, adopt};
pub use correct::{Movement, adjust, record_movement};
pub use payout::{PaidTo, adopt_payout};
pub use refund::{Refunding, Way, refund};
pub use reverse::{Returned, Reversal, reverse};
pub use store::{Done, Kind, Repair, list};
pub use unmatched::{Unmatched, list as list_unmatched};
pub use write_off::write_off;
