//! Into which days money that the ISP took itself may be dated: not into the future, not before the ISP was here, and not into a month
//! whose books are closed.

use crate::books;
use crate::clock::{Time, begin_of_day};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::IspId;
use crate::isp;

/// Refuses a date that is not open.
pub async fn check(tx: &mut Tx, isp: IspId, received_at: Time, now: Time) -> Result<()> {
    if received_at < begin_of_day(isp::began_at(tx, isp).await?) {
        return Err(Error::field("received_at", "must not be before the ISP began"));
    }
    books::check(tx, "received_at", received_at, now).await
}
