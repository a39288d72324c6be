//! ISPs that are paid.

use std::time::Duration;

use chrono::TimeDelta;
use netily::clock::begin_of_day;
use netily::id::PLATFORM;
use netily::jobs::{self, Kind};
use netily_sdk::Client;
use netily_sdk::payout::{
    ConfirmPayoutConfigRequest, GetBalanceRequest, GetBalanceResponse, ListSettlementsRequest, PayoutConfig, PayoutMethod, SetPayoutConfigRequest, Settlement,
    SettlementFrequency, VerifyPayoutConfigRequest,
};
use netily_sdk::platform::{ListUnmatchedRequest, OwnerMovementDirection, RecordOwnerMovementRequest};
use netily_sdk::{Error, new_request_id};
use uuid::Uuid;

use crate::guest::{Guest, Plan};
use crate::payer::kes;
use crate::world::World;

/// The phone that an ISP is paid to, as the gateway writes it.
pub const PAYEE: &str = "254722000333";
/// After that a changed destination is not held any more.
const HOLD_OVER: Duration = Duration::from_secs(25 * 3_600);

impl World {
    /// What an owner of a seeded ISP sends to be paid by M-Pesa from KES 10 on.
    pub fn payout_ask(&self, slug: &str, frequency: SettlementFrequency) -> SetPayoutConfigRequest {
        let isp = self.seeded.isps.iter().find(|isp| isp.slug == slug).expect("a seeded ISP");
        SetPayoutConfigRequest {
            payout_method: PayoutMethod::MpesaB2c.into(),
            mpesa_phone: PAYEE.into(),
            mpesa_name: "Wanjiku Yellow".into(),
            settlement_frequency: frequency.into(),
            minimum_payout: Some(kes(10)),
            password: isp.owner.password.clone(),
            ..Default::default()
        }
    }

    /// Asks for the test payment, reads on the phone how much arrived, and says so.
    pub async fn prove_payout(&self, owner: &Client) -> Result<PayoutConfig, Error> {
        owner.payout().verify_payout_config(VerifyPayoutConfigRequest { request_id: new_request_id() }).await?;
        self.paid_out().await;
        let arrived = self.payouts().last().and_then(|paid| paid["amount"].as_i64()).expect("a test payment");
        let answer = owner.payout().confirm_payout_config(ConfirmPayoutConfigRequest { amount_received: Some(kes(arrived)) }).await?;
        Ok(answer.config.expect("a configuration"))
    }

    /// An owner whose ISP may be paid: set, proven, and the hold is over.
    pub async fn payee(&self, slug: &str, owner: &Client, frequency: SettlementFrequency) {
        owner.payout().set_payout_config(self.payout_ask(slug, frequency)).await.expect("set");
        self.prove_payout(owner).await.expect("proven");
        self.advance(HOLD_OVER);
        // At noon, whenever the test began: at five to midnight what is earned next would be of two days.
        let now = self.app.clock.now();
        self.advance((begin_of_day(now) + TimeDelta::hours(36) - now).to_std().expect("it is ahead"));
    }

    /// A guest of an ISP pays KES 300, of which KES 285 are the ISP's.
    pub async fn earn(&self, router: &str, guest: u16) {
        let guest = Guest::number(guest);
        let ask = self.ask_at(router, &guest, Plan::Week);
        let slug = router.split('-').next().expect("an ISP");
        self.client(slug).hotspot().purchase(ask).await.expect("the purchase is taken");
        self.run_due().await;
        self.answer_prompt(&guest.phone, "accept").await;
        self.callbacks_delivered().await;
        self.run_due().await;
    }

    /// Runs the schedule, and everything that follows from it until the gateway's callbacks are booked.
    pub async fn paid_out(&self) {
        self.run_due().await;
        self.callbacks_delivered().await;
        self.run_due().await;
    }

    /// Midnight passes, and the run with it.
    pub async fn settle_tomorrow(&self) {
        self.advance(Duration::from_secs(86_400));
        // A run begins some minutes after midnight, and the test may have begun just after it.
        if self.app.clock.now() - begin_of_day(self.app.clock.now()) < TimeDelta::hours(1) {
            self.advance(Duration::from_secs(3_600));
        }
        self.sweep().await;
        self.paid_out().await;
    }

    /// What left the wallet by the test's hand was Netily's own: the list shows it, and two operators say so.
    pub async fn explain_what_left(&self) {
        let now = self.app.clock.now() + TimeDelta::minutes(3);
        self.app.db.public(async |tx| jobs::enqueue(tx, Kind::ListSweep, PLATFORM, Uuid::nil(), now, now).await).await.expect("asked for");
        self.run_after(Duration::from_secs(185)).await;
        let (operator, second) = (self.operator().await, self.another_operator().await);
        let rows = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows;
        for row in rows.into_iter().filter(|row| row.kind == "unmatched_payout") {
            let amount = row.amount.map(|amount| kes(-amount.amount_minor / 100));
            let direction = OwnerMovementDirection::Out.into();
            let ask = RecordOwnerMovementRequest { direction, amount, reference: row.reference, note: "Taken out by the test's hand".into() };
            for who in [&operator, &second] {
                who.platform().record_owner_movement(ask.clone()).await.expect("asked for");
            }
        }
    }

    /// The settlements of an ISP, newest first.
    pub async fn settlements(&self, staff: &Client) -> Vec<Settlement> {
        staff.payout().list_settlements(ListSettlementsRequest::default()).await.expect("a list").settlements
    }

    /// What is owed, on its way and paid.
    pub async fn balance(&self, staff: &Client) -> GetBalanceResponse {
        staff.payout().get_balance(GetBalanceRequest {}).await.expect("a balance")
    }
}
