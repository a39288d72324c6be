//! Plans that guests can buy.

use netily_sdk::hotspot::{ListAllPlansRequest, ListPlansRequest, Plan};

use crate::args::PlanCommand;
use crate::connection::Connection;
use crate::fault::Fault;
use crate::output::{Output, bytes, money, span, time};
use crate::{pages, table};

pub async fn run(connection: Connection, command: PlanCommand, output: &Output) -> Result<(), Fault> {
    match command {
        PlanCommand::List { router: Some(router_id), .. } => {
            let page = connection.guest()?.hotspot().list_plans(ListPlansRequest { router_id }).await?;
            output.show(&page, |page| plans(&page.plans))
        }
        PlanCommand::List { router: None, archived, limit } => {
            connection
                .signed_in(async |client| {
                    let hotspot = client.hotspot();
                    let page = async |page_size, page_token| {
                        let ask = ListAllPlansRequest { page_size, page_token, include_archived: archived };
                        hotspot.list_all_plans(ask).await
                    };
                    let listed = pages::read(limit.limit, |page| (&mut page.plans, &mut page.next_page_token), page).await?;
                    output.show(&listed, |listed| plans(&listed.plans) + pages::more(&listed.next_page_token))
                })
                .await
        }
    }
}

fn plans(plans: &[Plan]) -> String {
    let row = |plan: &Plan| {
        [
            plan.name.clone(),
            money(&plan.price),
            plan.duration.map_or_else(|| "no end".to_owned(), |duration| span(&Some(duration))),
            if plan.data_cap_bytes == 0 { "no cap".to_owned() } else { bytes(plan.data_cap_bytes) },
            format!("{}/{}", speed(plan.download_kbps), speed(plan.upload_kbps)),
            plan.shared_devices.to_string(),
            time(&plan.archived_at),
            plan.id.clone(),
        ]
    };
    let rows: Vec<_> = plans.iter().map(row).collect();
    table::rows(["name", "price", "lasts", "data", "kbit/s", "devices", "archived", "id"], &rows, "No plans.")
}

fn speed(kbps: i32) -> String {
    if kbps == 0 { "any".to_owned() } else { kbps.to_string() }
}
