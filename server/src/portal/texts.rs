//! The texts of the pages as one struct, filled once in each language: a missing translation does not compile.
//! Sentences with a number or a name in them are functions with one arm for each language.

mod english;
mod swahili;

use super::wording;
use crate::lang::Lang;

/// A headline and what it means for the person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saying {
    /// A few words.
    pub title: &'static str,
    /// What happened to the money, and what to do now.
    pub body: &'static str,
}

/// Every fixed text of the pages.
#[derive(Debug)]
pub(super) struct Texts {
    pub get_online: &'static str,
    pub choose_plan: &'static str,
    pub no_plans: &'static str,
    pub mpesa_number: &'static str,
    pub number_example: &'static str,
    pub prompt_comes: &'static str,
    pub pin_only_on_phone: &'static str,
    pub pay: &'static str,
    pub already_paid: &'static str,
    pub already_paid_here: &'static str,
    pub unwanted_prompt: &'static str,
    pub need_help: &'static str,
    pub back_to_plans: &'static str,
    pub try_again: &'static str,
    pub buy_again: &'static str,
    pub check_now: &'static str,

    pub plan: &'static str,
    pub price: &'static str,
    pub phone: &'static str,
    pub receipt: &'static str,
    pub data_left: &'static str,
    pub valid: &'static str,
    pub keep_open: &'static str,
    pub may_close: &'static str,
    pub steps: [&'static str; 3],

    pub sending: Saying,
    pub waiting: Saying,
    pub checking: Saying,
    pub connecting: Saying,
    pub moving: Saying,
    pub router_offline: Saying,
    pub ended: Saying,

    pub cancelled: Saying,
    pub insufficient_funds: Saying,
    pub wrong_pin: Saying,
    pub timed_out: Saying,
    pub phone_unreachable: Saying,
    pub limit_exceeded: Saying,
    pub gateway_error: Saying,

    pub online: Saying,
    pub one_tap: Saying,
    pub ready_elsewhere: Saying,
    pub go_online: &'static str,
    pub start_browsing: &'static str,
    pub close_page: &'static str,

    pub resume: Saying,
    pub paying_phone: &'static str,
    pub receipt_label: &'static str,
    pub receipt_hint: &'static str,
    pub resume_button: &'static str,

    pub not_me: Saying,
    pub prompted_phone: &'static str,
    pub not_me_button: &'static str,
    pub not_me_done: Saying,
    pub no_money_without_pin: &'static str,

    pub unknown_isp: Saying,
    pub unknown_router: Saying,
    pub plan_not_found: Saying,
    pub purchase_not_found: Saying,
    pub closed_for_now: Saying,
    pub too_many_tries: Saying,
    pub form_refused: Saying,
    pub server_trouble: Saying,
    pub trouble_number: &'static str,
}

impl Texts {
    /// The texts of a language.
    pub(super) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::English => &english::TEXTS,
            Lang::Swahili => &swahili::TEXTS,
        }
    }
}

/// Why a payment did not happen, as the gateway proved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// The person pressed cancel.
    CancelledByUser,
    /// Too little money in the M-Pesa account.
    InsufficientFunds,
    /// M-Pesa refused the PIN.
    WrongPin,
    /// The prompt was not answered in time. A payment may still turn up.
    TimedOut,
    /// The phone is off, or has no network.
    PhoneUnreachable,
    /// A limit of the M-Pesa account was reached.
    LimitExceeded,
    /// The payment company did not take the request, or gave no reason.
    GatewayError,
}

impl FailureReason {
    /// One sentence or two for the person: what happened, where the money is, what to do.
    pub fn message(self, lang: Lang) -> &'static str {
        self.saying(lang).body
    }

    pub(super) fn saying(self, lang: Lang) -> Saying {
        let texts = Texts::of(lang);
        match self {
            Self::CancelledByUser => texts.cancelled,
            Self::InsufficientFunds => texts.insufficient_funds,
            Self::WrongPin => texts.wrong_pin,
            Self::TimedOut => texts.timed_out,
            Self::PhoneUnreachable => texts.phone_unreachable,
            Self::LimitExceeded => texts.limit_exceeded,
            Self::GatewayError => texts.gateway_error,
        }
    }
}

/// What is wrong with one field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// No phone number.
    PhoneMissing,
    /// Not a Kenyan mobile number.
    PhoneInvalid,
    /// Somebody asked us to stop prompts to this number.
    PhoneBlocked,
    /// A prompt to this number is still open.
    PhoneBusy,
    /// No plan chosen.
    PlanMissing,
    /// The chosen plan is no longer sold, or not here, or not today.
    PlanNotAvailable,
    /// No receipt.
    ReceiptMissing,
    /// Not ten letters and digits.
    ReceiptInvalid,
    /// No payment with this phone and receipt at this ISP.
    ReceiptNotFound,
    /// It was paid, used and is over.
    PurchaseEnded,
}

impl FieldError {
    /// What to do about it, in a sentence.
    pub fn message(self, lang: Lang) -> &'static str {
        match lang {
            Lang::English => english::field_error(self),
            Lang::Swahili => swahili::field_error(self),
        }
    }
}

/// A message above a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The time of the last plan is over.
    TimeIsOver,
    /// The data of the last plan is used up.
    DataIsUsedUp,
    /// Too many tries; the form works again in so many seconds.
    TooManyTries {
        /// How long to wait.
        wait_seconds: u64,
    },
    /// We could not start the payment. Nothing was charged.
    CouldNotStart,
}

impl Notice {
    /// What it says.
    pub fn message(self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::English, Self::TimeIsOver) => "Your time is over. Choose a plan to go on.".to_owned(),
            (Lang::Swahili, Self::TimeIsOver) => "Muda wako umeisha. Chagua kifurushi ili uendelee.".to_owned(),
            (Lang::English, Self::DataIsUsedUp) => "Your data is used up. Choose a plan to go on.".to_owned(),
            (Lang::Swahili, Self::DataIsUsedUp) => "Data yako imeisha. Chagua kifurushi ili uendelee.".to_owned(),
            (_, Self::TooManyTries { wait_seconds }) => try_again_in(lang, wait_seconds),
            (Lang::English, Self::CouldNotStart) => "We could not start the payment just now, and nothing was charged. Please try again.".to_owned(),
            (Lang::Swahili, Self::CouldNotStart) => "Hatukuweza kuanzisha malipo sasa hivi, na hakuna pesa iliyotozwa. Tafadhali jaribu tena.".to_owned(),
        }
    }
}

/// That there were too many tries, and when the next one counts.
pub(super) fn try_again_in(lang: Lang, wait_seconds: u64) -> String {
    let wait = wording::wait(lang, wait_seconds);
    match lang {
        Lang::English => format!("Too many tries. Please wait {wait}, then try again."),
        Lang::Swahili => {
            format!("Umejaribu mara nyingi. Tafadhali subiri {wait}, kisha ujaribu tena.")
        }
    }
}

/// How long the prompt stays on the phone.
pub(super) fn prompt_ends_in(lang: Lang, seconds: u64) -> String {
    let wait = wording::wait(lang, seconds);
    match lang {
        Lang::English => format!("{wait} left to enter your PIN"),
        Lang::Swahili => format!("Zimebaki {wait} kuweka PIN yako"),
    }
}

/// To which phone the prompt went.
pub(super) fn sent_to(lang: Lang, price: &str, phone: &str) -> String {
    match lang {
        Lang::English => format!("We sent an M-Pesa request for {price} to {phone}."),
        Lang::Swahili => format!("Tumetuma ombi la M-Pesa la {price} kwa {phone}."),
    }
}

/// That money came in.
pub(super) fn received(lang: Lang, price: &str) -> String {
    match lang {
        Lang::English => format!("{price} received. Thank you!"),
        Lang::Swahili => format!("Tumepokea {price}. Asante!"),
    }
}

/// Whom nothing will be sent to.
pub(super) fn stopped_for(lang: Lang, phone: &str) -> String {
    match lang {
        Lang::English => {
            format!("{phone} gets no more payment requests from this WiFi for 24 hours.")
        }
        Lang::Swahili => format!("{phone} haitapokea maombi ya malipo kutoka WiFi hii kwa saa 24."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONS: [FailureReason; 7] = [
        FailureReason::CancelledByUser,
        FailureReason::InsufficientFunds,
        FailureReason::WrongPin,
        FailureReason::TimedOut,
        FailureReason::PhoneUnreachable,
        FailureReason::LimitExceeded,
        FailureReason::GatewayError,
    ];

    #[test]
    fn each_reason_has_words_of_its_own_in_both_languages() {
        let mut seen = std::collections::HashSet::new();
        for reason in REASONS {
            for lang in [Lang::English, Lang::Swahili] {
                assert!(seen.insert(reason.message(lang)), "{reason:?} {lang:?} repeats another text");
            }
        }
    }

    #[test]
    fn a_timed_out_prompt_never_claims_that_nothing_was_paid() {
        assert!(!FailureReason::TimedOut.message(Lang::English).contains("Nothing was"));
        assert!(!FailureReason::TimedOut.message(Lang::Swahili).contains("Hakuna pesa"));
    }
}
