//! What does not agree between the gateway, the routers and the books; and the platform's report.

use netily_sdk::Client;
use netily_sdk::platform::{Break, CloseBreakRequest, GetPlatformReportRequest, GetPlatformReportResponse, ListBreaksRequest};

use crate::args::BreakCommand;
use crate::fault::Fault;
use crate::output::{Output, money, time};
use crate::{pages, table};

pub async fn run(client: &Client, command: BreakCommand, output: &Output) -> Result<(), Fault> {
    let platform = client.platform();
    match command {
        BreakCommand::List { closed, limit } => {
            let page = async |page_size, page_token| platform.list_breaks(ListBreaksRequest { include_closed: closed, page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.breaks, &mut page.next_page_token), page).await?;
            output.show(&listed, |listed| {
                let rows: Vec<_> = listed.breaks.iter().map(row).collect();
                table::rows(["found", "what", "about", "ISP", "amount", "closed", "id"], &rows, "Everything agrees.") + pages::more(&listed.next_page_token)
            })
        }
        BreakCommand::Close { id, reason } => {
            let closed = platform.close_break(CloseBreakRequest { id, reason }).await?.closed.unwrap_or_default();
            output.show(&closed, |closed| format!("Closed: {} {}\n", closed.kind, closed.reference))
        }
    }
}

fn row(found: &Break) -> [String; 7] {
    [
        time(&found.opened_at),
        found.kind.replace('_', " "),
        found.reference.clone(),
        found.isp_slug.clone(),
        found.amount.as_ref().map(|_| money(&found.amount)).unwrap_or_default(),
        found.closed_reason.clone(),
        found.id.clone(),
    ]
}

/// The platform's last 30 days, with every rule looked at.
pub async fn report(client: &Client, output: &Output) -> Result<(), Fault> {
    let report = client.with_deadline(std::time::Duration::from_secs(120)).platform().get_platform_report(GetPlatformReportRequest::default()).await?;
    output.show(&report, month)
}

fn month(report: &GetPlatformReportResponse) -> String {
    let mut text = table::fields(&[
        ("paid to ISPs", format!("{} in {} payments", money(&report.gross), report.payments)),
        ("commission", money(&report.commission)),
        ("subscriptions", money(&report.subscriptions)),
        ("charges", money(&report.gateway_fees)),
        ("paid out", money(&report.paid_out)),
        ("owed now", money(&report.owed)),
        ("on its way", money(&report.in_transit)),
        ("gateway holds", money(&report.gateway_clearing)),
    ]);
    for finding in &report.findings {
        text.push_str(&format!("! {finding}\n"));
    }
    text + &format!("{} unexplained\n", money(&report.unexplained))
}
