//! Where and when the ISP is paid, its statement, and its days.

use netily_sdk::Client;
use netily_sdk::payout::{
    ConfirmPayoutConfigRequest, DailyReport, GetBalanceRequest, GetDailyReportRequest, GetPayoutConfigRequest, GetStatementRequest, PayoutConfig, PayoutMethod,
    SetPayoutConfigRequest, SettlementFrequency, StatementFormat, StreamStatementRequest, VerifyPayoutConfigRequest, WithdrawNowRequest,
};
use prost_types::Timestamp;

use super::payment::shillings;
use crate::args::{Every, PayoutCommand};
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::{secret, table};

pub async fn run(client: &Client, command: PayoutCommand, output: &Output) -> Result<(), Fault> {
    let payout = client.payout();
    match command {
        PayoutCommand::Show => {
            let config = payout.get_payout_config(GetPayoutConfigRequest {}).await?.config.unwrap_or_default();
            let balance = payout.get_balance(GetBalanceRequest {}).await?;
            output.show(&config, |config| {
                let why = if balance.left_message.is_empty() { "It is paid with the next run.".to_owned() } else { balance.left_message.clone() };
                format!("{}on its way    {}\npaid so far   {}\nnot paid yet  {why}\n", one(config), money(&balance.in_transit), money(&balance.paid_out))
            })
        }
        PayoutCommand::Set { phone, bank, account, name, every, minimum, contact } => {
            let method = if phone.is_some() { PayoutMethod::MpesaB2c } else { PayoutMethod::BankTransfer };
            let (mpesa_name, bank_account_name) = if phone.is_some() { (name, String::new()) } else { (String::new(), name) };
            let ask = SetPayoutConfigRequest {
                payout_method: method.into(),
                mpesa_phone: phone.unwrap_or_default(),
                mpesa_name,
                bank_code: bank.unwrap_or_default(),
                bank_account: account.unwrap_or_default(),
                bank_account_name,
                settlement_frequency: frequency(every).into(),
                minimum_payout: Some(shillings(minimum)),
                contact_phone: contact,
                password: secret::read("NETILY_PASSWORD", "Your password, again")?,
            };
            output.show(&payout.set_payout_config(ask).await?.config.unwrap_or_default(), one)
        }
        PayoutCommand::Verify { again } => {
            let sent = payout.verify_payout_config(VerifyPayoutConfigRequest { request_id: again.request_id }).await?;
            output.show(&sent.config.unwrap_or_default(), |config| {
                format!("A small payment is on its way. Say how much arrived: `payout confirm`.\n{}", one(config))
            })
        }
        PayoutCommand::Confirm { amount } => {
            let ask = ConfirmPayoutConfigRequest { amount_received: Some(shillings(amount)) };
            output.show(&payout.confirm_payout_config(ask).await?.config.unwrap_or_default(), one)
        }
        PayoutCommand::Withdraw { preview, again } => {
            let said = payout.withdraw_now(WithdrawNowRequest { request_id: again.request_id, preview }).await?;
            output.show(&said, |said| match &said.settlement {
                Some(made) => format!("{} is on its way to {} ({}). Fee: {}.\n", money(&said.amount), made.destination, made.id, money(&said.fee)),
                None if said.left_message.is_empty() => format!("{} would be paid now, at a fee of {}.\n", money(&said.amount), money(&said.fee)),
                None => format!("{}\n", said.left_message),
            })
        }
        PayoutCommand::Statement { from, to, pdf, output: file } => {
            let (from, to) = (from.as_deref().map(midnight).transpose()?, to.as_deref().map(midnight).transpose()?);
            let bytes = if pdf {
                payout.get_statement(GetStatementRequest { from, to, format: StatementFormat::Pdf.into() }).await?.content
            } else {
                let mut pieces = payout.stream_statement(StreamStatementRequest { from, to }).await?;
                let mut whole = Vec::new();
                while let Some(piece) = pieces.message().await? {
                    whole.extend(piece.chunk);
                }
                whole
            };
            match file {
                Some(file) => std::fs::write(file, bytes).map_err(Fault::Output),
                None => output.raw(bytes.trim_ascii_end()),
            }
        }
        PayoutCommand::Day { day } => output.show(&payout.get_daily_report(GetDailyReportRequest { day }).await?.report.unwrap_or_default(), report),
    }
}

/// Midnight in Nairobi at the begin of a day.
fn midnight(day: &str) -> Result<Timestamp, Fault> {
    format!("{day}T00:00:00+03:00").parse().map_err(|_| Fault::Usage(format!("{day:?} is not a day such as 2026-11-26.")))
}

const fn frequency(every: Every) -> SettlementFrequency {
    match every {
        Every::Day => SettlementFrequency::Daily,
        Every::Week => SettlementFrequency::Weekly,
        Every::Fortnight => SettlementFrequency::Biweekly,
        Every::Month => SettlementFrequency::Monthly,
    }
}

fn one(config: &PayoutConfig) -> String {
    let (to, name) = if config.mpesa_phone.is_empty() {
        (format!("{} {}", config.bank_name, config.bank_account), &config.bank_account_name)
    } else {
        (format!("M-Pesa {}", config.mpesa_phone), &config.mpesa_name)
    };
    let proven = word(config.verification_status().as_str_name(), "VERIFICATION_STATUS_");
    let proven = if config.tries_left > 0 { format!("{proven}, {} tries left", config.tries_left) } else { proven };
    table::fields(&[
        ("paid to", to),
        ("name", name.clone()),
        ("how often", word(config.settlement_frequency().as_str_name(), "SETTLEMENT_FREQUENCY_")),
        ("from", money(&config.minimum_payout)),
        ("proven", proven),
        ("held until", time(&config.held_until)),
        ("frozen", config.frozen_reason.clone()),
        ("next", time(&config.next_settlement_at)),
        ("owed now", money(&config.pending_balance)),
    ])
}

fn report(report: &DailyReport) -> String {
    let mut text = table::fields(&[
        ("day", report.day.clone()),
        ("owed before", money(&report.opening_balance)),
        ("paid in", format!("{} in {} payments", money(&report.gross), report.payments)),
        ("commission", money(&report.commission)),
        ("ISP's part", money(&report.isp_amount)),
        ("set aside", money(&report.reserved)),
        ("given back", money(&report.released)),
        ("paid out", money(&report.paid_out)),
        ("went back", money(&report.refunded)),
        ("corrected", money(&report.corrected)),
        ("owed after", money(&report.closing_balance)),
    ]);
    for finding in &report.findings {
        text.push_str(&format!("! {finding}\n"));
    }
    text + &format!("{} unexplained\n", money(&report.unexplained))
}
