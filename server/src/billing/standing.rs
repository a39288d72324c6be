//! What a customer's standing means for money: whoever is suspended or refused is asked for nothing, whoever left has no connection any
//! more, and whoever comes back is asked from then on. What is in the account stays in it until an act ends it.

use super::account;
use super::end_line::end_connection;
use super::run::{self, open_period};
use super::void::void;
use crate::app::App;
use crate::audit::By;
use crate::clock::Time;
use crate::connection::{self, Billing};
use crate::customer::{self, Act, Customer, Person, Status};
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CustomerId, IspId, UserId};
use crate::money::Money;

/// Staff decide about a customer, as `customer::decide` says it, with what follows for money. Gives the balance as well.
pub async fn decide(app: &App, isp: IspId, by: By, id: CustomerId, act: Act, reason: &str) -> Result<(Person, Money)> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            customer::get(tx, isp, id).await?;
            // The account comes before customer and connection, as everywhere.
            account::lock(tx, isp, id).await?;
            let person = customer::decide(app, tx, isp, by, id, act, reason, now).await?;
            follow(app, tx, isp, by, id, person.customer.status()?, now).await?;
            Ok((person, account::balance(tx, isp, id).await?))
        })
        .await
}

/// A customer closes the own account.
pub async fn close_own(tx: &mut Tx, isp: IspId, user: UserId, now: Time) -> Result<Customer> {
    let id = customer::of_user(tx, isp, user).await?.id;
    account::lock(tx, isp, id).await?;
    let closed = customer::set_status(tx, isp, id, Act::Close, "", By::User(user), now).await?;
    leave(tx, isp, By::User(user), id, now).await?;
    Ok(closed)
}

/// A customer is gone for good, and so is the connection. The account is locked by the caller.
pub async fn leave(tx: &mut Tx, isp: IspId, by: By, id: CustomerId, now: Time) -> Result<()> {
    match connection::live_of(tx, isp, id).await? {
        Some(line) => end_connection(tx, isp, by, line.id, now).await.map(drop),
        None => Ok(()),
    }
}

async fn follow(app: &App, tx: &mut Tx, isp: IspId, by: By, id: CustomerId, status: Status, now: Time) -> Result<()> {
    let Some(line) = connection::live_of(tx, isp, id).await? else { return Ok(()) };
    match status {
        Status::Closed => end_connection(tx, isp, by, line.id, now).await.map(drop),
        Status::Suspended | Status::Rejected => connection::pause(tx, isp, &line, now).await,
        Status::Pending => Ok(()),
        Status::Active => {
            // What was paid when it stopped and ran out meanwhile: no day of the time away is asked for.
            let lapsed = line.paused_at.is_some_and(|away| line.paid_until.is_some_and(|until| until >= away && until <= now));
            if lapsed && let Some(asked) = open_period(tx, isp, &line).await? {
                void(tx, isp, by, asked.id, "The account was suspended when this period began.", now).await?;
            }
            connection::unpause(tx, isp, &line, lapsed && line.billing()? == Billing::Invoiced, now).await?;
            run::look(app, tx, isp, line.id, now).await
        }
    }
}
