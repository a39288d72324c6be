//! What a person is told after registering, in their language. Pure.

use crate::customer::Status;
use crate::lang::Lang;

/// What comes next for somebody who has just registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Type the code that was sent.
    TypeCode,
    /// Ask for a code later, since none could be sent.
    AskForCode,
    /// Open the link that was mailed.
    OpenLink,
    /// Nothing: staff look at it.
    Wait,
    /// Nothing: go on.
    GoOn,
}

impl Next {
    /// By what is missing: the phone first.
    pub(super) const fn of(phone_missing: bool, code_sent: bool, email_missing: bool, status: Status) -> Next {
        match (phone_missing, code_sent, email_missing, status) {
            (true, true, _, _) => Next::TypeCode,
            (true, false, _, _) => Next::AskForCode,
            (false, _, true, _) => Next::OpenLink,
            (false, _, false, Status::Active) => Next::GoOn,
            _ => Next::Wait,
        }
    }

    /// The sentence.
    pub(super) const fn say(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Next::TypeCode, Lang::English) => "Registration successful. Please verify your phone number.",
            (Next::TypeCode, Lang::Swahili) => "Umesajiliwa. Tafadhali thibitisha nambari yako ya simu.",
            (Next::AskForCode, Lang::English) => "Registration successful. No code could be sent to your phone just now; please ask for one a little later.",
            (Next::AskForCode, Lang::Swahili) => "Umesajiliwa. Hatukuweza kutuma nambari ya siri kwa sasa; tafadhali iombe baadaye kidogo.",
            (Next::OpenLink, Lang::English) => "Registration successful. Please open the link in the e-mail that we sent you.",
            (Next::OpenLink, Lang::Swahili) => "Umesajiliwa. Tafadhali fungua kiungo kilicho kwenye barua pepe tuliyokutumia.",
            (Next::Wait, Lang::English) => "Registration successful. Your internet provider will look at it and open your account.",
            (Next::Wait, Lang::Swahili) => "Umesajiliwa. Mtoa huduma wako ataangalia usajili wako na kufungua akaunti yako.",
            (Next::GoOn, Lang::English) => "Registration successful. Your account is open.",
            (Next::GoOn, Lang::Swahili) => "Umesajiliwa. Akaunti yako imefunguliwa.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phone_comes_first_then_the_mailbox_then_staff() {
        for (phone, sent, email, status, wanted) in [
            (true, true, true, Status::Pending, Next::TypeCode),
            (true, false, false, Status::Active, Next::AskForCode),
            (false, false, true, Status::Pending, Next::OpenLink),
            (false, false, false, Status::Pending, Next::Wait),
            (false, false, false, Status::Suspended, Next::Wait),
            (false, false, false, Status::Active, Next::GoOn),
        ] {
            assert_eq!(Next::of(phone, sent, email, status), wanted);
        }
    }
}
