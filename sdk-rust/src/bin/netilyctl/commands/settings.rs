//! Settings of the ISP.

use netily_sdk::Client;
use netily_sdk::billing::{BillingSettings, GetBillingSettingsRequest, UpdateBillingSettingsRequest};
use netily_sdk::customer::{GetRegistrationSettingsRequest, RegistrationSettings, UpdateRegistrationSettingsRequest};

use super::customer::wire;
use super::payment::shillings;
use crate::args::{BillingCommand, RegistrationCommand, SettingsCommand};
use crate::fault::Fault;
use crate::output::{Output, money, word};
use crate::table;

pub async fn run(client: &Client, command: SettingsCommand, output: &Output) -> Result<(), Fault> {
    match command {
        SettingsCommand::Registration(command) => registration(client, command, output).await,
        SettingsCommand::Billing(command) => billing(client, command, output).await,
    }
}

async fn billing(client: &Client, command: BillingCommand, output: &Output) -> Result<(), Fault> {
    let billing = client.billing();
    let now = billing.get_billing_settings(GetBillingSettingsRequest {}).await?.settings.unwrap_or_default();
    let settings = match command {
        BillingCommand::Show => now,
        BillingCommand::Set { vat_bps, vat_number, invoice_note, cash_limit, credit_unused } => {
            let wanted = BillingSettings {
                vat_bps: vat_bps.unwrap_or(now.vat_bps),
                vat_number: vat_number.unwrap_or(now.vat_number),
                invoice_note: invoice_note.unwrap_or(now.invoice_note),
                cash_limit: cash_limit.map(shillings).or(now.cash_limit),
                credit_unused: credit_unused.or(now.credit_unused),
            };
            billing.update_billing_settings(UpdateBillingSettingsRequest { settings: Some(wanted) }).await?.settings.unwrap_or_default()
        }
    };
    output.show(&settings, |settings| {
        table::fields(&[
            ("vat_bps", settings.vat_bps.to_string()),
            ("vat_number", settings.vat_number.clone()),
            ("invoice_note", settings.invoice_note.clone()),
            ("cash_limit", money(&settings.cash_limit)),
            ("credit_unused", settings.credit_unused().to_string()),
        ])
    })
}

async fn registration(client: &Client, command: RegistrationCommand, output: &Output) -> Result<(), Fault> {
    let customers = client.customer();
    let now = customers.get_registration_settings(GetRegistrationSettingsRequest {}).await?.settings.unwrap_or_default();
    let settings = match command {
        RegistrationCommand::Show => now,
        RegistrationCommand::Set(change) => {
            let wanted = RegistrationSettings {
                allow_self_registration: change.allow_self_registration.unwrap_or(now.allow_self_registration),
                require_phone_verification: change.require_phone_verification.unwrap_or(now.require_phone_verification),
                require_email_verification: change.require_email_verification.unwrap_or(now.require_email_verification),
                require_id_number: change.require_id_number.unwrap_or(now.require_id_number),
                auto_approve_customers: change.auto_approve_customers.unwrap_or(now.auto_approve_customers),
                default_customer_status: change.default_customer_status.map_or(now.default_customer_status, |status| wire(status).into()),
                welcome_sms_template: change.welcome_sms_template.unwrap_or(now.welcome_sms_template),
            };
            let ask = UpdateRegistrationSettingsRequest { settings: Some(wanted) };
            customers.update_registration_settings(ask).await?.settings.unwrap_or_default()
        }
    };
    output.show(&settings, one)
}

fn one(settings: &RegistrationSettings) -> String {
    table::fields(&[
        ("allow_self_registration", settings.allow_self_registration.to_string()),
        ("require_phone_verification", settings.require_phone_verification.to_string()),
        ("require_email_verification", settings.require_email_verification.to_string()),
        ("require_id_number", settings.require_id_number.to_string()),
        ("auto_approve_customers", settings.auto_approve_customers.to_string()),
        ("default_customer_status", word(settings.default_customer_status().as_str_name(), "CUSTOMER_STATUS_")),
        ("welcome_sms_template", settings.welcome_sms_template.clone()),
    ])
}
