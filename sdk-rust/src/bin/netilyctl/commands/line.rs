//! Lines: a customer's plan on a router.

use netily_sdk::Client;
use netily_sdk::billing::{
    CreateConnectionRequest, EndConnectionRequest, GetConnectionRequest, GetConnectionResponse, ListConnectionsRequest, ListConnectionsResponse,
    ResumeConnectionRequest, SuspendConnectionRequest, UpdateConnectionRequest,
};
use netily_sdk::types::{Connection, ConnectionAccess, ConnectionBilling};

use super::customer::id_of;
use crate::args::LineCommand;
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: LineCommand, output: &Output) -> Result<(), Fault> {
    let billing = client.billing();
    match command {
        LineCommand::List { customer, router, limit } => {
            let customer_id = match customer {
                Some(named) => id_of(client, &named).await?,
                None => String::new(),
            };
            let router_id = router.unwrap_or_default();
            let page = async |page_size, page_token| {
                let ask = ListConnectionsRequest { page_size, page_token, status: 0, customer_id: customer_id.clone(), router_id: router_id.clone() };
                billing.list_connections(ask).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.connections, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        LineCommand::Show { id } => output.show(&billing.get_connection(GetConnectionRequest { id }).await?, with_password),
        LineCommand::Create { customer, plan, router, invoiced, hotspot, username, again } => {
            let ask = CreateConnectionRequest {
                customer_id: id_of(client, &customer).await?,
                plan_id: plan,
                billing: if invoiced { ConnectionBilling::Invoiced } else { ConnectionBilling::Prepaid }.into(),
                access_type: if hotspot { ConnectionAccess::Hotspot } else { ConnectionAccess::Pppoe }.into(),
                router_id: router,
                username,
                password: String::new(),
                request_id: again.request_id,
            };
            output.show(&billing.create_connection(ask).await?.connection.unwrap_or_default(), one)
        }
        LineCommand::Move { id, router } => {
            let ask = UpdateConnectionRequest { id, router_id: Some(router), ..Default::default() };
            output.show(&billing.update_connection(ask).await?.connection.unwrap_or_default(), one)
        }
        LineCommand::Suspend { id, reason } => {
            output.show(&billing.suspend_connection(SuspendConnectionRequest { id, reason }).await?.connection.unwrap_or_default(), one)
        }
        LineCommand::Resume { id } => output.show(&billing.resume_connection(ResumeConnectionRequest { id }).await?.connection.unwrap_or_default(), one),
        LineCommand::End { id } => output.show(&billing.end_connection(EndConnectionRequest { id }).await?.connection.unwrap_or_default(), one),
    }
}

fn with_password(found: &GetConnectionResponse) -> String {
    let connection = found.connection.clone().unwrap_or_default();
    format!("{}{}", one(&connection), table::fields(&[("password", found.password.clone())]))
}

fn one(connection: &Connection) -> String {
    table::fields(&[
        ("id", connection.id.clone()),
        ("customer", connection.customer_id.clone()),
        ("plan", connection.plan_name.clone()),
        ("price", money(&connection.price)),
        ("billing", word(connection.billing().as_str_name(), "CONNECTION_BILLING_")),
        ("status", status(connection)),
        ("suspended", connection.suspended_note.clone()),
        ("paid until", time(&connection.paid_until)),
        ("access", word(connection.access_type().as_str_name(), "CONNECTION_ACCESS_")),
        ("router", connection.router_id.clone()),
        ("username", connection.username.clone()),
        ("router told", if connection.router_pending { "not yet".to_owned() } else { "yes".to_owned() }),
        ("router says", connection.router_error.clone()),
    ])
}

fn all(listed: &ListConnectionsResponse) -> String {
    let row = |connection: &Connection| {
        [connection.username.clone(), connection.plan_name.clone(), status(connection), time(&connection.paid_until), connection.id.clone()]
    };
    let rows: Vec<_> = listed.connections.iter().map(row).collect();
    table::rows(["username", "plan", "status", "paid until", "id"], &rows, "No connections.") + pages::more(&listed.next_page_token)
}

fn status(connection: &Connection) -> String {
    word(connection.status().as_str_name(), "CONNECTION_STATUS_")
}
