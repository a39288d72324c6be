//! What a kill of the process may not take: the truth, waiting prompts, callbacks that are due, switches, ports, routers.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::stand::{PHONE, Stand, client, send};

#[tokio::test]
async fn the_truth_survives() {
    let mut stand = Stand::with(json!({"auto_answer": "accept"})).await;
    let reference = stand.collect(500, "PAY-1").await;
    stand.put("/control/payhero/behaviour", json!({"auto_answer": "cancel"})).await;
    stand.collect(20, "PAY-2").await;
    stand.put("/control/payhero/behaviour", json!({"collect": "refuse"})).await;
    stand.payhero_post("/api/v2/payments", stand.payment(20, "PAY-3")).await;
    let before = (stand.settled().await, stand.phone(PHONE).await, stand.payhero_get("/api/v2/transactions").await);
    for _ in 0..2 {
        stand.kill_and_restart().await;
        let after = (stand.sandbox().truth(), stand.phone(PHONE).await, stand.payhero_get("/api/v2/transactions").await);
        assert_eq!(after, before);
    }
    assert_eq!(stand.status(&reference).await.1["status"], "SUCCESS");
    assert_eq!(stand.get("/control/payhero/behaviour").await.1["collect"], "refuse");
}

#[tokio::test]
async fn a_waiting_prompt_can_still_be_paid() {
    let mut stand = Stand::with(json!({})).await;
    let reference = stand.collect(50, "PAY-1").await;
    stand.kill_and_restart().await;
    assert_eq!(stand.answer("accept").await.0, 200);
    assert_eq!(stand.callback().await["status"], true);
    assert_eq!(stand.status(&reference).await.1["status"], "SUCCESS");
}

#[tokio::test]
async fn a_waiting_prompt_still_dies() {
    let mut stand = Stand::with(json!({"prompt_lifetime_ms": 400})).await;
    stand.collect(50, "PAY-1").await;
    stand.kill_and_restart().await;
    assert_eq!(stand.callback().await["response"]["ResultCode"], 1037);
}

#[tokio::test]
async fn a_callback_that_was_due_is_still_sent_once() {
    let mut stand = Stand::with(json!({"auto_answer": "accept", "callback_delay_ms": 300})).await;
    stand.collect(50, "PAY-1").await;
    let decided = |truth: &Value| truth["collections"][0]["status"] == "SUCCESS";
    stand.sandbox().wait_for_truth(crate::stand::LIMIT, decided).await.unwrap();
    stand.kill_and_restart().await;
    assert_eq!(stand.callback().await["status"], true);
    stand.no_callback().await;
}

#[tokio::test]
async fn a_withdrawal_under_way_is_still_paid() {
    let mut stand = Stand::with(json!({"payout_delay_ms": 300})).await;
    stand.post("/control/payhero/wallet", json!({"amount": 1_000})).await;
    let body = json!({
        "external_reference": "PO-1", "amount": 100, "phone_number": "254722000333", "network_code": "63902", "channel": "mobile",
        "channel_id": 4021, "payment_service": "b2c",
    });
    assert_eq!(stand.payhero_post("/api/v2/withdraw", body).await.0, 200);
    stand.kill_and_restart().await;
    assert_eq!(stand.settled().await["payouts"][0]["status"], "SUCCESS");
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_ports_at_once() {
    let mut stand = Stand::with(json!({"collect": "dark"})).await;
    let address = stand.sandbox().url().replace("http://", "");
    stand.sandbox.take().unwrap().stop().await;
    assert!(tokio::net::TcpListener::bind(&address).await.is_ok());
}

#[tokio::test]
async fn routers_are_listed_and_switched() {
    let stand = Stand::with(json!({})).await;
    let (_, list) = stand.get("/control/routers").await;
    let address = stand.sandbox().router_address("yard").unwrap().to_string();
    assert_eq!((&list["routers"][0]["name"], &list["routers"][0]["address"]), (&json!("yard"), &json!(address)));
    let (status, off) = stand.put("/control/routers/yard/state", json!({"power": "off"})).await;
    assert_eq!((status, &off["online"]), (200, &json!(false)));
    assert_eq!(stand.put("/control/routers/yard/state", json!({"power": "sideways"})).await.0, 400);
    assert_eq!(stand.post("/control/routers/yard/hosts", json!({"mac": "AA:BB:CC:00:00:01", "ip": "10.5.50.2"})).await.0, 409);
    stand.put("/control/routers/yard/state", json!({"power": "on"})).await;
    stand.post("/control/routers/yard/hosts", json!({"mac": "AA:BB:CC:00:00:01", "ip": "10.5.50.2"})).await;
    assert_eq!(stand.get("/control/routers/yard").await.1["hosts"].as_array().unwrap().len(), 1);
    assert_eq!(stand.get("/control/routers/attic").await.0, 404);
}

/// Starts the program and waits until it says where it listens.
fn program(dir: &Path) -> (Child, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netily-sandbox"));
    command.arg("--dir").arg(dir).args(["--router", "yard:netily:secret"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn the_program_survives_a_real_kill() {
    let dir = tempfile::TempDir::new().unwrap();
    let (mut child, first) = program(dir.path());
    let client = client();
    let body = json!({"amount": 50, "phone_number": PHONE, "channel_id": 4021, "provider": "m-pesa", "external_reference": "PAY-1"});
    let request = client.post(format!("{}/api/v2/payments", first["payhero"].as_str().unwrap())).json(&body);
    let (_, accepted) = send(request.header("authorization", "Basic c2FuZGJveDpzYW5kYm94")).await;
    child.kill().unwrap();
    child.wait().unwrap();

    let (mut child, second) = program(dir.path());
    assert_eq!(first, second, "every address is kept");
    let (_, truth) = send(client.get(format!("{}/control/payhero/truth", second["url"].as_str().unwrap()))).await;
    assert_eq!(truth["collections"][0]["reference"], accepted["reference"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
