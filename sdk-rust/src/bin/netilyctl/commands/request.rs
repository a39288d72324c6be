//! What customers ask for.

use netily_sdk::Client;
use netily_sdk::customer::{ListServiceRequestsRequest, ListServiceRequestsResponse, ServiceRequest, UpdateServiceRequestRequest};
use netily_sdk::types::{ServiceRequestCategory, ServiceRequestStatus};

use super::customer::id_of;
use crate::args::{RequestCategory, RequestCommand, RequestState};
use crate::fault::Fault;
use crate::output::{Output, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: RequestCommand, output: &Output) -> Result<(), Fault> {
    let customers = client.customer();
    match command {
        RequestCommand::List { status, category, customer, limit } => {
            let status = status.map_or(0, |status| wire_status(status).into());
            let category = category.map_or(0, |category| wire_category(category).into());
            let customer_id = match customer {
                Some(named) => id_of(client, &named).await?,
                None => String::new(),
            };
            let page = async |page_size, page_token| {
                let ask = ListServiceRequestsRequest { page_size, page_token, status, category, customer_id: customer_id.clone() };
                customers.list_service_requests(ask).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.service_requests, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        RequestCommand::Answer { id, status, reply } => {
            let ask = UpdateServiceRequestRequest { id, status: status.map_or(0, |status| wire_status(status).into()), reply };
            output.show(&customers.update_service_request(ask).await?.service_request.unwrap_or_default(), one)
        }
    }
}

fn wire_status(status: RequestState) -> ServiceRequestStatus {
    match status {
        RequestState::Pending => ServiceRequestStatus::Pending,
        RequestState::Approved => ServiceRequestStatus::Approved,
        RequestState::InProgress => ServiceRequestStatus::InProgress,
        RequestState::Completed => ServiceRequestStatus::Completed,
        RequestState::Rejected => ServiceRequestStatus::Rejected,
        RequestState::Cancelled => ServiceRequestStatus::Cancelled,
    }
}

fn wire_category(category: RequestCategory) -> ServiceRequestCategory {
    match category {
        RequestCategory::Connection => ServiceRequestCategory::Connection,
        RequestCategory::Upgrade => ServiceRequestCategory::Upgrade,
        RequestCategory::Downgrade => ServiceRequestCategory::Downgrade,
        RequestCategory::Transfer => ServiceRequestCategory::Transfer,
        RequestCategory::Suspension => ServiceRequestCategory::Suspension,
        RequestCategory::Termination => ServiceRequestCategory::Termination,
        RequestCategory::Billing => ServiceRequestCategory::Billing,
        RequestCategory::Technical => ServiceRequestCategory::Technical,
        RequestCategory::Other => ServiceRequestCategory::Other,
    }
}

fn one(request: &ServiceRequest) -> String {
    table::fields(&[
        ("id", request.id.clone()),
        ("customer", format!("{} {}", request.customer_code, request.customer_name)),
        ("category", category(request)),
        ("status", status(request)),
        ("subject", request.subject.clone()),
        ("description", request.description.clone()),
        ("reply", request.reply.clone()),
        ("replied", time(&request.replied_at)),
        ("asked", time(&request.created_at)),
    ])
}

fn all(listed: &ListServiceRequestsResponse) -> String {
    let row = |request: &ServiceRequest| {
        [
            time(&request.created_at),
            request.customer_code.clone(),
            request.customer_name.clone(),
            category(request),
            status(request),
            request.subject.clone(),
            request.id.clone(),
        ]
    };
    let rows: Vec<_> = listed.service_requests.iter().map(row).collect();
    table::rows(["asked", "code", "name", "category", "status", "subject", "id"], &rows, "No requests.") + pages::more(&listed.next_page_token)
}

fn status(request: &ServiceRequest) -> String {
    word(request.status().as_str_name(), "SERVICE_REQUEST_STATUS_")
}

fn category(request: &ServiceRequest) -> String {
    word(request.category().as_str_name(), "SERVICE_REQUEST_CATEGORY_")
}
