//! Payments, invoices and connections on the wire, for customers and staff alike. Pure.

use netily_sdk::billing as pb;
use netily_sdk::types as shared;

use crate::billing::Terms;
use crate::billing::invoice::{Invoice, Line, Settings, Status as InvoiceStatus};
use crate::billing::report::Revenue;
use crate::billing::seen::{Payment, PaymentRef, Standing};
use crate::billing::withdraw::Left;
use crate::clock::Time;
use crate::connection::{Access, Billing, Connection, Status};
use crate::customer;
use crate::error::{Error, Result};
use crate::lang::Lang;
use crate::money::Money;
use crate::payments::Purpose;
use crate::phone::Phone;
use crate::rpc::answer::{money, timestamp};
use crate::rpc::billing::plan::wire_period;
use crate::rpc::hotspot::show::failed;

/// A payment; the payer is masked.
pub fn payment(payment: &Payment, lang: Lang) -> Result<shared::Payment> {
    let (failure, said) = match payment.failure()? {
        Some(reason) => {
            let (wire, said) = failed(reason);
            (wire, said.message(lang).to_owned())
        }
        None => (shared::FailureReason::Unspecified, String::new()),
    };
    Ok(shared::Payment {
        id: match payment.id() {
            PaymentRef::Prompt(id) => id.to_string(),
            PaymentRef::Offline(id) => id.to_string(),
        },
        purpose: purpose(payment.purpose()?).into(),
        amount: Some(money(payment.amount_minor)),
        status: standing(payment.standing()?).into(),
        phone_number: payment.phone.parse::<Phone>().map(|phone| phone.to_string()).unwrap_or_default(),
        mpesa_receipt: payment.receipt.clone(),
        failure_reason: failure.into(),
        failure_message: said,
        created_at: Some(timestamp(payment.created_at)),
        completed_at: payment.completed_at.map(timestamp),
        expires_at: payment.expires_at.map(timestamp),
        customer_id: payment.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        invoice_id: payment.invoice_id.map(|id| id.to_string()).unwrap_or_default(),
        plan_id: payment.plan_id.map(|id| id.to_string()).unwrap_or_default(),
        offline: payment.offline,
        refunded: (payment.refunded_minor > Money::ZERO).then(|| money(payment.refunded_minor)),
    })
}

const fn purpose(purpose: Purpose) -> shared::PaymentPurpose {
    match purpose {
        Purpose::Hotspot => shared::PaymentPurpose::Hotspot,
        Purpose::Recharge => shared::PaymentPurpose::Recharge,
        Purpose::Invoice => shared::PaymentPurpose::Invoice,
        Purpose::Subscription => shared::PaymentPurpose::Subscription,
    }
}

const fn standing(standing: Standing) -> shared::PaymentStatus {
    match standing {
        Standing::Pending => shared::PaymentStatus::Pending,
        Standing::Completed => shared::PaymentStatus::Completed,
        Standing::Failed => shared::PaymentStatus::Failed,
        Standing::Unknown => shared::PaymentStatus::Unknown,
        Standing::Voided => shared::PaymentStatus::Voided,
        Standing::ToConfirm => shared::PaymentStatus::ToConfirm,
    }
}

/// An invoice; lists leave its lines out.
pub fn invoice(invoice: &Invoice, lines: &[Line], now: Time) -> Result<shared::Invoice> {
    let status = match invoice.status()? {
        InvoiceStatus::Open if invoice.due_at < now => shared::InvoiceStatus::Overdue,
        InvoiceStatus::Open => shared::InvoiceStatus::Open,
        InvoiceStatus::Paid => shared::InvoiceStatus::Paid,
        InvoiceStatus::Void => shared::InvoiceStatus::Void,
    };
    let kind = match invoice.kind.as_str() {
        "PERIOD" => shared::InvoiceKind::Period,
        "PRORATION" => shared::InvoiceKind::Proration,
        "MANUAL" => shared::InvoiceKind::Manual,
        _ => return Err(Error::internal(format!("{} has a strange kind", invoice.id))),
    };
    Ok(shared::Invoice {
        id: invoice.id.to_string(),
        invoice_number: invoice.invoice_number.clone(),
        customer_id: invoice.customer_id.to_string(),
        connection_id: invoice.connection_id.map(|id| id.to_string()).unwrap_or_default(),
        kind: kind.into(),
        status: status.into(),
        total: Some(money(invoice.total_minor)),
        vat_bps: invoice.vat_bps,
        vat: Some(money(invoice.vat_minor)),
        paid: Some(money(invoice.paid_minor)),
        owed: Some(money(if status == shared::InvoiceStatus::Void { crate::money::Money::ZERO } else { invoice.owed() })),
        period_start: invoice.period_start.map(timestamp),
        period_end: invoice.period_end.map(timestamp),
        note: invoice.note.clone(),
        due_at: Some(timestamp(invoice.due_at)),
        issued_at: Some(timestamp(invoice.issued_at)),
        paid_at: invoice.paid_at.map(timestamp),
        void_reason: invoice.void_reason.clone(),
        lines: lines.iter().map(line).collect::<Result<_>>()?,
    })
}

fn line(line: &Line) -> Result<shared::InvoiceLine> {
    let amount = line.amount().ok_or_else(|| Error::internal("a line that does not fit"))?;
    Ok(shared::InvoiceLine {
        description: line.description.clone(),
        quantity: line.quantity,
        unit_price: Some(money(line.unit_minor)),
        amount: Some(money(amount)),
    })
}

/// A connection with the terms of its present period.
pub fn connection(connection: &Connection, terms: &Terms) -> Result<shared::Connection> {
    let status = match connection.status()? {
        Status::Waiting => shared::ConnectionStatus::Waiting,
        Status::Active => shared::ConnectionStatus::Active,
        Status::Suspended => shared::ConnectionStatus::Suspended,
        Status::Ended => shared::ConnectionStatus::Ended,
    };
    let billing = match connection.billing()? {
        Billing::Prepaid => shared::ConnectionBilling::Prepaid,
        Billing::Invoiced => shared::ConnectionBilling::Invoiced,
    };
    let access = match connection.access()? {
        Access::Pppoe => shared::ConnectionAccess::Pppoe,
        Access::Hotspot => shared::ConnectionAccess::Hotspot,
    };
    Ok(shared::Connection {
        id: connection.id.to_string(),
        customer_id: connection.customer_id.to_string(),
        plan_id: connection.plan_id.to_string(),
        plan_name: terms.name.clone(),
        price: Some(money(terms.price_minor)),
        billing: billing.into(),
        status: status.into(),
        suspended_note: connection.suspended_note.clone(),
        period_start: connection.period_start.map(timestamp),
        paid_until: connection.paid_until.map(timestamp),
        access_type: access.into(),
        router_id: connection.router_id.map(|id| id.to_string()).unwrap_or_default(),
        username: connection.username.clone().unwrap_or_default(),
        installed_at: connection.installed_at.map(timestamp),
        router_pending: connection.router_pending,
        router_error: connection.router_error.clone().unwrap_or_default(),
        created_at: Some(timestamp(connection.created_at)),
        ended_at: connection.ended_at.map(timestamp),
    })
}

/// A version of a plan.
pub fn version(terms: &Terms) -> Result<pb::PlanVersion> {
    Ok(pb::PlanVersion {
        version: terms.version,
        name: terms.name.clone(),
        price: Some(money(terms.price_minor)),
        billing_period: Some(wire_period(terms.period()?)),
        download_kbps: terms.download_kbps,
        upload_kbps: terms.upload_kbps,
        data_cap_bytes: terms.data_cap_bytes,
        router_profile: terms.router_profile.clone(),
        valid_from: Some(timestamp(terms.valid_from)),
    })
}

/// What an ISP decides of its invoices.
pub fn settings(settings: Settings) -> pb::BillingSettings {
    pb::BillingSettings {
        vat_bps: settings.vat_bps,
        vat_number: settings.vat_number,
        invoice_note: settings.invoice_note,
        cash_limit: Some(money(settings.cash_limit_minor)),
        credit_unused: Some(settings.credit_unused),
    }
}

/// The balance of somebody who left.
pub fn left(left: Left) -> Result<pb::LeftBalance> {
    let status = customer::Status::parse(&left.status).ok_or_else(|| Error::internal(format!("{} has a strange status", left.customer)))?;
    Ok(pb::LeftBalance {
        customer_id: left.customer.to_string(),
        customer_code: left.customer_code,
        status: crate::rpc::customer::show::status(status).into(),
        balance: Some(money(left.balance)),
        closed_at: left.closed_at.map(timestamp),
    })
}

/// What came in over a while.
pub fn revenue(start: Time, revenue: &Revenue) -> pb::Revenue {
    pb::Revenue {
        start: Some(timestamp(start)),
        hotspot: Some(money(revenue.hotspot)),
        recharge: Some(money(revenue.recharge)),
        invoice: Some(money(revenue.invoice)),
        gross: Some(money(revenue.gross())),
        commission: Some(money(revenue.commission)),
        net: Some(money(revenue.net())),
        offline: Some(money(revenue.offline)),
        payments: revenue.payments,
        refunded: Some(money(revenue.refunded)),
    }
}
