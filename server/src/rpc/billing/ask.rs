//! What staff and customers send about money and connections, read into types. Pure.

use std::net::IpAddr;

use netily_sdk::billing as pb;
use netily_sdk::selfservice as own;
use netily_sdk::types as shared;
use secrecy::SecretString;

use crate::billing::invoice::{Line, Settings, Status as InvoiceStatus};
use crate::billing::report::Granularity;
use crate::billing::seen::Standing;
use crate::billing::{Ask, Ending, TOO_MUCH, Taken, Target, Withdrawal};
use crate::clock::{Time, begin_of_day};
use crate::connection::{Access, Billing, Install, Status};
use crate::error::{Error, Result};
use crate::id::{CustomerId, RequestId};
use crate::money::Money;
use crate::payments::Purpose;
use crate::rpc::fields::{self, CURRENCY};

/// Ten million shillings.
const OFFLINE_MAX_MINOR: i64 = 1_000_000_000;
/// Characters of a reason.
pub const REASON_MAX: usize = 200;
/// Lines of one invoice.
const LINES_MAX: usize = 60;

/// What the customer who calls wants to pay.
pub fn own_payment(mut ask: own::InitiatePaymentRequest, customer: CustomerId, address: IpAddr, key: &[u8]) -> Result<Ask> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let target = match ask.target {
        Some(own::initiate_payment_request::Target::InvoiceId(id)) => Target::Invoice(fields::parse("invoice_id", &id)?),
        Some(own::initiate_payment_request::Target::PlanId(id)) => Target::Plan(fields::parse("plan_id", &id)?),
        Some(own::initiate_payment_request::Target::Amount(amount)) => Target::Amount(prompt_amount("amount", &amount)?),
        None => return Err(nothing_to_pay()),
    };
    let phone = fields::optional("phone_number", &ask.phone_number, fields::phone)?;
    Ok(Ask { customer, target, phone, by_staff: false, request_id, request_hash, address })
}

/// What staff want a customer to pay.
pub fn payment(mut ask: pb::InitiatePaymentRequest, address: IpAddr, key: &[u8]) -> Result<Ask> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let customer = fields::parse("customer_id", &ask.customer_id)?;
    let target = match ask.target {
        Some(pb::initiate_payment_request::Target::InvoiceId(id)) => Target::Invoice(fields::parse("invoice_id", &id)?),
        Some(pb::initiate_payment_request::Target::PlanId(id)) => Target::Plan(fields::parse("plan_id", &id)?),
        Some(pb::initiate_payment_request::Target::Amount(amount)) => Target::Amount(prompt_amount("amount", &amount)?),
        None => return Err(nothing_to_pay()),
    };
    let phone = fields::optional("phone_number", &ask.phone_number, fields::phone)?;
    Ok(Ask { customer, target, phone, by_staff: true, request_id, request_hash, address })
}

fn nothing_to_pay() -> Error {
    Error::field("target", "must be one of invoice_id, plan_id and amount")
}

/// What a prompt can ask for: whole shillings, 1 to 249,999.
fn prompt_amount(path: &str, amount: &shared::Money) -> Result<Money> {
    let money = kes(path, Some(amount))?;
    let fits = money.whole_shillings().is_some() && money > Money::ZERO && money < TOO_MUCH;
    if fits { Ok(money) } else { Err(Error::field(&format!("{path}.amount_minor"), "must be whole shillings, 100 to 24999900 cents")) }
}

fn kes(path: &str, amount: Option<&shared::Money>) -> Result<Money> {
    let amount = amount.ok_or_else(|| Error::field(path, "must be set"))?;
    if amount.currency_code == CURRENCY {
        Ok(Money::from_minor(amount.amount_minor))
    } else {
        Err(Error::field(&format!("{path}.currency_code"), "must be KES"))
    }
}

/// Money that the ISP took itself.
pub fn offline(mut ask: pb::RecordOfflinePaymentRequest, by_owner: bool, key: &[u8]) -> Result<Taken> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let amount = kes("amount", ask.amount.as_ref())?;
    fields::between("amount.amount_minor", amount.minor(), 1, OFFLINE_MAX_MINOR)?;
    let target = match &ask.target {
        Some(pb::record_offline_payment_request::Target::InvoiceId(id)) => Some(Target::Invoice(fields::parse("invoice_id", id)?)),
        Some(pb::record_offline_payment_request::Target::PlanId(id)) => Some(Target::Plan(fields::parse("plan_id", id)?)),
        None => None,
    };
    let method = match fields::choice::<pb::OfflineMethod>("method", ask.method)?.unwrap_or_default() {
        pb::OfflineMethod::Unspecified | pb::OfflineMethod::Cash => "CASH",
        pb::OfflineMethod::Bank => "BANK",
        pb::OfflineMethod::Cheque => "CHEQUE",
        pb::OfflineMethod::Other => "OTHER",
    };
    Ok(Taken {
        customer: fields::parse("customer_id", &ask.customer_id)?,
        amount,
        method,
        reference: fields::text_or_none("reference", &ask.reference, 60)?,
        note: fields::optional("note", ask.note.trim(), |path, text| fields::lines(path, text, 500))?.unwrap_or_default(),
        received_at: ask.received_at.map(|at| fields::moment("received_at", at)).transpose()?,
        target,
        confirm_duplicate: ask.confirm_duplicate,
        by_owner,
        request_id,
        request_hash,
    })
}

/// A balance that is ended.
pub fn withdrawal(ending: Ending, customer: &str, amount: Option<shared::Money>, reason: &str, request: (RequestId, Vec<u8>)) -> Result<Withdrawal> {
    let amount = amount.map(|amount| kes("amount", Some(&amount))).transpose()?;
    if let Some(amount) = amount {
        fields::between("amount.amount_minor", amount.minor(), 1, i64::MAX)?;
    }
    let (request_id, request_hash) = request;
    Ok(Withdrawal {
        customer: fields::parse("customer_id", customer)?,
        ending,
        amount,
        reason: fields::text("reason", reason, REASON_MAX)?,
        request_id,
        request_hash,
    })
}

/// An invoice of staff's own.
pub struct Written {
    /// Whom it is for.
    pub customer: CustomerId,
    /// At least one.
    pub lines: Vec<Line>,
    /// When it should be paid.
    pub due_at: Option<Time>,
    /// Words.
    pub note: String,
    /// The client's id of the request, and the hash of its content.
    pub request: (RequestId, Vec<u8>),
}

/// An invoice of staff's own. Everything that is wrong with its lines is told at once.
pub fn invoice(mut ask: pb::CreateInvoiceRequest, key: &[u8]) -> Result<Written> {
    let request = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    if !(1..=LINES_MAX).contains(&ask.lines.len()) {
        return Err(Error::field("lines", format!("must be 1 to {LINES_MAX}")));
    }
    let mut faults = fields::Faults::default();
    let lines: Vec<Line> = ask.lines.iter().enumerate().filter_map(|(at, line)| read_line(&mut faults, at, line)).collect();
    if lines.len() < ask.lines.len() {
        return Err(faults.error());
    }
    let total: Option<i64> = lines.iter().try_fold(0i64, |sum, line| sum.checked_add(line.amount()?.minor()));
    fields::between("lines", total.unwrap_or(i64::MAX), 1, OFFLINE_MAX_MINOR).map_err(|_| Error::field("lines", "must be at most KES 10,000,000 in all"))?;
    Ok(Written {
        customer: fields::parse("customer_id", &ask.customer_id)?,
        lines,
        due_at: ask.due_at.map(|at| fields::moment("due_at", at)).transpose()?,
        note: fields::optional("note", ask.note.trim(), |path, text| fields::lines(path, text, 500))?.unwrap_or_default(),
        request,
    })
}

fn read_line(faults: &mut fields::Faults, at: usize, line: &shared::InvoiceLine) -> Option<Line> {
    let path = |field: &str| format!("lines[{at}].{field}");
    let description = faults.note(fields::text(&path("description"), &line.description, 200));
    let quantity = faults.note(fields::between(&path("quantity"), line.quantity, 1, 10_000));
    let unit = faults.note(fields::price(&path("unit_price"), line.unit_price.as_ref()));
    Some(Line { description: description?, quantity: quantity?, unit_minor: unit? })
}

/// How invoices stand that are wanted, and whether only those that are overdue.
pub fn invoice_status(status: i32) -> Result<(Option<InvoiceStatus>, bool)> {
    Ok(match fields::choice::<shared::InvoiceStatus>("status", status)?.unwrap_or_default() {
        shared::InvoiceStatus::Unspecified => (None, false),
        shared::InvoiceStatus::Open => (Some(InvoiceStatus::Open), false),
        shared::InvoiceStatus::Overdue => (Some(InvoiceStatus::Open), true),
        shared::InvoiceStatus::Paid => (Some(InvoiceStatus::Paid), false),
        shared::InvoiceStatus::Void => (Some(InvoiceStatus::Void), false),
    })
}

/// How payments stand that are wanted.
pub fn standing(status: i32) -> Result<Option<Standing>> {
    Ok(match fields::choice::<shared::PaymentStatus>("status", status)?.unwrap_or_default() {
        shared::PaymentStatus::Unspecified => None,
        shared::PaymentStatus::Pending => Some(Standing::Pending),
        shared::PaymentStatus::Completed => Some(Standing::Completed),
        shared::PaymentStatus::Failed => Some(Standing::Failed),
        shared::PaymentStatus::Unknown => Some(Standing::Unknown),
        shared::PaymentStatus::Voided => Some(Standing::Voided),
        shared::PaymentStatus::ToConfirm => Some(Standing::ToConfirm),
    })
}

/// What payments are for that are wanted.
pub fn purpose(purpose: i32) -> Result<Option<Purpose>> {
    Ok(match fields::choice::<shared::PaymentPurpose>("purpose", purpose)?.unwrap_or_default() {
        shared::PaymentPurpose::Unspecified => None,
        shared::PaymentPurpose::Hotspot => Some(Purpose::Hotspot),
        shared::PaymentPurpose::Recharge => Some(Purpose::Recharge),
        shared::PaymentPurpose::Invoice => Some(Purpose::Invoice),
        shared::PaymentPurpose::Subscription => return Err(Error::field("purpose", "must not be what the ISP pays to Netily")),
    })
}

/// How connections stand that are wanted.
pub fn connection_status(status: i32) -> Result<Option<Status>> {
    Ok(match fields::choice::<shared::ConnectionStatus>("status", status)?.unwrap_or_default() {
        shared::ConnectionStatus::Unspecified => None,
        shared::ConnectionStatus::Waiting => Some(Status::Waiting),
        shared::ConnectionStatus::Active => Some(Status::Active),
        shared::ConnectionStatus::Suspended => Some(Status::Suspended),
        shared::ConnectionStatus::Ended => Some(Status::Ended),
    })
}

/// How a connection is paid; unspecified is by recharges.
pub fn billing(billing: i32) -> Result<Billing> {
    Ok(match fields::choice::<shared::ConnectionBilling>("billing", billing)?.unwrap_or_default() {
        shared::ConnectionBilling::Unspecified | shared::ConnectionBilling::Prepaid => Billing::Prepaid,
        shared::ConnectionBilling::Invoiced => Billing::Invoiced,
    })
}

/// How the device signs in; unspecified is `None`.
pub fn access(access: i32) -> Result<Option<Access>> {
    Ok(match fields::choice::<shared::ConnectionAccess>("access_type", access)?.unwrap_or_default() {
        shared::ConnectionAccess::Unspecified => None,
        shared::ConnectionAccess::Pppoe => Some(Access::Pppoe),
        shared::ConnectionAccess::Hotspot => Some(Access::Hotspot),
    })
}

/// Where a connection is, and how its device signs in. Empty texts are as absent ones.
pub fn install(router: &str, access_type: i32, username: &str, password: String) -> Result<Install> {
    Ok(Install {
        router: fields::optional("router_id", router, fields::parse)?,
        access: access(access_type)?,
        username: fields::optional("username", username.trim(), device_name)?,
        password: if password.is_empty() { None } else { Some(device_password(password)?) },
    })
}

/// A name that every router and every device takes.
fn device_name(path: &str, text: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_' | b'@');
    let shaped = (3..=32).contains(&text.len()) && text.bytes().all(plain);
    if shaped { Ok(text.to_owned()) } else { Err(Error::field(path, "must be 3 to 32 small letters, digits, dots and dashes")) }
}

fn device_password(text: String) -> Result<SecretString> {
    let shaped = (6..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if shaped { Ok(text.into()) } else { Err(Error::field("password", "must be 6 to 64 letters, digits and signs of ASCII, without spaces")) }
}

/// What an ISP decides of its invoices.
pub fn settings(settings: &pb::BillingSettings, before: &Settings) -> Result<Settings> {
    if !matches!(settings.vat_bps, 0 | 1600) {
        return Err(Error::field("settings.vat_bps", "must be 0 or 1600"));
    }
    let cash_limit_minor = match &settings.cash_limit {
        Some(limit) => kes("settings.cash_limit", Some(limit))?,
        None => before.cash_limit_minor,
    };
    fields::between("settings.cash_limit.amount_minor", cash_limit_minor.minor(), 0, OFFLINE_MAX_MINOR)?;
    Ok(Settings {
        cash_limit_minor,
        credit_unused: settings.credit_unused.unwrap_or(before.credit_unused),
        vat_bps: settings.vat_bps,
        vat_number: fields::text_or_none("settings.vat_number", &settings.vat_number, 20)?,
        invoice_note: fields::optional("settings.invoice_note", settings.invoice_note.trim(), |path, text| fields::lines(path, text, 500))?.unwrap_or_default(),
    })
}

/// From when until when revenue is wanted, and how it is put together.
pub fn report(ask: &pb::GetRevenueReportRequest, now: Time) -> Result<(Time, Time, Granularity)> {
    let granularity = match fields::choice::<pb::ReportGranularity>("granularity", ask.granularity)?.unwrap_or_default() {
        pb::ReportGranularity::Unspecified | pb::ReportGranularity::Day => Granularity::Day,
        pb::ReportGranularity::Week => Granularity::Week,
        pb::ReportGranularity::Month => Granularity::Month,
    };
    let to = ask.to.map(|at| fields::moment("to", at)).transpose()?.unwrap_or(now);
    let from = ask.from.map(|at| fields::moment("from", at)).transpose()?.unwrap_or(to - chrono::TimeDelta::days(30));
    Ok((begin_of_day(from), to, granularity))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

    fn kes(minor: i64) -> shared::Money {
        shared::Money { amount_minor: minor, currency_code: "KES".into() }
    }

    #[test]
    fn a_prompt_is_for_whole_shillings_below_what_m_pesa_moves() {
        let amount = |minor| {
            let target = Some(own::initiate_payment_request::Target::Amount(kes(minor)));
            let ask = own::InitiatePaymentRequest { target, request_id: REQUEST.into(), ..Default::default() };
            own_payment(ask, CustomerId::unguessable(), [127, 0, 0, 1].into(), b"key").map(|ask| ask.target)
        };
        for minor in [100, 100_000, 24_999_900] {
            assert_eq!(amount(minor).ok(), Some(Target::Amount(Money::from_minor(minor))), "{minor}");
        }
        for minor in [0, 1, 99, 150, -100, 25_000_000, i64::MAX, i64::MIN] {
            assert_eq!(amount(minor).expect_err("refused").fields[0].0, "amount.amount_minor", "{minor}");
        }
    }

    #[test]
    fn every_wrong_line_is_named() {
        let good = shared::InvoiceLine { description: "Cable".into(), quantity: 2, unit_price: Some(kes(5_000)), amount: None };
        let ask =
            |lines| pb::CreateInvoiceRequest { customer_id: CustomerId::unguessable().to_string(), lines, request_id: REQUEST.into(), ..Default::default() };
        assert_eq!(invoice(ask(vec![good.clone()]), b"key").expect("read").lines.len(), 1);
        let bad = shared::InvoiceLine { description: " ".into(), quantity: 0, unit_price: None, amount: None };
        let error = invoice(ask(vec![good.clone(), bad]), b"key").err().expect("refused");
        let named: Vec<&str> = error.fields.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(named, ["lines[1].description", "lines[1].quantity", "lines[1].unit_price"]);
        assert!(invoice(ask(vec![]), b"key").is_err() && invoice(ask(vec![good; 61]), b"key").is_err());
    }

    #[test]
    fn names_and_passwords_of_devices_are_plain() {
        for name in ["abc", "cust-0001", "a.b_c@yellow", &"x".repeat(32)] {
            assert!(device_name("username", name).is_ok(), "{name}");
        }
        for name in ["ab", "Cust", "a b c", "äöü", &"x".repeat(33)] {
            assert!(device_name("username", name).is_err(), "{name}");
        }
        assert!(device_password("secret".into()).is_ok());
        for password in ["short", "with space", "päßword", &"x".repeat(65)] {
            assert!(device_password(password.to_owned()).is_err(), "{password}");
        }
    }
}
