//! Commands on what ISPs are paid: where and when, settlements, the way of some money, and what does not agree.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{Again, Limit};

/// Commands on where and when the ISP is paid.
#[derive(Debug, Subcommand)]
pub enum PayoutCommand {
    /// Show where and when the ISP is paid, and what it is owed
    Show,
    /// Be paid to a phone by M-Pesa, or to a bank account
    ///
    /// Asks for your password again (NETILY_PASSWORD, a prompt, or the first line of standard input). The people at the old
    /// destination are told, the new one must be proven, and nothing is paid to it for a day.
    #[command(after_help = "\
Examples:
  netilyctl payout set --phone 0722000333 --name 'Asha Wanjiru' --every week
  netilyctl payout set --bank 68 --account 0170123456789 --name 'Yellow Networks Ltd' --minimum 1000")]
    Set {
        /// Phone of M-Pesa
        #[arg(long, conflicts_with_all = ["bank", "account"], required_unless_present = "bank")]
        phone: Option<String>,
        /// Code of the bank at the payment company; 68 is Equity
        #[arg(long, requires = "account")]
        bank: Option<String>,
        /// Number of the account, sent as you write it
        #[arg(long, requires = "bank")]
        account: Option<String>,
        /// Whom the phone or account belongs to
        #[arg(long)]
        name: String,
        /// How often
        #[arg(long, value_enum, default_value = "day")]
        every: Every,
        /// Whole shillings; less waits for the next time
        #[arg(long, default_value_t = 100)]
        minimum: u32,
        /// For a bank: the phone that the payment company wants with each payment; the first owner's when absent
        #[arg(long, requires = "bank", default_value = "", hide_default_value = true)]
        contact: String,
    },
    /// Send a small test payment to the destination
    Verify {
        #[command(flatten)]
        again: Again,
    },
    /// Prove the destination by the amount that arrived
    Confirm {
        /// Whole shillings
        amount: u32,
    },
    /// Take what is owed now, in place of at the next payout; once a day
    ///
    /// Shows the amount and the fee first with --preview.
    Withdraw {
        /// Only say what would be paid, and what it costs
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        again: Again,
    },
    /// Write every movement of what the ISP is owed as CSV
    Statement {
        /// First day, as 2026-11-01; 30 days ago when absent
        #[arg(long)]
        from: Option<String>,
        /// Day after the last, as 2026-12-01; now when absent
        #[arg(long)]
        to: Option<String>,
        /// A PDF to be printed, in place of CSV; needs --output
        #[arg(long, requires = "output")]
        pdf: bool,
        /// File to write; standard output when absent
        #[arg(long, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
    },
    /// A day's money, which ends in what of it is not explained
    Day {
        /// The day, as 2026-11-26; yesterday when absent
        #[arg(default_value = "", hide_default_value = true)]
        day: String,
    },
}

/// How often.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Every {
    /// After each day
    Day,
    /// On Mondays
    Week,
    /// On every second Monday
    Fortnight,
    /// On the first of the month
    Month,
}

/// Commands on settlements.
#[derive(Debug, Subcommand)]
pub enum SettlementCommand {
    /// List settlements, newest first: the ISP's own, or for operators everybody's
    List {
        /// Only those that stand so
        #[arg(long, value_enum)]
        status: Option<SettlementState>,
        /// Only of this ISP (operators)
        #[arg(long, default_value = "", hide_default_value = true)]
        isp: String,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a settlement: with what it covers, or for operators with the evidence
    Show {
        /// Id of the settlement, stl_…
        id: String,
        #[command(flatten)]
        limit: Limit,
    },
    /// Say that a payout which the books do not know was a settlement's, or an ISP's (two operators)
    ///
    /// After a restored backup: the gateway's list shows it, and the settlement was not sent as far as we know, or is lost.
    #[command(after_help = "\
Examples:
  netilyctl settlement adopt Q7XK2MWZ4B stl_… --note 'Same amount, phone and minute'
  netilyctl settlement adopt Q7XK2MWZ4B yellow --note 'The journal has it, and yellow confirms'")]
    Adopt {
        /// The gateway's reference, as `collection unmatched` names it
        reference: String,
        /// The settlement, stl_…, or id or subdomain of the ISP whose settlement is lost
        target: String,
        /// How you know
        #[arg(long)]
        note: String,
    },
    /// Let payouts go on after a gap, where the payment company has no list to compare with (two operators)
    EndUncertainty {
        /// How you compared
        #[arg(long)]
        note: String,
    },
    /// Pay every ISP that is due now (operators)
    #[command(after_help = "\
Examples:
  netilyctl settlement run --dry-run
  netilyctl settlement run --isp yellow --ahead")]
    Run {
        /// Only say who would be paid
        #[arg(long)]
        dry_run: bool,
        /// Only this ISP
        #[arg(long, default_value = "", hide_default_value = true)]
        isp: String,
        /// What was credited until a minute ago, in place of until the last period ended
        #[arg(long, requires = "isp")]
        ahead: bool,
    },
    /// Say what became of a settlement that nobody else can tell (two operators)
    #[command(after_help = "\
Examples:
  netilyctl settlement resolve stl_… --paid UB34K9T2QM --note 'Seen on the statement of the wallet'
  netilyctl settlement resolve stl_… --not-paid --note 'The owner and the wallet say no'")]
    Resolve {
        /// Id of the settlement, stl_…
        id: String,
        #[command(flatten)]
        outcome: Outcome,
        /// How you know
        #[arg(long)]
        note: String,
    },
    /// Show whether payouts are stopped, and how long the float lasts (operators)
    Status,
    /// Stop every payout that was not sent yet (operators)
    Stop {
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Let payouts go on (operators)
    Resume {
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Hold the payouts of one ISP, and tell its owners why (operators)
    Freeze {
        /// Id or subdomain of the ISP
        isp: String,
        /// Why; the ISP reads it
        #[arg(long)]
        reason: String,
    },
    /// Let an ISP be paid again whose payouts were frozen (operators)
    Unfreeze {
        /// Id or subdomain of the ISP
        isp: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// What became of a settlement.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = false)]
pub struct Outcome {
    /// It was paid, and this receipt proves it
    #[arg(long, value_name = "RECEIPT")]
    pub paid: Option<String>,
    /// It was not paid
    #[arg(long)]
    pub not_paid: bool,
}

/// How a settlement stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SettlementState {
    /// Reserved, not sent yet
    Pending,
    /// Sent
    Processing,
    /// Paid
    Completed,
    /// Not paid
    Failed,
    /// Sent, and nobody knows yet
    Unknown,
    /// Operators find out
    NeedsReview,
}

/// Commands on what does not agree.
#[derive(Debug, Subcommand)]
pub enum BreakCommand {
    /// List what does not agree, newest first
    List {
        /// Those too that are closed
        #[arg(long)]
        closed: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Close one with a reason
    Close {
        /// Id of the break, row_…
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// Commands on the ISP's own plan with Netily.
#[derive(Debug, Subcommand)]
pub enum SubscriptionCommand {
    /// Show the plan, until when it is paid, and how much of it is used
    Show,
    /// List the plans
    Plans,
    /// Pay for a plan by M-Pesa; a larger one begins at once
    #[command(after_help = "\
Example:
  netilyctl subscription pay pro 0722000001 --yearly")]
    Pay {
        /// The plan
        #[arg(value_enum)]
        plan: NetilyPlan,
        /// The phone that is asked
        phone: String,
        /// A year at the price of ten months
        #[arg(long)]
        yearly: bool,
        #[command(flatten)]
        again: Again,
    },
    /// Show a payment
    Payment {
        /// Id of the payment, pay_…
        id: String,
    },
    /// Plan a smaller plan for when what is paid is over
    Next {
        /// The plan
        #[arg(value_enum, required_unless_present = "keep")]
        plan: Option<NetilyPlan>,
        /// By the year
        #[arg(long)]
        yearly: bool,
        /// Let the present plan go on
        #[arg(long, conflicts_with = "plan")]
        keep: bool,
    },
}

/// A plan of Netily's.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum NetilyPlan {
    /// 100 customers, 5 routers, 3 people
    Starter,
    /// 500 customers, 25 routers, 10 people
    Pro,
    /// Without limits
    Enterprise,
}
