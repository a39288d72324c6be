//! The words of text messages and e-mails.

use std::io::{Read as _, stdin};

use netily_sdk::Client;
use netily_sdk::notify::{
    ListTemplatesRequest, ListTemplatesResponse, PreviewTemplateRequest, PreviewTemplateResponse, ResetTemplateRequest, Template, TemplateKind,
    UpdateTemplateRequest,
};

use crate::args::{TemplateCommand, Tongue};
use crate::fault::Fault;
use crate::output::{Output, time};
use crate::table;

const PREFIX: &str = "TEMPLATE_KIND_";

pub async fn run(client: &Client, command: TemplateCommand, output: &Output) -> Result<(), Fault> {
    let notify = client.notify();
    match command {
        TemplateCommand::List { language } => {
            let language = language.map_or_else(String::new, code);
            output.show(&notify.list_templates(ListTemplatesRequest { language }).await?, all)
        }
        TemplateCommand::Set { kind, language, body, subject, dry_run } => {
            let (kind, language, body) = (parse(&kind)?.into(), code(language), words(body)?);
            if dry_run {
                let shown = notify.preview_template(PreviewTemplateRequest { kind, language, subject, body }).await?;
                return output.show(&shown, preview);
            }
            let saved = notify.update_template(UpdateTemplateRequest { kind, language, subject, body }).await?;
            output.show(&saved.template.unwrap_or_default(), one)
        }
        TemplateCommand::Reset { kind, language } => {
            let reset = notify.reset_template(ResetTemplateRequest { kind: parse(&kind)?.into(), language: code(language) }).await?;
            output.show(&reset.template.unwrap_or_default(), one)
        }
    }
}

/// A kind as people write it: `verify-phone`.
pub(super) fn name(kind: TemplateKind) -> String {
    kind.as_str_name().strip_prefix(PREFIX).unwrap_or_default().to_lowercase().replace('_', "-")
}

fn parse(text: &str) -> Result<TemplateKind, Fault> {
    let kind = TemplateKind::from_str_name(&format!("{PREFIX}{}", text.to_uppercase().replace('-', "_")));
    let unknown = || Fault::Usage(format!("There is no kind of message called {text}; `netilyctl template list` names them."));
    kind.filter(|kind| *kind != TemplateKind::Unspecified).ok_or_else(unknown)
}

fn code(language: Tongue) -> String {
    match language {
        Tongue::En => "en".to_owned(),
        Tongue::Sw => "sw".to_owned(),
    }
}

/// The words themselves, or those on standard input.
fn words(body: String) -> Result<String, Fault> {
    if body != "-" {
        return Ok(body);
    }
    let mut text = String::new();
    stdin().read_to_string(&mut text).map_err(|_| Fault::Usage("The words on standard input cannot be read.".to_owned()))?;
    Ok(text.trim_end().to_owned())
}

fn one(template: &Template) -> String {
    table::fields(&[
        ("kind", name(template.kind())),
        ("language", template.language.clone()),
        ("subject", template.subject.clone()),
        ("text", template.body.clone()),
        ("own", own(template)),
        ("placeholders", placeholders(template)),
        ("written", time(&template.updated_at)),
    ])
}

fn all(listed: &ListTemplatesResponse) -> String {
    let row =
        |template: &Template| [name(template.kind()), template.language.clone(), own(template), placeholders(template), template.body.replace('\n', " ⏎ ")];
    let rows: Vec<_> = listed.templates.iter().map(row).collect();
    table::rows(["kind", "language", "own", "placeholders", "text"], &rows, "No templates.")
}

fn preview(shown: &PreviewTemplateResponse) -> String {
    let parts = if shown.sms_parts == 0 { String::new() } else { shown.sms_parts.to_string() };
    table::fields(&[("subject", shown.subject.clone()), ("text", shown.body.clone()), ("sms parts", parts)])
}

fn own(template: &Template) -> String {
    if template.is_own { "yes".to_owned() } else { "no".to_owned() }
}

fn placeholders(template: &Template) -> String {
    template.placeholders.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        assert_eq!(name(TemplateKind::VerifyPhone), "verify-phone");
        for text in ["verify-phone", "VERIFY_PHONE", "Verify-Phone"] {
            assert!(matches!(parse(text), Ok(TemplateKind::VerifyPhone)), "{text}");
        }
        for text in ["", "unspecified", "nothing"] {
            assert!(matches!(parse(text), Err(Fault::Usage(_))), "{text}");
        }
    }
}
