//! Text messages by Africa's Talking's call, and mail by SMTP.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::stand::{Reply, Stand, send};

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
    for (mode, status, message) in [("error_500", 500, Value::Null), ("refuse", 201, json!("Sent to 0/1 Total Cost: 0"))] {
        assert_eq!(stand.put("/control/sms/behaviour", json!({"mode": mode})).await, (200, json!({"mode": mode})));
        let (got, body) = sms(&stand, "atsk_sandbox", "+254712000111").await;
        assert_eq!((got, &body["SMSMessageData"]["Message"]), (status, &message), "{mode}");
    }
    assert_eq!(stand.phone("0712000111").await["sms"], json!([]));
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
