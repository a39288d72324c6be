//! A sandbox in a folder of its own, a merchant that calls it, and the merchant's address for callbacks.

use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use netily_sandbox::{Config, RouterSetup, Sandbox};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// How long anything may take before a test gives up.
pub const LIMIT: Duration = Duration::from_secs(10);
/// How a guest's number is written in all tests.
pub const PHONE: &str = "254712000111";

/// Everything that one test needs.
pub struct Stand {
    /// `Some` until the sandbox is stopped.
    pub sandbox: Option<Sandbox>,
    /// Where callbacks arrive.
    pub callback_url: String,
    client: Client,
    dir: TempDir,
    callbacks: Mutex<mpsc::UnboundedReceiver<Value>>,
}

/// An HTTP status and a JSON body, `null` where the body is no JSON.
pub type Reply = (u16, Value);

impl Stand {
    /// A sandbox with these switches set.
    pub async fn with(behaviour: Value) -> Self {
        let dir = TempDir::new().unwrap();
        let sandbox = Sandbox::start(config(&dir)).await.unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        let merchant = Router::new().route("/hooks/payhero", post(take)).with_state(sender);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback_url = format!("http://{}/hooks/payhero", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, merchant).await });
        let stand = Self { sandbox: Some(sandbox), callback_url, client: client(), dir, callbacks: Mutex::new(receiver) };
        assert_eq!(stand.put("/control/payhero/behaviour", behaviour).await.0, 200);
        stand
    }

    /// The running sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    /// Ends the sandbox as a kill does, without a farewell, and starts it again in the same folder.
    pub async fn kill_and_restart(&mut self) {
        let old = self.sandbox.take().unwrap();
        let (url, router) = (old.url(), old.router_address("yard"));
        drop(old);
        let fresh = loop {
            // The ports are free as soon as the dropped tasks have run.
            match Sandbox::start(config(&self.dir)).await {
                Ok(fresh) => break fresh,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!((fresh.url(), fresh.router_address("yard")), (url, router), "ports are kept");
        self.sandbox = Some(fresh);
    }

    /// A prompt of so many shillings to [`PHONE`]; the body that PayHero documents.
    pub fn payment(&self, amount: i64, external_reference: &str) -> Value {
        json!({
            "amount": amount, "phone_number": PHONE, "channel_id": 4021, "provider": "m-pesa",
            "external_reference": external_reference, "customer_name": "Asha W", "callback_url": self.callback_url,
        })
    }

    /// Sends [`Self::payment`] and gives PayHero's reference.
    pub async fn collect(&self, amount: i64, external_reference: &str) -> String {
        let (status, body) = self.payhero_post("/api/v2/payments", self.payment(amount, external_reference)).await;
        assert_eq!(status, 201, "{body}");
        body["reference"].as_str().unwrap().to_owned()
    }

    /// A call with the key.
    pub async fn payhero_post(&self, path: &str, body: Value) -> Reply {
        self.keyed(self.client.post(format!("{}{path}", self.sandbox().payhero_url())).json(&body)).await
    }

    /// A question with the key.
    pub async fn payhero_get(&self, path: &str) -> Reply {
        self.keyed(self.client.get(format!("{}{path}", self.sandbox().payhero_url()))).await
    }

    async fn keyed(&self, request: RequestBuilder) -> Reply {
        send(request.header("authorization", "Basic c2FuZGJveDpzYW5kYm94")).await
    }

    /// Any request to the sandbox's port.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sandbox().url()))
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(reqwest::Method::GET, path)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        send(self.request(reqwest::Method::PUT, path).json(&body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        send(self.request(reqwest::Method::POST, path).json(&body)).await
    }

    /// Answers the oldest prompt on [`PHONE`].
    pub async fn answer(&self, answer: &str) -> Reply {
        let prompts = self.phone(PHONE).await["prompts"].clone();
        let id = prompts[0]["id"].as_str().expect("a prompt is waiting").to_owned();
        self.post(&format!("/control/phones/{PHONE}/prompts/{id}"), json!({"answer": answer})).await
    }

    pub async fn phone(&self, phone: &str) -> Value {
        self.get(&format!("/control/phones/{phone}")).await.1
    }

    /// What `transaction-status` says of this reference.
    pub async fn status(&self, reference: &str) -> Reply {
        self.payhero_get(&format!("/api/v2/transaction-status?reference={reference}")).await
    }

    /// The next callback that arrives.
    pub async fn callback(&self) -> Value {
        let mut callbacks = self.callbacks.lock().await;
        tokio::time::timeout(LIMIT, callbacks.recv()).await.expect("a callback comes").unwrap()
    }

    /// The truth, once each collection and payout is decided and has no callback left to send.
    pub async fn settled(&self) -> Value {
        let done = |truth: &Value| {
            let rows = ["collections", "payouts"].map(|kind| truth[kind].as_array().unwrap());
            rows.into_iter().flatten().all(|row| row["status"] != "QUEUED" && row["callbacks_due"] == 0)
        };
        self.sandbox().wait_for_truth(LIMIT, done).await.expect("everything ends")
    }

    /// No callback came, nor is one going to.
    pub async fn no_callback(&self) {
        self.settled().await;
        assert!(self.callbacks.lock().await.try_recv().is_err(), "a callback came");
    }
}

/// A client that keeps no connection, since the other end is killed and comes back at the same address.
pub fn client() -> Client {
    // Another test may have chosen the provider already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap()
}

fn config(dir: &TempDir) -> Config {
    let yard = RouterSetup { name: "yard".to_owned(), username: "netily".to_owned(), password: "secret".to_owned(), identity: "Yard".to_owned() };
    Config { routers: vec![yard], ..Config::new(dir.path()) }
}

async fn take(State(sender): State<mpsc::UnboundedSender<Value>>, Json(body): Json<Value>) {
    // The test may have ended already.
    let _ended = sender.send(body);
}

/// Sends a request and reads the answer.
pub async fn send(request: RequestBuilder) -> Reply {
    let answer = request.timeout(LIMIT).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}
