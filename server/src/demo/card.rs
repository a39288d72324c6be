//! demo.json and the greeting: where everything is and how to sign in.

use std::path::Path;
use std::time::Duration;

use netily_sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::database::Urls;
use super::seed::Seeded;

/// Writes demo.json whole or not at all: it appears when everything answers.
pub fn write(dir: &Path, port: u16, urls: &Urls, sandbox: &Sandbox, seeded: &Seeded) -> std::io::Result<()> {
    let card = json!({
        "url": format!("http://yellow.localhost:{port}"),
        "grpc": format!("127.0.0.1:{port}"),
        "database_url": urls.app.expose_secret(),
        "database_owner_url": urls.owner.expose_secret(),
        "database_superuser_url": urls.superuser.expose_secret(),
        "sandbox": sandbox.url(),
        "isps": seeded.isps,
        "operator": seeded.operator,
    });
    let temporary = dir.join("demo.json.new");
    std::fs::write(&temporary, serde_json::to_string_pretty(&card)?)?;
    std::fs::rename(temporary, dir.join("demo.json"))
}

/// The device that stands for a guest at an ISP's router, by the router's place in the list: hardware and network address.
pub fn device(at: usize) -> (String, String) {
    (format!("AA:BB:CC:00:00:{:02X}", at + 16), format!("10.5.50.{}", at + 16))
}

/// What a person needs to begin.
pub fn greeting(port: u16, sandbox: &Sandbox, seeded: &Seeded, took: Duration) -> String {
    use std::fmt::Write as _;
    let mut text = format!("\nNetily is ready after {}.{} s. Stop it with Ctrl-C.\n", took.as_secs(), took.subsec_millis() / 100);
    for isp in &seeded.isps {
        let slug = &isp.slug;
        let _ = writeln!(text, "\n  {slug}");
        for (at, router) in isp.routers.iter().enumerate() {
            let (mac, ip) = device(at);
            let _ = writeln!(text, "    buy at {:<14} http://{slug}.localhost:{port}/hotspot/{}?mac={mac}&ip={ip}", router.name, router.id);
        }
        let _ = writeln!(text, "    owner                 {}   {}", isp.owner.identifier, isp.owner.password);
        let _ = writeln!(text, "    staff                 {}   {}", isp.staff.identifier, isp.staff.password);
        for customer in &isp.customers {
            let _ = writeln!(text, "    {:<21} {}   {}   {}", customer.customer_code, customer.phone, customer.password, customer.status);
        }
    }
    let _ = writeln!(text, "\n  answer M-Pesa prompts    {}/phone", sandbox.url());
    let _ = writeln!(text, "  operator                {}   {}", seeded.operator.identifier, seeded.operator.password);
    let _ = write!(text, "  gRPC and gRPC-web       127.0.0.1:{port}   (metadata netily-tenant: yellow)");
    text
}
