//! Payouts that share an amount, and what got lost among them: told by the moment, by a callback, or by people, and never by another ISP's
//! payment.

use std::time::Duration;

use chrono::TimeDelta;
use netily::money::Money;
use netily::settlement::{Scope, run};
use netily_sdk::Client;
use netily_sdk::payout::{SetPayoutConfigRequest, Settlement, SettlementFrequency, SettlementStatus};
use netily_sdk::platform::RunSettlementsRequest;
use netily_tests::{Access, World, kes};
use serde_json::json;

use crate::settlement_faults::close_all;

const MINUTE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(20);

/// `blue` and `yellow` are owed KES 285 each; both are reserved, and neither is sent.
struct Two {
    world: World,
    operator: Client,
    blue: Client,
    yellow: Client,
}

async fn two() -> Two {
    let world = World::builder().gateway_timeout(Duration::from_millis(700)).configured(|config| config.payouts.hold = TimeDelta::zero()).start().await;
    let operator = world.operator().await;
    let (blue, yellow) = (world.signed_in("blue", Access::Owner).await, world.signed_in("yellow", Access::Owner).await);
    for (owner, slug, phone) in [(&blue, "blue", "254722000302"), (&yellow, "yellow", "254722000301")] {
        let ask = SetPayoutConfigRequest { mpesa_phone: phone.into(), ..world.payout_ask(slug, SettlementFrequency::Daily) };
        owner.payout().set_payout_config(ask).await.expect("set");
        world.prove_payout(owner).await.expect("proven");
    }
    world.earn("blue-harbour", 1).await;
    world.earn("yellow-market", 2).await;
    world.advance(2 * MINUTE);
    let two = Two { world, operator, blue, yellow };
    two.reserve("blue").await;
    two.reserve("yellow").await;
    for owner in [&two.blue, &two.yellow] {
        let reserved = two.newest(owner).await;
        assert_eq!((reserved.status(), reserved.amount.clone()), (SettlementStatus::Pending, Some(kes(285))), "both have one amount: {reserved:?}");
    }
    two
}

impl Two {
    async fn reserve(&self, slug: &str) {
        let ask = RunSettlementsRequest { isp: slug.into(), ahead_of_schedule: true, dry_run: false };
        self.operator.platform().run_settlements(ask).await.expect("a run");
    }

    async fn newest(&self, owner: &Client) -> Settlement {
        self.world.settlements(owner).await.into_iter().next().expect("a settlement")
    }

    /// Moves the sending of `yellow`'s payout.
    async fn yellow_is_sent(&self, minutes: i64) {
        let now = self.world.app.clock.now() + TimeDelta::minutes(minutes);
        let run_at = now.to_rfc3339();
        let moved =
            format!("UPDATE public.job SET run_at = '{run_at}' WHERE kind = 'settlement_send' AND isp_id = (SELECT id FROM public.isp WHERE slug = 'yellow')");
        self.world.sql().await.run(&moved).await;
    }

    /// `blue`'s payout is sent and lost: the gateway takes nothing, and nobody says so. Then so much time passes, but for the clocks.
    async fn blue_is_lost(&self, hours: i64) {
        self.yellow_is_sent(10_000).await;
        self.world.behave(json!({ "payout": "html" })).await;
        self.world.run_due().await;
        assert_eq!(self.newest(&self.blue).await.status(), SettlementStatus::Unknown);
        let older = format!("interval '{hours} hours'");
        let moved = format!(
            "SET session_replication_role = replica;
             UPDATE tenant.settlement SET sent_at = sent_at - {older}, created_at = created_at - {older} WHERE state = 'UNKNOWN';
             UPDATE tenant.settlement_attempt SET sent_at = sent_at - {older} WHERE outcome = 'AMBIGUOUS';
             UPDATE public.settlement_amount SET reserved_at = reserved_at - {older};
             UPDATE public.settlement_amount SET sent_at = sent_at - {older} WHERE doubt = 'UNKNOWN';
             RESET session_replication_role"
        );
        self.world.sql().await.run(&moved).await;
    }

    async fn poll(&self) {
        for _ in 0..3 {
            self.world.run_after(SOON).await;
        }
    }
}

/// 49 hours after one ISP's payout got lost, another one of the same amount loses its answer: it is found by its own moment, and the first
/// one is not found in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_payout_is_never_found_in_another_isps() {
    let two = two().await;
    two.blue_is_lost(49).await;
    two.yellow_is_sent(0).await;
    two.world.behave(json!({ "payout": "timeout_after_accept", "callback": "never", "hang_ms": 1_500 })).await;
    two.world.run_due().await;
    two.poll().await;
    let (blue, yellow) = (two.newest(&two.blue).await, two.newest(&two.yellow).await);
    assert_eq!((blue.status(), blue.receipt.as_str()), (SettlementStatus::NeedsReview, ""), "{blue:?}");
    assert_eq!(yellow.status(), SettlementStatus::Completed, "{yellow:?}");
    let paid = two.world.payouts().into_iter().find(|paid| paid["amount"] == 285).expect("one payment");
    assert_eq!((paid["account"].as_str(), paid["receipt"].as_str()), (Some("254722000301"), Some(yellow.receipt.as_str())));
    two.world.finish().await;
}

/// While one is in doubt, another one of its amount waits for its minutes to be over; neither is ambiguous then.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_waits_for_the_minutes_of_one_that_got_lost() {
    let two = two().await;
    two.blue_is_lost(0).await;
    // The gateway's clock does not move with ours: yellow's row would seem to be of blue's minutes.
    two.world.sql().await.run("UPDATE public.job SET run_at = run_at + interval '1 day' WHERE kind = 'settlement_check'").await;
    two.yellow_is_sent(0).await;
    two.world.behave(json!({ "payout": "ok" })).await;
    let before = two.world.payouts().len();
    for _ in 0..5 {
        two.world.run_after(MINUTE).await;
    }
    assert_eq!(two.newest(&two.yellow).await.status(), SettlementStatus::Pending, "not within the same minutes");
    assert_eq!(two.world.payouts().len(), before);
    for _ in 0..9 {
        two.world.run_after(MINUTE).await;
    }
    two.world.paid_out().await;
    assert_eq!(two.newest(&two.yellow).await.status(), SettlementStatus::Completed, "it is known by its own reference");
    assert_eq!(two.newest(&two.blue).await.status(), SettlementStatus::Unknown);
    close_all(&two.operator).await;
    two.world.finish().await;
}

/// Two of one amount that both got lost: the list cannot tell them apart, so it does not; a callback can.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_got_lost_only_a_callback_tells() {
    let two = two().await;
    two.blue_is_lost(1).await;
    two.yellow_is_sent(0).await;
    two.world.behave(json!({ "payout": "timeout_after_accept", "callback": "never", "hang_ms": 1_500 })).await;
    two.world.run_due().await;
    two.poll().await;
    for owner in [&two.blue, &two.yellow] {
        assert_eq!(two.newest(owner).await.status(), SettlementStatus::Unknown, "nobody guesses");
    }
    let paid = two.world.payouts().into_iter().find(|paid| paid["amount"] == 285).expect("one payment");
    assert_eq!(two.world.send_callback(paid["merchant_reference"].as_str().expect("a reference"), json!({ "status": "SUCCESS" })).await, 200);
    two.poll().await;
    assert_eq!(two.newest(&two.yellow).await.status(), SettlementStatus::Completed);
    assert_eq!(two.newest(&two.blue).await.status(), SettlementStatus::Unknown);
    close_all(&two.operator).await;
    two.world.finish().await;
}

/// A row that names another reference, phone or account is not the one, however well amount and moment fit.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_names_somebody_else_is_not_taken() {
    let two = two().await;
    two.yellow_is_sent(10_000).await;
    two.world.behave(json!({ "payout": "timeout_after_accept", "callback": "never", "hang_ms": 1_500 })).await;
    two.world.behave(json!({ "list_fields": { "RecipientAccountNumber": "254722000301" } })).await;
    two.world.run_due().await;
    two.poll().await;
    assert_eq!(two.newest(&two.blue).await.status(), SettlementStatus::Unknown, "that is yellow's phone");
    two.world.behave(json!({ "list_fields": { "RecipientAccountNumber": "0722***302" }, "payout": "ok", "callback": "once" })).await;
    two.world.run_after(5 * MINUTE).await;
    assert_eq!(two.newest(&two.blue).await.status(), SettlementStatus::Completed);
    two.yellow_is_sent(0).await;
    two.world.paid_out().await;
    assert_eq!(two.newest(&two.yellow).await.status(), SettlementStatus::Completed);
    close_all(&two.operator).await;
    two.world.finish().await;
}

/// The amount of a payout in doubt is not given out again, however old it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_amount_in_doubt_is_not_given_out_again() {
    let two = two().await;
    two.blue_is_lost(60).await;
    two.yellow_is_sent(0).await;
    two.world.behave(json!({ "payout": "ok" })).await;
    two.world.paid_out().await;
    assert_eq!(two.newest(&two.yellow).await.status(), SettlementStatus::Completed, "what was given out before is paid");
    two.world.earn("yellow-market", 3).await;
    two.world.advance(2 * MINUTE);
    two.reserve("yellow").await;
    let next = two.newest(&two.yellow).await;
    assert_eq!((next.amount.clone(), next.carried_out.clone()), (Some(kes(284)), Some(kes(1))), "{next:?}");
    two.world.paid_out().await;
    two.world.finish().await;
}

const EQUAL: usize = 5_000;

/// Five thousand ISPs that may be paid and are owed KES 1,000 of one payment each.
const MANY: &str = "
    SET session_replication_role = replica;
    INSERT INTO public.isp (id, slug, name, created_at) SELECT gen_random_uuid(), 'equal-' || n || 'x', 'Equal', now() FROM generate_series(1, 5000) n;
    CREATE TEMP TABLE owed AS SELECT i.id AS tenant_id, gen_random_uuid() AS payment, gen_random_uuid() AS session,
      (substr(public.earliest_id(now() - interval '2 days')::text, 1, 24) || substr(md5(random()::text), 1, 12))::uuid AS txn, row_number() OVER () AS n
      FROM public.isp i WHERE i.slug LIKE 'equal-%';
    INSERT INTO tenant.ledger_transaction SELECT tenant_id, txn, 'PAYMENT_CREDIT', payment, now() - interval '2 days',
      array[row('GATEWAY_CLEARING', 100000)::tenant.ledger_line, row('ISP_PAYABLE', -100000)::tenant.ledger_line] FROM owed;
    INSERT INTO tenant.ledger_balance SELECT tenant_id, 'ISP_PAYABLE', -100000 FROM owed;
    INSERT INTO tenant.payout_config (tenant_id,payout_method,mpesa_phone,settlement_frequency,minimum_payout_minor,verification_status,verified_at,held_until,changed_at)
      SELECT tenant_id, 'MPESA_B2C', '254722000333', 'DAILY', 100000, 'VERIFIED', now(), now(), now() FROM owed;
    RESET session_replication_role";

/// Their rows go again, since nobody at the gateway paid for them.
const GONE: &str = "
    SET session_replication_role = replica;
    DELETE FROM public.job WHERE isp_id IN (SELECT tenant_id FROM owed);
    DELETE FROM public.settlement_amount WHERE isp_id IN (SELECT tenant_id FROM owed);
    DELETE FROM tenant.settlement_event WHERE tenant_id IN (SELECT tenant_id FROM owed);
    DELETE FROM tenant.settlement WHERE tenant_id IN (SELECT tenant_id FROM owed);
    DELETE FROM tenant.payout_config WHERE tenant_id IN (SELECT tenant_id FROM owed);
    DELETE FROM tenant.ledger_balance WHERE tenant_id IN (SELECT tenant_id FROM owed);
    DELETE FROM tenant.ledger_transaction WHERE tenant_id IN (SELECT tenant_id FROM owed);
    DELETE FROM public.isp WHERE id IN (SELECT tenant_id FROM owed);
    RESET session_replication_role";

/// Each is given all that it is owed, although each of them is paid from KES 1,000 on: nobody's amount is in anybody's way.
#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_isps_that_are_owed_the_same_are_given_it_in_one_run() {
    let world = World::builder().configured(|config| config.payouts.cap_per_day = Money::from_minor(1_000_000_000)).start().await;
    let mut sql = world.sql().await;
    sql.run(MANY).await;
    world.deposit(6_000_000).await;
    let ran = run(&world.app, Scope::default(), false).await.expect("a run");
    let left: Vec<_> = ran.due.iter().filter_map(|due| due.left.clone()).collect();
    let thousand = Money::from_minor(100_000);
    let paid = ran.due.iter().filter(|due| due.made.as_ref().is_some_and(|made| made.amount_minor == thousand)).count();
    assert_eq!((paid, left.first()), (EQUAL, None));
    let reserved = sql.row("SELECT count(DISTINCT isp_id) AS isps, min(amount_minor) AS least, max(amount_minor) AS most FROM public.settlement_amount").await;
    assert_eq!(reserved, json!({ "isps": EQUAL, "least": 100_000, "most": 100_000 }));
    let doubtful = sql.value("SELECT count(*) FROM invariant.i42_doubtful_amount_reused").await;
    assert_eq!(doubtful, 0);
    sql.run(GONE).await;
    world.finish().await;
}
