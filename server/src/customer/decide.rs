//! Staff decide about a customer: let in, refuse, stop, let on again, close. The customer is told in the same transaction.

use super::person::{Person, person};
use super::set_status::set_status;
use super::status::Act;
use super::tell::{tell, write_to};
use crate::alert::News;
use crate::app::App;
use crate::audit::By;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CustomerId, IspId};
use crate::notify::Template;

/// Does something to a customer's status, or `STATE_CONFLICT`. `reason` is what the customer may read, or empty. Who may not sign in
/// any longer gets no alert, which nobody could read; an account that is closed is closed without a word.
#[expect(clippy::too_many_arguments, reason = "who decides what about whom, and when")]
pub async fn decide(app: &App, tx: &mut Tx, isp: IspId, by: By, id: CustomerId, act: Act, reason: &str, now: Time) -> Result<Person> {
    set_status(tx, isp, id, act, reason, by, now).await?;
    let person = person(tx, isp, id).await?;
    let customer_code = person.customer.customer_code.as_str();
    let (news, message) = match act {
        Act::Approve => (Some(News::Approved { customer_code }), Some((Template::CustomerApproved, ("customer_code", customer_code)))),
        Act::Reject => (None, Some((Template::CustomerRejected, ("reason", reason)))),
        Act::Suspend => (Some(News::Suspended { reason }), Some((Template::CustomerSuspended, ("reason", reason)))),
        Act::Reactivate => (Some(News::Reactivated), Some((Template::CustomerReactivated, ("customer_code", customer_code)))),
        Act::Close => (None, None),
    };
    if let Some(news) = news {
        tell(tx, isp, &person, news, "", now).await?;
    }
    if let Some((template, fact)) = message {
        write_to(app, tx, isp, &person, template, &[fact], now).await?;
    }
    Ok(person)
}
