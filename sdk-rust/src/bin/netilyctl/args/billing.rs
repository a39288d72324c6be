//! Commands on what customers pay: invoices, payments, and lines on routers.

use clap::{Subcommand, ValueEnum};

use super::{Again, Limit};

/// Commands on invoices.
#[derive(Debug, Subcommand)]
pub enum InvoiceCommand {
    /// List invoices, newest first
    #[command(after_help = "\
Examples:
  netilyctl invoice list --status overdue
  netilyctl invoice list --customer CUST-0001")]
    List {
        /// Only those that stand so
        #[arg(long, value_enum)]
        status: Option<InvoiceState>,
        /// Only those of this customer: id or code
        #[arg(long)]
        customer: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show an invoice with its lines
    Show {
        /// Id of the invoice, inv_…
        id: String,
    },
    /// Write an invoice to a PDF
    Pdf {
        /// Id of the invoice, inv_…
        id: String,
        /// File to write; the one that the server names when absent
        #[arg(long, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
    },
    /// Write an invoice of one line; the customer's balance pays it as far as it reaches
    #[command(after_help = "\
Example:
  netilyctl invoice create CUST-0001 'Router, second hand' 3500")]
    Create {
        /// Id or code of the customer
        customer: String,
        /// What it is for
        description: String,
        /// Whole shillings of one, VAT in them
        price: u32,
        /// How many
        #[arg(long, default_value_t = 1)]
        quantity: u16,
        /// Words for the invoice
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
        #[command(flatten)]
        again: Again,
    },
    /// Take an invoice back that is not paid whole; what was paid of it becomes balance
    Void {
        /// Id of the invoice, inv_…
        id: String,
        /// Why; the customer may read it
        #[arg(long)]
        reason: String,
    },
}

/// How an invoice stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum InvoiceState {
    /// Not paid, or in part
    Open,
    /// The same, and the day it was due is over
    Overdue,
    /// Paid
    Paid,
    /// Taken back
    Void,
}

/// Commands on payments of customers.
#[derive(Debug, Subcommand)]
pub enum PaymentCommand {
    /// List payments to the ISP, newest first
    List {
        /// Only those of this customer: id or code
        #[arg(long)]
        customer: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a payment
    Show {
        /// Id of the payment, pay_… or ofp_…
        id: String,
    },
    /// Write the receipt of a payment to a PDF
    Receipt {
        /// Id of the payment, pay_… or ofp_…
        id: String,
        /// File to write; the one that the server names when absent
        #[arg(long, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
    },
    /// Send a customer an M-Pesa prompt
    #[command(after_help = "\
Examples:
  netilyctl payment start CUST-0001 --invoice inv_…
  netilyctl payment start CUST-0001 --plan spl_… --phone 0712345678
  netilyctl payment start CUST-0001 --amount 500")]
    Start {
        /// Id or code of the customer
        customer: String,
        #[command(flatten)]
        what: PaidFor,
        /// The phone that is asked; the customer's own when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        phone: String,
        #[command(flatten)]
        again: Again,
    },
    /// Write down money that the ISP took itself: no commission
    #[command(after_help = "\
Examples:
  netilyctl payment record CUST-0001 1500 --plan spl_…
  netilyctl payment record CUST-0001 800 --method cheque --reference 004711")]
    Record {
        /// Id or code of the customer
        customer: String,
        /// Whole shillings
        amount: u32,
        /// An invoice that is paid first
        #[arg(long, conflicts_with = "plan")]
        invoice: Option<String>,
        /// A plan of which a period is paid
        #[arg(long)]
        plan: Option<String>,
        /// How it was taken
        #[arg(long, value_enum, default_value = "cash")]
        method: Method,
        /// Number of the cheque or transfer
        #[arg(long, default_value = "", hide_default_value = true)]
        reference: String,
        /// Words for the receipt
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
        /// Though a payment with the same reference is there
        #[arg(long)]
        confirm_duplicate: bool,
        #[command(flatten)]
        again: Again,
    },
    /// Confirm money that staff wrote down above what they may in a day (owners)
    Confirm {
        /// Id of the payment, ofp_…
        id: String,
    },
    /// Take back money that was written down as taken; what it paid for stays (owners)
    Void {
        /// Id of the payment, ofp_…
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Book the unfinished payment of a customer that a receipt of M-Pesa proves
    Claim {
        /// Id or code of the customer
        customer: String,
        /// The receipt in the message of M-Pesa
        receipt: String,
    },
    #[command(flatten)]
    Back(super::RefundCommand),
}

/// What is paid for.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
pub struct PaidFor {
    /// What is owed of an invoice, inv_…
    #[arg(long)]
    pub invoice: Option<String>,
    /// A period of a plan, spl_…
    #[arg(long)]
    pub plan: Option<String>,
    /// Whole shillings for the balance
    #[arg(long)]
    pub amount: Option<u32>,
}

/// How money was taken.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Method {
    /// In coins and notes
    Cash,
    /// Into the bank account
    Bank,
    /// By cheque
    Cheque,
    /// Some other way
    Other,
}

/// Commands on lines: a customer's plan on a router.
#[derive(Debug, Subcommand)]
pub enum LineCommand {
    /// List connections, newest first
    List {
        /// Only those of this customer: id or code
        #[arg(long)]
        customer: Option<String>,
        /// Only those on this router
        #[arg(long)]
        router: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a connection, with the password of the device
    Show {
        /// Id of the connection, con_…
        id: String,
    },
    /// Put a plan on a customer
    #[command(after_help = "\
Examples:
  netilyctl connection create CUST-0001 --plan spl_… --router rtr_…
  netilyctl connection create CUST-0002 --plan spl_… --invoiced")]
    Create {
        /// Id or code of the customer
        customer: String,
        /// Id of the plan, spl_…
        #[arg(long)]
        plan: String,
        /// Router that it is installed on; later when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        router: String,
        /// By an invoice before each period, in place of recharges
        #[arg(long)]
        invoiced: bool,
        /// A user of the hotspot, in place of PPPoE
        #[arg(long)]
        hotspot: bool,
        /// Name by which the device signs in; the customer's code when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        username: String,
        #[command(flatten)]
        again: Again,
    },
    /// Install a connection on a router, or move it to another one
    Move {
        /// Id of the connection, con_…
        id: String,
        /// Id of the router, rtr_…
        router: String,
    },
    /// Take a connection off the router, paid or not
    Suspend {
        /// Id of the connection, con_…
        id: String,
        /// Why; the customer may read it
        #[arg(long)]
        reason: String,
    },
    /// Take a suspension back
    Resume {
        /// Id of the connection, con_…
        id: String,
    },
    /// End a connection for good
    End {
        /// Id of the connection, con_…
        id: String,
    },
}

/// Commands on what stands on invoices.
#[derive(Debug, Subcommand)]
pub enum BillingCommand {
    /// Show the settings
    Show,
    /// Change settings; those that are not given stay
    Set {
        /// VAT contained in what is asked for, in basis points: 0 or 1600
        #[arg(long)]
        vat_bps: Option<i32>,
        /// The ISP's number at the revenue authority
        #[arg(long)]
        vat_number: Option<String>,
        /// Words on every invoice
        #[arg(long)]
        invoice_note: Option<String>,
        /// Whole shillings that one of the staff may write down as taken in a day; what is above waits for an owner (owners)
        #[arg(long)]
        cash_limit: Option<u32>,
        /// Whether paid time that is not used becomes balance when a line ends
        #[arg(long, action = clap::ArgAction::Set)]
        credit_unused: Option<bool>,
    },
}

/// What is written as CSV.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportList {
    /// Payments
    Payments,
    /// Invoices to customers
    Invoices,
    /// How payments were split
    Commissions,
}
