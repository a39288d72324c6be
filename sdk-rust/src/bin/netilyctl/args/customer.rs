//! Commands on customers, on what they ask for, and on the rules of their registration.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Subcommand, ValueEnum};

use super::{Again, BillingCommand, Limit};

/// Commands on customers. Each takes the id, cus_…, or the code, CUST-0001.
#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// List the customers, newest first
    #[command(after_help = "\
Examples:
  netilyctl customer list --status pending
  netilyctl customer list 'wanjiku nga'        each word begins a word of name, code, e-mail address …
  netilyctl customer list '0712 345'           … or of a phone number")]
    List {
        /// Beginnings of words of name, code, e-mail address or phone number
        #[arg(default_value = "", hide_default_value = true)]
        search: String,
        /// Only in this status
        #[arg(long, value_enum)]
        status: Option<CustomerState>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show one customer
    Show {
        /// Id or code of the customer
        customer: String,
    },
    /// Write a customer down, who is active at once
    ///
    /// With an e-mail address an invitation to choose a password is mailed; without one the customer asks for a new password by
    /// phone.
    #[command(after_help = "\
Example:
  netilyctl customer create Wanjiku \"Ng'ang'a\" --phone 0712345678 --email wanjiku@example.com --language sw")]
    Create {
        /// Given name
        first_name: String,
        /// Family name
        last_name: String,
        /// Phone: 07…, 01…, 254… or +254…
        #[arg(long)]
        phone: String,
        /// E-mail address
        #[arg(long, default_value = "", hide_default_value = true)]
        email: String,
        /// National id or passport number
        #[arg(long, default_value = "", hide_default_value = true)]
        id_number: String,
        /// Language of messages: en or sw
        #[arg(long, default_value = "en")]
        language: String,
        #[command(flatten)]
        again: Again,
    },
    /// Change a customer; what is not given stays
    ///
    /// A new phone or e-mail address counts as not proven, and the old one is told. An empty --email or --id-number takes it away.
    Update {
        /// Id or code of the customer
        customer: String,
        #[command(flatten)]
        change: CustomerChange,
    },
    /// Let a pending customer in, or one that was rejected
    Approve {
        /// Id or code of the customer
        customer: String,
    },
    /// Refuse a pending customer, who is told why
    Reject(Decision),
    /// Stop an active customer, who is told why and may still look and ask for help
    Suspend(Decision),
    /// Let a suspended customer on again
    Reactivate {
        /// Id or code of the customer
        customer: String,
    },
    /// Close an account for good; nothing is deleted
    Close(Decision),
    /// List what customers who left or were refused still have, or owe
    Left {
        #[command(flatten)]
        limit: Limit,
    },
    /// Take what the ISP keeps out of a customer's balance, or forgive what is below nothing (owners)
    WriteOff(Withdraw),
    /// Write down that a customer's balance was paid back by hand; nothing is sent (owners)
    PaidBack(Withdraw),
    /// Show every movement of a customer's account in some days, with opening and closing balance
    #[command(after_help = "\
Examples:
  netilyctl customer statement CUST-0001
  netilyctl customer statement CUST-0001 --from 2026-11-01 --to 2026-11-30 --file pdf")]
    Statement {
        /// Id or code of the customer
        customer: String,
        /// First day in Nairobi, as 2026-11-01; the first of the month when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        from: String,
        /// Last day, as 2026-11-30; today when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        to: String,
        /// Write a file of this kind instead
        #[arg(long, value_enum)]
        file: Option<FileKind>,
        /// Name of the file
        #[arg(long, value_name = "FILE", requires = "file")]
        output: Option<PathBuf>,
    },
    /// Write everything that is held about one person, as JSON, for that person
    Export {
        /// Id or code of the customer
        customer: String,
        /// Write to this new file, readable for you alone, instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Delete what names a person, for good (owners)
    ///
    /// Names, phone, e-mail address, id number, messages, alerts, the words of requests and sign-ins go. The code, payments and
    /// the ledger stay, without phone numbers. It cannot be undone: export first.
    #[command(after_help = "\
Example:
  netilyctl customer erase CUST-0007 --reason 'asked for it by letter of 3 March' --confirm CUST-0007")]
    Erase {
        /// Id or code of the customer
        customer: String,
        /// Why; it stays in the audit log for good, so it must not name the person
        #[arg(long)]
        reason: String,
        /// The code of the customer, to be sure
        #[arg(long, value_name = "CODE")]
        confirm: String,
    },
}

/// A decision that the customer is told the reason of.
#[derive(ClapArgs, Debug)]
pub struct Decision {
    /// Id or code of the customer
    pub customer: String,
    /// Why, for the customer
    #[arg(long)]
    pub reason: String,
}

/// What changes of a customer.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = true)]
pub struct CustomerChange {
    /// Given name
    #[arg(long)]
    pub first_name: Option<String>,
    /// Family name
    #[arg(long)]
    pub last_name: Option<String>,
    /// Phone
    #[arg(long)]
    pub phone: Option<String>,
    /// E-mail address
    #[arg(long)]
    pub email: Option<String>,
    /// National id or passport number
    #[arg(long)]
    pub id_number: Option<String>,
    /// Language of messages: en or sw
    #[arg(long)]
    pub language: Option<String>,
}

/// How a customer stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CustomerState {
    /// Waits for proofs or for staff
    Pending,
    /// May buy
    Active,
    /// Stopped by staff
    Suspended,
    /// Refused by staff
    Rejected,
    /// Gone for good
    Closed,
}

/// Commands on service requests.
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// List the requests, newest first
    List {
        /// Only in this status
        #[arg(long, value_enum)]
        status: Option<RequestState>,
        /// Only of this category
        #[arg(long, value_enum)]
        category: Option<RequestCategory>,
        /// Only of this customer, by id or code
        #[arg(long)]
        customer: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Move a request on, answer it, or both
    ///
    /// The customer is told of an answer by text message, and of every change in the app. A refusal needs an answer.
    #[command(after_help = "\
Examples:
  netilyctl request answer srq_… --status in-progress
  netilyctl request answer srq_… --reply 'We come on Monday at ten.'
  netilyctl request answer srq_… --status completed --reply 'Done, thank you.'")]
    Answer {
        /// Id of the request, srq_…
        id: String,
        /// Where it stands from now on; where it was when absent
        #[arg(long, value_enum, required_unless_present = "reply")]
        status: Option<RequestState>,
        /// The answer
        #[arg(long, default_value = "", hide_default_value = true)]
        reply: String,
    },
}

/// Where a service request stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RequestState {
    /// Nobody has looked at it yet
    Pending,
    /// It will be done
    Approved,
    /// Somebody works on it
    InProgress,
    /// It is done
    Completed,
    /// It will not be done
    Rejected,
    /// It is not wanted any more
    Cancelled,
}

/// What a service request asks for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RequestCategory {
    /// A first connection
    Connection,
    /// A larger plan
    Upgrade,
    /// A smaller plan
    Downgrade,
    /// The connection at another place
    Transfer,
    /// A pause
    Suspension,
    /// An end
    Termination,
    /// Something about money
    Billing,
    /// Something does not work
    Technical,
    /// Anything else
    Other,
}

/// Commands on settings.
#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// How people register themselves as customers
    #[command(subcommand)]
    Registration(RegistrationCommand),
    /// What stands on invoices
    #[command(subcommand)]
    Billing(BillingCommand),
}

/// Commands on the rules of self-registration.
#[derive(Debug, Subcommand)]
pub enum RegistrationCommand {
    /// Show the rules
    Show,
    /// Change rules; those that are not given stay
    #[command(after_help = "\
Examples:
  netilyctl settings registration set --auto-approve-customers true
  netilyctl settings registration set --welcome-sms-template 'Karibu {name}! Your code is {customer_code}.'")]
    Set(RegistrationChange),
}

/// What changes of the rules.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = true)]
pub struct RegistrationChange {
    /// Whether people may register themselves
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub allow_self_registration: Option<bool>,
    /// Whether the phone must be proven
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub require_phone_verification: Option<bool>,
    /// Whether the e-mail address must be proven
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub require_email_verification: Option<bool>,
    /// Whether a national id number is asked for
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub require_id_number: Option<bool>,
    /// Whether proofs suffice and nobody needs to approve
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub auto_approve_customers: Option<bool>,
    /// How a new customer stands otherwise: pending, active or suspended
    #[arg(long, value_enum)]
    pub default_customer_status: Option<CustomerState>,
    /// Text message after registration, with {name} and {customer_code}; empty for none
    #[arg(long, value_name = "TEXT")]
    pub welcome_sms_template: Option<String>,
}

/// How a balance is ended.
#[derive(ClapArgs, Debug)]
pub struct Withdraw {
    /// Id or code of the customer
    pub customer: String,
    /// Whole shillings; all of it when absent
    pub amount: Option<u32>,
    /// Why
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    pub again: Again,
}

/// In which form a statement is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FileKind {
    /// For a spreadsheet
    Csv,
    /// To be printed
    Pdf,
}
