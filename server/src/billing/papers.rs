//! Invoices and receipts as papers, and what the page says that their QR codes lead to.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::invoice::{self, Invoice, Line, Status};
use super::seen::{self, Payment, PaymentRef, Standing};
use crate::app::App;
use crate::clock::{Time, in_kenya};
use crate::customer::{self, Person};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, InvoiceId, IspId};
use crate::isp;
use crate::money::Money;
use crate::paper::token::{self, Kind};
use crate::paper::{Column, Issuer, Paper};
use crate::payments::Purpose;
use crate::schema::payment_seen;

/// A paper with a name for its file.
pub struct Filed {
    /// What stands on it.
    pub paper: Paper,
    /// `yellow-INV-000001.pdf`.
    pub file_name: String,
}

/// Day and month as people write them here.
fn day(at: Time) -> String {
    in_kenya(at).format("%-d %B %Y").to_string()
}

fn kes(amount: Money) -> String {
    format!("KES {amount}")
}

/// Who issues papers of this ISP.
pub async fn issuer(tx: &mut Tx, id: IspId) -> Result<Issuer> {
    let look = isp::look(tx, id).await?;
    let settings = invoice::settings(tx, id).await?;
    let pin = if settings.vat_number.is_empty() { String::new() } else { format!("PIN {}", settings.vat_number) };
    let lines = [look.support_phone, look.support_email, pin].into_iter().filter(|line| !line.trim().is_empty()).collect();
    Ok(Issuer { name: look.display_name, color: look.primary_color, lines })
}

/// The address of the page that confirms a paper.
async fn check(app: &App, tx: &mut Tx, isp: IspId, kind: Kind, id: Uuid) -> Result<String> {
    let label = isp::label(tx, isp).await?;
    let token = token::make(&app.config.callback_key, isp, kind, id);
    Ok(format!("{}/paper/{token}", app.config.public_url.replacen("{isp}", &label, 1)))
}

pub(super) fn whom(person: &Person) -> String {
    format!("{} {} ({})", person.user.first_name, person.user.last_name, person.customer.customer_code).trim().to_owned()
}

/// An invoice. `of`: only when it is this customer's.
pub async fn invoice(app: &App, tx: &mut Tx, isp: IspId, id: InvoiceId, of: Option<CustomerId>) -> Result<Filed> {
    let found = invoice::get(tx, isp, id).await?;
    if of.is_some_and(|of| of != found.customer_id) {
        return Err(Error::not_found("invoice"));
    }
    let lines = invoice::lines(tx, isp, id).await?;
    let person = customer::person(tx, isp, found.customer_id).await?;
    let receipts = receipts_of(tx, isp, id).await?;
    let note = invoice::settings(tx, isp).await?.invoice_note;
    let issuer = issuer(tx, isp).await?;
    let check = check(app, tx, isp, Kind::Invoice, id.uuid()).await?;
    let label = isp::label(tx, isp).await?;
    Ok(Filed { file_name: format!("{label}-{}.pdf", found.invoice_number), paper: invoice_paper(&found, &lines, &person, &receipts, &note, issuer, check)? })
}

fn invoice_paper(of: &Invoice, lines: &[Line], person: &Person, receipts: &[String], note: &str, issuer: Issuer, check: String) -> Result<Paper> {
    let status = of.status()?;
    let mut facts = vec![("For".to_owned(), whom(person)), ("Issued".to_owned(), day(of.issued_at)), ("Due".to_owned(), day(of.due_at))];
    if let (Some(start), Some(end)) = (of.period_start, of.period_end) {
        facts.push(("Period".to_owned(), format!("{} to {}", day(start), day(end))));
    }
    if !receipts.is_empty() {
        facts.push(("M-Pesa receipts".to_owned(), receipts.join(", ")));
    }
    let rows = lines
        .iter()
        .map(|line| {
            let amount = line.amount().ok_or_else(|| Error::internal("a line that does not fit"))?;
            Ok(vec![line.description.clone(), line.quantity.to_string(), line.unit_minor.to_string(), amount.to_string()])
        })
        .collect::<Result<_>>()?;
    let mut totals = vec![("Total".to_owned(), kes(of.total_minor))];
    if of.vat_bps > 0 {
        totals.push((format!("VAT {} % in it", of.vat_bps / 100), kes(of.vat_minor)));
    }
    if status != Status::Void {
        totals.push(("Paid".to_owned(), kes(of.paid_minor)));
        totals.push(("To pay".to_owned(), kes(of.owed())));
    }
    let mut notes: Vec<String> = [of.note.as_str(), note].into_iter().filter(|note| !note.is_empty()).map(str::to_owned).collect();
    match status {
        Status::Void => notes.push(format!("This invoice was taken back. {}", of.void_reason)),
        Status::Open => notes.push("Please pay by M-Pesa in the app. A prompt comes to your phone.".to_owned()),
        Status::Paid => {}
    }
    let stamp = match status {
        Status::Paid => Some("PAID"),
        Status::Void => Some("VOID"),
        Status::Open => None,
    };
    Ok(Paper {
        issuer,
        title: "Invoice".to_owned(),
        number: of.invoice_number.clone(),
        facts,
        columns: vec![
            Column { title: "Description", width: 5.0, right: false },
            Column { title: "Quantity", width: 1.1, right: true },
            Column { title: "Each, KES", width: 1.5, right: true },
            Column { title: "Amount, KES", width: 1.7, right: true },
        ],
        rows,
        totals,
        notes,
        stamp: stamp.map(str::to_owned),
        check: Some(check),
    })
}

/// Receipts of payments that were made for an invoice.
async fn receipts_of(tx: &mut Tx, isp: IspId, id: InvoiceId) -> Result<Vec<String>> {
    let paid = payment_seen::table.filter(payment_seen::tenant_id.eq(isp).and(payment_seen::invoice_id.eq(id)).and(payment_seen::state.eq("SUCCEEDED")));
    Ok(paid.order(payment_seen::id).select(payment_seen::receipt).limit(20).load(&mut **tx).await?)
}

/// A receipt of a payment that is complete. `of`: only when it is this customer's.
pub async fn receipt(app: &App, tx: &mut Tx, isp: IspId, id: PaymentRef, of: Option<CustomerId>) -> Result<Filed> {
    let found = seen::get(tx, isp, id, of).await?;
    if found.standing()? != Standing::Completed {
        return Err(Error::new(Reason::StateConflict, "There is a receipt once it is paid."));
    }
    let person = match found.customer_id {
        Some(customer) => Some(customer::person(tx, isp, customer).await?),
        None => None,
    };
    let invoice = match found.invoice_id {
        Some(id) => Some(invoice::get(tx, isp, id).await?.invoice_number),
        None => None,
    };
    let kind = if found.offline { Kind::OfflinePayment } else { Kind::Payment };
    let (issuer, check, label) = (issuer(tx, isp).await?, check(app, tx, isp, kind, id.uuid()).await?, isp::label(tx, isp).await?);
    let what = purpose(&found, invoice.as_deref())?;
    let paid_at = found.completed_at.unwrap_or(found.created_at);
    let mut facts = vec![("Paid".to_owned(), format!("{}, {}", day(paid_at), in_kenya(paid_at).format("%H:%M")))];
    if let Some(person) = &person {
        facts.push(("From".to_owned(), whom(person)));
    }
    facts.push(("How".to_owned(), if found.offline { "To the provider itself".to_owned() } else { "M-Pesa".to_owned() }));
    let paper = Paper {
        issuer,
        title: "Receipt".to_owned(),
        number: found.receipt.clone(),
        facts,
        columns: vec![Column { title: "For", width: 5.0, right: false }, Column { title: "Amount, KES", width: 1.7, right: true }],
        rows: vec![vec![what, found.amount_minor.to_string()]],
        totals: vec![("Paid".to_owned(), kes(found.amount_minor))],
        notes: vec!["Thank you.".to_owned()],
        stamp: None,
        check: Some(check),
    };
    Ok(Filed { paper, file_name: format!("{label}-receipt-{}.pdf", found.receipt) })
}

fn purpose(of: &Payment, invoice: Option<&str>) -> Result<String> {
    Ok(match (of.purpose()?, invoice) {
        (Purpose::Hotspot, _) => "WiFi".to_owned(),
        (_, Some(number)) => format!("Invoice {number}"),
        (Purpose::Recharge, None) if of.plan_id.is_some() => "Internet at home".to_owned(),
        (Purpose::Recharge | Purpose::Invoice, None) => "Account with the provider".to_owned(),
        (Purpose::Subscription, _) => "Netily".to_owned(),
    })
}

/// What a paper says, for whoever scans its code. Nobody's name is on it: a paper may lie about.
pub struct Confirmed {
    /// `Invoice INV-000001`.
    pub title: String,
    /// Facts, by name.
    pub facts: Vec<(&'static str, String)>,
    /// Whether it is settled: a paid invoice, or a receipt.
    pub settled: bool,
    /// Whether it was taken back.
    pub void: bool,
}

/// What the paper of a token says now; `None` when we made no such paper for this ISP.
pub async fn confirm(app: &App, tx: &mut Tx, isp: IspId, text: &str) -> Result<Option<Confirmed>> {
    let Some((kind, id)) = token::read(&app.config.callback_key, isp, text) else { return Ok(None) };
    if kind == Kind::Invoice {
        let Some(found) = invoice::find(tx, isp, id.into()).await? else { return Ok(None) };
        let status = found.status()?;
        return Ok(Some(Confirmed {
            title: format!("Invoice {}", found.invoice_number),
            facts: vec![("Issued", day(found.issued_at)), ("Total", kes(found.total_minor)), ("Paid", kes(found.paid_minor)), ("To pay", kes(found.owed()))],
            settled: status == Status::Paid,
            void: status == Status::Void,
        }));
    }
    let id = if kind == Kind::OfflinePayment { PaymentRef::Offline(id.into()) } else { PaymentRef::Prompt(id.into()) };
    let found = match seen::get(tx, isp, id, None).await {
        Ok(found) if matches!(found.standing()?, Standing::Completed | Standing::Voided) => found,
        Ok(_) => return Ok(None),
        Err(error) if error.reason == Reason::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let paid_at = found.completed_at.unwrap_or(found.created_at);
    let facts = vec![("Amount", kes(found.amount_minor)), ("Paid", day(paid_at)), ("Receipt", found.receipt.clone())];
    let void = found.standing()? == Standing::Voided;
    Ok(Some(Confirmed { title: "Receipt".to_owned(), facts, settled: !void, void }))
}
