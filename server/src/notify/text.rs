//! The text of a template: what an ISP wrote itself, else the built-in one.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::lang::Lang;
use crate::notify::{Template, built_in};
use crate::schema::message_template;

/// Subject and body with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Above a mail; not used in a text message.
    pub subject: String,
    /// The words.
    pub body: String,
}

/// The text that this ISP sends.
pub async fn of(tx: &mut Tx, tenant: IspId, template: Template, lang: Lang) -> Result<Text> {
    let own: Option<(String, String)> = message_template::table
        .find((tenant, template.as_str(), lang.code()))
        .select((message_template::subject, message_template::body))
        .first(&mut **tx)
        .await
        .optional()?;
    let (subject, body) = built_in::text(template, lang);
    Ok(match own {
        Some((own_subject, own_body)) => Text { subject: if own_subject.is_empty() { subject.to_owned() } else { own_subject }, body: own_body },
        None => Text { subject: subject.to_owned(), body: body.to_owned() },
    })
}
