//! Limits on what guests try: receipts, and blocking numbers.

use std::net::IpAddr;

use chrono::TimeDelta;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::limit::{Limit, take};
use crate::phone::Phone;

/// All guests of a router share its address, so this one is wide.
const PER_ADDRESS: Limit = Limit::new(120, TimeDelta::milliseconds(500));
const RESUME_PER_ADDRESS: Limit = Limit::new(10, TimeDelta::seconds(30));
const BLOCK_PER_ADDRESS: Limit = Limit::new(5, TimeDelta::minutes(1));

/// Lets somebody try a receipt.
pub async fn allow_resume(tx: &mut Tx, isp: IspId, phone: &Phone, address: IpAddr, now: Time) -> Result<()> {
    take(tx, &format!("resume/phone/{}/{}", isp.uuid(), phone.digits()), &RESUME_PER_ADDRESS, "Too many tries with this phone.", now).await?;
    take(tx, &format!("resume/address/{address}"), &PER_ADDRESS, "Too many tries from this network.", now).await
}

/// Lets somebody block prompts.
pub async fn allow_block(tx: &mut Tx, address: IpAddr, now: Time) -> Result<()> {
    take(tx, &format!("block/address/{address}"), &BLOCK_PER_ADDRESS, "Too many numbers were blocked from this network.", now).await
}
