//! Settlements: an ISP's own, and what operators do with everybody's.

use netily_sdk::Client;
use netily_sdk::auth::{GetMeRequest, Role};
use netily_sdk::billing::Commission;
use netily_sdk::payout::{self, Settlement, SettlementStatus, TraceStep};
use netily_sdk::platform::adopt_payout_request::Target as PaidTo;
use netily_sdk::platform::{
    self, AdoptPayoutRequest, DueSettlement, EndUncertaintyRequest, FreezePayoutsRequest, GetPayoutStatusRequest, GetPayoutStatusResponse,
    ResolveSettlementRequest, ResolveSettlementResponse, RunSettlementsRequest, RunSettlementsResponse, SetPayoutSwitchRequest, SettlementOutcome,
    SettlementReview, UnfreezePayoutsRequest,
};
use serde_json::Value;

use super::repair;
use crate::args::{SettlementCommand, SettlementState};
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{pages, table};

/// Whether an operator of the platform is signed in.
pub async fn is_operator(client: &Client) -> Result<bool, Fault> {
    Ok(client.auth().get_me(GetMeRequest {}).await?.user.is_some_and(|user| user.role() == Role::Operator))
}

pub async fn run(client: &Client, command: SettlementCommand, output: &Output) -> Result<(), Fault> {
    let operators = client.platform();
    match command {
        SettlementCommand::List { status, isp, limit } => {
            let status = status.map_or(0, |status| wire(status).into());
            if is_operator(client).await? {
                let page = async |page_size, page_token| {
                    operators.list_settlements(platform::ListSettlementsRequest { isp: isp.clone(), status, page_size, page_token }).await
                };
                let listed = pages::read(limit.limit, |page| (&mut page.settlements, &mut page.next_page_token), page).await?;
                return output.show(&listed, |listed| all(&listed.settlements, &listed.next_page_token));
            }
            let page = async |page_size, page_token| {
                client.payout().list_settlements(payout::ListSettlementsRequest { status, page_size, page_token, ..Default::default() }).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.settlements, &mut page.next_page_token), page).await?;
            output.show(&listed, |listed| all(&listed.settlements, &listed.next_page_token))
        }
        SettlementCommand::Show { id, limit } => {
            if is_operator(client).await? {
                let found = operators.get_settlement(platform::GetSettlementRequest { id }).await?;
                return output.show(&found, |found| {
                    format!("{}\n{}{}", one(&found.settlement.clone().unwrap_or_default()), steps(&found.evidence), reviews(&found.reviews))
                });
            }
            let page =
                async |page_size, page_token| client.payout().get_settlement(payout::GetSettlementRequest { id: id.clone(), page_size, page_token }).await;
            let found = pages::read(limit.limit, |page| (&mut page.commissions, &mut page.next_page_token), page).await?;
            output.show(&found, |found| {
                format!("{}\n{}", one(&found.settlement.clone().unwrap_or_default()), covered(&found.commissions, &found.next_page_token))
            })
        }
        SettlementCommand::Adopt { reference, target, note } => {
            let target = Some(if target.starts_with("stl_") { PaidTo::SettlementId(target) } else { PaidTo::Isp(target) });
            repair::done(operators.adopt_payout(AdoptPayoutRequest { reference, target, note }).await?.result, output)
        }
        SettlementCommand::EndUncertainty { note } => {
            let answer = operators.end_uncertainty(EndUncertaintyRequest { note }).await?;
            let text = if answer.needs_another_operator { "A second operator must say the same." } else { "Payouts go on." };
            output.show(&answer, |_| text.to_owned())
        }
        SettlementCommand::Run { dry_run, isp, ahead } => {
            let ran = operators.run_settlements(RunSettlementsRequest { dry_run, isp, ahead_of_schedule: ahead }).await?;
            output.show(&ran, due)
        }
        SettlementCommand::Resolve { id, outcome, note } => {
            let (outcome, receipt) = match outcome.paid {
                Some(receipt) => (SettlementOutcome::Paid, receipt),
                None => (SettlementOutcome::NotPaid, String::new()),
            };
            let ask = ResolveSettlementRequest { id, outcome: outcome.into(), note, receipt };
            output.show(&operators.resolve_settlement(ask).await?, resolved)
        }
        SettlementCommand::Status => output.show(&operators.get_payout_status(GetPayoutStatusRequest {}).await?, status),
        SettlementCommand::Stop { reason } => {
            operators.set_payout_switch(SetPayoutSwitchRequest { stopped: true, reason }).await?;
            output.say("stopped", Value::Bool(true), "Payouts are stopped. What was sent is asked about all the same.")
        }
        SettlementCommand::Resume { reason } => {
            operators.set_payout_switch(SetPayoutSwitchRequest { stopped: false, reason }).await?;
            output.say("stopped", Value::Bool(false), "Payouts go on.")
        }
        SettlementCommand::Freeze { isp, reason } => {
            operators.freeze_payouts(FreezePayoutsRequest { isp, reason }).await?;
            output.say("frozen", Value::Bool(true), "Nothing more is paid to the ISP, and its owners are told why. What was sent is asked about all the same.")
        }
        SettlementCommand::Unfreeze { isp, reason } => {
            let waits = operators.unfreeze_payouts(UnfreezePayoutsRequest { isp, reason }).await?.needs_another_operator;
            let text = if waits { "Another operator must say the same." } else { "The ISP is paid again with the next run." };
            output.say("unfrozen", Value::Bool(!waits), text)
        }
    }
}

fn wire(status: SettlementState) -> SettlementStatus {
    match status {
        SettlementState::Pending => SettlementStatus::Pending,
        SettlementState::Processing => SettlementStatus::Processing,
        SettlementState::Completed => SettlementStatus::Completed,
        SettlementState::Failed => SettlementStatus::Failed,
        SettlementState::Unknown => SettlementStatus::Unknown,
        SettlementState::NeedsReview => SettlementStatus::NeedsReview,
    }
}

fn stands(settlement: &Settlement) -> String {
    word(settlement.status().as_str_name(), "SETTLEMENT_STATUS_")
}

fn all(settlements: &[Settlement], token: &str) -> String {
    let row = |one: &Settlement| {
        [one.isp_slug.clone(), one.period.clone(), stands(one), money(&one.amount), one.destination.clone(), one.receipt.clone(), one.id.clone()]
    };
    let rows: Vec<_> = settlements.iter().map(row).collect();
    table::rows(["ISP", "period", "status", "amount", "to", "receipt", "id"], &rows, "No settlements.") + pages::more(token)
}

fn one(settlement: &Settlement) -> String {
    table::fields(&[
        ("id", settlement.id.clone()),
        ("ISP", settlement.isp_slug.clone()),
        ("status", stands(settlement)),
        ("period", format!("{}, part {}", settlement.period, settlement.part)),
        ("amount", money(&settlement.amount)),
        ("from before", money(&settlement.carried_in)),
        ("credited", money(&settlement.credited)),
        ("left over", money(&settlement.carried_out)),
        ("to", settlement.destination.clone()),
        ("receipt", settlement.receipt.clone()),
        ("what happened", settlement.failure_message.clone()),
        ("reserved", time(&settlement.created_at)),
        ("sent", time(&settlement.sent_at)),
        ("ended", time(&settlement.completed_at)),
    ])
}

fn covered(commissions: &[Commission], token: &str) -> String {
    let row =
        |line: &Commission| [line.payment_reference.clone(), line.mpesa_receipt.clone(), money(&line.gross), money(&line.isp_amount), time(&line.created_at)];
    let rows: Vec<_> = commissions.iter().map(row).collect();
    table::rows(["payment", "receipt", "gross", "ISP's part", "booked"], &rows, "It covers no payments.") + pages::more(token)
}

/// What happened, oldest first.
pub fn steps(steps: &[TraceStep]) -> String {
    let row = |step: &TraceStep| {
        [time(&step.at), step.kind.clone(), step.text.clone(), step.amount.as_ref().map(|_| money(&step.amount)).unwrap_or_default(), step.reference.clone()]
    };
    let rows: Vec<_> = steps.iter().map(row).collect();
    table::rows(["when", "what", "in words", "amount", "reference"], &rows, "Nothing happened.")
}

fn reviews(reviews: &[SettlementReview]) -> String {
    if reviews.is_empty() {
        return String::new();
    }
    let row = |review: &SettlementReview| {
        [review.operator.clone(), word(review.outcome().as_str_name(), "SETTLEMENT_OUTCOME_"), review.receipt.clone(), review.note.clone(), time(&review.at)]
    };
    let rows: Vec<_> = reviews.iter().map(row).collect();
    format!("\n{}", table::rows(["operator", "says", "receipt", "note", "when"], &rows, ""))
}

fn due(ran: &RunSettlementsResponse) -> String {
    let row = |due: &DueSettlement| [due.isp_slug.clone(), due.period.clone(), money(&due.amount), due.settlement_id.clone(), due.left_because.clone()];
    let rows: Vec<_> = ran.due.iter().map(row).collect();
    let wallet = ran.wallet_balance.as_ref().map(|_| format!("wallet {}, ", money(&ran.wallet_balance))).unwrap_or_default();
    let table = table::rows(["ISP", "period", "amount", "settlement", "left because"], &rows, "Nobody is due.");
    if rows.is_empty() { table } else { format!("{table}{wallet}total {}\n", money(&ran.total)) }
}

fn resolved(resolved: &ResolveSettlementResponse) -> String {
    let next = if resolved.needs_another_operator { "Another operator must say the same.\n" } else { "It is done.\n" };
    format!("{next}{}{}", one(&resolved.settlement.clone().unwrap_or_default()), reviews(&resolved.reviews))
}

fn status(status: &GetPayoutStatusResponse) -> String {
    let stopped = if status.stopped { format!("yes, by {} since {}: {}", status.stopped_by, time(&status.stopped_at), status.reason) } else { "no".to_owned() };
    let days = if status.days_of_payouts < 0 {
        "nothing was paid in the last week".to_owned()
    } else {
        format!("{} days at the last week's rate", status.days_of_payouts)
    };
    table::fields(&[
        ("stopped", stopped),
        ("past not known since", status.uncertain_from.as_ref().map_or_else(String::new, |_| time(&status.uncertain_from))),
        ("wallet", money(&status.wallet_balance)),
        ("lasts", days),
        ("for charges", money(&status.service_balance)),
        ("owed to ISPs", money(&status.owed)),
        ("on its way", money(&status.in_transit)),
        ("frozen", status.frozen_isps.join(", ")),
    ])
}
