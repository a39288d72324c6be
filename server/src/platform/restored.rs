//! A backup was restored: the command that is run before anything works again. What was about to be done at the moment of the backup was done
//! long ago, for all we know, so it is not done again; and nobody is paid until the gateway's list was compared.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::collect;
use crate::error::Result;
use crate::id::{IspId, PLATFORM, PaymentId};
use crate::jobs::Kind;
use crate::schema::{counter, isp, job, message, payment, settlement};
use crate::settlement::{pulse, switch};

/// Further back the gateway's list is not read.
const FURTHEST: TimeDelta = TimeDelta::hours(72);

/// What was found and done.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The last moment that the database knows.
    pub from: Time,
    /// Now: what happened between is not known.
    pub to: Time,
    /// Payouts that were set aside and not sent, as far as is known. They wait.
    pub payouts: i64,
    /// Prompts that were about to be sent. They are asked about, and not sent.
    pub prompts: usize,
    /// Messages that were about to be sent. They are not.
    pub messages: usize,
    /// Numbers that were moved on.
    pub counters: usize,
}

/// Makes a restored database safe to work with. `gap`: so far the numbers of customers and invoices are moved on, so that none comes twice.
/// Running it again moves them on again and is otherwise harmless.
pub async fn restored(app: &App, reason: &str, gap: i64) -> Result<Restored> {
    let now = app.clock.now();
    switch::set(app, By::Netily, true, reason).await?;
    let from = app
        .db
        .public(async |tx| {
            let from = pulse::last(tx).await?.unwrap_or(now - FURTHEST).min(now);
            pulse::doubt(tx, from, now).await?;
            let over = [Kind::Push, Kind::SendMessage].map(Kind::as_str);
            diesel::delete(job::table.filter(job::kind.eq_any(over))).execute(&mut **tx).await?;
            Ok(from)
        })
        .await?;
    let mut done = Restored { from, to: now, payouts: 0, prompts: 0, messages: 0, counters: 0 };
    let isps: Vec<IspId> = app.db.public(async |tx| Ok(isp::table.select(isp::id).load(&mut **tx).await?)).await?;
    for isp in isps {
        let (payouts, prompts, messages, counters) = app
            .db
            .tx(isp, async |tx| {
                let created: Vec<PaymentId> =
                    payment::table.filter(payment::tenant_id.eq(isp).and(payment::state.eq("CREATED"))).select(payment::id).load(&mut **tx).await?;
                for id in &created {
                    collect::may_have_been_sent(tx, isp, *id, now).await?;
                }
                let queued = message::table.filter(message::tenant_id.eq(isp).and(message::state.eq("QUEUED")));
                let over = (message::state.eq("FAILED"), message::problem.eq("a backup was restored: it was sent before, or is too old"));
                let messages = diesel::update(queued).set((over, message::body_sealed.eq(None::<Vec<u8>>))).execute(&mut **tx).await?;
                let numbers = counter::table.filter(counter::tenant_id.eq(isp));
                let counters = diesel::update(numbers).set(counter::value.eq(counter::value + gap)).execute(&mut **tx).await?;
                let waiting = settlement::table.filter(settlement::tenant_id.eq(isp).and(settlement::state.eq("PENDING")));
                Ok((waiting.count().get_result::<i64>(&mut **tx).await?, created.len(), messages, counters))
            })
            .await?;
        done.payouts += payouts;
        done.prompts += prompts;
        done.messages += messages;
        done.counters += counters;
    }
    let facts = json!({ "from": from, "to": now, "gap": gap, "prompts": done.prompts, "messages": done.messages, "payouts": done.payouts });
    app.db.tx(PLATFORM, async |tx| audit::record(tx, PLATFORM, By::Netily, "restored", "", facts, now).await).await?;
    Ok(done)
}

impl Restored {
    /// What an operator reads.
    pub fn text(&self) -> String {
        let Restored { from, to, payouts, prompts, messages, counters } = self;
        let minutes = (*to - *from).num_minutes();
        format!(
            "What happened from {from} to {to} ({minutes} minutes) is not known here.\n\
             - Payouts are stopped. {payouts} that were set aside wait; one that was sent before is found in the gateway's list and not sent again.\n\
             - {prompts} prompts and {messages} messages that were about to be sent are not sent again.\n\
             - {counters} numbers were moved on, so that no customer's or invoice's number comes twice.\n\n\
             What to do now:\n\
             1. Start `netily work` and `netily serve`. The list of the last three days is read; it takes some minutes.\n\
             2. `netily replay-journal`, if a journal was kept: payments of the lost time are made anew, and credited once the gateway says that they were paid.\n\
             3. `netilyctl collection unmatched`: money that came in goes to its owner (`collection adopt`), money that left was a settlement's or an ISP's\n   \
                (`settlement adopt`, two operators). `netilyctl break list` shows what still stops payouts.\n\
             4. `netilyctl settlement status`: once the past is known again, `netilyctl settlement resume --reason …`.\n"
        )
    }
}
