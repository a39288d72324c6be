//! NotificationService: what was sent to whom, and in which words. A text that held a code or a link is never shown.

use std::sync::Arc;

use netily_sdk::notify as pb;
use netily_sdk::notify::notification_service_server::NotificationService;
use tonic::{Request, Response, Status};

use super::answer::{answer, timestamp};
use super::fields;
use crate::app::App;
use crate::error::{Error, Result};
use crate::id::MessageId;
use crate::lang::Lang;
use crate::notify::text::{self, Text, Words};
use crate::notify::{self, Channel, Message, State, Template};
use crate::page::PageAsk;

/// The service.
pub struct Notifications {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl NotificationService for Notifications {
    async fn list_templates(&self, request: Request<pb::ListTemplatesRequest>) -> Result<Response<pb::ListTemplatesResponse>, Status> {
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let lang = fields::optional("language", &ask.language, language)?;
            let all = self.app.db.tx(isp, async |tx| text::words(tx, isp, lang).await).await?;
            Ok(pb::ListTemplatesResponse { templates: all.into_iter().map(template).collect() })
        })
        .await
    }

    async fn update_template(&self, request: Request<pb::UpdateTemplateRequest>) -> Result<Response<pb::UpdateTemplateResponse>, Status> {
        answer(request, async |caller, ask| {
            let (kind, lang) = named(ask.kind, &ask.language)?;
            let written = text::update(&self.app, caller.isp()?.id, caller.person()?.user, kind, lang, written(&ask.subject, &ask.body)).await?;
            Ok(pb::UpdateTemplateResponse { template: Some(template(written)) })
        })
        .await
    }

    async fn reset_template(&self, request: Request<pb::ResetTemplateRequest>) -> Result<Response<pb::ResetTemplateResponse>, Status> {
        answer(request, async |caller, ask| {
            let (kind, lang) = named(ask.kind, &ask.language)?;
            let built_in = text::reset(&self.app, caller.isp()?.id, caller.person()?.user, kind, lang).await?;
            Ok(pb::ResetTemplateResponse { template: Some(template(built_in)) })
        })
        .await
    }

    async fn preview_template(&self, request: Request<pb::PreviewTemplateRequest>) -> Result<Response<pb::PreviewTemplateResponse>, Status> {
        answer(request, async |caller, ask| {
            let (kind, lang) = named(ask.kind, &ask.language)?;
            let shown = text::preview(&self.app, caller.isp()?.id, kind, lang, written(&ask.subject, &ask.body)).await?;
            let sms_parts = i32::try_from(shown.sms_parts).unwrap_or(i32::MAX);
            Ok(pb::PreviewTemplateResponse { subject: shown.text.subject, body: shown.text.body, sms_parts })
        })
        .await
    }

    async fn list_messages(&self, request: Request<pb::ListMessagesRequest>) -> Result<Response<pb::ListMessagesResponse>, Status> {
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let state = fields::choice("state", ask.state)?.and_then(|state: pb::MessageState| State::parse(word(state.as_str_name(), "MESSAGE_STATE_")));
            let channel = fields::choice("channel", ask.channel)?.and_then(|channel: pb::Channel| Channel::parse(word(channel.as_str_name(), "CHANNEL_")));
            let (rows, next_page_token) = self.app.db.tx(isp, async |tx| notify::message::list(tx, isp, state, channel, page).await).await?;
            Ok(pb::ListMessagesResponse { messages: rows.into_iter().map(message).collect(), next_page_token })
        })
        .await
    }

    async fn retry_message(&self, request: Request<pb::RetryMessageRequest>) -> Result<Response<pb::RetryMessageResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse::<MessageId>("id", &ask.id)?);
            Ok(pb::RetryMessageResponse { message: Some(message(notify::retry(&self.app, isp, id).await?)) })
        })
        .await
    }
}

fn language(path: &str, text: &str) -> Result<Lang> {
    Lang::ALL.into_iter().find(|lang| lang.code() == text).ok_or_else(|| Error::field(path, "must be en or sw"))
}

/// Which template, in which language.
fn named(kind: i32, lang: &str) -> Result<(Template, Lang)> {
    let kind = fields::choice("kind", kind)?.and_then(|kind: pb::TemplateKind| Template::parse(word(kind.as_str_name(), "TEMPLATE_KIND_")));
    Ok((kind.ok_or_else(|| Error::field("kind", "must be set"))?, language("language", lang)?))
}

/// Words as they are typed in a browser, where lines end with two characters.
fn written(subject: &str, body: &str) -> Text {
    Text { subject: subject.trim().to_owned(), body: body.replace("\r\n", "\n") }
}

/// The name of an enum's value without its prefix, which is how the database writes it.
fn word(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// The value of an enum that the database writes without its prefix.
fn value<T>(prefix: &str, word: &str, from: fn(&str) -> Option<T>, unknown: T) -> T {
    from(&format!("{prefix}{word}")).unwrap_or(unknown)
}

fn kind(name: &str) -> pb::TemplateKind {
    value("TEMPLATE_KIND_", name, pb::TemplateKind::from_str_name, pb::TemplateKind::Unspecified)
}

fn channel(name: &str) -> pb::Channel {
    value("CHANNEL_", name, pb::Channel::from_str_name, pb::Channel::Unspecified)
}

fn template(words: Words) -> pb::Template {
    let built_in = text::built_in(words.template, words.lang);
    pb::Template {
        kind: kind(words.template.as_str()).into(),
        language: words.lang.code().to_owned(),
        channel: channel(words.template.channel().as_str()).into(),
        subject: words.text.subject,
        body: words.text.body,
        is_own: words.written_at.is_some(),
        built_in_subject: built_in.subject,
        built_in_body: built_in.body,
        placeholders: words.template.placeholders().iter().map(|name| (*name).to_owned()).collect(),
        required_placeholder: words.template.secret().unwrap_or_default().to_owned(),
        max_length: i32::try_from(words.template.longest()).unwrap_or(i32::MAX),
        updated_at: words.written_at.map(timestamp),
    }
}

fn message(row: Message) -> pb::Message {
    pb::Message {
        id: row.id.to_string(),
        kind: kind(&row.template).into(),
        channel: channel(&row.channel).into(),
        language: row.lang.clone(),
        recipient: row.masked_recipient(),
        is_secret: Template::parse(&row.template).is_none_or(|template| template.secret().is_some()),
        subject: row.subject,
        body: row.body.unwrap_or_default(),
        state: value("MESSAGE_STATE_", &row.state, pb::MessageState::from_str_name, pb::MessageState::Unspecified).into(),
        attempts: row.attempts,
        problem: row.problem,
        created_at: Some(timestamp(row.created_at)),
        sent_at: row.sent_at.map(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_of_the_contract() {
        for template in Template::ALL {
            assert_ne!(kind(template.as_str()), pb::TemplateKind::Unspecified, "{template:?}");
            assert_eq!(named(kind(template.as_str()).into(), "sw").ok(), Some((template, Lang::Swahili)));
        }
        for one in Channel::ALL {
            assert_ne!(channel(one.as_str()), pb::Channel::Unspecified, "{one:?}");
        }
        for state in State::ALL {
            let shown = value("MESSAGE_STATE_", state.as_str(), pb::MessageState::from_str_name, pb::MessageState::Unspecified);
            assert_eq!(State::parse(word(shown.as_str_name(), "MESSAGE_STATE_")), Some(state));
        }
    }

    #[test]
    fn what_is_not_named_is_refused_by_its_field() {
        for (kind, lang, path) in [(0, "en", "kind"), (999, "en", "kind"), (1, "", "language"), (1, "fr", "language")] {
            assert_eq!(named(kind, lang).expect_err("refused").fields[0].0, path);
        }
    }
}
