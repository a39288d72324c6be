//! The answer to a request for a prompt and the callback are both lost, and the person has paid: the money finds its payment by itself
//! where there is only one it can be, and by its receipt where there are more.

use std::time::Duration;

use netily_sdk::Client;
use netily_sdk::billing::ClaimReceiptRequest;
use netily_sdk::customer::ApproveCustomerRequest;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::selfservice::{self, GetDashboardRequest};
use netily_sdk::types::{ErrorReason, InvoiceStatus, Payment, PaymentStatus};
use netily_tests::{Access, Guest, World, kes, registration, shillings};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

async fn deaf() -> World {
    let world = World::builder().gateway_timeout(Duration::from_millis(400)).start().await;
    world.behave(json!({ "collect": "timeout_after_accept", "callback": "never", "hang_ms": 1_000 })).await;
    world
}

/// Asks for a prompt whose answer is lost, and pays it.
async fn lost(world: &World, customer: &Client, phone: &str, target: Target) -> (Payment, String) {
    let asked = world.initiate(customer, target).await.expect("asked for");
    world.run_due().await;
    assert_eq!(world.payment(customer, &asked.id).await.status(), PaymentStatus::Unknown);
    world.answer_prompt(phone, "accept").await;
    let receipt = world.collection_from(phone)["receipt"].as_str().expect("a receipt").to_owned();
    (asked, receipt)
}

async fn open_breaks(world: &World, kind: &str) -> i64 {
    world.sql().await.count(&format!("public.reconciliation_break WHERE closed_at IS NULL AND kind = '{kind}'")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_payment_and_the_one_row_of_an_amount_are_joined_by_themselves() {
    // By the sweep of the list, and by the check of the payment.
    for by_sweep in [true, false] {
        let world = deaf().await;
        let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
        let id = world.customer_id(&customer).await;
        let invoice = world.invoice(&staff, &id, 1_500).await;
        let (asked, receipt) = lost(&world, &customer, &world.customer_phone("yellow"), Target::InvoiceId(invoice.id.clone())).await;
        if by_sweep {
            world.sql().await.run("DELETE FROM public.job WHERE kind = 'check'").await;
            world.advance(5 * MINUTE);
            world.sweep().await;
        } else {
            world.run_after(5 * MINUTE).await;
        }
        let paid = world.payment(&customer, &asked.id).await;
        assert_eq!((paid.status(), paid.mpesa_receipt), (PaymentStatus::Completed, receipt), "by sweep: {by_sweep}");
        assert_eq!(world.look_at_invoice(&staff, &invoice.id).await.status(), InvoiceStatus::Paid);
        world.sweep().await;
        assert_eq!(open_breaks(&world, "unmatched_collection").await, 0);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_candidates_are_never_joined_and_a_receipt_tells() {
    let world = deaf().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let (other, person) = world.proven("yellow", 1).await;
    staff.customer().approve_customer(ApproveCustomerRequest { id: person.id.clone() }).await.expect("approved");
    let customer = world.customer("yellow").await;
    let (first, first_receipt) = lost(&world, &customer, &world.customer_phone("yellow"), Target::Amount(kes(1_500))).await;
    let (second, second_receipt) = lost(&world, &other, &registration(1).phone_number, Target::Amount(kes(1_500))).await;
    world.advance(5 * MINUTE);
    world.sweep().await;
    assert_eq!(open_breaks(&world, "unmatched_collection").await, 2, "only people can tell");
    for (client, id) in [(&customer, &first.id), (&other, &second.id)] {
        assert_ne!(world.payment(client, id).await.status(), PaymentStatus::Completed);
    }
    // Each by the receipt of their own: by themselves, and with the help of staff.
    let claim = |receipt: &str| selfservice::ClaimReceiptRequest { mpesa_receipt: receipt.to_owned() };
    let paid = customer.selfservice().claim_receipt(claim(&first_receipt.to_lowercase())).await.expect("the receipt proves it").payment.expect("a payment");
    assert_eq!((paid.id.as_str(), paid.status()), (first.id.as_str(), PaymentStatus::Completed));
    let again = customer.selfservice().claim_receipt(claim(&first_receipt)).await.expect("the same").payment.expect("a payment");
    assert_eq!(again.id, first.id);
    let taken = other.selfservice().claim_receipt(claim(&first_receipt)).await.expect_err("another's");
    assert_eq!(taken.reason, ErrorReason::ReceiptNotFound);
    let ask = ClaimReceiptRequest { customer_id: person.id.clone(), mpesa_receipt: second_receipt };
    let paid = staff.billing().claim_receipt(ask).await.expect("the receipt proves it").payment.expect("a payment");
    assert_eq!((paid.id.as_str(), paid.status()), (second.id.as_str(), PaymentStatus::Completed));
    for client in [&customer, &other] {
        let page = client.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("a page");
        assert_eq!(shillings(&page.account_balance), 1_500);
    }
    assert_eq!(open_breaks(&world, "unmatched_collection").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_lends_nobody_the_money_of_another() {
    let world = deaf().await;
    let customer = world.customer("yellow").await;
    // A guest paid another amount; the customer's own prompt was never answered.
    let guest = Guest::number(1);
    world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    let theirs = world.collection_from(&guest.phone)["receipt"].as_str().expect("a receipt").to_owned();
    world.initiate(&customer, Target::Amount(kes(1_500))).await.expect("asked for");
    world.run_due().await;
    let claim = async |receipt: &str| {
        let ask = selfservice::ClaimReceiptRequest { mpesa_receipt: receipt.to_owned() };
        customer.selfservice().claim_receipt(ask).await.expect_err("not theirs").reason
    };
    assert_eq!(claim(&theirs).await, ErrorReason::ReceiptNotFound);
    // Guessing is limited.
    let mut last = ErrorReason::ReceiptNotFound;
    for n in 0..12 {
        last = claim(&format!("QWE{n:07}")).await;
    }
    assert_eq!(last, ErrorReason::RateLimited);
    world.advance(5 * MINUTE);
    world.sweep().await;
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 0);
    world.finish().await;
}
