//! The purchase as a guest makes it: in headless Chromium, on a phone's screen, with scripts disabled. What is done in the
//! browser, and what its pages must look like, is in `tests/browser/`; here it is compared with the server, the router and the books.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use netily_sdk::hotspot::PurchaseStatus;
use netily_tests::World;
use serde_json::Value;
use tokio::process::Command;

/// The script gives up before.
const LIMIT: Duration = Duration::from_secs(270);

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_without_scripts_buys_and_is_online() {
    let world = World::working().await;
    let said = drive(&world).await;

    let online = &said["online"];
    assert_eq!((&online["typed"], &online["phone"]), (&"0712 345 678".into(), &"254712345678".into()));
    assert_eq!(online["amount_asked"], 10);
    let purchase = world.look(text(&online["session_id"])).await;
    assert_eq!((purchase.status(), purchase.logged_in), (PurchaseStatus::Active, true));
    assert_eq!(world.collection_from("254712345678")["receipt"], *purchase.mpesa_receipt);

    let form = &said["login_form"];
    let purchase = world.look(text(&form["session_id"])).await;
    assert_eq!(purchase.status(), PurchaseStatus::Active);
    let posted = form["posted"].as_array().expect("a list");
    assert_eq!(posted.len(), 1, "the login form is sent once: {posted:?}");
    assert_eq!((text(&posted[0]["username"]), text(&posted[0]["password"])), (&*purchase.username, &*purchase.password));
    assert_eq!(posted[0]["dst"], form["arrived_at"]);

    let router = world.router("yellow-market").snapshot().await;
    let active: Vec<&Value> = router["active"].as_array().expect("a list").iter().map(|row| &row["mac-address"]).collect();
    for guest in [online, form] {
        assert!(active.contains(&&guest["mac"]), "{guest} is not online: {active:?}");
    }

    let cancelled = &said["cancelled"];
    assert!(text(&cancelled["told"]).contains("Nothing was paid."), "{cancelled}");
    assert_eq!(world.look(text(&cancelled["session_id"])).await.status(), PurchaseStatus::Failed);

    let pages = said["layout"]["pages"].as_array().expect("a list");
    assert!(pages.len() >= 20, "only {} pages were measured", pages.len());
    world.callbacks_delivered().await;
    world.finish().await;
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}

/// Runs the script against a world and reads what it says. Its sentence is the test's when something is missing or wrong.
async fn drive(world: &World) -> Value {
    let script = workspace().join("tests/browser/purchase.mjs");
    let mut program = Command::new(node());
    program.arg(script).arg("--url").arg(format!("http://yellow.localhost:{}", world.address.port())).arg("--sandbox").arg(world.sandbox().url());
    for (prefix, name) in [("--", "yellow-market"), ("--second-", "yellow-stage")] {
        program.arg(format!("{prefix}router")).arg(world.router_id(name)).arg(format!("{prefix}sandbox-router")).arg(name);
    }
    let running = program.stdin(Stdio::null()).kill_on_drop(true).output();
    let ended = tokio::time::timeout(LIMIT, running).await.expect("the script of the browser ends in time");
    let ended = ended.expect("Node was not found: install Node (20 or newer), or run `scripts/setup.sh npm`");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr).trim());
    serde_json::from_slice(&ended.stdout).expect("the script of the browser says what happened in JSON")
}

/// The Node that npm installed for this workspace, or else the one in the path.
fn node() -> PathBuf {
    let own = workspace().join("node_modules/node/bin/node");
    if own.exists() { own } else { PathBuf::from("node") }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}
