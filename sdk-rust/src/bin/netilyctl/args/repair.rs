//! Putting money right.

use clap::{Args as ClapArgs, Subcommand};

use super::Limit;

/// Commands on money that came in or went out without an owner.
#[derive(Debug, Subcommand)]
pub enum CollectionCommand {
    /// List money without a place: unmatched, in suspense, or said to be a payment that nobody believes
    Unmatched {
        #[command(flatten)]
        limit: Limit,
    },
    /// Give money that came in its owner (two operators above the configured sum)
    #[command(after_help = "\
Examples:
  netilyctl collection adopt N6Y75QD7KO --isp yellow --payment pay_… --note 'The customer showed the message'
  netilyctl collection adopt N6Y75QD7KO --isp yellow --customer cus_… --note 'Paid by hand to the paybill'
  netilyctl collection adopt N6Y75QD7KO --suspense --note 'Asked the payment company whose it is'
  netilyctl collection adopt pay_… --isp yellow --payment pay_… --note 'The statement shows this receipt'")]
    Adopt {
        /// As `collection unmatched` names it
        reference: String,
        /// Id or subdomain of the owner's ISP
        #[arg(long, default_value = "", hide_default_value = true)]
        isp: String,
        #[command(flatten)]
        owner: Owner,
        /// How you know
        #[arg(long)]
        note: String,
    },
    /// Say that money belongs to nobody, or that an answer about a payment is not to be believed
    WriteOff {
        /// As `collection unmatched` names it
        reference: String,
        /// How you know
        #[arg(long)]
        note: String,
    },
}

/// Whose money it is.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = false)]
pub struct Owner {
    /// A payment, pay_…, of the same amount
    #[arg(long, value_name = "PAYMENT", requires = "isp")]
    pub payment: Option<String>,
    /// A customer, cus_…: it becomes a recharge
    #[arg(long, value_name = "CUSTOMER", requires = "isp")]
    pub customer: Option<String>,
    /// A guest's purchase, hss_…
    #[arg(long, value_name = "SESSION", requires = "isp")]
    pub session: Option<String>,
    /// Nobody's yet
    #[arg(long)]
    pub suspense: bool,
}

/// Commands on Netily's own books.
#[derive(Debug, Subcommand)]
pub enum RepairCommand {
    /// List what operators put right, newest first
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Correct what an ISP is owed (two operators)
    Adjust {
        /// Id or subdomain of the ISP
        isp: String,
        /// In shillings, such as 12.50; with a minus in Netily's favour
        #[arg(allow_hyphen_values = true, value_parser = cents)]
        amount: i64,
        /// Why; the ISP reads it
        #[arg(long)]
        note: String,
    },
    /// Book Netily's own money into the wallet (float) or out of it (commission) (two operators)
    OwnerMovement {
        #[command(flatten)]
        way: Way,
        /// The gateway's reference of the row that shows it, if it stands open as unmatched
        #[arg(long, default_value = "", hide_default_value = true)]
        reference: String,
        /// What it was
        #[arg(long)]
        note: String,
    },
    /// List what waits for a second operator
    Approvals,
    /// Take back what waits for a second operator
    Withdraw {
        /// Id, row_…
        id: String,
    },
}

/// Which way, and how much.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = false)]
pub struct Way {
    /// So many shillings went into the wallet
    #[arg(long = "in", value_name = "SHILLINGS", value_parser = cents)]
    pub into: Option<i64>,
    /// So many shillings went out of it
    #[arg(long, value_name = "SHILLINGS", value_parser = cents)]
    pub out: Option<i64>,
}

/// Shillings such as `12.50`, `-3` or `1000`, in cents.
pub fn cents(text: &str) -> Result<i64, String> {
    const WANTED: &str = "must be shillings, such as 12.50";
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "00"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(part) || part.len() > 2 {
        return Err(WANTED.to_owned());
    }
    let minor = format!("{whole}{part:0<2}").parse::<i64>().map_err(|_| WANTED.to_owned())?;
    Ok(sign * minor)
}

#[cfg(test)]
mod tests {
    use super::cents;

    #[test]
    fn shillings_are_read_to_the_cent() {
        for (text, minor) in [("12.50", 1_250), ("12.5", 1_250), ("1000", 100_000), ("-0.05", -5)] {
            assert_eq!(cents(text), Ok(minor), "{text}");
        }
        for text in ["", "-", "12.", ".5", "1,000", "12.345", "1e3", "KES 5"] {
            assert!(cents(text).is_err(), "{text}");
        }
    }
}
