//! Who did what.

use netily_sdk::Client;
use netily_sdk::platform::{AuditEvent, ListAuditEventsRequest, ListAuditEventsResponse};

use crate::args::AuditCommand;
use crate::fault::Fault;
use crate::output::{Output, time};
use crate::{pages, table};

pub async fn run(client: &Client, command: AuditCommand, output: &Output) -> Result<(), Fault> {
    let AuditCommand::List { isp, act, limit } = command;
    let platform = client.platform();
    let page = async |page_size, page_token| {
        let ask = ListAuditEventsRequest { isp: isp.clone(), act: act.clone(), page_size, page_token };
        platform.list_audit_events(ask).await
    };
    let listed = pages::read(limit.limit, |page| (&mut page.events, &mut page.next_page_token), page).await?;
    output.show(&listed, all)
}

fn all(listed: &ListAuditEventsResponse) -> String {
    let row = |event: &AuditEvent| {
        let facts = if event.facts == "{}" { String::new() } else { event.facts.clone() };
        [time(&event.at), event.isp_slug.clone(), event.actor.clone(), event.act.clone(), event.subject.clone(), facts]
    };
    let rows: Vec<_> = listed.events.iter().map(row).collect();
    table::rows(["at", "isp", "who", "did", "to", "facts"], &rows, "Nothing.") + pages::more(&listed.next_page_token)
}
