//! The words of a template: what an ISP wrote itself, else the built-in ones. Own words are checked when they are saved, so that
//! none fails when it is sent.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::render::{self, Fault};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, UserId};
use crate::isp;
use crate::lang::Lang;
use crate::notify::{Channel, Template, built_in};
use crate::schema::message_template;

/// Subject and body with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Above a mail; empty for a text message. Empty in what an ISP wrote: the built-in one.
    pub subject: String,
    /// The words.
    pub body: String,
}

/// The words of one template in one language.
#[derive(Clone, Debug)]
pub struct Words {
    /// What they are for.
    pub template: Template,
    /// Their language.
    pub lang: Lang,
    /// What is sent now.
    pub text: Text,
    /// When the ISP wrote it; `None` for the built-in words.
    pub written_at: Option<Time>,
}

/// What somebody would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// With sample values.
    pub text: Text,
    /// How many text messages it is charged as; 0 for a mail.
    pub sms_parts: usize,
}

/// The built-in words.
pub fn built_in(template: Template, lang: Lang) -> Text {
    let (subject, body) = built_in::text(template, lang);
    let subject = if template.channel() == Channel::Email { subject } else { "" };
    Text { subject: subject.to_owned(), body: body.to_owned() }
}

/// The words that this ISP sends, with a subject in any case: a text for a phone may go to a mailbox, too.
pub(super) async fn of(tx: &mut Tx, tenant: IspId, template: Template, lang: Lang) -> Result<Text> {
    let own: Option<(String, String)> = message_template::table
        .find((tenant, template.as_str(), lang.code()))
        .select((message_template::subject, message_template::body))
        .first(&mut **tx)
        .await
        .optional()?;
    let (subject, body) = built_in::text(template, lang);
    let (own_subject, own_body) = own.unwrap_or_else(|| (String::new(), body.to_owned()));
    Ok(Text { subject: if own_subject.is_empty() { subject.to_owned() } else { own_subject }, body: own_body })
}

/// The words of every template, in one language or in all.
pub async fn words(tx: &mut Tx, tenant: IspId, lang: Option<Lang>) -> Result<Vec<Words>> {
    let rows: Vec<(String, String, String, String, Time)> = message_template::table
        .filter(message_template::tenant_id.eq(tenant))
        .select((message_template::template, message_template::lang, message_template::subject, message_template::body, message_template::updated_at))
        .load(&mut **tx)
        .await?;
    let mut own: HashMap<(String, String), (Text, Time)> =
        rows.into_iter().map(|(template, lang, subject, body, at)| ((template, lang), (Text { subject, body }, at))).collect();
    let mut all = Vec::new();
    for template in Template::ALL {
        for lang in Lang::ALL.into_iter().filter(|one| lang.is_none_or(|wanted| wanted == *one)) {
            let mut text = built_in(template, lang);
            let mut written_at = None;
            if let Some((mine, at)) = own.remove(&(template.as_str().to_owned(), lang.code().to_owned())) {
                text = Text { subject: if mine.subject.is_empty() { text.subject } else { mine.subject }, body: mine.body };
                written_at = Some(at);
            }
            all.push(Words { template, lang, text, written_at });
        }
    }
    Ok(all)
}

/// The ISP's own words, from now on.
pub async fn update(app: &App, tenant: IspId, by: UserId, template: Template, lang: Lang, text: Text) -> Result<Words> {
    let now = app.clock.now();
    check(template, &text)?;
    app.db
        .tx(tenant, async |tx| {
            diesel::insert_into(message_template::table)
                .values((
                    (message_template::tenant_id.eq(tenant), message_template::template.eq(template.as_str()), message_template::lang.eq(lang.code())),
                    (message_template::subject.eq(&text.subject), message_template::body.eq(&text.body), message_template::updated_at.eq(now)),
                ))
                .on_conflict((message_template::tenant_id, message_template::template, message_template::lang))
                .do_update()
                .set((message_template::subject.eq(&text.subject), message_template::body.eq(&text.body), message_template::updated_at.eq(now)))
                .execute(&mut **tx)
                .await?;
            let facts = json!({ "subject": text.subject, "body": text.body });
            audit::record(tx, tenant, By::User(by), "update_template", &subject_of(template, lang), facts, now).await?;
            one(tx, tenant, template, lang).await
        })
        .await
}

/// Back to the built-in words; doing it again changes nothing.
pub async fn reset(app: &App, tenant: IspId, by: UserId, template: Template, lang: Lang) -> Result<Words> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let deleted = diesel::delete(message_template::table.find((tenant, template.as_str(), lang.code()))).execute(&mut **tx).await?;
            if deleted == 1 {
                audit::record(tx, tenant, By::User(by), "reset_template", &subject_of(template, lang), json!({}), now).await?;
            }
            one(tx, tenant, template, lang).await
        })
        .await
}

/// What somebody would get with these words. Keeps nothing.
pub async fn preview(app: &App, tenant: IspId, template: Template, lang: Lang, text: Text) -> Result<Preview> {
    check(template, &text)?;
    let name = app.db.tx(tenant, async |tx| isp::name(tx, tenant).await).await?;
    let facts = [&[("isp", name.as_str())][..], &SAMPLES].concat();
    let channel = template.channel();
    let subject = if text.subject.is_empty() { built_in(template, lang).subject } else { text.subject };
    let body = render::fill(&text.body, channel, &facts);
    let sms_parts = if channel == Channel::Sms { render::sms_parts(&body) } else { 0 };
    Ok(Preview { text: Text { subject: render::fill(&subject, channel, &facts), body }, sms_parts })
}

const SAMPLES: [(&str, &str); 7] = [
    ("name", "Wanjiku"),
    ("code", "123456"),
    ("link", "https://example.com/link"),
    ("customer_code", "CUST-0001"),
    ("reason", "Please bring your ID card to our office."),
    ("subject", "Slow internet"),
    ("reply", "We will visit you on Monday at 10."),
];

fn subject_of(template: Template, lang: Lang) -> String {
    format!("{}/{}", template.as_str(), lang.code())
}

/// Whether an ISP may send these words; an error names the field.
fn check(template: Template, text: &Text) -> Result<()> {
    template.check(&text.body).map_err(|Fault(wanted)| Error::field("body", wanted))?;
    template.check_subject(&text.subject).map_err(|Fault(wanted)| Error::field("subject", wanted))
}

async fn one(tx: &mut Tx, tenant: IspId, template: Template, lang: Lang) -> Result<Words> {
    let all = words(tx, tenant, Some(lang)).await?;
    all.into_iter().find(|words| words.template == template).ok_or_else(|| Error::internal("a template is not in the list of all"))
}
