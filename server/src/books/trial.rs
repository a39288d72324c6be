//! The trial balance of a month: each account of the platform and of each ISP, with what it began with, what was debited and credited, and
//! what it ended with. Read in one statement; nothing is decided.

use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::calendar::Month;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::money::Money;

crate::text_enum! {
    /// Which book a line is of.
    pub enum Book {
        /// The double-entry ledger: its lines sum to nothing.
        Ledger = "LEDGER",
        /// What ISPs' customers have with them, by kind of movement.
        Customers = "CUSTOMERS",
        /// What ISPs took themselves.
        Cash = "CASH",
    }
}

/// An account of an ISP, or of the platform.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct Line {
    /// Whose; the platform's own are its ISP.
    #[diesel(sql_type = SqlUuid)]
    pub isp_id: IspId,
    /// Its subdomain.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Which book.
    #[diesel(sql_type = Text)]
    pub book: Book,
    /// The account, or the kind of movement.
    #[diesel(sql_type = Text)]
    pub account: String,
    /// What it began with: + is a debit, - a credit.
    #[diesel(sql_type = BigInt)]
    pub opening: Money,
    /// What was debited, or came in.
    #[diesel(sql_type = BigInt)]
    pub debit: Money,
    /// What was credited, or went; not below nothing.
    #[diesel(sql_type = BigInt)]
    pub credit: Money,
}

impl Line {
    /// What it ended with.
    pub fn balance(&self) -> Money {
        Money::from_minor(self.opening.minor() + self.debit.minor() - self.credit.minor())
    }
}

/// The accounts of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalance {
    /// Which month.
    pub month: Month,
    /// By ISP, book and account.
    pub lines: Vec<Line>,
}

impl TrialBalance {
    /// The ledger's opening balances, debits, credits and balances, summed: nothing, two equal sums, and nothing.
    pub fn totals(&self) -> [Money; 4] {
        let sum = |of: fn(&Line) -> Money| Money::from_minor(self.lines.iter().filter(|line| line.book == Book::Ledger).map(|line| of(line).minor()).sum());
        [sum(|line| line.opening), sum(|line| line.debit), sum(|line| line.credit), sum(Line::balance)]
    }

    /// Whether the ledger balances.
    pub fn balances(&self) -> bool {
        let [opening, debit, credit, balance] = self.totals();
        opening == Money::ZERO && balance == Money::ZERO && debit == credit
    }
}

const TRIAL: &str = "
    SELECT m.isp_id, i.slug, m.book, m.account, coalesce(sum(m.amount_minor) FILTER (WHERE m.at < $1), 0)::bigint AS opening,
           coalesce(sum(m.amount_minor) FILTER (WHERE m.at >= $1 AND m.amount_minor > 0), 0)::bigint AS debit,
           coalesce(-sum(m.amount_minor) FILTER (WHERE m.at >= $1 AND m.amount_minor < 0), 0)::bigint AS credit
    FROM public.book_movement m JOIN public.isp i ON i.id = m.isp_id WHERE m.at < $2
    GROUP BY 1, 2, 3, 4 ORDER BY i.slug, array_position(ARRAY['LEDGER', 'CUSTOMERS', 'CASH'], m.book), m.account";

/// The trial balance of a month, for a look across.
pub async fn trial_balance(tx: &mut Tx, month: Month) -> Result<TrialBalance> {
    let (begin, end): (Time, Time) = (month.begin(), month.end());
    let lines = diesel::sql_query(TRIAL).bind::<Timestamptz, _>(begin).bind::<Timestamptz, _>(end).load(&mut **tx).await?;
    Ok(TrialBalance { month, lines })
}
