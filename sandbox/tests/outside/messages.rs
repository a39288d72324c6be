//! Text messages by Africa's Talking's call, and mail by SMTP.

use std::collections::HashMap;

use axum::routing::post;
use axum::{Form, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::stand::{LIMIT, Reply, Stand, send};

async fn sms(stand: &Stand, key: &str, to: &str) -> Reply {
    let form = [("username", "sandbox"), ("to", to), ("message", "Your code is 004219"), ("from", "KILELE")];
    let request = stand.request(reqwest::Method::POST, "/africastalking/version1/messaging");
    send(request.header("apiKey", key).header("accept", "application/json").form(&form)).await
}

#[tokio::test]
async fn a_message_reaches_each_phone() {
    let stand = Stand::with(json!({})).await;
    let (status, body) = sms(&stand, "atsk_sandbox", "+254712000111,0722000333,12").await;
    let data = &body["SMSMessageData"];
    assert_eq!((status, &data["Message"]), (201, &json!("Sent to 2/3 Total Cost: KES 1.6000")));
    let codes: Vec<&Value> = data["Recipients"].as_array().unwrap().iter().map(|one| &one["statusCode"]).collect();
    assert_eq!(codes, [&json!(101), &json!(101), &json!(403)]);
    assert_eq!((&data["Recipients"][0]["number"], &data["Recipients"][0]["cost"]), (&json!("+254712000111"), &json!("KES 0.8000")));
    let got = &stand.phone("0722000333").await["sms"][0];
    assert_eq!((&got["from"], &got["text"]), (&json!("KILELE"), &json!("Your code is 004219")));
    let phones = stand.get("/control/phones").await.1;
    assert_eq!(phones["phones"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_wrong_key_sends_nothing() {
    let stand = Stand::with(json!({})).await;
    assert_eq!(sms(&stand, "guess", "+254712000111").await.0, 401);
    assert_eq!(stand.phone("0712000111").await["sms"], json!([]));
}

#[tokio::test]
async fn the_message_gateway_misbehaves_on_command() {
    let stand = Stand::with(json!({})).await;
    let refused = json!("Sent to 0/1 Total Cost: 0");
    for (mode, status, message) in
        [("error_500", 500, &Value::Null), ("unauthorized", 401, &Value::Null), ("html", 200, &Value::Null), ("refuse", 201, &refused)]
    {
        let (put, switches) = stand.put("/control/sms/behaviour", json!({"mode": mode})).await;
        assert_eq!((put, &switches["mode"]), (200, &json!(mode)));
        let (got, body) = sms(&stand, "atsk_sandbox", "+254712000111").await;
        assert_eq!((got, &body["SMSMessageData"]["Message"]), (status, message), "{mode}");
    }
    assert_eq!(stand.phone("0712000111").await["sms"], json!([]));
    assert_eq!(stand.put("/control/sms/behaviour", json!({"mod": "ok"})).await.0, 400, "an unknown switch is refused");
}

#[tokio::test]
async fn one_number_can_be_refused_and_the_others_served() {
    let stand = Stand::with(json!({})).await;
    stand.put("/control/sms/behaviour", json!({"refuse_numbers": ["0712000111"]})).await;
    let body = sms(&stand, "atsk_sandbox", "+254712000111,+254712000222").await.1;
    let codes: Vec<&Value> = body["SMSMessageData"]["Recipients"].as_array().unwrap().iter().map(|one| &one["statusCode"]).collect();
    assert_eq!(codes, [&json!(403), &json!(101)]);
    let count = async |phone: &str| stand.phone(phone).await["sms"].as_array().unwrap().len();
    assert_eq!((count("0712000111").await, count("0712000222").await), (0, 1));
}

#[tokio::test]
async fn a_slow_message_is_sent_all_the_same() {
    let stand = Stand::with(json!({})).await;
    stand.put("/control/sms/behaviour", json!({"mode": "slow", "slow_ms": 50})).await;
    assert_eq!(sms(&stand, "atsk_sandbox", "+254712000111").await.0, 201);
    assert_eq!(stand.phone("0712000111").await["sms"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn each_sent_message_is_reported_where_the_control_side_says() {
    let stand = Stand::with(json!({})).await;
    let (sender, mut reports) = mpsc::unbounded_channel::<HashMap<String, String>>();
    let merchant = Router::new().route("/reports", post(async move |Form(form): Form<HashMap<String, String>>| sender.send(form).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/reports", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, merchant).await });
    let switches = json!({"report_url": url, "report_status": "Failed", "report_failure_reason": "UserInBlacklist"});
    stand.put("/control/sms/behaviour", switches).await;
    let body = sms(&stand, "atsk_sandbox", "+254712000111,12").await.1;
    let report = tokio::time::timeout(LIMIT, reports.recv()).await.expect("a report comes").unwrap();
    assert_eq!(json!(report["id"]), body["SMSMessageData"]["Recipients"][0]["messageId"]);
    assert_eq!((report["status"].as_str(), report["failureReason"].as_str()), ("Failed", "UserInBlacklist"));
    assert_eq!(report["phoneNumber"], "+254712000111");
}

#[tokio::test]
async fn the_mail_server_misbehaves_on_command() {
    let stand = Stand::with(json!({})).await;
    for (mode, wanted) in [("refuse", "550"), ("busy", "421"), ("ok", "250")] {
        assert_eq!(stand.put("/control/mail/behaviour", json!({"mode": mode})).await, (200, json!({"mode": mode})));
        assert_eq!(stand.get("/control/mail/behaviour").await.1, json!({"mode": mode}));
        let mut stream = BufReader::new(TcpStream::connect(stand.sandbox().mail_address()).await.unwrap());
        let mut answers = Vec::new();
        for line in ["", "HELO test", "MAIL FROM:<hello@netily.io>", "RCPT TO:<asha@example.co.ke>"] {
            if !line.is_empty() {
                stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
            }
            let mut answer = String::new();
            stream.read_line(&mut answer).await.unwrap();
            answers.push(answer);
        }
        assert!(answers[3].starts_with(wanted), "{mode}: {answers:?}");
    }
    assert_eq!(stand.put("/control/mail/behaviour", json!({"mode": "odd"})).await.0, 400);
}

#[tokio::test]
async fn a_mail_is_kept_for_its_recipient() {
    let stand = Stand::with(json!({})).await;
    let mut stream = BufReader::new(TcpStream::connect(stand.sandbox().mail_address()).await.unwrap());
    let lines = [
        ("", "220"),
        ("HELO test", "250"),
        ("AUTH PLAIN AGEAYg==", "235"),
        ("MAIL FROM:<hello@netily.io>", "250"),
        ("RCPT TO:<asha@example.co.ke>", "250"),
        ("DATA", "354"),
        ("Subject: Karibu\r\n sana\r\n\r\nHello\r\n..dot\r\n.", "250"),
        ("QUIT", "221"),
    ];
    for (line, wanted) in lines {
        if !line.is_empty() {
            stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        }
        let mut answer = String::new();
        stream.read_line(&mut answer).await.unwrap();
        assert!(answer.starts_with(wanted), "{line}: {answer}");
    }
    let mails = stand.get("/control/mail?to=Asha@example.co.ke").await.1["mails"].clone();
    assert_eq!((&mails[0]["subject"], &mails[0]["text"]), (&json!("Karibu sana"), &json!("Hello\r\n.dot\r\n")));
    assert_eq!(stand.get("/control/mail?to=else@example.co.ke").await.1, json!({"mails": []}));
}
