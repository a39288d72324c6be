//! "This was not me": the owner of a phone stops the prompts to it.

use axum::http::StatusCode;
use axum::response::Response;

use super::form::Sent;
use super::purchase::read_phone;
use super::refused::{Refused, wait_seconds};
use super::visit::Visit;
use crate::error::Reason;
use crate::hotspot;
use crate::portal::{FieldError, FormTarget, NotMePage, Notice, phone_text};

/// GET: the form.
pub async fn show(visit: Visit) -> Response {
    visit.answer(page(&visit, StatusCode::OK, Outcome::Asks).await).await
}

/// POST: stops the prompts.
pub async fn stop(Sent(visit): Sent) -> Response {
    visit.answer(stopped(&visit).await).await
}

async fn stopped(visit: &Visit) -> Result<Response, Refused> {
    let phone = match read_phone(&visit.fields) {
        Ok(phone) => phone,
        Err(error) => return page(visit, StatusCode::UNPROCESSABLE_ENTITY, Outcome::Wrong(error)).await,
    };
    match hotspot::block_prompts(&visit.app, visit.tenant.id, visit.router()?, &phone, visit.address).await {
        Ok(_) => page(visit, StatusCode::OK, Outcome::Stopped(phone_text::whole(phone.digits()))).await,
        Err(error) if error.reason == Reason::RateLimited => {
            page(visit, StatusCode::TOO_MANY_REQUESTS, Outcome::TooOften { wait_seconds: wait_seconds(&error) }).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What the page has to tell.
enum Outcome {
    Asks,
    Wrong(FieldError),
    TooOften { wait_seconds: u64 },
    Stopped(String),
}

async fn page(visit: &Visit, status: StatusCode, outcome: Outcome) -> Result<Response, Refused> {
    let frame = visit.frame(visit.look().await?);
    let asks = NotMePage { frame, phone: visit.typed("phone"), phone_error: None, stopped_phone: None, notice: None };
    let page = match outcome {
        Outcome::Asks => asks,
        Outcome::Wrong(error) => NotMePage { phone_error: Some(error), ..asks },
        Outcome::TooOften { wait_seconds } => NotMePage { notice: Some(Notice::TooManyTries { wait_seconds }), ..asks },
        Outcome::Stopped(phone) => NotMePage { stopped_phone: Some(phone), ..asks },
    };
    visit.page(status, &page, FormTarget::OwnServer)
}
