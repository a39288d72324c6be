//! Follows a payment or a settlement from end to end: prompt, callbacks, what the gateway said, the books, the settlement that carried it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, PaymentId, RefundId, SettlementId};
use crate::money::Money;
use crate::payments::store as payments;
use crate::schema::refund;
use crate::settlement::Settlement;
use crate::settlement::store as settlements;

/// One thing that happened.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Step {
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: Time,
    /// What it is.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// In words.
    #[diesel(sql_type = Text)]
    pub text: String,
    /// Its own name.
    #[diesel(sql_type = Text)]
    pub reference: String,
    /// The money it is about.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub amount: Option<Money>,
}

/// The way of some money.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Whose.
    pub isp: IspId,
    /// Oldest first.
    pub steps: Vec<Step>,
    /// In a line.
    pub summary: String,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A payment.
    Payment(PaymentId),
    /// A settlement.
    Settlement(SettlementId),
    /// Money that went back: its payment.
    Refund(RefundId),
    /// A receipt of M-Pesa, of either.
    Receipt(String),
}

impl std::str::FromStr for Wanted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Wanted, Self::Err> {
        const WANTED: &str = "must be pay_…, stl_…, rfd_…, or a receipt of M-Pesa";
        if text.starts_with(PaymentId::PREFIX) {
            return text.parse().map(Wanted::Payment).map_err(|_| WANTED);
        }
        if text.starts_with(SettlementId::PREFIX) {
            return text.parse().map(Wanted::Settlement).map_err(|_| WANTED);
        }
        if text.starts_with(RefundId::PREFIX) {
            return text.parse().map(Wanted::Refund).map_err(|_| WANTED);
        }
        let receipt = text.trim().to_ascii_uppercase();
        let fits = (6..=40).contains(&receipt.len()) && receipt.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.'));
        if fits { Ok(Wanted::Receipt(receipt)) } else { Err(WANTED) }
    }
}

/// Follows it. `of`: only when it is this ISP's; anybody else's is `NOT_FOUND`.
pub async fn trace(app: &App, of: Option<IspId>, wanted: &Wanted) -> Result<Trace> {
    let missing = || Error::not_found("payment, settlement or receipt");
    let (isp, subject) = app
        .db
        .across(async |tx| match wanted {
            Wanted::Payment(id) => Ok((owner(tx, id.uuid()).await?, id.uuid())),
            Wanted::Settlement(id) => Ok((owner(tx, id.uuid()).await?, id.uuid())),
            Wanted::Refund(id) => {
                let of: Option<(IspId, Uuid)> =
                    refund::table.filter(refund::id.eq(id)).select((refund::tenant_id, refund::payment_id)).first(&mut **tx).await.optional()?;
                Ok(of.map_or((None, Uuid::nil()), |(isp, payment)| (Some(isp), payment)))
            }
            Wanted::Receipt(receipt) => match payments::key_owner(tx, payments::KeyKind::Receipt, receipt).await? {
                Some((isp, subject)) => Ok((Some(isp), subject)),
                None => Ok((None, Uuid::nil())),
            },
        })
        .await?;
    let isp = isp.filter(|isp| of.is_none_or(|of| of == *isp)).ok_or_else(missing)?;
    app.db.tx(isp, async |tx| follow(tx, isp, subject).await).await
}

async fn owner(tx: &mut Tx, subject: Uuid) -> Result<Option<IspId>> {
    #[derive(diesel::QueryableByName)]
    struct Of {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: IspId,
    }
    const OWNER: &str = "SELECT tenant_id FROM tenant.payment WHERE id = $1 UNION ALL SELECT tenant_id FROM tenant.settlement WHERE id = $1 LIMIT 1";
    let rows: Vec<Of> = diesel::sql_query(OWNER).bind::<SqlUuid, _>(subject).load(&mut **tx).await?;
    Ok(rows.as_slice().first().map(|of| of.tenant_id))
}

/// Everything that is written about a payment or settlement. Phones are masked as everywhere.
const STEPS: &str = "
    SELECT * FROM (
      SELECT p.created_at AS at, 'payment' AS kind, format('%s asked of %s••••%s, commission %s bp', lower(p.purpose::text), left(p.phone::text, 5), right(p.phone::text, 3), p.commission_bps) AS text,
             'pay_' || replace(p.id::text, '-', '') AS reference, p.amount_minor::bigint AS amount, 1 AS place
      FROM tenant.payment p WHERE p.tenant_id = $1 AND p.id = $2
      UNION ALL
      SELECT p.submitted_at, 'prompt', 'The prompt was sent to the phone', coalesce(p.gateway_reference, p.external_reference), p.amount_minor::bigint, 2
      FROM tenant.payment p WHERE p.tenant_id = $1 AND p.id = $2 AND p.submitted_at IS NOT NULL
      UNION ALL
      SELECT p.completed_at, 'payment', 'The payment is ' || lower(p.state::text), coalesce(p.mpesa_receipt, ''), p.amount_minor::bigint, 6
      FROM tenant.payment p WHERE p.tenant_id = $1 AND p.id = $2 AND p.completed_at IS NOT NULL
      UNION ALL
      SELECT w.received_at, 'callback', format('A callback came%s. %s', CASE WHEN w.deliveries > 1 THEN format(' %s times', w.deliveries) ELSE '' END,
             CASE w.state::text WHEN 'RECEIVED' THEN 'It waits to be checked.' WHEN 'APPLIED' THEN w.note ELSE initcap(w.state::text) || ': ' || w.note END), 'whd_' || replace(w.id::text, '-', ''), w.named_minor, 3
      FROM public.webhook_delivery w WHERE w.payment_id = $2 AND w.isp_id = $1
      UNION ALL
      SELECT o.observed_at, 'observation', format('The gateway says %s (%s)', lower(o.status::text), lower(o.source::text)), coalesce(o.receipt, ''), o.amount_minor, 4
      FROM tenant.gateway_observation o WHERE o.tenant_id = $1 AND o.payment_id = $2
      UNION ALL
      SELECT t.created_at, 'ledger', format('%s: %s', lower(replace(t.kind::text, '_', ' ')),
             (SELECT string_agg(format('%s %s', lower(replace(e.account::text, '_', ' ')), to_char(e.amount_minor / 100.0, 'FM999,999,999,990.00')), ', ' ORDER BY e.line)
              FROM tenant.ledger_entry e WHERE e.tenant_id = t.tenant_id AND e.transaction_id = t.id)),
             'led_' || replace(t.id::text, '-', ''), NULL::bigint, 5
      FROM tenant.ledger_transaction t
      WHERE t.tenant_id = $1 AND t.reference IN (SELECT $2 UNION ALL SELECT r.id FROM tenant.refund r WHERE r.tenant_id = $1 AND r.payment_id = $2)
      UNION ALL
      SELECT r.created_at, 'refund', format('%s. %s', CASE r.kind WHEN 'REVERSAL' THEN 'The gateway took it back' WHEN 'BY_HAND' THEN 'Given back by hand' ELSE 'Given back by the gateway: ' || lower(r.state) END,
             r.note), 'rfd_' || replace(r.id::text, '-', ''), -r.amount_minor, 6
      FROM tenant.refund_seen r WHERE r.tenant_id = $1 AND (r.payment_id = $2 OR r.id = $2)
      UNION ALL
      SELECT s.created_at, 'settlement', format('%s of %s, part %s, to %s', CASE s.kind WHEN 'TEST' THEN 'Test payment' WHEN 'REFUND' THEN 'Refund' ELSE 'Settlement' END, s.period, s.part,
             CASE s.payout_method WHEN 'MPESA_B2C' THEN left(s.phone, 5) || '••••' || right(s.phone, 3) ELSE 'bank ' || s.bank_code || ' •••' || right(s.account, 4) END),
             'stl_' || replace(s.id::text, '-', ''), s.amount_minor, 1
      FROM tenant.settlement s WHERE s.tenant_id = $1 AND s.id = $2
      UNION ALL
      SELECT a.sent_at, 'attempt', format('Sent to the gateway: %s %s', lower(a.outcome), a.detail), coalesce(s.gateway_reference, s.external_reference), s.amount_minor, 2
      FROM tenant.settlement_attempt a JOIN tenant.settlement s ON s.tenant_id = a.tenant_id AND s.id = a.settlement_id
      WHERE a.tenant_id = $1 AND a.settlement_id = $2
      UNION ALL
      SELECT r.at, 'review', format('An operator says %s: %s', lower(replace(r.outcome, '_', ' ')), r.note), r.receipt, NULL, 6
      FROM tenant.settlement_review r WHERE r.tenant_id = $1 AND r.settlement_id = $2
      UNION ALL
      SELECT s.completed_at, 'settlement', format('The settlement is %s. %s', lower(s.state), s.failure_reason), s.receipt, s.amount_minor, 7
      FROM tenant.settlement s WHERE s.tenant_id = $1 AND s.id = $2 AND s.completed_at IS NOT NULL
      UNION ALL
      SELECT b.opened_at, 'break', format('%s%s', replace(b.kind, '_', ' '), coalesce(', closed: ' || b.closed_reason, ', open')), 'row_' || replace(b.id::text, '-', ''), b.amount_minor, 8
      FROM public.reconciliation_break b WHERE b.isp_id = $1
        AND (b.reference = $2::text OR (b.kind = 'reversal_seen' AND b.detail ->> 'payment' = 'pay_' || replace($2::text, '-', '')))
      UNION ALL
      SELECT b.opened_at, 'break', format('%s%s', replace(b.kind, '_', ' '), coalesce(', closed: ' || b.closed_reason, ', open')), b.reference, b.amount_minor, 8
      FROM tenant.payment p JOIN public.reconciliation_break b ON b.reference = p.gateway_reference AND b.kind = 'unmatched_collection'
      WHERE p.tenant_id = $1 AND p.id = $2
      UNION ALL
      SELECT r.at, 'repair', format('%s by %s operator(s): %s', lower(replace(r.kind, '_', ' ')), cardinality(r.operators), r.note), coalesce(r.gateway_reference, ''), r.amount_minor, 9
      FROM public.repair r WHERE r.payment_id = $2
    ) x ORDER BY at, place";

/// Everything that happened to one payment or settlement.
pub async fn steps(tx: &mut Tx, isp: IspId, subject: Uuid) -> Result<Vec<Step>> {
    Ok(diesel::sql_query(STEPS).bind::<SqlUuid, _>(isp).bind::<SqlUuid, _>(subject).load(&mut **tx).await?)
}

async fn follow(tx: &mut Tx, isp: IspId, subject: Uuid) -> Result<Trace> {
    let mut found = steps(tx, isp, subject).await?;
    if let Some(settlement) = settlements::find(tx, isp, subject.into()).await? {
        let summary = format!("{} of KES {} is {}{}", settlement.id, settlement.amount_minor, settlement.state()?.as_str(), receipt_words(&settlement.receipt));
        return Ok(Trace { isp, steps: found, summary });
    }
    let Some(payment) = payments::find(tx, isp, subject.into()).await? else { return Err(Error::not_found("payment")) };
    let paid = format!(
        "{} of KES {} is {}{}",
        payment.id,
        payment.amount,
        payment.state.as_str(),
        receipt_words(payment.mpesa_receipt.as_deref().unwrap_or_default())
    );
    let carried = carrier(tx, isp, subject).await?;
    let summary = match &carried {
        Some(settlement) => format!("{paid}; settled by {}, {}{}", settlement.id, settlement.state()?.as_str(), receipt_words(&settlement.receipt)),
        None if found.iter().any(|step| step.text.starts_with("payment credit")) => format!("{paid}; not settled yet"),
        None => paid,
    };
    if let Some(settlement) = carried {
        found.extend(steps(tx, isp, settlement.id.uuid()).await?);
    }
    Ok(Trace { isp, steps: found, summary })
}

fn receipt_words(receipt: &str) -> String {
    if receipt.is_empty() { String::new() } else { format!(", receipt {receipt}") }
}

/// The settlement in whose time a payment was credited.
async fn carrier(tx: &mut Tx, isp: IspId, payment: Uuid) -> Result<Option<Settlement>> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        id: SettlementId,
    }
    const CARRIER: &str = "
        SELECT s.id FROM tenant.ledger_transaction t JOIN tenant.settlement s ON s.tenant_id = t.tenant_id AND s.kind = 'SETTLEMENT'
          AND t.created_at < s.covers_until AND (s.covers_from IS NULL OR t.created_at >= s.covers_from)
        WHERE t.tenant_id = $1 AND t.reference = $2 AND t.kind = 'PAYMENT_CREDIT'
        ORDER BY (s.state = 'FAILED'), s.created_at LIMIT 1";
    let rows: Vec<Found> = diesel::sql_query(CARRIER).bind::<SqlUuid, _>(isp).bind::<SqlUuid, _>(payment).load(&mut **tx).await?;
    match rows.as_slice().first() {
        Some(found) => settlements::find(tx, isp, found.id).await,
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_told_by_its_form() {
        let id = PaymentId::unguessable();
        assert_eq!(id.to_string().parse(), Ok(Wanted::Payment(id)));
        assert_eq!("ub34k9t2qm".parse(), Ok(Wanted::Receipt("UB34K9T2QM".into())));
        for wrong in ["", "UB", "pay_1", "stl_x", "a b c d e f", &"x".repeat(41)] {
            assert!(wrong.parse::<Wanted>().is_err(), "{wrong:?}");
        }
    }
}
