//! The command line: names, meanings and examples. Decides nothing.

mod people;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub use people::{AuditCommand, KeysCommand, PasswordCommand, Role, SessionCommand, StaffCommand};

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
    /// Purchases of guests; they need no sign-in
    #[command(subcommand)]
    Purchase(PurchaseCommand),
    /// The double-entry ledger (operators)
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// How payments were split (staff)
    #[command(subcommand)]
    Commission(CommissionCommand),
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
