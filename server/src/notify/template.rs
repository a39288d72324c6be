//! What is sent, and its built-in texts in English and Swahili. Pure.

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// To a phone.
    Sms,
    /// To a mailbox.
    Email,
}

impl Channel {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Channel::Sms => "SMS",
            Channel::Email => "EMAIL",
        }
    }
}

/// A kind of message.
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
}
