//! A connection ends for good: the period that was asked for is not asked for any more, and paid time that is not used comes back as
//! balance if the ISP wants that.

use super::account::{self, Move};
use super::invoice;
use super::run::open_period;
use super::settle::settle;
use super::terms;
use super::unused::worth;
use super::void::void;
use crate::audit::By;
use crate::clock::Time;
use crate::connection::{self, Connection, Status};
use crate::db::Tx;
use crate::error::Result;
use crate::id::{ConnectionId, IspId};
use crate::money::Money;

/// Ends a connection, and gives what became balance. Doing it again changes nothing.
pub async fn end_connection(tx: &mut Tx, isp: IspId, by: By, id: ConnectionId, now: Time) -> Result<Money> {
    let customer = connection::get(tx, isp, id).await?.customer_id;
    account::lock(tx, isp, customer).await?;
    let line = connection::lock(tx, isp, id).await?;
    if line.status()? == Status::Ended {
        return Ok(Money::ZERO);
    }
    if let Some(asked) = open_period(tx, isp, &line).await? {
        void(tx, isp, by, asked.id, "The connection ended.", now).await?;
    }
    connection::end(tx, isp, by, id, now).await?;
    let back = if invoice::settings(tx, isp).await?.credit_unused { unused(tx, isp, &line, now).await? } else { Money::ZERO };
    if back > Money::ZERO {
        account::book(tx, isp, customer, Move::Proration(id), back, "Unused time", now).await?;
        settle(tx, isp, customer, None, now).await?;
    }
    Ok(back)
}

/// What all the time costs that is paid and not used yet, at the price of the period that was paid last.
async fn unused(tx: &mut Tx, isp: IspId, line: &Connection, now: Time) -> Result<Money> {
    let (Some(start), Some(until)) = (line.period_start, line.paid_until) else { return Ok(Money::ZERO) };
    let price = terms::get(tx, isp, line.plan_id, line.plan_version).await?.price_minor;
    Ok(if until > now { worth(price, until - start, until - now) } else { Money::ZERO })
}
