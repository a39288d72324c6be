//! A month's books: statements of customers, lists for a spreadsheet, the trial balance and its closing, and Netily's own invoices.

use std::time::Duration;

use netily_sdk::Client;
use netily_sdk::billing::{GetCustomerStatementRequest, RecordOfflinePaymentRequest, VoidOfflinePaymentRequest};
use netily_sdk::platform::{self, Book, CloseMonthRequest, GetTrialBalanceRequest, ReopenMonthRequest, TrialBalance};
use netily_sdk::selfservice::{GetStatementRequest, initiate_payment_request::Target};
use netily_sdk::types::{AccountStatement, ErrorReason, StatementFormat};
use netily_tests::{Access, World, kes, shillings};

const DAY: Duration = Duration::from_secs(86_400);

/// Today in Nairobi.
fn today(world: &World) -> String {
    netily::calendar::day_of(world.app.clock.now()).to_string()
}

async fn statement(client: &Client, from: &str, to: &str, format: StatementFormat) -> Result<AccountStatement, netily_sdk::Error> {
    let ask = GetStatementRequest { from: from.into(), to: to.into(), format: format.into() };
    Ok(client.selfservice().get_statement(ask).await?.statement.expect("a statement"))
}

/// Asserts that the opening balance and the entries make the closing balance, line by line.
fn adds_up(of: &AccountStatement) {
    let minor = |money: &Option<netily_sdk::types::Money>| money.as_ref().expect("an amount").amount_minor;
    let mut balance = minor(&of.opening_balance);
    for entry in &of.entries {
        balance += minor(&entry.amount);
        assert_eq!(balance, minor(&entry.balance), "{entry:?}");
    }
    assert_eq!(balance, minor(&of.closing_balance), "{of:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_statement_adds_up_from_day_to_day_and_is_nobody_elses() {
    let world = World::new().await;
    let (customer, owner) = (world.customer("yellow").await, world.signed_in("yellow", Access::Owner).await);
    let id = world.customer_id(&customer).await;
    let first = today(&world);
    world.pay(&customer, Target::Amount(kes(400))).await;
    let invoice = world.invoice(&owner, &id, 300).await;
    world.app.clock.advance(DAY);
    let second = today(&world);
    let (customer, owner) = (world.customer("yellow").await, world.signed_in("yellow", Access::Owner).await);
    let cash = world.cash(&owner, &id, 50).await;
    let taken_back = world.cash(&owner, &id, 70).await;
    owner.billing().void_offline_payment(VoidOfflinePaymentRequest { id: taken_back.id, reason: "A slip".into() }).await.expect("taken back");

    let before = statement(&customer, &first, &first, StatementFormat::Unspecified).await.expect("a statement");
    adds_up(&before);
    let words: Vec<&str> = before.entries.iter().map(|entry| entry.description.as_str()).collect();
    assert_eq!(words, ["Payment by M-Pesa", &format!("Invoice {}", invoice.invoice_number)]);
    assert_eq!((shillings(&before.opening_balance), shillings(&before.closing_balance)), (0, 100));
    assert!(before.content.is_empty());

    let after = statement(&customer, &second, &second, StatementFormat::Csv).await.expect("a statement");
    adds_up(&after);
    assert_eq!(before.closing_balance, after.opening_balance, "one day's end is the next one's begin");
    assert_eq!(after.entries.iter().map(|entry| shillings(&entry.amount)).collect::<Vec<_>>(), [50, 70, -70]);
    assert_eq!(after.entries[0].receipt, cash.mpesa_receipt);
    assert_eq!(after.closing_balance, world.dashboard(&customer).await.account_balance);
    let file = String::from_utf8(after.content.clone()).expect("text");
    assert_eq!(file.lines().count(), 6, "{file}");
    assert!(file.ends_with(",Closing balance,,,150.00\r\n"), "{file}");

    // Staff see the same, and a paper of it.
    let ask = GetCustomerStatementRequest { customer_id: id.clone(), from: first.clone(), to: second.clone(), format: StatementFormat::Pdf.into() };
    let whole = owner.billing().get_customer_statement(ask.clone()).await.expect("a statement").statement.expect("a statement");
    adds_up(&whole);
    assert_eq!(whole.entries.len(), 5);
    assert!(whole.content.starts_with(b"%PDF-") && whole.content_type == "application/pdf" && whole.file_name.ends_with(".pdf"), "{}", whole.file_name);

    let blue = world.signed_in("blue", Access::Staff).await;
    assert_eq!(blue.billing().get_customer_statement(ask).await.expect_err("another ISP's").reason, ErrorReason::NotFound);
    for (from, to) in [(second.as_str(), first.as_str()), ("yesterday", ""), ("", "2099-01-01")] {
        let refused = statement(&customer, from, to, StatementFormat::Unspecified).await.expect_err("no such days");
        assert_eq!(refused.reason, ErrorReason::InvalidArgument, "{from} {to}");
    }
    world.finish().await;
}

async fn trial_balance(operator: &Client, month: &str) -> TrialBalance {
    let answer = operator.platform().get_trial_balance(GetTrialBalanceRequest { month: month.into() }).await.expect("a trial balance");
    answer.trial_balance.expect("a trial balance")
}

async fn close_month(operator: &Client, month: &str) -> Result<TrialBalance, netily_sdk::Error> {
    Ok(operator.platform().close_month(CloseMonthRequest { month: month.into() }).await?.trial_balance.expect("what was written down"))
}

/// Moves the clock to noon of a day of the next month.
fn into_next_month(world: &World, day: i64) {
    let now = world.app.clock.now();
    let next = netily::calendar::Month::of(now).end() + chrono::TimeDelta::days(day - 1) + chrono::TimeDelta::hours(12);
    world.advance((next - now).to_std().expect("it is ahead"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_balances_is_closed_in_its_order_and_takes_nothing_back_dated_until_two_open_it() {
    let world = World::new().await;
    let operator = world.operator().await;
    let customer = world.customer("yellow").await;
    let id = world.customer_id(&customer).await;
    world.pay(&customer, Target::Amount(kes(400))).await;
    let month = netily::calendar::Month::of(world.app.clock.now());
    let (this, next) = (month.to_string(), month.next().to_string());

    let open = trial_balance(&operator, &this).await;
    assert_eq!((shillings(&open.total_debits), shillings(&open.total_balance)), (shillings(&open.total_credits), 0));
    let of = |account: &str| open.lines.iter().find(|line| line.book() == Book::Ledger && line.isp_slug == "yellow" && line.account == account);
    assert_eq!(of("ISP_PAYABLE").map(|line| shillings(&line.balance)), Some(-380), "{:?}", open.lines);
    assert_eq!(of("PLATFORM_REVENUE").map(|line| shillings(&line.credits)), Some(20));
    assert_eq!(close_month(&operator, &this).await.expect_err("it is not over").reason, ErrorReason::StateConflict);

    into_next_month(&world, 2);
    let (operator, second) = (world.operator().await, world.another_operator().await);
    assert_eq!(close_month(&operator, &next).await.expect_err("an earlier one is open").reason, ErrorReason::StateConflict);
    let written = close_month(&operator, &this).await.expect("closed");
    assert_eq!(written.lines, open.lines, "what was written down is what stood there");
    assert_eq!(close_month(&operator, &this).await.expect_err("it is closed").reason, ErrorReason::StateConflict);
    assert!(trial_balance(&operator, &this).await.closed_at.is_some());

    let owner = world.signed_in("yellow", Access::Owner).await;
    let received = world.app.clock.now() - chrono::TimeDelta::days(3);
    let cash = || RecordOfflinePaymentRequest {
        customer_id: id.clone(),
        amount: Some(kes(50)),
        received_at: Some(prost_types::Timestamp { seconds: received.timestamp(), nanos: 0 }),
        request_id: uuid::Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let refused = owner.billing().record_offline_payment(cash()).await.expect_err("the month is closed");
    assert_eq!((refused.reason, refused.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, "received_at"), "{refused}");

    let ask = ReopenMonthRequest { month: this.clone(), note: "Cash was found in a drawer.".into() };
    for _ in 0..2 {
        assert!(operator.platform().reopen_month(ask.clone()).await.expect("asked").needs_another_operator, "one is not enough, nor one twice");
    }
    assert!(!second.platform().reopen_month(ask).await.expect("agreed").needs_another_operator);
    owner.billing().record_offline_payment(cash()).await.expect("it is open again");
    let again = close_month(&second, &this).await.expect("closed again");
    let received = again.lines.iter().find(|line| line.book() == Book::Cash && line.account == "RECEIVED").expect("the cash");
    assert_eq!(shillings(&received.debits), 50);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_streams_of_csv_of_ones_own_and_say_every_row_once() {
    let world = World::new().await;
    let customer = world.customer("yellow").await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let id = world.customer_id(&customer).await;
    world.pay(&customer, Target::Amount(kes(400))).await;
    world.cash(&owner, &id, 50).await;
    let invoice = world.invoice(&owner, &id, 300).await;
    world.earn("blue-harbour", 3).await;

    let mut text = Vec::new();
    let mut payments = owner.billing().stream_payments(Default::default()).await.expect("a stream");
    while let Some(piece) = payments.message().await.expect("a piece") {
        text.extend(piece.chunk);
    }
    let text = String::from_utf8(text).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("isp,id,") && lines[1..].iter().all(|line| line.starts_with("yellow,")), "{text}");
    assert!(lines[1].contains(",400.00,") && lines[2].contains(",50.00,"), "{text}");

    let mut invoices = owner.billing().stream_invoices(Default::default()).await.expect("a stream");
    let mut text = Vec::new();
    while let Some(piece) = invoices.message().await.expect("a piece") {
        text.extend(piece.chunk);
    }
    assert!(String::from_utf8(text).expect("text").contains(&invoice.invoice_number));

    let operator = world.operator().await;
    let mut commissions = operator.platform().stream_commissions(platform::StreamCommissionsRequest::default()).await.expect("a stream");
    let mut text = Vec::new();
    while let Some(piece) = commissions.message().await.expect("a piece") {
        text.extend(piece.chunk);
    }
    let text = String::from_utf8(text).expect("text");
    let of: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').next().expect("an ISP")).collect();
    assert_eq!(of, ["blue", "yellow"], "{text}");
    assert!(text.contains(",400.00,") && text.contains(",20.00,380.00,"), "{text}");
    world.finish().await;
}
