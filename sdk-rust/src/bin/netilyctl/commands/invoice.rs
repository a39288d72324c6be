//! Invoices to customers.

use netily_sdk::Client;
use netily_sdk::billing::{CreateInvoiceRequest, GetInvoicePdfRequest, GetInvoiceRequest, ListInvoicesRequest, ListInvoicesResponse, VoidInvoiceRequest};
use netily_sdk::types::{Invoice, InvoiceLine, InvoiceStatus};

use super::customer::id_of;
use super::payment::shillings;
use crate::args::{InvoiceCommand, InvoiceState};
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: InvoiceCommand, output: &Output) -> Result<(), Fault> {
    let billing = client.billing();
    match command {
        InvoiceCommand::List { status, customer, limit } => {
            let status = status.map_or(0, |status| wire(status).into());
            let customer_id = match customer {
                Some(named) => id_of(client, &named).await?,
                None => String::new(),
            };
            let page = async |page_size, page_token| {
                billing.list_invoices(ListInvoicesRequest { page_size, page_token, status, customer_id: customer_id.clone() }).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.invoices, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        InvoiceCommand::Show { id } => output.show(&billing.get_invoice(GetInvoiceRequest { id }).await?.invoice.unwrap_or_default(), one),
        InvoiceCommand::Pdf { id, output: file } => {
            let paper = billing.get_invoice_pdf(GetInvoicePdfRequest { id }).await?;
            output.file(&paper.content, file, &paper.file_name)
        }
        InvoiceCommand::Create { customer, description, price, quantity, note, again } => {
            let line = InvoiceLine { description, quantity: quantity.into(), unit_price: Some(shillings(price)), amount: None };
            let customer_id = id_of(client, &customer).await?;
            let ask = CreateInvoiceRequest { customer_id, lines: vec![line], due_at: None, note, request_id: again.request_id };
            output.show(&billing.create_invoice(ask).await?.invoice.unwrap_or_default(), one)
        }
        InvoiceCommand::Void { id, reason } => output.show(&billing.void_invoice(VoidInvoiceRequest { id, reason }).await?.invoice.unwrap_or_default(), one),
    }
}

fn wire(status: InvoiceState) -> InvoiceStatus {
    match status {
        InvoiceState::Open => InvoiceStatus::Open,
        InvoiceState::Overdue => InvoiceStatus::Overdue,
        InvoiceState::Paid => InvoiceStatus::Paid,
        InvoiceState::Void => InvoiceStatus::Void,
    }
}

fn one(invoice: &Invoice) -> String {
    let fields = table::fields(&[
        ("number", invoice.invoice_number.clone()),
        ("id", invoice.id.clone()),
        ("customer", invoice.customer_id.clone()),
        ("status", status(invoice)),
        ("total", money(&invoice.total)),
        ("VAT in it", money(&invoice.vat)),
        ("paid", money(&invoice.paid)),
        ("owed", money(&invoice.owed)),
        ("due", time(&invoice.due_at)),
        ("made", time(&invoice.issued_at)),
        ("paid whole", time(&invoice.paid_at)),
        ("note", invoice.note.clone()),
        ("taken back", invoice.void_reason.clone()),
    ]);
    let row = |line: &InvoiceLine| [line.description.clone(), line.quantity.to_string(), money(&line.unit_price), money(&line.amount)];
    let rows: Vec<_> = invoice.lines.iter().map(row).collect();
    format!("{fields}\n{}", table::rows(["line", "quantity", "each", "amount"], &rows, "No lines."))
}

fn all(listed: &ListInvoicesResponse) -> String {
    let row = |invoice: &Invoice| {
        [invoice.invoice_number.clone(), status(invoice), money(&invoice.total), money(&invoice.owed), time(&invoice.due_at), invoice.id.clone()]
    };
    let rows: Vec<_> = listed.invoices.iter().map(row).collect();
    table::rows(["number", "status", "total", "owed", "due", "id"], &rows, "No invoices.") + pages::more(&listed.next_page_token)
}

fn status(invoice: &Invoice) -> String {
    word(invoice.status().as_str_name(), "INVOICE_STATUS_")
}
