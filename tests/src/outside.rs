//! The hand on the world outside: phones, PayHero's manners, and routers.

use netily_sandbox::Sandbox;
use netily_sandbox::routeros::RouterHandle;
use serde_json::{Value, json};

use crate::wait::{LIMIT, eventually};
use crate::world::World;

impl World {
    /// The stand-ins.
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("the sandbox runs until the end of the test")
    }

    /// A router of the sandbox: `yellow-market`, `yellow-stage`, `blue-harbour`.
    pub fn router(&self, name: &str) -> &RouterHandle {
        self.sandbox().router(name).expect("a router of the sandbox")
    }

    /// Sets switches of PayHero: see `netily_sandbox::payhero::behaviour`.
    pub async fn behave(&self, switches: Value) {
        let request = self.http.put(format!("{}/control/payhero/behaviour", self.sandbox().url()));
        self.control(request.json(&switches)).await;
    }

    /// Answers the prompt that waits, or soon will, on a phone: accept, cancel, wrong_pin, insufficient, ignore.
    pub async fn answer_prompt(&self, phone: &str, answer: &str) {
        let url = format!("{}/control/phones/{phone}", self.sandbox().url());
        let prompt = eventually("a prompt on the phone", async || {
            let shown = self.control(self.http.get(&url)).await;
            shown["prompts"][0]["id"].as_str().map(str::to_owned)
        })
        .await;
        self.control(self.http.post(format!("{url}/prompts/{prompt}")).json(&json!({ "answer": answer }))).await;
    }

    /// Returns when every callback that PayHero has to send was sent.
    pub async fn callbacks_delivered(&self) {
        let sent = |all: &Value| all.as_array().is_some_and(|all| all.iter().all(|one| one["callbacks_due"] == 0));
        let all_sent = |truth: &Value| sent(&truth["collections"]) && sent(&truth["payouts"]);
        self.sandbox().wait_for_truth(LIMIT, all_sent).await.expect("callbacks are delivered");
    }

    /// Posts a callback of a transaction once more, true or forged: `status`, `url`, `overrides`. Gives our HTTP status.
    pub async fn send_callback(&self, reference: &str, how: Value) -> u16 {
        let url = format!("{}/control/payhero/callbacks/{reference}", self.sandbox().url());
        let sent = self.control(self.http.post(url).json(&how)).await;
        sent["http_status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("our server answers")
    }

    /// Puts shillings into PayHero's wallet that no payment of ours explains.
    pub async fn deposit(&self, shillings: i64) {
        let url = format!("{}/control/payhero/wallet", self.sandbox().url());
        self.control(self.http.post(url).json(&json!({ "amount": shillings }))).await;
    }

    /// Takes back what a phone paid last: `amount` in shillings, `row` with fields of the list's row to replace.
    pub async fn reverse(&self, phone: &str, how: Value) {
        let reference = self.collection_from(phone)["reference"].as_str().expect("a reference").to_owned();
        self.undo(&reference, how).await;
    }

    /// The same of any collection or payout, by PayHero's reference.
    pub async fn undo(&self, reference: &str, how: Value) {
        let url = format!("{}/control/payhero/collections/{reference}/reverse", self.sandbox().url());
        self.control(self.http.post(url).json(&how)).await;
    }

    /// Fills PayHero's list with rows of charges that are nobody's.
    pub async fn charges(&self, rows: usize) {
        let url = format!("{}/control/payhero/charges", self.sandbox().url());
        self.control(self.http.post(url).json(&json!({ "rows": rows }))).await;
    }

    /// What PayHero really collected, or tried to.
    pub fn collections(&self) -> Vec<Value> {
        self.sandbox().truth()["collections"].as_array().expect("a list").clone()
    }

    /// What PayHero really paid out, or tried to.
    pub fn payouts(&self) -> Vec<Value> {
        self.sandbox().truth()["payouts"].as_array().expect("a list").clone()
    }

    /// Ends a transaction by PayHero's hand: `SUCCESS` or `FAILED`, told to us or not.
    pub async fn resolve(&self, reference: &str, status: &str, callback: bool) {
        let url = format!("{}/control/payhero/payouts/{reference}/resolve", self.sandbox().url());
        self.control(self.http.post(url).json(&json!({ "status": status, "callback": callback }))).await;
    }

    /// The newest collection from a phone.
    pub fn collection_from(&self, phone: &str) -> Value {
        self.collections().into_iter().rfind(|one| one["phone"] == phone).unwrap_or_else(|| panic!("nothing was asked of {phone}"))
    }

    /// Posts a body to an address of ours as anybody could, and gives the HTTP status.
    pub async fn post(&self, url: &str, body: Vec<u8>) -> u16 {
        self.http.post(url).body(body).send().await.expect("our server answers").status().as_u16()
    }

    /// Sets how the provider of text messages behaves: see `netily_sandbox::SmsBehaviour`. What is not named is as at first.
    pub async fn sms_behave(&self, switches: Value) {
        self.control(self.http.put(format!("{}/control/sms/behaviour", self.sandbox().url())).json(&switches)).await;
    }

    /// Sets how the mail server behaves: ok, refuse, busy, hang.
    pub async fn mail_behave(&self, mode: &str) {
        let request = self.http.put(format!("{}/control/mail/behaviour", self.sandbox().url()));
        self.control(request.json(&json!({ "mode": mode }))).await;
    }

    /// The text messages on a phone, oldest first.
    pub async fn sms_on(&self, phone: &str) -> Vec<String> {
        self.sms_in(self.sandbox(), phone).await
    }

    /// The same of another sandbox than the world's own.
    pub async fn sms_in(&self, sandbox: &Sandbox, phone: &str) -> Vec<String> {
        let shown = self.control(self.http.get(format!("{}/control/phones/{phone}", sandbox.url()))).await;
        shown["sms"].as_array().expect("a list").iter().map(|sms| sms["text"].as_str().expect("a text").to_owned()).collect()
    }

    /// The mails to a mailbox, oldest first: `from`, `subject`, `text`, `raw`.
    pub async fn mails_to(&self, mailbox: &str) -> Vec<Value> {
        let shown = self.control(self.http.get(format!("{}/control/mail", self.sandbox().url())).query(&[("to", mailbox)])).await;
        shown["mails"].as_array().expect("a list").clone()
    }

    async fn control(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.expect("the sandbox answers");
        let (status, body) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "the sandbox says {status}: {body}");
        serde_json::from_str(&body).expect("the sandbox answers in JSON")
    }
}
