//! The English texts. Plain words, short sentences; first what happened to the money, then what to do.

use super::{FieldError, Saying, Texts};

pub(super) const TEXTS: Texts = Texts {
    get_online: "Get online",
    choose_plan: "Choose a plan",
    no_plans: "No plans are on sale here right now. Please try again later.",
    mpesa_number: "Your M-Pesa number",
    number_example: "0712 345 678",
    prompt_comes: "A payment request comes to this phone.",
    pin_only_on_phone: "Enter your PIN only in the M-Pesa request on your phone. We never ask for it here.",
    pay: "Pay with M-Pesa",
    already_paid: "Already paid?",
    already_paid_here: "Get back online with your M-Pesa receipt",
    unwanted_prompt: "Got a payment request you did not ask for?",
    need_help: "Need help? Call",
    back_to_plans: "Back to the plans",
    try_again: "Try again",
    buy_again: "Choose a plan",
    check_now: "Check now",

    plan: "Plan",
    price: "Price",
    phone: "Phone",
    receipt: "M-Pesa receipt",
    data_left: "Data left",
    valid: "Valid",
    keep_open: "This page updates by itself. If it closes, join the WiFi again and choose “Already paid?”.",
    may_close: "You may close this page. Keep the M-Pesa SMS: with its receipt, “Already paid?” brings you back here.",
    steps: ["Look at your phone", "Enter your M-Pesa PIN", "You are online"],

    sending: Saying { title: "Sending the request…", body: "In a moment M-Pesa asks for your PIN on your phone." },
    waiting: Saying { title: "Check your phone", body: "Enter your M-Pesa PIN to pay." },
    checking: Saying {
        title: "Asking M-Pesa…",
        body: "We have no clear answer from M-Pesa yet and keep asking. If you entered your PIN, please do not pay again: as soon as the payment is confirmed, you are online.",
    },
    connecting: Saying { title: "Paid. Connecting you…", body: "This takes a few seconds. Your time starts when you are online." },
    moving: Saying { title: "Connecting this device…", body: "We found your payment. This takes a few seconds." },
    router_offline: Saying {
        title: "Paid. The WiFi is not answering",
        body: "Your money is safe with us and your time has not started. The WiFi equipment here is off or out of reach. We keep trying for 24 hours and connect you when it is back: your time starts only then.",
    },
    ended: Saying { title: "Your plan has ended", body: "The time or data you paid for is used up. Choose a plan to go on." },

    cancelled: Saying { title: "Payment cancelled", body: "The request was cancelled on the phone. Nothing was paid. Try again whenever you like." },
    insufficient_funds: Saying {
        title: "Not enough money in M-Pesa",
        body: "Nothing was paid. Add money to your M-Pesa, pay from another number, or choose a smaller plan.",
    },
    wrong_pin: Saying { title: "The PIN was not right", body: "M-Pesa did not accept the PIN, so nothing was paid. Try again and enter your PIN with care." },
    timed_out: Saying {
        title: "No answer in time",
        body: "The request on your phone ran out. If you did enter your PIN, please do not pay again: stay here, and you are online as soon as M-Pesa confirms. If not, you can try again now.",
    },
    phone_unreachable: Saying {
        title: "We could not reach your phone",
        body: "Nothing was paid. See that the phone is on and has signal, and that the number is right. Then try again.",
    },
    limit_exceeded: Saying {
        title: "M-Pesa limit reached",
        body: "Nothing was paid: M-Pesa allows this number no more payments of this size for now. Try another number or a smaller plan.",
    },
    gateway_error: Saying {
        title: "The payment did not go through",
        body: "The payment service could not take it. This is not your fault, and nothing was paid. Please try again in a few minutes.",
    },

    online: Saying { title: "You are online", body: "Enjoy the internet." },
    one_tap: Saying { title: "One tap and you are online", body: "Your payment is in and your access is ready." },
    ready_elsewhere: Saying {
        title: "Your access is ready",
        body: "This device does not seem to be on the WiFi. Join it, open any website, and choose “Already paid?” on the page that appears.",
    },
    go_online: "Go online",
    start_browsing: "Start browsing",
    close_page: "You can close this page.",

    resume: Saying { title: "Already paid?", body: "Tell us the phone that paid and the receipt, and this device goes online with the time that is left." },
    paying_phone: "Phone number that paid",
    receipt_label: "M-Pesa receipt",
    receipt_hint: "10 letters and digits at the start of the M-Pesa SMS, such as QK12AB34CD.",
    resume_button: "Get back online",

    not_me: Saying {
        title: "Did somebody else ask for it?",
        body: "If a payment request came to your phone and you did not ask for it, just cancel it. Give us the number and we send it no more requests for 24 hours.",
    },
    prompted_phone: "Your phone number",
    not_me_button: "Stop requests to this number",
    not_me_done: Saying { title: "Done. We have stopped", body: "If a request is still on the screen, just cancel it." },
    no_money_without_pin: "No money leaves your phone unless you enter your PIN.",

    unknown_isp: Saying { title: "We do not know this address", body: "No WiFi provider is found here. Join the WiFi again, then open any website." },
    unknown_router: Saying { title: "We do not know this WiFi", body: "This page belongs to no WiFi we know. Join the WiFi again, then open any website." },
    plan_not_found: Saying { title: "This plan is no longer sold", body: "Nothing was charged. Please choose another plan." },
    purchase_not_found: Saying {
        title: "We cannot find this purchase",
        body: "The address may be incomplete. If you have paid, get back online with your M-Pesa receipt.",
    },
    closed_for_now: Saying { title: "Closed for now", body: "This WiFi provider cannot sell at the moment. Nothing was charged." },
    too_many_tries: Saying { title: "One moment, please", body: "This protects everybody's phone from unwanted requests." },
    form_refused: Saying { title: "We could not take this form", body: "Nothing was charged. Go back to the plans and try again there." },
    server_trouble: Saying {
        title: "Something went wrong here",
        body: "It is our fault, not yours. Please try again in a minute. If you have paid, your payment is not lost.",
    },
    trouble_number: "Reference:",
};

pub(super) fn field_error(error: FieldError) -> &'static str {
    match error {
        FieldError::PhoneMissing => "Please enter your phone number.",
        FieldError::PhoneInvalid => "This is not a Kenyan mobile number. Write it as 0712\u{a0}345\u{a0}678 or 0110\u{a0}345\u{a0}678.",
        FieldError::PhoneBlocked => "The owner of this number asked us to send no payment requests for now. Please use another number.",
        FieldError::PhoneBusy => "A payment request is still open on this phone. Answer or cancel it there first.",
        FieldError::PlanMissing => "Please choose a plan.",
        FieldError::PlanNotAvailable => "That plan is no longer sold here. Please choose another.",
        FieldError::ReceiptMissing => "Please enter the M-Pesa receipt.",
        FieldError::ReceiptInvalid => "A receipt has 10 letters and digits, such as QK12AB34CD.",
        FieldError::ReceiptNotFound => "We find no payment with this phone number and receipt. Compare both with the M-Pesa SMS.",
        FieldError::PurchaseEnded => "We found your payment, but its time or data is used up.",
    }
}
