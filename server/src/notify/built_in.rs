//! The built-in texts, in English and Swahili. A text message names the ISP, fits into one message with usual values, and holds no link.

use crate::lang::Lang;
use crate::notify::Template;

/// Subject and body.
pub const fn text(template: Template, lang: Lang) -> (&'static str, &'static str) {
    match lang {
        Lang::English => english(template),
        Lang::Swahili => swahili(template),
    }
}

const fn english(template: Template) -> (&'static str, &'static str) {
    match template {
        Template::VerifyPhone => {
            ("Your code from {isp}", "{isp}: your code is {code}. It is good for 5 minutes. Give it to nobody; our staff never ask for it.")
        }
        Template::ResetPassword => (
            "Your code from {isp}",
            "{isp}: {code} is the code to choose a new password. It is good for 5 minutes. If you did not ask for it, ignore this message.",
        ),
        Template::ResetPasswordMail => (
            "Choose a new password for {isp}",
            "Hello,\n\nsomebody asked to choose a new password for your account with {isp}. If it was you, type this code:\n\n    {code}\n\n\
             The code is good for 5 minutes. If it was not you, ignore this mail: your password stays as it is.\n\n{isp}\n",
        ),
        Template::ChangePhone => (
            "Your code from {isp}",
            "{isp}: {code} is the code to use this number for your account. It is good for 5 minutes. If you did not ask for it, ignore this message.",
        ),
        Template::VerifyEmail => (
            "Is this your e-mail address?",
            "Hello {name},\n\nthis address was given for an account with {isp}. If it is yours, open this link:\n\n{link}\n\n\
             The link is good for 48 hours. If you know nothing of it, ignore this mail.\n\n{isp}\n",
        ),
        Template::Invitation => (
            "You are invited to {isp}",
            "Hello {name},\n\nan account with {isp} was made for you. Open this link to choose your password:\n\n{link}\n\n\
             The link is good for 24 hours and can be used once. If you expected no invitation, ignore this mail.\n\n{isp}\n",
        ),
        Template::Welcome => ("Welcome to {isp}", "Karibu {name}! You are registered with {isp}. Your customer code is {customer_code}."),
        Template::CustomerApproved => ("Your account is open", "{isp}: {name}, your registration is approved. Your customer code is {customer_code}."),
        Template::CustomerRejected => ("Your registration", "{isp}: {name}, we could not accept your registration. {reason}"),
        Template::CustomerSuspended => ("Your account is suspended", "{isp}: {name}, your account is suspended. {reason}"),
        Template::CustomerReactivated => ("Your account is open again", "{isp}: {name}, your account is open again. Welcome back!"),
        Template::PasswordChanged => ("Your password was changed", "{isp}: {name}, your password was changed. If it was not you, call us at once."),
        Template::PhoneChanged => {
            ("Your phone number was changed", "{isp}: {name}, your account now has another phone number. If it was not you, call us at once.")
        }
        Template::EmailChanged => (
            "Your e-mail address was changed",
            "Hello {name},\n\nyour account with {isp} now has another e-mail address. If it was not you, call us at once.\n\n{isp}\n",
        ),
        Template::ServiceRequestAnswered => ("Answer to your request: {subject}", "{isp}: about \"{subject}\": {reply}"),
        Template::PaymentReceived => ("We received your payment", "{isp}: thank you {name}, we received KES {amount}. Receipt {receipt}."),
        Template::PaidUntil => {
            ("We received your payment", "{isp}: thank you {name}, we received KES {amount}, receipt {receipt}. Your internet is paid until {until}.")
        }
        Template::PaidUntilSoon => ("Your internet ends soon", "{isp}: {name}, your internet is paid until {until}. Recharge before then, and it stays on."),
        Template::InvoiceIssued => (
            "Invoice {number} of {isp}",
            "Hello {name},\n\nyour invoice {number} over KES {amount} is ready. Please pay it by {due}, by M-Pesa in the app.\n\n{isp}\n",
        ),
        Template::InvoiceDue => ("Please pay invoice {number}", "{isp}: {name}, please pay KES {amount} for invoice {number} by {due}."),
        Template::InvoiceOverdue => {
            ("Invoice {number} is overdue", "{isp}: {name}, invoice {number} over KES {amount} is overdue. Your internet goes off at {until}.")
        }
        Template::ServiceSuspended => {
            ("Your internet is off", "{isp}: {name}, what you paid for is over and your internet is off. Pay, and it is on again at once.")
        }
        Template::Notice => ("{subject}", "{isp}: {subject}."),
    }
}

const fn swahili(template: Template) -> (&'static str, &'static str) {
    match template {
        Template::VerifyPhone => (
            "Nambari yako ya siri kutoka {isp}",
            "{isp}: nambari yako ya siri ni {code}. Itatumika kwa dakika 5. Usimpe mtu yeyote; wafanyakazi wetu hawaiulizi kamwe.",
        ),
        Template::ResetPassword => (
            "Nambari yako ya siri kutoka {isp}",
            "{isp}: {code} ni nambari ya kuweka nenosiri jipya. Itatumika kwa dakika 5. Kama hukuiomba, puuza ujumbe huu.",
        ),
        Template::ResetPasswordMail => (
            "Weka nenosiri jipya la {isp}",
            "Habari,\n\nkuna aliyeomba kuweka nenosiri jipya la akaunti yako ya {isp}. Kama ni wewe, andika nambari hii:\n\n    {code}\n\n\
             Nambari hii itatumika kwa dakika 5. Kama si wewe, puuza barua pepe hii: nenosiri lako halitabadilika.\n\n{isp}\n",
        ),
        Template::ChangePhone => (
            "Nambari yako ya siri kutoka {isp}",
            "{isp}: {code} ni nambari ya kuthibitisha simu hii kwa akaunti yako. Itatumika kwa dakika 5. Kama hukuiomba, puuza ujumbe huu.",
        ),
        Template::VerifyEmail => (
            "Je, hii ni anwani yako ya barua pepe?",
            "Habari {name},\n\nanwani hii ilitolewa kwa akaunti ya {isp}. Kama ni yako, fungua kiungo hiki:\n\n{link}\n\n\
             Kiungo hiki kitatumika kwa saa 48. Kama huijui akaunti hii, puuza barua pepe hii.\n\n{isp}\n",
        ),
        Template::Invitation => (
            "Umealikwa kwenye {isp}",
            "Habari {name},\n\numefunguliwa akaunti ya {isp}. Fungua kiungo hiki ili uchague nenosiri lako:\n\n{link}\n\n\
             Kiungo hiki kitatumika kwa saa 24, mara moja tu. Kama hukutarajia mwaliko, puuza barua pepe hii.\n\n{isp}\n",
        ),
        Template::Welcome => ("Karibu {isp}", "Karibu {name}! Umesajiliwa na {isp}. Nambari yako ya mteja ni {customer_code}."),
        Template::CustomerApproved => ("Akaunti yako imefunguliwa", "{isp}: {name}, usajili wako umekubaliwa. Nambari yako ya mteja ni {customer_code}."),
        Template::CustomerRejected => ("Usajili wako", "{isp}: {name}, samahani, usajili wako haukukubaliwa. {reason}"),
        Template::CustomerSuspended => ("Akaunti yako imesimamishwa", "{isp}: {name}, akaunti yako imesimamishwa kwa muda. {reason}"),
        Template::CustomerReactivated => ("Akaunti yako imefunguliwa tena", "{isp}: {name}, akaunti yako imefunguliwa tena. Karibu tena!"),
        Template::PasswordChanged => {
            ("Nenosiri lako limebadilishwa", "{isp}: {name}, nenosiri lako limebadilishwa. Kama si wewe uliyelibadilisha, tupigie simu mara moja.")
        }
        Template::PhoneChanged => (
            "Nambari yako ya simu imebadilishwa",
            "{isp}: {name}, nambari ya simu ya akaunti yako imebadilishwa. Kama si wewe uliyeibadilisha, tupigie simu mara moja.",
        ),
        Template::EmailChanged => (
            "Anwani yako ya barua pepe imebadilishwa",
            "Habari {name},\n\nanwani ya barua pepe ya akaunti yako ya {isp} imebadilishwa. Kama si wewe uliyeibadilisha, tupigie simu mara moja.\n\n{isp}\n",
        ),
        Template::ServiceRequestAnswered => ("Jibu la ombi lako: {subject}", "{isp}: kuhusu \"{subject}\": {reply}"),
        Template::PaymentReceived => ("Tumepokea malipo yako", "{isp}: asante {name}, tumepokea KES {amount}. Risiti {receipt}."),
        Template::PaidUntil => {
            ("Tumepokea malipo yako", "{isp}: asante {name}, tumepokea KES {amount}, risiti {receipt}. Intaneti yako imelipiwa hadi {until}.")
        }
        Template::PaidUntilSoon => {
            ("Intaneti yako inaisha karibuni", "{isp}: {name}, intaneti yako imelipiwa hadi {until}. Ongeza kabla ya hapo, na itabaki imewashwa.")
        }
        Template::InvoiceIssued => (
            "Ankara {number} ya {isp}",
            "Habari {name},\n\nankara yako {number} ya KES {amount} iko tayari. Tafadhali ilipe kabla ya {due}, kwa M-Pesa kwenye programu.\n\n{isp}\n",
        ),
        Template::InvoiceDue => ("Tafadhali lipa ankara {number}", "{isp}: {name}, tafadhali lipa KES {amount} za ankara {number} kabla ya {due}."),
        Template::InvoiceOverdue => {
            ("Ankara {number} imepitwa na muda", "{isp}: {name}, ankara {number} ya KES {amount} imepitwa na muda. Intaneti yako itazimwa {until}.")
        }
        Template::ServiceSuspended => {
            ("Intaneti yako imezimwa", "{isp}: {name}, muda uliolipia umeisha na intaneti yako imezimwa. Lipa, na itawashwa mara moja.")
        }
        Template::Notice => ("{subject}", "{isp}: {subject}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{Channel, render};

    #[test]
    fn every_text_may_be_saved_as_it_is() {
        for template in Template::ALL {
            for lang in Lang::ALL {
                let (subject, body) = text(template, lang);
                assert_eq!(template.check(body), Ok(()), "{template:?} {lang:?}");
                if template.channel() == Channel::Email {
                    assert_eq!(template.check_subject(subject), Ok(()), "{template:?} {lang:?}");
                }
                assert!(body.contains("{isp}"), "{template:?} {lang:?} names the ISP");
            }
        }
    }

    #[test]
    fn times_are_those_that_codes_and_links_have() {
        use crate::auth::{code, link};
        let times = (code::LIVES.num_minutes(), link::VERIFY_EMAIL_LIVES.num_hours(), link::INVITATION_LIVES.num_hours());
        assert_eq!(times, (5, 48, 24));
        for template in Template::ALL {
            let (english, swahili) = match template {
                Template::VerifyEmail => ("48 hours", "saa 48"),
                Template::Invitation => ("24 hours", "saa 24"),
                _ if template.secret().is_some() => ("5 minutes", "dakika 5"),
                _ => continue,
            };
            assert!(text(template, Lang::English).1.contains(english) && text(template, Lang::Swahili).1.contains(swahili), "{template:?}");
        }
    }

    #[test]
    fn a_text_message_fits_into_one_with_usual_values_and_holds_no_link() {
        let facts = [
            ("isp", "Yellow Networks Limited"),
            ("name", "Wanjiku"),
            ("code", "123456"),
            ("customer_code", "CUST-0001"),
            ("reason", "The id number is not readable. Please come to us."),
            ("subject", "Move my router"),
            ("reply", "We come on Monday at ten. Please be at home."),
            ("amount", "12,500.00"),
            ("receipt", "SAB1234567"),
            ("number", "INV-000123"),
            ("due", "04 Jan 2027"),
            ("until", "04 Jan 2027 10:00"),
        ];
        for template in Template::ALL.into_iter().filter(|template| template.channel() == Channel::Sms) {
            for lang in Lang::ALL {
                let filled = render::fill(text(template, lang).1, Channel::Sms, &facts);
                assert!(render::gsm_length(&filled).is_some_and(|length| length <= 160), "{:?}: {filled}", render::gsm_length(&filled));
                assert!(!filled.contains("http") && !filled.contains('{'), "{filled}");
            }
        }
    }
}
