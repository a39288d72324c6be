//! Guests: people with a phone and a device who buy time on the WiFi.

use std::time::Duration;

use netily_sdk::hotspot::{GetPurchaseStatusRequest, Purchase, PurchaseRequest, PurchaseStatus, ResumePurchaseRequest};
use netily_sdk::new_request_id;
use netily_sdk::types::ErrorReason;

use crate::wait::eventually;
use crate::world::World;

/// A person with a phone and a device.
#[derive(Clone, Debug)]
pub struct Guest {
    /// `2547…`.
    pub phone: String,
    /// The device.
    pub mac: String,
    /// Its address on the WiFi.
    pub ip: String,
}

impl Guest {
    /// One of many guests, each with a phone and a device of their own.
    pub fn number(n: u16) -> Guest {
        let [high, low] = n.to_be_bytes();
        Guest { phone: format!("2547{:08}", 10_000_000 + u32::from(n)), mac: format!("AA:BB:CC:00:{high:02X}:{low:02X}"), ip: format!("10.5.{high}.{low}") }
    }
}

/// A plan of the seed.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// KES 10, one hour, 3 Mbit/s down and 1 up, one device.
    Hour,
    /// KES 50, a day.
    Day,
    /// KES 300, a week, 10 GB, two devices.
    Week,
}

impl World {
    /// The id of a seeded router, by its name in the sandbox.
    pub fn router_id(&self, sandbox_name: &str) -> String {
        let mut routers = self.seeded.isps.iter().flat_map(|isp| &isp.routers);
        routers.find(|router| router.sandbox_name == sandbox_name).expect("a seeded router").id.clone()
    }

    /// The id of a seeded plan.
    pub fn plan_id(&self, slug: &str, plan: Plan) -> String {
        let isp = self.seeded.isps.iter().find(|isp| isp.slug == slug).expect("a seeded ISP");
        isp.hotspot_plans[plan as usize].clone()
    }

    /// What the captive page of a router sends for a guest: a new request each time.
    pub fn ask_at(&self, router: &str, guest: &Guest, plan: Plan) -> PurchaseRequest {
        PurchaseRequest {
            router_id: self.router_id(router),
            plan_id: self.plan_id(isp_of(router), plan),
            phone_number: guest.phone.clone(),
            mac_address: guest.mac.clone(),
            client_ip: guest.ip.clone(),
            login_url: "http://wifi.example/login".into(),
            request_id: new_request_id(),
        }
    }

    /// Returns when the server has noticed that an ISP is suspended: it remembers for a moment what it knows of one.
    pub async fn suspension_is_noticed(&self, slug: &str) {
        eventually("the suspension is noticed", async || {
            let asked = self.client(slug).hotspot().purchase(PurchaseRequest::default()).await.err()?;
            (asked.reason == ErrorReason::IspSuspended).then_some(())
        })
        .await;
    }

    /// An hour at `yellow-market`.
    pub fn ask(&self, guest: &Guest) -> PurchaseRequest {
        self.ask_at("yellow-market", guest, Plan::Hour)
    }

    /// Buys an hour at a router.
    pub async fn buy_at(&self, router: &str, guest: &Guest) -> Purchase {
        let ask = self.ask_at(router, guest, Plan::Hour);
        let answer = self.client(isp_of(router)).hotspot().purchase(ask).await.expect("the purchase is taken");
        answer.purchase.expect("a purchase")
    }

    /// Buys an hour at `yellow-market`.
    pub async fn buy(&self, guest: &Guest) -> Purchase {
        self.buy_at("yellow-market", guest).await
    }

    /// The guest's device joins the WiFi of a router.
    pub async fn join(&self, router: &str, guest: &Guest) {
        self.router(router).join_host(&guest.mac, &guest.ip).await.expect("the device joins");
    }

    /// How a purchase of `yellow` stands.
    pub async fn look(&self, session_id: &str) -> Purchase {
        self.look_at("yellow", session_id).await
    }

    /// How a purchase of an ISP stands.
    pub async fn look_at(&self, slug: &str, session_id: &str) -> Purchase {
        let ask = GetPurchaseStatusRequest { session_id: session_id.to_owned() };
        let answer = self.client(slug).hotspot().get_purchase_status(ask).await.expect("the purchase is found");
        answer.purchase.expect("a purchase")
    }

    /// Waits until a purchase of `yellow` stands so.
    pub async fn until(&self, session_id: &str, status: PurchaseStatus) -> Purchase {
        eventually(status.as_str_name(), async || Some(self.look(session_id).await).filter(|purchase| purchase.status() == status)).await
    }

    /// Buys an hour, pays it and is online: jobs are run by hand.
    pub async fn buy_and_pay(&self, guest: &Guest) -> Purchase {
        let bought = self.buy(guest).await;
        self.run_due().await;
        self.answer_prompt(&guest.phone, "accept").await;
        self.callbacks_delivered().await;
        self.run_due().await;
        let purchase = self.look(&bought.session_id).await;
        assert_eq!(purchase.status(), PurchaseStatus::Active, "{purchase:?}");
        purchase
    }

    /// What "already paid?" sends for a guest with a receipt.
    pub fn resume_ask(&self, router: &str, guest: &Guest, receipt: &str) -> ResumePurchaseRequest {
        ResumePurchaseRequest {
            router_id: self.router_id(router),
            phone_number: guest.phone.clone(),
            mpesa_receipt: receipt.to_owned(),
            mac_address: guest.mac.clone(),
            client_ip: guest.ip.clone(),
            login_url: String::new(),
        }
    }

    /// Runs what is due, a step of the clock at a time, until a purchase of `yellow` stands so.
    pub async fn run_until(&self, session_id: &str, status: PurchaseStatus, step: Duration) -> Purchase {
        eventually(status.as_str_name(), async || {
            self.run_after(step).await;
            Some(self.look(session_id).await).filter(|purchase| purchase.status() == status)
        })
        .await
    }
}

/// The sandbox names routers after their ISP.
fn isp_of(router: &str) -> &str {
    router.split('-').next().expect("a name has a first part")
}
