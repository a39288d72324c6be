//! Status questions, the transactions list and the balances.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stand::{Stand, send};

#[tokio::test]
async fn the_status_answer_has_the_documented_keys() {
    let stand = Stand::with(json!({"auto_answer": "accept"})).await;
    let reference = stand.collect(50, "PAY-1").await;
    let truth = stand.settled().await;
    let (status, answer) = stand.status(&reference).await;
    let mut keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let wanted = [
        "CheckoutRequestID",
        "merchant",
        "payment_reference",
        "provider",
        "provider_reference",
        "reference",
        "status",
        "success",
        "third_party_reference",
        "transaction_date",
    ];
    assert_eq!((status, keys), (200, wanted.to_vec()));
    assert_eq!(answer["provider_reference"], truth["collections"][0]["receipt"]);
    assert_eq!(answer["third_party_reference"], answer["provider_reference"]);
}

#[tokio::test]
async fn it_is_found_by_payheros_keys_but_not_by_ours() {
    let stand = Stand::with(json!({"auto_answer": "accept"})).await;
    let reference = stand.collect(50, "PAY-1").await;
    let row = stand.settled().await["collections"][0].clone();
    for key in [&reference, row["receipt"].as_str().unwrap(), row["checkout_request_id"].as_str().unwrap()] {
        assert_eq!(stand.status(key).await.1["reference"], json!(reference), "{key}");
    }
    let (status, body) = stand.status("PAY-1").await;
    assert_eq!((status, &body["status_code"]), (404, &json!(404)));
}

#[tokio::test]
async fn the_first_question_can_get_404() {
    let stand = Stand::with(json!({"status": "404_first", "auto_answer": "accept"})).await;
    let reference = stand.collect(50, "PAY-1").await;
    stand.settled().await;
    assert_eq!(stand.status(&reference).await.0, 404);
    assert_eq!(stand.status(&reference).await.1["status"], "SUCCESS");
}

#[tokio::test]
async fn a_dark_host_answers_no_question() {
    let stand = Stand::with(json!({"status": "dark"})).await;
    for path in ["/payhero/api/v2/transaction-status?reference=X", "/payhero/api/v2/transactions"] {
        let request = stand.request(reqwest::Method::GET, path).header("authorization", "Basic c2FuZGJveDpzYW5kYm94");
        assert!(request.timeout(Duration::from_millis(200)).send().await.unwrap_err().is_timeout());
    }
    stand.put("/control/payhero/behaviour", json!({"hang_ms": 1})).await;
    let late = stand.status("X").await;
    assert_eq!(late.0, 504);
}

#[tokio::test]
async fn a_host_under_load_says_when_to_come_back() {
    let stand = Stand::with(json!({"status": "rate_limited", "collect": "rate_limited", "retry_after_s": 7})).await;
    let asked = [
        stand.request(reqwest::Method::GET, "/payhero/api/v2/transaction-status?reference=X"),
        stand.request(reqwest::Method::GET, "/payhero/api/v2/transactions"),
        stand.request(reqwest::Method::POST, "/payhero/api/v2/payments").json(&stand.payment(50, "PAY-1")),
    ];
    for request in asked {
        let answer = request.header("authorization", "Basic c2FuZGJveDpzYW5kYm94").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
        assert_eq!(answer.json::<Value>().await.unwrap()["error_code"], "rate_limited");
    }
    let truth = stand.sandbox().truth();
    assert_eq!((&truth["collections"], &truth["refused"][0]["reason"]), (&json!([]), &json!("Too many requests")));
}

#[tokio::test]
async fn the_list_can_move_while_it_is_read() {
    let stand = Stand::with(json!({})).await;
    for amount in 1..=4 {
        stand.post("/control/payhero/wallet", json!({"amount": amount})).await;
    }
    let page = async |page: u8| {
        let rows = stand.payhero_get(&format!("/api/v2/transactions?page={page}&per=2")).await.1["transactions"].clone();
        rows.as_array().unwrap().iter().map(|row| row["amount"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    stand.put("/control/payhero/behaviour", json!({"list_shift": -1})).await;
    assert_eq!((page(1).await, page(2).await), (vec![4, 3], vec![1]), "2 moved up to a page that was read");
    stand.put("/control/payhero/behaviour", json!({"list_shift": 1})).await;
    assert_eq!((page(1).await, page(2).await), (vec![4, 3], vec![3, 2]), "3 moved down to the next page");
}

#[tokio::test]
async fn api_2_is_asked_by_request_id() {
    let stand = Stand::with(json!({"generation": "v2", "auto_answer": "accept"})).await;
    let mut body = stand.payment(50, "PAY-1");
    body["account_id"] = json!(183);
    let reference = stand.payhero_post("/api/v2/payments", body).await.1["reference"].clone();
    stand.settled().await;
    let (status, answer) = stand.payhero_post("/api/global/transaction-status", json!({"request_id": reference})).await;
    assert_eq!((status, &answer["status"], &answer["reference"]), (200, &json!("success"), &reference));
    assert_eq!(stand.payhero_post("/api/global/transaction-status", json!({"request_id": "PAY-1"})).await.0, 404);
    assert_eq!(stand.payhero_get("/api/global/accounts/183/balance").await.1["available_balance"], 50);
}

#[tokio::test]
async fn the_list_is_newest_first_with_a_fee_row_for_each_charge() {
    let stand = Stand::with(json!({"auto_answer": "accept"})).await;
    let mut references = Vec::new();
    for amount in [10, 500, 20] {
        references.push(stand.collect(amount, &format!("PAY-{amount}")).await);
        stand.settled().await;
    }
    let (_, first) = stand.payhero_get("/api/v2/transactions?page=1&per=2").await;
    let (_, second) = stand.payhero_get("/api/v2/transactions?page=2&per=2").await;
    assert_eq!(first["pagination"], json!({"count": 4, "page": 1, "per": 2, "num_pages": 2, "next_page": 2, "prev_page": null}));
    let rows: Vec<Value> = [&first, &second].into_iter().flat_map(|page| page["transactions"].as_array().unwrap().clone()).collect();
    let seen: Vec<_> = rows.iter().map(|row| (row["amount"].as_i64().unwrap(), row["provider_reference"].as_str().unwrap())).collect();
    let fee = format!("cost_{}", references[1]);
    assert_eq!(seen, [(20, references[2].as_str()), (-5, fee.as_str()), (500, references[1].as_str()), (10, references[0].as_str())]);
    assert!(rows.windows(2).all(|pair| pair[0]["id"].as_i64() > pair[1]["id"].as_i64()));
    let charge = &rows[1];
    assert_eq!((&charge["transaction_type"], &charge["transaction_reference"]), (&json!("service_charge"), &json!(references[1])));
    assert_eq!(rows[0]["wallet_balance"], 525);
}

#[tokio::test]
async fn balances_and_channels_are_told() {
    let stand = Stand::with(json!({"auto_answer": "accept"})).await;
    stand.collect(50, "PAY-1").await;
    stand.settled().await;
    let (_, wallet) = stand.payhero_get("/api/v2/wallets?wallet_type=service_wallet").await;
    assert_eq!((&wallet["wallet_type"], &wallet["available_balance"]), (&json!("service_wallet"), &json!(100_000)));
    assert_eq!(stand.payhero_get("/api/v2/wallets?wallet_type=payment_wallet").await.0, 400);
    let (_, channel) = stand.payhero_get("/api/v2/payment_channels/4021").await;
    assert_eq!((&channel["channel_type"], &channel["balance_plain"]["balance"]), (&json!("wallet"), &json!(50)));
    assert_eq!(stand.payhero_get("/api/v2/payment_channels").await.1["payment_channels"][0]["id"], 4021);
    assert_eq!(stand.payhero_get("/api/v2/payment_channels/1").await.0, 404);
}

#[tokio::test]
async fn an_unknown_switch_is_refused() {
    let stand = Stand::with(json!({})).await;
    let (status, body) = stand.put("/control/payhero/behaviour", json!({"colect": "ok"})).await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().unwrap().contains("colect"));
    let request = stand.request(reqwest::Method::PUT, "/control/payhero/behaviour").body(r#"{"callback":"never"}"#);
    assert_eq!(send(request).await.1["callback"], "never", "a body needs no content type");
}
