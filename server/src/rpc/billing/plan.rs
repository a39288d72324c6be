//! Service plans on the wire. Pure.

use netily_sdk::billing as pb;
use netily_sdk::types::{BillingPeriod, BillingPeriodUnit};

use crate::billing::{Period, Plan, PlanDraft, Unit};
use crate::error::{Error, Result};
use crate::rpc::answer::{money, timestamp};
use crate::rpc::fields;

/// Ten gigabits a second.
const KBPS_MAX: i32 = 10_000_000;

/// A plan as staff want it.
pub fn draft(plan: &pb::ServicePlan) -> Result<PlanDraft> {
    Ok(PlanDraft {
        name: fields::text("plan.name", &plan.name, 60)?,
        description: fields::optional("plan.description", plan.description.trim(), |path, text| fields::lines(path, text, 500))?.unwrap_or_default(),
        price: fields::price("plan.price", plan.price.as_ref())?,
        period: period("plan.billing_period", plan.billing_period.as_ref())?,
        download_kbps: fields::between("plan.download_kbps", plan.download_kbps, 0, KBPS_MAX)?,
        upload_kbps: fields::between("plan.upload_kbps", plan.upload_kbps, 0, KBPS_MAX)?,
        data_cap_bytes: fields::between("plan.data_cap_bytes", plan.data_cap_bytes, 0, i64::MAX)?,
        router_profile: fields::optional("plan.router_profile", plan.router_profile.trim(), |path, text| fields::text(path, text, 60))?.unwrap_or_default(),
    })
}

fn period(path: &str, period: Option<&BillingPeriod>) -> Result<Period> {
    let period = period.ok_or_else(|| Error::field(path, "must be set"))?;
    let unit = match fields::choice::<BillingPeriodUnit>(&format!("{path}.unit"), period.unit)? {
        None | Some(BillingPeriodUnit::Unspecified) => return Err(Error::field(&format!("{path}.unit"), "must be set")),
        Some(BillingPeriodUnit::Day) => Unit::Day,
        Some(BillingPeriodUnit::Week) => Unit::Week,
        Some(BillingPeriodUnit::Month) => Unit::Month,
    };
    Period::new(unit, period.count).ok_or_else(|| Error::field(&format!("{path}.count"), format!("must be 1 to {}", unit.most())))
}

/// A plan as staff see it.
pub fn show(plan: Plan) -> Result<pb::ServicePlan> {
    Ok(pb::ServicePlan {
        billing_period: Some(wire_period(plan.period()?)),
        id: plan.id.to_string(),
        name: plan.name,
        description: plan.description,
        price: Some(money(plan.price_minor)),
        download_kbps: plan.download_kbps,
        upload_kbps: plan.upload_kbps,
        data_cap_bytes: plan.data_cap_bytes,
        router_profile: plan.router_profile,
        archived_at: plan.archived_at.map(timestamp),
        created_at: Some(timestamp(plan.created_at)),
    })
}

/// A period on the wire.
pub fn wire_period(period: Period) -> BillingPeriod {
    let unit = match period.unit() {
        Unit::Day => BillingPeriodUnit::Day,
        Unit::Week => BillingPeriodUnit::Week,
        Unit::Month => BillingPeriodUnit::Month,
    };
    BillingPeriod { unit: unit.into(), count: period.count() }
}

#[cfg(test)]
mod tests {
    use netily_sdk::types::Money;

    use super::*;

    fn monthly() -> pb::ServicePlan {
        pb::ServicePlan {
            name: " Home ".into(),
            price: Some(Money { amount_minor: 150_000, currency_code: "KES".into() }),
            billing_period: Some(BillingPeriod { unit: BillingPeriodUnit::Month.into(), count: 1 }),
            ..pb::ServicePlan::default()
        }
    }

    #[test]
    fn each_field_of_a_plan_is_judged_by_its_name() {
        let plain = draft(&monthly()).expect("reads");
        assert_eq!((plain.name.as_str(), plain.description.as_str(), plain.period), ("Home", "", Period::new(Unit::Month, 1).expect("a month")));
        let lines = draft(&pb::ServicePlan { description: "Fast.\r\nFair.".into(), ..monthly() }).expect("reads");
        assert_eq!(lines.description, "Fast.\nFair.");
        type Spoil = fn(&mut pb::ServicePlan);
        let table: [(&str, Spoil); 15] = [
            ("plan.name", |plan| plan.name = "x".repeat(61)),
            ("plan.name", |plan| plan.name = "a\nb".into()),
            ("plan.description", |plan| plan.description = "x".repeat(501)),
            ("plan.description", |plan| plan.description = "bell\u{7}".into()),
            ("plan.price", |plan| plan.price = None),
            ("plan.price.amount_minor", |plan| plan.price = Some(Money { amount_minor: 1_050, currency_code: "KES".into() })),
            ("plan.billing_period", |plan| plan.billing_period = None),
            ("plan.billing_period.unit", |plan| plan.billing_period = Some(BillingPeriod { unit: 0, count: 1 })),
            ("plan.billing_period.unit", |plan| plan.billing_period = Some(BillingPeriod { unit: 99, count: 1 })),
            ("plan.billing_period.count", |plan| plan.billing_period = Some(BillingPeriod { unit: BillingPeriodUnit::Month.into(), count: 13 })),
            ("plan.billing_period.count", |plan| plan.billing_period = Some(BillingPeriod { unit: BillingPeriodUnit::Day.into(), count: 0 })),
            ("plan.download_kbps", |plan| plan.download_kbps = KBPS_MAX + 1),
            ("plan.upload_kbps", |plan| plan.upload_kbps = -1),
            ("plan.data_cap_bytes", |plan| plan.data_cap_bytes = -1),
            ("plan.router_profile", |plan| plan.router_profile = "x".repeat(61)),
        ];
        for (path, spoil) in table {
            let mut plan = monthly();
            spoil(&mut plan);
            assert_eq!(draft(&plan).expect_err("refused").fields[0].0, path);
        }
    }
}
