//! `POST /api/v2/payments`: what is accepted, what is refused and how, and what a person's answer makes of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stand::{PHONE, Stand, send};

#[tokio::test]
async fn a_prompt_is_accepted_and_paid() {
    let stand = Stand::with(json!({})).await;
    let (status, body) = stand.payhero_post("/api/v2/payments", stand.payment(1500, "PAY-1")).await;
    assert_eq!((status, &body["success"], &body["status"]), (201, &json!(true), &json!("QUEUED")));
    let reference = body["reference"].as_str().unwrap();
    assert!(reference.len() == 10 && reference.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    assert!(body["CheckoutRequestID"].as_str().unwrap().starts_with("ws_CO_"));

    let phone = stand.phone("0712000111").await;
    let prompt = &phone["prompts"][0];
    assert_eq!((&prompt["amount"], &prompt["merchant"], &prompt["external_reference"]), (&json!(1500), &json!("NETILY"), &json!("PAY-1")));
    assert_eq!(stand.status(reference).await.1["status"], "QUEUED");
    assert_eq!(stand.answer("accept").await, (200, json!({"status": "SUCCESS"})));

    let truth = &stand.settled().await["collections"][0];
    let receipt = truth["receipt"].as_str().unwrap();
    assert_eq!(receipt.len(), 10);
    assert_eq!((&truth["status"], &truth["requests"], &truth["phone"]), (&json!("SUCCESS"), &json!(1), &json!(PHONE)));
    let after = stand.phone(PHONE).await;
    assert_eq!(after["prompts"], json!([]));
    assert!(after["sms"][0]["text"].as_str().unwrap().starts_with(receipt), "M-Pesa confirms by message");
}

#[tokio::test]
async fn each_answer_of_a_person_has_its_code() {
    let stand = Stand::with(json!({})).await;
    for (answer, code) in [("cancel", 1032), ("wrong_pin", 2001), ("insufficient", 1)] {
        let reference = stand.collect(50, answer).await;
        assert_eq!(stand.answer(answer).await, (200, json!({"status": "FAILED"})));
        let sent = stand.callback().await;
        assert_eq!((&sent["status"], &sent["response"]["ResultCode"]), (&json!(false), &json!(code)), "{answer}");
        assert_eq!(sent["response"]["MpesaReceiptNumber"], "");
        assert_eq!(stand.status(&reference).await.1["status"], "FAILED");
    }
}

#[tokio::test]
async fn an_ignored_prompt_dies_of_old_age() {
    let stand = Stand::with(json!({"prompt_lifetime_ms": 300})).await;
    let reference = stand.collect(50, "PAY-1").await;
    assert_eq!(stand.answer("ignore").await.1, json!({"status": "QUEUED"}));
    assert_eq!(stand.phone(PHONE).await["prompts"], json!([]));
    assert_eq!(stand.callback().await["response"]["ResultCode"], 1037);
    assert_eq!(stand.status(&reference).await.1["status"], "FAILED");
}

#[tokio::test]
async fn a_prompt_is_answered_once() {
    let stand = Stand::with(json!({})).await;
    stand.collect(50, "PAY-1").await;
    let id = stand.phone(PHONE).await["prompts"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/control/phones/{PHONE}/prompts/{id}");
    assert_eq!(stand.post(&path, json!({"answer": "cancel"})).await.0, 200);
    assert_eq!(stand.post(&path, json!({"answer": "accept"})).await.0, 409);
    assert_eq!(stand.post(&format!("/control/phones/0722000333/prompts/{id}"), json!({"answer": "accept"})).await.0, 404);
    assert_eq!(stand.settled().await["collections"][0]["status"], "FAILED");
}

#[tokio::test]
async fn the_same_body_again_prompts_again() {
    let stand = Stand::with(json!({"auto_answer": "accept"})).await;
    let first = stand.collect(50, "PAY-1").await;
    let second = stand.collect(50, "PAY-1").await;
    assert_ne!(first, second);
    let truth = stand.settled().await;
    let requests: Vec<&Value> = truth["collections"].as_array().unwrap().iter().map(|row| &row["requests"]).collect();
    assert_eq!(requests, [&json!(2), &json!(2)]);
}

#[tokio::test]
async fn a_wrong_body_gets_the_documented_400() {
    let stand = Stand::with(json!({})).await;
    let faults = [
        ("amount", json!("1500")),
        ("amount", json!(0)),
        ("amount", json!(10.5)),
        ("amount", json!(250_001)),
        ("phone_number", json!("0200123456")),
        ("phone_number", json!(254_712_000_111_i64)),
        ("channel_id", Value::Null),
        ("channel_id", json!(1)),
        ("provider", json!("airtel")),
    ];
    for (field, value) in faults {
        let mut body = stand.payment(1500, "PAY-1");
        body[field] = value;
        let (status, answer) = stand.payhero_post("/api/v2/payments", body).await;
        assert_eq!((status, &answer["error_code"], &answer["status_code"]), (400, &json!("invalid_argument"), &json!(400)), "{field}");
        assert!(answer["error_message"].is_string());
    }
    let truth = stand.sandbox().truth();
    assert_eq!(truth["collections"], json!([]));
    assert_eq!(truth["refused"][0]["requests"], 9);
}

#[tokio::test]
async fn a_wrong_key_gets_401_and_fees_need_none() {
    let stand = Stand::with(json!({})).await;
    let asks = ["Basic d3Jvbmc=", "Bearer c2FuZGJveDpzYW5kYm94", "c2FuZGJveDpzYW5kYm94"];
    for key in asks {
        let request = stand.request(reqwest::Method::GET, "/payhero/api/v2/transactions").header("authorization", key);
        let (status, body) = send(request).await;
        assert_eq!((status, &body["status_code"]), (401, &json!(401)), "{key}");
    }
    let (status, fees) = stand.get("/payhero/api/transaction_fees").await;
    assert_eq!((status, &fees["transaction_fees"][2]["fee"]), (200, &json!(6)));
}

#[tokio::test]
async fn refusals_prompt_nobody() {
    let stand = Stand::with(json!({})).await;
    let expected = [("refuse", 400, json!(null)), ("refuse_with_200", 200, json!(false)), ("html", 200, json!(null))];
    for (word, status, success) in expected {
        assert_eq!(stand.put("/control/payhero/behaviour", json!({"collect": word})).await.0, 200);
        let answer = stand.payhero_post("/api/v2/payments", stand.payment(50, word)).await;
        assert_eq!((answer.0, &answer.1["success"]), (status, &success), "{word}");
        assert_eq!(answer.1.is_null(), word == "html");
    }
    let truth = stand.sandbox().truth();
    assert_eq!((&truth["collections"], truth["refused"].as_array().unwrap().len()), (&json!([]), 3));
}

#[tokio::test]
async fn an_empty_customer_name_is_refused_under_200() {
    let stand = Stand::with(json!({})).await;
    let mut body = stand.payment(50, "PAY-1");
    body["customer_name"] = json!("");
    let (status, answer) = stand.payhero_post("/api/v2/payments", body).await;
    assert_eq!((status, &answer["success"]), (200, &json!(false)));
}

#[tokio::test]
async fn what_is_accepted_without_a_good_answer_still_prompts() {
    let stand = Stand::with(json!({"hang_ms": 60_000, "slow_ms": 1})).await;
    for (word, count) in [("error_after_accept", 1), ("slow", 2)] {
        assert_eq!(stand.put("/control/payhero/behaviour", json!({"collect": word})).await.0, 200);
        let (status, _) = stand.payhero_post("/api/v2/payments", stand.payment(50, word)).await;
        assert_eq!(status, if word == "slow" { 201 } else { 500 });
        assert_eq!(stand.phone(PHONE).await["prompts"].as_array().unwrap().len(), count);
    }
}

#[tokio::test]
async fn silence_accepts_or_not() {
    let stand = Stand::with(json!({"hang_ms": 60_000})).await;
    for (word, prompts) in [("dark", 0), ("timeout_after_accept", 1)] {
        assert_eq!(stand.put("/control/payhero/behaviour", json!({"collect": word})).await.0, 200);
        let request = stand.request(reqwest::Method::POST, "/payhero/api/v2/payments");
        let request = request.header("authorization", "Basic c2FuZGJveDpzYW5kYm94").json(&stand.payment(50, word));
        assert!(request.timeout(Duration::from_millis(300)).send().await.unwrap_err().is_timeout());
        assert_eq!(stand.phone(PHONE).await["prompts"].as_array().unwrap().len(), prompts, "{word}");
    }
    let truth = stand.sandbox().truth();
    assert_eq!((&truth["refused"][0]["reason"], &truth["collections"][0]["requests"]), (&json!("dark"), &json!(1)));
}

#[tokio::test]
async fn api_2_wants_its_account_and_one_destination() {
    let stand = Stand::with(json!({"generation": "v2"})).await;
    let mut body = stand.payment(50, "PAY-1");
    assert_eq!(stand.payhero_post("/api/v2/payments", body.clone()).await.0, 400, "no account_id");
    body["account_id"] = json!(183);
    body["network_code"] = json!("63902");
    assert_eq!(stand.payhero_post("/api/v2/payments", body.clone()).await.0, 400, "channel and network");
    body["channel_id"] = Value::Null;
    body["provider"] = json!("sasapay");
    let (status, answer) = stand.payhero_post("/api/v2/payments", body).await;
    assert_eq!((status, &answer["external_reference"]), (201, &json!("PAY-1")));
    assert_eq!(answer["reference"].as_str().unwrap().as_bytes()[12], b'.');
}
