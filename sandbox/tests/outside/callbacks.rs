//! The callbacks: their three shapes, and the ways in which they mislead.

use serde_json::{Map, Value, json};

use crate::stand::Stand;

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().map(Map::keys).unwrap().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn the_legacy_collection_callback_is_nested() {
    let stand = Stand::with(json!({"auto_answer": "accept"})).await;
    stand.collect(1500, "PAY-01J8ZC4T").await;
    let sent = stand.callback().await;
    assert_eq!(keys(&sent), ["forward_url", "response", "status"]);
    let inner = [
        "Amount",
        "CheckoutRequestID",
        "ExternalReference",
        "MerchantRequestID",
        "MpesaReceiptNumber",
        "PaymentWalletBalance",
        "Phone",
        "ResultCode",
        "ResultDesc",
        "ServiceWalletBalance",
        "Status",
    ];
    assert_eq!(keys(&sent["response"]), inner);
    let response = &sent["response"];
    assert_eq!((&sent["status"], &response["Status"], &response["ResultCode"]), (&json!(true), &json!("Success"), &json!(0)));
    assert_eq!((&response["Amount"], &response["ExternalReference"]), (&json!(1500), &json!("PAY-01J8ZC4T")));
    assert_eq!(response["MpesaReceiptNumber"], stand.settled().await["collections"][0]["receipt"]);
}

#[tokio::test]
async fn the_callback_of_api_2_is_flat() {
    let stand = Stand::with(json!({"generation": "v2", "auto_answer": "cancel"})).await;
    let mut body = stand.payment(1500, "PAY-1");
    body["account_id"] = json!(183);
    assert_eq!(stand.payhero_post("/api/v2/payments", body).await.0, 201);
    let sent = stand.callback().await;
    let wanted = [
        "amount",
        "callback_urls",
        "currency",
        "external_reference",
        "message",
        "provider",
        "provider_reference",
        "reference",
        "status",
        "success",
        "transaction_date",
        "transaction_id",
        "transaction_type",
    ];
    assert_eq!(keys(&sent), wanted);
    assert_eq!((&sent["success"], &sent["status"], &sent["provider_reference"]), (&json!(false), &json!("failed"), &json!("")));
    assert_eq!((&sent["message"], &sent["transaction_type"]), (&json!("Request Cancelled by user."), &json!("inbound_payment")));
}

#[tokio::test]
async fn two_callbacks_say_the_same() {
    let stand = Stand::with(json!({"auto_answer": "accept", "callback": "twice"})).await;
    stand.collect(50, "PAY-1").await;
    assert_eq!(stand.callback().await, stand.callback().await);
    stand.no_callback().await;
    assert_eq!(stand.settled().await["collections"][0]["callbacks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_callbacks_only_asking_tells() {
    let stand = Stand::with(json!({"auto_answer": "accept", "callback": "never"})).await;
    let reference = stand.collect(50, "PAY-1").await;
    stand.no_callback().await;
    assert_eq!(stand.status(&reference).await.1["status"], "SUCCESS");
}

#[tokio::test]
async fn an_early_callback_is_ahead_of_the_answer_and_of_the_status() {
    let stand = Stand::with(json!({"auto_answer": "accept", "callback": "early", "lag_ms": 60_000})).await;
    let reference = stand.collect(50, "PAY-1").await;
    let truth = stand.sandbox().truth();
    assert_eq!(truth["collections"][0]["callbacks"][0]["http_status"], 200, "it was delivered before the request was answered");
    assert_eq!(stand.callback().await["status"], true);
    assert_eq!(stand.status(&reference).await.1["status"], "QUEUED");
    assert_eq!(stand.payhero_get("/api/v2/transactions").await.1["pagination"]["count"], 0);
}

#[tokio::test]
async fn the_status_follows_an_early_callback() {
    let stand = Stand::with(json!({"auto_answer": "accept", "callback": "early", "lag_ms": 0})).await;
    let reference = stand.collect(50, "PAY-1").await;
    assert_eq!(stand.status(&reference).await.1["status"], "SUCCESS");
}

#[tokio::test]
async fn a_success_can_be_called_failed_first() {
    let stand = Stand::with(json!({"callback": "failed_then_success", "lag_ms": 700})).await;
    let reference = stand.collect(50, "PAY-1").await;
    stand.answer("accept").await;
    let first = stand.callback().await;
    assert_eq!((&first["status"], &first["response"]["ResultCode"]), (&json!(false), &json!(1037)));
    assert_eq!(stand.status(&reference).await.1["status"], "FAILED");
    let second = stand.callback().await;
    assert_eq!((&second["status"], &second["response"]["ResultCode"]), (&json!(true), &json!(0)));
    assert_eq!(stand.status(&reference).await.1["status"], "SUCCESS");
}

#[tokio::test]
async fn a_lost_callback_is_not_repeated() {
    let stand = Stand::with(json!({"auto_answer": "accept"})).await;
    let mut body = stand.payment(50, "PAY-1");
    body["callback_url"] = json!("http://127.0.0.1:9/nobody");
    stand.payhero_post("/api/v2/payments", body).await;
    let truth = stand.settled().await;
    let callbacks = truth["collections"][0]["callbacks"].as_array().unwrap();
    assert_eq!((callbacks.len(), &callbacks[0]["http_status"]), (1, &Value::Null));
}

#[tokio::test]
async fn a_callback_can_be_sent_again_and_forged() {
    let stand = Stand::with(json!({"auto_answer": "accept", "callback": "never"})).await;
    let reference = stand.collect(50, "PAY-1").await;
    stand.settled().await;
    let path = format!("/control/payhero/callbacks/{reference}");
    assert_eq!(stand.post(&path, json!({})).await.1["http_status"], 200);
    let honest = stand.callback().await;
    stand.post(&path, json!({"status": "FAILED", "overrides": {"Amount": 1, "added": "x"}})).await;
    let forged = stand.callback().await;
    assert_eq!((&honest["response"]["Amount"], &forged["response"]["Amount"]), (&json!(50), &json!(1)));
    assert_eq!((&forged["status"], &forged["added"]), (&json!(false), &json!("x")));
}

#[tokio::test]
async fn a_failed_payment_can_turn_out_to_be_paid_but_not_the_other_way() {
    let stand = Stand::with(json!({"auto_answer": "cancel"})).await;
    let reference = stand.collect(50, "PAY-1").await;
    assert_eq!(stand.callback().await["status"], false);
    let path = format!("/control/payhero/collections/{reference}/resolve");
    assert_eq!(stand.post(&path, json!({"status": "SUCCESS"})).await.0, 200);
    assert_eq!(stand.callback().await["status"], true);
    assert_eq!(stand.post(&path, json!({"status": "FAILED"})).await.0, 409);
    assert_eq!(stand.status(&reference).await.1["status"], "SUCCESS");
}
