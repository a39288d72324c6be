//! Staff move a service request on, answer it, or both. The customer is told: of an answer by message and alert, of a new state
//! alone by alert.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::list::{self, Asked};
use super::row;
use super::status::Status;
use crate::alert::News;
use crate::app::App;
use crate::audit::{self, By};
use crate::customer;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, ServiceRequestId};
use crate::notify::Template;
use crate::schema::service_request;

/// What staff make of a service request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Where it stands from now on; `None` leaves it where it is.
    pub status: Option<Status>,
    /// What the customer is told; may be empty when it moves, unless it is refused.
    pub reply: String,
}

/// Moves a service request on, answers it, or both. `STATE_CONFLICT` where that cannot be.
pub async fn answer(app: &App, isp: IspId, by: By, id: ServiceRequestId, answer: Answer) -> Result<Asked> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let before = row::lock(tx, isp, id).await?;
            let from = before.status()?;
            let to = answer.status.filter(|status| *status != from);
            if !from.is_open() || to.is_some_and(|to| !from.may_become(to)) {
                return Err(Error::new(Reason::StateConflict, format!("This request is {}, so this cannot be done.", from.as_str())));
            }
            if answer.reply.is_empty() && (to.is_none() || to == Some(Status::Rejected)) {
                return Err(Error::field("reply", "must say something when the request is refused or stays where it is"));
            }
            let answered = !answer.reply.is_empty();
            diesel::update(service_request::table.find((isp, id)))
                .set((
                    service_request::status.eq(to.unwrap_or(from).as_str()),
                    answered.then_some((service_request::reply.eq(&answer.reply), service_request::replied_at.eq(now))),
                    service_request::updated_at.eq(now),
                ))
                .execute(&mut **tx)
                .await?;
            let facts = json!({ "from": from.as_str(), "to": to.unwrap_or(from).as_str(), "answered": answered });
            audit::record(tx, isp, by, "service_request_updated", &id.to_string(), facts, now).await?;
            let subject = before.subject.as_str();
            let news = match to {
                Some(Status::Rejected) => News::RequestRejected { subject, reply: &answer.reply },
                _ if answered => News::Answered { subject, reply: &answer.reply },
                Some(Status::InProgress) => News::RequestInProgress { subject },
                Some(Status::Completed) => News::RequestCompleted { subject },
                Some(Status::Cancelled) => News::RequestCancelled { subject },
                _ => News::RequestApproved { subject },
            };
            let person = customer::person(tx, isp, before.customer_id).await?;
            customer::tell(tx, isp, &person, news, &id.to_string(), now).await?;
            if answered {
                let facts = [("subject", subject), ("reply", answer.reply.as_str())];
                customer::write_to(app, tx, isp, &person, Template::ServiceRequestAnswered, &facts, now).await?;
            }
            list::one(tx, isp, id).await
        })
        .await
}
