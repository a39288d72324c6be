//! The people who work for the ISP.

use netily_sdk::Client;
use netily_sdk::isp::{
    ChangeStaffRoleRequest, InviteStaffRequest, ListStaffRequest, ListStaffResponse, RemoveStaffRequest, ResendInvitationRequest, StaffMember, StaffRole,
};

use crate::args::{Role, StaffCommand};
use crate::fault::Fault;
use crate::output::{Output, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: StaffCommand, output: &Output) -> Result<(), Fault> {
    let isp = client.isp();
    let member = match command {
        StaffCommand::List(limit) => {
            let page = async |page_size, page_token| isp.list_staff(ListStaffRequest { page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.staff, &mut page.next_page_token), page).await?;
            return output.show(&listed, all);
        }
        StaffCommand::Invite { email, first_name, last_name, role: chosen, again } => {
            let ask = InviteStaffRequest { email, first_name, last_name, role: role(chosen).into(), request_id: again.request_id };
            isp.invite_staff(ask).await?.staff
        }
        StaffCommand::Resend { id } => isp.resend_invitation(ResendInvitationRequest { id }).await?.staff,
        StaffCommand::Role { id, role: chosen } => isp.change_staff_role(ChangeStaffRoleRequest { id, role: role(chosen).into() }).await?.staff,
        StaffCommand::Remove { id } => isp.remove_staff(RemoveStaffRequest { id }).await?.staff,
    };
    output.show(&member.unwrap_or_default(), one)
}

fn role(role: Role) -> StaffRole {
    match role {
        Role::Staff => StaffRole::Staff,
        Role::Owner => StaffRole::Owner,
    }
}

fn one(member: &StaffMember) -> String {
    table::fields(&[
        ("id", member.id.clone()),
        ("name", name(member)),
        ("e-mail", member.email.clone()),
        ("phone", member.phone_number.clone()),
        ("role", word(member.role().as_str_name(), "STAFF_ROLE_")),
        ("status", word(member.status().as_str_name(), "STAFF_STATUS_")),
        ("added", time(&member.created_at)),
        ("invited", time(&member.invited_at)),
    ])
}

fn all(listed: &ListStaffResponse) -> String {
    let row = |member: &StaffMember| {
        [
            name(member),
            member.email.clone(),
            word(member.role().as_str_name(), "STAFF_ROLE_"),
            word(member.status().as_str_name(), "STAFF_STATUS_"),
            time(&member.created_at),
            member.id.clone(),
        ]
    };
    let rows: Vec<_> = listed.staff.iter().map(row).collect();
    table::rows(["name", "e-mail", "role", "status", "added", "id"], &rows, "Nobody.") + pages::more(&listed.next_page_token)
}

fn name(member: &StaffMember) -> String {
    format!("{} {}", member.first_name, member.last_name).trim().to_owned()
}
