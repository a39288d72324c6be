//! Callbacks of the payment company as they arrived.

use netily_sdk::Client;
use netily_sdk::platform::{ListWebhookDeliveriesRequest, ListWebhookDeliveriesResponse, WebhookDelivery, WebhookState};

use crate::args::{CallbackState, WebhookCommand};
use crate::fault::Fault;
use crate::output::{Output, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: WebhookCommand, output: &Output) -> Result<(), Fault> {
    let WebhookCommand::List { state, limit } = command;
    let state = match state {
        None => WebhookState::Unspecified,
        Some(CallbackState::Received) => WebhookState::Received,
        Some(CallbackState::Applied) => WebhookState::Applied,
        Some(CallbackState::Ignored) => WebhookState::Ignored,
        Some(CallbackState::Quarantined) => WebhookState::Quarantined,
        Some(CallbackState::Dead) => WebhookState::Dead,
    };
    let platform = client.platform();
    let page = async |page_size, page_token| {
        let ask = ListWebhookDeliveriesRequest { state: state.into(), page_size, page_token };
        platform.list_webhook_deliveries(ask).await
    };
    let listed = pages::read(limit.limit, |page| (&mut page.deliveries, &mut page.next_page_token), page).await?;
    output.show(&listed, deliveries)
}

fn deliveries(listed: &ListWebhookDeliveriesResponse) -> String {
    let row = |delivery: &WebhookDelivery| {
        [
            time(&delivery.received_at),
            delivery.kind.clone(),
            word(delivery.state().as_str_name(), "WEBHOOK_STATE_"),
            delivery.deliveries.to_string(),
            delivery.isp_slug.clone(),
            delivery.payment_id.clone(),
            delivery.note.clone(),
            delivery.id.clone(),
        ]
    };
    let rows: Vec<_> = listed.deliveries.iter().map(row).collect();
    let headings = ["received", "kind", "state", "times", "isp", "payment", "note", "id"];
    table::rows(headings, &rows, "No callbacks.") + pages::more(&listed.next_page_token)
}
