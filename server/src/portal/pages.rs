//! The pages themselves: each struct is one HTML document (`page.render()`). They decide what is shown in which state;
//! what that state is, the caller has found out before.

use askama::Template;

use super::links::SafeLink;
use super::paths;
use super::texts::{self, FailureReason, FieldError, Notice, Saying, Texts};
use super::view::{Frame, PlanCard};
use super::wording;
use crate::billing::papers::Confirmed;
use crate::lang::Lang;

/// The plans on sale and the form that buys one.
#[derive(Template)]
#[template(path = "portal/plans.html")]
pub struct PlansPage {
    /// What all pages have in common.
    pub frame: Frame,
    /// In the order in which they are shown.
    pub plans: Vec<PlanCard>,
    /// A fresh UUID; a form sent twice buys once.
    pub request_id: String,
    /// The plan chosen before; a plan that stands alone is chosen anyway.
    pub selected_plan_id: Option<String>,
    /// The phone number as the person typed it.
    pub phone: String,
    /// What is wrong with the choice of plan.
    pub plan_error: Option<FieldError>,
    /// What is wrong with the phone number.
    pub phone_error: Option<FieldError>,
    /// A message above the plans.
    pub notice: Option<Notice>,
}

impl PlansPage {
    fn t(&self) -> &'static Texts {
        self.frame.texts()
    }

    fn here(&self) -> String {
        self.frame.plans_path()
    }

    fn title(&self) -> &str {
        let own = self.frame.branding.welcome_title.trim();
        if own.is_empty() { self.t().get_online } else { own }
    }

    fn is_selected(&self, plan: &PlanCard) -> bool {
        self.plans.len() == 1 || self.selected_plan_id.as_ref() == Some(&plan.id)
    }
}

/// What a paper says whose code was scanned; none: we made no such paper.
#[derive(Template)]
#[template(path = "portal/paper.html")]
pub struct PaperPage {
    /// What all pages have in common.
    pub frame: Frame,
    /// As it stands in the address.
    pub token: String,
    /// What it says.
    pub paper: Option<Confirmed>,
}

impl PaperPage {
    fn t(&self) -> &'static Texts {
        self.frame.texts()
    }

    fn here(&self) -> String {
        paths::paper(&self.token)
    }

    fn title(&self) -> &str {
        match (&self.paper, self.frame.lang) {
            (Some(paper), _) => &paper.title,
            (None, Lang::English) => "Not one of ours",
            (None, Lang::Swahili) => "Si yetu",
        }
    }

    fn badge(&self) -> &'static str {
        match &self.paper {
            Some(paper) if paper.void => "bad",
            Some(paper) if paper.settled => "ok",
            Some(_) => "clock",
            None => "bad",
        }
    }

    fn body(&self) -> &'static str {
        match (&self.paper, self.frame.lang) {
            (None, Lang::English) => "This code belongs to no invoice and no receipt of this provider. Do not pay on it; call the provider.",
            (None, Lang::Swahili) => "Msimbo huu si wa ankara wala risiti ya mtoa huduma huyu. Usilipe; mpigie simu mtoa huduma.",
            (Some(paper), Lang::English) if paper.void => "It is genuine, and was taken back: nothing is to be paid.",
            (Some(paper), Lang::Swahili) if paper.void => "Ni halali, lakini imefutwa: hakuna cha kulipa.",
            (Some(paper), Lang::English) if paper.settled => "It is genuine, and it is paid.",
            (Some(paper), Lang::Swahili) if paper.settled => "Ni halali, na imelipwa.",
            (Some(_), Lang::English) => "It is genuine, and not paid whole yet.",
            (Some(_), Lang::Swahili) => "Ni halali, na bado haijalipwa yote.",
        }
    }

    fn name(&self, name: &'static str) -> &'static str {
        match (name, self.frame.lang) {
            (_, Lang::English) => name,
            ("Issued", Lang::Swahili) => "Imetolewa",
            ("Total", Lang::Swahili) => "Jumla",
            ("Paid", Lang::Swahili) => "Imelipwa",
            ("To pay", Lang::Swahili) => "Bado kulipwa",
            ("Amount", Lang::Swahili) => "Kiasi",
            ("Receipt", Lang::Swahili) => "Risiti",
            (other, Lang::Swahili) => other,
        }
    }
}

/// Where a purchase stands, until the device can go online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseState {
    /// The prompt is on its way to the phone.
    Sending,
    /// The prompt is on the phone.
    WaitingForPin {
        /// Until the prompt ends by itself.
        seconds_left: u64,
    },
    /// The prompt is over and M-Pesa has not said how it went.
    Checking,
    /// The money is in; the router is being told.
    PaidConnecting,
    /// The money is in; the router does not answer. We keep trying for 24 hours.
    PaidWaitingForRouter,
    /// It was running already and another device takes it over; the router is being told.
    Moving,
    /// Not paid.
    Failed {
        /// Why.
        reason: FailureReason,
    },
    /// Paid, used and over.
    Expired,
}

/// How a purchase stands. It reloads itself for as long as something can still change.
#[derive(Template)]
#[template(path = "portal/status.html")]
pub struct StatusPage {
    /// What all pages have in common.
    pub frame: Frame,
    /// `hss_…`.
    pub session_id: String,
    /// The plan that is bought.
    pub plan_id: String,
    /// Its name when bought.
    pub plan_name: String,
    /// `KES 10`.
    pub price: String,
    /// `0712 ••• 678`.
    pub phone_masked: String,
    /// M-Pesa receipt, once paid.
    pub receipt: Option<String>,
    /// Where it stands.
    pub state: PurchaseState,
    /// Seconds since the purchase was made; the page reloads less often as it grows.
    pub elapsed_seconds: u64,
}

impl StatusPage {
    fn t(&self) -> &'static Texts {
        self.frame.texts()
    }

    fn here(&self) -> String {
        paths::purchase(self.frame.router_id.as_deref().unwrap_or_default(), &self.session_id)
    }

    fn title(&self) -> &str {
        self.saying().title
    }

    fn reload_link(&self) -> String {
        self.frame.link(&self.here(), &[])
    }

    fn retry_link(&self) -> String {
        self.frame.link(&self.frame.plans_path(), &[("plan", &self.plan_id)])
    }

    /// Seconds until the page reloads; `None` when nothing can change any more.
    fn reload_after(&self) -> Option<u64> {
        match self.state {
            PurchaseState::Sending
            | PurchaseState::WaitingForPin { .. }
            | PurchaseState::Checking
            | PurchaseState::PaidConnecting
            | PurchaseState::PaidWaitingForRouter
            | PurchaseState::Moving => Some(refresh_after_seconds(self.elapsed_seconds)),
            // The answer of M-Pesa may come late, and then the person must be let in.
            PurchaseState::Failed { reason: FailureReason::TimedOut } => Some(15),
            PurchaseState::Failed { .. } | PurchaseState::Expired => None,
        }
    }

    fn saying(&self) -> Saying {
        let t = self.t();
        match self.state {
            PurchaseState::Sending => t.sending,
            PurchaseState::WaitingForPin { .. } => t.waiting,
            PurchaseState::Checking => t.checking,
            PurchaseState::PaidConnecting => t.connecting,
            PurchaseState::PaidWaitingForRouter => t.router_offline,
            PurchaseState::Moving => t.moving,
            PurchaseState::Failed { reason } => reason.saying(self.frame.lang),
            PurchaseState::Expired => t.ended,
        }
    }

    /// Name of the sign above the headline; the drawings are in `badge.html`.
    fn badge(&self) -> &'static str {
        match self.state {
            PurchaseState::Sending | PurchaseState::WaitingForPin { .. } => "phone",
            PurchaseState::Checking | PurchaseState::PaidConnecting | PurchaseState::Moving => "wait",
            PurchaseState::PaidWaitingForRouter => "late",
            PurchaseState::Failed { reason: FailureReason::TimedOut } | PurchaseState::Expired => "clock",
            PurchaseState::Failed { .. } => "bad",
        }
    }

    /// Which of the three steps is being taken; `None` when the steps would not help.
    fn step(&self) -> Option<usize> {
        match self.state {
            PurchaseState::Sending => Some(1),
            PurchaseState::WaitingForPin { .. } => Some(2),
            PurchaseState::PaidConnecting => Some(3),
            _ => None,
        }
    }

    fn is_paid(&self) -> bool {
        matches!(self.state, PurchaseState::PaidConnecting | PurchaseState::PaidWaitingForRouter)
    }

    fn is_on_phone(&self) -> bool {
        matches!(self.state, PurchaseState::WaitingForPin { .. })
    }

    /// Whether somebody who sees this page may have got the prompt against their will.
    fn may_be_unwanted(&self) -> bool {
        !self.is_paid() && !matches!(self.state, PurchaseState::Moving | PurchaseState::Expired)
    }

    fn may_pay_again(&self) -> bool {
        matches!(self.state, PurchaseState::Failed { .. } | PurchaseState::Expired)
    }

    /// What happens when the person closes the page.
    fn closing(&self) -> &'static str {
        let waits_long = self.state == PurchaseState::PaidWaitingForRouter;
        if waits_long { self.t().may_close } else { self.t().keep_open }
    }

    /// Words of the button that leads back to the plans.
    fn again(&self) -> &'static str {
        if self.state == PurchaseState::Expired { self.t().buy_again } else { self.t().try_again }
    }

    fn time_left(&self) -> Option<String> {
        match self.state {
            PurchaseState::WaitingForPin { seconds_left } if seconds_left > 0 => Some(texts::prompt_ends_in(self.frame.lang, seconds_left)),
            _ => None,
        }
    }

    fn sent_to(&self) -> String {
        texts::sent_to(self.frame.lang, &self.price, &self.phone_masked)
    }

    fn received(&self) -> String {
        texts::received(self.frame.lang, &self.price)
    }
}

/// Seconds between two reloads of a status page that is so old: 3 in the first half minute, then ever slower.
pub fn refresh_after_seconds(elapsed_seconds: u64) -> u64 {
    match elapsed_seconds {
        0..30 => 3,
        30..120 => 6,
        120..600 => 15,
        _ => 30,
    }
}

/// How the device gets online.
#[derive(Clone, Debug)]
pub enum HowConnected {
    /// The router has logged it in.
    AlreadyLoggedIn,
    /// The person sends the router's login form.
    SubmitLoginForm {
        /// `link-login-only` of the router.
        action: SafeLink,
        /// Name of the hotspot user.
        username: String,
        /// Its password, in the form the router wants.
        password: String,
        /// Where the router sends the person afterwards.
        dst: Option<SafeLink>,
    },
    /// Ready, but this device is not behind the router, or the router's login address is not known.
    ReadyElsewhere,
}

/// The access is ready.
#[derive(Template)]
#[template(path = "portal/connected.html")]
pub struct ConnectedPage {
    /// What all pages have in common.
    pub frame: Frame,
    /// `hss_…`.
    pub session_id: String,
    /// Its name when bought.
    pub plan_name: String,
    /// How the device gets online.
    pub how: HowConnected,
    /// From [`super::until`]; `None` for plans without end.
    pub until_text: Option<String>,
    /// Bytes left of the cap; `None` when there is no cap.
    pub data_remaining_bytes: Option<u64>,
    /// From [`super::continue_link`], or nothing when the caller does not trust it.
    pub continue_url: Option<SafeLink>,
}

impl ConnectedPage {
    fn t(&self) -> &'static Texts {
        self.frame.texts()
    }

    fn here(&self) -> String {
        paths::purchase(self.frame.router_id.as_deref().unwrap_or_default(), &self.session_id)
    }

    fn title(&self) -> &str {
        self.saying().title
    }

    fn saying(&self) -> Saying {
        match self.how {
            HowConnected::AlreadyLoggedIn => self.t().online,
            HowConnected::SubmitLoginForm { .. } => self.t().one_tap,
            HowConnected::ReadyElsewhere => self.t().ready_elsewhere,
        }
    }

    /// Where the page leads by itself: only when the device is online, because only a full navigation makes a phone see that it is.
    fn goes_to(&self) -> Option<&SafeLink> {
        self.continue_url.as_ref().filter(|_| matches!(self.how, HowConnected::AlreadyLoggedIn))
    }

    fn data_left(&self) -> Option<String> {
        self.data_remaining_bytes.map(wording::data)
    }
}

/// "Already paid?": finds a purchase by the phone that paid and the receipt.
#[derive(Template)]
#[template(path = "portal/resume.html")]
pub struct ResumePage {
    /// What all pages have in common.
    pub frame: Frame,
    /// The phone number as the person typed it.
    pub phone: String,
    /// The receipt as the person typed it.
    pub receipt: String,
    /// What is wrong with the phone number.
    pub phone_error: Option<FieldError>,
    /// What is wrong with the receipt, or that nothing was found.
    pub receipt_error: Option<FieldError>,
    /// A message above the form.
    pub notice: Option<Notice>,
}

impl ResumePage {
    fn t(&self) -> &'static Texts {
        self.frame.texts()
    }

    fn here(&self) -> String {
        self.frame.resume_path()
    }

    fn title(&self) -> &str {
        self.t().resume.title
    }
}

/// "This was not me": stops prompts to a phone for 24 hours.
#[derive(Template)]
#[template(path = "portal/not_me.html")]
pub struct NotMePage {
    /// What all pages have in common.
    pub frame: Frame,
    /// The phone number as the person typed it.
    pub phone: String,
    /// What is wrong with it.
    pub phone_error: Option<FieldError>,
    /// The number for which prompts were stopped just now, as it is shown to the person; `None` shows the form.
    pub stopped_phone: Option<String>,
    /// A message above the form.
    pub notice: Option<Notice>,
}

impl NotMePage {
    fn t(&self) -> &'static Texts {
        self.frame.texts()
    }

    fn here(&self) -> String {
        self.frame.not_me_path()
    }

    fn title(&self) -> &str {
        self.saying().title
    }

    fn saying(&self) -> Saying {
        if self.stopped_phone.is_some() { self.t().not_me_done } else { self.t().not_me }
    }

    fn stopped(&self) -> Option<String> {
        self.stopped_phone.as_deref().map(|phone| texts::stopped_for(self.frame.lang, phone))
    }
}

/// Why there is no page to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The host names no ISP.
    UnknownIsp,
    /// The address names no router of this ISP.
    UnknownRouter,
    /// The plan is not sold here.
    PlanNotFound,
    /// The address names no purchase of this ISP.
    PurchaseNotFound,
    /// The ISP cannot sell at the moment.
    IspClosed,
    /// Too many tries.
    TooManyTries {
        /// How long to wait.
        wait_seconds: u64,
    },
    /// A form that another page sent, or that is no form.
    FormRefused {
        /// 403, 413 or 415.
        http_status: u16,
    },
    /// Our fault.
    ServerTrouble {
        /// Under which it is in the log; may be empty.
        request_id: String,
    },
}

/// A page that says what is wrong and what to do.
#[derive(Template)]
#[template(path = "portal/error.html")]
pub struct ErrorPage {
    /// What all pages have in common; [`super::Branding::unknown`] where the ISP is not known.
    pub frame: Frame,
    /// What is wrong.
    pub kind: ErrorKind,
}

impl ErrorPage {
    /// The HTTP status that goes with it.
    pub fn http_status(&self) -> u16 {
        match self.kind {
            ErrorKind::UnknownIsp | ErrorKind::UnknownRouter | ErrorKind::PlanNotFound | ErrorKind::PurchaseNotFound => 404,
            ErrorKind::IspClosed => 403,
            ErrorKind::TooManyTries { .. } => 429,
            ErrorKind::FormRefused { http_status } => http_status,
            ErrorKind::ServerTrouble { .. } => 503,
        }
    }

    fn t(&self) -> &'static Texts {
        self.frame.texts()
    }

    fn here(&self) -> String {
        self.frame.plans_path()
    }

    fn title(&self) -> &str {
        self.saying().title
    }

    fn saying(&self) -> Saying {
        let t = self.t();
        match self.kind {
            ErrorKind::UnknownIsp => t.unknown_isp,
            ErrorKind::UnknownRouter => t.unknown_router,
            ErrorKind::PlanNotFound => t.plan_not_found,
            ErrorKind::PurchaseNotFound => t.purchase_not_found,
            ErrorKind::IspClosed => t.closed_for_now,
            ErrorKind::TooManyTries { .. } => t.too_many_tries,
            ErrorKind::FormRefused { .. } => t.form_refused,
            ErrorKind::ServerTrouble { .. } => t.server_trouble,
        }
    }

    fn badge(&self) -> &'static str {
        if matches!(self.kind, ErrorKind::TooManyTries { .. }) { "clock" } else { "late" }
    }

    fn wait(&self) -> Option<String> {
        match self.kind {
            ErrorKind::TooManyTries { wait_seconds } => Some(texts::try_again_in(self.frame.lang, wait_seconds)),
            _ => None,
        }
    }

    /// The number to name on the phone with support.
    fn trouble(&self) -> Option<&str> {
        match &self.kind {
            ErrorKind::ServerTrouble { request_id } if !request_id.is_empty() => Some(request_id),
            _ => None,
        }
    }

    /// Whether the plans page can be offered as the way out.
    fn has_plans(&self) -> bool {
        self.frame.router_id.is_some() && !matches!(self.kind, ErrorKind::UnknownIsp | ErrorKind::UnknownRouter | ErrorKind::IspClosed)
    }
}

#[cfg(test)]
mod tests;
