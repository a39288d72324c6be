//! Customers who are suspended, refused, closed or erased: asked for nothing, sold nothing, and what they have left is ended by an act.
//! And what comes of money that is owed and not paid.

use std::time::Duration;

use netily_sdk::billing::{
    self, BillingSettings, ChangePlanRequest, EndConnectionRequest, ListLeftBalancesRequest, RecordBalancePaidBackRequest, RecordOfflinePaymentRequest,
    UpdateBillingSettingsRequest, VoidInvoiceRequest, WriteOffBalanceRequest, record_offline_payment_request,
};
use netily_sdk::customer::{
    ApproveCustomerRequest, CloseCustomerRequest, EraseCustomerRequest, GetCustomerRequest, ReactivateCustomerRequest, SuspendCustomerRequest,
};
use netily_sdk::selfservice::CloseAccountRequest;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::types::{Connection, ConnectionBilling, ConnectionStatus, CustomerStatus, ErrorReason, Invoice, InvoiceKind, InvoiceStatus};
use netily_sdk::{Client, new_request_id};
use netily_tests::{Access, World, kes, shillings};
use serde_json::json;

const DAY: Duration = Duration::from_secs(86_400);

/// Somebody whom the ISP let in.
async fn let_in(world: &World, staff: &Client, n: u32) -> (Client, String) {
    let (client, person) = world.proven("yellow", n).await;
    staff.customer().approve_customer(ApproveCustomerRequest { id: person.id.clone() }).await.expect("approved");
    (client, person.id)
}

/// Cash for a period of the first plan and more.
async fn cash_for_plan(world: &World, owner: &Client, customer_id: &str, amount: i64) {
    cash_for(world, owner, customer_id, 0, amount).await;
}

async fn cash_for(world: &World, owner: &Client, customer_id: &str, plan: usize, amount: i64) {
    let target = Some(record_offline_payment_request::Target::PlanId(world.service_plan(plan)));
    let ask = RecordOfflinePaymentRequest {
        customer_id: customer_id.to_owned(),
        amount: Some(kes(amount)),
        target,
        request_id: new_request_id(),
        ..Default::default()
    };
    owner.billing().record_offline_payment(ask).await.expect("recorded");
}

async fn balance(staff: &Client, id: &str) -> i64 {
    shillings(&staff.customer().get_customer(GetCustomerRequest { id: id.to_owned() }).await.expect("found").account_balance)
}

async fn line_of(staff: &Client, customer_id: &str) -> Connection {
    let ask = billing::ListConnectionsRequest { customer_id: customer_id.to_owned(), ..Default::default() };
    staff.billing().list_connections(ask).await.expect("connections").connections.remove(0)
}

async fn invoices_of(staff: &Client, customer_id: &str) -> Vec<Invoice> {
    let ask = billing::ListInvoicesRequest { customer_id: customer_id.to_owned(), ..Default::default() };
    staff.billing().list_invoices(ask).await.expect("invoices").invoices
}

async fn owner_of(world: &World) -> Client {
    world.signed_in("yellow", Access::Owner).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_left_or_is_stopped_pays_nothing_out_of_the_balance_and_is_asked_for_nothing() {
    let world = World::new().await;
    let owner = owner_of(&world).await;
    let mut people = Vec::new();
    for n in 1..=5 {
        let (client, id) = let_in(&world, &owner, n).await;
        let billing = if n == 5 { ConnectionBilling::Invoiced } else { ConnectionBilling::Prepaid };
        world.connect(&owner, &id, 0, billing, None).await;
        match n {
            5 => drop(world.cash(&owner, &id, 1_500).await),
            _ => cash_for_plan(&world, &owner, &id, 9_000).await,
        }
        people.push((client, id));
    }
    let id = |n: usize| people[n].1.clone();
    let customers = owner.customer();
    let closed = customers.close_customer(CloseCustomerRequest { id: id(0), reason: "Moved away".into() }).await.expect("closed");
    assert_eq!(shillings(&closed.account_balance), 7_500, "what is left is said");
    customers.suspend_customer(SuspendCustomerRequest { id: id(1), reason: "Abuse".into() }).await.expect("suspended");
    let current_password = netily_tests::PASSWORD.to_owned();
    people[2].0.selfservice().close_account(CloseAccountRequest { current_password }).await.expect("closed");
    customers.erase_customer(EraseCustomerRequest { id: id(3), reason: "Asked for it".into() }).await.expect("erased");
    customers.suspend_customer(SuspendCustomerRequest { id: id(4), reason: "Abuse".into() }).await.expect("suspended");
    world.run_due().await;
    let said = world.sms_on(&netily_tests::registration(2).phone_number).await.len();
    let told_of_invoices = world.mails_to(&netily_tests::registration(5).email).await.len();
    for _ in 0..14 {
        world.advance(5 * DAY);
        world.sweep().await;
    }
    let owner = owner_of(&world).await;
    for n in 0..4 {
        assert_eq!(balance(&owner, &id(n)).await, 7_500, "{n}: two months later nothing was used");
    }
    for n in [0, 2, 3] {
        assert_eq!(line_of(&owner, &id(n)).await.status(), ConnectionStatus::Ended, "{n}");
    }
    assert_eq!(world.sms_on(&netily_tests::registration(2).phone_number).await.len(), said, "no reminder");
    assert_eq!(invoices_of(&owner, &id(4)).await.len(), 1, "no invoice but the one before");
    assert_eq!(world.mails_to(&netily_tests::registration(5).email).await.len(), told_of_invoices);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_paid_after_its_customer_was_closed_stays_balance() {
    let world = World::new().await;
    let (customer, owner) = (world.customer("yellow").await, owner_of(&world).await);
    let id = world.customer_id(&customer).await;
    world.initiate(&customer, Target::PlanId(world.service_plan(0))).await.expect("asked for");
    world.run_due().await;
    owner.customer().close_customer(CloseCustomerRequest { id: id.clone(), reason: "Moved away".into() }).await.expect("closed");
    world.answer_prompt(&world.customer_phone("yellow"), "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(balance(&owner, &id).await, 1_500);
    assert_eq!(world.sql().await.count("tenant.connection").await, 0, "nothing is sold to whoever left");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_is_asked_from_then_on_and_for_no_day_of_the_time_away() {
    let world = World::new().await;
    let owner = owner_of(&world).await;
    let (_, invoiced) = let_in(&world, &owner, 1).await;
    let (_, prepaid) = let_in(&world, &owner, 2).await;
    world.connect(&owner, &invoiced, 0, ConnectionBilling::Invoiced, None).await;
    world.cash(&owner, &invoiced, 1_500).await;
    world.connect(&owner, &prepaid, 0, ConnectionBilling::Prepaid, None).await;
    cash_for_plan(&world, &owner, &prepaid, 3_000).await;
    // The next period of the first one is asked for already when it is suspended.
    world.advance(27 * DAY);
    world.sweep().await;
    let owner = owner_of(&world).await;
    for id in [&invoiced, &prepaid] {
        owner.customer().suspend_customer(SuspendCustomerRequest { id: id.clone(), reason: "Abuse".into() }).await.expect("suspended");
    }
    let asked = invoices_of(&owner, &invoiced).await;
    assert_eq!((asked.len(), asked[0].status()), (2, InvoiceStatus::Open));
    world.advance(60 * DAY);
    world.sweep().await;
    let owner = owner_of(&world).await;
    for id in [&invoiced, &prepaid] {
        owner.customer().reactivate_customer(ReactivateCustomerRequest { id: id.clone() }).await.expect("reactivated");
    }
    world.sweep().await;
    let now = world.app.clock.now().timestamp();
    let back = line_of(&owner, &prepaid).await;
    assert_eq!((back.status(), balance(&owner, &prepaid).await), (ConnectionStatus::Active, 0), "paid from the balance");
    assert!((back.period_start.expect("a start").seconds - now).abs() < 120, "from now on");

    let asked = invoices_of(&owner, &invoiced).await;
    assert_eq!(asked.iter().map(Invoice::status).collect::<Vec<_>>(), [InvoiceStatus::Open, InvoiceStatus::Void, InvoiceStatus::Paid]);
    let waits = line_of(&owner, &invoiced).await;
    assert_eq!((waits.status(), waits.paid_until), (ConnectionStatus::Waiting, None));
    world.advance(DAY);
    let owner = owner_of(&world).await;
    world.cash(&owner, &invoiced, 1_500).await;
    let back = line_of(&owner, &invoiced).await;
    let now = world.app.clock.now().timestamp();
    assert_eq!(back.status(), ConnectionStatus::Active);
    assert!((back.period_start.expect("a start").seconds - now).abs() < 120, "no day of the time away is asked for");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_is_listed_and_ended_by_an_owner_once() {
    let world = World::new().await;
    let (owner, staff) = (owner_of(&world).await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&world.customer("yellow").await).await;
    world.cash(&owner, &id, 1_000).await;
    let list = async || staff.billing().list_left_balances(ListLeftBalancesRequest::default()).await.expect("balances").balances;
    assert!(list().await.is_empty(), "whoever is here did not leave");
    owner.customer().close_customer(CloseCustomerRequest { id: id.clone(), reason: "Moved away".into() }).await.expect("closed");
    let left = list().await.remove(0);
    assert_eq!((left.customer_id.as_str(), left.customer_code.as_str(), left.status()), (id.as_str(), "CUST-0001", CustomerStatus::Closed));
    assert_eq!((shillings(&left.balance), left.closed_at.is_some()), (1_000, true));

    let back = RecordBalancePaidBackRequest { customer_id: id.clone(), amount: Some(kes(700)), reason: "In cash".into(), request_id: new_request_id() };
    let refused = staff.billing().record_balance_paid_back(back.clone()).await.expect_err("owners only");
    assert_eq!(refused.reason, ErrorReason::PermissionDenied);
    for _ in 0..2 {
        let done = owner.billing().record_balance_paid_back(back.clone()).await.expect("written down, once");
        assert_eq!((shillings(&done.paid_back), shillings(&done.account_balance)), (700, 300));
    }
    let other = RecordBalancePaidBackRequest { amount: Some(kes(600)), ..back.clone() };
    assert_eq!(owner.billing().record_balance_paid_back(other).await.expect_err("other content").reason, ErrorReason::RequestIdReused);
    for amount in [301, 0, -1] {
        let more = RecordBalancePaidBackRequest { amount: Some(kes(amount)), request_id: new_request_id(), ..back.clone() };
        let refused = owner.billing().record_balance_paid_back(more).await.expect_err("not more than there is");
        assert!(refused.field_violations[0].path.starts_with("amount"), "{refused:?}");
    }
    // Two owners at once: what there is goes once.
    let off = |reason: &str| WriteOffBalanceRequest { customer_id: id.clone(), amount: None, reason: reason.into(), request_id: new_request_id() };
    let billing = owner.billing();
    let (one, two) = tokio::join!(billing.write_off_balance(off("Gone")), billing.write_off_balance(off("Gone too")));
    let done: Vec<_> = [one, two].into_iter().filter_map(Result::ok).collect();
    assert_eq!(done.len(), 1);
    assert_eq!((shillings(&done[0].written_off), shillings(&done[0].account_balance)), (300, 0));
    assert!(list().await.is_empty());
    let kinds = world.sql().await.rows("SELECT kind, amount_minor FROM tenant.customer_entry ORDER BY id").await;
    let wanted = [
        json!({ "kind": "CASH", "amount_minor": 100_000 }),
        json!({ "kind": "PAID_BACK", "amount_minor": -70_000 }),
        json!({ "kind": "WRITE_OFF", "amount_minor": -30_000 }),
    ];
    assert_eq!(kinds, wanted);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_or_another_invoice_that_is_not_paid_takes_the_line_off_until_it_is() {
    let world = World::new().await;
    let owner = owner_of(&world).await;
    let (customer, id) = let_in(&world, &owner, 1).await;
    let line = world.connect(&owner, &id, 0, ConnectionBilling::Prepaid, None).await;
    cash_for_plan(&world, &owner, &id, 1_500).await;
    let change = ChangePlanRequest { connection_id: line.id.clone(), plan_id: world.service_plan(1) };
    let upgrade = owner.billing().change_plan(change).await.expect("changed").invoice.expect("an invoice");
    assert_eq!(upgrade.kind(), InvoiceKind::Proration);
    let status = async |owner: &Client| line_of(owner, &id).await.status();
    // Due in seven days, reminded of then, off three days later.
    for day in 1..=11 {
        world.advance(DAY);
        world.sweep().await;
        let wanted = if day < 10 { ConnectionStatus::Active } else { ConnectionStatus::Suspended };
        assert_eq!(status(&owner_of(&world).await).await, wanted, "day {day}");
    }
    let told = world.sms_on(&netily_tests::registration(1).phone_number).await;
    let about = |words: &str| told.iter().filter(|text| text.contains(words)).count();
    assert_eq!((about("is overdue"), about("is off")), (1, 1), "{told:#?}");

    // Money for another period pays first what keeps the line off.
    let owner = owner_of(&world).await;
    let owed = shillings(&upgrade.total);
    cash_for(&world, &owner, &id, 1, 2_500).await;
    assert_eq!(world.look_at_invoice(&owner, &upgrade.id).await.status(), InvoiceStatus::Paid);
    assert_eq!((status(&owner).await, balance(&owner, &id).await), (ConnectionStatus::Active, 2_500 - owed), "the rest does not reach for a period");

    // An invoice of staff's own has the same consequence; taken back, the line is on.
    let cable = world.invoice(&owner, &id, 100_000).await;
    world.advance(11 * DAY);
    world.sweep().await;
    world.sweep().await;
    let owner = owner_of(&world).await;
    assert_eq!(status(&owner).await, ConnectionStatus::Suspended);
    owner.billing().void_invoice(VoidInvoiceRequest { id: cable.id, reason: "Wrong".into() }).await.expect("taken back");
    assert_eq!(status(&owner).await, ConnectionStatus::Active);
    drop(customer);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_line_is_asked_for_no_more_and_gives_unused_time_back_if_the_isp_says_so() {
    let world = World::new().await;
    let owner = owner_of(&world).await;
    for (n, credit) in [(1, false), (2, true)] {
        let wanted = BillingSettings { credit_unused: Some(credit), ..Default::default() };
        let set = owner.billing().update_billing_settings(UpdateBillingSettingsRequest { settings: Some(wanted) }).await.expect("set").settings;
        assert_eq!(shillings(&set.expect("settings").cash_limit), 50_000, "what is absent stays");
        let (_, id) = let_in(&world, &owner, n).await;
        let line = world.connect(&owner, &id, 0, ConnectionBilling::Invoiced, None).await;
        world.cash(&owner, &id, 1_500).await;
        let ended = owner.billing().end_connection(EndConnectionRequest { id: line.id.clone() }).await.expect("ended");
        let wanted = if credit { 1_499..=1_500 } else { 0..=0 };
        assert!(wanted.contains(&shillings(&ended.credited)), "{ended:?}");
        assert!(wanted.contains(&balance(&owner, &id).await));
        let again = owner.billing().end_connection(EndConnectionRequest { id: line.id }).await.expect("the same");
        assert_eq!(shillings(&again.credited), 0);
        // A new one whose invoice is not paid: ended, nothing is owed for it.
        let line = world.connect(&owner, &id, 1, ConnectionBilling::Invoiced, None).await;
        owner.billing().end_connection(EndConnectionRequest { id: line.id }).await.expect("ended");
        let open: Vec<_> = invoices_of(&owner, &id).await.into_iter().filter(|invoice| invoice.status() == InvoiceStatus::Open).collect();
        assert!(open.is_empty(), "{open:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_paper_of_an_invoice_that_was_paid_late_names_the_period_that_was_delivered() {
    let world = World::new().await;
    let owner = owner_of(&world).await;
    let (_, id) = let_in(&world, &owner, 1).await;
    world.connect(&owner, &id, 0, ConnectionBilling::Invoiced, None).await;
    world.cash(&owner, &id, 1_500).await;
    world.advance(27 * DAY);
    world.sweep().await;
    world.advance(20 * DAY);
    world.sweep().await;
    let owner = owner_of(&world).await;
    world.cash(&owner, &id, 1_500).await;
    let (line, invoice) = (line_of(&owner, &id).await, invoices_of(&owner, &id).await.remove(0));
    assert_eq!(invoice.status(), InvoiceStatus::Paid);
    assert_eq!((invoice.period_start, invoice.period_end), (line.period_start, line.paid_until));
    world.finish().await;
}
