//! Every movement of a customer's account in some days, with opening and closing balance: as entries, as CSV, and on paper. Reads;
//! decides nothing. Entries stand on the day on which they were booked.

use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::papers::{issuer, whom};
use crate::calendar::{Days, day_of};
use crate::clock::{Time, in_kenya};
use crate::csv;
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, IspId};
use crate::isp;
use crate::money::Money;
use crate::paper::{Column, Paper};

/// The most entries of one statement.
const ENTRIES_MAX: usize = 2_000;

#[derive(Clone, Debug, diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamptz)]
    at: Time,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    amount: Money,
    #[diesel(sql_type = Text)]
    receipt: String,
    #[diesel(sql_type = Text)]
    invoice: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    received_at: Option<Time>,
}

/// One movement.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it was booked.
    pub at: Time,
    /// What it is, in words.
    pub what: String,
    /// The receipt of M-Pesa or of the ISP; empty where there is none.
    pub receipt: String,
    /// + came in, - was used or taken back.
    pub amount: Money,
    /// The balance after it.
    pub balance: Money,
}

/// A statement: `opening` and all amounts sum to `closing`.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Whose.
    pub customer: CustomerId,
    /// Which days.
    pub days: Days,
    /// The balance when they begin.
    pub opening: Money,
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// The balance when they end.
    pub closing: Money,
}

/// What is in the account when the days begin: what is in it now, less what was booked since. One statement, so that nothing comes between.
const OPENING: &str = "
    SELECT (coalesce((SELECT a.balance_minor FROM tenant.customer_account a WHERE a.tenant_id = $1 AND a.customer_id = $2), 0)
          - coalesce((SELECT sum(e.amount_minor) FROM tenant.customer_entry e
              WHERE e.tenant_id = $1 AND e.customer_id = $2 AND e.id >= public.earliest_id($3)), 0))::bigint AS opening";

const ENTRIES: &str = "
    SELECT e.created_at AS at, e.kind::text AS kind, e.amount_minor::bigint AS amount, coalesce(p.mpesa_receipt, o.receipt_number, '') AS receipt,
           coalesce(i.invoice_number, '') AS invoice, o.received_at
    FROM tenant.customer_entry e
    LEFT JOIN tenant.payment p ON p.tenant_id = e.tenant_id AND p.id = e.payment_id
    LEFT JOIN tenant.offline_payment o ON o.tenant_id = e.tenant_id AND o.id = e.offline_payment_id
    LEFT JOIN tenant.invoice i ON i.tenant_id = e.tenant_id AND i.id = e.invoice_id
    WHERE e.tenant_id = $1 AND e.customer_id = $2 AND e.id >= public.earliest_id($3) AND e.id < public.earliest_id($4)
    ORDER BY e.id LIMIT $5";

#[derive(diesel::QueryableByName)]
struct Opening {
    #[diesel(sql_type = BigInt)]
    opening: Money,
}

/// The statement of a customer. Errors: NOT_FOUND, INVALID_ARGUMENT when there are more entries than one statement shows.
pub async fn statement(tx: &mut Tx, isp: IspId, of: CustomerId, days: Days) -> Result<Statement> {
    let customer = customer::get(tx, isp, of).await?.id;
    let begin = days.begin();
    let found = diesel::sql_query(OPENING).bind::<SqlUuid, _>(isp).bind::<SqlUuid, _>(customer).bind::<Timestamptz, _>(begin);
    let found: Opening = found.get_result(&mut **tx).await?;
    let most = i64::try_from(ENTRIES_MAX).map_err(Error::internal)? + 1;
    let rows: Vec<Row> = diesel::sql_query(ENTRIES)
        .bind::<SqlUuid, _>(isp)
        .bind::<SqlUuid, _>(customer)
        .bind::<Timestamptz, _>(begin)
        .bind::<Timestamptz, _>(days.end())
        .bind::<BigInt, _>(most)
        .load(&mut **tx)
        .await?;
    if rows.len() > ENTRIES_MAX {
        return Err(Error::field("from", format!("must be later: there are more than {ENTRIES_MAX} entries")));
    }
    carry(customer, days, found.opening, rows).ok_or_else(|| Error::internal("a balance that does not fit"))
}

/// Carries the balance from entry to entry.
fn carry(customer: CustomerId, days: Days, opening: Money, rows: Vec<Row>) -> Option<Statement> {
    let mut balance = opening;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        balance = balance.checked_add(row.amount)?;
        entries.push(Entry { at: row.at, what: words(&row), receipt: row.receipt, amount: row.amount, balance });
    }
    Some(Statement { customer, days, opening, entries, closing: balance })
}

fn words(row: &Row) -> String {
    let comes = row.amount >= Money::ZERO;
    match row.kind.as_str() {
        "PAYMENT" => "Payment by M-Pesa".to_owned(),
        "CASH" => match row.received_at {
            Some(received) if day_of(received) != day_of(row.at) => format!("Payment to the provider, of {}", in_kenya(received).format("%-d %B %Y")),
            _ => "Payment to the provider".to_owned(),
        },
        "INVOICE" => format!("Invoice {}", row.invoice),
        "RETURN" => format!("Invoice {}, taken back", row.invoice),
        "RECHARGE" => "Internet at home".to_owned(),
        "PRORATION" => "Time that was not used".to_owned(),
        "VOID" => "Payment to the provider, taken back".to_owned(),
        "REFUND" if comes => "Refund that did not arrive".to_owned(),
        "REFUND" => "Refund".to_owned(),
        "WRITE_OFF" if comes => "Debt forgiven".to_owned(),
        "WRITE_OFF" => "Balance written off".to_owned(),
        "PAID_BACK" => "Balance paid back".to_owned(),
        _ => "Correction".to_owned(),
    }
}

/// As CSV.
pub fn csv(of: &Statement) -> String {
    let head = ["time", "what", "receipt", "amount", "balance"].map(str::to_owned);
    let edge = |at: Time, what: &str, balance: Money| csv::row([csv::time(Some(at)), what.to_owned(), String::new(), String::new(), csv::amount(balance)]);
    let mut file = csv::row(head);
    file.push_str(&edge(of.days.begin(), "Opening balance", of.opening));
    for entry in &of.entries {
        let cells = [csv::time(Some(entry.at)), csv::text(&entry.what), csv::text(&entry.receipt), csv::amount(entry.amount), csv::amount(entry.balance)];
        file.push_str(&csv::row(cells));
    }
    file.push_str(&edge(of.days.end(), "Closing balance", of.closing));
    file
}

/// On paper, by the ISP.
pub async fn paper(tx: &mut Tx, isp: IspId, of: &Statement) -> Result<Paper> {
    let person = customer::person(tx, isp, of.customer).await?;
    let day = |day: chrono::NaiveDate| day.format("%-d %B %Y").to_string();
    let mut rows = vec![vec![String::new(), "Opening balance".to_owned(), String::new(), String::new(), of.opening.to_string()]];
    let row = |entry: &Entry| {
        let at = in_kenya(entry.at).format("%d %b %Y %H:%M").to_string();
        vec![at, entry.what.clone(), entry.receipt.clone(), entry.amount.to_string(), entry.balance.to_string()]
    };
    rows.extend(of.entries.iter().map(row));
    let sum = |comes: bool| of.entries.iter().filter(|entry| (entry.amount >= Money::ZERO) == comes).map(|entry| entry.amount.minor()).sum::<i64>();
    let column = |title: &'static str, width: f32, right: bool| Column { title, width, right };
    Ok(Paper {
        issuer: issuer(tx, isp).await?,
        title: "Statement".to_owned(),
        number: person.customer.customer_code.clone(),
        facts: vec![("For".to_owned(), whom(&person)), ("From".to_owned(), day(of.days.first)), ("To".to_owned(), day(of.days.last))],
        columns: vec![
            column("When", 2.0, false),
            column("What", 3.4, false),
            column("Receipt", 1.6, false),
            column("Amount, KES", 1.6, true),
            column("Balance, KES", 1.6, true),
        ],
        rows,
        totals: vec![
            ("Came in".to_owned(), format!("KES {}", Money::from_minor(sum(true)))),
            ("Used".to_owned(), format!("KES {}", Money::from_minor(sum(false)))),
            ("Closing balance".to_owned(), format!("KES {}", of.closing)),
        ],
        notes: vec!["What you have with your provider. Below nothing, it is owed. Times are of Nairobi.".to_owned()],
        stamp: None,
        check: None,
    })
}

/// A name for its file, without the ending: `yellow-CUST-0001-2026-11-01-2026-11-30`.
pub async fn file_name(tx: &mut Tx, isp: IspId, of: &Statement) -> Result<String> {
    let code = customer::get(tx, isp, of.customer).await?.customer_code;
    Ok(format!("{}-{code}-{}-{}", isp::label(tx, isp).await?, of.days.first, of.days.last))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(kind: &str, amount: i64) -> Row {
        let at = Time::from_timestamp(1_790_000_000, 0).expect("a time");
        Row { at, kind: kind.into(), amount: Money::from_minor(amount), receipt: "=RCT".into(), invoice: "INV-000001".into(), received_at: None }
    }

    proptest! {
        #[test]
        fn opening_and_entries_sum_to_closing(opening in -1_000_000i64..1_000_000, amounts in proptest::collection::vec(-1_000_000i64..1_000_000, 0..40)) {
            let days = Days::read("2026-11-01", "2026-11-30", Time::from_timestamp(1_800_000_000, 0).expect("a time")).expect("days");
            let rows = amounts.iter().map(|amount| row(if *amount < 0 { "INVOICE" } else { "PAYMENT" }, *amount)).collect();
            let of = carry(CustomerId::unguessable(), days, Money::from_minor(opening), rows).expect("it fits");
            prop_assert_eq!(of.opening.minor() + of.entries.iter().map(|entry| entry.amount.minor()).sum::<i64>(), of.closing.minor());
            let file = csv(&of);
            prop_assert_eq!(file.lines().count(), amounts.len() + 3);
            prop_assert!(!file.contains(",=RCT"), "{}", file);
            prop_assert!(file.trim_end().ends_with(&csv::amount(of.closing)));
        }
    }
}
