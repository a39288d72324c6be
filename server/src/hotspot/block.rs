//! "This was not me": the owner of a phone stops the prompts of this ISP for a day.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::limits;
use crate::app::App;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{IspId, RouterId};
use crate::phone::Phone;
use crate::router;
use crate::schema::prompt_block;

const BLOCK_FOR: TimeDelta = TimeDelta::hours(24);

/// Blocks prompts to a phone; says until when.
pub async fn block_prompts(app: &App, isp: IspId, at: RouterId, phone: &Phone, address: std::net::IpAddr) -> Result<Time> {
    let now = app.clock.now();
    let until = now + BLOCK_FOR;
    app.db
        .tx(isp, async |tx| {
            router::store::get(tx, isp, at).await?;
            limits::allow_block(tx, address, now).await?;
            diesel::insert_into(prompt_block::table)
                .values((prompt_block::tenant_id.eq(isp), prompt_block::phone.eq(phone.digits()), prompt_block::until.eq(until)))
                .on_conflict((prompt_block::tenant_id, prompt_block::phone))
                .do_update()
                .set(prompt_block::until.eq(until))
                .execute(&mut **tx)
                .await?;
            Ok(until)
        })
        .await
}
