//! "Already paid?": finds a purchase by the phone that paid and the receipt, and leads this device to its page.

use axum::http::StatusCode;
use axum::response::Response;

use super::form::Sent;
use super::purchase::read_phone;
use super::refused::{Refused, wait_seconds};
use super::visit::Visit;
use crate::collect::{self, ResumeAsk};
use crate::error::{Error, Reason};
use crate::payments::receipt;
use crate::phone::Phone;
use crate::portal::{FieldError, Fields, FormTarget, Notice, ResumePage};

/// GET: the form.
pub async fn show(visit: Visit) -> Response {
    visit.answer(page(&visit, StatusCode::OK, Complaint::default()).await).await
}

/// POST: 303 to the purchase that was found.
pub async fn find(Sent(visit): Sent) -> Response {
    visit.answer(found(&visit).await).await
}

async fn found(visit: &Visit) -> Result<Response, Refused> {
    let router = visit.router()?;
    let (phone, mpesa_receipt) = match read(&visit.fields) {
        Ok(proof) => proof,
        Err(complaint) => return page(visit, StatusCode::UNPROCESSABLE_ENTITY, complaint).await,
    };
    let (mac, client_ip, login_url) = (visit.mac(), visit.client_ip(), visit.login_url());
    let ask = ResumeAsk { router, phone, mpesa_receipt, mac, client_ip, login_url, address: visit.address };
    match collect::resume(&visit.app, visit.tenant.id, &ask).await {
        Ok(session) => visit.to_purchase(router, session.row.id),
        Err(error) => {
            let complaint = Complaint::about(error)?;
            let status = if complaint.notice.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNPROCESSABLE_ENTITY };
            page(visit, status, complaint).await
        }
    }
}

async fn page(visit: &Visit, status: StatusCode, complaint: Complaint) -> Result<Response, Refused> {
    let page = ResumePage {
        frame: visit.frame(visit.look().await?),
        phone: visit.typed("phone"),
        receipt: visit.typed("receipt"),
        phone_error: complaint.phone,
        receipt_error: complaint.receipt,
        notice: complaint.notice,
    };
    visit.page(status, &page, FormTarget::OwnServer)
}

/// What is wrong with a form.
#[derive(Debug, Default, PartialEq, Eq)]
struct Complaint {
    phone: Option<FieldError>,
    receipt: Option<FieldError>,
    notice: Option<Notice>,
}

impl Complaint {
    fn about(error: Error) -> Result<Complaint, Refused> {
        let nothing = Complaint::default();
        match error.reason {
            Reason::ReceiptNotFound => Ok(Complaint { receipt: Some(FieldError::ReceiptNotFound), ..nothing }),
            Reason::PurchaseEnded => Ok(Complaint { receipt: Some(FieldError::PurchaseEnded), ..nothing }),
            Reason::RateLimited => Ok(Complaint { notice: Some(Notice::TooManyTries { wait_seconds: wait_seconds(&error) }), ..nothing }),
            _ => Err(error.into()),
        }
    }
}

fn read(fields: &Fields) -> Result<(Phone, String), Complaint> {
    match (read_phone(fields), read_receipt(fields)) {
        (Ok(phone), Ok(receipt)) => Ok((phone, receipt)),
        (phone, receipt) => Err(Complaint { phone: phone.err(), receipt: receipt.err(), notice: None }),
    }
}

/// The receipt in capitals. People copy it from the SMS with spaces and the dot behind it, or the whole SMS.
fn read_receipt(fields: &Fields) -> Result<String, FieldError> {
    let typed = fields.get("receipt").ok_or(FieldError::ReceiptMissing)?;
    receipt::read(typed).ok_or(FieldError::ReceiptInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_as_people_copy_it() {
        for (typed, wanted) in [
            ("QK12AB34CD", Ok("QK12AB34CD")),
            ("+qk12 ab34cd.", Ok("QK12AB34CD")),
            ("", Err(FieldError::ReceiptMissing)),
            ("QK12AB34C", Err(FieldError::ReceiptInvalid)),
            ("QK12AB34CDE", Err(FieldError::ReceiptInvalid)),
            ("QK12AB34C%C3%89", Err(FieldError::ReceiptInvalid)),
            ("QK12AB34C'", Err(FieldError::ReceiptInvalid)),
        ] {
            let read = read_receipt(&Fields::parse(&format!("receipt={typed}")));
            assert_eq!(read.as_deref().map_err(|error| *error), wanted, "{typed}");
        }
    }

    #[test]
    fn both_faults_are_told_at_once() {
        let wanted = Complaint { phone: Some(FieldError::PhoneMissing), receipt: Some(FieldError::ReceiptMissing), notice: None };
        assert_eq!(read(&Fields::default()).unwrap_err(), wanted);
    }
}
