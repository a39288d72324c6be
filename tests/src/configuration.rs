//! What the server of a test reads as its environment. Names and shapes are those of production.

use std::collections::HashMap;
use std::net::SocketAddr;

use netily::demo::database::Urls;
use netily_sandbox::Sandbox;
use secrecy::ExposeSecret as _;

/// The environment of a server at `address` on a database, with a sandbox outside. The keys are the same in each world,
/// so that a seeded database can be copied.
pub fn environment(urls: &Urls, sandbox: &Sandbox, address: SocketAddr) -> HashMap<String, String> {
    let callback = |kind: &str| format!("http://{address}/api/v1/webhooks/payhero/{kind}/");
    HashMap::from(
        [
            ("DATABASE_URL", urls.app.expose_secret().to_owned()),
            ("NETILY_BASE_DOMAIN", "localhost".to_owned()),
            ("NETILY_LISTEN", address.to_string()),
            ("NETILY_TOKEN_KEYS", format!("test:{}", "7".repeat(64))),
            ("NETILY_ENCRYPTION_KEYS", format!("1:{}", "8".repeat(64))),
            ("NETILY_CALLBACK_KEY", "9".repeat(64)),
            ("PAYHERO_BASE_URL", sandbox.payhero_url()),
            ("PAYHERO_AUTH", "c2FuZGJveDpzYW5kYm94".to_owned()),
            ("PAYHERO_CHANNEL_ID", "4021".to_owned()),
            ("PAYHERO_ACCOUNT_ID", "183".to_owned()),
            ("PAYHERO_PROVIDER", "sasapay".to_owned()),
            ("PAYHERO_NETWORK_CODE", "63902".to_owned()),
            ("PAYHERO_SUBSCRIPTION_CALLBACK", callback("subscription")),
            ("PAYHERO_HOTSPOT_CALLBACK", callback("hotspot")),
            ("PAYHERO_BILLING_CALLBACK", callback("billing")),
            ("PAYHERO_PAYOUT_CALLBACK", callback("payout")),
            ("NETILY_PUBLIC_URL", format!("http://{{isp}}.localhost:{}", address.port())),
            ("SMS_BASE_URL", sandbox.sms_url()),
            ("SMS_USERNAME", "sandbox".to_owned()),
            ("SMS_API_KEY", "atsk_sandbox".to_owned()),
            ("SMTP_URL", format!("smtp://{}", sandbox.mail_address())),
            // Machines of tests are busy: no worker of theirs is gone for minutes.
            ("NETILY_PULSE_GAP_SECONDS", "600".to_owned()),
            ("MAIL_FROM", "Netily <no-reply@netily.example>".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}
