//! The command line: names, meanings and examples. Decides nothing.

mod billing;
mod customer;
mod payout;
mod people;
mod refund;
mod repair;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub use billing::{BillingCommand, ExportList, InvoiceCommand, InvoiceState, LineCommand, Method, PaidFor, PaymentCommand};
pub use customer::{CustomerCommand, CustomerState, FileKind, RegistrationCommand, RequestCategory, RequestCommand, RequestState, SettingsCommand};
pub use payout::{BreakCommand, Every, NetilyPlan, PayoutCommand, SettlementCommand, SettlementState, SubscriptionCommand};
pub use people::{AuditCommand, KeysCommand, PasswordCommand, Role, SessionCommand, StaffCommand};
pub use refund::RefundCommand;
pub use repair::{CollectionCommand, Owner, RepairCommand};

const EXAMPLES: &str = "\
Examples:
  netilyctl --tenant yellow login owner@yellow.test
  netilyctl router list
  netilyctl router check rtr_0197c5a0-7d1e-7c3a-8a44-3f1f6b2d9e10
  netilyctl purchase start --router rtr_… --plan hpl_… --phone 0712345678 --watch
  NETILY_IDENTIFIER=ops@netily.test NETILY_PASSWORD=… netilyctl --json ledger check

Passwords are never arguments. They come from the environment (NETILY_PASSWORD and the variables that the
commands name), from a prompt, or from the first line of standard input.

Exit codes:
  0  done
  1  refused, not found, out of reach, or a purchase that failed; the reason is on standard error
  2  the command line is wrong or incomplete
  3  `ledger check` found violations";

/// Heading of the options that every command has.
const EVERYWHERE: &str = "Options of every command";

/// Netily from a terminal.
#[derive(Debug, Parser)]
#[command(name = "netilyctl", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Args {
    /// URL of the server; the one of the last login when absent, then http://127.0.0.1:8000
    #[arg(long, global = true, help_heading = EVERYWHERE, env = "NETILY_URL", value_name = "URL")]
    pub url: Option<String>,

    /// Subdomain of the ISP; the one of the last login when absent, and "" for the platform itself
    #[arg(long, global = true, help_heading = EVERYWHERE, env = "NETILY_TENANT", value_name = "SLUG")]
    pub tenant: Option<String>,

    /// Write JSON instead of tables; one object a line where there are several
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,

    /// File of the tokens; ~/.config/netily/credentials.json when absent
    #[arg(long, global = true, env = "NETILY_CONFIG", value_name = "FILE", hide = true)]
    pub config: Option<PathBuf>,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in and stay signed in
    ///
    /// Staff and owners name their ISP with --tenant; operators of the platform leave it out. The tokens are kept in
    /// ~/.config/netily/credentials.json ($NETILY_CONFIG names another file), readable for you alone. Later commands use
    /// this server and ISP unless told otherwise.
    #[command(after_help = "\
Examples:
  netilyctl --tenant yellow login owner@yellow.test
  netilyctl --url https://netily.io login ops@netily.test < password.txt

Without a login, each command signs in by itself when NETILY_IDENTIFIER and NETILY_PASSWORD are set.")]
    Login {
        /// E-mail address or phone number
        #[arg(env = "NETILY_IDENTIFIER")]
        identifier: String,
    },
    /// Accept an invitation: choose a password, and be signed in
    ///
    /// The link of the mail, or what stands behind #token= in it, comes from NETILY_INVITATION and the password from
    /// NETILY_NEW_PASSWORD, or both from prompts or the first two lines of standard input.
    #[command(after_help = "\
Example:
  netilyctl --tenant yellow join")]
    Join {
        /// Given name; what the invitation says when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        first_name: String,
        /// Family name; what the invitation says when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        last_name: String,
    },
    /// End the sign-in, here and on the server
    Logout,
    /// Show who is signed in
    Whoami,
    /// Your own password
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Your own sign-ins
    #[command(subcommand)]
    Session(SessionCommand),
    /// People who work for the ISP (owners; staff may list)
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Internet providers on the platform (operators)
    #[command(subcommand)]
    Isp(IspCommand),
    /// MikroTik routers of the ISP (staff)
    #[command(subcommand)]
    Router(RouterCommand),
    /// Plans that guests can buy
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Service plans: home internet by the period (staff)
    #[command(subcommand)]
    ServicePlan(ServicePlanCommand),
    /// Customers of the ISP (staff)
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Customers' plans on routers (staff)
    #[command(subcommand)]
    Connection(LineCommand),
    /// Invoices to customers (staff)
    #[command(subcommand)]
    Invoice(InvoiceCommand),
    /// Payments of customers, and cash that the ISP took (staff)
    #[command(subcommand)]
    Payment(PaymentCommand),
    /// What customers ask for (staff)
    #[command(subcommand)]
    Request(RequestCommand),
    /// Settings of the ISP (staff)
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Purchases of guests; they need no sign-in
    #[command(subcommand)]
    Purchase(PurchaseCommand),
    /// The ISP's own plan with Netily (owners)
    #[command(subcommand)]
    Subscription(SubscriptionCommand),
    /// Where and when the ISP is paid (owners; staff may look at statements and days)
    #[command(subcommand)]
    Payout(PayoutCommand),
    /// Payments to ISPs (staff for their own, operators for all)
    #[command(subcommand)]
    Settlement(SettlementCommand),
    /// Follow some money from a phone to the ISP (staff for their own, operators for all)
    #[command(after_help = "\
Examples:
  netilyctl trace UB34K9T2QM
  netilyctl trace pay_…
  netilyctl trace stl_…")]
    Trace {
        /// Receipt of M-Pesa, pay_… or stl_…
        reference: String,
    },
    /// What does not agree between the payment company and the books (operators)
    #[command(subcommand)]
    Break(BreakCommand),
    /// Money that came in or went out without an owner (operators)
    #[command(subcommand)]
    Collection(CollectionCommand),
    /// Corrections, Netily's own money, and what waits for a second operator (operators)
    #[command(subcommand)]
    Repair(RepairCommand),
    /// The platform's last 30 days, which end in what of them is not explained (operators)
    Report,
    /// The double-entry ledger (operators)
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// How payments were split (staff)
    #[command(subcommand)]
    Commission(CommissionCommand),
    /// Write a list of some days as CSV to standard output (owners for their own, operators for all)
    #[command(after_help = "\
Examples:
  netilyctl export payments --from 2026-11-01 --to 2026-11-30 > payments.csv
  netilyctl export commissions --isp yellow > commissions.csv")]
    Export {
        /// What is listed
        #[arg(value_enum)]
        list: ExportList,
        /// First day in Nairobi, as 2026-11-01; the first of the month when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        from: String,
        /// Last day, as 2026-11-30; today when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        to: String,
        /// Only of this ISP, by id or subdomain (operators)
        #[arg(long, default_value = "", hide_default_value = true)]
        isp: String,
    },
    /// Text messages and e-mails that the ISP sent (staff)
    #[command(subcommand)]
    Message(MessageCommand),
    /// The words of text messages and e-mails (staff)
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Callbacks of the payment company as they arrived (operators)
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Keys that sign access tokens (operators)
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Who did what (operators)
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// How much of a list.
#[derive(ClapArgs, Debug)]
pub struct Limit {
    /// At most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// Commands on ISPs.
#[derive(Debug, Subcommand)]
pub enum IspCommand {
    /// Open an ISP; its owner is invited by e-mail to choose a password
    #[command(after_help = "\
Example:
  netilyctl isp create green --name 'Green Net' --owner-email owner@green.test \\
    --owner-first-name Amina --owner-last-name Otieno")]
    Create {
        /// Subdomain: 3 to 32 lower-case letters, digits and hyphens
        slug: String,
        /// Name for people
        #[arg(long)]
        name: String,
        /// E-mail address of the owner
        #[arg(long)]
        owner_email: String,
        /// Phone of the owner
        #[arg(long, default_value = "")]
        owner_phone: String,
        /// Given name of the owner
        #[arg(long)]
        owner_first_name: String,
        /// Family name of the owner
        #[arg(long)]
        owner_last_name: String,
        #[command(flatten)]
        again: Again,
    },
    /// List the ISPs, newest first
    List(Limit),
    /// Send the invitation of the owner again; the link before is void
    Invite {
        /// Id or slug of the ISP
        isp: String,
    },
    /// Suspend an ISP: it sells and changes nothing; what was paid is still delivered
    #[command(after_help = "Example:\n  netilyctl isp suspend yellow --reason 'Licence has run out'")]
    Suspend {
        /// Id or slug of the ISP
        isp: String,
        /// Why, for the ISP and other operators
        #[arg(long)]
        reason: String,
    },
    /// Open a suspended ISP again
    Reactivate {
        /// Id or slug of the ISP
        isp: String,
    },
    /// Set Netily's part of the payments that begin from now on
    #[command(after_help = "Example:\n  netilyctl isp set-rate yellow 0.05")]
    SetRate {
        /// Id or slug of the ISP
        isp: String,
        /// A decimal from 0 to 1 with at most four places: 0.05 is 5 %
        rate: String,
    },
}

/// How to repeat a command safely.
#[derive(ClapArgs, Debug)]
pub struct Again {
    /// UUID of the request: give the one of a command whose answer was lost to repeat it without doing it twice
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    pub request_id: String,
}

/// Commands on routers.
#[derive(Debug, Subcommand)]
pub enum RouterCommand {
    /// Register a router; its password comes from NETILY_ROUTER_PASSWORD, a prompt or standard input
    #[command(after_help = "\
Examples:
  netilyctl router add --name Lobby --host 10.8.0.2 --username netily
  netilyctl router add --name Roof --host r2.example.net --username netily --certificate-sha256 9f86d0…")]
    Add {
        /// Name for people
        #[arg(long)]
        name: String,
        /// Host name or address of the API, as the platform reaches it
        #[arg(long)]
        host: String,
        /// TCP port; 8728, or 8729 with a certificate, when absent
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        port: u16,
        /// API user on the router
        #[arg(long)]
        username: String,
        /// Call over TLS and accept only the certificate with this SHA-256, 64 hex digits
        #[arg(long, default_value = "", hide_default_value = true, value_name = "HEX")]
        certificate_sha256: String,
        /// Name of the hotspot server on the router; every one when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        hotspot_server: String,
        #[command(flatten)]
        again: Again,
    },
    /// List the routers
    List(Limit),
    /// Show one router
    Show {
        /// Id of the router, rtr_…
        id: String,
    },
    /// Call the router and tell what should be changed on it
    Check {
        /// Id of the router, rtr_…
        id: String,
    },
    /// Show who is online through the router now
    Sessions {
        /// Id of the router, rtr_…
        id: String,
    },
}

/// Commands on plans.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// List what guests see on one router, or with no router every plan of the ISP (staff)
    List {
        /// Only what is sold on this router today, as guests see it; needs no sign-in
        #[arg(long, value_name = "ID")]
        router: Option<String>,
        /// Archived ones too
        #[arg(long, conflicts_with = "router")]
        archived: bool,
        #[command(flatten)]
        limit: Limit,
    },
}

/// Commands on service plans.
#[derive(Debug, Subcommand)]
pub enum ServicePlanCommand {
    /// List the plans, newest first
    List {
        /// Archived ones too
        #[arg(long)]
        archived: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Make a plan, which is on sale at once
    #[command(after_help = "\
Examples:
  netilyctl service-plan create 'Home 5 Mbps' --price 1500 --down 5000 --up 2000
  netilyctl service-plan create 'Shop, two weeks' --price 900 --unit week --count 2 --cap 50000000000")]
    Create {
        #[command(flatten)]
        plan: ServicePlanArgs,
        #[command(flatten)]
        again: Again,
    },
    /// Write every field of a plan; who has paid keeps what was paid for
    #[command(after_help = "\
Example:
  netilyctl service-plan update spl_… 'Home 5 Mbps' --price 1600 --down 5000 --up 2000

What is not given is set to its default, not left as it was.")]
    Update {
        /// Id of the plan, spl_…
        id: String,
        #[command(flatten)]
        plan: ServicePlanArgs,
    },
    /// Stop selling a plan; who has it keeps it
    Archive {
        /// Id of the plan, spl_…
        id: String,
    },
}

/// A service plan.
#[derive(ClapArgs, Debug)]
pub struct ServicePlanArgs {
    /// Name shown to customers
    pub name: String,
    /// What it is, for customers
    #[arg(long, default_value = "", hide_default_value = true)]
    pub description: String,
    /// Price of one period in whole shillings
    #[arg(long, value_name = "KES")]
    pub price: u32,
    /// What the period is counted in
    #[arg(long, value_enum, default_value = "month")]
    pub unit: PeriodUnit,
    /// How many of them
    #[arg(long, default_value_t = 1)]
    pub count: u16,
    /// Speed to the customer in kbit/s; 0 is without limit
    #[arg(long, default_value_t = 0, value_name = "KBPS")]
    pub down: u32,
    /// Speed from the customer in kbit/s; 0 is without limit
    #[arg(long, default_value_t = 0, value_name = "KBPS")]
    pub up: u32,
    /// Bytes in one period, both ways together; 0 is without limit
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    pub cap: u64,
    /// A profile that the routers have already; Netily sets the speeds itself when absent
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub router_profile: String,
}

/// What a period is counted in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PeriodUnit {
    /// Days of 24 hours
    Day,
    /// Weeks
    Week,
    /// Months of the calendar
    Month,
}

/// Commands on purchases.
#[derive(Debug, Subcommand)]
pub enum PurchaseCommand {
    /// Start a purchase and send the M-Pesa prompt
    #[command(after_help = "\
Example:
  netilyctl --tenant yellow purchase start --router rtr_… --plan hpl_… --phone 0712345678 --watch")]
    Start {
        /// Id of the router, rtr_…
        #[arg(long)]
        router: String,
        /// Id of the plan, hpl_…
        #[arg(long)]
        plan: String,
        /// The phone that pays: 07…, 01…, 254… or +254…
        #[arg(long)]
        phone: String,
        /// The device, AA:BB:CC:DD:EE:FF
        #[arg(long, default_value = "", hide_default_value = true)]
        mac: String,
        /// Address of the device on the WiFi
        #[arg(long, default_value = "", hide_default_value = true)]
        ip: String,
        /// The router's `link-login-only`
        #[arg(long, default_value = "", hide_default_value = true)]
        login_url: String,
        /// Go on as `purchase watch` does
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        again: Again,
    },
    /// Show each state of a purchase until it is active, failed or over; ends with 1 when it failed
    Watch {
        /// Id of the purchase, hss_…
        session_id: String,
    },
    /// Show where a purchase stands
    Status {
        /// Id of the purchase, hss_…
        session_id: String,
    },
}

/// Commands on the ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Check every rule of the ledger; ends with 3 when one does not hold
    Check,
    /// Show every account of the platform and of each ISP in a month
    #[command(after_help = "Example:\n  netilyctl ledger trial-balance 2026-11")]
    TrialBalance {
        /// The month, as 2026-11
        month: String,
    },
    /// Close the books of a month: nothing is dated into it any more
    Close {
        /// The month, as 2026-11
        month: String,
    },
    /// Open the newest closed month again (two operators)
    Reopen {
        /// The month, as 2026-11
        month: String,
        /// Why
        #[arg(long)]
        note: String,
    },
}

/// Commands on commissions.
#[derive(Debug, Subcommand)]
pub enum CommissionCommand {
    /// List the commission ledger, newest first, and what the ISP is owed now
    List {
        /// Only of this kind
        #[arg(long = "type", value_enum)]
        payment_type: Option<PaymentKind>,
        #[command(flatten)]
        limit: Limit,
    },
}

/// What a payment was for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PaymentKind {
    /// A hotspot purchase
    Hotspot,
    /// A prepaid recharge
    Recharge,
    /// An invoice
    Invoice,
}

/// Commands on messages.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// List messages, newest first; who got them is masked, and codes and links are shown to nobody
    #[command(after_help = "\
Examples:
  netilyctl message list --state failed
  netilyctl message list --channel email --limit 20")]
    List {
        /// Only in this state
        #[arg(long, value_enum)]
        state: Option<SendState>,
        /// Only by this way
        #[arg(long, value_enum)]
        channel: Option<Way>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Queue a failed message again
    ///
    /// A message that held a code or a link cannot be sent again, since its text is gone: its person asks for a new one.
    #[command(after_help = "Example:\n  netilyctl message retry msg_0197c5a07d1e7c3a8a443f1f6b2d9e10")]
    Retry {
        /// Id of the message, msg_…
        id: String,
    },
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SendState {
    /// It waits to be sent, or to be sent again
    Queued,
    /// A provider took it
    Sent,
    /// The provider says that it arrived
    Delivered,
    /// It was refused, or did not arrive
    Failed,
    /// It could not be sent while it was of use
    Expired,
}

/// How a message travels.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Way {
    /// To a phone
    Sms,
    /// To a mailbox
    Email,
}

/// Commands on the words of messages.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// List what is sent, in both languages or in one
    List {
        /// Only in this language
        #[arg(long, value_enum)]
        language: Option<Tongue>,
    },
    /// Replace the words of one kind of message in one language
    ///
    /// Placeholders stand in braces; `template list` names those of each kind. A code or link must stay in the words of a message
    /// that is sent for it.
    #[command(after_help = "\
Examples:
  netilyctl template set welcome en 'Karibu {name}! Your customer code is {customer_code}. {isp}'
  netilyctl template set invitation sw --subject 'Karibu {isp}' - < invitation.txt
  netilyctl template set welcome en --dry-run 'Karibu {name}!'")]
    Set {
        /// Kind of message, as `template list` writes it: verify-phone, welcome …
        kind: String,
        /// Language of the words
        #[arg(value_enum)]
        language: Tongue,
        /// The words; `-` reads them from standard input
        body: String,
        /// Subject of an e-mail; the built-in one when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        subject: String,
        /// Show what a person would get, with sample values, and keep nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Go back to the built-in words
    #[command(after_help = "Example:\n  netilyctl template reset welcome en")]
    Reset {
        /// Kind of message, as `template list` writes it
        kind: String,
        /// Language of the words
        #[arg(value_enum)]
        language: Tongue,
    },
}

/// A language of messages.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Tongue {
    /// English
    En,
    /// Kiswahili
    Sw,
}

/// Commands on callbacks.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// List callbacks, newest first
    List {
        /// Only in this state
        #[arg(long, value_enum)]
        state: Option<CallbackState>,
        #[command(flatten)]
        limit: Limit,
    },
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CallbackState {
    /// Stored, not looked at yet
    Received,
    /// It woke a check of its payment
    Applied,
    /// Nothing to do
    Ignored,
    /// It contradicts what is known: a human looks at it
    Quarantined,
    /// It could not be read
    Dead,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_command_takes_a_password() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments() {
                assert!(!argument.get_id().as_str().contains("password"), "{}", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Args::command());
    }
}
