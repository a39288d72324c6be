//! Prompts that fail for a reason that is none of the payers': M-Pesa does not know who asks (`SFC_IC0003`), or is in trouble. One such
//! failure says little; several payers in a row are for operators to know.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::payments::{FailureReason, Payment, State};
use crate::schema::payment;

/// So many payers in a row.
const PAYERS: usize = 3;
/// So many of the newest payments are looked at.
const NEWEST: i64 = 50;

/// How a payment ended: whose it was, the state, and why.
type Ended = (String, String, Option<String>);

/// The payers that met it since somebody's prompt worked, or failed by the payer's own doing. `ended`: newest first.
fn payers_in_a_row(ended: &[Ended]) -> usize {
    let is_ours = |ended: &&Ended| ended.1 == State::Failed.as_str() && ended.2.as_deref() == Some(FailureReason::GatewayError.as_str());
    ended.iter().take_while(is_ours).map(|(phone, ..)| phone.as_str()).collect::<HashSet<_>>().len()
}

/// Looks whether a payment that has just failed so is one of several.
pub(super) async fn look(tx: &mut Tx, isp: IspId, of: &Payment, said: &serde_json::Value, now: Time) -> Result<()> {
    let ended: Vec<Ended> = payment::table
        .filter(payment::tenant_id.eq(isp).and(payment::state.eq_any([State::Failed.as_str(), State::Succeeded.as_str()])))
        .order(payment::id.desc())
        .limit(NEWEST)
        .select((payment::phone, payment::state, payment::failure_reason))
        .load(&mut **tx)
        .await?;
    let payers = payers_in_a_row(&ended);
    if payers < PAYERS {
        return Ok(());
    }
    let detail = serde_json::json!({ "payers": payers, "payment": of.id.to_string(), "isp": isp.to_string(), "answer": said });
    // The gateway is one for all ISPs: so is the alarm.
    breaks::open(tx, BreakKind::PromptsFailing, "gateway", None, None, detail, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_payers_count_until_one_whose_prompt_worked() {
        let ended = |phone: &str, state: &str, reason: &str| (phone.to_owned(), state.to_owned(), (!reason.is_empty()).then(|| reason.to_owned()));
        let gateway = |phone: &str| ended(phone, "FAILED", "GATEWAY_ERROR");
        assert_eq!(payers_in_a_row(&[]), 0);
        assert_eq!(payers_in_a_row(&[gateway("1"), gateway("1"), gateway("1")]), 1, "one payer who tries again");
        assert_eq!(payers_in_a_row(&[gateway("1"), gateway("2"), gateway("3")]), 3);
        assert_eq!(payers_in_a_row(&[gateway("1"), gateway("2"), ended("4", "SUCCEEDED", ""), gateway("3")]), 2);
        assert_eq!(payers_in_a_row(&[gateway("1"), ended("4", "FAILED", "CANCELLED_BY_USER"), gateway("2"), gateway("3")]), 1);
    }
}
