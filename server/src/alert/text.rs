//! The words of alerts, in English and Swahili. Pure.

use crate::lang::Lang;

/// Something that a customer should know.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// Staff let the customer in.
    Approved {
        /// `CUST-0001`.
        customer_code: &'a str,
    },
    /// Staff stopped the customer.
    Suspended {
        /// Why.
        reason: &'a str,
    },
    /// Staff let the customer on again.
    Reactivated,
    /// Staff answered a service request.
    Answered {
        /// What it was about.
        subject: &'a str,
        /// The answer.
        reply: &'a str,
    },
    /// Somebody will do what a service request asks for.
    RequestApproved {
        /// What it was about.
        subject: &'a str,
    },
    /// Somebody works on a service request.
    RequestInProgress {
        /// What it was about.
        subject: &'a str,
    },
    /// A service request is done.
    RequestCompleted {
        /// What it was about.
        subject: &'a str,
    },
    /// A service request will not be done.
    RequestRejected {
        /// What it was about.
        subject: &'a str,
        /// Why.
        reply: &'a str,
    },
    /// Staff closed a service request that is not wanted any more.
    RequestCancelled {
        /// What it was about.
        subject: &'a str,
    },
    /// Money came in.
    Paid {
        /// Shillings, as `1,500.00`.
        amount: &'a str,
        /// Of M-Pesa or of the ISP.
        receipt: &'a str,
    },
    /// Money came in, and the connection is paid.
    PaidUntil {
        /// Shillings, as `1,500.00`.
        amount: &'a str,
        /// Of M-Pesa or of the ISP.
        receipt: &'a str,
        /// In Kenya's time.
        until: &'a str,
    },
    /// What was paid for ends tomorrow.
    PaidUntilSoon {
        /// When.
        until: &'a str,
    },
    /// A prompt that staff asked for was not paid.
    PaymentFailed {
        /// Shillings, as `1,500.00`.
        amount: &'a str,
    },
    /// A payment, or a part of it, went back.
    WentBack {
        /// Shillings, as `1,500.00`.
        amount: &'a str,
        /// Of the payment.
        receipt: &'a str,
    },
    /// There is a new invoice.
    Invoiced {
        /// `INV-000001`.
        number: &'a str,
        /// Shillings.
        amount: &'a str,
        /// In Kenya's time.
        due: &'a str,
    },
    /// An invoice should be paid soon, or today.
    InvoiceDue {
        /// `INV-000001`.
        number: &'a str,
        /// Shillings.
        amount: &'a str,
        /// In Kenya's time.
        due: &'a str,
    },
    /// An invoice should have been paid.
    InvoiceOverdue {
        /// `INV-000001`.
        number: &'a str,
        /// Shillings.
        amount: &'a str,
        /// When the connection goes off, in Kenya's time.
        until: &'a str,
    },
    /// What was paid for is over, and the connection is off.
    CutOff,
}

/// A title and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// In a few words.
    pub title: String,
    /// In full.
    pub message: String,
}

impl News<'_> {
    /// In a language.
    pub fn words(self, lang: Lang) -> Words {
        let (title, message) = match lang {
            Lang::English => self.english(),
            Lang::Swahili => self.swahili(),
        };
        Words { title: title.to_owned(), message }
    }

    fn english(self) -> (&'static str, String) {
        match self {
            News::Approved { customer_code } => ("Your registration is approved", format!("Karibu! Your customer code is {customer_code}.")),
            News::Suspended { reason } => ("Your account is suspended", reason.to_owned()),
            News::Reactivated => ("Your account is open again", "Welcome back!".to_owned()),
            News::Answered { subject, reply } => ("An answer to your request", format!("{subject}: {reply}")),
            News::RequestApproved { subject } => ("Your request is approved", format!("We will do it: {subject}")),
            News::RequestInProgress { subject } => ("We work on your request", subject.to_owned()),
            News::RequestCompleted { subject } => ("Your request is done", subject.to_owned()),
            News::RequestRejected { subject, reply } => ("Your request is refused", format!("{subject}: {reply}")),
            News::RequestCancelled { subject } => ("Your request is closed", format!("It was cancelled: {subject}")),
            News::Paid { amount, receipt } => ("Payment received", format!("KES {amount}, receipt {receipt}. Thank you!")),
            News::PaidUntil { amount, receipt, until } => {
                ("Payment received", format!("KES {amount}, receipt {receipt}. Your internet is paid until {until}. Thank you!"))
            }
            News::PaidUntilSoon { until } => ("Your internet ends soon", format!("It is paid until {until}. Recharge before then, and it stays on.")),
            News::PaymentFailed { amount } => ("Payment not completed", format!("The request for KES {amount} was not paid.")),
            News::WentBack { amount, receipt } => {
                ("A payment went back to you", format!("KES {amount} of the payment {receipt} went back to you, and left your account here."))
            }
            News::Invoiced { number, amount, due } => ("A new invoice", format!("{number}: KES {amount}, to be paid by {due}.")),
            News::InvoiceDue { number, amount, due } => ("Please pay your invoice", format!("{number}: KES {amount} is to be paid by {due}.")),
            News::InvoiceOverdue { number, amount, until } => {
                ("Your invoice is overdue", format!("{number}: KES {amount} was not paid. Your internet goes off at {until}."))
            }
            News::CutOff => ("Your internet is off", "What was paid is over. Pay, and it is on again at once.".to_owned()),
        }
    }

    fn swahili(self) -> (&'static str, String) {
        match self {
            News::Approved { customer_code } => ("Usajili wako umekubaliwa", format!("Karibu! Nambari yako ya mteja ni {customer_code}.")),
            News::Suspended { reason } => ("Akaunti yako imesimamishwa kwa muda", reason.to_owned()),
            News::Reactivated => ("Akaunti yako imefunguliwa tena", "Karibu tena!".to_owned()),
            News::Answered { subject, reply } => ("Jibu la ombi lako", format!("{subject}: {reply}")),
            News::RequestApproved { subject } => ("Ombi lako limekubaliwa", format!("Tutalishughulikia: {subject}")),
            News::RequestInProgress { subject } => ("Tunashughulikia ombi lako", subject.to_owned()),
            News::RequestCompleted { subject } => ("Ombi lako limekamilika", subject.to_owned()),
            News::RequestRejected { subject, reply } => ("Ombi lako limekataliwa", format!("{subject}: {reply}")),
            News::RequestCancelled { subject } => ("Ombi lako limefungwa", format!("Limeghairiwa: {subject}")),
            News::Paid { amount, receipt } => ("Malipo yamepokelewa", format!("KES {amount}, risiti {receipt}. Asante!")),
            News::PaidUntil { amount, receipt, until } => {
                ("Malipo yamepokelewa", format!("KES {amount}, risiti {receipt}. Intaneti yako imelipiwa hadi {until}. Asante!"))
            }
            News::PaidUntilSoon { until } => ("Intaneti yako inaisha karibuni", format!("Imelipiwa hadi {until}. Ongeza kabla ya hapo, na itabaki imewashwa.")),
            News::PaymentFailed { amount } => ("Malipo hayakukamilika", format!("Ombi la KES {amount} halikulipwa.")),
            News::WentBack { amount, receipt } => {
                ("Malipo yamerudishwa kwako", format!("KES {amount} za malipo {receipt} zimerudishwa kwako, na zimetolewa kwenye akaunti yako hapa."))
            }
            News::Invoiced { number, amount, due } => ("Ankara mpya", format!("{number}: KES {amount}, ilipwe kabla ya {due}.")),
            News::InvoiceDue { number, amount, due } => ("Tafadhali lipa ankara yako", format!("{number}: KES {amount} ilipwe kabla ya {due}.")),
            News::InvoiceOverdue { number, amount, until } => {
                ("Ankara yako imepitwa na muda", format!("{number}: KES {amount} haijalipwa. Intaneti yako itazimwa {until}."))
            }
            News::CutOff => ("Intaneti yako imezimwa", "Muda uliolipiwa umeisha. Lipa, na itawashwa mara moja.".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_news_is_told_in_both_languages_with_its_facts() {
        let subject = "Move my router";
        let table = [
            (News::Approved { customer_code: "CUST-0007" }, "CUST-0007"),
            (News::Suspended { reason: "Not paid." }, "Not paid."),
            (News::Reactivated, ""),
            (News::Answered { subject, reply: "On Monday." }, "On Monday."),
            (News::RequestApproved { subject }, subject),
            (News::RequestInProgress { subject }, subject),
            (News::RequestCompleted { subject }, subject),
            (News::RequestRejected { subject, reply: "No cable there." }, "No cable there."),
            (News::RequestCancelled { subject }, subject),
            (News::Paid { amount: "1,500.00", receipt: "SAB1234567" }, "SAB1234567"),
            (News::PaidUntilSoon { until: "01 Jan 2027 10:00" }, "01 Jan 2027 10:00"),
            (News::PaidUntil { amount: "1,500.00", receipt: "SAB1234567", until: "01 Jan 2027 10:00" }, "01 Jan 2027 10:00"),
            (News::PaymentFailed { amount: "1,500.00" }, "1,500.00"),
            (News::WentBack { amount: "1,500.00", receipt: "SAB1234567" }, "SAB1234567"),
            (News::Invoiced { number: "INV-000001", amount: "1,500.00", due: "01 Jan 2027" }, "INV-000001"),
            (News::InvoiceDue { number: "INV-000001", amount: "1,500.00", due: "01 Jan 2027" }, "01 Jan 2027"),
            (News::InvoiceOverdue { number: "INV-000001", amount: "1,500.00", until: "04 Jan 2027" }, "04 Jan 2027"),
            (News::CutOff, ""),
        ];
        for (news, fact) in table {
            let (english, swahili) = (news.words(Lang::English), news.words(Lang::Swahili));
            assert!(english.message.contains(fact) && swahili.message.contains(fact), "{news:?}");
            assert!(!english.title.is_empty() && english.title != swahili.title, "{news:?}");
        }
    }
}
