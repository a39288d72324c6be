//! The command line of people, passwords, sign-ins, keys and the audit log.

use clap::{Subcommand, ValueEnum};

use super::{Again, Limit};

/// Commands on the people who work for an ISP.
#[derive(Debug, Subcommand)]
pub enum StaffCommand {
    /// List who works for the ISP, newest first, also who was removed
    List(Limit),
    /// Invite somebody by e-mail; the link is good for 24 hours and one use (owners)
    #[command(after_help = "\
Examples:
  netilyctl staff invite asha@yellow.test --first-name Asha --last-name Wanjiru
  netilyctl staff invite otieno@yellow.test --first-name Otieno --last-name Were --role owner

Whoever was removed may be invited again, and chooses a new password.")]
    Invite {
        /// E-mail address: where the invitation goes, and the identifier to sign in with
        email: String,
        /// Given name
        #[arg(long)]
        first_name: String,
        /// Family name
        #[arg(long)]
        last_name: String,
        /// What they will be able to do
        #[arg(long, value_enum, default_value = "staff")]
        role: Role,
        #[command(flatten)]
        again: Again,
    },
    /// Send an invitation again; the link before is void (owners)
    Resend {
        /// Id of the person, usr_…
        id: String,
    },
    /// Change what somebody may do, at once (owners)
    #[command(after_help = "Example:\n  netilyctl staff role usr_0197c5a0-… owner")]
    Role {
        /// Id of the person, usr_…
        id: String,
        /// What they shall be able to do
        #[arg(value_enum)]
        role: Role,
    },
    /// Shut somebody out: every sign-in ends at once, and an open invitation is void (owners)
    Remove {
        /// Id of the person, usr_…
        id: String,
    },
}

/// What somebody who works for an ISP may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Role {
    /// The daily work
    Staff,
    /// The daily work, and the ISP's money and people
    Owner,
}

/// Commands on one's own password.
#[derive(Debug, Subcommand)]
pub enum PasswordCommand {
    /// Choose a new password by the current one; every other sign-in ends
    ///
    /// The current password comes from NETILY_PASSWORD and the new one from NETILY_NEW_PASSWORD, or both from prompts or the
    /// first two lines of standard input.
    Change,
    /// Ask for a code with which a new password can be chosen; needs no sign-in
    #[command(after_help = "\
Example:
  netilyctl --tenant yellow password forgot 0712345678
  netilyctl --tenant yellow password reset 0712345678")]
    Forgot {
        /// E-mail address or phone number
        identifier: String,
    },
    /// Choose a new password by the code that was sent; every sign-in ends
    ///
    /// The code comes from NETILY_CODE and the new password from NETILY_NEW_PASSWORD, or both from prompts or the first two lines
    /// of standard input.
    Reset {
        /// E-mail address or phone number, as given to `password forgot`
        identifier: String,
    },
}

/// Commands on one's own sign-ins.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List your own sign-ins that still live, newest first
    List(Limit),
    /// End one of your own sign-ins
    End {
        /// Id of the sign-in, sgn_…
        id: String,
    },
    /// End every sign-in of yours but this one
    EndOthers,
}

/// Commands on the keys that sign access tokens.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a new key that signs from now on; no token that is good is refused
    ///
    /// The key before goes on verifying, and the one before that until its tokens have expired. Rotate twice, a quarter of an hour
    /// apart, to make a key that was seen by somebody worthless.
    Rotate,
}

/// Commands on the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List who did what, newest first
    #[command(after_help = "\
Examples:
  netilyctl audit list --isp yellow --act sign_in --limit 20
  netilyctl --json audit list --isp platform")]
    List {
        /// Only of this ISP, by id or slug; `platform` is the platform itself
        #[arg(long, default_value = "", hide_default_value = true)]
        isp: String,
        /// Only this act: sign_in, delay_sign_in, change_password, remove_staff, suspend_isp …
        #[arg(long, default_value = "", hide_default_value = true)]
        act: String,
        #[command(flatten)]
        limit: Limit,
    },
}
