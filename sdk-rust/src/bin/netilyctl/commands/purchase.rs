//! Purchases of guests.

use futures::StreamExt;
use netily_sdk::Client;
use netily_sdk::hotspot::{GetPurchaseStatusRequest, Purchase, PurchaseRequest, PurchaseStatus};

use crate::args::PurchaseCommand;
use crate::fault::Fault;
use crate::output::{Output, bytes, money, time, word};
use crate::table;

pub async fn run(client: &Client, command: PurchaseCommand, output: &Output) -> Result<(), Fault> {
    match command {
        PurchaseCommand::Start { router, plan, phone, mac, ip, login_url, watch: follow, again } => {
            let ask = PurchaseRequest {
                router_id: router,
                plan_id: plan,
                phone_number: phone,
                mac_address: mac,
                client_ip: ip,
                login_url,
                request_id: again.request_id,
            };
            let purchase = client.hotspot().purchase(ask).await?.purchase.unwrap_or_default();
            if follow { watch(client, &purchase.session_id, output).await } else { output.show(&purchase, whole) }
        }
        PurchaseCommand::Watch { session_id } => watch(client, &session_id, output).await,
        PurchaseCommand::Status { session_id } => {
            let found = client.hotspot().get_purchase_status(GetPurchaseStatusRequest { session_id }).await?;
            output.show(&found.purchase.unwrap_or_default(), whole)
        }
    }
}

async fn watch(client: &Client, session_id: &str, output: &Output) -> Result<(), Fault> {
    let mut states = client.watch_purchase(session_id);
    let mut last = PurchaseStatus::Unspecified;
    while let Some(purchase) = states.next().await {
        let purchase = purchase?;
        last = purchase.status();
        output.show_one_of_many(&purchase, short)?;
    }
    if last == PurchaseStatus::Failed { Err(Fault::BadNews) } else { Ok(()) }
}

/// One line a state, with what matters in it.
fn short(purchase: &Purchase) -> String {
    let fact = match purchase.status() {
        PurchaseStatus::AwaitingPayment => {
            format!("{} to pay on the phone", money(&purchase.amount))
        }
        PurchaseStatus::Paid => format!("receipt {}; the router is being told", purchase.mpesa_receipt),
        PurchaseStatus::Active if purchase.logged_in => "the device is online".to_owned(),
        PurchaseStatus::Active => {
            format!("log in as {} with {}", purchase.username, purchase.password)
        }
        PurchaseStatus::Failed => format!("{}: {}", failure(purchase), purchase.failure_message),
        PurchaseStatus::Expired => "the time or data is used up".to_owned(),
        PurchaseStatus::Unspecified => String::new(),
    };
    format!("{}  {:<16}  {fact}\n", purchase.session_id, status(purchase))
}

fn whole(purchase: &Purchase) -> String {
    table::fields(&[
        ("session", purchase.session_id.clone()),
        ("status", status(purchase)),
        ("plan", purchase.plan.as_ref().map(|plan| plan.name.clone()).unwrap_or_default()),
        ("amount", money(&purchase.amount)),
        ("failure", failure(purchase)),
        ("message", purchase.failure_message.clone()),
        ("prompt ends", time(&purchase.prompt_expires_at)),
        ("receipt", purchase.mpesa_receipt.clone()),
        ("username", purchase.username.clone()),
        ("password", purchase.password.clone()),
        ("log in at", purchase.login_url.clone()),
        ("expires", time(&purchase.expires_at)),
        ("data left", purchase.data_remaining_bytes.map(bytes).unwrap_or_default()),
        ("router", purchase.router_id.clone()),
    ])
}

fn status(purchase: &Purchase) -> String {
    word(purchase.status().as_str_name(), "PURCHASE_STATUS_")
}

fn failure(purchase: &Purchase) -> String {
    match purchase.status() {
        PurchaseStatus::Failed => word(purchase.failure_reason().as_str_name(), "FAILURE_REASON_"),
        _ => String::new(),
    }
}
