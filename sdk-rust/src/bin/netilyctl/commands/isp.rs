//! Internet providers on the platform.

use netily_sdk::Client;
use netily_sdk::platform::{
    CreateIspRequest, Isp, ListIspsRequest, ListIspsResponse, ReactivateIspRequest, ResendInvitationRequest, SetCommissionRateRequest, SuspendIspRequest,
};

use crate::args::IspCommand;
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: IspCommand, output: &Output) -> Result<(), Fault> {
    match command {
        IspCommand::Create { slug, name, owner_email, owner_phone, owner_first_name, owner_last_name, again } => {
            let ask =
                CreateIspRequest { slug, name, owner_email, owner_phone_number: owner_phone, owner_first_name, owner_last_name, request_id: again.request_id };
            let created = client.platform().create_isp(ask).await?;
            output.show(&created.isp.unwrap_or_default(), one)
        }
        IspCommand::List(limit) => {
            let platform = client.platform();
            let page = async |page_size, page_token| platform.list_isps(ListIspsRequest { page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.isps, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        IspCommand::Invite { isp } => {
            let sent = client.platform().resend_invitation(ResendInvitationRequest { isp }).await?;
            output.show(&sent, |sent| format!("The invitation is on its way to {}.\n", sent.email))
        }
        IspCommand::Suspend { isp, reason } => {
            let suspended = client.platform().suspend_isp(SuspendIspRequest { isp, reason }).await?;
            output.show(&suspended.isp.unwrap_or_default(), one)
        }
        IspCommand::Reactivate { isp } => {
            let open = client.platform().reactivate_isp(ReactivateIspRequest { isp }).await?;
            output.show(&open.isp.unwrap_or_default(), one)
        }
        IspCommand::SetRate { isp, rate } => {
            let changed = client.platform().set_commission_rate(SetCommissionRateRequest { isp, rate }).await?;
            let next = if changed.needs_another_operator { "Another operator must say the same; until then the rate stays.\n" } else { "" };
            output.show(&changed, |changed| format!("{next}{}", one(&changed.isp.clone().unwrap_or_default())))
        }
    }
}

fn one(isp: &Isp) -> String {
    table::fields(&[
        ("id", isp.id.clone()),
        ("slug", isp.slug.clone()),
        ("name", isp.name.clone()),
        ("status", status(isp)),
        ("rate", isp.commission_rate.clone()),
        ("owed", money(&isp.pending_balance)),
        ("created", time(&isp.created_at)),
        ("suspended", time(&isp.suspended_at)),
        ("because", isp.suspended_reason.clone()),
    ])
}

fn all(listed: &ListIspsResponse) -> String {
    let row = |isp: &Isp| {
        [isp.slug.clone(), isp.name.clone(), status(isp), isp.commission_rate.clone(), money(&isp.pending_balance), time(&isp.created_at), isp.id.clone()]
    };
    let rows: Vec<_> = listed.isps.iter().map(row).collect();
    let headings = ["slug", "name", "status", "rate", "owed", "created", "id"];
    table::rows(headings, &rows, "No ISPs.") + pages::more(&listed.next_page_token)
}

fn status(isp: &Isp) -> String {
    word(isp.status().as_str_name(), "ISP_STATUS_")
}
