//! The door to a mail server (SMTP): plain-text mails, one recipient each, one connection each. It never repeats, and never logs an
//! address or a text.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};

use super::Delivery;
use super::payhero::is_loopback;

/// The mail server and ourselves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `smtps://user:password@host:465`, or `smtp://…:587?tls=required` for STARTTLS; `smtp://` without TLS only on loopback.
    pub url: SecretString,
    /// Whom mails come from: `Netily <no-reply@netily.io>`.
    pub from: String,
    /// Limit for the connection.
    pub connect_timeout: Duration,
    /// Limit for a whole mail.
    pub total_timeout: Duration,
}

/// Why no mail could be sent with these settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address cannot be used.
    #[error("the address of the mail server must be smtps://…, or smtp://…?tls=required (without TLS only on loopback)")]
    Url,
    /// The sender is no mailbox.
    #[error("the sender of mails must be a mailbox, as Netily <no-reply@netily.io>")]
    From,
}

/// A mail server.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    total_timeout: Duration,
}

/// What a mail says.
pub struct Letter<'a> {
    /// Ours, unique: a mail that is sent twice has the same, so that mailboxes may show it once.
    pub id: String,
    /// The mailbox.
    pub to: &'a str,
    /// Who writes, for people; the address is always ours.
    pub from_name: &'a str,
    /// The subject, one line.
    pub subject: &'a str,
    /// Plain text.
    pub text: &'a SecretString,
}

impl Settings {
    /// Whether mails can be sent with them: over TLS, or to this machine.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.sender()?;
        let url = reqwest::Url::parse(self.url.expose_secret()).map_err(|_| SettingsError::Url)?;
        let private = match (url.scheme(), url.query()) {
            ("smtps", None) | ("smtp", Some("tls=required")) => true,
            ("smtp", None) => is_loopback(&url),
            _ => false,
        };
        if private && url.host_str().is_some_and(|host| !host.is_empty()) { Ok(()) } else { Err(SettingsError::Url) }
    }

    fn sender(&self) -> Result<Mailbox, SettingsError> {
        self.from.parse().map_err(|_| SettingsError::From)
    }
}

impl Mail {
    /// Reads the settings. Connects to nothing yet.
    pub fn new(settings: &Settings) -> Result<Mail, SettingsError> {
        settings.check()?;
        let from = settings.sender()?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url.expose_secret())
            .map_err(|_| SettingsError::Url)?
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(settings.connect_timeout))
            .build();
        Ok(Mail { transport, from, total_timeout: settings.total_timeout })
    }

    /// Hands one mail to the server.
    pub async fn send(&self, letter: Letter<'_>) -> Delivery {
        let Ok(to) = letter.to.parse::<Address>() else { return Delivery::Refused("this is no e-mail address".to_owned()) };
        let name = Some(letter.from_name.to_owned()).filter(|name| !name.is_empty());
        let from = Mailbox::new(name.or_else(|| self.from.name.clone()), self.from.email.clone());
        let message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .body(letter.text.expose_secret().to_owned());
        let Ok(message) = message else { return Delivery::Refused("the mail cannot be written".to_owned()) };
        let delivery = match tokio::time::timeout(self.total_timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Delivery::Taken { id: String::new() },
            Ok(Err(fault)) => read(&fault),
            Err(_) => Delivery::later("the mail server did not answer in time"),
        };
        if let Delivery::Later { problem, .. } | Delivery::Refused(problem) = &delivery {
            tracing::debug!(problem, "a mail was not taken");
        }
        delivery
    }
}

/// 4xx passes, 5xx stays, but for those that speak of us and not of the recipient. The server's words may name the recipient, so
/// only its code is passed on.
fn read(fault: &lettre::transport::smtp::Error) -> Delivery {
    let Some(code) = fault.status().map(u16::from) else {
        let problem = if fault.is_tls() { "the mail server's certificate is not trusted" } else { "the mail server cannot be reached" };
        return Delivery::Later { problem: problem.to_owned(), operator: fault.is_tls() };
    };
    match code {
        // Authentication and policy: no mail of ours would be taken.
        530 | 534 | 535 | 538 => Delivery::operator(format!("the mail server refuses our credentials ({code})")),
        500..=599 => Delivery::Refused(format!("the mail server refuses this recipient ({code})")),
        _ => Delivery::later(format!("the mail server asks to come back ({code})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_go_over_tls_or_stay_on_this_machine() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for (url, from, wanted) in [
            ("smtps://user:pass@mail.example:465", "Netily <no-reply@netily.io>", None),
            ("smtp://user:pass@mail.example:587?tls=required", "no-reply@netily.io", None),
            ("smtp://127.0.0.1:2525", "no-reply@netily.io", None),
            ("smtp://mail.example:587", "no-reply@netily.io", Some(SettingsError::Url)),
            ("smtp://mail.example:587?tls=opportunistic", "no-reply@netily.io", Some(SettingsError::Url)),
            ("https://mail.example", "no-reply@netily.io", Some(SettingsError::Url)),
            ("smtps://mail.example", "nobody", Some(SettingsError::From)),
        ] {
            let settings =
                Settings { url: url.to_owned().into(), from: from.to_owned(), connect_timeout: Duration::from_secs(1), total_timeout: Duration::from_secs(2) };
            assert_eq!(Mail::new(&settings).err(), wanted, "{url} {from}");
        }
    }
}
