//! Every movement of what Netily owes an ISP in a time, with opening and closing balance: as lines, and as CSV.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::clock::{Time, in_kenya};
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, LedgerId, PaymentId, RefundId, SettlementId};
use crate::money::Money;
use crate::paper::{Column, Issuer, Paper};

/// Lines that are read at once.
pub const PIECE: i64 = 1_000;

/// One movement. A credit is what the ISP earned, a debit what was set aside or paid.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Line {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    /// When it was booked.
    #[diesel(sql_type = Timestamptz)]
    pub at: Time,
    /// What it is, as the ledger calls it.
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = SqlUuid)]
    reference: Uuid,
    /// The receipt of M-Pesa, of the payment or of the settlement.
    #[diesel(sql_type = Text)]
    pub receipt: String,
    /// What was paid by a customer or guest; zero for anything else.
    #[diesel(sql_type = BigInt)]
    pub gross: Money,
    /// + more is owed, - less.
    #[diesel(sql_type = BigInt)]
    pub amount: Money,
}

impl Line {
    /// In words.
    pub fn words(&self) -> &'static str {
        match self.kind.as_str() {
            "PAYMENT_CREDIT" => "Payment received",
            "PAYOUT_RESERVE" => "Payout",
            "PAYOUT_RELEASE" => "Payout returned",
            "PAYOUT_LATE_SUCCESS" => "Payout paid after all",
            "WITHDRAWAL_FEE" => "Fee of a withdrawal",
            "REVERSAL" => "Payment taken back by M-Pesa",
            "REFUND" => "Refund to a payer",
            "REFUND_RETURNED" => "Refund returned",
            "REFUND_PAID_LATE" => "Refund paid after all",
            _ => "Correction",
        }
    }

    /// What it books: `pay_…`, `stl_…` or `rfd_…`.
    pub fn subject(&self) -> String {
        if self.kind == "REVERSAL" || self.kind.starts_with("REFUND") {
            RefundId::from(self.reference).to_string()
        } else if self.kind.starts_with("PAYOUT") || self.kind == "WITHDRAWAL_FEE" {
            SettlementId::from(self.reference).to_string()
        } else {
            PaymentId::from(self.reference).to_string()
        }
    }
}

/// The time that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// From this moment on.
    pub from: Time,
    /// Before this moment.
    pub to: Time,
}

const LINES: &str = "
    SELECT t.id, t.created_at AS at,
           CASE WHEN r.id IS NULL THEN t.kind::text WHEN t.kind = 'PAYOUT_RELEASE' THEN 'REFUND_RETURNED' WHEN t.kind = 'PAYOUT_LATE_SUCCESS' THEN 'REFUND_PAID_LATE'
             ELSE t.kind::text END AS kind,
           t.reference, coalesce(p.mpesa_receipt, q.mpesa_receipt, s.receipt, '') AS receipt,
           CASE WHEN t.kind = 'PAYMENT_CREDIT' THEN p.amount_minor::bigint ELSE 0 END AS gross, -e.amount_minor::bigint AS amount
    FROM tenant.ledger_transaction t
    JOIN tenant.ledger_entry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id AND e.account = 'ISP_PAYABLE'
    LEFT JOIN tenant.payment p ON p.tenant_id = t.tenant_id AND p.id = t.reference
    LEFT JOIN tenant.settlement s ON s.tenant_id = t.tenant_id AND s.id = t.reference
    LEFT JOIN tenant.refund r ON r.tenant_id = t.tenant_id AND r.id = t.reference
    LEFT JOIN tenant.payment q ON q.tenant_id = r.tenant_id AND q.id = r.payment_id
    WHERE t.tenant_id = $1 AND t.id > $2 AND t.id < $3
    ORDER BY t.id LIMIT $4";

/// At most a piece of the lines of a time, oldest first, after one that was read before.
pub async fn lines(tx: &mut Tx, isp: IspId, range: Range, after: Option<&Line>) -> Result<Vec<Line>> {
    // The first id of a moment belongs to it: one less is before.
    let first = Uuid::from_u128(LedgerId::earliest(range.from).uuid().as_u128() - 1);
    Ok(diesel::sql_query(LINES)
        .bind::<SqlUuid, _>(isp)
        .bind::<SqlUuid, _>(after.map_or(first, |line| line.id))
        .bind::<SqlUuid, _>(LedgerId::earliest(range.to))
        .bind::<BigInt, _>(PIECE)
        .load(&mut **tx)
        .await?)
}

/// What was owed at a moment: what is owed now, less what was booked since.
pub async fn owed_at(tx: &mut Tx, isp: IspId, at: Time) -> Result<Money> {
    #[derive(diesel::QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        owed: Money,
    }
    const OWED: &str = "
        SELECT (coalesce((SELECT -b.balance_minor FROM tenant.ledger_balance b WHERE b.tenant_id = $1 AND b.account = 'ISP_PAYABLE'), 0)
              + coalesce((SELECT sum(e.amount_minor) FROM tenant.ledger_transaction t JOIN tenant.ledger_entry e
                  ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id AND e.account = 'ISP_PAYABLE'
                  WHERE t.tenant_id = $1 AND t.id >= $2), 0))::bigint AS owed";
    let sum: Sum = diesel::sql_query(OWED).bind::<SqlUuid, _>(isp).bind::<SqlUuid, _>(LedgerId::earliest(at)).get_result(&mut **tx).await?;
    Ok(sum.owed)
}

/// The head of the CSV. Times are of Nairobi; amounts are shillings with two decimals, no grouping, so that programs read them.
pub fn csv_head(opening: Money, range: Range) -> String {
    let mut head = "time,what,reference,receipt,gross,amount,balance\r\n".to_owned();
    let _ = write!(head, "{},Opening balance,,,,,{}\r\n", time(range.from), plain(opening));
    head
}

/// Lines as CSV; `balance` is carried from line to line.
pub fn csv_lines(lines: &[Line], balance: &mut Money) -> String {
    let mut text = String::with_capacity(lines.len() * 96);
    for line in lines {
        *balance = balance.checked_add(line.amount).unwrap_or(*balance);
        let gross = if line.gross == Money::ZERO { String::new() } else { plain(line.gross) };
        let _ = write!(text, "{},{},{},{},{gross},{},{}\r\n", time(line.at), line.words(), line.subject(), line.receipt, plain(line.amount), plain(*balance));
    }
    text
}

/// The last line of the CSV.
pub fn csv_foot(closing: Money, range: Range) -> String {
    format!("{},Closing balance,,,,,{}\r\n", time(range.to), plain(closing))
}

fn time(at: Time) -> String {
    in_kenya(at).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// `1500.00`
fn plain(amount: Money) -> String {
    amount.to_string().replace(',', "")
}

/// The statement to be printed.
pub fn paper(lines: &[Line], opening: Money, range: Range, isp: &str) -> Paper {
    let stamp = |at: Time| in_kenya(at).format("%d %b %H:%M").to_string();
    let day = |at: Time| in_kenya(at).format("%-d %B %Y, %H:%M").to_string();
    let mut balance = opening;
    let (mut credited, mut paid) = (Money::ZERO, Money::ZERO);
    let mut rows = vec![vec![stamp(range.from), "Opening balance".to_owned(), String::new(), String::new(), opening.to_string()]];
    for line in lines {
        balance = balance.checked_add(line.amount).unwrap_or(balance);
        let sum = if line.kind == "PAYMENT_CREDIT" { &mut credited } else { &mut paid };
        *sum = sum.checked_add(line.amount).unwrap_or(*sum);
        let what = if line.gross == Money::ZERO { line.words().to_owned() } else { format!("{} of KES {}", line.words(), line.gross) };
        rows.push(vec![stamp(line.at), what, line.receipt.clone(), line.amount.to_string(), balance.to_string()]);
    }
    let title = |name: &'static str, width: f32, right: bool| Column { title: name, width, right };
    Paper {
        issuer: Issuer { name: "Netily".to_owned(), color: "#0b7285".to_owned(), lines: vec![format!("Statement of {isp}")] },
        title: "Statement".to_owned(),
        number: format!("{} movements", lines.len()),
        facts: vec![("From".to_owned(), day(range.from)), ("To".to_owned(), day(range.to))],
        columns: vec![
            title("When", 1.6, false),
            title("What", 3.6, false),
            title("Receipt", 1.7, false),
            title("Amount, KES", 1.6, true),
            title("Balance, KES", 1.6, true),
        ],
        rows,
        totals: vec![
            ("Your part of payments".to_owned(), format!("KES {credited}")),
            ("Payouts and returns".to_owned(), format!("KES {paid}")),
            ("Closing balance".to_owned(), format!("KES {balance}")),
        ],
        notes: vec!["What Netily owes you: your part of what was paid, less what was paid out to you. Times are of Nairobi.".to_owned()],
        stamp: None,
        check: None,
    }
}
