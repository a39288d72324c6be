//! `POST /api/v2/withdraw`: what the payments wallet gives, to whom, and what is said of it afterwards.

use serde_json::{Value, json};

use crate::stand::Stand;

fn withdrawal(stand: &Stand, amount: i64) -> Value {
    json!({
        "external_reference": "PO-1", "amount": amount, "phone_number": "254722000333", "network_code": "63902",
        "channel": "mobile", "channel_id": 4021, "payment_service": "b2c", "callback_url": stand.callback_url,
    })
}

async fn funded(behaviour: Value) -> Stand {
    let stand = Stand::with(behaviour).await;
    assert_eq!(stand.post("/control/payhero/wallet", json!({"amount": 10_000})).await.1, json!({"balance": 10_000}));
    stand
}

#[tokio::test]
async fn a_withdrawal_is_paid_and_told_in_its_own_shape() {
    let stand = funded(json!({})).await;
    let (status, body) = stand.payhero_post("/api/v2/withdraw", withdrawal(&stand, 5000)).await;
    assert_eq!((status, &body["status"], &body["response_code"]), (200, &json!("QUEUED"), &json!("0")));
    assert!(body.get("reference").is_none() && body.get("success").is_none());
    let sent = stand.callback().await;
    let response = &sent["response"];
    assert_eq!((&sent["status"], &response["RecipientAccountNumber"]), (&json!(true), &json!("254722000333")));
    assert_eq!((&response["MerchantRequestID"], &response["ExternalReference"]), (&body["merchant_reference"], &json!("PO-1")));
    let payout = stand.settled().await["payouts"][0].clone();
    assert_eq!((&payout["status"], &payout["requests"], &payout["merchant_reference"]), (&json!("SUCCESS"), &json!(1), &body["merchant_reference"]));
    assert_eq!(response["TransactionID"], payout["receipt"]);
    let (_, list) = stand.payhero_get("/api/v2/transactions?per=1").await;
    assert_eq!(list["transactions"][0]["wallet_balance"], 10_000 - 5000 - 9);
    let reference = body["merchant_reference"].as_str().unwrap();
    assert_eq!(stand.status(reference).await.1["status"], "SUCCESS");
    let text = stand.phone("254722000333").await["sms"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("You have received Ksh5000.00"), "{text}");
}

#[tokio::test]
async fn a_failed_withdrawal_costs_nothing() {
    let stand = funded(json!({"payout_result": "failed"})).await;
    stand.payhero_post("/api/v2/withdraw", withdrawal(&stand, 5000)).await;
    assert_eq!(stand.callback().await["response"]["ResultCode"], 2040);
    let (_, channel) = stand.payhero_get("/api/v2/payment_channels/4021").await;
    assert_eq!(channel["balance_plain"]["balance"], 10_000);
}

#[tokio::test]
async fn money_that_is_not_there_is_not_paid() {
    let stand = funded(json!({"payout_result": "hold"})).await;
    assert_eq!(stand.payhero_post("/api/v2/withdraw", withdrawal(&stand, 9_990)).await.0, 400, "the charge counts too");
    assert_eq!(stand.payhero_post("/api/v2/withdraw", withdrawal(&stand, 6_000)).await.0, 200);
    assert_eq!(stand.payhero_post("/api/v2/withdraw", withdrawal(&stand, 6_000)).await.0, 400, "what is under way counts too");
    let held = stand.sandbox().truth()["payouts"][0]["merchant_reference"].as_str().unwrap().to_owned();
    assert_eq!(stand.post(&format!("/control/payhero/payouts/{held}/resolve"), json!({"status": "FAILED", "result_code": 2040})).await.0, 200);
    assert_eq!(stand.payhero_post("/api/v2/withdraw", withdrawal(&stand, 6_000)).await.0, 200);
}

#[tokio::test]
async fn a_wrong_withdrawal_gets_400() {
    let stand = funded(json!({})).await;
    let faults = [
        ("phone_number", json!("0722000333")),
        ("channel", json!("phone")),
        ("channel_id", json!(1)),
        ("payment_service", json!("b2b")),
        ("network_code", json!("1")),
        ("amount", json!("5000")),
    ];
    for (field, value) in faults {
        let mut body = withdrawal(&stand, 5000);
        body[field] = value;
        assert_eq!(stand.payhero_post("/api/v2/withdraw", body).await.0, 400, "{field}");
    }
    assert_eq!(stand.sandbox().truth()["payouts"], json!([]));
}

#[tokio::test]
async fn an_unanswered_withdrawal_is_paid_all_the_same() {
    let stand = funded(json!({"payout": "error_after_accept"})).await;
    assert_eq!(stand.payhero_post("/api/v2/withdraw", withdrawal(&stand, 5000)).await.0, 500);
    assert_eq!(stand.settled().await["payouts"][0]["status"], "SUCCESS");
}

#[tokio::test]
async fn api_2_pays_phones_and_paybills() {
    let stand = funded(json!({"generation": "v2"})).await;
    let phone = json!({
        "external_reference": "PO-2", "amount": 100, "phone_number": "0722000333", "network_code": "63902", "channel": "phone",
        "account_id": 183, "recipient_type": "MSISDN", "callback_url": stand.callback_url,
    });
    let (_, body) = stand.payhero_post("/api/v2/withdraw", phone.clone()).await;
    assert_eq!(body["response_code"], "200");
    let sent = stand.callback().await;
    assert_eq!((&sent["status"], &sent["transaction_type"]), (&json!("success"), &json!("outbound_payment")));
    let mut paybill = phone;
    paybill["channel"] = json!("paybill");
    assert_eq!(stand.payhero_post("/api/v2/withdraw", paybill.clone()).await.0, 400, "no short_code");
    paybill["short_code"] = json!("247247");
    paybill["account_number"] = json!("0123456789");
    assert_eq!(stand.payhero_post("/api/v2/withdraw", paybill).await.0, 200);
    assert_eq!(stand.settled().await["payouts"][1]["account"], "0123456789");
}
