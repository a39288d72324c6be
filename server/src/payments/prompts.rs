//! Limits on prompts. Whoever can ask for a prompt can make a stranger's phone ring, so prompts are counted per phone that would
//! ring, per device, per network address and per ISP, over all replicas.

use std::net::IpAddr;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::gateways::routeros::MacAddress;
use crate::id::IspId;
use crate::limit::{Limit, Token, take_all};
use crate::phone::Phone;
use crate::schema::prompt_block;

/// A person mistypes a PIN twice and buys again later; nobody needs more.
const PER_PHONE: Limit = Limit::new(4, TimeDelta::minutes(5));
const PER_DEVICE: Limit = Limit::new(6, TimeDelta::minutes(5));
/// All guests of a router share its address, so this one is wide.
const PER_ADDRESS: Limit = Limit::new(120, TimeDelta::milliseconds(500));
const PER_ISP: Limit = Limit::new(600, TimeDelta::milliseconds(50));

/// Whose prompt it would be.
pub struct Prompt<'a> {
    /// The ISP.
    pub isp: IspId,
    /// The phone that would ring.
    pub phone: &'a Phone,
    /// The device that asks.
    pub device: Option<MacAddress>,
    /// Where it asks from.
    pub address: IpAddr,
}

/// Lets a prompt pass, or says when to come back. Tokens that were taken come back with the transaction if it fails.
pub async fn allow_prompt(tx: &mut Tx, prompt: &Prompt<'_>, now: Time) -> Result<()> {
    let blocked: Option<Time> = prompt_block::table.find((prompt.isp, prompt.phone.digits())).select(prompt_block::until).first(&mut **tx).await.optional()?;
    if let Some(until) = blocked.filter(|until| *until > now) {
        return Err(Error {
            retry_after: (until - now).to_std().ok(),
            ..Error::new(Reason::PhoneBlocked, "The owner of this phone asked for no more payment requests today. Use another number, or ask for help.")
        });
    }
    let isp = prompt.isp.uuid();
    let device = prompt.device.map(|mac| Token {
        key: format!("prompt/device/{isp}/{mac}"),
        limit: &PER_DEVICE,
        sentence: "Too many payment requests came from this device.",
    });
    let phone = format!("prompt/phone/{isp}/{}", prompt.phone.digits());
    let tokens: Vec<_> = [Token { key: phone, limit: &PER_PHONE, sentence: "Too many payment requests were sent to this phone." }]
        .into_iter()
        .chain(device)
        .chain([
            Token { key: format!("prompt/address/{}", prompt.address), limit: &PER_ADDRESS, sentence: "Too many payment requests came from this network." },
            Token { key: format!("prompt/isp/{isp}"), limit: &PER_ISP, sentence: "Very many people are paying right now." },
        ])
        .collect();
    take_all(tx, &tokens, now).await
}
