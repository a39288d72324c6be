//! The rules of self-registration, as staff set them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::status::Status;
use crate::app::App;
use crate::audit::{self, By};
use crate::error::{Error, Result};
use crate::id::IspId;
use crate::isp::{self, Registration};
use crate::notify::Template;
use crate::schema::registration_settings as table;

/// Writes every rule of self-registration.
pub async fn update_settings(app: &App, isp: IspId, by: By, wanted: Registration) -> Result<Registration> {
    check(&wanted)?;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let before = isp::registration(tx, isp).await?;
            diesel::update(table::table.find(isp))
                .set((
                    table::allow_self_registration.eq(wanted.allow_self_registration),
                    table::require_phone_verification.eq(wanted.require_phone_verification),
                    table::require_email_verification.eq(wanted.require_email_verification),
                    table::require_id_number.eq(wanted.require_id_number),
                    table::auto_approve_customers.eq(wanted.auto_approve_customers),
                    table::default_customer_status.eq(&wanted.default_customer_status),
                    table::welcome_sms_template.eq(&wanted.welcome_sms_template),
                ))
                .execute(&mut **tx)
                .await?;
            let after = isp::registration(tx, isp).await?;
            let (before, changed) = (facts(&before), facts(&after));
            if before != changed {
                let facts = json!({ "before": before, "after": changed });
                audit::record(tx, isp, by, "registration_settings_changed", &isp.to_string(), facts, now).await?;
            }
            Ok(after)
        })
        .await
}

fn check(wanted: &Registration) -> Result<()> {
    let begins = Status::parse(&wanted.default_customer_status);
    if !matches!(begins, Some(Status::Pending | Status::Active | Status::Suspended)) {
        return Err(Error::field("settings.default_customer_status", "must be PENDING, ACTIVE or SUSPENDED"));
    }
    if wanted.welcome_sms_template.is_empty() {
        return Ok(());
    }
    Template::Welcome.check(&wanted.welcome_sms_template).map_err(|fault| Error::field("settings.welcome_sms_template", fault.0))
}

fn facts(rules: &Registration) -> serde_json::Value {
    json!({
        "allow_self_registration": rules.allow_self_registration,
        "require_phone_verification": rules.require_phone_verification,
        "require_email_verification": rules.require_email_verification,
        "require_id_number": rules.require_id_number,
        "auto_approve_customers": rules.auto_approve_customers,
        "default_customer_status": rules.default_customer_status,
        "welcome_sms_template": rules.welcome_sms_template,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(status: &str, template: &str) -> Registration {
        Registration {
            allow_self_registration: true,
            require_phone_verification: true,
            require_email_verification: false,
            require_id_number: false,
            auto_approve_customers: false,
            default_customer_status: status.into(),
            welcome_sms_template: template.into(),
        }
    }

    #[test]
    fn nobody_begins_as_refused_and_a_welcome_holds_known_placeholders_only() {
        for (status, template) in [("PENDING", ""), ("ACTIVE", "Karibu {name}, {customer_code}!"), ("SUSPENDED", "{isp}: karibu")] {
            assert!(check(&rules(status, template)).is_ok(), "{status} {template}");
        }
        for status in ["REJECTED", "CLOSED", "", "pending"] {
            assert_eq!(check(&rules(status, "")).expect_err("refused").fields[0].0, "settings.default_customer_status", "{status}");
        }
        for template in ["Karibu {names}", "Karibu {name", "  ", &"x".repeat(460)] {
            assert_eq!(check(&rules("PENDING", template)).expect_err("refused").fields[0].0, "settings.welcome_sms_template", "{template}");
        }
    }
}
