//! Money that goes back to whoever paid.

use clap::{Args as ClapArgs, Subcommand};

use super::repair::cents;
use super::{Again, Limit};

/// Commands of operators on payments that go back.
#[derive(Debug, Subcommand)]
pub enum RefundCommand {
    /// Book that M-Pesa took back a payment that was credited (operators; two above the configured sum)
    #[command(after_help = "\
Examples:
  netilyctl payment reverse pay_… --isp yellow --note 'Charge-back of the customer, see the statement'
  netilyctl payment reverse pay_… --isp yellow --amount 500 --reference UL91AB22CD --note 'Half of it, see the statement'")]
    Reverse {
        /// Id of the payment, pay_…
        payment: String,
        /// Id or subdomain of the ISP that was paid
        #[arg(long)]
        isp: String,
        /// In shillings, such as 12.50; as the gateway's row says, or all that is left, when absent
        #[arg(long, value_parser = cents)]
        amount: Option<i64>,
        /// The gateway's row as `collection unmatched` names it, or the receipt of the reversal
        #[arg(long, default_value = "", hide_default_value = true)]
        reference: String,
        /// How you know
        #[arg(long)]
        note: String,
        #[command(flatten)]
        again: Again,
    },
    /// Give a payer money back (operators; two above the configured sum, or to another phone)
    #[command(after_help = "\
Examples:
  netilyctl payment refund pay_… --isp yellow --gateway --note 'Paid twice for the same hour'
  netilyctl payment refund pay_… --isp yellow --amount 500 --by-hand UL91AB22CD --note 'Half, the line was down'")]
    Refund {
        /// Id of the payment, pay_…
        payment: String,
        /// Id or subdomain of the ISP that was paid
        #[arg(long)]
        isp: String,
        /// In shillings, such as 12.50; all that is left when absent
        #[arg(long, value_parser = cents)]
        amount: Option<i64>,
        #[command(flatten)]
        way: RefundWay,
        /// Another phone than the one that paid (two operators)
        #[arg(long, default_value = "", hide_default_value = true)]
        phone: String,
        /// Why
        #[arg(long)]
        note: String,
        #[command(flatten)]
        again: Again,
    },
    /// List what went back to payers, newest first (operators)
    Refunds {
        /// Only of this ISP: id or subdomain
        #[arg(long, default_value = "", hide_default_value = true)]
        isp: String,
        /// Only of this payment, pay_…
        #[arg(long, default_value = "", hide_default_value = true)]
        payment: String,
        #[command(flatten)]
        limit: Limit,
    },
}

/// How a payer gets it.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = false)]
pub struct RefundWay {
    /// The gateway pays it from the wallet
    #[arg(long)]
    pub gateway: bool,
    /// It was paid by hand: the receipt, or the gateway's reference if it left the wallet
    #[arg(long, value_name = "REFERENCE")]
    pub by_hand: Option<String>,
}
