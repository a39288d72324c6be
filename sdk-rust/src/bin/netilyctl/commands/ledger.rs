//! The double-entry ledger.

use netily_sdk::Client;
use netily_sdk::platform::{
    CheckLedgerRequest, CheckLedgerResponse, CloseMonthRequest, GetTrialBalanceRequest, ReopenMonthRequest, TrialBalance, TrialBalanceLine, Violation,
};

use crate::args::LedgerCommand;
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::table;

/// A full check reads every entry.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(120);

pub async fn run(client: &Client, command: LedgerCommand, output: &Output) -> Result<(), Fault> {
    let long = client.with_deadline(DEADLINE);
    let platform = long.platform();
    match command {
        LedgerCommand::Check => {}
        LedgerCommand::TrialBalance { month } => {
            let found = platform.get_trial_balance(GetTrialBalanceRequest { month }).await?.trial_balance.unwrap_or_default();
            return output.show(&found, trial);
        }
        LedgerCommand::Close { month } => {
            let closed = platform.close_month(CloseMonthRequest { month }).await?.trial_balance.unwrap_or_default();
            return output.show(&closed, trial);
        }
        LedgerCommand::Reopen { month, note } => {
            let done = platform.reopen_month(ReopenMonthRequest { month, note }).await?;
            let text = if done.needs_another_operator { "Another operator must ask for the same." } else { "The month is open again." };
            return output.show(&done, |_| format!("{text}\n"));
        }
    }
    let checked = platform.check_ledger(CheckLedgerRequest {}).await?;
    output.show(&checked, violations)?;
    if checked.violations.is_empty() { Ok(()) } else { Err(Fault::Violations) }
}

fn trial(of: &TrialBalance) -> String {
    let row = |line: &TrialBalanceLine| {
        let book = word(line.book().as_str_name(), "BOOK_");
        [line.isp_slug.clone(), book, line.account.clone(), money(&line.opening), money(&line.debits), money(&line.credits), money(&line.balance)]
    };
    let rows: Vec<_> = of.lines.iter().map(row).collect();
    let closed = if of.closed_at.is_some() { format!("closed {} by {}", time(&of.closed_at), of.closed_by) } else { "open".to_owned() };
    table::rows(["ISP", "book", "account", "opening", "debits", "credits", "balance"], &rows, "Nothing was booked.\n")
        + &format!(
            "The ledger of {}, {closed}: debits {}, credits {}, balance {}.\n",
            of.month,
            money(&of.total_debits),
            money(&of.total_credits),
            money(&of.total_balance)
        )
}

fn violations(checked: &CheckLedgerResponse) -> String {
    let row = |violation: &Violation| [violation.invariant.clone(), violation.rows.to_string(), violation.example.clone()];
    let rows: Vec<_> = checked.violations.iter().map(row).collect();
    let sound = format!("Sound: {} rules hold.", checked.invariants_checked);
    table::rows(["rule", "rows", "example"], &rows, &sound)
}
