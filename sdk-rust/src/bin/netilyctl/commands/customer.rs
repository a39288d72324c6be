//! Customers of the ISP.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use netily_sdk::Client;
use netily_sdk::billing::{
    GetCustomerStatementRequest, LeftBalance, ListLeftBalancesRequest, ListLeftBalancesResponse, RecordBalancePaidBackRequest, WriteOffBalanceRequest,
};
use netily_sdk::customer::{
    ApproveCustomerRequest, CloseCustomerRequest, CreateCustomerRequest, Customer, EraseCustomerRequest, ExportCustomerRequest, GetCustomerRequest,
    ListCustomersRequest, ListCustomersResponse, ReactivateCustomerRequest, RejectCustomerRequest, SuspendCustomerRequest, UpdateCustomerRequest,
};
use netily_sdk::types::{AccountStatement, CustomerStatus, StatementEntry, StatementFormat};

use super::payment::shillings;
use crate::args::{CustomerCommand, CustomerState, FileKind};
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: CustomerCommand, output: &Output) -> Result<(), Fault> {
    let customers = client.customer();
    let changed = match command {
        CustomerCommand::List { search, status, limit } => {
            let status = status.map_or(0, |status| wire(status).into());
            let page = async |page_size, page_token| {
                let ask = ListCustomersRequest { page_size, page_token, status, search: search.clone() };
                customers.list_customers(ask).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.customers, &mut page.next_page_token), page).await?;
            return output.show(&listed, all);
        }
        CustomerCommand::Left { limit } => {
            let billing = client.billing();
            let page = async |page_size, page_token| billing.list_left_balances(ListLeftBalancesRequest { page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.balances, &mut page.next_page_token), page).await?;
            return output.show(&listed, left);
        }
        CustomerCommand::WriteOff(ask) => {
            let customer_id = id_of(client, &ask.customer).await?;
            let ask = WriteOffBalanceRequest { customer_id, amount: ask.amount.map(shillings), reason: ask.reason, request_id: ask.again.request_id };
            let done = client.billing().write_off_balance(ask).await?;
            return output.show(&done, |done| table::fields(&[("written off", money(&done.written_off)), ("balance", money(&done.account_balance))]));
        }
        CustomerCommand::PaidBack(ask) => {
            let customer_id = id_of(client, &ask.customer).await?;
            let ask = RecordBalancePaidBackRequest { customer_id, amount: ask.amount.map(shillings), reason: ask.reason, request_id: ask.again.request_id };
            let done = client.billing().record_balance_paid_back(ask).await?;
            return output.show(&done, |done| table::fields(&[("paid back", money(&done.paid_back)), ("balance", money(&done.account_balance))]));
        }
        CustomerCommand::Statement { customer, from, to, file, output: path } => {
            let format = match file {
                None => StatementFormat::Unspecified,
                Some(FileKind::Csv) => StatementFormat::Csv,
                Some(FileKind::Pdf) => StatementFormat::Pdf,
            };
            let ask = GetCustomerStatementRequest { customer_id: id_of(client, &customer).await?, from, to, format: format.into() };
            let found = client.billing().get_customer_statement(ask).await?.statement.unwrap_or_default();
            return match file {
                Some(_) => output.file(&found.content, path, &found.file_name),
                None => output.show(&found, statement),
            };
        }
        CustomerCommand::Export { customer, output: file } => {
            let id = id_of(client, &customer).await?;
            let exported = customers.export_customer(ExportCustomerRequest { id }).await?;
            return match file {
                Some(file) => keep(&file, &exported.json),
                None => output.raw(&exported.json),
            };
        }
        CustomerCommand::Show { customer } => {
            let id = id_of(client, &customer).await?;
            customers.get_customer(GetCustomerRequest { id }).await?.customer
        }
        CustomerCommand::Create { first_name, last_name, phone, email, id_number, language, again } => {
            let ask = CreateCustomerRequest { first_name, last_name, phone_number: phone, email, id_number, language, request_id: again.request_id };
            customers.create_customer(ask).await?.customer
        }
        CustomerCommand::Update { customer, change } => {
            let ask = UpdateCustomerRequest {
                id: id_of(client, &customer).await?,
                first_name: change.first_name,
                last_name: change.last_name,
                phone_number: change.phone,
                email: change.email,
                id_number: change.id_number,
                language: change.language,
            };
            customers.update_customer(ask).await?.customer
        }
        CustomerCommand::Approve { customer } => {
            let id = id_of(client, &customer).await?;
            customers.approve_customer(ApproveCustomerRequest { id }).await?.customer
        }
        CustomerCommand::Reject(decision) => {
            let id = id_of(client, &decision.customer).await?;
            customers.reject_customer(RejectCustomerRequest { id, reason: decision.reason }).await?.customer
        }
        CustomerCommand::Suspend(decision) => {
            let id = id_of(client, &decision.customer).await?;
            customers.suspend_customer(SuspendCustomerRequest { id, reason: decision.reason }).await?.customer
        }
        CustomerCommand::Reactivate { customer } => {
            let id = id_of(client, &customer).await?;
            customers.reactivate_customer(ReactivateCustomerRequest { id }).await?.customer
        }
        CustomerCommand::Close(decision) => {
            let id = id_of(client, &decision.customer).await?;
            customers.close_customer(CloseCustomerRequest { id, reason: decision.reason }).await?.customer
        }
        CustomerCommand::Erase { customer, reason, confirm } => {
            let id = id_of(client, &customer).await?;
            let code = customers.get_customer(GetCustomerRequest { id: id.clone() }).await?.customer.unwrap_or_default().customer_code;
            if code != confirm {
                return Err(Fault::Usage(format!("Nothing was erased: this customer is {code}, not {confirm}.")));
            }
            customers.erase_customer(EraseCustomerRequest { id, reason }).await?.customer
        }
    };
    output.show(&changed.unwrap_or_default(), one)
}

/// The id of a customer, by itself or by the code.
pub async fn id_of(client: &Client, named: &str) -> Result<String, Fault> {
    if !named.to_ascii_uppercase().starts_with("CUST-") {
        return Ok(named.to_owned());
    }
    let found = client.customer().list_customers(ListCustomersRequest { search: named.to_owned(), page_size: 200, ..Default::default() }).await?;
    let customer = found.customers.into_iter().find(|customer| customer.customer_code.eq_ignore_ascii_case(named));
    customer.map(|customer| customer.id).ok_or_else(|| Fault::Usage(format!("There is no customer {named}.")))
}

/// How a customer stands, as the contract names it.
pub fn wire(status: CustomerState) -> CustomerStatus {
    match status {
        CustomerState::Pending => CustomerStatus::Pending,
        CustomerState::Active => CustomerStatus::Active,
        CustomerState::Suspended => CustomerStatus::Suspended,
        CustomerState::Rejected => CustomerStatus::Rejected,
        CustomerState::Closed => CustomerStatus::Closed,
    }
}

/// Personal data: in a new file that nobody else may read.
fn keep(file: &Path, json: &[u8]) -> Result<(), Fault> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|error| no_file(file, &error))?;
    file.write_all(json).map_err(Fault::Output)
}

fn no_file(file: &Path, error: &std::io::Error) -> Fault {
    Fault::Usage(format!("{} cannot be written: {error}", file.display()))
}

fn one(customer: &Customer) -> String {
    let proven = |is: bool| if is { "proven" } else { "not proven" };
    let with = |value: &str, is: bool| if value.is_empty() { String::new() } else { format!("{value} ({})", proven(is)) };
    table::fields(&[
        ("id", customer.id.clone()),
        ("code", customer.customer_code.clone()),
        ("name", name(customer)),
        ("status", status(customer)),
        ("reason", customer.status_reason.clone()),
        ("phone", with(&customer.phone_number, customer.phone_verified)),
        ("e-mail", with(&customer.email, customer.email_verified)),
        ("id number", customer.id_number.clone()),
        ("language", customer.language.clone()),
        ("password", if customer.has_password { "chosen" } else { "not chosen yet" }.to_owned()),
        ("registered by", word(customer.registered_by().as_str_name(), "REGISTERED_BY_")),
        ("registered", time(&customer.created_at)),
        ("approved", time(&customer.approved_at)),
        ("closed", time(&customer.closed_at)),
        ("erased", time(&customer.erased_at)),
    ])
}

fn statement(of: &AccountStatement) -> String {
    let edge = |what: &str, balance: &Option<_>| [String::new(), what.to_owned(), String::new(), String::new(), money(balance)];
    let entry = |entry: &StatementEntry| [time(&entry.at), entry.description.clone(), entry.receipt.clone(), money(&entry.amount), money(&entry.balance)];
    let mut rows = vec![edge("Opening balance", &of.opening_balance)];
    rows.extend(of.entries.iter().map(entry));
    rows.push(edge("Closing balance", &of.closing_balance));
    table::rows(["when", "what", "receipt", "amount", "balance"], &rows, "")
}

fn left(listed: &ListLeftBalancesResponse) -> String {
    let row = |left: &LeftBalance| {
        let status = word(left.status().as_str_name(), "CUSTOMER_STATUS_");
        [left.customer_code.clone(), status, money(&left.balance), time(&left.closed_at), left.customer_id.clone()]
    };
    let rows: Vec<_> = listed.balances.iter().map(row).collect();
    table::rows(["code", "status", "balance", "left", "id"], &rows, "Nobody who left has a balance.") + pages::more(&listed.next_page_token)
}

fn all(listed: &ListCustomersResponse) -> String {
    let row = |customer: &Customer| {
        [
            customer.customer_code.clone(),
            name(customer),
            status(customer),
            customer.phone_number.clone(),
            customer.email.clone(),
            time(&customer.created_at),
            customer.id.clone(),
        ]
    };
    let rows: Vec<_> = listed.customers.iter().map(row).collect();
    table::rows(["code", "name", "status", "phone", "e-mail", "registered", "id"], &rows, "No customers.") + pages::more(&listed.next_page_token)
}

fn name(customer: &Customer) -> String {
    format!("{} {}", customer.first_name, customer.last_name).trim().to_owned()
}

fn status(customer: &Customer) -> String {
    word(customer.status().as_str_name(), "CUSTOMER_STATUS_")
}
