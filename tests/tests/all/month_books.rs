//! A month's books: statements of customers, lists for a spreadsheet, the trial balance and its closing, and Netily's own invoices.

use std::time::Duration;

use netily_sdk::Client;
use netily_sdk::billing::{GetCustomerStatementRequest, VoidOfflinePaymentRequest};
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
