//! Putting money right: what has no place, what was done, and what waits for a second operator.

use netily_sdk::Client;
use netily_sdk::platform::adopt_collection_request::Target;
use netily_sdk::platform::{
    AdoptCollectionRequest, Approval, ListApprovalsRequest, ListRepairsRequest, ListUnmatchedRequest, OwnerMovementDirection, PostAdjustmentRequest,
    RecordOwnerMovementRequest, Repair, RepairResult, UnmatchedRow, WithdrawApprovalRequest, WriteOffRequest,
};
use netily_sdk::types::Money;

use crate::args::{CollectionCommand, Owner, RepairCommand};
use crate::fault::Fault;
use crate::output::{Output, money, time};
use crate::{pages, table};

pub async fn collection(client: &Client, command: CollectionCommand, output: &Output) -> Result<(), Fault> {
    let platform = client.platform();
    match command {
        CollectionCommand::Unmatched { limit } => {
            let page = async |page_size, page_token| platform.list_unmatched(ListUnmatchedRequest { page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.rows, &mut page.next_page_token), page).await?;
            output.show(&listed, |listed| {
                let rows: Vec<_> = listed.rows.iter().map(unmatched).collect();
                table::rows(["since", "what", "reference", "amount", "receipt", "ISP"], &rows, "All money has a place.") + pages::more(&listed.next_page_token)
            })
        }
        CollectionCommand::Adopt { reference, isp, owner, note } => {
            let target = Some(target(owner));
            done(platform.adopt_collection(AdoptCollectionRequest { reference, isp, target, note }).await?.result, output)
        }
        CollectionCommand::WriteOff { reference, note } => done(platform.write_off(WriteOffRequest { reference, note }).await?.result, output),
    }
}

fn target(owner: Owner) -> Target {
    match owner {
        Owner { payment: Some(id), .. } => Target::PaymentId(id),
        Owner { customer: Some(id), .. } => Target::CustomerId(id),
        Owner { session: Some(id), .. } => Target::SessionId(id),
        _ => Target::Suspense(true),
    }
}

pub async fn run(client: &Client, command: RepairCommand, output: &Output) -> Result<(), Fault> {
    let platform = client.platform();
    match command {
        RepairCommand::List { limit } => {
            let page = async |page_size, page_token| platform.list_repairs(ListRepairsRequest { page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.repairs, &mut page.next_page_token), page).await?;
            output.show(&listed, |listed| {
                let rows: Vec<_> = listed.repairs.iter().map(repair).collect();
                table::rows(["when", "what", "amount", "ISP", "reference", "payment", "note"], &rows, "Nothing was put right yet.")
                    + pages::more(&listed.next_page_token)
            })
        }
        RepairCommand::Adjust { isp, amount, note } => {
            let amount = Some(shillings(amount));
            done(platform.post_adjustment(PostAdjustmentRequest { isp, amount, note }).await?.result, output)
        }
        RepairCommand::OwnerMovement { way, reference, note } => {
            let (direction, amount) = match (way.into, way.out) {
                (Some(amount), _) => (OwnerMovementDirection::In, amount),
                (None, amount) => (OwnerMovementDirection::Out, amount.unwrap_or_default()),
            };
            let ask = RecordOwnerMovementRequest { direction: direction.into(), amount: Some(shillings(amount)), reference, note };
            done(platform.record_owner_movement(ask).await?.result, output)
        }
        RepairCommand::Approvals => {
            let listed = platform.list_approvals(ListApprovalsRequest {}).await?;
            output.show(&listed, |listed| {
                let rows: Vec<_> = listed.approvals.iter().map(waiting).collect();
                table::rows(["asked", "act", "about", "amount", "ISP", "by", "what", "id"], &rows, "Nothing waits for a second operator.")
            })
        }
        RepairCommand::Withdraw { id } => {
            let gone = platform.withdraw_approval(WithdrawApprovalRequest { id }).await?;
            output.show(&gone, |_| "Taken back.\n".to_owned())
        }
    }
}

/// An amount in cents, on the wire.
pub fn shillings(amount_minor: i64) -> Money {
    Money { amount_minor, currency_code: "KES".to_owned() }
}

pub fn done(result: Option<RepairResult>, output: &Output) -> Result<(), Fault> {
    output.show(&result.unwrap_or_default(), |result| match (&result.repair, &result.approval) {
        (Some(done), _) => format!("Done: {} {} ({})\n", done.kind.to_lowercase().replace('_', " "), money(&done.amount), done.id),
        (None, Some(approval)) => format!("Another operator must ask for the same. Until then nothing is done ({}).\n", approval.id),
        (None, None) => "Nothing was done.\n".to_owned(),
    })
}

fn unmatched(row: &UnmatchedRow) -> [String; 6] {
    [time(&row.at), row.kind.replace('_', " "), row.reference.clone(), money(&row.amount), row.receipt.clone(), row.isp_slug.clone()]
}

fn repair(row: &Repair) -> [String; 7] {
    let kind = row.kind.to_lowercase().replace('_', " ");
    [time(&row.at), kind, money(&row.amount), row.isp_slug.clone(), row.reference.clone(), row.payment_id.clone(), row.note.clone()]
}

fn waiting(row: &Approval) -> [String; 8] {
    let act = row.act.to_lowercase().replace('_', " ");
    [time(&row.asked_at), act, row.subject.clone(), money(&row.amount), row.isp_slug.clone(), row.asked_by.clone(), row.content.clone(), row.id.clone()]
}
