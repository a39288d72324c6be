//! What customers send, read into types. Pure.

use netily_sdk::selfservice as pb;
use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::rpc::customer::ask::category;
use crate::rpc::fields::{self, Faults};
use crate::self_service::{ProfileChange, Registration};
use crate::service_request::Draft;

/// A registration. Everything that is wrong with the form is told at once.
pub fn registration(mut ask: pb::RegisterRequest, key: &[u8]) -> Result<Registration> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let mut faults = Faults::default();
    let email = faults.note(fields::email("email", &ask.email));
    let phone = faults.note(fields::phone("phone_number", &ask.phone_number));
    let first_name = faults.note(fields::person_name("first_name", &ask.first_name));
    let last_name = faults.note(fields::person_name("last_name", &ask.last_name));
    let password = faults.note(new_password("password", ask.password));
    let id_number = faults.note(fields::optional("id_number", ask.id_number.trim(), fields::id_number));
    let lang = faults.note(fields::optional("language", &ask.language, fields::lang));
    match (email, phone, first_name, last_name, password, id_number, lang) {
        (Some(email), Some(phone), Some(first_name), Some(last_name), Some(password), Some(id_number), Some(lang)) => {
            let lang = lang.unwrap_or_default();
            Ok(Registration { email, phone, first_name, last_name, password, id_number, lang, request_id, request_hash })
        }
        _ => Err(faults.error()),
    }
}

/// A password of a length that may be taken; whether it is a good one is decided with the other words of the person.
fn new_password(path: &str, text: String) -> Result<SecretString> {
    if (8..=128).contains(&text.chars().count()) { Ok(text.into()) } else { Err(Error::field(path, "must have 8 to 128 characters")) }
}

/// A one-time code. One that cannot be right is not told apart from one that is not: it is no fault of the form.
pub fn code(path: &str, text: String) -> Result<SecretString> {
    let code: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
    if code.is_empty() || text.len() > 64 { Err(Error::field(path, "must be the six digits that were sent")) } else { Ok(code.into()) }
}

/// A change of the own account.
pub fn profile_change(ask: pb::UpdateProfileRequest) -> Result<ProfileChange> {
    let mut faults = Faults::default();
    let first_name = faults.note(ask.first_name.map(|name| fields::person_name("first_name", &name)).transpose());
    let last_name = faults.note(ask.last_name.map(|name| fields::person_name("last_name", &name)).transpose());
    let lang = faults.note(ask.language.map(|lang| fields::lang("language", &lang)).transpose());
    let id_number = faults.note(ask.id_number.map(|number| fields::optional("id_number", number.trim(), fields::id_number)).transpose());
    match (first_name, last_name, lang, id_number) {
        (Some(first_name), Some(last_name), Some(lang), Some(id_number)) => Ok(ProfileChange { first_name, last_name, lang, id_number }),
        _ => Err(faults.error()),
    }
}

/// A service request to be made. Everything that is wrong with the form is told at once.
pub fn service_request(mut ask: pb::CreateServiceRequestRequest, key: &[u8]) -> Result<Draft> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let mut faults = Faults::default();
    let subject = faults.note(fields::text("subject", &ask.subject, 120));
    let description = faults.note(fields::lines("description", &ask.description, 4_000));
    let category = faults
        .note(fields::choice("category", ask.category).and_then(|chosen| chosen.and_then(category).ok_or_else(|| Error::field("category", "must be set"))));
    match (subject, description, category) {
        (Some(subject), Some(description), Some(category)) => Ok(Draft { subject, description, category, request_id, request_hash }),
        _ => Err(faults.error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn a_form_is_told_everything_that_is_wrong_with_it() {
        let empty = pb::RegisterRequest { request_id: "6fa459ea-ee8a-4ca4-894e-db77e160355e".into(), language: "fr".into(), ..Default::default() };
        let error = registration(empty, b"key").err().expect("refused");
        let named: Vec<&str> = error.fields.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(named, ["email", "phone_number", "first_name", "last_name", "password", "language"]);
    }

    #[test]
    fn a_service_request_says_what_it_asks_for() {
        let ask = pb::CreateServiceRequestRequest { request_id: "6fa459ea-ee8a-4ca4-894e-db77e160355e".into(), ..Default::default() };
        let error = service_request(ask, b"key").expect_err("refused");
        let named: Vec<&str> = error.fields.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(named, ["subject", "description", "category"]);
    }

    #[test]
    fn english_is_read_where_nothing_was_said() {
        let ask = pb::RegisterRequest {
            email: "asha@yellow.example".into(),
            phone_number: "0712345678".into(),
            first_name: "Asha".into(),
            last_name: "Mwangi".into(),
            password: "ugali na sukuma".into(),
            id_number: " ".into(),
            request_id: "6fa459ea-ee8a-4ca4-894e-db77e160355e".into(),
            language: String::new(),
        };
        let read = registration(ask, b"key").expect("read");
        assert_eq!((read.lang, read.id_number), (Lang::English, None));
    }
}
