//! The double-entry ledger.

use netily_sdk::Client;
use netily_sdk::platform::{CheckLedgerRequest, CheckLedgerResponse, Violation};

use crate::args::LedgerCommand;
use crate::fault::Fault;
use crate::output::Output;
use crate::table;

/// A full check reads every entry.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(120);

pub async fn run(client: &Client, command: LedgerCommand, output: &Output) -> Result<(), Fault> {
    let LedgerCommand::Check = command;
    let checked = client.with_deadline(DEADLINE).platform().check_ledger(CheckLedgerRequest {}).await?;
    output.show(&checked, violations)?;
    if checked.violations.is_empty() { Ok(()) } else { Err(Fault::Violations) }
}

fn violations(checked: &CheckLedgerResponse) -> String {
    let row = |violation: &Violation| [violation.invariant.clone(), violation.rows.to_string(), violation.example.clone()];
    let rows: Vec<_> = checked.violations.iter().map(row).collect();
    let sound = format!("Sound: {} rules hold.", checked.invariants_checked);
    table::rows(["rule", "rows", "example"], &rows, &sound)
}
