//! Decides what one call that moves money proved: done, provably refused, or unknown.
//! Pure. Where a call may have been accepted the verdict is unknown, since PayHero has no
//! idempotency and a second call would prompt, and bill, twice.

use super::call::{Answer, Fault};
use super::fields::Fields;
use super::redact::{excerpt, redact_text};

/// The longest message that is kept of a refusal.
const MESSAGE_MAX_CHARS: usize = 300;

/// What a call that moves money is known to have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// PayHero took it and named it. That is not yet paid.
    Done(T),
    /// It was provably not accepted: no prompt was sent and no money can move.
    Refused {
        /// `error_code` of the answer, `not_sent`, or `http_` with the status.
        code: String,
        /// PayHero's own words, phones and links masked. For operators, not for customers.
        message: String,
        /// What the refusal is about.
        kind: RefusalKind,
    },
    /// It may or may not have been accepted. Only asking can tell; never send it again.
    Unknown {
        /// What left the doubt.
        why: Doubt,
    },
}

/// What a refusal is about, so that the right people hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// PayHero was not reached: name look-up, TCP or TLS failed.
    NotSent,
    /// The key is wrong or lacks a right.
    Credentials,
    /// The float that pays PayHero's own fees is empty. It says nothing about the payer.
    ServiceWalletEmpty,
    /// Wrong or inactive channel, key of another account, wrong address.
    Configuration,
    /// The amount is below PayHero's own fee.
    AmountTooSmall,
    /// Too many calls.
    RateLimited,
    /// PayHero, or this client before sending, found a field invalid.
    Invalid,
    /// Any other refusal.
    Other,
}

impl RefusalKind {
    /// Whether every further payment will fail alike until an operator acts.
    pub fn needs_operator(self) -> bool {
        matches!(self, Self::Credentials | Self::ServiceWalletEmpty | Self::Configuration)
    }
}

/// What left it open whether a call was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The call left, and no complete answer came.
    #[error(transparent)]
    NoAnswer(Fault),
    /// An answer in success form that names nothing to ask by.
    #[error("status {status} without a usable reference: {excerpt}")]
    NoReference {
        /// HTTP status.
        status: u16,
        /// Begin of the body, masked.
        excerpt: String,
    },
    /// An answer whose parts contradict each other, or that reports a time-out further on.
    #[error("status {status} that proves neither: {excerpt}")]
    Ambiguous {
        /// HTTP status.
        status: u16,
        /// What a refusal of these words would be about, for an alert only.
        hint: Option<RefusalKind>,
        /// Begin of the body, masked.
        excerpt: String,
    },
    /// HTML, a redirect, a server error or anything else that is not a documented answer.
    #[error("status {status} is no documented answer: {excerpt}")]
    Undocumented {
        /// HTTP status.
        status: u16,
        /// What a refusal of these words would be about, for an alert only.
        hint: Option<RefusalKind>,
        /// Begin of the body, masked.
        excerpt: String,
    },
}

/// Judges one exchange. `accepted` reads what names the accepted call, `reference` for a
/// collect, and gives nothing when the body does not name it.
///
/// Refused are: nothing sent; a 4xx that means "not processed" with PayHero's JSON error body;
/// a 2xx with `success:false`, which three independent integrators report; a 2xx that wraps such
/// an error. 429 counts as refused only with that body, since then PayHero itself declined;
/// 408, 409, 425, every 5xx and every 3xx can follow an acceptance.
pub(super) fn classify<T>(exchange: Result<Answer, Fault>, accepted: impl FnOnce(&Fields) -> Option<T>) -> Outcome<T> {
    let answer = match exchange {
        Ok(answer) => answer,
        Err(Fault::NotSent(cause)) => {
            return refused("not_sent".to_owned(), &cause, RefusalKind::NotSent);
        }
        Err(fault) => {
            return Outcome::Unknown { why: Doubt::NoAnswer(fault) };
        }
    };
    let Some(fields) = Fields::read(&answer.body) else {
        return undocumented(&answer, kind_of_status(answer.status));
    };
    let claim = Claim::read(&fields, answer.status);
    let accepted = accepted(&fields);
    match answer.status {
        200..=299 => match (claim.success, accepted) {
            (Some(false), _) if claim.proves_refusal() => claim.refuse(),
            // A reference is a thing to ask by, and asking settles any contradiction.
            (_, Some(named)) => Outcome::Done(named),
            (Some(false), None) => ambiguous(&answer, claim.known),
            (None, None) if claim.is_wrapped_error() && claim.proves_refusal() => claim.refuse(),
            (_, None) => Outcome::Unknown { why: Doubt::NoReference { status: answer.status, excerpt: excerpt(&answer.body) } },
        },
        status if means_not_processed(status) => {
            let says_yes = claim.success == Some(true) || accepted.is_some();
            if !claim.has_error_text {
                undocumented(&answer, claim.known)
            } else if says_yes || !claim.proves_refusal() {
                ambiguous(&answer, claim.known)
            } else {
                claim.refuse()
            }
        }
        _ => undocumented(&answer, claim.known),
    }
}

/// The parts of a body that say yes or no.
struct Claim {
    status: u16,
    success: Option<bool>,
    /// `status` is a word of acceptance.
    queued: bool,
    code: Option<String>,
    message: String,
    has_error_text: bool,
    /// `status_code` inside the body, which can differ from that of HTTP.
    inner_status: Option<u16>,
    /// The refusal these words are documented or reported to be.
    known: Option<RefusalKind>,
}

impl Claim {
    fn read(fields: &Fields, status: u16) -> Self {
        let text = fields.first_text(&["error_message", "message", "error"]);
        let code = fields.text("error_code");
        let word = fields.text("status").unwrap_or_default().to_uppercase();
        Self {
            status,
            success: fields.flag("success"),
            queued: matches!(word.as_str(), "QUEUED" | "SUCCESS" | "PENDING" | "PROCESSING"),
            has_error_text: text.is_some() || code.is_some(),
            inner_status: fields.integer("status_code").and_then(|inner| u16::try_from(inner).ok()).filter(|inner| *inner >= 400),
            known: text.as_deref().and_then(kind_of_text).or_else(|| kind_of_status(status)),
            message: text.or_else(|| code.clone()).unwrap_or_default(),
            code,
        }
    }

    /// False where the words leave room for an acceptance: a server error inside, a time-out
    /// on the way to M-Pesa, a contradiction between "no" and "queued".
    fn proves_refusal(&self) -> bool {
        if self.inner_status.is_some_and(|inner| !means_not_processed(inner)) || self.queued {
            return false;
        }
        kind_of_text(&self.message).is_some() || !leaves_open(&self.message)
    }

    /// A 2xx whose body is PayHero's error envelope or one of its known refusals, such as
    /// `sql: no rows in result set`, which is reported to arrive with HTTP 200.
    fn is_wrapped_error(&self) -> bool {
        self.has_error_text && (self.inner_status.is_some() || kind_of_text(&self.message).is_some())
    }

    fn refuse<T>(self) -> Outcome<T> {
        let status = self.inner_status.unwrap_or(self.status);
        let kind = self.known.or_else(|| kind_of_status(status)).unwrap_or(RefusalKind::Other);
        let code = self.code.unwrap_or_else(|| format!("http_{status}"));
        refused(code, &self.message, kind)
    }
}

/// The 4xx by which a server says that it did not act on the request.
pub(super) fn means_not_processed(status: u16) -> bool {
    matches!(status, 400..=407 | 410 | 411 | 413..=417 | 422 | 429 | 431)
}

/// What a status alone says about a refusal.
pub(super) fn kind_of_status(status: u16) -> Option<RefusalKind> {
    match status {
        401 | 403 => Some(RefusalKind::Credentials),
        404 | 405 => Some(RefusalKind::Configuration),
        400 | 422 => Some(RefusalKind::Invalid),
        429 => Some(RefusalKind::RateLimited),
        _ => None,
    }
}

/// The refusals whose words are documented or reported by integrators.
pub(super) fn kind_of_text(text: &str) -> Option<RefusalKind> {
    let text = text.to_lowercase();
    let has = |part: &str| text.contains(part);
    if has("cater for cost") || has("amount is insufficient") {
        Some(RefusalKind::AmountTooSmall)
    } else if has("insufficient") && (has("balance") || has("wallet") || has("funds")) {
        Some(RefusalKind::ServiceWalletEmpty)
    } else if has("sql: no rows") || has("wallet not found") || has("channel not found") {
        Some(RefusalKind::Configuration)
    } else if has("unauthorized") || has("unauthorised") || has("invalid credentials") {
        Some(RefusalKind::Credentials)
    } else if has("too many requests") || has("rate limit") {
        Some(RefusalKind::RateLimited)
    } else {
        None
    }
}

/// Words that report trouble after PayHero had passed the call on, or an earlier acceptance.
fn leaves_open(text: &str) -> bool {
    const OPEN: [&str; 13] = [
        "timeout",
        "timed out",
        "time out",
        "deadline exceeded",
        "in progress",
        "in process",
        "being processed",
        "still processing",
        "already",
        "duplicate",
        "upstream",
        "connection reset",
        "eof",
    ];
    let text = text.to_lowercase();
    OPEN.iter().any(|part| text.contains(part))
}

fn refused<T>(code: String, message: &str, kind: RefusalKind) -> Outcome<T> {
    let message = redact_text(message).chars().take(MESSAGE_MAX_CHARS).collect();
    Outcome::Refused { code: redact_text(&code), message, kind }
}

fn ambiguous<T>(answer: &Answer, hint: Option<RefusalKind>) -> Outcome<T> {
    let why = Doubt::Ambiguous { status: answer.status, hint, excerpt: excerpt(&answer.body) };
    Outcome::Unknown { why }
}

fn undocumented<T>(answer: &Answer, hint: Option<RefusalKind>) -> Outcome<T> {
    let why = Doubt::Undocumented { status: answer.status, hint, excerpt: excerpt(&answer.body) };
    Outcome::Unknown { why }
}

#[cfg(test)]
mod tests {
    use RefusalKind as K;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Verdict {
        Done,
        Refused(K),
        Unknown(&'static str, Option<K>),
    }
    use Verdict::{Done, Refused, Unknown};

    fn judge(exchange: Result<Answer, Fault>) -> Verdict {
        match classify(exchange, |fields| fields.text("reference")) {
            Outcome::Done(reference) => {
                assert_eq!(reference, "Q7XK2MWZ4B");
                Done
            }
            Outcome::Refused { kind, .. } => Refused(kind),
            Outcome::Unknown { why } => match why {
                Doubt::NoAnswer(_) => Unknown("no answer", None),
                Doubt::NoReference { .. } => Unknown("no reference", None),
                Doubt::Ambiguous { hint, .. } => Unknown("ambiguous", hint),
                Doubt::Undocumented { hint, .. } => Unknown("undocumented", hint),
            },
        }
    }

    #[test]
    fn faults_are_refusals_only_when_nothing_was_sent() {
        for (fault, verdict) in [
            (Fault::NotSent("dns error".to_owned()), Refused(K::NotSent)),
            (Fault::TimedOut, Unknown("no answer", None)),
            (Fault::Broken("reset".to_owned()), Unknown("no answer", None)),
            (Fault::Cut { status: 201 }, Unknown("no answer", None)),
            (Fault::Cut { status: 400 }, Unknown("no answer", None)),
            (Fault::TooLarge { status: 200 }, Unknown("no answer", None)),
        ] {
            assert_eq!(judge(Err(fault.clone())), verdict, "{fault:?}");
        }
    }

    #[test]
    fn answers_prove_what_they_prove() {
        const QUEUED: &str = r#"{"success":true,"status":"QUEUED","reference":"Q7XK2MWZ4B","CheckoutRequestID":"ws_CO_1"}"#;
        const INVALID: &str = r#"{"error_code":"invalid_argument","error_message":"bad amount","status_code":400}"#;
        const HTML: &str = "<html><body>Attention required</body></html>";
        #[rustfmt::skip]
        let rows: &[(u16, &str, Verdict)] = &[
            // A yes needs a reference.
            (201, QUEUED, Done),
            (200, QUEUED, Done),
            (202, QUEUED, Done),
            (200, r#"{"reference":"Q7XK2MWZ4B"}"#, Done),
            (200, r#"{"success":true,"status":"FAILED","reference":"Q7XK2MWZ4B"}"#, Done),
            (200, r#"{"success":"true","reference":"Q7XK2MWZ4B","message":"ok"}"#, Done),
            (201, r#"{"success":true,"status":"QUEUED"}"#, Unknown("no reference", None)),
            (201, r#"{"success":true,"reference":""}"#, Unknown("no reference", None)),
            (201, r#"{"success":true,"reference":null}"#, Unknown("no reference", None)),
            (201, r#"{"success":true,"reference":{"id":1}}"#, Unknown("no reference", None)),
            (200, "{}", Unknown("no reference", None)),
            (200, r#"{"message":"ok"}"#, Unknown("no reference", None)),
            // Success codes without a documented body.
            (200, "", Unknown("undocumented", None)),
            (204, "", Unknown("undocumented", None)),
            (200, HTML, Unknown("undocumented", None)),
            (200, "[]", Unknown("undocumented", None)),
            (200, "null", Unknown("undocumented", None)),
            (200, r#"{"success":true,"refer"#, Unknown("undocumented", None)),
            (200, "OK", Unknown("undocumented", None)),
            // 2xx is not a yes.
            (200, r#"{"success":false}"#, Refused(K::Other)),
            (201, r#"{"success":false,"message":"declined"}"#, Refused(K::Other)),
            (200, r#"{"success":"false","message":"declined"}"#, Refused(K::Other)),
            (200, r#"{"success":false,"error":"insufficient balance"}"#, Refused(K::ServiceWalletEmpty)),
            (200, r#"{"success":false,"message":"sql: no rows in result set"}"#, Refused(K::Configuration)),
            (200, r#"{"success":false,"reference":"","message":"declined"}"#, Refused(K::Other)),
            (200, r#"{"success":false,"status":"FAILED","reference":"Q7XK2MWZ4B"}"#, Refused(K::Other)),
            (200, r#"{"error_message":"sql: no rows in result set"}"#, Refused(K::Configuration)),
            (200, INVALID, Refused(K::Invalid)),
            (200, r#"{"error_code":"unauthenticated","error_message":"no","status_code":401}"#, Refused(K::Credentials)),
            (200, r#"{"success":false,"error_message":"the transaction amount is insufficient as it wont cater for cost"}"#, Refused(K::AmountTooSmall)),
            // A no that leaves a yes possible.
            (200, r#"{"success":false,"status":"QUEUED"}"#, Unknown("ambiguous", None)),
            (200, r#"{"success":false,"status":"QUEUED","reference":"Q7XK2MWZ4B"}"#, Done),
            (200, r#"{"success":false,"message":"request timed out"}"#, Unknown("ambiguous", None)),
            (200, r#"{"success":false,"message":"request timed out","reference":"Q7XK2MWZ4B"}"#, Done),
            (200, r#"{"success":false,"message":"context deadline exceeded"}"#, Unknown("ambiguous", None)),
            (200, r#"{"success":false,"message":"duplicate request"}"#, Unknown("ambiguous", None)),
            (200, r#"{"success":false,"message":"oops","status_code":500}"#, Unknown("ambiguous", None)),
            (200, r#"{"error_message":"oops","status_code":500}"#, Unknown("no reference", None)),
            // Documented refusals.
            (400, INVALID, Refused(K::Invalid)),
            (400, r#"{"message":"Invalid phone"}"#, Refused(K::Invalid)),
            (400, r#"{"error_code":"invalid_argument"}"#, Refused(K::Invalid)),
            (400, r#"{"error_message":"service wallet: insufficient balance"}"#, Refused(K::ServiceWalletEmpty)),
            (400, r#"{"success":false,"error":"channel not found"}"#, Refused(K::Configuration)),
            (401, r#"{"message":"Unauthorized"}"#, Refused(K::Credentials)),
            (401, r#"{"error_message":"x","status_code":401}"#, Refused(K::Credentials)),
            (403, r#"{"message":"Forbidden"}"#, Refused(K::Credentials)),
            (404, r#"{"error_message":"wallet not found"}"#, Refused(K::Configuration)),
            (405, r#"{"message":"Method Not Allowed"}"#, Refused(K::Configuration)),
            (422, r#"{"message":"amount"}"#, Refused(K::Invalid)),
            (429, r#"{"error_message":"Too many requests","status_code":429}"#, Refused(K::RateLimited)),
            // Refusing codes from somebody who is perhaps not PayHero, or who contradicts himself.
            (400, HTML, Unknown("undocumented", Some(K::Invalid))),
            (401, "", Unknown("undocumented", Some(K::Credentials))),
            (401, HTML, Unknown("undocumented", Some(K::Credentials))),
            (403, HTML, Unknown("undocumented", Some(K::Credentials))),
            (404, HTML, Unknown("undocumented", Some(K::Configuration))),
            (429, "", Unknown("undocumented", Some(K::RateLimited))),
            (429, HTML, Unknown("undocumented", Some(K::RateLimited))),
            (400, "{}", Unknown("undocumented", Some(K::Invalid))),
            (400, r#"{"error":{"text":"no"}}"#, Unknown("undocumented", Some(K::Invalid))),
            (400, QUEUED, Unknown("undocumented", Some(K::Invalid))),
            (400, r#"{"success":true,"message":"queued"}"#, Unknown("ambiguous", Some(K::Invalid))),
            (400, r#"{"message":"failed","reference":"Q7XK2MWZ4B"}"#, Unknown("ambiguous", Some(K::Invalid))),
            (400, r#"{"error_message":"upstream timeout"}"#, Unknown("ambiguous", Some(K::Invalid))),
            (400, r#"{"error_message":"oops","status_code":500}"#, Unknown("ambiguous", Some(K::Invalid))),
            // Codes that can follow an acceptance, whatever the body says.
            (408, r#"{"message":"Request Timeout"}"#, Unknown("undocumented", None)),
            (409, r#"{"message":"Conflict"}"#, Unknown("undocumented", None)),
            (425, r#"{"message":"Too Early"}"#, Unknown("undocumented", None)),
            (499, "", Unknown("undocumented", None)),
            (500, INVALID, Unknown("undocumented", None)),
            (500, r#"{"error_message":"insufficient balance"}"#, Unknown("undocumented", Some(K::ServiceWalletEmpty))),
            (500, r#"{"success":false,"message":"error"}"#, Unknown("undocumented", None)),
            (500, QUEUED, Unknown("undocumented", None)),
            (502, HTML, Unknown("undocumented", None)),
            (503, "", Unknown("undocumented", None)),
            (504, HTML, Unknown("undocumented", None)),
            (524, HTML, Unknown("undocumented", None)),
            // Redirects are not followed.
            (301, "", Unknown("undocumented", None)),
            (302, HTML, Unknown("undocumented", None)),
            (303, r#"{"success":false}"#, Unknown("undocumented", None)),
            (307, "", Unknown("undocumented", None)),
            (308, "", Unknown("undocumented", None)),
        ];
        for (status, body, verdict) in rows {
            let answer = Answer { status: *status, body: body.as_bytes().to_vec(), retry_after: None };
            assert_eq!(judge(Ok(answer)), *verdict, "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_keeps_the_words_but_no_phone() {
        let body = br#"{"error_code":"invalid_argument","error_message":"254712000111 is barred"}"#;
        let answer = Answer { status: 400, body: body.to_vec(), retry_after: None };
        let outcome: Outcome<String> = classify(Ok(answer), |fields| fields.text("reference"));
        assert_eq!(outcome, Outcome::Refused { code: "invalid_argument".to_owned(), message: "*********111 is barred".to_owned(), kind: K::Invalid });
    }
}
