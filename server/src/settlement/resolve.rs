//! People say what became of a settlement that nobody else can tell. Two different operators must say the same.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::confirm::{complete, release};
use super::state::{Event, State};
use super::store::{self, Review, Settlement};
use crate::app::App;
use crate::audit::{self, By};
use crate::error::{Error, Reason, Result};
use crate::id::{SettlementId, UserId};
use crate::payments::store::{KeyKind, Observation, Seen, Source, claim_key, record};
use crate::schema::settlement_review;

/// What an operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The ISP has the money, and this receipt proves it.
    Paid(String),
    /// It does not, and will not get it.
    NotPaid,
}

impl Finding {
    const fn as_str(&self) -> &'static str {
        match self {
            Finding::Paid(_) => "PAID",
            Finding::NotPaid => "NOT_PAID",
        }
    }

    fn receipt(&self) -> &str {
        match self {
            Finding::Paid(receipt) => receipt,
            Finding::NotPaid => "",
        }
    }

    fn is(&self, review: &Review) -> bool {
        review.outcome == self.as_str() && review.receipt == self.receipt()
    }
}

/// Keeps what an operator says; once two say the same, it is done. An operator may say something else as long as nobody agreed.
pub async fn resolve(app: &App, by: UserId, id: SettlementId, finding: &Finding, note: &str) -> Result<(Settlement, Vec<Review>)> {
    let isp = app.db.across(async |tx| store::owner(tx, id).await).await?;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let settlement = store::lock(tx, isp, id).await?.ok_or_else(|| Error::not_found("settlement"))?;
            if settlement.state()? != State::NeedsReview {
                let message = format!("This settlement is {}: only one that needs a review can be resolved.", settlement.state()?.as_str());
                return Err(Error::new(Reason::StateConflict, message));
            }
            let others: Vec<Review> = store::reviews(tx, isp, id).await?.into_iter().filter(|review| review.operator != by).collect();
            if let Some(other) = others.iter().find(|review| !finding.is(review)) {
                let message = format!("{} says {} {}. You must agree before it can be resolved.", other.operator, other.outcome, other.receipt);
                return Err(Error::new(Reason::StateConflict, message.replace(" .", ".")));
            }
            use settlement_review::dsl;
            let said = (dsl::outcome.eq(finding.as_str()), dsl::receipt.eq(finding.receipt()), dsl::note.eq(note), dsl::at.eq(now));
            diesel::insert_into(dsl::settlement_review)
                .values((said, dsl::tenant_id.eq(isp), dsl::settlement_id.eq(id), dsl::operator.eq(by)))
                .on_conflict((dsl::tenant_id, dsl::settlement_id, dsl::operator))
                .do_update()
                .set(said)
                .execute(&mut **tx)
                .await?;
            let facts = json!({ "outcome": finding.as_str(), "receipt": finding.receipt(), "operators": others.len() + 1 });
            audit::record(tx, isp, By::User(by), "review_settlement", &id.to_string(), facts, now).await?;
            if !others.is_empty() {
                match finding {
                    Finding::Paid(receipt) => {
                        if !claim_key(tx, isp, id.uuid(), KeyKind::Receipt, receipt, now).await? {
                            return Err(Error::field("receipt", "must be this settlement's own: another payment has it"));
                        }
                        let body = json!({ "operators": [others[0].operator.to_string(), by.to_string()], "note": note });
                        let receipt_seen = Some(receipt.clone());
                        let observation = Observation { source: Source::Manual, seen: Seen::Success, amount: None, receipt: receipt_seen, failure: None, body };
                        record(tx, isp, id.uuid(), &observation, now).await?;
                        complete(app, tx, isp, &settlement, Event::FoundPaid, receipt, now).await?;
                    }
                    Finding::NotPaid => release(app, tx, isp, &settlement, Event::FoundUnpaid, "Netily's people found that it was not paid.", now).await?,
                }
            }
            let settlement = store::find(tx, isp, id).await?.ok_or_else(|| Error::not_found("settlement"))?;
            Ok((settlement, store::reviews(tx, isp, id).await?))
        })
        .await
}
