//! What is sent: the kinds of message, what each may and must hold. Pure.

use super::render::{self, Fault};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// To a phone.
    Sms,
    /// To a mailbox.
    Email,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Channel; 2] = [Channel::Sms, Channel::Email];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Channel::Sms => "SMS",
            Channel::Email => "EMAIL",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.as_str() == text)
    }
}

/// A kind of message. `{isp}` may stand in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// The code that proves a phone: `{code}`.
    VerifyPhone,
    /// The code that lets somebody choose a new password, to their phone: `{code}`.
    ResetPassword,
    /// The same to their mailbox: `{code}`.
    ResetPasswordMail,
    /// The code that proves a new phone: `{code}`.
    ChangePhone,
    /// The link that proves an e-mail address: `{name}`, `{link}`.
    VerifyEmail,
    /// The link with which somebody who was invited chooses a password: `{name}`, `{link}`.
    Invitation,
    /// The ISP's own welcome after registration: `{name}`, `{customer_code}`.
    Welcome,
    /// A registration was approved: `{name}`, `{customer_code}`.
    CustomerApproved,
    /// A registration was refused: `{name}`, `{reason}`.
    CustomerRejected,
    /// An account was suspended: `{name}`, `{reason}`.
    CustomerSuspended,
    /// An account is open again: `{name}`.
    CustomerReactivated,
    /// The password was changed: `{name}`.
    PasswordChanged,
    /// The phone number of the account was changed; to the old one: `{name}`.
    PhoneChanged,
    /// The e-mail address of the account was changed; to the old one: `{name}`.
    EmailChanged,
    /// Staff answered a service request: `{name}`, `{subject}`, `{reply}`.
    ServiceRequestAnswered,
    /// Money came in: `{name}`, `{amount}`, `{receipt}`.
    PaymentReceived,
    /// Money came in, and the connection is paid: `{name}`, `{amount}`, `{receipt}`, `{until}`.
    PaidUntil,
    /// What was paid for ends tomorrow: `{name}`, `{until}`.
    PaidUntilSoon,
    /// An invoice was made; to the mailbox: `{name}`, `{number}`, `{amount}`, `{due}`.
    InvoiceIssued,
    /// An invoice should be paid soon, or today: `{name}`, `{number}`, `{amount}`, `{due}`.
    InvoiceDue,
    /// An invoice should have been paid: `{name}`, `{number}`, `{amount}`, `{until}`.
    InvoiceOverdue,
    /// What was paid for is over, and the connection is off: `{name}`.
    ServiceSuspended,
    /// Netily's own words to those who run an ISP, or the platform: `{subject}`. Not an ISP's to change, and not among `ALL`.
    Notice,
}

impl Template {
    /// Every kind.
    pub const ALL: [Template; 22] = [
        Template::VerifyPhone,
        Template::ResetPassword,
        Template::ResetPasswordMail,
        Template::ChangePhone,
        Template::VerifyEmail,
        Template::Invitation,
        Template::Welcome,
        Template::CustomerApproved,
        Template::CustomerRejected,
        Template::CustomerSuspended,
        Template::CustomerReactivated,
        Template::PasswordChanged,
        Template::PhoneChanged,
        Template::EmailChanged,
        Template::ServiceRequestAnswered,
        Template::PaymentReceived,
        Template::PaidUntil,
        Template::PaidUntilSoon,
        Template::InvoiceIssued,
        Template::InvoiceDue,
        Template::InvoiceOverdue,
        Template::ServiceSuspended,
    ];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Template::VerifyPhone => "VERIFY_PHONE",
            Template::ResetPassword => "RESET_PASSWORD",
            Template::ResetPasswordMail => "RESET_PASSWORD_MAIL",
            Template::ChangePhone => "CHANGE_PHONE",
            Template::VerifyEmail => "VERIFY_EMAIL",
            Template::Invitation => "INVITATION",
            Template::Welcome => "WELCOME",
            Template::CustomerApproved => "CUSTOMER_APPROVED",
            Template::CustomerRejected => "CUSTOMER_REJECTED",
            Template::CustomerSuspended => "CUSTOMER_SUSPENDED",
            Template::CustomerReactivated => "CUSTOMER_REACTIVATED",
            Template::PasswordChanged => "PASSWORD_CHANGED",
            Template::PhoneChanged => "PHONE_CHANGED",
            Template::EmailChanged => "EMAIL_CHANGED",
            Template::ServiceRequestAnswered => "SERVICE_REQUEST_ANSWERED",
            Template::PaymentReceived => "PAYMENT_RECEIVED",
            Template::PaidUntil => "PAID_UNTIL",
            Template::PaidUntilSoon => "PAID_UNTIL_SOON",
            Template::InvoiceIssued => "INVOICE_ISSUED",
            Template::InvoiceDue => "INVOICE_DUE",
            Template::InvoiceOverdue => "INVOICE_OVERDUE",
            Template::ServiceSuspended => "SERVICE_SUSPENDED",
            Template::Notice => "NOTICE",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Template> {
        Template::ALL.into_iter().find(|template| template.as_str() == text)
    }

    /// How it is meant to travel, which bounds its length. A text meant for a phone may go to a mailbox too.
    pub const fn channel(self) -> Channel {
        match self {
            Template::ResetPasswordMail | Template::VerifyEmail | Template::Invitation | Template::EmailChanged | Template::InvoiceIssued => Channel::Email,
            _ => Channel::Sms,
        }
    }

    /// What may stand in braces.
    pub const fn placeholders(self) -> &'static [&'static str] {
        match self {
            Template::VerifyPhone | Template::ResetPassword | Template::ResetPasswordMail | Template::ChangePhone => &["isp", "code"],
            Template::VerifyEmail | Template::Invitation => &["isp", "name", "link"],
            Template::Welcome | Template::CustomerApproved => &["isp", "name", "customer_code"],
            Template::CustomerRejected | Template::CustomerSuspended => &["isp", "name", "reason"],
            Template::CustomerReactivated | Template::PasswordChanged | Template::PhoneChanged | Template::EmailChanged | Template::ServiceSuspended => {
                &["isp", "name"]
            }
            Template::ServiceRequestAnswered => &["isp", "name", "subject", "reply"],
            Template::PaymentReceived => &["isp", "name", "amount", "receipt"],
            Template::PaidUntil => &["isp", "name", "amount", "receipt", "until"],
            Template::PaidUntilSoon => &["isp", "name", "until"],
            Template::InvoiceIssued | Template::InvoiceDue => &["isp", "name", "number", "amount", "due"],
            Template::InvoiceOverdue => &["isp", "name", "number", "amount", "until"],
            Template::Notice => &["isp", "subject"],
        }
    }

    /// What its text must hold to be of any use, and what makes it secret: `code` or `link`.
    pub fn secret(self) -> Option<&'static str> {
        self.placeholders().iter().find(|name| matches!(**name, "code" | "link")).copied()
    }

    /// The longest text, in characters: three parts of an SMS, or a page.
    pub const fn longest(self) -> usize {
        match self.channel() {
            Channel::Sms => 459,
            Channel::Email => 2_000,
        }
    }

    /// Whether a text may stand for it.
    pub fn check(self, body: &str) -> Result<(), Fault> {
        let length = body.chars().count();
        if body.trim().is_empty() {
            return Err(Fault("must not be empty".to_owned()));
        }
        if length > self.longest() {
            return Err(Fault(format!("must have at most {} characters; it has {length}", self.longest())));
        }
        if body.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Fault("must hold no control characters but line breaks".to_owned()));
        }
        let held = render::check(body, self.placeholders())?;
        match self.secret() {
            // Whoever learns to follow links that come with codes follows those of thieves as well.
            Some("code") if body.contains("://") || body.contains("www.") => Err(Fault("must hold no link beside the code".to_owned())),
            Some(name) if !held.contains(&name) => Err(Fault(format!("must hold {{{name}}}, without which it is of no use"))),
            _ => Ok(()),
        }
    }

    /// Whether a subject may stand above it. It never holds the secret: subjects are shown and logged on the way.
    pub fn check_subject(self, subject: &str) -> Result<(), Fault> {
        if self.channel() == Channel::Sms && !subject.is_empty() {
            return Err(Fault("must be empty: text messages have no subject".to_owned()));
        }
        if subject.chars().count() > 120 || subject.chars().any(char::is_control) {
            return Err(Fault("must be one line of at most 120 characters".to_owned()));
        }
        let allowed: Vec<&str> = self.placeholders().iter().copied().filter(|name| self.secret() != Some(*name)).collect();
        render::check(subject, &allowed).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(outcome: Result<(), Fault>) -> String {
        outcome.err().map(|Fault(words)| words).unwrap_or_default()
    }

    #[test]
    fn names_read_back_and_are_each_ones_own() {
        for template in Template::ALL {
            assert_eq!(Template::parse(template.as_str()), Some(template));
        }
        assert_eq!(Template::parse("NOTHING"), None);
    }

    #[test]
    fn a_text_must_hold_what_it_is_for_and_nothing_unknown() {
        let code = Template::VerifyPhone;
        assert_eq!(code.check("{isp}: {code}"), Ok(()));
        for (body, words) in [
            ("", "empty"),
            ("  \n ", "empty"),
            ("{isp}: hello", "must hold {code}"),
            ("{code} {cod}", "{cod}"),
            ("{code} {", "a { that"),
            ("{code}\u{7}", "control"),
            ("{code} https://yellow.example", "no link"),
            ("{code} {link}", "{link}"),
        ] {
            assert!(fault(code.check(body)).contains(words), "{body:?}: {:?}", code.check(body));
        }
        assert!(fault(code.check(&format!("{{code}}{}", "x".repeat(454)))).contains("at most 459"));
        assert_eq!(Template::Welcome.check("Karibu!"), Ok(()), "a text without a secret may hold nothing at all");
    }

    #[test]
    fn a_subject_is_one_line_and_never_holds_the_secret() {
        let mail = Template::Invitation;
        assert_eq!((mail.check_subject("Hello {name}"), mail.check_subject("")), (Ok(()), Ok(())));
        for (subject, words) in [("{link}", "{link}"), ("a\nb", "one line"), (&"x".repeat(121), "one line"), ("{nam}", "{nam}")] {
            assert!(fault(mail.check_subject(subject)).contains(words), "{subject}");
        }
        assert!(fault(Template::Welcome.check_subject("Hello")).contains("no subject"));
    }
}
