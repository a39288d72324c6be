//! Sessions of two independent Python clients, the untagged librouteros and the tagging RouterOS-api, as subprocesses.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use netily_sandbox::routeros::RouterHandle;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::{PASSWORD, USER, router};

const SCRIPTS: [&str; 2] = ["routeros_librouteros.py", "routeros_routerosapi.py"];

/// The interpreter that has both clients; the script that installs them says in one sentence why it cannot.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/python-clients.sh");
    let output = std::process::Command::new(&script).output().expect("bash runs scripts/python-clients.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", said.trim());
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
});

#[tokio::test]
async fn both_clients_complete_a_session() {
    sessions(json!({}), "plain", "plain").await;
}

#[tokio::test]
async fn both_clients_follow_single_bytes_with_the_tag_last() {
    sessions(json!({ "fragment_bytes": 1, "tag_last": true }), "plain", "plain").await;
}

#[tokio::test]
async fn both_clients_meet_a_router_that_does_not_say_empty() {
    sessions(json!({ "version": "7.16.2" }), "plain", "plain").await;
}

#[tokio::test]
async fn both_clients_log_in_by_challenge() {
    sessions(json!({ "legacy_login": true, "version": "6.42" }), "plain", "token").await;
}

#[tokio::test]
async fn both_clients_use_tls() {
    sessions(json!({}), "tls", "plain").await;
}

/// A session of each client, one after the other, with one router; each leaves nothing behind.
async fn sessions(state: Value, transport: &str, login: &str) {
    let router = router().await;
    router.set_state(state).await.unwrap();
    router.join_host("02:00:00:00:00:01", "10.5.50.10").await.unwrap();
    for script in SCRIPTS {
        session(&router, script, transport, login).await;
        let snapshot = router.snapshot().await;
        assert_eq!((&snapshot["users"], &snapshot["active"]), (&json!([]), &json!([])), "{script}");
    }
}

async fn session(router: &RouterHandle, script: &str, transport: &str, login: &str) {
    let port = if transport == "tls" { router.tls_address().port() } else { router.address().port() };
    let run = Command::new(PYTHON.as_path())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script))
        .args(["127.0.0.1", &port.to_string(), transport, login, USER, PASSWORD, &router.certificate_sha256()])
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), run).await.expect("a session takes seconds").unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("session complete"), "{script}: {said}");
}
