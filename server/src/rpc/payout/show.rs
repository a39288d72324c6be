//! Payouts on the wire, for those who run an ISP and for operators alike. Pure.

use netily_sdk::payout as pb;

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::money::Money;
use crate::reconcile::day::Day;
use crate::reconcile::trace::Step;
use crate::rpc::answer::{money, timestamp};
use crate::settlement::config::Verification;
use crate::settlement::destination::{bank_name, masked_account};
use crate::settlement::state::State;
use crate::settlement::store::Kind;
use crate::settlement::{Config, Destination, Frequency, LeftBecause, Settlement, TRIES};

/// The way the money goes.
fn method(name: &str) -> pb::PayoutMethod {
    if name == "MPESA_B2C" { pb::PayoutMethod::MpesaB2c } else { pb::PayoutMethod::BankTransfer }
}

const fn frequency(frequency: Frequency) -> pb::SettlementFrequency {
    match frequency {
        Frequency::Daily => pb::SettlementFrequency::Daily,
        Frequency::Weekly => pb::SettlementFrequency::Weekly,
        Frequency::Biweekly => pb::SettlementFrequency::Biweekly,
        Frequency::Monthly => pb::SettlementFrequency::Monthly,
    }
}

/// Where a settlement stands.
pub const fn status(state: State) -> pb::SettlementStatus {
    match state {
        State::Pending => pb::SettlementStatus::Pending,
        State::Processing => pb::SettlementStatus::Processing,
        State::Unknown => pb::SettlementStatus::Unknown,
        State::NeedsReview => pb::SettlementStatus::NeedsReview,
        State::Failed => pb::SettlementStatus::Failed,
        State::Completed => pb::SettlementStatus::Completed,
    }
}

/// Where and when an ISP is paid.
pub fn config(config: &Config, pending: Money, now: Time) -> pb::PayoutConfig {
    let (mpesa_phone, mpesa_name, bank_code, bank_account, bank_account_name) = match &config.destination {
        Destination::Mpesa { phone, name } => (phone.to_string(), name.clone(), String::new(), String::new(), String::new()),
        Destination::Bank { code, account, name } => (String::new(), String::new(), code.clone(), masked_account(account), name.clone()),
    };
    let verification = match config.verification {
        Verification::Unverified => pb::VerificationStatus::Unverified,
        Verification::Sent => pb::VerificationStatus::Sent,
        Verification::Verified => pb::VerificationStatus::Verified,
        Verification::Failed => pb::VerificationStatus::Failed,
    };
    let tries_left = if config.verification == Verification::Sent { TRIES - config.tries } else { 0 };
    pb::PayoutConfig {
        payout_method: method(config.destination.method()).into(),
        mpesa_phone,
        mpesa_name,
        bank_name: bank_name(&bank_code).unwrap_or_default().to_owned(),
        bank_code,
        bank_account,
        bank_account_name,
        settlement_frequency: frequency(config.frequency).into(),
        minimum_payout: Some(money(config.minimum)),
        pending_balance: Some(money(pending)),
        verified_at: config.verified_at.map(timestamp),
        verification_status: verification.into(),
        held_until: (config.held_until > now).then(|| timestamp(config.held_until)),
        tries_left: i32::from(tries_left),
        frozen_reason: config.frozen.clone().unwrap_or_default(),
        next_settlement_at: Some(timestamp(config.frequency.next_end(now))),
        contact_phone: config.contact_phone.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// A settlement. `amount`: whether it may be seen; the one who proves a destination by it must not.
pub fn settlement(of: &Settlement, isp_slug: &str, amount: bool) -> Result<pb::Settlement> {
    let (kind, arithmetic) = match of.kind()? {
        Kind::Settlement => (pb::SettlementKind::Settlement, true),
        Kind::Test => (pb::SettlementKind::Test, false),
        Kind::Refund => (pb::SettlementKind::Refund, false),
    };
    let shown = |amount: Money| arithmetic.then(|| money(amount));
    Ok(pb::Settlement {
        id: of.id.to_string(),
        isp_slug: isp_slug.to_owned(),
        kind: kind.into(),
        status: status(of.state()?).into(),
        amount: amount.then(|| money(of.amount_minor)),
        period: if arithmetic { of.period.clone() } else { String::new() },
        part: i32::from(of.part),
        covers_from: of.covers_from.map(timestamp),
        covers_until: arithmetic.then(|| timestamp(of.covers_until)),
        credited: shown(of.credited_minor),
        carried_in: shown(of.carried_in_minor),
        carried_out: shown(of.carried_out_minor),
        payout_method: method(&of.payout_method).into(),
        destination: of.masked_destination()?,
        receipt: of.receipt.clone(),
        failure_message: message(of)?,
        created_at: Some(timestamp(of.created_at)),
        sent_at: of.sent_at.map(timestamp),
        completed_at: of.completed_at.map(timestamp),
    })
}

/// What is in the way, in words for the ISP.
fn message(of: &Settlement) -> Result<String> {
    Ok(match of.state()? {
        State::Failed if of.failure_reason.is_empty() => "It was not paid. The money is part of the next payout.".to_owned(),
        State::Failed => of.failure_reason.clone(),
        State::Unknown => "The payment company has not confirmed it yet. It is not sent again before we know.".to_owned(),
        State::NeedsReview => "Netily's people are finding out whether it was paid.".to_owned(),
        State::Pending | State::Processing | State::Completed => String::new(),
    })
}

/// Why an ISP is left, as the contract names it.
pub fn left_because(why: &LeftBecause) -> pb::LeftBecause {
    left_code(why.code())
}

/// The same from its code.
pub fn left_code(code: &str) -> pb::LeftBecause {
    pb::LeftBecause::from_str_name(&format!("LEFT_BECAUSE_{code}")).unwrap_or_default()
}

/// One thing that happened.
pub fn step(step: Step) -> pb::TraceStep {
    pb::TraceStep { at: Some(timestamp(step.at)), kind: step.kind, text: step.text, reference: step.reference, amount: step.amount.map(money) }
}

/// A day's money.
pub fn day(day: Day) -> Result<pb::DailyReport> {
    Ok(pb::DailyReport {
        day: day.day,
        opening_balance: Some(money(day.opening)),
        gross: Some(money(day.flows.gross)),
        commission: Some(money(day.flows.commission)),
        isp_amount: Some(money(day.flows.isp_amount)),
        payments: i32::try_from(day.flows.payments).map_err(Error::internal)?,
        reserved: Some(money(day.flows.reserved)),
        released: Some(money(day.flows.released)),
        paid_out: Some(money(day.flows.paid_out)),
        closing_balance: Some(money(day.closing)),
        unexplained: Some(money(day.unexplained)),
        findings: day.findings,
        refunded: Some(money(day.flows.refunded)),
        corrected: Some(money(day.flows.corrected)),
    })
}
